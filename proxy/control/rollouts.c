/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/control/rollouts.h"

#include "proxy/observe/log.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

static_assert((uint32_t)CELL_WORDS <= GATES_CELL_WORDS, "a cell has room");
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

static uint32_t
cells_n(const struct rollout *r)
{
    return r->gen->cells_routes * r->gen->cells_versions *
           r->gen->cells_platforms;
}

uint64_t
rollout_answers(const struct rollout *r)
{
    uint64_t n = 0;

    for (uint32_t i = 0; i < cells_n(r); i++)
        n += cell_answers(r->place->cells[i], true);
    return n;
}

bool
rollout_is_latched(const struct rollouts *all, const struct rollout *r)
{
    return latches_get(all->latches, r->slot).run == r->machine.run;
}

/* Which approvals count: those of this run, for the step that asks for one. */
static uint32_t
step_asked(const struct machine *m)
{
    return machine_is_live(m->state) ? m->step + 1 : 0;
}

uint32_t
rollout_approved(const struct rollout *r)
{
    uint32_t n = 0;

    for (size_t i = 0; i < r->n_approvals; i++)
        n += r->approvals[i].run == r->machine.run &&
             r->approvals[i].step == step_asked(&r->machine);
    return n;
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
        n += !b || b->health.is != HEALTH_DOWN;
    }
    return n > 0 &&
           n * WEIGHT_ALL >= pool->n_endpoints * (uint64_t)r->gen->capacity_ppm;
}

/* The cells' times; what is slower is remembered with its cell. */
static void
judge_latency(struct rollout *r)
{
    const struct rollout_plan *plan = &r->gen->plan;

    r->is_slower = false;
    for (uint32_t i = 0; i < cells_n(r) && !r->is_slower; i++) {
        struct cell_view v;
        struct sketch_judgement j;
        cell_read(r->place->cells[i], &plan->cell, &v);
        sketch_judge(&plan->latency, v.arms[1].times, v.arms[0].times, &j);
        r->is_slower = j.verdict == SKETCH_SLOWER;
        r->slow_cell = i;
    }
}

/* ------------------------------------------------------------------ to the store */

static json_t *
approvals_json(const struct rollout *r)
{
    json_t *list = json_array();

    for (size_t i = 0; i < r->n_approvals; i++)
        (void)json_array_append_new(
            list, json_pack("{s:s, s:I, s:I}", "actor", r->approvals[i].actor,
                            "run", (json_int_t)r->approvals[i].run, "step",
                            (json_int_t)r->approvals[i].step));
    return list;
}

/* All that is known of it, as the journal says it. Ours; NULL: no memory. */
static char *
record_text(const struct rollout *r, const struct store_weight *w,
            const char *event, bool with_evidence)
{
    const struct machine *m = &r->machine;
    char shape[24];

    (void)snprintf(shape, sizeof(shape), "%016llx",
                   (unsigned long long)r->gen->shape);
    json_t *json = json_pack(
        "{" STORE_WEIGHT_MEMBERS
        ", s:s%, s:s, s:s, s:I, s:I, s:I, s:I, s:s, s:o, s:o*}",
        "slot", w->slot, "weight_ppm", (json_int_t)w->weight_ppm, "run",
        (json_int_t)w->run, "file_ppm", (json_int_t)w->file_ppm, "rollout",
        r->gen->name.at, r->gen->name.len, "event", event, "state",
        machine_state_word(m->state), "step", (json_int_t)m->step + 1,
        "since_ms", (json_int_t)m->since_ms, "latest_ms",
        (json_int_t)m->latest_ms, "base_answers", (json_int_t)m->base_answers,
        "plan", shape, "approvals", approvals_json(r), "evidence",
        with_evidence ? rollout_evidence(r) : NULL);
    char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;

    json_decref(json);
    return text;
}

static uint64_t
member(const json_t *json, const char *name)
{
    json_int_t n = json_integer_value(json_object_get(json, name));

    return n < 0 ? 0 : (uint64_t)n;
}

static void
read_approvals(struct rollout *r, const json_t *list)
{
    const json_t *one;
    size_t i;

    r->n_approvals = 0;
    json_array_foreach(list, i, one)
    {
        const char *actor = json_string_value(json_object_get(one, "actor"));
        if (r->n_approvals == ROLLOUT_APPROVALS || !actor)
            return;
        struct rollout_approval *a = &r->approvals[r->n_approvals++];
        (void)snprintf(a->actor, sizeof(a->actor), "%s", actor);
        a->run = (uint32_t)member(one, "run");
        a->step = (uint32_t)member(one, "step");
    }
}

/* What record_text wrote; a step that the plan no longer has is its last. */
static bool
read_record(struct rollout *r, const struct store_record *record)
{
    json_t *json = json_loadb(record->json.at, record->json.len, 0, NULL);
    span state = span_str(json_string_value(json_object_get(json, "state")));
    span plan = span_str(json_string_value(json_object_get(json, "plan")));
    uint64_t step = member(json, "step");
    uint32_t last = r->gen->plan.n_steps;
    char shape[24];

    r->machine = (struct machine){.step = (uint32_t)(step < 1      ? 1
                                                     : step > last ? last
                                                                   : step) -
                                          1,
                                  .run = (uint32_t)member(json, "run"),
                                  .since_ms = member(json, "since_ms"),
                                  .latest_ms = member(json, "latest_ms"),
                                  .base_answers = member(json, "base_answers")};
    r->revision = record->revision;
    (void)machine_state_of(state, &r->machine.state);
    read_approvals(r, json_object_get(json, "approvals"));
    (void)snprintf(shape, sizeof(shape), "%016llx",
                   (unsigned long long)r->gen->shape);
    bool same = span_is(plan, shape);
    json_decref(json);
    return same;
}

static span
record_name(const struct rollout *r)
{
    return r->gen->canary.slot_name;
}

/* Commit what `next` is, and make it so. `r` is as it was if that fails. */
static enum err_code
commit(struct rollouts *all, struct rollout *r, const struct rollout *next,
       const struct rollout_ask *ask, const char *event, struct err *e)
{
    const struct store_record *was = store_record(all->store, record_name(r));
    struct store_weight w = {.weight_ppm =
                                 machine_weight(&r->gen->plan, &next->machine),
                             .run = next->machine.run};
    char kind[48];

    memcpy(w.slot, record_name(r).at, record_name(r).len);
    char *text = record_text(next, &w, event, true);
    if (!text)
        return err_set(e, ERR_LIMIT, "no memory for a revision");
    (void)snprintf(kind, sizeof(kind), "rollout.%s", event);
    struct store_change c = {.actor = ask->actor,
                             .reason = ask->reason,
                             .kind = span_str(kind),
                             .time_ms = ask->wall_ms,
                             .weight = &w,
                             .before = was ? was->json : (span){0},
                             .after = span_str(text),
                             .record = record_name(r),
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
    for (uint32_t i = 0; i < cells_n(r); i++)
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

    atomic_store(&r->place->armed, is_judged(m->state) ? m->run : 0);
    weights_set(all->weights, r->slot,
                (struct weight){.ppm = machine_weight(&r->gen->plan, m),
                                .run = m->run});
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
    bool begins = ask->event == EVENT_START;

    if (begins) /* what an earlier run counted is not this one's */
        call.canary_answers = 0;
    if (machine_apply(&r->gen->plan, &r->machine, &call, &next.machine, e))
        return e->code;
    if (begins)
        clear_cells(r);
    if (commit(all, r, &next, ask, machine_event_word(ask->event), e))
        return e->code;
    if (ask->event == EVENT_HALT) /* workers that have not seen one */
        latches_set(all->latches, r->slot, r->machine.run, LATCH_OPERATOR);
    show(all, r);
    log_info("rollout",
             "name=%.*s event=%s state=%s step=%u ppm=%u "
             "revision=%llu",
             SPAN_FMT(r->gen->name), machine_event_word(ask->event),
             machine_state_word(r->machine.state), r->machine.step + 1,
             machine_weight(&r->gen->plan, &r->machine),
             (unsigned long long)r->revision);
    return OK;
}

enum err_code
rollouts_ask(struct rollouts *all, struct rollout *r,
             const struct rollout_ask *ask, struct err *e)
{
    if (ask->event == EVENT_START && r->gen->author_may_not)
        for (size_t i = 0; i < r->n_approvals; i++)
            if (r->approvals[i].run == r->machine.run &&
                span_is(ask->actor, r->approvals[i].actor))
                return err_set(e, ERR_UNSUPPORTED,
                               "who approved it does not start it: that is "
                               "for somebody else");
    return take_edge(all, r, ask, e);
}

enum err_code
rollouts_approve(struct rollouts *all, struct rollout *r,
                 const struct rollout_ask *ask, struct err *e)
{
    struct rollout next = *r;
    struct rollout_approval a = {.run = r->machine.run,
                                 .step = step_asked(&r->machine)};

    if (ask->actor.len >= sizeof(a.actor) ||
        r->n_approvals == ROLLOUT_APPROVALS)
        return err_set(e, ERR_LIMIT, "it has no room for another approval");
    if (machine_is_over(r->machine.state))
        return err_set(e, ERR_CONFLICT, "it is %s: nothing is to be approved",
                       machine_state_word(r->machine.state));
    memcpy(a.actor, ask->actor.at, ask->actor.len);
    for (size_t i = 0; i < r->n_approvals; i++)
        if (r->approvals[i].run == a.run && r->approvals[i].step == a.step &&
            strcmp(r->approvals[i].actor, a.actor) == 0)
            return err_set(e, ERR_CONFLICT, "%s has approved it already",
                           a.actor);
    next.approvals[next.n_approvals++] = a;
    return commit(all, r, &next, ask, "approve", e);
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
        if (rollout_is_latched(all, r)) {
            rollout_cause_text(all, r, out, size);
            return;
        }
        gen_rollout_cell_text(r->gen, r->slow_cell, cell, sizeof(cell));
        (void)snprintf(out, size, "latency: %s", cell);
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
    for (int i = 0; i < 4; i++) { /* halt, rollback, report: no more in a row */
        struct advance_facts f = {.wall_ms = wall_ms,
                                  .canary_answers = rollout_answers(r),
                                  .approvals = rollout_approved(r),
                                  .is_halted = rollout_is_latched(all, r),
                                  .is_slower = r->is_slower,
                                  .baseline_is_up = baseline_is_up(all, r)};
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

void
rollouts_take(struct rollouts *all, struct store *store, uint64_t wall_ms)
{
    all->store = store;
    for (size_t i = 0; i < all->n; i++) {
        struct rollout *r = &all->at[i];
        const struct store_record *record = store_record(store, record_name(r));
        bool same = true;
        r->machine = machine_new(wall_ms);
        r->revision = 0;
        if (record)
            same = read_record(r, record);
        if (!same)
            meet_new_plan(all, r, wall_ms);
        show(all, r);
    }
}
