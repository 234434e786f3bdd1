/* SPDX-License-Identifier: Apache-2.0 */
/*
 * advance: what a rollout should do now, by itself, and if nothing, what it
 * waits for.
 *
 * A pure function that control asks every second. No traffic is neither a
 * failure nor a success: it holds. A broken gate comes first, then what is missing.
 */
#pragma once

#include "routing/rollout/machine.h"

/* X(id, word) */
#define ADVANCE_WAITS(X)                                                       \
    X(WAIT_NOTHING, "nothing")                                                 \
    X(WAIT_START, "start")         /* somebody to begin it */                  \
    X(WAIT_HOLD, "hold")           /* the step's time */                       \
    X(WAIT_NO_DATA, "no data")     /* canary requests */                       \
    X(WAIT_WINDOW, "window")       /* the end of a forbidden one */            \
    X(WAIT_APPROVAL, "approval")   /* a person */                              \
    X(WAIT_OPERATOR, "operator")   /* a person's decision */                   \
    X(WAIT_BUILDS, "builds")       /* that can be told apart */                \
    X(WAIT_CELLS, "cells")         /* somebody's word on those halted */       \
    X(WAIT_UNDER_WAY, "under way") /* the last answers, before the report */

#define ADVANCE_REPORT_MS ((uint64_t)1000) /* so long, after a rollback */

enum advance_wait {
#define X(id, word) id,
    ADVANCE_WAITS(X)
#undef X
};

/* What is so now. */
struct advance_facts {
    uint64_t wall_ms;
    uint64_t canary_answers; /* counted so far, as in struct machine_call */
    uint32_t approvals;      /* of the start, or of the present step */
    bool is_halted;          /* the run's latch is set, by whomever */
    bool is_slower;          /* the latency gate broke */
    bool is_broken;          /* another did, and no worker dared to halt */
    bool has_new_build;      /* the canary answers as one that is not known */
    bool has_many_builds;    /* more than can be told apart */
    bool baseline_is_up;     /* it could carry the canary's load */
    uint32_t cells;          /* all that it has: bits */
    uint32_t latched;        /* of these, those that a latch halts */
};

struct advance {
    bool acts; /* then `event` is to be applied, by control */
    enum machine_event event;
    uint32_t cells; /* of halt_cell */
    enum advance_wait wait;
    uint64_t have,
        need; /* of `wait`: milliseconds, requests, approvals, cells */
};

void advance_judge(const struct rollout_plan *plan, const struct machine *m,
                   const struct advance_facts *f, struct advance *out);

/*
 * What a person's `event` (start, promote, flip) passes over if it is taken now: a hold, requests, an approval, a
 * window, cells that are halted; how many of `out`. Those that advance_bars says bar it: only who breaks the glass goes on.
 */
#define ADVANCE_LACKS 5u
size_t advance_lacks(const struct rollout_plan *plan, const struct machine *m,
                     const struct advance_facts *f, enum machine_event event,
                     struct advance out[ADVANCE_LACKS]);
bool advance_bars(enum advance_wait w);

/* "no data: 300 of 2000 requests"; `size` >= 96. */
void advance_text(const struct advance *a, char *out, size_t size);
const char *advance_wait_word(enum advance_wait w);
