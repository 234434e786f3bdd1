/* SPDX-License-Identifier: Apache-2.0 */
/*
 * programs: how long it takes to have a program for every version of a long
 * history and each of two pools, both ways: requests to the pool, answers from it.
 */
#include "bench/engine/runs.h"

#define CHANGES 200

#define VERSIONS (CHANGES + 1)

/* Of all pairs, which are planned. */
static void
want(uint8_t *wanted)
{
    static const size_t pools[2] = {CHANGES / 2, CHANGES};
    for (size_t at = 0; at < VERSIONS; at++)
        for (size_t i = 0; i < COUNT(pools); i++) {
            if (at == pools[i])
                continue;
            wanted[at * VERSIONS + pools[i]] |= PLAN_REQUESTS;
            wanted[pools[i] * VERSIONS + at] |= PLAN_ANSWERS;
        }
}

size_t
bench_programs(void)
{
    static uint8_t wanted[VERSIONS * VERSIONS];
    static const struct plan *plans[VERSIONS * VERSIONS];
    struct arena *a = arena_new(BENCH_ROOM);
    struct arena *room = arena_new(BENCH_ROOM); /* of the programs */
    const struct lens_api *api = a && room ? bench_api(a, VERSIONS) : NULL;
    struct err e;
    size_t n = 0;
    want(wanted);
    memset(plans, 0, sizeof(plans));
    if (api && plan_build_all(room, api, wanted, plans, &e) == OK)
        for (size_t i = 0; i < COUNT(plans); i++)
            n += plans[i] != NULL;
    arena_free(&room);
    arena_free(&a);
    return n;
}
