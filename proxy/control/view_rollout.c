/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/control/view_rollout.h"

#include "proxy/base/quantity.h"
#include "proxy/control/rollout_cells.h"
#include "proxy/control/rollout_record.h"
#include "proxy/control/rollout_traffic.h"
#include "proxy/control/rollout_watch.h"

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
steps_of(const struct gen_rollout *r, uint64_t a_day)
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
                a_day ? number(plan_step_takes_ms(&r->plan, i, a_day))
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

/* `sum` may be NULL: then of gates alone. */
static json_t *
watch_of(const struct rollout *r, const struct metrics_sum *sum)
{
    const struct gen_manifest *m = &r->gen->manifest;
    json_t *list = json_array();

    for (size_t i = 0; i < m->n_watch; i++) {
        const struct gen_watch *w = &m->watch[i];
        bool is_counted = w->is_metric && sum;
        uint64_t total = is_counted ? metrics_sum_total(sum, w->metric) : 0;
        uint64_t step;
        bool has_step = is_counted && rollout_watch_step(r, i, total, &step);
        (void)json_array_append_new(
            list, json_pack("{s:o, s:s, s:o*, s:o*}", "name", text(w->name),
                            "kind", w->is_metric ? "metric" : "gate", "value",
                            is_counted ? number(total) : NULL, "step",
                            has_step ? number(step) : NULL));
    }
    return list;
}

static json_t *
manifest_of(const struct rollout *r, const struct metrics_sum *sum)
{
    const struct gen_manifest *m = &r->gen->manifest;

    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "watch",
                     watch_of(r, sum), "change", text(m->change), "why",
                     text(m->why), "owner", text(m->owner), "guarantee",
                     text(m->guarantee), "backout", text(m->backout));
}

/* Requests a day, of all and of each cell, and where that is from. */
static json_t *
traffic_of_rollout(const struct rollouts *all, const struct rollout *r)
{
    json_t *cells = json_array();
    struct traffic_rate rate;
    char name[160];

    for (uint32_t i = 0; i < rollout_cells_n(r); i++) {
        rollout_traffic_cell(r, i, all->wall_ms, &rate);
        if (rate.source == TRAFFIC_UNKNOWN || rate.requests_a_day == 0)
            continue;
        gen_rollout_cell_text(r->gen, i, name, sizeof(name));
        (void)json_array_append_new(
            cells, json_pack("{s:s, s:o}", "cell", name, "requests_a_day",
                             number(rate.requests_a_day)));
    }
    rollout_traffic(r, all->wall_ms, &rate);
    return json_pack(
        "{s:s, s:o, s:o, s:o}", "source", traffic_source_word(rate.source),
        "requests_a_day",
        rate.source == TRAFFIC_UNKNOWN ? json_null()
                                       : number(rate.requests_a_day),
        "over_ms",
        rate.source == TRAFFIC_LIVE ? number(rate.over_ms) : json_null(),
        "cells", cells);
}

/* The share of subjects on the canary, beside what chance allows; NULL, which is left out: nobody is there. */
static json_t *
observed_of(const struct rollouts *all, const struct rollout *r)
{
    struct traffic_share s;

    if (!machine_is_live(r->machine.state) ||
        !rollout_share(r, machine_weight(&r->gen->plan, &r->machine),
                       all->now_ms, &s))
        return NULL;
    return json_pack("{s:o, s:o, s:o, s:o, s:o}", "share_ppm",
                     number(s.share_ppm), "low_ppm", number(s.low_ppm),
                     "high_ppm", number(s.high_ppm), "subjects", number(s.all),
                     "canary", number(s.canary));
}

/* NULL, which is left out: the canary's pool does not say which build it is. */
static json_t *
builds_of(const struct rollout *r)
{
    json_t *list = NULL;

    if (r->gen->canary.pool->build_header.len)
        list = json_array();
    for (size_t i = 0; list && i < r->builds.known.n; i++)
        (void)json_array_append_new(list,
                                    text(span_str(r->builds.known.at[i].text)));
    return list;
}

json_t *
view_rollout(const struct rollouts *all, const struct rollout *r)
{
    const struct machine *m = &r->machine;
    uint32_t effective = weights_effective(all->weights, all->latches, r->slot);
    uint32_t ppm = weights_get(all->weights, r->slot).ppm;
    bool halted = rollout_is_latched(all, r);
    uint64_t answers = rollout_answers(r);
    struct traffic_rate rate;
    char share[16], waits[96], cause[256] = "";

    rollout_traffic(r, all->wall_ms, &rate);
    quantity_share_text(effective, share, sizeof(share));
    advance_text(&r->last, waits, sizeof(waits));
    if (halted || rollout_is_broken(r))
        rollout_cause_text(all, r, cause, sizeof(cause));
    return json_pack(
        "{s:o, s:s, s:o, s:o, s:s, s:o, s:o, s:o, s:b, s:s, s:s, s:o, s:o, "
        "s:o, s:o, s:o, s:o, s:o, s:o, s:o*, s:o*, s:o*}",
        "name", text(r->gen->name), "state", machine_state_word(m->state),
        "step", number(m->step + 1), "steps",
        steps_of(r->gen, rate.requests_a_day), "weight", share, "weight_ppm",
        number(ppm), "effective_ppm", number(effective), "run", number(m->run),
        "halted", halted, "cause", cause, "waits", waits, "since_ms",
        number(m->since_ms), "canary_answers", number(answers), "step_answers",
        number(answers > m->base_answers ? answers - m->base_answers : 0),
        "baseline", text(r->gen->baseline->name), "canary",
        text(r->gen->canary.pool->name), "routes", routes_of(r->gen),
        "approvals", approvals_of(r), "revision", number(r->revision),
        "break_glass", rollout_forced_json(&r->forced), "builds", builds_of(r),
        "halted_cells", rollout_cells_view(r));
}

json_t *
view_rollout_whole(const struct rollouts *all, const struct rollout *r,
                   const struct metrics_sum *sum)
{
    json_t *json = view_rollout(all, r);
    json_t *observed = json ? observed_of(all, r) : NULL;

    if (json &&
        ((observed && json_object_set_new(json, "observed", observed)) ||
         json_object_set_new(json, "traffic", traffic_of_rollout(all, r)) ||
         json_object_set_new(json, "manifest", manifest_of(r, sum)) ||
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
