/* SPDX-License-Identifier: Apache-2.0 */
/*
 * slots: the weights of this generation's routes, in the store and in the segment.
 *
 * The one place where a stored weight becomes a word that workers read, and
 * only after the store has it. A slot belongs to a route with a canary, or to a
 * rollout: then rollouts.h moves it and nobody else.
 */
#pragma once

#include "config/generation.h"
#include "proxy/control/store.h"
#include "proxy/observe/segments.h"

struct slot {
    const struct gen_canary *canary;
    const struct gen_route *route; /* the first that uses it */
    uint32_t at;                   /* in the weights and latches segments */
};

struct slots {
    const struct generation *gen;
    struct weights *weights;
    struct latches *latches;
    struct slot *at;
    size_t n;
};

/* What one slot says now, for status and answers. */
struct slot_state {
    uint32_t file_ppm;
    uint32_t weight_ppm; /* stored */
    uint32_t effective_ppm;
    uint32_t run;
    bool halted;
    uint64_t revision; /* 0: the store refused it before it had one */
};

/*
 * Find the routes with a canary and claim their slots in the segment, in `a`.
 * ERR_LIMIT: the segment is full.
 */
MUST_CHECK enum err_code slots_init(struct slots *s, struct arena *a,
                                    const struct generation *gen,
                                    struct weights *weights,
                                    struct latches *latches, struct err *e);

/*
 * Bring file, store and segment together (weights_reconcile): what the file
 * says anew is a revision of the actor `config`. While the store refuses, what
 * it has goes on, and a slot it does not know has the file's weight.
 */
MUST_CHECK enum err_code slots_reconcile(struct slots *s, struct store *store,
                                         uint64_t now_ms, struct err *e);

/*
 * What the store has for these slots, kept in `a` while another control may
 * write it; and what was kept, put back where it was changed: a configuration
 * that never came to be has not moved a weight. Then the segment, too.
 */
MUST_CHECK enum err_code slots_keep(const struct slots *s,
                                    const struct store *store, struct arena *a,
                                    struct store_weight **kept, struct err *e);
void slots_restore(struct slots *s, struct store *store,
                   const struct store_weight *kept, uint64_t now_ms);

/* By slot name ("route/orders", "rollout/ios") or the route's ("orders"). */
const struct slot *slots_find(const struct slots *s, span name);

void slots_state(const struct slots *s, const struct store *store,
                 const struct slot *slot, struct slot_state *out);

struct slot_move {
    uint32_t weight_ppm;
    span actor;
    span reason;
    span kind; /* "weight.set", "weight.restore" */
    uint64_t now_ms;
    span key;     /* idempotency; may be empty */
    bool expects; /* only if the slot is at revision `expected` */
    uint64_t expected;
};

/* Durable, then in effect, then OK. The errors are store_commit's. */
MUST_CHECK enum err_code slots_move(struct slots *s, struct store *store,
                                    const struct slot *slot,
                                    const struct slot_move *move,
                                    struct err *e);

/* Several, each another slot: all or none. */
MUST_CHECK enum err_code slots_move_all(struct slots *s, struct store *store,
                                        const struct slot *const *at,
                                        const struct slot_move *moves, size_t n,
                                        struct err *e);
