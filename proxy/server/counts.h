/* SPDX-License-Identifier: Apache-2.0 */
/*
 * counts: what all workers of a generation have under way, where a limit is of
 * all of them: connections of one client, requests of a pool, new connections a
 * second.
 *
 * A piece of memory that the generation's workers share. Each has a row that it
 * alone writes; who has to know of all adds the rows up. A worker that dies
 * leaves nothing behind: the one in its place begins the row anew, and until then
 * what the dead one had counts. Two that look at the same time may both find the
 * last place free, so a limit may be passed by as many as there are workers, less
 * one, and by what an older generation has while it drains.
 *
 * Clients are told apart by a seeded hash. A row has room for some 30 000; one
 * that finds none is not counted.
 */
#pragma once

#include "config/generation.h"
#include "routing/rate.h"

#include <stdatomic.h>

struct counts {
    _Atomic uint64_t *rows; /* NULL: no limit needs them */
    _Atomic uint64_t *own;  /* this worker's row */
    struct rate_table accepts;
    uint64_t seed;
    size_t row_words, n_rows, n_pools;
    bool has_clients;
};

/* Bytes that `n_workers` share under this generation; 0: none are needed. */
size_t counts_bytes(const struct generation *g, unsigned n_workers);

/* Before any worker: `at` is zeroed; the seed is nobody's to guess. */
void counts_make(void *at, uint64_t seed);

/* Worker `own` begins (anew); `at` may be NULL if there are none. */
void counts_begin(struct counts *c, void *at, const struct generation *g,
                  unsigned n_workers, unsigned own);

/* Requests that all workers have under way at a pool (its index), and ours. */
uint64_t counts_pool(const struct counts *c, size_t pool);
void counts_pool_set(struct counts *c, size_t pool, uint64_t n);

/*
 * One more connection of a client; false: `max` are there. *key is what gives it
 * back, 0 if there was no room to count it.
 */
bool counts_client_enter(struct counts *c, span client, uint64_t max,
                         uint64_t *key);
void counts_client_leave(struct counts *c, uint64_t key);

/* May another connection be taken, at so many a second, burst the same? */
bool counts_accept(struct counts *c, uint64_t a_second, uint64_t now_us);
