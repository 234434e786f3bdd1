/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run: a plan's program on the machine, in the plan's words.
 */
#include "translators/plan/program.h"

#include "translators/engine/engine.h"

#define TOKEN_LEAST ((size_t)4096)
#define TOKEN_MOST  ((size_t)1 << 20)

struct plan_run {
    const struct plan_entry *entry;
    struct engine *machine;
    struct plan_agains *agains; /* NULL: no value goes again */
};

static bool
may_go_again(struct plan_run *r, struct arena *a, const struct plan_how *how)
{
    if (!r->entry->goes_again)
        return true;
    r->agains = plan_agains_new(a, r->entry, how);
    if (!r->agains)
        return false;
    r->agains->machine = r->machine;
    const struct engine_handler handler = {
        .fn = plan_again,
        .arg = r->agains,
        .whole_max = how->held_max ? how->held_max : SIZE_MAX / 4};
    return engine_on_again(r->machine, &handler);
}

/* Of one token: as much as of a body, but no less than what tokens commonly are. */
static size_t
token_max(size_t held_max)
{
    if (held_max == 0 || held_max > TOKEN_MOST)
        return TOKEN_MOST;
    return held_max > TOKEN_LEAST ? held_max : TOKEN_LEAST;
}

struct plan_run *
plan_run_new(struct arena *a, const struct plan_entry *entry,
             const struct plan_how *how, struct buf *out)
{
    const struct engine_limits limits = {
        .depth_max = how->depth_max,
        .held_max = token_max(how->held_max),
        .whole_max = how->held_max ? how->held_max : SIZE_MAX / 4,
        .open_max = how->held_max,
        .lenient = how->is_answer,
        .crosses = how->comes_packed != how->goes_packed,
        .counts_only = how->counts_only,
        .pool = how->pool};
    struct plan_run *r = arena_alloc(a, sizeof(*r));
    if (!r)
        return NULL;
    r->entry = entry;
    r->machine = engine_new(
        a, how->goes_packed ? &entry->packed : &entry->program, &limits, out);
    return r->machine && may_go_again(r, a, how) ? r : NULL;
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
    const struct plan_agains *g = r->agains;
    return engine_held_bytes(r->machine) +
           (g ? g->json.room + g->made.room : 0);
}

size_t
plan_run_notices_max(const struct plan_run *r)
{
    return r->entry->n_tells + (r->agains ? r->agains->n_told : 0);
}

/* What the program tells; of each, what values that went again have told as well. */
static struct plan_notice
told_by_program(const struct plan_run *r, const struct lower_tell *t)
{
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

static void
add_told(const struct plan_run *r, size_t i, struct plan_notice *out)
{
    const struct plan_told *t = &r->agains->told[i];
    if (!out->n || t->at < out->at) {
        out->at = t->at;
        out->where = r->entry->program.n_notices + i;
    }
    out->n += t->n;
}

static bool
is_told_by_program(const struct plan_run *r, const struct plan_told *t)
{
    for (size_t i = 0; i < r->entry->n_tells; i++)
        if (r->entry->tells[i].kind == t->kind &&
            r->entry->tells[i].origin == t->origin)
            return true;
    return false;
}

struct plan_notice
plan_run_notice(const struct plan_run *r, size_t i)
{
    const struct plan_agains *g = r->agains;
    if (i < r->entry->n_tells) {
        const struct lower_tell *t = &r->entry->tells[i];
        struct plan_notice out = told_by_program(r, t);
        for (size_t k = 0; g && k < g->n_told; k++)
            if (g->told[k].kind == t->kind && g->told[k].origin == t->origin)
                add_told(r, k, &out);
        return out;
    }
    i -= r->entry->n_tells;
    struct plan_notice out = {.kind = g->told[i].kind,
                              .origin = g->told[i].origin};
    if (!is_told_by_program(r, &g->told[i]))
        add_told(r, i, &out);
    return out;
}

void
plan_run_notice_at(const struct plan_run *r, const struct plan_notice *n,
                   struct buf *out)
{
    size_t own = r->entry->program.n_notices;
    if (n->where < own)
        engine_told_at(r->machine, n->where, out);
    else
        buf_add(out, r->agains->told[n->where - own].pointer);
}

const struct translation_fault *
plan_run_again_fault(const struct plan_run *r)
{
    return r->agains && r->agains->failed ? &r->agains->fault : NULL;
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
