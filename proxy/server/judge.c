/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/server/judge.h"

#include "proxy/base/hash.h"
#include "proxy/observe/log.h"
#include "proxy/server/client.h"
#include "proxy/server/expose.h"
#include "proxy/server/upstream.h"
#include "proxy/server/worker.h"
#include "routing/rollout/builds.h"

static_assert((uint32_t)CELL_WORDS + (uint32_t)GATES_WORDS <= GATES_CELL_WORDS,
              "a cell has room");
static_assert((uint32_t)GATES_BUILDS + (uint32_t)BUILDS_WORDS <=
                  (uint32_t)GATES_CELL_LATCHES,
              "builds have room");
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

/* Are there as many of the baseline's endpoints as the rollout asks for, of those that it began with? */
static bool
can_go_back(struct worker *w, struct gates_place *place,
            const struct gen_rollout *r)
{
    uint64_t began = atomic_load(gates_word(place, GATES_BASELINE_N));
    uint64_t need = began ? began : r->baseline->n_endpoints;

    return upstreams_pool_is_up(w->upstreams, r->baseline) &&
           upstreams_pool_n(w->upstreams, r->baseline) * WEIGHT_ALL >=
               need * r->capacity_ppm;
}

/* Said once: control freezes the rollout, and a person decides. */
static void
freeze(const struct gen_rollout *r, struct gates_place *place, uint32_t run,
       uint32_t cell, enum latch_reason reason)
{
    uint64_t is = (uint64_t)run << 32 | (uint32_t)reason;
    uint64_t was = atomic_load(gates_word(place, GATES_BLOCKED));

    if (was >> 32 == run)
        return;
    atomic_store(&place->cause, gates_cause(cell, reason));
    if (atomic_compare_exchange_strong(gates_word(place, GATES_BLOCKED), &was,
                                       is))
        log_error("rollout_blocked", "rollout=%.*s run=%u gate=%s cell=%u",
                  SPAN_FMT(r->name), run, latch_reason_name(reason), cell);
}

/* Only this cell: the rest of the rollout goes on. */
static void
halt_cell(struct exchange *x, struct gates_place *place, uint32_t run,
          uint32_t cell, enum latch_reason reason)
{
    const struct gen_rollout *r = x->decision.canary->rollout;
    char name[160];

    if (!gates_halt_cell(place, cell, run, reason))
        return;
    expose_cell_halt(x, gates_cell_latch(place, cell), cell);
    gen_rollout_cell_text(r, cell, name, sizeof(name));
    log_error("rollout_cell_halted",
              "rollout=%.*s run=%u gate=%s cell=\"%s\" id=%.*s",
              SPAN_FMT(r->name), run, latch_reason_name(reason), name,
              SPAN_FMT(x->id));
}

/* Halt the run that was judged. Into a baseline that could not carry it nobody is sent back. */
static void
halt(struct exchange *x, struct gates_place *place, uint32_t run, uint32_t cell,
     enum cell_verdict verdict)
{
    struct worker *w = x->worker;
    const struct gen_rollout *r = x->decision.canary->rollout;
    uint32_t slot = w->weight_slots[r->canary.index];
    enum latch_reason reason = reason_of(verdict);

    if (slot == SEGMENT_NO_SLOT ||
        latches_get(w->env->latches, slot).run >= run)
        return;
    if (!can_go_back(w, place, r)) {
        freeze(r, place, run, cell, reason);
        return;
    }
    if (r->plan.halts_cell) {
        halt_cell(x, place, run, cell, reason);
        return;
    }
    atomic_store(&place->cause, gates_cause(cell, reason));
    latches_set(w->env->latches, slot, run, reason);
    gates_once(&place->halt_ms, loop_wall_ms());
    gates_once(&place->halt_at_ms, loop_now_ms(w->loop));
    expose_halt(x, run, cell, latch_reason_name(reason));
    log_error("rollout_halted", "rollout=%.*s run=%u gate=%s cell=%u id=%.*s",
              SPAN_FMT(r->name), run, latch_reason_name(reason), cell,
              SPAN_FMT(x->id));
}

void
judge_build(struct exchange *x)
{
    const struct decision *d = &x->decision;

    if (!x->exposed_run || d->arm != ARM_CANARY || !d->canary->rollout ||
        d->canary->pool->build_header.len == 0)
        return;
    struct gates_place *place = x->worker->places[d->canary->rollout->index];
    span name;
    if (place &&
        decide_field(x->answer, d->canary->pool->build_header, 0, &name))
        builds_saw(gates_word(place, GATES_BUILDS), span_trim(name));
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

    return d->weight_ppm > 0 &&
           (d->arm == ARM_CANARY || d->arm == ARM_BASELINE) &&
           (x->pool_status || x->has_failed);
}

/* /24, or /56 of IPv6: what one client has of addresses. Who comes through a Unix socket has none. */
static uint64_t
network_of(const struct client *c)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    bool is_v4 = memcmp(c->address, mapped, sizeof(mapped)) == 0;

    return hash64(span_of((const char *)c->address, !c->has_address ? 0
                                                    : is_v4         ? 15
                                                                    : 7));
}

void
judge_answer(struct exchange *x, uint64_t us)
{
    const struct decision *d = &x->decision;
    const struct worker *w = x->worker;
    const struct gen_rollout *r = d->canary ? d->canary->rollout : NULL;
    struct gates_place *place = r ? w->places[r->index] : NULL;

    if (!place || !d->subject.len)
        return;
    uint32_t i = d->cell;
    cell_asked(place->cells[i], w->env->index);
    uint64_t run = atomic_load(&place->armed);
    if (run == 0 || !is_told(x))
        return;
    struct cell_event event = {
        .now_ms = loop_now_ms(w->loop),
        .subject = hash64(d->subject),
        .erring =
            r->plan.by_network ? network_of(x->client) : hash64(d->subject),
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
