/* SPDX-License-Identifier: Apache-2.0 */
/*
 * query: parameters of a query string, "a=1&b=2", changed one at a time.
 *
 * What is not touched keeps its bytes and its place. Names are compared decoded
 * ("a%62" is "ab"); `name`, `to` and `value` arguments are plain text and are
 * encoded when written. All results are in the arena or point into the query.
 */
#pragma once

#include "proxy/base/arena.h"
#include "proxy/base/err.h"

struct query_param {
    span name;  /* undecoded */
    span value; /* undecoded; empty without '=' */
    bool has_value;
};

/* The next one of `rest`; false at the end. Empty ones ("&&") are passed over. */
bool query_next(span *rest, struct query_param *out);

/*
 * The decoded value of the first parameter `name`. ERR_NOT_FOUND: there is
 * none. ERR_LIMIT: the arena is full.
 */
MUST_CHECK enum err_code query_get(struct arena *a, span query, span name,
                                   span *value);

/* How many there are of that name. */
size_t query_count(span query, span name);

/*
 * Each of these makes a new query in *out; ERR_LIMIT if the arena is full.
 * Rename or remove every parameter `name`; put one at the end; replace the value
 * of the first and remove the others (added if there is none).
 */
MUST_CHECK enum err_code query_rename(struct arena *a, span query, span name,
                                      span to, span *out);
MUST_CHECK enum err_code query_remove(struct arena *a, span query, span name,
                                      span *out);
MUST_CHECK enum err_code query_add(struct arena *a, span query, span name,
                                   span value, span *out);
MUST_CHECK enum err_code query_set(struct arena *a, span query, span name,
                                   span value, span *out);
