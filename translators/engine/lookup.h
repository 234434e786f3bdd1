/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lookup: strings found by their length and first 16 bytes. The room's own.
 *
 * A string of at most 16 bytes is told by these alone, so most keys are compared
 * with two words. Sixteen bytes from its start on may be read of any string.
 */
#pragma once

#include "translators/engine/program.h"

#include <assert.h>

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
              "the lowest byte of a word is the first");

#define ENGINE_READ                                                            \
    16 /* bytes that may be read of a string that is looked up */

static inline uint64_t
engine_load(const char *at)
{
    uint64_t w;
    memcpy(&w, at, sizeof(w));
    return w;
}

/* The first 16 bytes, zeros behind a shorter string. */
static inline void
engine_words(const char *at, size_t len, uint64_t *first, uint64_t *second)
{
    *first = engine_load(at);
    *second = engine_load(at + 8);
    if (len < 8) {
        *first &= ((uint64_t)1 << (8 * len)) - 1;
        *second = 0;
    } else if (len < 16) {
        *second &= ((uint64_t)1 << (8 * (len - 8))) - 1;
    }
}

static inline uint64_t
engine_hash(uint64_t first, uint64_t second, size_t len, uint64_t factor)
{
    return ((first ^ (second << 29 | second >> 35)) + len) * factor;
}

/* The index of a string, or t->n. An empty table may be all zeros. */
static inline size_t
engine_find(const struct engine_table *t, const char *at, size_t len)
{
    uint64_t first;
    uint64_t second;
    if (!t->n)
        return 0;
    engine_words(at, len, &first, &second);

    const uint16_t *slot =
        t->slots + (engine_hash(first, second, len, t->factor) >> t->shift);
    for (; *slot; slot++) {
        const struct engine_key *k = &t->keys[*slot - 1];
        if (k->first == first && k->second == second && k->len == len &&
            (len <= ENGINE_READ || memcmp(k->at, at, len) == 0))
            return (size_t)(*slot - 1);
    }
    return t->n;
}
