/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was counted when an edge was taken: numbers alone, no payload.
 */
#include "proxy/control/rollout_cells.h"

#include <stdio.h>

static json_t *
number(uint64_t n)
{
    return json_integer((json_int_t)(n > INT64_MAX ? INT64_MAX : n));
}

static json_t *
arm_of(const struct cell_arm *arm, double quantile)
{
    uint64_t us = sketch_from_us(sketch_quantile(arm->times, quantile));
    uint64_t n = 0;

    for (size_t i = 0; i < SKETCH_BUCKETS; i++)
        n += arm->times[i];
    return json_pack("{s:o, s:o, s:o, s:o}", "answers", number(arm->answers),
                     "errors", number(arm->failed), "errors_counted",
                     number(arm->counted), "quantile_us",
                     n ? number(us) : json_null());
}

static json_t *
cell_of(const struct rollout *r, uint32_t i, const struct cell_view *v)
{
    char name[160];
    double q = r->gen->plan.latency.quantile;

    gen_rollout_cell_text(r->gen, i, name, sizeof(name));
    return json_pack("{s:s, s:f, s:f, s:o, s:o, s:o, s:o, s:s*}", "cell", name,
                     "sum", (double)v->sum.sum / CUSUM_ONE, "bound",
                     (double)v->sum.bound / CUSUM_ONE, "share_ppm",
                     number(v->share_ppm), "untranslated",
                     number(v->untranslated), "baseline",
                     arm_of(&v->arms[0], q), "canary", arm_of(&v->arms[1], q),
                     "halted", rollout_cells_gate(r, i));
}

json_t *
rollout_evidence(const struct rollout *r)
{
    json_t *list = json_array();

    for (uint32_t i = 0; r->place && i < rollout_cells_n(r); i++) {
        struct cell_view v;
        cell_read(r->place->cells[i], &r->gen->plan.cell, &v);
        if (v.arms[0].answers || v.arms[1].answers || v.sum.n)
            (void)json_array_append_new(list, cell_of(r, i, &v));
    }
    return list;
}

void
rollout_cause_text(const struct rollouts *all, const struct rollout *r,
                   char *out, size_t size)
{
    uint64_t cause = r->place ? atomic_load(&r->place->cause) : 0;
    enum latch_reason gate = rollout_is_latched(all, r)
                                 ? latches_get(all->latches, r->slot).reason
                                 : rollout_broken_gate(r);
    const char *reason = latch_reason_name(gate);
    uint32_t cell = (uint32_t)(cause >> 32);
    char name[128];

    if (cell == 0 || cell > rollout_cells_n(r)) {
        (void)snprintf(out, size, "%s", reason);
        return;
    }
    gen_rollout_cell_text(r->gen, cell - 1, name, sizeof(name));
    (void)snprintf(out, size, "%s: %s", reason, name);
}
