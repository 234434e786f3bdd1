/* SPDX-License-Identifier: Apache-2.0 */
/*
 * forward: a head on its way, in our words.
 *
 * What belongs to one connection the codecs have taken out already. Here comes
 * what a proxy must say (Via, who the client is), what the route says (set,
 * remove), and what versions need: the words that named one rewritten, the
 * version told on the answer. Who sends Forwarded fields is believed only from
 * `trust`; from anybody else they are replaced.
 */
#pragma once

#include "proxy/http/head.h"

struct exchange;
struct translate;

/* A request id: the client's own if it is sane, else a new one. */
void forward_id(struct exchange *x);

/* The trace that a request belongs to: what is malformed is taken out. */
void forward_trace(struct exchange *x);

/* The head for the pool. False: the arena is full, or a field would be malformed. */
MUST_CHECK bool forward_request(struct exchange *x, struct http_head *h);

/* The head for the client. */
MUST_CHECK bool forward_answer(struct exchange *x, struct http_head *h);

/* What a 103 hints at, of the answer to come. False: better not at all. */
MUST_CHECK bool forward_hints(struct exchange *x, struct http_head *h);

/* Trailers without what is true of the bytes alone that `tr` was told. */
const struct fields *forward_trailers(struct exchange *x,
                                      const struct translate *tr,
                                      const struct fields *trailers);

/* What a version's client is told, also on our own answers. */
MUST_CHECK bool forward_version(struct exchange *x, struct http_head *h);

/* The head of a route's own answer. */
MUST_CHECK bool forward_own(struct exchange *x, struct http_head *h);
