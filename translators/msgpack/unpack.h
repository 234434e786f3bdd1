/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unpack: a MessagePack document as JSON, as its bytes come.
 *
 * The JSON is compact, its texts minimally escaped, its numbers as number.h spells
 * them. All that passes is checked: heads, UTF-8, depth, nothing behind the end.
 * What JSON has no form for is refused: bytes, extensions (unless they are carried:
 * json/carried.h), keys that are no texts, NaN and the infinities. Members keep their order, doubled keys too.
 *
 * Holds a head and the keys around where it is; allocates by what came, never by
 * what a head announces.
 */
#pragma once

#include "proxy/base/arena.h"
#include "proxy/base/buf.h"

struct unpack; /* one document on its way; in the arena it was made in */

/* NULL: `a` is full. `depth_max` is cut down to JSON_DEPTH_MAX. */
MUST_CHECK struct unpack *unpack_new(struct arena *a, size_t depth_max);

/* Said before the first byte: what comes is read by those who know what is carried. */
void unpack_carries(struct unpack *u);

enum unpack_verdict {
    UNPACK_OK,
    UNPACK_BAD,      /* no MessagePack, or not UTF-8 */
    UNPACK_TOO_DEEP, /* more than depth_max open containers */
    UNPACK_NO_FORM,  /* JSON has none for this */
    UNPACK_NO_ROOM   /* `out` is full */
};

/* More of the document, appended to `out`. A failure is final. */
MUST_CHECK enum unpack_verdict unpack_feed(struct unpack *u, span bytes,
                                           struct buf *out);

/* No more comes: is the document whole? */
MUST_CHECK enum unpack_verdict unpack_end(struct unpack *u);

/* After a failure: what was wrong, in words, at which offset, and where (RFC 6901). */
const char *unpack_words(const struct unpack *u);
uint64_t unpack_offset(const struct unpack *u);
void unpack_pointer(const struct unpack *u, struct buf *out);
