/* SPDX-License-Identifier: Apache-2.0 */
#include "routing/rollout/advance.h"

#include "routing/rollout/builds.h"

#include <stdio.h>

static struct advance
does(enum machine_event event)
{
    return (struct advance){.acts = true, .event = event};
}

static struct advance
waits(enum advance_wait wait, uint64_t have, uint64_t need)
{
    return (struct advance){.wait = wait, .have = have, .need = need};
}

/* A clock that is set back makes no hold shorter, and none longer than it was. */
static uint64_t
held_ms(const struct machine *m, const struct advance_facts *f)
{
    uint64_t now = f->wall_ms > m->latest_ms ? f->wall_ms : m->latest_ms;

    return now - m->since_ms;
}

static uint64_t
forbidden_for_ms(const struct rollout_plan *plan, uint64_t wall_ms)
{
    for (uint32_t i = 0; i < plan->n_forbidden; i++)
        if (window_holds(&plan->forbidden[i], wall_ms, &plan->zone))
            return window_ends_ms(&plan->forbidden[i], wall_ms, &plan->zone) -
                   wall_ms;
    return 0;
}

/* The canary's answers in this step. */
static uint64_t
answers_of(const struct machine *m, const struct advance_facts *f)
{
    return f->canary_answers > m->base_answers
               ? f->canary_answers - m->base_answers
               : 0;
}

static uint32_t
step_needs(const struct rollout_plan *plan)
{
    return plan->approvals_need ? plan->approvals_need : 1;
}

/* What a step lacks after its hold; the next one if nothing. */
static struct advance
missing(const struct rollout_plan *plan, const struct machine *m,
        const struct advance_facts *f)
{
    const struct rollout_step *s = &plan->steps[m->step];
    uint64_t answers = answers_of(m, f);
    uint64_t forbidden = forbidden_for_ms(plan, f->wall_ms);
    uint32_t need = step_needs(plan);

    if (answers < s->min_requests)
        return waits(WAIT_NO_DATA, answers, s->min_requests);
    if (s->approve && f->approvals < need)
        return waits(WAIT_APPROVAL, f->approvals, need);
    if (m->step + 1 == plan->n_steps && m->halted) /* not all are there */
        return waits(WAIT_CELLS, machine_halted_n(m), 0);
    if (m->step + 1 == plan->n_steps)
        return does(EVENT_FINISH); /* nobody moves: no window forbids it */
    if (forbidden)
        return waits(WAIT_WINDOW, 0, forbidden);
    return does(EVENT_ADVANCE);
}

static struct advance
stepping(const struct rollout_plan *plan, const struct machine *m,
         const struct advance_facts *f)
{
    const struct rollout_step *s = &plan->steps[m->step];
    uint64_t held = held_ms(m, f);

    if (held < s->hold_ms)
        return waits(WAIT_HOLD, held, s->hold_ms);
    struct advance a = missing(plan, m, f);
    if (a.acts)
        return a;
    if (a.wait == WAIT_NO_DATA && s->at_most_ms && held >= s->at_most_ms)
        a.acts = true, a.event = EVENT_PAUSE;
    else if (m->state == ROLLOUT_STEP)
        a.acts = true, a.event = EVENT_WAIT;
    return a;
}

/* Latches of cells that the journal does not have yet. */
static bool
has_halts(const struct machine *m, const struct advance_facts *f,
          struct advance *out)
{
    *out = does(EVENT_HALT_CELL);
    out->cells = f->latched & ~m->halted;
    return out->cells != 0;
}

static struct advance
live(const struct rollout_plan *plan, const struct machine *m,
     const struct advance_facts *f)
{
    if (f->is_halted)
        return does(EVENT_HALT);
    if (f->is_slower || f->is_broken)
        return does(f->baseline_is_up ? EVENT_HALT : EVENT_BLOCK);
    struct advance halts;
    if (has_halts(m, f, &halts))
        return halts;
    if (m->halted && m->halted == f->cells) /* nothing of it is left */
        return does(EVENT_HALT);
    if (f->has_new_build)
        return does(EVENT_REBUILD);
    if (m->state == ROLLOUT_PAUSED)
        return waits(WAIT_OPERATOR, 0, 0);
    if (f->has_many_builds) { /* which is new cannot be said any more */
        struct advance a = does(EVENT_PAUSE);
        a.wait = WAIT_BUILDS;
        return a;
    }
    return stepping(plan, m, f);
}

static struct advance
judge(const struct rollout_plan *plan, const struct machine *m,
      const struct advance_facts *f)
{
    struct advance halts;

    switch (m->state) {
    case ROLLOUT_DRAFT:
        return does(EVENT_CHECK);
    case ROLLOUT_CHECKED:
        if (f->approvals >= plan->approvals_need)
            return does(EVENT_APPROVE);
        return waits(WAIT_APPROVAL, f->approvals, plan->approvals_need);
    case ROLLOUT_APPROVED:
    case ROLLOUT_SHADOWING:
        return waits(WAIT_START, 0, 0);
    case ROLLOUT_STEP:
    case ROLLOUT_HOLDING:
    case ROLLOUT_BAKING:
    case ROLLOUT_PAUSED:
        return live(plan, m, f);
    case ROLLOUT_BLOCKED:
        if (f->is_halted)
            return does(EVENT_HALT);
        return has_halts(m, f, &halts) ? halts : waits(WAIT_OPERATOR, 0, 0);
    case ROLLOUT_HALTED:
        return plan->on_fail == ON_FAIL_ROLLBACK ? does(EVENT_ROLL_BACK)
                                                 : waits(WAIT_OPERATOR, 0, 0);
    case ROLLOUT_ROLLED_BACK:
        if (held_ms(m, f) < ADVANCE_REPORT_MS)
            return waits(WAIT_UNDER_WAY, held_ms(m, f), ADVANCE_REPORT_MS);
        return does(EVENT_REPORT);
    case ROLLOUT_DONE: /* a worker may have been faster than the last edge */
        if (has_halts(m, f, &halts))
            return halts;
        break;
    case ROLLOUT_REPORTED:
    case ROLLOUT_WITHDRAWN:
        break;
    }
    return waits(WAIT_NOTHING, 0, 0);
}

void
advance_judge(const struct rollout_plan *plan, const struct machine *m,
              const struct advance_facts *f, struct advance *out)
{
    *out = judge(plan, m, f);
}

/* The approvals that lack before this step can be left, or the start be made. */
static bool
lacks_approval(const struct rollout_plan *plan, const struct machine *m,
               const struct advance_facts *f, enum machine_event event,
               struct advance *out)
{
    bool live = machine_is_live(m->state);
    uint32_t have = f->approvals;
    uint32_t need = live ? 0 : plan->approvals_need;
    uint32_t to = event == EVENT_FLIP ? plan->n_steps - 1 : m->step + 1;

    if (live && plan->steps[m->step].approve)
        need = step_needs(plan);
    /* Of steps that are passed over nobody was asked. */
    for (uint32_t i = live ? m->step + 1 : 0;
         event == EVENT_FLIP && have >= need && i < to; i++)
        if (plan->steps[i].approve)
            have = 0, need = step_needs(plan);
    *out = waits(WAIT_APPROVAL, have, need);
    return have < need;
}

size_t
advance_lacks(const struct rollout_plan *plan, const struct machine *m,
              const struct advance_facts *f, enum machine_event event,
              struct advance out[ADVANCE_LACKS])
{
    const struct rollout_step *s = &plan->steps[m->step];
    bool live = machine_is_live(m->state);
    bool finishes = event == EVENT_PROMOTE && m->step + 1 == plan->n_steps;
    uint64_t forbidden = finishes ? 0 : forbidden_for_ms(plan, f->wall_ms);
    size_t n = 0;

    if (live && held_ms(m, f) < s->hold_ms)
        out[n++] = waits(WAIT_HOLD, held_ms(m, f), s->hold_ms);
    if (live && answers_of(m, f) < s->min_requests)
        out[n++] = waits(WAIT_NO_DATA, answers_of(m, f), s->min_requests);
    n += lacks_approval(plan, m, f, event, &out[n]);
    if (forbidden)
        out[n++] = waits(WAIT_WINDOW, 0, forbidden);
    if (live && m->halted)
        out[n++] = waits(WAIT_CELLS, machine_halted_n(m), 0);
    return n;
}

bool
advance_bars(enum advance_wait w)
{
    return w == WAIT_APPROVAL || w == WAIT_WINDOW || w == WAIT_CELLS;
}

const char *
advance_wait_word(enum advance_wait w)
{
    static const char *const words[] = {
#define X(id, word) word,
        ADVANCE_WAITS(X)
#undef X
    };

    return words[w];
}

void
advance_text(const struct advance *a, char *out, size_t size)
{
    char have[24], need[24];
    unsigned long long n = a->have, of = a->need;

    plan_duration_text(a->have, have, sizeof(have));
    plan_duration_text(a->need, need, sizeof(need));
    switch (a->wait) {
    case WAIT_HOLD:
        (void)snprintf(out, size, "hold: %s of %s", have, need);
        return;
    case WAIT_NO_DATA:
        (void)snprintf(out, size, "no data: %llu of %llu requests", n, of);
        return;
    case WAIT_WINDOW:
        (void)snprintf(out, size, "window: %s until it opens", need);
        return;
    case WAIT_APPROVAL:
        (void)snprintf(out, size, "approval: %llu of %llu", n, of);
        return;
    case WAIT_BUILDS:
        (void)snprintf(out, size,
                       "builds: more than %u answer, so `build_header` names "
                       "none",
                       BUILDS_MAX);
        return;
    case WAIT_CELLS:
        (void)snprintf(out, size, "cells: %llu halted, to reopen or to leave",
                       n);
        return;
    case WAIT_START:
    case WAIT_UNDER_WAY:
    case WAIT_OPERATOR:
    case WAIT_NOTHING:
        (void)snprintf(out, size, "%s", advance_wait_word(a->wait));
    }
}
