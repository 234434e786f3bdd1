/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A new build of the canary begins at step 1 and is judged from nothing, whoever
 * dies meanwhile.
 */
#include "tests/proxy/control/stage.h"
#include "tests/test.h"

#include <stdlib.h>

/* At step 2, known as build 1, with answers counted. */
static void
at_step_2(struct stage *s)
{
    stage_make(s);
    s->house.pools[1].build_header = SPAN("x-build");
    stage_begin(s, true);
    stage_start(s);
    stage_answers_as(s, "1");
    stage_answers(s, 2);
    rollouts_tick(&s->all, STAGE_T0 + 1000, 2);
    assert_int_equal(stage_it(s)->machine.step, 1);
    stage_answers_as(s, "1");
    rollouts_tick(&s->all, STAGE_T0 + 1001, 2);
    assert_int_equal(stage_it(s)->builds.known.n, 1);
}

TEST(a_new_build_goes_back_to_step_1_and_is_judged_from_nothing)
{
    struct stage s;

    at_step_2(&s);
    cell_expose(stage_it(&s)->place->cells[0], 7);
    stage_answers_as(&s, "2");
    rollouts_tick(&s.all, STAGE_T0 + 1002, 3);
    assert_string_equal(stage_last_kind(&s), "rollout.rebuild");
    assert_int_equal(stage_it(&s)->machine.step, 0);
    assert_int_equal(stage_effective(&s), 10000);
    assert_int_equal(rollout_answers(stage_it(&s)), 0);
    assert_int_equal(stage_it(&s)->machine.base_answers, 0);
    struct cell_exposure sum = {0};
    cell_exposure_add(stage_it(&s)->place->cells[0], &sum);
    assert_int_equal(sum.requests, 1); /* that was sent is not forgotten */
    assert_int_equal(atomic_load(&stage_it(&s)->place->armed), 1);
    /* A deployment that rolls: both answer in turn, and both are known. */
    uint64_t revision = stage_it(&s)->revision;
    for (int i = 0; i < 6; i++) {
        stage_answers_as(&s, i % 2 ? "2" : "1");
        rollouts_tick(&s.all, STAGE_T0 + 1003, 4);
    }
    assert_int_equal(stage_it(&s)->revision, revision);
    stage_end(&s);
    stage_remove(&s);
}

TEST(a_build_that_did_not_answer_in_a_whole_step_is_new_when_it_comes_again)
{
    struct stage s;

    at_step_2(&s);
    stage_answers_as(&s, "2");
    rollouts_tick(&s.all, STAGE_T0 + 1002, 3);
    stage_answers_as(&s, "2"); /* and it alone, in step 1 */
    stage_answers(&s, 2);
    rollouts_tick(&s.all, STAGE_T0 + 2002, 4);
    assert_int_equal(stage_it(&s)->machine.step, 1);
    assert_int_equal(stage_it(&s)->builds.known.n, 1);
    stage_answers_as(&s, "2");
    rollouts_tick(&s.all, STAGE_T0 + 2003, 5);
    assert_int_equal(stage_it(&s)->machine.step, 1);
    stage_answers_as(&s, "1"); /* somebody took the deployment back */
    rollouts_tick(&s.all, STAGE_T0 + 2004, 6);
    assert_int_equal(stage_it(&s)->machine.step, 0);
    assert_string_equal(stage_last_kind(&s), "rollout.rebuild");
    stage_end(&s);
    stage_remove(&s);
}

TEST(what_is_known_outlives_every_process)
{
    struct stage s;

    at_step_2(&s);
    stage_end(&s);
    stage_begin(&s,
                true); /* fresh segments: nothing of the builds is in them */
    stage_answers_as(&s, "1");
    rollouts_tick(&s.all, STAGE_T0 + 1002, 3);
    assert_int_equal(stage_it(&s)->machine.step, 1);
    stage_answers_as(&s, "2");
    rollouts_tick(&s.all, STAGE_T0 + 1003, 4);
    assert_int_equal(stage_it(&s)->machine.step, 0);
    stage_end(&s);
    stage_remove(&s);
}

TEST(
    a_control_that_dies_between_the_journal_and_the_counts_leaves_none_of_the_old_build_s)
{
    struct stage s;

    at_step_2(&s);
    struct gates_place *place = stage_it(&s)->place;
    struct gates_place *before = malloc(sizeof(*before));
    assert_non_null(before);
    memcpy(before, place, sizeof(*before));
    stage_answers_as(&s, "2");
    rollouts_tick(&s.all, STAGE_T0 + 1002, 3);
    assert_int_equal(stage_it(&s)->machine.step, 0);
    stage_end(&s);
    memcpy(place, before,
           sizeof(*before)); /* as if it had never come to them */
    stage_begin(&s, false);
    assert_int_equal(stage_it(&s)->machine.step, 0);
    assert_int_equal(rollout_answers(stage_it(&s)), 0);
    assert_int_equal(atomic_load(&stage_it(&s)->place->armed), 1);
    uint64_t revision = stage_it(&s)->revision;
    stage_answers_as(&s, "2");
    stage_answers_as(&s, "1");
    rollouts_tick(&s.all, STAGE_T0 + 1003, 4);
    assert_int_equal(stage_it(&s)->revision,
                     revision); /* and takes no edge twice */
    free(before);
    stage_end(&s);
    stage_remove(&s);
}
