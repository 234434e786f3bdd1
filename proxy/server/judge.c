/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/server/judge.h"

#include "proxy/base/hash.h"
#include "proxy/observe/log.h"
#include "proxy/server/expose.h"
#include "proxy/server/upstream.h"
#include "proxy/server/worker.h"

static_assert((uint32_t)CELL_WORDS <= GATES_CELL_WORDS, "a cell has room");
static_assert(ROLLOUT_CELLS_MAX <= GATES_CELLS, "a rollout's cells have room");

struct gates_place **
judge_open(struct worker *w)
{
    const struct generation *g = w->gen;
    struct gates_place **places =
        arena_array(w->arena, g->n_rollouts, sizeof(void *));

    for (size_t i = 0; places && w->env->gates && i < g->n_rollouts; i++)
        places[i] = gates_find(w->env->gates, g->rollouts[i].canary.slot_name,
                               g->rollouts[i].shape);
    return places;
}

static enum latch_reason
reason_of(enum cell_verdict v)
{
    switch (v) {
    case CELL_UNTRANSLATED:
        return LATCH_TRANSLATE;
    case CELL_BURSTS:
        return LATCH_BURST;
    case CELL_ERRORS:
    case CELL_FINE:
        break;
    }
    return LATCH_ERRORS;
}

/*
 * Halt the run that was judged. Into a baseline without any endpoint nobody is
 * sent back: that both sides are ill is for a person.
 */
static void
halt(struct exchange *x, struct gates_place *place, uint32_t run, uint32_t cell,
     enum cell_verdict verdict)
{
    struct worker *w = x->worker;
    const struct gen_rollout *r = x->decision.canary->rollout;
    uint32_t slot = w->weight_slots[r->canary.index];
    enum latch_reason reason = reason_of(verdict);

    if (slot == SEGMENT_NO_SLOT ||
        latches_get(w->env->latches, slot).run >= run ||
        !upstreams_pool_is_up(w->upstreams, r->baseline))
        return;
    atomic_store(&place->cause, gates_cause(cell, reason));
    latches_set(w->env->latches, slot, run, reason);
    gates_once(&place->halt_ms, loop_wall_ms());
    gates_once(&place->halt_at_ms, loop_now_ms(w->loop));
    expose_halt(x, run, cell, latch_reason_name(reason));
    log_error("rollout_halted", "rollout=%.*s run=%u gate=%s cell=%u id=%.*s",
              SPAN_FMT(r->name), run, latch_reason_name(reason), cell,
              SPAN_FMT(x->id));
}

static bool
is_error(const struct exchange *x)
{
    return x->has_failed || x->is_untranslated || x->pool_status >= 500;
}

/* Was a pool of one of the arms asked for this subject, and did it say anything? */
static bool
is_told(const struct exchange *x)
{
    const struct decision *d = &x->decision;

    return d->canary && d->canary->rollout && d->subject.len &&
           d->weight_ppm > 0 &&
           (d->arm == ARM_CANARY || d->arm == ARM_BASELINE) &&
           (x->pool_status || x->has_failed);
}

void
judge_answer(struct exchange *x, uint64_t us)
{
    const struct decision *d = &x->decision;
    const struct worker *w = x->worker;

    if (!is_told(x))
        return;
    const struct gen_rollout *r = d->canary->rollout;
    struct gates_place *place = w->places[r->index];
    uint64_t run = place ? atomic_load(&place->armed) : 0;
    if (run == 0)
        return;
    uint32_t i = gen_rollout_cell(r, d->route, d->client, d->platform);
    struct cell_event event = {
        .now_ms = loop_now_ms(w->loop),
        .subject = hash64(d->subject),
        .weight_ppm = d->weight_ppm,
        .stripe = w->env->index,
        .is_canary = d->arm == ARM_CANARY,
        .is_untranslated = x->is_untranslated,
    };
    cell_answer(place->cells[i], &r->plan.cell, &event, us);
    if (!is_error(x))
        return;
    if (event.is_canary)
        gates_once(&place->error_ms, loop_wall_ms());
    enum cell_verdict v = cell_error(place->cells[i], &r->plan.cell, &event);
    if (v != CELL_FINE)
        halt(x, place, (uint32_t)run, i, v);
}
