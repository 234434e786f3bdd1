/* SPDX-License-Identifier: Apache-2.0 */
/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lookup: strings found by their length, first and last bytes. The room's own.
 *
 * A string of at most 16 bytes is told by two words, so most keys are compared by
 * these alone. Eight bytes from its start on may be read of any string.
 */
#pragma once

#include "translators/engine/program.h"

#include <assert.h>

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
              "the lowest byte of a word is the first");

#define ENGINE_READ 8 /* bytes that may be read of a string that is looked up */

static inline uint64_t
engine_load(const char *at)
{
    uint64_t w;
    memcpy(&w, at, sizeof(w));
    return w;
}

/* The first and the last eight bytes; of a shorter string both are all of it, and
 * zeros. Of what is behind it nothing is told. */
static inline void
engine_words(const char *at, size_t len, uint64_t *first, uint64_t *last)
{
    static const uint64_t masks[] = {
        0,          0xFF,         0xFFFF,         0xFFFFFF,
        0xFFFFFFFF, 0xFFFFFFFFFF, 0xFFFFFFFFFFFF, 0xFFFFFFFFFFFFFF,
        UINT64_MAX};
    size_t n = len < 8 ? len : 8;
    *first = engine_load(at) & masks[n];
    *last = engine_load(at + len - n) & masks[n];
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
    uint64_t first;
    uint64_t last;
    if (!t->n)
        return 0;
    engine_words(at, len, &first, &last);

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
