/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rate: how often one who asks may ask (a token bucket, in the form of GCRA).
 *
 * A table of atomic words that the workers of a generation share; each word is
 * the time at which its owner's bucket will be full again, under a mark of the
 * owner. Memory is fixed: a full bucket needs no word, so old ones make room by
 * themselves; when all words of a set are in use, the one that is fullest is
 * given up, to its owner's advantage.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RATE_WAYS 8u /* words where a key may stand */

/* Zeroed at first; `n_sets` is a power of two, words n_sets * RATE_WAYS. */
struct rate_table {
    _Atomic uint64_t *words;
    size_t n_sets;
};

struct rate_rule {
    uint64_t every_us; /* a token comes back; at least 1 */
    uint64_t burst;    /* tokens of a full bucket; at least 1 */
};

/*
 * May the owner of `key` (a hash) pass at `now_us`? If not, *wait_us is when it
 * will be worth asking again. Between threads and processes a race may let one
 * more pass, never fewer.
 */
bool rate_take(const struct rate_table *t, const struct rate_rule *r,
               uint64_t key, uint64_t now_us, uint64_t *wait_us);
