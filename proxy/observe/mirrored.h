/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mirrored: what a worker tells of two answers that it compared.
 *
 * One comparison is one datagram to control, beside those of record.h and as
 * little waited for. Control reads it as bytes from outside. Places, types and
 * lengths; never a value.
 */
#pragma once

#include "proxy/base/buf.h"

#define MIRRORED_DATAGRAM_MAX                                                  \
    16384                      /* bytes of one; what has no room is "others" */
#define MIRRORED_TEXT_MAX 1024 /* bytes of one text; longer ones are cut */

struct mirrored {
    uint32_t pair; /* an enum shadow_pair */
    uint32_t
        is_skipped; /* 1: it could not be compared; no differences follow */
    span route;
};

struct mirrored_difference {
    uint32_t kind; /* an enum shadow_kind */
    span place;
    span baseline, other;
};

/* Begin a datagram; `b` is empty and holds MIRRORED_DATAGRAM_MAX. */
void mirrored_begin(struct buf *b, const struct mirrored *m);

/* Append one. False: there is no room, and nothing was appended; room for one
 * of short texts is kept for who says how it ends. */
MUST_CHECK bool mirrored_add(struct buf *b,
                             const struct mirrored_difference *d);

/* The last one, into the room that was kept: that there were others. */
void mirrored_others(struct buf *b, uint32_t kind);

/* Is this such a datagram? Then *out is filled and *datagram behind its head. */
MUST_CHECK bool mirrored_take(span *datagram, struct mirrored *out);

/* The next difference, its texts pointing into the datagram; false at the end, and
 * at the first byte that is none: then *datagram is not empty. */
MUST_CHECK bool mirrored_next(span *datagram, struct mirrored_difference *out);
