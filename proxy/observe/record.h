/* SPDX-License-Identifier: Apache-2.0 */
/*
 * record: what was decided for one request, as facts without payload.
 *
 * A worker packs records one behind the other into a datagram and sends it to
 * control over its report descriptor, once a batch and never waiting: what does
 * not go out is dropped and counted. Control reads them back as bytes from
 * outside, since a worker is what clients talk to. No header value, no body, no
 * subject: only its bucket.
 */
#pragma once

#include "proxy/base/buf.h"

#define RECORD_DATAGRAM_MAX 16384 /* bytes of one datagram of records */
#define RECORD_BYTES_MAX    4096  /* bytes of one packed record, at most */
#define RECORD_TEXT_MAX     512   /* bytes of one text; longer ones are cut */

/* One table: struct, packing, and the names in `stile explain --json`. */
#define RECORD_NUMBERS(X)                                                      \
    X(time_ms, "wall clock when the request's head was whole")                 \
    X(generation, "which configuration answered")                              \
    X(worker, "which worker")                                                  \
    X(status, "what the client got; 0: it left before")                        \
    X(pool_status, "what the pool answered; 0: it was not asked or failed")    \
    X(subject_known, "1: a subject was found")                                 \
    X(bucket, "of a million; 0 without subject")                               \
    X(weight_ppm, "the effective weight it was compared with")                 \
    X(step, "of the rollout it was in; 0: none, or its canary is for nobody")  \
    X(canary, "1: on the canary")                                              \
    X(fallback, "1: the canary's, served by the baseline as it was down")      \
    X(cell_halted, "1: the canary's, and a gate halted its cell")              \
    X(request_bytes, "of the request's body, as it came")                      \
    X(answer_bytes, "of the answer's body, as it went")                        \
    X(translate_us, "microseconds spent in translation, both ways")            \
    X(pool_us, "microseconds until the pool's head came")                      \
    X(total_us, "microseconds, first byte to last")                            \
    X(notices, "notices of the translation, kept or not")

#define RECORD_TEXTS(X)                                                        \
    X(id, "the request's id")                                                  \
    X(method, "as in the request line")                                        \
    X(route, "the route's name")                                               \
    X(platform, "what the platform header said; empty without")                \
    X(version_from, "the client's version; empty on a plain route")            \
    X(version_source, "what told it: header, media, client, default, ...")     \
    X(version_to, "the pool's version")                                        \
    X(rollout, "the rollout it was in; empty without")                         \
    X(cell, "of that rollout: what its gates count it as")                     \
    X(pool, "the pool's name")                                                 \
    X(endpoint, "host:port that was asked")                                    \
    X(request_type, "the type the request's body was read as")                 \
    X(answer_type, "the type the answer's body was read as")                   \
    X(changes, "the changes applied, in order, commas between")                \
    X(notice, "the first notices, newlines between")                           \
    X(problem, "the sentence of the problem document, if it was one")

struct record {
#define X(name, doc) uint64_t name;
    RECORD_NUMBERS(X)
#undef X
#define X(name, doc) span name;
    RECORD_TEXTS(X)
#undef X
};

/*
 * Append one, packed, to a datagram. Texts over RECORD_TEXT_MAX are cut, later
 * ones to nothing once the record is full. False, and nothing appended, if the
 * datagram has no room: send it and start afresh.
 */
MUST_CHECK bool record_put(struct buf *datagram, const struct record *r);

/*
 * Take the first record off `datagram`; its texts point into it. False at the
 * end, and at the first byte that is no record: then the rest is dropped.
 */
MUST_CHECK bool record_take(span *datagram, struct record *out);
