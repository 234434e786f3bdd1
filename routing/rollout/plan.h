/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan: what a rollout is to do: steps, gates, windows; immutable once made.
 *
 * Also the arithmetic that says before the start whether it can conclude.
 */
#pragma once

#include "proxy/base/err.h"
#include "routing/rollout/cell.h"
#include "routing/rollout/window.h"

#define ROLLOUT_STEPS_MAX   32u
#define ROLLOUT_WINDOWS_MAX 16u
#define ROLLOUT_CELLS_MAX   32u /* alpha is divided among them */

struct rollout_step {
    uint32_t weight_ppm;
    bool approve;          /* somebody agrees before the next step */
    uint64_t hold_ms;      /* at least so long */
    uint64_t min_requests; /* and so many canary answers */
    uint64_t at_most_ms;   /* longer, and it is paused; 0: it waits */
};

enum rollout_on_fail { ON_FAIL_ROLLBACK, ON_FAIL_PAUSE };

struct rollout_plan {
    const struct rollout_step *steps;
    uint32_t n_steps;
    uint32_t approvals_need; /* before the start, and at each `approve` step */
    const struct window *forbidden;
    uint32_t n_forbidden;
    struct zone zone; /* whose clocks `forbidden` is by */
    enum rollout_on_fail on_fail;
    bool has_errors;
    bool has_latency;
    bool by_network; /* one error a client network counts, not one a subject */
    bool halts_cell; /* a gate that breaks halts its cell; else all of it */
    struct cell_law cell; /* alpha already divided among the cells */
    struct sketch_law latency;
};

/* ERR_INVALID: the first thing that makes it no plan, as a sentence. */
MUST_CHECK enum err_code plan_check(const struct rollout_plan *p,
                                    struct err *e);

/* The same of step `i` alone, beside the one before it. */
MUST_CHECK enum err_code plan_step_check(const struct rollout_plan *p,
                                         uint32_t i, struct err *e);

/*
 * The step (from 1) that puts so many on the canary; 0: none does. Weights rise
 * from step to step, so a weight tells its step.
 */
uint32_t plan_step_at(const struct rollout_plan *p, uint32_t weight_ppm);

/*
 * Milliseconds until step `i` has its canary requests, if the rollout's routes
 * get `requests_a_day` in all. UINT64_MAX: never.
 */
uint64_t plan_step_takes_ms(const struct rollout_plan *p, uint32_t i,
                            uint64_t requests_a_day);

/*
 * Can step `i` conclude with so many requests? ERR_INVALID: it would take longer
 * than its `at_most`; the sentence has the arithmetic.
 */
MUST_CHECK enum err_code plan_step_concludes(const struct rollout_plan *p,
                                             uint32_t i,
                                             uint64_t requests_a_day,
                                             struct err *e);

/* "37 h", "20 min", "3 d": what fits; `size` >= 24. */
void plan_duration_text(uint64_t ms, char *out, size_t size);
