/* SPDX-License-Identifier: Apache-2.0 */
#include "routing/rate.h"

/* A word: 16 bits of the owner's mark, never 0, above 48 bits of microseconds. */
#define TIME_BITS 48u
#define TIME_MASK (((uint64_t)1 << TIME_BITS) - 1)
#define TRIES     8 /* against others who take at the same time */

static uint64_t
mark_of(uint64_t key)
{
    uint64_t mark = key >> TIME_BITS;

    return (mark ? mark : 1) << TIME_BITS;
}

/* Its own word, or one that is free, or else the fullest bucket's. */
static _Atomic uint64_t *
find(const struct rate_table *t, uint64_t key, uint64_t now_us, uint64_t *seen)
{
    _Atomic uint64_t *set = t->words + (key & (t->n_sets - 1)) * RATE_WAYS;
    _Atomic uint64_t *best = set;
    uint64_t best_time = UINT64_MAX;

    for (size_t i = 0; i < RATE_WAYS; i++) {
        uint64_t word = atomic_load_explicit(&set[i], memory_order_relaxed);
        uint64_t time = word & TIME_MASK;

        if ((word & ~TIME_MASK) == mark_of(key)) {
            *seen = word;
            return &set[i];
        }
        if (time <= now_us)
            time = 0; /* full again: nobody's */
        if (time < best_time) {
            best_time = time;
            best = &set[i];
            *seen = word;
        }
    }
    return best;
}

bool
rate_take(const struct rate_table *t, const struct rate_rule *r, uint64_t key,
          uint64_t now_us, uint64_t *wait_us)
{
    uint64_t slack = (r->burst - 1) * r->every_us, seen = 0;

    now_us &= TIME_MASK;
    for (int i = 0; i < TRIES; i++) {
        _Atomic uint64_t *word = find(t, key, now_us, &seen);
        bool is_own = (seen & ~TIME_MASK) == mark_of(key);
        uint64_t full = is_own ? seen & TIME_MASK : 0;

        if (full < now_us)
            full = now_us;
        if (full - now_us > slack) {
            *wait_us = full - now_us - slack;
            return false;
        }
        uint64_t next = mark_of(key) | ((full + r->every_us) & TIME_MASK);
        if (atomic_compare_exchange_weak(word, &seen, next))
            return true;
    }
    return true;
}
