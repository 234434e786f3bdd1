/* SPDX-License-Identifier: Apache-2.0 */
/*
 * problem: what we answer ourselves, as application/problem+json (RFC 9457).
 *
 * Always about the message as the client sent it, in its version's terms:
 * pointers into a backend's document go to the log alone. Members that are
 * empty are left out.
 */
#pragma once

#include "proxy/base/buf.h"
#include "proxy/http/head.h"

struct exchange;

struct problem_doc {
    unsigned status;
    const char *type; /* the last part of the URN; NULL: about:blank */
    span detail;
    span pointer;
    span change;
    span file;
    unsigned line;
    span from;
    span to;
    span versions;     /* "v1, v2, v3" */
    span link;         /* a whole Link field value */
    span allow;        /* a whole Allow field value, of a 405 */
    const char *limit; /* the limit that was reached, for the metric */
    unsigned retry_after_s;
    bool closes;  /* the connection ends after it */
    bool is_ours; /* a failure on our or the pool's side, for the log */
    /* Type and detail are literals, the other members always the same. */
    bool is_frequent;
};

/* A document of this status with one sentence (a literal). */
struct problem_doc problem_plain(unsigned status, const char *detail);

/* The body, and the head that goes with it; both in x's arena. False at its limit. */
MUST_CHECK bool problem_write(struct exchange *x, const struct problem_doc *p,
                              struct http_head *head, span *body);
