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

/*
 * Walks over a peer's bytes from frame to frame, to see what nghttp2 passes
 * over in silence: PRIORITY, and frames of a type it does not know.
 */
struct h2_walk {
    uint64_t skip; /* bytes until the next frame's head */
    unsigned char head[9];
    uint8_t head_n; /* bytes of the head so far */
};

/* At the very beginning; `has_preface`: a client's bytes begin with one. */
void h2_walk_init(struct h2_walk *w, bool has_preface);

/* How many such frames begin in these bytes. */
size_t h2_walk(struct h2_walk *w, span bytes);
