/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/control/rollouts.h"

#include "proxy/control/exposures.h"
#include "proxy/control/rollout_builds.h"
#include "proxy/control/rollout_people.h"
#include "proxy/control/rollout_record.h"
#include "proxy/control/rollout_report.h"
#include "proxy/control/rollout_traffic.h"
#include "proxy/observe/log.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

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
    return r->gen->cells_routes * r->gen->cells_versions *
           r->gen->cells_platforms;
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
        .baseline_is_up = baseline_is_up(all, r)};
}

/* The cells' times; what is slower is remembered with its cell. */
static void
judge_latency(struct rollout *r)
{
    const struct rollout_plan *plan = &r->gen->plan;

    r->is_slower = false;
    for (uint32_t i = 0; i < rollout_cells_n(r) && !r->is_slower; i++) {
        struct cell_view v;
        struct sketch_judgement j;
        cell_read(r->place->cells[i], &plan->cell, &v);
        sketch_judge(&plan->latency, v.arms[1].times, v.arms[0].times, &j);
        r->is_slower = j.verdict == SKETCH_SLOWER;
        r->slow_cell = i;
    }
}

/* ------------------------------------------------------------------ to the store */

enum err_code
rollout_commit(struct rollouts *all, struct rollout *r,
               const struct rollout *next, const struct rollout_ask *ask,
               const char *event, struct err *e)
{
    const struct store_record *was =
        store_record(all->store, rollout_record_name(r));
    struct store_weight w = {.weight_ppm =
                                 machine_weight(&r->gen->plan, &next->machine),
                             .run = next->machine.run};
    char kind[ROLLOUT_KIND_MAX];

    memcpy(w.slot, rollout_record_name(r).at, rollout_record_name(r).len);
    json_t *report = strcmp(event, machine_event_word(EVENT_REPORT)) == 0
                         ? rollout_report(all, r)
                         : NULL;
    char *text = rollout_record_text(all->gen, next, &w, event, report);
    if (!text)
        return err_set(e, ERR_LIMIT, "no memory for a revision");
    rollout_kind(event, ask->by == BY_GLASS, kind);
    struct store_change c = {.actor = ask->actor,
                             .reason = ask->reason,
                             .kind = span_str(kind),
                             .time_ms = ask->wall_ms,
                             .weight = &w,
                             .before = was ? was->json : (span){0},
                             .after = span_str(text),
                             .record = rollout_record_name(r),
                             .key = ask->key,
                             .expects = ask->expects,
                             .expected = ask->expected};
    uint64_t sequence;
    enum err_code code = store_commit(all->store, &c, &sequence, e);
    free(text);
    if (code)
        return code;
    *r = *next;
    r->revision = sequence;
    r->refused = false;
    r->last = (struct advance){.wait = WAIT_NOTHING}; /* until it is judged */
    return OK;
}

/* --------------------------------------------------------------- to the segments */

static void
clear_cells(struct rollout *r)
{
    atomic_store(&r->place->armed, 0);
    atomic_store(&r->place->cause, 0);
    atomic_store(&r->place->error_ms, 0);
    atomic_store(&r->place->halt_ms, 0);
    atomic_store(&r->place->halt_at_ms, 0);
    for (uint32_t i = 0; i < rollout_cells_n(r); i++)
        cell_clear(r->place->cells[i]);
    r->is_slower = false;
}

/* Gates judge while it moves; what is done is nobody's canary any more. */
static bool
is_judged(enum machine_state s)
{
    return machine_is_live(s) && s != ROLLOUT_DONE;
}

static void
show(struct rollouts *all, const struct rollout *r)
{
    const struct machine *m = &r->machine;

    rollout_builds_show(r);
    atomic_store(gates_word(r->place, GATES_BASELINE_N), r->story.baseline_n);
    atomic_store(gates_word(r->place, GATES_EXPOSED),
                 machine_is_live(m->state) ? m->run : 0);
    atomic_store(&r->place->armed, is_judged(m->state) ? m->run : 0);
    weights_set(all->weights, r->slot,
                (struct weight){.ppm = machine_weight(&r->gen->plan, m),
                                .run = m->run});
}

/* From now on nobody is sent to the canary; a worker may have been first. */
static void
note_halt(struct rollout *r, uint64_t wall_ms)
{
    struct timespec t = {0};

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    gates_once(&r->place->halt_ms, wall_ms);
    gates_once(&r->place->halt_at_ms,
               (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000);
}

/* What a report will tell of this run, kept as it comes. */
static void
tell_story(const struct rollouts *all, const struct rollout *r,
           const struct rollout_ask *ask, struct rollout_story *story)
{
    uint64_t halt_ms = atomic_load(&r->place->halt_ms);

    if (machine_begins(r->machine.state, ask->event)) {
        *story = (struct rollout_story){
            .began_ms = ask->wall_ms,
            .baseline_n = (uint32_t)r->gen->baseline->n_endpoints,
            .exposed_from = exposures_end(all->gen->state_dir.at)};
        (void)snprintf(story->lost, sizeof(story->lost), "%.*s",
                       SPAN_FMT(ask->lost));
    }
    if (ask->event != EVENT_HALT && ask->event != EVENT_ROLL_BACK)
        return;
    if (story->halted_ms) /* it was halted before it is rolled back */
        return;
    story->halted_ms =
        halt_ms && rollout_is_latched(all, r) ? halt_ms : ask->wall_ms;
    story->halted_ppm = machine_weight(&r->gen->plan, &r->machine);
    (void)snprintf(story->halted_by, sizeof(story->halted_by), "%.*s",
                   SPAN_FMT(ask->actor));
    (void)snprintf(story->cause, sizeof(story->cause), "%.*s",
                   SPAN_FMT(ask->reason));
}

static enum err_code
take_edge(struct rollouts *all, struct rollout *r,
          const struct rollout_ask *ask, struct err *e)
{
    struct rollout next = *r;
    struct machine_call call = {.event = ask->event,
                                .by = ask->by,
                                .wall_ms = ask->wall_ms,
                                .canary_answers = rollout_answers(r)};
    bool begins = machine_begins(r->machine.state, ask->event);

    /* What an earlier run counted, or an earlier build, is not this one's. */
    if (begins || rollout_restarts(r->machine.state, ask->event))
        call.canary_answers = 0;
    if (machine_apply(&r->gen->plan, &r->machine, &call, &next.machine, e))
        return e->code;
    if (begins)
        clear_cells(r);
    tell_story(all, r, ask, &next.story);
    rollout_builds_turn(r, ask->event, &next);
    if (ask->by == BY_GLASS)
        rollout_note_forced(all, r, ask, &next);
    if (rollout_commit(all, r, &next, ask, machine_event_word(ask->event), e))
        return e->code;
    if (ask->event == EVENT_HALT) /* workers that have not seen one */
        latches_set(all->latches, r->slot, r->machine.run,
                    rollout_is_broken(r) ? rollout_broken_gate(r)
                                         : LATCH_OPERATOR);
    show(all, r);
    if (ask->event == EVENT_HALT || ask->event == EVENT_ROLL_BACK)
        note_halt(r, ask->wall_ms);
    log_info("rollout",
             "name=%.*s event=%s state=%s step=%u ppm=%u "
             "revision=%llu",
             SPAN_FMT(r->gen->name), machine_event_word(ask->event),
             machine_state_word(r->machine.state), r->machine.step + 1,
             machine_weight(&r->gen->plan, &r->machine),
             (unsigned long long)r->revision);
    if (ask->event == EVENT_BLOCK) /* by a worker's gate, or by latency */
        log_error("rollout_frozen", "name=%.*s run=%u reason=\"%.*s\"",
                  SPAN_FMT(r->gen->name), r->machine.run,
                  SPAN_FMT(ask->reason));
    return OK;
}

enum err_code
rollouts_ask(struct rollouts *all, struct rollout *r,
             const struct rollout_ask *ask, struct err *e)
{
    return rollout_may_go(all, r, ask, e) ? e->code : take_edge(all, r, ask, e);
}

enum err_code
rollouts_would(const struct rollouts *all, const struct rollout *r,
               const struct rollout_ask *ask, struct machine *out,
               struct err *e)
{
    const char *refuses = store_refuses(all->store);
    struct machine_call call = {
        .event = ask->event, .by = ask->by, .wall_ms = ask->wall_ms};

    if (refuses)
        return err_set(e, ERR_CONFLICT, "%s", refuses);
    if (ask->expects && ask->expected != r->revision)
        return err_set(e, ERR_CONFLICT, "it is at revision %llu, not %llu",
                       (unsigned long long)r->revision,
                       (unsigned long long)ask->expected);
    *out = r->machine; /* an approval moves nothing by itself */
    if (ask->event == EVENT_APPROVE)
        return rollout_would_approve(r, ask, e);
    return rollout_may_go(all, r, ask, e)
               ? e->code
               : machine_apply(&r->gen->plan, &r->machine, &call, out, e);
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

    if (take_edge(all, r, &ask, &e) == OK)
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
        gen_rollout_cell_text(r->gen, r->slow_cell, cell, sizeof(cell));
        (void)snprintf(out, size, "latency: %s", cell);
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

    if (r->gen->plan.has_latency && is_judged(r->machine.state) &&
        now_ms >= r->latency_at_ms + ROLLOUTS_LATENCY_MS) {
        judge_latency(r);
        r->latency_at_ms = now_ms;
    }
    rollout_traffic_mark(r, wall_ms);
    if (is_judged(r->machine.state))
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
static void
restore_latch(struct rollouts *all, const struct rollout *r)
{
    char reason[32];

    if (!is_judged(r->machine.state) || rollout_is_latched(all, r) ||
        !exposures_halted(all->gen->state_dir.at, r->gen->name, r->machine.run,
                          reason, sizeof(reason)))
        return;
    latches_set(all->latches, r->slot, r->machine.run,
                latch_reason_of(span_str(reason)));
    log_warn("latch_restored", "name=%.*s run=%u gate=%s",
             SPAN_FMT(r->gen->name), r->machine.run, reason);
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
        restore_latch(all, r); /* before the weight is shown to anybody */
        if (!same)
            meet_new_plan(all, r, wall_ms);
        show(all, r);
    }
}
