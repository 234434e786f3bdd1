/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rollouts: the rollouts of this generation, in the store and in the segments.
 *
 * The one place where a rollout's state becomes a word that workers read, and
 * only after the store has it. What a state means is routing/rollout's; here are
 * the clock, the store, the counts, and the evidence that goes with each edge.
 */
#pragma once

#include "config/generation.h"
#include "proxy/control/backends.h"
#include "proxy/control/store.h"
#include "proxy/observe/segments.h"
#include "routing/rollout/advance.h"
#include "routing/rollout/builds.h"

#include <jansson.h>

#define ROLLOUTS_TICK_MS    ((uint64_t)100) /* a latch is journalled within */
#define ROLLOUTS_LATENCY_MS ((uint64_t)1000)
#define ROLLOUT_APPROVALS   16u
#define ROLLOUT_ACTOR_MAX   64u
#define ROLLOUT_CAUSE_MAX   256u
#define ROLLOUT_SKIPPED_MAX 320u
#define ROLLOUT_KIND_MAX    48u

struct rollout_approval {
    char actor[ROLLOUT_ACTOR_MAX];
    uint32_t run;
    uint32_t step; /* from 1; 0: the start */
};

/* Of the run it is in: what a report tells that no cell knows. */
struct rollout_story {
    uint64_t began_ms;
    uint64_t exposed_from; /* where its writes begin in the exposure file */
    uint64_t halted_ms;    /* 0: it was not */
    uint32_t halted_ppm;   /* from what weight */
    uint32_t baseline_n;   /* endpoints of the baseline when it began */
    char halted_by[ROLLOUT_ACTOR_MAX];
    char cause[ROLLOUT_CAUSE_MAX];
    char lost[ROLLOUT_ACTOR_MAX]; /* client versions that somebody accepted
                                     could not come back */
};

/* The last step that was forced, shown until somebody acknowledges it. */
struct rollout_forced {
    uint32_t n; /* steps that were, since the last was acknowledged; 0: none */
    uint32_t run;
    uint32_t step; /* from 1: where it led */
    uint64_t at_ms;
    char event[16];
    char actor[ROLLOUT_ACTOR_MAX];
    char reason[ROLLOUT_CAUSE_MAX];
    char skipped[ROLLOUT_SKIPPED_MAX];       /* what it passed over */
    char acknowledged_by[ROLLOUT_ACTOR_MAX]; /* empty: nobody has yet */
};

/* Of one that is halted (struct machine says which are): rollout_cells.h. */
struct rollout_cell {
    enum latch_reason gate;
    uint64_t at_ms; /* when it was journalled */
};

/* Of the canary: rollout_builds.h. */
struct rollout_builds {
    uint32_t era;     /* of the words that workers write */
    uint32_t cleared; /* the one that the gates' counts began with */
    struct builds known;
};

struct rollout {
    const struct gen_rollout *gen;
    uint32_t slot;             /* in weights and latches */
    struct gates_place *place; /* its cells */
    struct machine machine;
    uint64_t revision; /* of the last edge; 0: none was taken */
    struct rollout_approval approvals[ROLLOUT_APPROVALS];
    size_t n_approvals;
    struct rollout_story story;
    struct rollout_forced forced;
    struct rollout_builds builds;
    struct rollout_cell cells[ROLLOUT_CELLS_MAX];
    uint64_t watched[GEN_WATCHES_MAX]; /* rollout_watch.h */
    struct advance last;               /* what it waits for */
    bool is_slower; /* the latency gate, as it was judged last */
    uint32_t slow_cell;
    uint64_t latency_at_ms; /* when */
    bool refused;           /* an edge could not be stored: said once */
};

struct rollouts {
    const struct generation *gen;
    struct store *store;
    struct weights *weights;
    struct latches *latches;
    const struct backends *backends;
    const struct records
        *records; /* samples for a report; NULL: there are none */
    struct rollout *at;
    size_t n;
    uint64_t wall_ms, now_ms; /* of the last tick */
    /* What a metric is now, over all workers; NULL: nobody counts. */
    uint64_t (*metric_total)(void *arg, enum metric metric);
    void *metric_arg;
};

/*
 * Claim places for the rollouts of `gen`, in `a`. ERR_LIMIT: a segment or the
 * heap is full.
 */
MUST_CHECK enum err_code
rollouts_init(struct rollouts *all, struct arena *a,
              const struct generation *gen, struct weights *weights,
              struct latches *latches, struct gates *gates,
              const struct backends *backends, struct err *e);

/*
 * Read where each stands and bring the segments up to it; after slots_reconcile.
 * A plan that is another than the stored one pauses a rollout that is live.
 */
void rollouts_take(struct rollouts *all, struct store *store, uint64_t wall_ms);

/* Do what is due: latches to the journal, steps, waits. Every ROLLOUTS_TICK_MS. */
void rollouts_tick(struct rollouts *all, uint64_t wall_ms, uint64_t now_ms);

/* How many cells it has. */
uint32_t rollout_cells_n(const struct rollout *r);

struct rollout *rollouts_find(const struct rollouts *all, span name);

/* What somebody asks for. */
struct rollout_ask {
    enum machine_event event;
    enum machine_actor by;
    span actor;
    span reason;
    span lost;           /* of a start: story.lost */
    span key;            /* idempotency; may be empty */
    uint32_t cells;      /* of halt_cell and reopen: a bit each */
    bool without_halted; /* those that are halted may stay where they are */
    uint64_t wall_ms;
    bool expects; /* only if it is at revision `expected` */
    uint64_t expected;
};

/*
 * Durable, then in effect, then OK. ERR_CONFLICT: from this state it leads
 * nowhere, an approval or a window bars it (BY_OPERATOR), another revision than
 * expected, or the store refuses. ERR_UNSUPPORTED:
 * not for this actor. Else store_commit's.
 */
MUST_CHECK enum err_code rollouts_ask(struct rollouts *all, struct rollout *r,
                                      const struct rollout_ask *ask,
                                      struct err *e);

/* Where `ask`, an approval too, would lead: refused as it would be, with nothing
 * changed. */
MUST_CHECK enum err_code rollouts_would(const struct rollouts *all,
                                        const struct rollout *r,
                                        const struct rollout_ask *ask,
                                        struct machine *out, struct err *e);

/* An approval of the start, or of the step it is in. ERR_CONFLICT: had already. */
MUST_CHECK enum err_code rollouts_approve(struct rollouts *all,
                                          struct rollout *r,
                                          const struct rollout_ask *ask,
                                          struct err *e);

/* Somebody has seen that the glass was broken. ERR_CONFLICT: it was not, or somebody had. */
MUST_CHECK enum err_code rollouts_acknowledge(struct rollouts *all,
                                              struct rollout *r,
                                              const struct rollout_ask *ask,
                                              struct err *e);

/* Was a step forced, and has nobody acknowledged it? */
bool rollout_is_forced(const struct rollout *r);

/* "rollout.start", or "rollout.break_glass.start": the kind of an edge's revision. */
void rollout_kind(const char *event, bool breaks_glass,
                  char out[ROLLOUT_KIND_MAX]);

/* How many approvals count for where it stands. */
uint32_t rollout_approved(const struct rollout *r);

/* Canary answers, over its cells. */
uint64_t rollout_answers(const struct rollout *r);

/* Is the run it is in halted by a latch? */
bool rollout_is_latched(const struct rollouts *all, const struct rollout *r);

/* Did a gate break in its run without a halt, since the baseline could not carry it? And which. */
bool rollout_is_broken(const struct rollout *r);
enum latch_reason rollout_broken_gate(const struct rollout *r);

/* The counts of each cell that has any, as JSON. rollout_evidence.c */
MUST_CHECK json_t *rollout_evidence(const struct rollout *r);

/* "errors in orders, v2, ios": why the latch was set; `size` >= 160. */
void rollout_cause_text(const struct rollouts *all, const struct rollout *r,
                        char *out, size_t size);
