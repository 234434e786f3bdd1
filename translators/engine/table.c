/* SPDX-License-Identifier: Apache-2.0 */
/*
 * table: how a set of strings is laid out so that most are found at once.
 *
 * Slots are probed forward, so any factor is right; of some the one with the
 * fewest collisions is kept. There is always an empty slot behind the last.
 */
#include "translators/engine/lookup.h"

#define TRIES 64

bool
engine_text(struct arena *a, span s, span *out)
{
    char *at = arena_alloc(a, s.len + ENGINE_PAD);
    if (!at)
        return false;
    if (s.len)
        memcpy(at, s.at, s.len);
    *out = span_of(at, s.len);
    return true;
}

static bool
make_keys(struct arena *a, const span *strings, size_t n,
          struct engine_table *t)
{
    struct engine_key *keys = arena_array(a, n + 1, sizeof(*keys));
    if (!keys)
        return false;
    for (size_t i = 0; i < n; i++) {
        span copy;
        if (!engine_text(a, strings[i], &copy))
            return false;
        keys[i] = (struct engine_key){.len = (uint32_t)copy.len, .at = copy.at};
        engine_words(copy.at, copy.len, &keys[i].first, &keys[i].last);
    }
    t->keys = keys;
    t->n = n;
    return true;
}

/* Lay the keys out; returns how many did not get the slot they hash to. */
static size_t
lay(const struct engine_table *t, uint16_t *slots, size_t room)
{
    size_t moved = 0;
    memset(slots, 0, room * sizeof(*slots));
    for (size_t i = 0; i < t->n; i++) {
        const struct engine_key *k = &t->keys[i];
        size_t at =
            engine_hash(k->first, k->last, k->len, t->factor) >> t->shift;
        while (slots[at]) {
            at++;
            moved++;
        }
        slots[at] = (uint16_t)(i + 1);
    }
    return moved;
}

bool
engine_table_build(struct arena *a, const span *strings, size_t n,
                   struct engine_table *out)
{
    struct engine_table t = {0};
    unsigned bits = 3;
    uint64_t best = 0;
    size_t fewest = SIZE_MAX;
    uint64_t factor = 0x9E3779B97F4A7C15u;
    if (n >= ENGINE_NONE || !make_keys(a, strings, n, &t))
        return false;
    while (((size_t)1 << bits) < 4 * n)
        bits++;
    /* Probing never wraps: n slots and an empty one behind the last. */
    size_t room = ((size_t)1 << bits) + n + 1;
    uint16_t *slots = arena_array(a, room, sizeof(*slots));
    if (!slots)
        return false;
    t.shift = 64 - bits;
    for (int i = 0; i < TRIES && fewest; i++) {
        t.factor = factor;
        size_t moved = lay(&t, slots, room);
        if (moved < fewest) {
            fewest = moved;
            best = factor;
        }
        factor = factor * 6364136223846793005u + 1442695040888963406u;
        factor |= 1;
    }
    t.factor = best;
    lay(&t, slots, room);
    t.slots = slots;
    *out = t;
    return true;
}
