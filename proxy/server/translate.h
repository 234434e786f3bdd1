/* SPDX-License-Identifier: Apache-2.0 */
/*
 * translate: leads one body, and its head, through a program.
 *
 * Output is kept until the body has ended well or the commit limit is reached,
 * whichever is first, so that a message that fails early is never begun. The
 * limits on what is held are the engine's and ours; each is a status.
 */
#pragma once

#include "proxy/base/buf.h"
#include "proxy/http/head.h"
#include "proxy/server/coding.h"
#include "translators/translation.h"

struct exchange;
struct problem_doc;

struct translate {
    const struct program *program;
    struct translation *t;
    bool has_body;  /* bytes go through translate_feed */
    bool is_joint;  /* head and body are one: nothing is known before its end */
    bool is_whole;  /* translate_end went well */
    uint64_t us;    /* spent in the engine */
    struct buf out; /* what it wrote and nobody took, coded as it came */

    /* A coded body: taken off before the engine, put on again after it. */
    enum coding coding;
    struct decoder *decoder;
    struct encoder *encoder;
    struct buf plain; /* what the engine wrote */
    uint64_t coded_bytes, inflated_bytes;
};

/* What the translator is told of a message. */
void translate_message(const struct exchange *x, enum message_side side,
                       const struct http_head *h, struct message *out);

/*
 * Find and open the program for x's request, and bring `h`, the head the pool
 * will be sent, into the pool's version. False: `p` is filled, refuse with it.
 */
MUST_CHECK bool translate_request(struct exchange *x, struct http_head *h,
                                  struct problem_doc *p);

/* The same for the pool's answer, on its way to the client's version. */
MUST_CHECK bool translate_answer(struct exchange *x, struct http_head *h,
                                 struct problem_doc *p);

/* Feed bytes, or end. False: `p` is filled. */
MUST_CHECK bool translate_feed(struct exchange *x, struct translate *tr,
                               span bytes, struct problem_doc *p);
MUST_CHECK bool translate_end(struct exchange *x, struct translate *tr,
                              struct problem_doc *p);

/*
 * The first bytes of the request's body as its marker is looked for in: without
 * its coding, at most `max`, in x->peek. `seen` is all that has come. False: it is
 * in no coding we know, or is not what it says.
 */
MUST_CHECK bool translate_peek(struct exchange *x, span seen, size_t max);

/* What failed: counted, and told in `p`. */
void translate_fault(struct exchange *x, const struct translate *tr,
                     bool is_answer, struct problem_doc *p);

/* The program that a 200 to this request would meet; NULL without one. */
const struct program *translate_expected(struct exchange *x);

/*
 * The program of the body that the answer `h` is about: its own, that of the GET
 * which HEAD stands for, or that of what a 304 says is stored. NULL without one.
 */
const struct program *translate_told(struct exchange *x,
                                     const struct http_head *h);

/*
 * The entity tags that conditions of the request name, without what we put
 * after them on the way out; and that put after the answer's own.
 */
void translate_conditions(struct exchange *x, struct http_head *h);
void translate_etag(struct exchange *x, struct http_head *h);

/* `lossy;change="customer-ref";n=2, ...` for the answer; empty without any. */
span translate_notices(struct exchange *x);
