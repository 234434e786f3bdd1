/* SPDX-License-Identifier: Apache-2.0 */
/*
 * facts: a request's head, as far as routing looks at it.
 *
 * A view and no more: fields are asked for one at a time through `field`, so
 * this room knows no codec and nothing is copied.
 */
#pragma once

#include "proxy/base/span.h"

/*
 * The `nth` value (from 0) of the fields called `name` (compare without case)
 * of `message`; false if there are not so many. An empty value is a value.
 */
typedef bool (*facts_field_fn)(const void *message, span name, size_t nth,
                               span *value);

struct facts {
    span method;
    span path;        /* percent-encoded, without query; begins with '/' */
    span query;       /* without '?'; empty if there is none */
    span certificate; /* the verified client certificate's name, or empty */
    bool has_body;    /* a body follows the head (even an empty chunked one) */
    facts_field_fn field;
    const void *message;
};

/* The first value of a field, trimmed; false if there is none or it is empty. */
bool facts_header(const struct facts *f, span name, span *value);

/* A cookie's value, quotes kept; Cookie fields may be many (HTTP/2). */
bool facts_cookie(const struct facts *f, span name, span *value);

/*
 * The `nth` parameter called `name` (both decoded, '+' a space) of a query
 * string; *value is as it came, encoded. False if there are not so many.
 */
bool facts_query(span query, span name, size_t nth, span *value);

/* Is `encoded`, a name or value of a query string, `plain` when decoded? */
bool facts_query_is(span encoded, span plain);
