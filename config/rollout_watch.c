/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rollout_watch: what a manifest says to watch while its rollout is under way.
 */
#include "config/rollout_reading.h"

/* Is it a gate's word, and has the plan that gate? */
static bool
is_gate(span name, const struct rollout_plan *plan, bool *has_it)
{
    *has_it = true;
    if (span_is(name, "errors") || span_is(name, "translate"))
        return true;
    if (span_is(name, "latency"))
        *has_it = plan->has_latency;
    else if (span_is(name, "burst"))
        *has_it = plan->cell.burst_errors > 0;
    else
        return false;
    return true;
}

static void
find(struct rollout_reading *reading, span name, struct gen_watch *out)
{
    struct problems *p = reading->l->r.problems;
    bool has_it;

    out->name = name;
    if (is_gate(name, &reading->r->plan, &has_it)) {
        if (has_it)
            return;
        yaml_problem(p, reading->node,
                     "it says to watch the gate `%.*s`, and has none",
                     SPAN_FMT(name));
        problem_remedy(p, "add `%.*s` to its `gates`", SPAN_FMT(name));
        return;
    }
    out->is_metric = metric_find(name, &out->metric);
    if (out->is_metric)
        return;
    yaml_problem(p, reading->node,
                 "it says to watch `%.*s`, and there is no such gate or metric",
                 SPAN_FMT(name));
    problem_remedy(p, "name errors, latency, translate, burst, or a metric "
                      "like translate_failures (stile_translate_failures_total "
                      "of /metrics)");
}

void
rollout_check_watch(struct rollout_reading *reading)
{
    struct gen_watch *all = reader_array(&reading->l->r, reading->node,
                                         reading->n_watch, sizeof(*all));

    if (reading->n_watch > GEN_WATCHES_MAX) {
        yaml_problem(reading->l->r.problems, reading->node,
                     "it says to watch %zu things, and at most %zu are",
                     reading->n_watch, GEN_WATCHES_MAX);
        return;
    }
    for (size_t i = 0; all && i < reading->n_watch; i++)
        find(reading, reading->watch[i], &all[i]);
    reading->r->manifest.watch = all;
    reading->r->manifest.n_watch = all ? reading->n_watch : 0;
}
