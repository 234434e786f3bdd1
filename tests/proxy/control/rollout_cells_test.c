/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A cell that is halted while the rest goes on: obeyed before it is journalled,
 * kept by whoever comes after, and opened by nothing but a reopening.
 */
#include "proxy/control/rollout_cells.h"
#include "tests/proxy/control/stage.h"
#include "tests/test.h"

#include <stdio.h>

#define ORDERS_IOS     0u
#define ORDERS_ANDROID 1u
#define REST_IOS       2u

static void
begun(struct stage *s)
{
    stage_make(s);
    stage_keep_apart(s);
    stage_begin(s, true);
    stage_start(s);
}

/* As a worker does, and control meanwhile. */
static void
halt(struct stage *s, uint32_t cell)
{
    assert_true(gates_halt_cell(stage_it(s)->place, cell, 1, LATCH_ERRORS));
    rollouts_tick(&s->all, STAGE_T0 + 1, 2);
}

/* The cell's weight as workers have it: their word, and its latch. */
static uint32_t
weight_of(struct stage *s, uint32_t cell)
{
    struct cell_latch l = gates_cell_latch(stage_it(s)->place, cell);
    uint32_t run = weights_get(s->house.weights, stage_it(s)->slot).run;

    return l.run == run && l.reason != LATCH_NONE ? 0 : stage_effective(s);
}

static enum err_code
reopen(struct stage *s, uint32_t cells, struct err *e)
{
    s->cells = cells;
    return stage_ask(s, EVENT_REOPEN, e);
}

TEST(a_cell_is_halted_alone_and_journalled_with_its_cause_and_its_counts)
{
    struct stage s;

    begun(&s);
    stage_answers(&s, 3); /* in the first cell */
    halt(&s, ORDERS_IOS);
    const struct machine *m = &stage_it(&s)->machine;
    assert_string_equal(stage_last_kind(&s), "rollout.halt_cell");
    assert_int_equal(m->state, ROLLOUT_STEP);
    assert_int_equal(m->halted, 1 << ORDERS_IOS);
    assert_int_equal(m->since_ms, STAGE_T0); /* the hold goes on */
    assert_int_equal(weight_of(&s, ORDERS_IOS), 0);
    assert_int_equal(weight_of(&s, ORDERS_ANDROID), 10000);
    assert_int_equal(weight_of(&s, REST_IOS), 10000);
    span json = store_record(s.store, SPAN("rollout/ios"))->json;
    assert_non_null(memmem(json.at, json.len, "\"halted\":\"errors\"", 17));
    uint64_t revision = stage_it(&s)->revision;
    rollouts_tick(&s.all, STAGE_T0 + 2, 3);
    assert_int_equal(stage_it(&s)->revision, revision); /* it is told once */
    stage_end(&s);
    stage_remove(&s);
}

TEST(the_rest_goes_up_and_is_not_done_without_somebody_s_word_on_what_is_halted)
{
    struct stage s;
    struct err e;

    begun(&s);
    halt(&s, ORDERS_IOS);
    stage_answers(&s, 2);
    rollouts_tick(&s.all, STAGE_T0 + 1000, 3);
    rollouts_tick(&s.all, STAGE_T0 + 2000, 4);
    rollouts_tick(&s.all, STAGE_T0 + 9000, 5);
    assert_int_equal(stage_it(&s)->machine.state, ROLLOUT_BAKING);
    assert_int_equal(weight_of(&s, ORDERS_IOS), 0);
    assert_int_equal(weight_of(&s, REST_IOS), 1000000);
    assert_int_equal(stage_it(&s)->last.wait, WAIT_CELLS);
    assert_int_equal(stage_ask(&s, EVENT_PROMOTE, &e), ERR_CONFLICT);
    assert_non_null(strstr(e.text, "cells: 1 halted"));
    struct rollout_ask ask = {.event = EVENT_PROMOTE,
                              .by = BY_OPERATOR,
                              .actor = SPAN("uid:7"),
                              .reason = SPAN("without ios"),
                              .without_halted = true,
                              .wall_ms = STAGE_T0 + 9001};
    assert_int_equal(rollouts_ask(&s.all, stage_it(&s), &ask, &e), OK);
    assert_int_equal(stage_it(&s)->machine.state, ROLLOUT_DONE);
    assert_int_equal(weight_of(&s, ORDERS_IOS), 0); /* and stays there */
    assert_int_equal(reopen(&s, 1 << ORDERS_IOS, &e), OK);
    assert_int_equal(stage_it(&s)->machine.state, ROLLOUT_BAKING);
    assert_int_equal(weight_of(&s, ORDERS_IOS), 1000000);
    stage_end(&s);
    stage_remove(&s);
}

TEST(a_cell_is_reopened_by_a_word_of_its_own_and_judged_from_nothing)
{
    struct stage s;
    struct err e;

    begun(&s);
    stage_answers(&s, 5);
    halt(&s, ORDERS_IOS);
    assert_int_equal(stage_ask(&s, EVENT_PAUSE, &e), OK);
    assert_int_equal(stage_ask(&s, EVENT_RESUME, &e), OK);
    assert_int_equal(weight_of(&s, ORDERS_IOS), 0); /* that is another word */
    assert_int_equal(reopen(&s, 1 << REST_IOS, &e), ERR_CONFLICT);
    assert_string_equal(e.text, "that cell is not halted");
    assert_int_equal(reopen(&s, 1 << ORDERS_IOS, &e), OK);
    assert_string_equal(stage_last_kind(&s), "rollout.reopen");
    assert_int_equal(weight_of(&s, ORDERS_IOS), 10000);
    assert_int_equal(cell_answers(stage_it(&s)->place->cells[0], true), 0);
    assert_int_equal(reopen(&s, 0, &e), ERR_CONFLICT);
    assert_string_equal(e.text, "no cell of it is halted");
    /* Again, and the counts of how often outlive every process. */
    halt(&s, ORDERS_IOS);
    stage_end(&s);
    stage_begin(&s, true);
    assert_int_equal(weight_of(&s, ORDERS_IOS), 0);
    assert_int_equal(stage_it(&s)->machine.opened[ORDERS_IOS], 1);
    assert_int_equal(reopen(&s, 1 << ORDERS_IOS, &e), OK);
    assert_int_equal(stage_it(&s)->machine.opened[ORDERS_IOS], 2);
    stage_end(&s);
    stage_remove(&s);
}

TEST(a_latch_from_before_a_reopening_is_not_taken_for_a_new_one)
{
    struct stage s;
    struct err e;

    begun(&s);
    halt(&s, ORDERS_IOS);
    struct gates_place *place = stage_it(&s)->place;
    _Atomic uint64_t *word =
        gates_word(place, (enum gates_word)(GATES_CELL_LATCHES + ORDERS_IOS));
    uint64_t latched = atomic_load(word);
    assert_int_equal(reopen(&s, 1 << ORDERS_IOS, &e), OK);
    stage_end(&s);
    atomic_store(word, latched); /* as if control had died before it */
    stage_begin(&s, false);
    assert_int_equal(weight_of(&s, ORDERS_IOS), 10000);
    rollouts_tick(&s.all, STAGE_T0 + 3, 4);
    assert_int_equal(stage_it(&s)->machine.halted, 0);
    stage_end(&s);
    stage_remove(&s);
}

TEST(a_halt_of_a_cell_that_nobody_journalled_holds_after_everybody_died)
{
    struct stage s;

    begun(&s);
    stage_end(&s);
    stage_expose(
        &s, "{\"run\":2,\"rollout\":\"ios\",\"halted_cell\":\"errors\","
            "\"opened\":0,\"route\":\"orders\",\"platform\":\"ios\"}\n"
            "{\"run\":1,\"rollout\":\"ios\",\"halted_cell\":\"errors\","
            "\"opened\":1,\"route\":\"orders\",\"platform\":\"ios\"}\n"
            "{\"run\":1,\"rollout\":\"ios\",\"halted_cell\":\"burst\","
            "\"opened\":0,\"route\":\"orders\",\"platform\":\"android\"}\n");
    stage_begin(&s, true);
    assert_int_equal(weight_of(&s, ORDERS_IOS), 10000); /* another run's, and
                                                            another opening's */
    assert_int_equal(weight_of(&s, ORDERS_ANDROID), 0);
    assert_int_equal(stage_effective(&s), 10000);
    rollouts_tick(&s.all, STAGE_T0 + 1, 2);
    assert_int_equal(stage_it(&s)->machine.halted, 1 << ORDERS_ANDROID);
    assert_int_equal(stage_it(&s)->cells[ORDERS_ANDROID].gate, LATCH_BURST);
    stage_end(&s);
    stage_remove(&s);
}

TEST(another_configuration_keeps_halted_what_a_halted_cell_has_become)
{
    struct stage s;

    begun(&s);
    halt(&s, ORDERS_ANDROID);
    stage_end(&s);
    /* Routes are not kept apart any more: all of android is one cell. */
    s.gen.shape = 2;
    s.gen.cells_routes = 1;
    stage_begin(&s, false);
    assert_int_equal(stage_it(&s)->machine.state, ROLLOUT_PAUSED);
    assert_int_equal(stage_it(&s)->machine.halted, 2);
    assert_int_equal(weight_of(&s, 0), 10000);
    assert_int_equal(weight_of(&s, 1), 0);
    stage_end(&s);
    /* And they are again: it is halted wherever somebody of it may come. */
    s.gen.shape = 1;
    s.gen.cells_routes = 2;
    stage_begin(&s, false);
    assert_int_equal(stage_it(&s)->machine.halted, 2 | 8);
    /* Taking the mode away opens nothing. */
    stage_end(&s);
    s.gen.plan.halts_cell = false;
    stage_begin(&s, false);
    assert_int_equal(weight_of(&s, ORDERS_ANDROID), 0);
    stage_end(&s);
    stage_remove(&s);
}

TEST(where_every_cell_is_halted_the_rollout_is)
{
    struct stage s;

    begun(&s);
    for (uint32_t i = 0; i < 3; i++)
        halt(&s, i);
    assert_int_equal(stage_it(&s)->machine.state, ROLLOUT_STEP);
    halt(&s, 3);
    assert_int_equal(stage_it(&s)->machine.state, ROLLOUT_ROLLED_BACK);
    assert_int_equal(stage_effective(&s), 0);
    assert_int_equal(latches_get(s.house.latches, stage_it(&s)->slot).reason,
                     LATCH_ERRORS);
    stage_end(&s);
    stage_remove(&s);
}

TEST(a_new_run_has_its_own_halts_and_a_new_build_does_not)
{
    struct stage s;
    struct err e;

    begun(&s);
    s.house.pools[1].build_header = SPAN("x-build");
    halt(&s, REST_IOS);
    stage_answers_as(&s, "1");
    rollouts_tick(&s.all, STAGE_T0 + 2, 3);
    stage_answers_as(&s, "2");
    rollouts_tick(&s.all, STAGE_T0 + 3, 4);
    assert_string_equal(stage_last_kind(&s), "rollout.rebuild");
    assert_int_equal(weight_of(&s, REST_IOS), 0);
    assert_int_equal(stage_ask(&s, EVENT_ROLL_BACK, &e), OK);
    assert_int_equal(stage_ask(&s, EVENT_AGAIN, &e), OK);
    rollouts_tick(&s.all, STAGE_T0 + 4, 5);
    assert_int_equal(stage_ask(&s, EVENT_START, &e), OK);
    assert_int_equal(stage_it(&s)->machine.run, 2);
    assert_int_equal(weight_of(&s, REST_IOS), 10000);
    /* Who is late with the last run's error halts nobody of this one. */
    assert_false(
        gates_halt_cell(stage_it(&s)->place, REST_IOS, 1, LATCH_ERRORS));
    stage_end(&s);
    stage_remove(&s);
}

TEST(a_slow_cell_is_halted_by_control_and_the_others_are_not)
{
    struct stage s;
    uint64_t seed = 4;

    stage_make(&s);
    stage_keep_apart(&s);
    s.gen.plan.has_latency = true;
    s.gen.plan.latency = (struct sketch_law){
        .quantile = 0.99, .max_ratio = 1.25, .min_samples = 100, .alpha = 1e-4};
    stage_begin(&s, true);
    stage_start(&s);
    for (int i = 0; i < 4000; i++)
        for (uint32_t cell = 0; cell < 4; cell++) {
            bool canary = i % 2;
            struct cell_event v = {.now_ms = 5,
                                   .subject = test_random(&seed),
                                   .weight_ppm = 10000,
                                   .is_canary = canary};
            cell_answer(stage_it(&s)->place->cells[cell], &s.gen.plan.cell, &v,
                        canary && cell == REST_IOS ? 30000 : 1000);
        }
    rollouts_tick(&s.all, STAGE_T0 + 1, 5000);
    assert_int_equal(stage_it(&s)->machine.halted, 1 << REST_IOS);
    assert_int_equal(stage_it(&s)->machine.state, ROLLOUT_STEP);
    assert_int_equal(stage_it(&s)->cells[REST_IOS].gate, LATCH_LATENCY);
    stage_end(&s);
    stage_remove(&s);
}
