/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lookup: strings found by their length, first and last 8 bytes. The room's own.
 *
 * A string of at most 16 bytes is told by these alone, so most keys are compared
 * with two words. Eight bytes before and behind the string may be read.
 */
#pragma once

#include "translators/engine/program.h"

#include <assert.h>

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
              "the lowest byte of a word is the first");

static inline uint64_t
engine_load(const char *at)
{
    uint64_t w;
    memcpy(&w, at, sizeof(w));
    return w;
}

/* The first 8 bytes, zeros behind a shorter string. */
static inline uint64_t
engine_first(const char *at, size_t len)
{
    uint64_t w = engine_load(at);
    return len < 8 ? w & (((uint64_t)1 << (8 * len)) - 1) : w;
}

/* The last 8 bytes; of a shorter string the first. */
static inline uint64_t
engine_last(const char *at, size_t len, uint64_t first)
{
    return len <= 8 ? first : engine_load(at + len - 8);
}

static inline uint64_t
engine_hash(uint64_t first, uint64_t last, size_t len, uint64_t factor)
{
    return ((first ^ (last << 29 | last >> 35)) + len) * factor;
}

/* The index of a string, or t->n. An empty table may be all zeros. */
static inline size_t
engine_find(const struct engine_table *t, const char *at, size_t len)
{
    if (!t->n)
        return 0;

    uint64_t first = engine_first(at, len);
    uint64_t last = engine_last(at, len, first);
    const uint16_t *slot =
        t->slots + (engine_hash(first, last, len, t->factor) >> t->shift);

    for (; *slot; slot++) {
        const struct engine_key *k = &t->keys[*slot - 1];
        if (k->first == first && k->last == last && k->len == len &&
            (len <= 16 || memcmp(k->at, at, len) == 0))
            return (size_t)(*slot - 1);
    }
    return t->n;
}
