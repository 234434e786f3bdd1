/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pace: does a peer take what waits for it, and fast enough?
 *
 * Two rules: something moves within a time, and over a longer one at least so
 * many bytes a second do. Pure: the time and how many bytes the peer has taken
 * in all are arguments, so nothing is counted where nobody looks.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct pace {
    uint64_t moved_ms; /* when it was last seen to have taken something */
    uint64_t moved_bytes;
    uint64_t since_ms; /* when the time under judgement began */
    uint64_t since_bytes;
};

enum pace_is {
    PACE_WELL,
    PACE_STILL, /* nothing moved for still_ms */
    PACE_SLOW   /* less than `rate` over window_ms */
};

struct pace_rules {
    uint64_t still_ms;
    uint64_t rate; /* bytes a second; 0: as slow as it likes */
    uint64_t window_ms;
};

/* From now on something waits; `bytes` is what the peer took until here. */
void pace_begin(struct pace *p, uint64_t now_ms, uint64_t bytes);

/* The peer has taken so much by now. */
void pace_note(struct pace *p, uint64_t now_ms, uint64_t bytes);

/* Judge; what is slow is told once, and a new window begins. */
enum pace_is pace_look(struct pace *p, uint64_t now_ms, uint64_t bytes,
                       const struct pace_rules *rules);

/* The next moment at which pace_look may have something to say. */
uint64_t pace_due_ms(const struct pace *p, const struct pace_rules *rules);
