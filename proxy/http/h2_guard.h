/* SPDX-License-Identifier: Apache-2.0 */
/*
 * h2_guard: how much of what costs us more than the peer a peer may do.
 *
 * A bucket holds `burst` tokens and gets `per_s` of them back a second. Time is
 * an argument in milliseconds and may stand still or jump back.
 */
#pragma once

#include "proxy/base/span.h"

struct h2_bucket {
    uint64_t millis; /* thousandths of tokens left */
    uint64_t at_ms;  /* when they were counted */
    uint32_t burst;
    uint32_t per_s;
};

void h2_bucket_init(struct h2_bucket *b, uint32_t burst, uint32_t per_s);

/* Take `n` tokens; false if there are fewer, and then all are gone. */
MUST_CHECK bool h2_bucket_take(struct h2_bucket *b, uint32_t n,
                               uint64_t now_ms);

#define H2_GAPS_MAX                                                            \
    8 /* that are remembered: honest clients leave one, or none */

/*
 * Walks over a peer's bytes from frame to frame, to see what nghttp2 passes
 * over in silence: PRIORITY, frames of a type it does not know, and a client's
 * HEADERS or DATA on a stream that a higher one closed before it was opened
 * (RFC 9113 §5.1.1). nghttp2 cannot tell such a one from a stream that it forgot.
 */
struct h2_walk {
    uint64_t skip; /* bytes until the next frame's head */
    unsigned char head[9];
    uint8_t head_n; /* bytes of the head so far */
    uint8_t n_gaps;
    bool is_client; /* whose bytes these are */
    bool went_back; /* it did that */
    uint32_t next;  /* a client's: its lowest stream that may be opened yet */
    struct h2_gap { /* streams that never will be; the latest gaps, in a ring */
        uint32_t first, last;
    } gaps[H2_GAPS_MAX];
};

/* At the very beginning; a client's bytes begin with the preface. */
void h2_walk_init(struct h2_walk *w, bool is_client);

/* How many such frames begin in these bytes. */
size_t h2_walk(struct h2_walk *w, span bytes);
