/* SPDX-License-Identifier: Apache-2.0 */
/*
 * world: clients, two arms that err as told, and the gates between them.
 *
 * The gates are the product's (routing/rollout/cell.h). Workers are threads that
 * share one cell as processes share a segment; each sees the latch before its
 * next request and not earlier. With one worker a run is a function of its seed.
 */
#pragma once

#include "routing/rollout/cell.h"

#define WORLD_CELLS 4u

struct world_spec {
    uint64_t requests; /* of one run, unless it halts */
    uint32_t subjects; /* who they are drawn from, all alike */
    uint32_t weight_ppm;
    uint32_t n_workers;
    uint32_t n_cells; /* alpha is divided among them */
    bool halts_cell;  /* one that breaks is halted, and the others go on */
    bool routes; /* cells are routes: a subject's requests go to any; without
                    it they are platforms, and a subject has one */
    double baseline;            /* chance that an answer is an error */
    double canary[WORLD_CELLS]; /* the same, in each cell */
    uint32_t repeats; /* an error is tried so often again by its subject */
    uint32_t outage_at, outage_n; /* requests in which both arms err at half */
    double slower;    /* the canary's times, in the baseline's; 0: not timed */
    bool one_subject; /* the canary's errors are all of one */
    double storm;     /* this part of the requests is one client's: bad by its
                         own fault, answered, and no error */
    bool invents;     /* it says another subject each time */
};

struct world_run {
    bool halted;
    uint32_t cell;     /* that halted, the first of them */
    uint32_t cells;    /* all that did: bits */
    uint64_t requests; /* until then */
    uint64_t failed;   /* canary's, of all subjects: what it cost */
};

/* One run. `law` is the whole rollout's. */
void world_run(const struct world_spec *spec, const struct cell_law *law,
               uint64_t seed, struct world_run *out);

/*
 * The same run without threads and without asking for each request that goes
 * well: an error is as far from the last as chance has it. For clean runs of
 * millions of requests.
 */
void world_run_errors(const struct world_spec *spec, const struct cell_law *law,
                      uint64_t seed, struct world_run *out);

/* Chance in [0, 1), and the next word; splitmix64. */
double world_chance(uint64_t *seed);
