/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/control/view_rollout.h"

#include "proxy/base/quantity.h"
#include "proxy/control/rollout_record.h"

#include <stdio.h>

static json_t *
text(span s)
{
    json_t *json = json_stringn(s.at ? s.at : "", s.len);

    return json ? json : json_string("(not UTF-8)");
}

static json_t *
number(uint64_t n)
{
    return json_integer((json_int_t)(n > INT64_MAX ? INT64_MAX : n));
}

static json_t *
steps_of(const struct gen_rollout *r)
{
    json_t *list = json_array();
    char share[16];

    for (uint32_t i = 0; i < r->plan.n_steps; i++) {
        const struct rollout_step *s = &r->plan.steps[i];
        uint32_t halts = cusum_to_halt(&r->plan.cell.errors, s->weight_ppm);
        quantity_share_text(s->weight_ppm, share, sizeof(share));
        (void)json_array_append_new(
            list,
            json_pack(
                "{s:s, s:o, s:o, s:o, s:o, s:b, s:o, s:o}", "weight", share,
                "weight_ppm", number(s->weight_ppm), "hold_ms",
                number(s->hold_ms), "min_requests", number(s->min_requests),
                "at_most_ms", number(s->at_most_ms), "approve", s->approve,
                "halts_after",
                halts == UINT32_MAX ? json_null() : number(halts), "takes_ms",
                r->requests_a_day
                    ? number(plan_step_takes_ms(&r->plan, i, r->requests_a_day))
                    : json_null()));
    }
    return list;
}

static json_t *
approvals_of(const struct rollout *r)
{
    json_t *list = json_array();

    for (size_t i = 0; i < r->n_approvals; i++)
        if (r->approvals[i].run == r->machine.run)
            (void)json_array_append_new(
                list, json_pack("{s:s, s:o}", "actor", r->approvals[i].actor,
                                "step", number(r->approvals[i].step)));
    return list;
}

static json_t *
routes_of(const struct gen_rollout *r)
{
    json_t *list = json_array();

    for (size_t i = 0; i < r->n_routes; i++)
        (void)json_array_append_new(list, text(r->routes[i]->name));
    return list;
}

static json_t *
manifest_of(const struct gen_manifest *m)
{
    return json_pack("{s:o, s:o, s:o, s:o, s:o}", "change", text(m->change),
                     "why", text(m->why), "owner", text(m->owner), "guarantee",
                     text(m->guarantee), "backout", text(m->backout));
}

json_t *
view_rollout(const struct rollouts *all, const struct rollout *r)
{
    const struct machine *m = &r->machine;
    uint32_t effective = weights_effective(all->weights, all->latches, r->slot);
    uint32_t ppm = weights_get(all->weights, r->slot).ppm;
    bool halted = rollout_is_latched(all, r);
    char share[16], waits[96], cause[256] = "";

    quantity_share_text(effective, share, sizeof(share));
    advance_text(&r->last, waits, sizeof(waits));
    if (halted)
        rollout_cause_text(all, r, cause, sizeof(cause));
    return json_pack(
        "{s:o, s:s, s:o, s:o, s:s, s:o, s:o, s:o, s:b, s:s, s:s, s:o, s:o, "
        "s:o, s:o, s:o, s:o, s:o, s:o*}",
        "name", text(r->gen->name), "state", machine_state_word(m->state),
        "step", number(m->step + 1), "steps", steps_of(r->gen), "weight", share,
        "weight_ppm", number(ppm), "effective_ppm", number(effective), "run",
        number(m->run), "halted", halted, "cause", cause, "waits", waits,
        "since_ms", number(m->since_ms), "canary_answers",
        number(rollout_answers(r)), "baseline", text(r->gen->baseline->name),
        "canary", text(r->gen->canary.pool->name), "routes", routes_of(r->gen),
        "approvals", approvals_of(r), "revision", number(r->revision),
        "break_glass", rollout_forced_json(&r->forced));
}

json_t *
view_rollout_whole(const struct rollouts *all, const struct rollout *r)
{
    json_t *json = view_rollout(all, r);

    if (json && (json_object_set_new(json, "manifest",
                                     manifest_of(&r->gen->manifest)) ||
                 json_object_set_new(
                     json, "on_fail",
                     json_string(r->gen->plan.on_fail == ON_FAIL_ROLLBACK
                                     ? "rollback"
                                     : "pause")))) {
        json_decref(json);
        return NULL;
    }
    return json;
}
