/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/control/rollouts.h"

#include "proxy/control/exposures.h"
#include "proxy/control/rollout_builds.h"
#include "proxy/control/rollout_cells.h"
#include "proxy/control/rollout_edges.h"
#include "proxy/control/rollout_people.h"
#include "proxy/control/rollout_record.h"
#include "proxy/control/rollout_traffic.h"
#include "proxy/observe/log.h"

#include <assert.h>
#include <stdio.h>

static_assert((uint32_t)CELL_WORDS + (uint32_t)GATES_WORDS <= GATES_CELL_WORDS,
              "a cell has room");
static_assert(ROLLOUT_CELLS_MAX <= GATES_CELLS, "a rollout's cells have room");

enum err_code
rollouts_init(struct rollouts *all, struct arena *a,
              const struct generation *gen, struct weights *weights,
              struct latches *latches, struct gates *gates,
              const struct backends *backends, struct err *e)
{
    *all = (struct rollouts){.gen = gen,
                             .weights = weights,
                             .latches = latches,
                             .backends = backends,
                             .n = gen->n_rollouts};
    if (all->n && !gates)
        return err_set(e, ERR_UNSUPPORTED,
                       "the supervisor is too old to hold what rollouts count: "
                       "start it anew");
    all->at = arena_array(a, gen->n_rollouts, sizeof(*all->at));
    if (!all->at)
        return err_set(e, ERR_LIMIT, "no room for the rollouts");
    for (size_t i = 0; i < all->n; i++) {
        const struct gen_rollout *r = &gen->rollouts[i];
        all->at[i].gen = r;
        if (weights_claim(weights, latches, r->canary.slot_name, gen->number,
                          &all->at[i].slot, e) ||
            gates_claim(gates, r->canary.slot_name, r->shape, gen->number,
                        &all->at[i].place, e))
            return e->code;
    }
    return OK;
}

struct rollout *
rollouts_find(const struct rollouts *all, span name)
{
    for (size_t i = 0; i < all->n; i++)
        if (span_eq(all->at[i].gen->name, name))
            return &all->at[i];
    return NULL;
}

/* ------------------------------------------------------------------ the counts */

uint32_t
rollout_cells_n(const struct rollout *r)
{
    return gen_rollout_cells_n(r->gen);
}

uint64_t
rollout_answers(const struct rollout *r)
{
    uint64_t n = 0;

    for (uint32_t i = 0; i < rollout_cells_n(r); i++)
        n += cell_answers(r->place->cells[i], true);
    return n;
}

bool
rollout_is_latched(const struct rollouts *all, const struct rollout *r)
{
    return latches_get(all->latches, r->slot).run == r->machine.run;
}

bool
rollout_is_broken(const struct rollout *r)
{
    return atomic_load(gates_word(r->place, GATES_BLOCKED)) >> 32 ==
           r->machine.run;
}

enum latch_reason
rollout_broken_gate(const struct rollout *r)
{
    return (enum latch_reason)(uint32_t)atomic_load(
        gates_word(r->place, GATES_BLOCKED));
}

/* Is enough of the baseline there to take everybody back? */
static bool
baseline_is_up(const struct rollouts *all, const struct rollout *r)
{
    const struct gen_pool *pool = r->gen->baseline;
    uint64_t n = 0;

    for (size_t i = 0; i < pool->n_endpoints; i++) {
        const struct backend *b =
            backends_find(all->backends, &pool->endpoints[i]);
        n += !b || (b->health.is != HEALTH_DOWN && !b->is_drained);
    }
    bool has_begun = machine_is_live(r->machine.state) && r->story.baseline_n;
    uint64_t began = has_begun ? r->story.baseline_n : pool->n_endpoints;
    return n > 0 && n * WEIGHT_ALL >= began * r->gen->capacity_ppm;
}

struct advance_facts
rollout_facts(const struct rollouts *all, const struct rollout *r,
              uint64_t wall_ms)
{
    struct builds fresh;

    rollout_builds_new(r, &fresh);
    return (struct advance_facts){
        .wall_ms = wall_ms,
        .canary_answers = rollout_answers(r),
        .approvals = rollout_approved(r),
        .is_halted = rollout_is_latched(all, r),
        .is_slower = r->is_slower,
        .is_broken = rollout_is_broken(r),
        .has_new_build = r->builds.known.n > 0 && fresh.n > 0,
        .has_many_builds = builds_are_many(gates_word(r->place, GATES_BUILDS)),
        .baseline_is_up = baseline_is_up(all, r),
        .cells = rollout_cells_all(r),
        .latched = rollout_cells_latched(r)};
}

/* The cells' times; what is slower is remembered with its cell, or halted there. */
static void
judge_latency(const struct rollouts *all, struct rollout *r)
{
    const struct rollout_plan *plan = &r->gen->plan;
    uint32_t halted = r->machine.halted | rollout_cells_latched(r);
    bool halts = plan->halts_cell && baseline_is_up(all, r);

    r->is_slower = false;
    for (uint32_t i = 0; i < rollout_cells_n(r) && !r->is_slower; i++) {
        struct cell_view v;
        struct sketch_judgement j;
        if (halted >> i & 1)
            continue;
        cell_read(r->place->cells[i], &plan->cell, &v);
        sketch_judge(&plan->latency, v.arms[1].times, v.arms[0].times, &j);
        r->slow_cell = i;
        if (j.verdict == SKETCH_SLOWER && halts)
            rollout_cells_halt(r, i, LATCH_LATENCY);
        else
            r->is_slower = j.verdict == SKETCH_SLOWER;
    }
}

/* ------------------------------------------------------------------- by itself */

static struct rollout_ask
by_control(enum machine_event event, const char *reason, uint64_t wall_ms)
{
    return (struct rollout_ask){.event = event,
                                .by = BY_CONTROL,
                                .actor = SPAN("control"),
                                .reason = span_str(reason),
                                .wall_ms = wall_ms};
}

/* What could not be stored is said once; the data plane has its latch anyway. */
static bool
do_edge(struct rollouts *all, struct rollout *r, enum machine_event event,
        const char *reason, uint64_t wall_ms)
{
    struct rollout_ask ask = by_control(event, reason, wall_ms);
    struct err e;

    ask.cells = r->last.cells;
    if (rollout_take_edge(all, r, &ask, &e) == OK)
        return true;
    if (!r->refused)
        log_error("rollout_not_stored", "name=%.*s event=%s error=\"%s\"",
                  SPAN_FMT(r->gen->name), machine_event_word(event), e.text);
    r->refused = true;
    return false;
}

static void
reason_of(const struct rollouts *all, const struct rollout *r,
          const struct advance *a, char *out, size_t size)
{
    char cell[128];

    switch (a->event) {
    case EVENT_HALT:
    case EVENT_BLOCK:
        if (rollout_is_latched(all, r) || rollout_is_broken(r)) {
            rollout_cause_text(all, r, out, size);
            return;
        }
        if (!r->is_slower) {
            rollout_cells_text(r, r->machine.halted, out, size);
            return;
        }
        gen_rollout_cell_text(r->gen, r->slow_cell, cell, sizeof(cell));
        (void)snprintf(out, size, "latency: %s", cell);
        return;
    case EVENT_HALT_CELL:
        rollout_cells_text(r, a->cells, out, size);
        return;
    case EVENT_REBUILD:
        rollout_builds_reason(r, out, size);
        return;
    case EVENT_WAIT:
    case EVENT_PAUSE:
        advance_text(a, out, size);
        return;
    default:
        (void)snprintf(out, size, "%s", "the plan says so");
    }
}

static void
tick_one(struct rollouts *all, struct rollout *r, uint64_t wall_ms,
         uint64_t now_ms)
{
    char reason[256];

    if (r->gen->plan.has_latency && rollout_is_judged(r->machine.state) &&
        now_ms >= r->latency_at_ms + ROLLOUTS_LATENCY_MS) {
        judge_latency(all, r);
        r->latency_at_ms = now_ms;
    }
    rollout_traffic_mark(r, wall_ms);
    if (rollout_is_judged(r->machine.state))
        rollout_builds_meet(all, r, wall_ms);
    for (int i = 0; i < 4; i++) { /* halt, rollback, report: no more in a row */
        struct advance_facts f = rollout_facts(all, r, wall_ms);
        advance_judge(&r->gen->plan, &r->machine, &f, &r->last);
        if (!r->last.acts)
            return;
        reason_of(all, r, &r->last, reason, sizeof(reason));
        if (!do_edge(all, r, r->last.event, reason, wall_ms))
            return;
    }
}

void
rollouts_tick(struct rollouts *all, uint64_t wall_ms, uint64_t now_ms)
{
    all->wall_ms = wall_ms;
    all->now_ms = now_ms;
    for (size_t i = 0; i < all->n; i++)
        tick_one(all, &all->at[i], wall_ms, now_ms);
}

/* A plan that changed under it is another plan: somebody has to look. */
static void
meet_new_plan(struct rollouts *all, struct rollout *r, uint64_t wall_ms)
{
    enum machine_state s = r->machine.state;

    if (s == ROLLOUT_STEP || s == ROLLOUT_HOLDING || s == ROLLOUT_BAKING)
        (void)do_edge(all, r, EVENT_PAUSE,
                      "the configuration has another plan for it", wall_ms);
}

/*
 * Latches live in memory. Where every process died between a halt and its entry in the journal, the worker's line
 * in the exposure file is all that is left of it.
 */
struct restoring {
    const struct rollouts *all;
    const struct rollout *r;
};

static void
restore_latch(void *arg, const struct exposures_halt *halt)
{
    const struct restoring *in = arg;
    const struct rollout *r = in->r;

    if (halt->of_cell) {
        rollout_cells_restore(r, halt);
        return;
    }
    if (rollout_is_latched(in->all, r))
        return;
    latches_set(in->all->latches, r->slot, r->machine.run,
                latch_reason_of(halt->reason));
    log_warn("latch_restored", "name=%.*s run=%u gate=%.*s",
             SPAN_FMT(r->gen->name), r->machine.run, SPAN_FMT(halt->reason));
}

static void
restore_latches(const struct rollouts *all, const struct rollout *r)
{
    struct restoring in = {.all = all, .r = r};

    if (rollout_is_judged(r->machine.state) && !rollout_is_latched(all, r))
        exposures_halts(all->gen->state_dir.at, r->gen->name, r->machine.run,
                        restore_latch, &in);
}

void
rollouts_take(struct rollouts *all, struct store *store, uint64_t wall_ms)
{
    all->store = store;
    for (size_t i = 0; i < all->n; i++) {
        struct rollout *r = &all->at[i];
        const struct store_record *record =
            store_record(store, rollout_record_name(r));
        bool same = true;
        r->machine = machine_new(wall_ms);
        r->revision = 0;
        if (record)
            same = rollout_record_read(r, record);
        rollout_cells_show(r);
        restore_latches(all, r); /* before the weight is shown to anybody */
        if (!same)
            meet_new_plan(all, r, wall_ms);
        rollout_show(all, r);
    }
}
