/* SPDX-License-Identifier: Apache-2.0 */
/*
 * head: all that one message says before its body, h1 or h2, either direction.
 *
 * The codec has understood it already: what frames the message or belongs to
 * one connection (Host, Content-Length, Transfer-Encoding, Connection and what
 * it names, Keep-Alive, TE, Upgrade, Expect, ...) is in the members below and
 * *not* among the fields; the writers make those lines anew. So nobody reads a
 * length in two places, and what is forwarded is what was understood.
 *
 * The head, its fields and all bytes they point at live in one arena, the
 * request's. Members may be changed freely; the writers check them again.
 */
#pragma once

#include "proxy/http/fields.h"
#include "proxy/http/method.h"
#include "proxy/http/status.h"

enum http_version {
    HTTP_1_0,
    HTTP_1_1,
    HTTP_2,
};

/* How the body ends. */
enum http_body {
    HTTP_BODY_NONE,    /* there is none, not even of length 0 */
    HTTP_BODY_SIZED,   /* head.length bytes */
    HTTP_BODY_CHUNKED, /* of unknown length, its end marked: chunks, END_STREAM */
    HTTP_BODY_UNTIL_CLOSE, /* an h1 answer that ends with its connection */
};

struct http_head {
    /* A request's. */
    enum method method;
    span method_token;
    span scheme; /* "http", "https", or empty on h1 in origin-form */
    span
        authority; /* "Example.com:8080" as it came; empty: HTTP/1.0 without Host */
    span host;     /* its name alone, lower-case, an IPv6 address in [] */
    uint16_t port;  /* its port; 0 if it says none */
    span path;      /* "/a/b%20c" undecoded, or "*" for OPTIONS; never empty */
    span query;     /* without '?'; undecoded */
    bool has_query; /* "/a?" has an empty one */
    bool expects_continue; /* wants a 100 before it sends the body */
    bool takes_trailers;   /* TE: trailers */

    /* An answer's. */
    int status;

    /* Both. */
    enum http_version version;
    enum http_body body;
    bool
        has_length; /* a length was declared; the answer to HEAD has one and no body */
    uint64_t length; /* body bytes, if has_length */
    bool keep_alive; /* the peer is willing to go on after this message */
    span upgrade;    /* protocols it asks or offers to switch to; often empty */
    struct fields fields;
};

/* A head with nothing in it: HTTP/1.1, keep_alive, no body. */
void head_init(struct http_head *h, struct arena *a);

/* An answer of ours: `status`, no fields, a body of `length` bytes. */
void head_init_answer(struct http_head *h, struct arena *a, int status,
                      uint64_t length);

/* A copy whose bytes are all in `a` (a retry, another request). False at its limit. */
MUST_CHECK bool head_copy(const struct http_head *h, struct arena *a,
                          struct http_head *out);

/* Name and number of the authority, checked: into host and port. */
MUST_CHECK enum err_code head_set_authority(struct http_head *h,
                                            span authority);

/* What it says, in bytes as HTTP/1.1 writes it, but for what frames the body. */
size_t head_bytes(const struct http_head *h);

/* "/a?b" as one span in the arena; empty with a null pointer at its limit. */
span head_target(const struct http_head *h);

/* Shorthand for the list's functions. */
static inline const struct field *
head_find(const struct http_head *h, enum field_id id)
{
    return fields_find(&h->fields, id);
}

static inline const struct field *
head_get(const struct http_head *h, span name)
{
    return fields_get(&h->fields, name);
}

static inline span
head_value(const struct http_head *h, enum field_id id)
{
    return fields_value(&h->fields, id);
}

MUST_CHECK static inline enum err_code
head_add(struct http_head *h, span name, span value)
{
    return fields_add(&h->fields, name, value);
}

MUST_CHECK static inline enum err_code
head_set(struct http_head *h, span name, span value)
{
    return fields_set(&h->fields, name, value);
}

static inline size_t
head_remove(struct http_head *h, span name)
{
    return fields_remove(&h->fields, name);
}

/* The value of cookie `name` (case counts) in any Cookie field; false if there is none. */
bool head_cookie(const struct http_head *h, span name, span *value);
