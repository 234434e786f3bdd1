/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The calls about rollouts: look, ask for an edge, approve.
 */
#include "proxy/control/api_call.h"

#include "proxy/base/quantity.h"
#include "proxy/control/api_view.h"
#include "proxy/control/rollout_cells.h"
#include "proxy/control/rollout_require.h"
#include "proxy/control/view_rollout.h"
#include "proxy/control/view_traffic.h"

#include <stdio.h>

#define HISTORY_MAX 500u
#define SCAN_MAX    100000u /* revisions looked through for them */

/* What a word is: an edge of the machine, one that may be forced, one of cells, or what people say besides. */
enum verb_kind { EDGE, EDGE_FORWARD, EDGE_CELLS, APPROVAL, ACKNOWLEDGEMENT };

/* X(word, event, kind) */
#define VERBS(X)                                                               \
    X("shadow", EVENT_SHADOW, EDGE)                                            \
    X("start", EVENT_START, EDGE_FORWARD)                                      \
    X("pause", EVENT_PAUSE, EDGE)                                              \
    X("resume", EVENT_RESUME, EDGE)                                            \
    X("promote", EVENT_PROMOTE, EDGE_FORWARD)                                  \
    X("flip", EVENT_FLIP, EDGE_FORWARD)                                        \
    X("reopen", EVENT_REOPEN, EDGE_CELLS)                                      \
    X("abort", EVENT_HALT, EDGE)                                               \
    X("rollback", EVENT_ROLL_BACK, EDGE)                                       \
    X("withdraw", EVENT_WITHDRAW, EDGE)                                        \
    X("again", EVENT_AGAIN, EDGE)                                              \
    X("approve", EVENT_APPROVE, APPROVAL)                                      \
    X("acknowledge", EVENT_APPROVE, ACKNOWLEDGEMENT)

static const struct verb {
    const char *word;
    enum machine_event event; /* of an acknowledgement none */
    enum verb_kind kind;
} verbs[] = {
#define X(word, event, kind) {word, event, kind},
    VERBS(X)
#undef X
};

/* ---------------------------------------------------------------------- reading */

void
get_rollouts(struct call *c)
{
    const struct rollouts *all = &c->control->rollouts;
    json_t *list = json_array();

    for (size_t i = 0; i < all->n; i++)
        (void)json_array_append_new(list, view_rollout(all, &all->at[i]));
    call_answer(c->out, 200, json_pack("{s:o*}", "rollouts", list));
}

static struct rollout *
find(struct call *c, span name)
{
    struct rollout *r = rollouts_find(&c->control->rollouts, name);

    if (!r)
        api_problem(c->out, 404, "no rollout is called '%.*s'", SPAN_FMT(name));
    return r;
}

static void
answer_rollout(struct call *c, const struct rollout *r)
{
    (void)snprintf(c->out->etag, sizeof(c->out->etag), "\"%llu\"",
                   (unsigned long long)r->revision);
    struct metrics_sum *sum =
        r->gen->manifest.n_watch ? traffic_sum(c->control) : NULL;

    call_answer(c->out, 200, view_rollout_whole(&c->control->rollouts, r, sum));
    metrics_sum_free(&sum);
}

/* The revisions of one rollout, newest first. */
struct history {
    span slot;
    json_t *list;
};

static bool
is_of(const json_t *after, span slot)
{
    return span_is(slot, json_string_value(json_object_get(after, "slot")));
}

static bool
keep_revision(void *arg, const struct store_revision *r)
{
    struct history *h = arg;

    if (!span_starts(r->kind, SPAN("rollout.")))
        return true;
    json_t *after = json_loadb(r->after.at, r->after.len, 0, NULL);
    if (is_of(after, h->slot))
        (void)json_array_append_new(h->list, view_revision(r));
    json_decref(after);
    return json_array_size(h->list) < HISTORY_MAX;
}

static void
answer_history(struct call *c, const struct rollout *r)
{
    struct history h = {.slot = r->gen->canary.slot_name, .list = json_array()};
    struct err e;

    if (store_revisions(c->control->store, 0, SCAN_MAX, keep_revision, &h,
                        &e)) {
        json_decref(h.list);
        api_problem(c->out, call_status_of(e.code), "%s", e.text);
        return;
    }
    call_answer(c->out, 200, json_pack("{s:o*}", "revisions", h.list));
}

void
get_rollout(struct call *c)
{
    span rest = c->rest, name = span_cut(&rest, '/');
    const struct rollout *r = find(c, name);

    if (!r)
        return;
    if (rest.len == 0)
        answer_rollout(c, r);
    else if (span_is(rest, "history"))
        answer_history(c, r);
    else if (span_is(rest, "evidence"))
        call_answer(c->out, 200,
                    json_pack("{s:o}", "evidence", rollout_evidence(r)));
    else if (span_is(rest, "report"))
        get_report(c, r);
    else if (span_is(rest, "writes"))
        get_writes(c, r);
    else
        api_problem(c->out, 404,
                    "a rollout has `history`, `evidence`, `report` and "
                    "`writes`");
}

/* ---------------------------------------------------------------------- writing */

static const struct verb *
find_verb(struct call *c, span word)
{
    for (size_t i = 0; i < COUNT(verbs); i++)
        if (span_is(word, verbs[i].word))
            return &verbs[i];
    api_problem(c->out, 404,
                "a rollout is told shadow, start, pause, resume, promote, "
                "flip, reopen, "
                "abort, rollback, withdraw, again, approve or acknowledge");
    return NULL;
}

/* Is this caller one of those whose approval counts? */
static bool
may_approve(struct call *c, const struct gen_rollout *r)
{
    const struct gen_user *user = c->request->who->user;

    if (!user || !c->request->who->is_approver)
        return false;
    for (size_t i = 0; i < r->n_approvers; i++)
        for (size_t j = 0; j < user->n_groups; j++)
            if (span_eq(r->approvers[i], user->groups[j]))
                return true;
    return r->n_approvers == 0;
}

static bool
may(struct call *c, const struct verb *verb, const struct gen_rollout *r)
{
    const struct who *who = c->request->who;
    bool may = verb->kind == APPROVAL ? may_approve(c, r) : who->is_operator;

    if (verb->kind == ACKNOWLEDGEMENT)
        may |= who->is_approver;
    if (may)
        return true;
    api_problem(
        c->out, 403, "%s may not %s it: that is for %s", who->actor, verb->word,
        verb->kind == APPROVAL ? "an approver of its groups" : "an operator");
    return false;
}

/* `break_glass` of the body. False: answered. */
static bool
read_glass(struct call *c, const struct verb *verb, const json_t *json,
           bool *breaks)
{
    const json_t *value = json_object_get(json, "break_glass");
    const struct who *who = c->request->who;

    *breaks = json_is_true(value);
    if (value && !json_is_boolean(value))
        api_problem(c->out, 400, "'break_glass' is true or false");
    else if (*breaks && verb->kind != EDGE_FORWARD)
        api_problem(
            c->out, 400,
            "'break_glass' is of start, promote and flip: %s needs none",
            verb->word);
    else if (*breaks && !who->may_break_glass)
        api_problem(c->out, 403,
                    "%s may not break the glass: that is for an operator who "
                    "has the role break-glass",
                    who->actor);
    else
        return true;
    return false;
}

/* Where it would lead; nothing is changed. */
static enum err_code
answer_would(struct call *c, const struct rollout *r,
             const struct rollout_ask *ask, struct err *e)
{
    struct machine m;
    enum err_code code = rollouts_would(&c->control->rollouts, r, ask, &m, e);
    uint32_t ppm = code ? 0 : machine_weight(&r->gen->plan, &m);
    char share[16];

    if (code)
        return code;
    quantity_share_text(ppm, share, sizeof(share));
    call_answer(
        c->out, 200,
        json_pack("{s:b, s:s%, s:s, s:s, s:s, s:I, s:s, s:I, s:I}", "dry_run",
                  1, "name", r->gen->name.at, r->gen->name.len, "event",
                  machine_event_word(ask->event), "was",
                  machine_state_word(r->machine.state), "state",
                  machine_state_word(m.state), "step", (json_int_t)m.step + 1,
                  "weight", share, "weight_ppm", (json_int_t)ppm, "revision",
                  (json_int_t)r->revision));
    return OK;
}

/* What `require` asks of the first step; true: it is not met, and answered. */
static bool
is_unmet(struct call *c, const struct rollout *r, const struct verb *verb,
         bool breaks_glass)
{
    char why[512];

    if (verb->kind != EDGE_FORWARD ||
        !machine_begins(r->machine.state, verb->event) ||
        rollout_is_met(c->control, r, breaks_glass, why, sizeof(why)))
        return false;
    api_problem(c->out, 409, "it is not to be started yet: %s", why);
    return true;
}

/* Do it, or say what would be. */
static enum err_code
take(struct call *c, struct rollout *r, const struct verb *verb,
     const struct rollout_ask *ask, bool dry, struct err *e)
{
    struct rollouts *all = &c->control->rollouts;

    switch (verb->kind) {
    case EDGE:
    case EDGE_FORWARD:
    case EDGE_CELLS:
        return dry ? answer_would(c, r, ask, e) : rollouts_ask(all, r, ask, e);
    case APPROVAL:
        if (dry)
            return answer_would(c, r, ask, e);
        if (rollouts_approve(all, r, ask, e))
            return e->code;
        /* The last one that was needed counts at once: its caller may start. */
        rollouts_tick(all, ask->wall_ms, c->request->now_ms);
        return OK;
    case ACKNOWLEDGEMENT:
        break;
    }
    return rollouts_acknowledge(all, r, ask, e);
}

/*
 * Clients that could not come back after a rollback are somebody's to accept: `no_way_back`. True: nobody has, and it
 * is answered; `lost` has their versions.
 */
static bool
is_one_way(struct call *c, const struct rollout *r, const struct verb *verb,
           const json_t *json, char lost[ROLLOUT_ACTOR_MAX])
{
    const json_t *value = json_object_get(json, "no_way_back");

    lost[0] = '\0';
    if (value && !json_is_boolean(value)) {
        api_problem(c->out, 400, "'no_way_back' is true or false");
        return true;
    }
    if (verb->kind != EDGE_FORWARD ||
        !machine_begins(r->machine.state, verb->event) ||
        rollout_lost(c->control, r, lost, ROLLOUT_ACTOR_MAX) == 0 ||
        json_is_true(value))
        return false;
    api_problem(c->out, 409,
                "clients at %s could not come back: the baseline cannot serve "
                "their version; who accepts it says 'no_way_back'",
                lost);
    return true;
}

/* `cell` of a reopening, and `without_halted` of an edge forward. False: answered. */
static bool
read_cells(struct call *c, const struct rollout *r, const struct verb *verb,
           const json_t *json, struct rollout_ask *ask)
{
    const json_t *cell = json_object_get(json, "cell"),
                 *without = json_object_get(json, "without_halted");
    span name = span_str(json_string_value(cell));

    ask->without_halted = json_is_true(without);
    if (cell && (verb->kind != EDGE_CELLS || name.len == 0))
        api_problem(c->out, 400, "'cell' is a name, and of reopen alone");
    else if (without && !json_is_boolean(without))
        api_problem(c->out, 400, "'without_halted' is true or false");
    else if (ask->without_halted && verb->kind != EDGE_FORWARD)
        api_problem(c->out, 400, "'without_halted' is of promote and flip");
    else if (verb->kind == EDGE_CELLS &&
             (ask->cells = rollout_cells_called(r, name)) == 0 && name.len)
        api_problem(c->out, 404, "it has no cell '%.*s'", SPAN_FMT(name));
    else
        return true;
    return false;
}

static void
do_verb(struct call *c, struct rollout *r, const struct verb *verb,
        const json_t *json)
{
    struct rollout_ask ask = {.event = verb->event,
                              .by = BY_OPERATOR,
                              .actor = span_str(c->request->who->actor),
                              .wall_ms = c->request->wall_ms};
    char kind[ROLLOUT_KIND_MAX], lost[ROLLOUT_ACTOR_MAX];
    struct err e;
    bool dry, breaks;

    if (!call_if_match(c, &ask.expects, &ask.expected) ||
        !call_reason(c, json, &ask.reason) || !call_dry(c, json, &dry) ||
        !read_glass(c, verb, json, &breaks) ||
        !read_cells(c, r, verb, json, &ask))
        return;
    if (dry && verb->kind == ACKNOWLEDGEMENT) {
        api_problem(c->out, 400, "an acknowledgement has no dry run");
        return;
    }
    if (breaks)
        ask.by = BY_GLASS;
    rollout_kind(verb->kind == ACKNOWLEDGEMENT
                     ? verb->word
                     : machine_event_word(verb->event),
                 breaks, kind);
    switch (
        call_key(c, call_key_slot(r->gen->canary.slot_name), kind, &ask.key)) {
    case KEY_NEW:
        break;
    case KEY_SAME:
        answer_rollout(c, r);
        return;
    case KEY_ANOTHER_S:
        return;
    }
    if (is_unmet(c, r, verb, breaks) || is_one_way(c, r, verb, json, lost))
        return;
    ask.lost = span_str(lost);
    enum err_code code = take(c, r, verb, &ask, dry, &e);
    bool is_stale = ask.expects && ask.expected != r->revision;
    if (code == OK && dry)
        return;
    if (code == OK)
        answer_rollout(c, r);
    else if (code == ERR_CONFLICT && is_stale &&
             !store_refuses(c->control->store))
        api_problem(c->out, 412, "%s", e.text);
    else
        api_problem(c->out,
                    code == ERR_UNSUPPORTED ? 403 : call_status_of(code), "%s",
                    e.text);
}

void
post_rollout(struct call *c)
{
    static const char *const members[] = {"reason",      "dry_run",
                                          "break_glass", "no_way_back",
                                          "cell",        "without_halted"};
    span rest = c->rest, name = span_cut(&rest, '/');
    struct rollout *r = find(c, name);
    const struct verb *verb = r ? find_verb(c, rest) : NULL;

    if (!verb || !may(c, verb, r->gen))
        return;
    json_t *json = call_body(c, members, COUNT(members));
    if (json)
        do_verb(c, r, verb, json);
    json_decref(json);
}
