/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/server/counts.h"

#include "proxy/base/hash.h"

#include <assert.h>

#define LINE       8u /* words of a cache line: rows do not share one */
#define HEAD       16u /* words before the rows: the seed; the bucket of accepts */
#define SETS       4096u
#define WAYS       8u
#define COUNT_BITS 24u /* of a client's word; above them its mark, never 0 */
#define COUNT_MASK (((uint64_t)1 << COUNT_BITS) - 1)

static_assert(HEAD >= LINE + RATE_WAYS, "room for both");

static size_t
words_of_row(const struct generation *g)
{
    size_t words = g->n_pools;

    words = (words + LINE - 1) / LINE * LINE;
    return words + (g->limits.connections_per_client ? SETS * WAYS : 0);
}

static bool
is_needed(const struct generation *g)
{
    if (g->limits.connections_per_client || g->limits.accepts_a_second)
        return true;
    for (size_t i = 0; i < g->n_pools; i++)
        if (g->pools[i].requests_max)
            return true;
    return false;
}

size_t
counts_bytes(const struct generation *g, unsigned n_workers)
{
    return is_needed(g)
               ? (HEAD + words_of_row(g) * n_workers) * sizeof(uint64_t)
               : 0;
}

void
counts_make(void *at, uint64_t seed)
{
    _Atomic uint64_t *words = at;

    atomic_store_explicit(&words[0], seed, memory_order_relaxed);
}

void
counts_begin(struct counts *c, void *at, const struct generation *g,
             unsigned n_workers, unsigned own)
{
    _Atomic uint64_t *words = at;

    assert(own < n_workers);
    *c = (struct counts){.row_words = words_of_row(g),
                         .n_rows = n_workers,
                         .n_pools = g->n_pools,
                         .has_clients = g->limits.connections_per_client > 0};
    if (!at)
        return;
    c->seed = atomic_load_explicit(&words[0], memory_order_relaxed);
    c->accepts = (struct rate_table){words + LINE, 1};
    c->rows = words + HEAD;
    c->own = c->rows + own * c->row_words;
    for (size_t i = 0; i < c->row_words; i++)
        atomic_store_explicit(&c->own[i], 0, memory_order_relaxed);
}

/* ── pools ───────────────────────────────────────────────────────────────── */

uint64_t
counts_pool(const struct counts *c, size_t pool)
{
    uint64_t n = 0;

    assert(pool < c->n_pools);
    for (size_t i = 0; c->rows && i < c->n_rows; i++)
        n += atomic_load_explicit(&c->rows[i * c->row_words + pool],
                                  memory_order_relaxed);
    return n;
}

void
counts_pool_set(struct counts *c, size_t pool, uint64_t n)
{
    assert(pool < c->n_pools);
    if (c->own)
        atomic_store_explicit(&c->own[pool], n, memory_order_relaxed);
}

/* ── clients ─────────────────────────────────────────────────────────────── */

static uint64_t
mark_of(uint64_t key)
{
    uint64_t mark = key >> COUNT_BITS;

    return (mark ? mark : 1) << COUNT_BITS;
}

/* The set of a row where a key stands, if it does. */
static _Atomic uint64_t *
set_of(const struct counts *c, size_t row, uint64_t key)
{
    return c->rows + (row + 1) * c->row_words - (size_t)SETS * WAYS +
           key % SETS * WAYS;
}

/* The key's word; else NULL, or one that is free if `may_take`. */
static _Atomic uint64_t *
find(_Atomic uint64_t *set, uint64_t key, bool may_take)
{
    _Atomic uint64_t *room = NULL;

    for (size_t i = 0; i < WAYS; i++) {
        uint64_t word = atomic_load_explicit(&set[i], memory_order_relaxed);

        if ((word & ~COUNT_MASK) == mark_of(key))
            return &set[i];
        if (word == 0 && may_take && !room)
            room = &set[i];
    }
    return room;
}

static uint64_t
count_in(_Atomic uint64_t *word)
{
    return word ? atomic_load_explicit(word, memory_order_relaxed) & COUNT_MASK
                : 0;
}

static _Atomic uint64_t *
own_word(const struct counts *c, uint64_t key, bool may_take)
{
    size_t row = (size_t)(c->own - c->rows) / c->row_words;

    return find(set_of(c, row, key), key, may_take);
}

bool
counts_client_enter(struct counts *c, span client, uint64_t max, uint64_t *key)
{
    uint64_t n = 0, hash = hash64_seeded(client, c->seed);

    assert(c->own && c->has_clients);
    *key = hash ? hash : 1;
    for (size_t i = 0; i < c->n_rows; i++)
        n += count_in(find(set_of(c, i, *key), *key, false));
    if (n >= max) {
        *key = 0;
        return false;
    }
    _Atomic uint64_t *word = own_word(c, *key, true);
    if (word)
        atomic_store_explicit(word, mark_of(*key) | (count_in(word) + 1),
                              memory_order_relaxed);
    else
        *key = 0;
    return true;
}

void
counts_client_leave(struct counts *c, uint64_t key)
{
    if (key == 0)
        return;
    _Atomic uint64_t *word = own_word(c, key, false);
    uint64_t n = count_in(word);

    assert(n > 0);
    atomic_store_explicit(word, n > 1 ? mark_of(key) | (n - 1) : 0,
                          memory_order_relaxed);
}

/* ── new connections ─────────────────────────────────────────────────────── */

bool
counts_accept(struct counts *c, uint64_t a_second, uint64_t now_us)
{
    const struct rate_rule rule = {a_second < 1000000 ? 1000000 / a_second : 1,
                                   a_second};
    uint64_t wait_us;

    assert(c->accepts.words && a_second > 0);
    return rate_take(&c->accepts, &rule, 0, now_us, &wait_us);
}
