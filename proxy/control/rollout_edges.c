/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/control/rollout_edges.h"

#include "proxy/control/exposures.h"
#include "proxy/control/rollout_builds.h"
#include "proxy/control/rollout_cells.h"
#include "proxy/control/rollout_people.h"
#include "proxy/control/rollout_record.h"
#include "proxy/control/rollout_report.h"
#include "proxy/control/rollout_watch.h"
#include "proxy/observe/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

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

bool
rollout_is_judged(enum machine_state s)
{
    return machine_is_live(s) && s != ROLLOUT_DONE;
}

void
rollout_show(struct rollouts *all, const struct rollout *r)
{
    const struct machine *m = &r->machine;

    rollout_builds_show(r);
    rollout_cells_show(r);
    atomic_store(gates_word(r->place, GATES_BASELINE_N), r->story.baseline_n);
    atomic_store(gates_word(r->place, GATES_EXPOSED),
                 machine_is_live(m->state) ? m->run : 0);
    atomic_store(&r->place->armed, rollout_is_judged(m->state) ? m->run : 0);
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

/* Why the latch of a run is set that no worker's is: all its cells were halted, or the way back was not there. */
static enum latch_reason
latch_of(const struct rollout *r)
{
    uint32_t halted = r->machine.halted;

    if (rollout_is_broken(r))
        return rollout_broken_gate(r);
    return halted && halted == rollout_cells_all(r)
               ? r->cells[__builtin_ctz(halted)].gate
               : LATCH_OPERATOR;
}

enum err_code
rollout_take_edge(struct rollouts *all, struct rollout *r,
                  const struct rollout_ask *ask, struct err *e)
{
    struct rollout next = *r;
    struct machine_call call = {.event = ask->event,
                                .by = ask->by,
                                .wall_ms = ask->wall_ms,
                                .canary_answers = rollout_answers(r),
                                .cells = ask->cells};
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
    rollout_cells_turn(r, ask, &next);
    rollout_watch_turn(all, ask->event, &next);
    if (ask->by == BY_GLASS)
        rollout_note_forced(all, r, ask, &next);
    if (rollout_commit(all, r, &next, ask, machine_event_word(ask->event), e))
        return e->code;
    if (ask->event == EVENT_HALT) /* workers that have not seen one */
        latches_set(all->latches, r->slot, r->machine.run, latch_of(r));
    rollout_show(all, r);
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
    return rollout_may_go(all, r, ask, e) ? e->code
                                          : rollout_take_edge(all, r, ask, e);
}

enum err_code
rollouts_would(const struct rollouts *all, const struct rollout *r,
               const struct rollout_ask *ask, struct machine *out,
               struct err *e)
{
    const char *refuses = store_refuses(all->store);
    struct machine_call call = {.event = ask->event,
                                .by = ask->by,
                                .wall_ms = ask->wall_ms,
                                .cells = ask->cells};

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
