/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/control/rollout_people.h"

#include "proxy/base/utf8.h"
#include "proxy/control/rollout_edges.h"
#include "proxy/control/rollout_traffic.h"

#include <stdio.h>

/* ------------------------------------------------------------------------ approvals */

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

/* `next` is `r` with one approval more. */
static enum err_code
add_approval(const struct rollout *r, const struct rollout_ask *ask,
             struct rollout *next, struct err *e)
{
    struct rollout_approval a = {.run = r->machine.run,
                                 .step = step_asked(&r->machine)};

    *next = *r;
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
    next->approvals[next->n_approvals++] = a;
    return OK;
}

enum err_code
rollout_would_approve(const struct rollout *r, const struct rollout_ask *ask,
                      struct err *e)
{
    struct rollout next;

    return add_approval(r, ask, &next, e);
}

enum err_code
rollouts_approve(struct rollouts *all, struct rollout *r,
                 const struct rollout_ask *ask, struct err *e)
{
    struct rollout next;

    return add_approval(r, ask, &next, e)
               ? e->code
               : rollout_commit(all, r, &next, ask, "approve", e);
}

/* ------------------------------------------------------------------ may they go on? */

/* Who approved it does not start it, where the plan says so. */
static bool
is_author(const struct rollout *r, const struct rollout_ask *ask)
{
    if (!machine_begins(r->machine.state, ask->event) ||
        !r->gen->author_may_not)
        return false;
    for (size_t i = 0; i < r->n_approvals; i++)
        if (r->approvals[i].run == r->machine.run &&
            span_is(ask->actor, r->approvals[i].actor))
            return true;
    return false;
}

static bool
goes_forward(enum machine_event event)
{
    return event == EVENT_START || event == EVENT_PROMOTE ||
           event == EVENT_FLIP;
}

/* What the edge passes over as a text, "hold: 1 s of 1 h; approval: 0 of 1"; with `bars` alone what bars it. */
static void
lacks_text(const struct rollouts *all, const struct rollout *r,
           const struct rollout_ask *ask, bool bars, char *out, size_t size)
{
    struct advance_facts f = rollout_facts(all, r, ask->wall_ms);
    struct advance lacks[ADVANCE_LACKS];
    size_t n = advance_lacks(&r->gen->plan, &r->machine, &f, ask->event, lacks);
    size_t used = 0;
    char one[96];

    out[0] = '\0';
    for (size_t i = 0; i < n && used < size; i++) {
        if (bars && (!advance_bars(lacks[i].wait) ||
                     (ask->without_halted && lacks[i].wait == WAIT_CELLS)))
            continue;
        advance_text(&lacks[i], one, sizeof(one));
        used += (size_t)snprintf(out + used, size - used, "%s%s",
                                 used ? "; " : "", one);
    }
}

enum err_code
rollout_may_go(const struct rollouts *all, const struct rollout *r,
               const struct rollout_ask *ask, struct err *e)
{
    char why[ROLLOUT_SKIPPED_MAX];
    struct err was;
    const struct machine_edge *edge =
        machine_edge(r->machine.state, ask->event);

    /* An edge that is not there is refused as that. */
    if (ask->by != BY_OPERATOR || !goes_forward(ask->event) || !edge ||
        !(edge->by & BY_OPERATOR))
        return OK;
    if (is_author(r, ask))
        return err_set(e, ERR_UNSUPPORTED,
                       "who approved it does not start it: that is "
                       "for somebody else");
    if (ask->event == EVENT_START &&
        rollout_traffic_concludes(r, ask->wall_ms, &was))
        return err_set(e, ERR_CONFLICT, "%s", was.text);
    lacks_text(all, r, ask, true, why, sizeof(why));
    if (why[0])
        return err_set(e, ERR_CONFLICT,
                       "it is not to go on yet: %s; who breaks the glass "
                       "goes on all the same",
                       why);
    return OK;
}

/* ------------------------------------------------------------------ a broken glass */

/* As much of a text as there is room for, and no half letter. */
static void
keep(span text, char *out, size_t size)
{
    text = span_take(text, text.len < size ? text.len : size - 1);
    text.len = utf8_good(text);
    (void)snprintf(out, size, "%.*s", SPAN_FMT(text));
}

void
rollout_note_forced(const struct rollouts *all, const struct rollout *r,
                    const struct rollout_ask *ask, struct rollout *next)
{
    struct rollout_forced *f = &next->forced;
    uint32_t n = rollout_is_forced(r) ? r->forced.n : 0;

    *f = (struct rollout_forced){.n = n + 1,
                                 .at_ms = ask->wall_ms,
                                 .run = r->machine.run,
                                 .step = next->machine.step + 1};
    (void)snprintf(f->event, sizeof(f->event), "%s",
                   machine_event_word(ask->event));
    keep(ask->actor, f->actor, sizeof(f->actor));
    keep(ask->reason, f->reason, sizeof(f->reason));
    lacks_text(all, r, ask, false, f->skipped, sizeof(f->skipped));
    if (is_author(r, ask))
        (void)snprintf(f->skipped + strlen(f->skipped),
                       sizeof(f->skipped) - strlen(f->skipped), "%s%s",
                       f->skipped[0] ? "; " : "", "who approved it starts it");
}

bool
rollout_is_forced(const struct rollout *r)
{
    return r->forced.n > 0 && r->forced.acknowledged_by[0] == '\0';
}

enum err_code
rollouts_acknowledge(struct rollouts *all, struct rollout *r,
                     const struct rollout_ask *ask, struct err *e)
{
    struct rollout next = *r;

    if (!rollout_is_forced(r))
        return err_set(e, ERR_CONFLICT,
                       r->forced.n ? "%s has acknowledged it already"
                                   : "no glass was broken%s",
                       r->forced.acknowledged_by);
    keep(ask->actor, next.forced.acknowledged_by,
         sizeof(next.forced.acknowledged_by));
    return rollout_commit(all, r, &next, ask, "acknowledge", e);
}
