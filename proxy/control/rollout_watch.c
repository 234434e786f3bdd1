/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/control/rollout_watch.h"

#include "proxy/observe/metrics.h"

static bool
begins_step(enum machine_event event)
{
    return event == EVENT_START || event == EVENT_ADVANCE ||
           event == EVENT_PROMOTE || event == EVENT_FLIP ||
           event == EVENT_RESUME || event == EVENT_REBUILD ||
           event == EVENT_REOPEN;
}

void
rollout_watch_turn(const struct rollouts *all, enum machine_event event,
                   struct rollout *next)
{
    const struct gen_manifest *m = &next->gen->manifest;

    if (!all->metric_total || !begins_step(event) ||
        next->machine.state == ROLLOUT_DONE)
        return;
    for (size_t i = 0; i < m->n_watch; i++)
        next->watched[i] =
            m->watch[i].is_metric
                ? all->metric_total(all->metric_arg, m->watch[i].metric)
                : 0;
}

bool
rollout_watch_step(const struct rollout *r, size_t i, uint64_t total,
                   uint64_t *out)
{
    const struct gen_watch *w = &r->gen->manifest.watch[i];

    if (!machine_is_live(r->machine.state) || !metric_grows(w->metric))
        return false;
    *out = total >= r->watched[i] ? total - r->watched[i] : total;
    return true;
}

/* By name: another configuration may watch in another order. */
json_t *
rollout_watch_json(const struct rollout *r)
{
    const struct gen_manifest *m = &r->gen->manifest;
    json_t *json = m->n_watch ? json_object() : NULL;

    for (size_t i = 0; json && i < m->n_watch; i++)
        if (m->watch[i].is_metric)
            (void)json_object_setn_new(json, m->watch[i].name.at,
                                       m->watch[i].name.len,
                                       json_integer((json_int_t)r->watched[i]));
    return json;
}

void
rollout_watch_read(struct rollout *r, const json_t *json)
{
    const struct gen_manifest *m = &r->gen->manifest;

    for (size_t i = 0; i < m->n_watch; i++) {
        json_int_t n = json_integer_value(
            json_object_getn(json, m->watch[i].name.at, m->watch[i].name.len));
        r->watched[i] = n < 0 ? 0 : (uint64_t)n;
    }
}
