/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run: a plan's program on the machine, in the plan's words.
 */
#include "translators/plan/program.h"

#include "translators/compose/lower.h"
#include "translators/engine/engine.h"

struct plan_run {
    const struct plan_entry *entry;
    struct engine *machine;
};

struct plan_run *
plan_run_new(struct arena *a, const struct plan_entry *entry,
             const struct plan_how *how, struct buf *out)
{
    const struct engine_limits limits = {.depth_max = how->depth_max,
                                         .open_max = how->held_max,
                                         .lenient = how->is_answer,
                                         .crosses = how->comes_packed !=
                                                    how->goes_packed};
    struct plan_run *r = arena_alloc(a, sizeof(*r));
    if (!r)
        return NULL;
    r->entry = entry;
    r->machine = engine_new(
        a, how->goes_packed ? &entry->packed : &entry->program, &limits, out);
    return r->machine ? r : NULL;
}

enum plan_step
plan_run_feed(struct plan_run *r, span bytes, bool is_end)
{
    switch (engine_feed(r->machine, bytes, is_end)) {
    case ENGINE_MORE:
        return PLAN_MORE;
    case ENGINE_DONE:
        return PLAN_DONE;
    case ENGINE_FAILED:
        return PLAN_ASIDE;
    }
    return PLAN_ASIDE;
}

size_t
plan_run_held_bytes(const struct plan_run *r)
{
    return engine_held_bytes(r->machine);
}

size_t
plan_run_notices_max(const struct plan_run *r)
{
    return r->entry->n_tells;
}

struct plan_notice
plan_run_notice(const struct plan_run *r, size_t i)
{
    const struct lower_tell *t = &r->entry->tells[i];
    struct plan_notice out = {.kind = t->kind, .origin = t->origin};
    for (size_t k = 0; k < t->n_notices; k++) {
        uint64_t at = 0;
        size_t n = engine_told(r->machine, t->notices[k], &at);
        if (n && (!out.n || at < out.at)) {
            out.at = (size_t)at;
            out.where = t->notices[k];
        }
        out.n += n;
    }
    return out;
}

void
plan_run_notice_at(const struct plan_run *r, const struct plan_notice *n,
                   struct buf *out)
{
    engine_told_at(r->machine, n->where, out);
}

const struct engine_fault *
plan_run_fault(const struct plan_run *r)
{
    return engine_fault(r->machine);
}

void
plan_run_fault_at(const struct plan_run *r, struct buf *out)
{
    engine_pointer(r->machine, out);
}
