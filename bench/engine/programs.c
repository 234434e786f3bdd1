/* SPDX-License-Identifier: Apache-2.0 */
/*
 * programs: how long it takes to have a program for every version of a long
 * history and each of two pools, both ways: requests to the pool, answers from it.
 */
#include "bench/engine/runs.h"

#define CHANGES 200

struct history {
    struct arena *arena; /* of the programs */
    const struct lens_api *api;
    size_t pools[2];
    size_t n_programs;
};

/* From one version to those that are wanted of it. */
static bool
plan_from(struct history *h, size_t from, bool up, const uint8_t *wanted)
{
    const struct plan *plans[CHANGES + 1] = {0};
    struct err e;
    if (plan_build_way(h->arena, h->api, from, up, wanted, plans, &e) != OK)
        return false;
    for (size_t to = 0; to <= CHANGES; to++)
        h->n_programs += plans[to] != NULL;
    return true;
}

static bool
plan_all(struct history *h)
{
    for (size_t from = 0; from <= CHANGES; from++) {
        bool is_pool = from == h->pools[0] || from == h->pools[1];
        uint8_t wanted[CHANGES + 1];
        for (size_t to = 0; to <= CHANGES; to++)
            wanted[to] = is_pool ? PLAN_ANSWERS : 0;
        wanted[h->pools[0]] |= PLAN_REQUESTS;
        wanted[h->pools[1]] |= PLAN_REQUESTS;
        wanted[from] = 0;
        if (!plan_from(h, from, true, wanted) ||
            !plan_from(h, from, false, wanted))
            return false;
    }
    return true;
}

size_t
bench_programs(void)
{
    struct arena *a = arena_new(BENCH_ROOM);
    struct history h = {.arena = arena_new(BENCH_ROOM),
                        .pools = {CHANGES / 2, CHANGES}};
    h.api = a && h.arena ? bench_api(a, CHANGES + 1) : NULL;
    bool ok = h.api && plan_all(&h);
    arena_free(&h.arena);
    arena_free(&a);
    return ok ? h.n_programs : 0;
}
