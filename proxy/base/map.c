/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/base/map.h"

#include "proxy/base/hash.h"

#include <assert.h>

void
map_init(struct map *m, struct arena *a)
{
    *m = (struct map){.arena = a};
}

static size_t
slot_of(const struct map *m, span key)
{
    size_t i = hash64(key) & (m->n_slots - 1);

    /* Ends: at most half of the slots are taken. */
    while (m->slots[i] && !span_eq(m->entries[m->slots[i] - 1].key, key))
        i = (i + 1) & (m->n_slots - 1);
    return i;
}

static bool
grow(struct map *m)
{
    size_t n_slots = m->n_slots ? m->n_slots * 2 : 16;
    uint32_t *slots = arena_array(m->arena, n_slots, sizeof(*slots));
    struct map_entry *entries =
        arena_grow(m->arena, m->entries, m->n, n_slots / 2, sizeof(*entries));

    if (!slots || !entries)
        return false;
    m->slots = slots;
    m->entries = entries;
    m->n_slots = n_slots;
    for (size_t i = 0; i < m->n; i++)
        m->slots[slot_of(m, m->entries[i].key)] = (uint32_t)(i + 1);
    return true;
}

bool
map_put(struct map *m, span key, void *value, void **was)
{
    assert(value);
    if (m->n == m->n_slots / 2 && !grow(m))
        return false;

    size_t i = slot_of(m, key);
    void *old = m->slots[i] ? m->entries[m->slots[i] - 1].value : NULL;

    if (was)
        *was = old;
    if (old)
        return true;
    m->entries[m->n] = (struct map_entry){key, value};
    m->slots[i] = (uint32_t)++m->n;
    return true;
}

void *
map_get(const struct map *m, span key)
{
    if (m->n == 0)
        return NULL;

    uint32_t at = m->slots[slot_of(m, key)];
    return at ? m->entries[at - 1].value : NULL;
}

#define WORD_MAX 64

static unsigned
least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

unsigned
edit_distance(span a, span b)
{
    /* Optimal string alignment; three rows are enough. */
    unsigned rows[3][WORD_MAX + 1];

    if (a.len > WORD_MAX || b.len > WORD_MAX)
        return 255;
    for (size_t j = 0; j <= b.len; j++)
        rows[0][j] = (unsigned)j;
    for (size_t i = 1; i <= a.len; i++) {
        unsigned *row = rows[i % 3];
        const unsigned *up = rows[(i + 2) % 3];
        const unsigned *up2 = rows[(i + 1) % 3];

        row[0] = (unsigned)i;
        for (size_t j = 1; j <= b.len; j++) {
            unsigned cost = a.at[i - 1] != b.at[j - 1];

            row[j] = least(least(up[j], row[j - 1]) + 1, up[j - 1] + cost);
            if (i > 1 && j > 1 && a.at[i - 1] == b.at[j - 2] &&
                a.at[i - 2] == b.at[j - 1])
                row[j] = least(row[j], up2[j - 2] + 1);
        }
    }
    return rows[a.len % 3][b.len];
}

span
map_nearest(const struct map *m, span word)
{
    span best = {0};
    unsigned best_distance = 3;

    for (size_t i = 0; i < m->n; i++) {
        unsigned d = edit_distance(word, m->entries[i].key);

        if (d < best_distance && d < word.len) {
            best = m->entries[i].key;
            best_distance = d;
        }
    }
    return best;
}
