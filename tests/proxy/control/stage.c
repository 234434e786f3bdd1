/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/proxy/control/stage.h"

#include "proxy/control/exposures.h"
#include "tests/test.h"

#include <stdio.h>
#include <unistd.h>

const struct rollout_step stage_steps[STAGE_STEPS] = {
    {.weight_ppm = 10000, .hold_ms = 1000, .min_requests = 2},
    {.weight_ppm = 50000, .hold_ms = 1000},
    {.weight_ppm = 1000000, .hold_ms = 1000},
};

void
stage_make(struct stage *s)
{
    *s = (struct stage){0};
    house_make(&s->house, 0, 1);
    s->house.routes[0].canary = NULL;
    for (size_t i = 0; i < COUNT(s->routes); i++)
        s->routes[i] = &s->house.routes[i];
    s->gen = (struct gen_rollout){
        .name = SPAN("ios"),
        .baseline = &s->house.pools[0],
        .canary = {.pool = &s->house.pools[1],
                   .slot_name = SPAN("rollout/ios"),
                   .index = 2},
        .routes = s->routes,
        .n_routes = 1,
        .plan = {.steps = stage_steps,
                 .n_steps = STAGE_STEPS,
                 .cell = {.errors = {.ratio = 5, .alpha = 1e-4},
                          .window_ms = 600000},
                 .latency = {.quantile = 0.99, .max_ratio = 1.25}},
        .cells_routes = 1,
        .cells_versions = 1,
        .cells_platforms = 1,
        .shape = 1};
    s->gen.canary.rollout = &s->gen;
    s->house.gen.rollouts = &s->gen;
    s->house.gen.n_rollouts = 1;
    s->house.gen.n_canaries = 3;
}

void
stage_keep_apart(struct stage *s)
{
    static const span platforms[] = {SPAN("ios"), SPAN("android")};

    s->gen.n_routes = 2;
    s->gen.platforms = platforms;
    s->gen.n_platforms = 2;
    s->gen.cells_routes = 2;
    s->gen.cells_platforms = 2;
    s->gen.plan.halts_cell = true;
}

void
stage_begin(struct stage *s, bool anew)
{
    struct house *h = &s->house;
    static struct backends none;
    struct err e;
    int fd;

    if (anew) {
        if (s->gates)
            segment_unmap(SEGMENT_GATES, s->gates);
        memset(h->weights->slots, 0, sizeof(h->weights->slots));
        memset(h->latches->words, 0, sizeof(h->latches->words));
        assert_int_equal(segment_create(SEGMENT_GATES, &fd, &e), OK);
        void *at = NULL;
        assert_int_equal(segment_map(SEGMENT_GATES, fd, &at, &e), OK);
        s->gates = at;
        close(fd);
    }
    if (store_open(h->files.dir, 2000, &s->store, &e) ||
        rollouts_init(&s->all, h->arena, &h->gen, h->weights, h->latches,
                      s->gates, &none, &e))
        fail_msg("%s", e.text);
    rollouts_take(&s->all, s->store, STAGE_T0);
}

void
stage_end(struct stage *s)
{
    store_close(&s->store);
}

void
stage_remove(struct stage *s)
{
    if (s->gates)
        segment_unmap(SEGMENT_GATES, s->gates);
    house_remove(&s->house);
}

struct rollout *
stage_it(struct stage *s)
{
    return rollouts_find(&s->all, SPAN("ios"));
}

uint32_t
stage_effective(const struct stage *s)
{
    return weights_effective(s->house.weights, s->house.latches,
                             s->all.at[0].slot);
}

enum err_code
stage_ask_as(struct stage *s, enum machine_event event, enum machine_actor by,
             struct err *e)
{
    struct rollout_ask a = {.event = event,
                            .by = by,
                            .actor = SPAN("uid:7"),
                            .reason = SPAN("a test"),
                            .cells = s->cells,
                            .wall_ms = STAGE_T0};

    return rollouts_ask(&s->all, stage_it(s), &a, e);
}

enum err_code
stage_ask(struct stage *s, enum machine_event event, struct err *e)
{
    return stage_ask_as(s, event, BY_OPERATOR, e);
}

enum err_code
stage_acknowledge(struct stage *s, struct err *e)
{
    struct rollout_ask a = {.by = BY_OPERATOR,
                            .actor = SPAN("uid:8"),
                            .reason = SPAN("seen"),
                            .wall_ms = STAGE_T0};

    return rollouts_acknowledge(&s->all, stage_it(s), &a, e);
}

void
stage_start(struct stage *s)
{
    struct err e;

    rollouts_tick(&s->all, STAGE_T0, 1);
    assert_int_equal(stage_it(s)->machine.state, ROLLOUT_APPROVED);
    if (stage_ask(s, EVENT_START, &e))
        fail_msg("%s", e.text);
    assert_int_equal(stage_effective(s), 10000);
}

void
stage_answers(struct stage *s, int n)
{
    uint64_t seed = 3;

    for (int i = 0; i < n; i++) {
        struct cell_event v = {.now_ms = 5,
                               .subject = test_random(&seed),
                               .weight_ppm = 10000,
                               .is_canary = true};
        cell_answer(stage_it(s)->place->cells[0], &s->gen.plan.cell, &v, 1000);
    }
}

void
stage_answers_as(struct stage *s, const char *build)
{
    builds_saw(gates_word(stage_it(s)->place, GATES_BUILDS), span_str(build));
}

void
stage_assert_same(const struct machine *a, const struct machine *b)
{
    assert_int_equal(a->state, b->state);
    assert_int_equal(a->step, b->step);
    assert_int_equal(a->run, b->run);
    assert_int_equal(a->since_ms, b->since_ms);
    assert_int_equal(a->latest_ms, b->latest_ms);
    assert_int_equal(a->base_answers, b->base_answers);
    assert_int_equal(a->halted, b->halted);
    assert_memory_equal(a->opened, b->opened, sizeof(a->opened));
}

void
stage_expose(const struct stage *s, const char *text)
{
    char path[512];

    (void)snprintf(path, sizeof(path), "%s/%s", s->house.files.dir,
                   EXPOSURES_FILE);
    FILE *f = fopen(path, "a");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static bool
take_kind(void *arg, const struct store_revision *r)
{
    (void)snprintf(arg, 64, "%.*s", SPAN_FMT(r->kind));
    return false;
}

const char *
stage_last_kind(const struct stage *s)
{
    static char kind[64];
    struct err e;

    if (store_revisions(s->store, 0, 1, take_kind, kind, &e))
        fail_msg("%s", e.text);
    return kind;
}
