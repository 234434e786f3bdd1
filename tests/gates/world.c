/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/gates/world.h"

#include "tests/test.h"

#include <assert.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>

#define REQUEST_US UINT64_C(1000) /* a thousand a second */
#define ALL        1000000u
#define LOOK_EVERY 1000u /* requests between two looks at the times */

/* Uniform: the clients come from everywhere. */
double
world_chance(uint64_t *seed)
{
    return (double)(test_random(seed) >> 11) * 0x1p-53;
}

struct world {
    const struct world_spec *spec;
    struct cell_law law;
    struct sketch_law slow;
    _Atomic uint64_t *cells;
    uint64_t salt;    /* who is who, in this run */
    uint32_t culprit; /* a subject of the canary's */
    _Atomic bool latched;
    _Atomic uint32_t latched_cell;
    _Atomic uint32_t latched_cells;
    _Atomic uint64_t requests;
    _Atomic uint64_t failed;
};

struct worker {
    struct world *world;
    uint32_t index;
    uint64_t seed;
    pthread_t thread;
};

static _Atomic uint64_t *
cell_of(struct world *w, uint32_t cell)
{
    return w->cells + (size_t)cell * CELL_WORDS;
}

static uint64_t
subject_hash(const struct world *w, uint32_t subject)
{
    uint64_t s = w->salt + subject;

    return test_random(&s);
}

/* The split's own arithmetic, on this hash. */
static bool
is_canary(const struct world *w, uint64_t hash)
{
    return (((hash >> 32) * ALL) >> 32) < w->spec->weight_ppm;
}

static struct cell_event
event_of(const struct world *w, uint32_t subject, uint64_t request,
         uint32_t stripe)
{
    uint64_t hash = subject_hash(w, subject);

    return (struct cell_event){.now_ms = request * REQUEST_US / 1000 + 1,
                               .subject = hash,
                               .erring = hash,
                               .weight_ppm = w->spec->weight_ppm,
                               .stripe = stripe,
                               .is_canary = is_canary(w, hash)};
}

static void
latch(struct world *w, uint32_t cell)
{
    (void)atomic_fetch_or(&w->latched_cells, 1u << cell);
    if (!atomic_exchange(&w->latched, true))
        atomic_store(&w->latched_cell, cell);
}

/* Has it nobody on the canary any more? */
static bool
is_latched(struct world *w, uint32_t cell)
{
    return atomic_load(&w->latched_cells) >> cell & 1;
}

static void
err(struct world *w, const struct cell_event *v, uint32_t cell)
{
    for (uint32_t i = 0; i <= w->spec->repeats; i++) {
        if (v->is_canary)
            atomic_fetch_add(&w->failed, 1);
        if (cell_error(cell_of(w, cell), &w->law, v) != CELL_FINE)
            latch(w, cell);
    }
}

/* A median of 5 ms and a tail: exp of something bell-shaped. */
static uint64_t
answer_us(const struct world_spec *s, bool canary, uint64_t *seed)
{
    double bell = world_chance(seed) + world_chance(seed) + world_chance(seed) +
                  world_chance(seed) - 2;
    double us = 5000 * exp(bell * 1.5);

    return (uint64_t)(canary && s->slower > 0 ? us * s->slower : us);
}

/* What control does every second. */
static void
look(struct world *w)
{
    struct cell_view view;
    struct sketch_judgement j;

    for (uint32_t i = 0; i < w->spec->n_cells; i++) {
        cell_read(cell_of(w, i), &w->law, &view);
        sketch_judge(&w->slow, view.arms[1].times, view.arms[0].times, &j);
        if (j.verdict == SKETCH_SLOWER)
            latch(w, i);
    }
}

static double
chance_of(const struct world *w, const struct cell_event *v, uint32_t cell,
          uint32_t subject, uint64_t request)
{
    const struct world_spec *s = w->spec;

    if (request >= s->outage_at && request < s->outage_at + s->outage_n)
        return 0.5;
    if (!v->is_canary)
        return s->baseline;
    return s->one_subject && subject != w->culprit ? s->baseline
                                                   : s->canary[cell];
}

/* Who sends it: anybody, or the client that storms; false: the latter. */
static bool
sender(struct worker *me, uint64_t request, uint32_t *subject)
{
    const struct world *w = me->world;
    const struct world_spec *s = w->spec;
    bool storms = s->storm > 0 && world_chance(&me->seed) < s->storm;

    if (!storms)
        *subject = (uint32_t)(world_chance(&me->seed) * (double)s->subjects);
    else
        *subject = s->invents ? s->subjects + (uint32_t)request : w->culprit;
    return !storms;
}

static void
one_request(struct worker *me, uint64_t request)
{
    struct world *w = me->world;
    const struct world_spec *s = w->spec;
    uint32_t subject;
    bool may_err = sender(me, request, &subject);
    struct cell_event v = event_of(w, subject, request, me->index);
    uint32_t cell =
        (uint32_t)((s->routes ? test_random(&me->seed) : v.subject) %
                   s->n_cells);

    if (s->halts_cell && is_latched(w, cell))
        return; /* everybody of it is on the baseline, and in no arm */
    cell_answer(cell_of(w, cell), &w->law, &v,
                answer_us(s, v.is_canary, &me->seed));
    if (may_err &&
        world_chance(&me->seed) < chance_of(w, &v, cell, subject, request))
        err(w, &v, cell);
    if (s->slower > 0 && request % LOOK_EVERY == 0)
        look(w);
}

static void *
work(void *arg)
{
    struct worker *me = arg;
    struct world *w = me->world;

    while (!atomic_load(&w->latched) || w->spec->halts_cell) {
        uint64_t request = atomic_fetch_add(&w->requests, 1);
        if (request >= w->spec->requests)
            break;
        one_request(me, request);
    }
    return NULL;
}

static void
begin(struct world *w, const struct world_spec *spec,
      const struct cell_law *law, uint64_t *seed)
{
    *w = (struct world){.spec = spec, .law = *law, .salt = test_random(seed)};
    w->law.errors.alpha /= spec->n_cells;
    w->slow = (struct sketch_law){.quantile = 0.99,
                                  .max_ratio = 1.25,
                                  .min_samples = 500,
                                  .alpha = w->law.errors.alpha};
    w->cells = calloc((size_t)spec->n_cells * CELL_WORDS, sizeof(*w->cells));
    if (!w->cells)
        abort();
    while (!is_canary(w, subject_hash(w, w->culprit)))
        w->culprit++;
}

static void
end(struct world *w, struct world_run *out)
{
    uint64_t requests = atomic_load(&w->requests);

    *out = (struct world_run){
        .halted = atomic_load(&w->latched),
        .cell = atomic_load(&w->latched_cell),
        .cells = atomic_load(&w->latched_cells),
        .requests = requests < w->spec->requests ? requests : w->spec->requests,
        .failed = atomic_load(&w->failed),
    };
    free(w->cells);
}

void
world_run(const struct world_spec *spec, const struct cell_law *law,
          uint64_t seed, struct world_run *out)
{
    struct worker workers[16];
    struct world w;

    assert(spec->n_workers > 0 && spec->n_workers <= COUNT(workers));
    begin(&w, spec, law, &seed);
    for (uint32_t i = 0; i < spec->n_workers; i++)
        workers[i] = (struct worker){
            .world = &w, .index = i, .seed = test_random(&seed)};
    for (uint32_t i = 1; i < spec->n_workers; i++)
        if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0)
            abort();
    (void)work(&workers[0]);
    for (uint32_t i = 1; i < spec->n_workers; i++)
        (void)pthread_join(workers[i].thread, NULL);
    end(&w, out);
}

/* Everybody comes once in each window, as they would in so many requests. */
static void
visit(struct world *w, uint64_t request)
{
    for (uint32_t i = 0; i < w->spec->subjects; i++) {
        struct cell_event v = event_of(w, i, request, 0);
        cell_answer(cell_of(w, (uint32_t)(v.subject % w->spec->n_cells)),
                    &w->law, &v, 5000);
    }
}

void
world_run_errors(const struct world_spec *spec, const struct cell_law *law,
                 uint64_t seed, struct world_run *out)
{
    uint64_t window = law->window_ms * UINT64_C(1000) / REQUEST_US;
    uint64_t visited = 0, request = 0;
    struct world w;

    begin(&w, spec, law, &seed);
    while (!w.latched) {
        request += 1 + (uint64_t)(log1p(-world_chance(&seed)) /
                                  log1p(-spec->baseline));
        if (request >= spec->requests)
            break;
        if (request / window + 1 > visited) {
            visit(&w, request);
            visited = request / window + 1;
        }
        uint32_t subject =
            (uint32_t)(world_chance(&seed) * (double)spec->subjects);
        struct cell_event v = event_of(&w, subject, request, 0);
        err(&w, &v, (uint32_t)(v.subject % spec->n_cells));
    }
    w.requests = request;
    end(&w, out);
}
