/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is journalled of a rollout is what it is: after a restart, and when
 * somebody asks for what is not to be. What workers read follows.
 */
#include "proxy/control/rollout_traffic.h"
#include "tests/proxy/control/stage.h"
#include "tests/test.h"

TEST(a_rollout_is_after_a_restart_where_it_was)
{
    struct stage s;

    stage_make(&s);
    stage_begin(&s, true);
    stage_start(&s);
    stage_answers(&s, 2);
    rollouts_tick(&s.all, STAGE_T0 + 1000, 2);
    assert_int_equal(stage_it(&s)->machine.step, 1);
    struct rollout before = *stage_it(&s);
    assert_int_equal(stage_effective(&s), 50000);
    stage_end(&s);

    stage_begin(&s, true);
    stage_assert_same(&stage_it(&s)->machine, &before.machine);
    assert_int_equal(stage_it(&s)->revision, before.revision);
    assert_int_equal(stage_effective(&s), 50000);
    assert_int_equal(atomic_load(&stage_it(&s)->place->armed), 1);
    stage_end(&s);
    stage_remove(&s);
}

TEST(a_latch_that_was_set_while_nobody_looked_is_journalled)
{
    struct stage s;

    stage_make(&s);
    stage_begin(&s, true);
    stage_start(&s);
    stage_end(&s);
    latches_set(s.house.latches, s.all.at[0].slot, 1, LATCH_ERRORS);
    stage_begin(&s, false);
    assert_int_equal(stage_effective(&s), 0);
    rollouts_tick(&s.all, STAGE_T0 + 1, 2);
    assert_int_equal(stage_it(&s)->machine.state, ROLLOUT_ROLLED_BACK);
    rollouts_tick(&s.all, STAGE_T0 + 1 + ADVANCE_REPORT_MS, 1002);
    assert_int_equal(stage_it(&s)->machine.state, ROLLOUT_REPORTED);
    assert_int_equal(weights_get(s.house.weights, stage_it(&s)->slot).ppm, 0);
    assert_int_equal(atomic_load(&stage_it(&s)->place->armed), 0);
    stage_end(&s);
    stage_remove(&s);
}

TEST(a_halt_that_nobody_journalled_holds_after_everybody_died)
{
    struct stage s;

    stage_make(&s);
    s.house.gen.state_dir = span_str(s.house.files.dir);
    stage_begin(&s, true);
    stage_start(&s);
    stage_end(&s);
    stage_expose(&s, "{\"run\":2,\"rollout\":\"ios\",\"halted\":\"burst\"}\n"
                     "{\"run\":1,\"rollout\":\"io\",\"halted\":\"burst\"}\n");
    stage_begin(&s, true);
    assert_int_equal(stage_effective(&s), 10000); /* other runs, others' */
    stage_end(&s);
    stage_expose(&s,
                 "\xff not a line\n\n"
                 "{\"run\":1,\"rollout\":\"ios\",\"halted\":\"translate\"}\n"
                 "{\"run\":1,\"rollout\":\"ios\",\"pa");
    stage_begin(&s, true);
    assert_int_equal(stage_effective(&s), 0);
    assert_int_equal(latches_get(s.house.latches, stage_it(&s)->slot).reason,
                     LATCH_TRANSLATE);
    rollouts_tick(&s.all, STAGE_T0 + 1, 2);
    assert_int_equal(stage_it(&s)->machine.state, ROLLOUT_ROLLED_BACK);
    assert_string_equal(stage_it(&s)->story.cause, "translate");
    stage_end(&s);
    stage_remove(&s);
}

TEST(an_edge_that_expects_another_revision_is_not_taken)
{
    struct stage s;
    struct err e;

    stage_make(&s);
    stage_begin(&s, true);
    stage_start(&s);
    struct rollout_ask stale = {.event = EVENT_PROMOTE,
                                .by = BY_OPERATOR,
                                .actor = SPAN("uid:7"),
                                .reason = SPAN("a test"),
                                .wall_ms = STAGE_T0,
                                .expects = true,
                                .expected = stage_it(&s)->revision - 1};
    assert_int_equal(rollouts_ask(&s.all, stage_it(&s), &stale, &e),
                     ERR_CONFLICT);
    assert_int_equal(stage_effective(&s), 10000);
    assert_int_equal(stage_it(&s)->machine.step, 0);

    stage_end(&s);
    stage_remove(&s);
}

TEST(a_key_makes_a_change_once)
{
    struct stage s;
    struct err e;
    uint64_t revision;

    stage_make(&s);
    stage_begin(&s, true);
    rollouts_tick(&s.all, STAGE_T0, 1);
    struct rollout_ask a = {.event = EVENT_START,
                            .by = BY_OPERATOR,
                            .actor = SPAN("uid:7"),
                            .reason = SPAN("a test"),
                            .key = SPAN("key-1"),
                            .wall_ms = STAGE_T0};
    assert_int_equal(store_key(s.store, a.key, &revision, &e), ERR_NOT_FOUND);
    assert_int_equal(rollouts_ask(&s.all, stage_it(&s), &a, &e), OK);
    assert_int_equal(store_key(s.store, a.key, &revision, &e), OK);
    assert_int_equal(revision, stage_it(&s)->revision);
    stage_end(&s);
    stage_begin(&s, true);
    assert_int_equal(store_key(s.store, a.key, &revision, &e), OK);
    assert_int_equal(revision, stage_it(&s)->revision);
    stage_end(&s);
    stage_remove(&s);
}

TEST(another_plan_pauses_what_is_live_and_keeps_its_weight)
{
    struct stage s;

    stage_make(&s);
    stage_begin(&s, true);
    stage_start(&s);
    stage_end(&s);
    s.gen.shape = 2;
    stage_begin(&s, false);
    assert_int_equal(stage_it(&s)->machine.state, ROLLOUT_PAUSED);
    assert_int_equal(stage_effective(&s), 10000);
    stage_end(&s);
    stage_remove(&s);
}

TEST(a_broken_glass_is_journalled_as_that_and_shown_until_acknowledged)
{
    struct rollout_step asks[STAGE_STEPS];
    struct stage s;
    struct err e;

    memcpy(asks, stage_steps, sizeof(asks));
    asks[0].approve = true;
    stage_make(&s);
    s.gen.plan.steps = asks;
    stage_begin(&s, true);
    stage_start(&s);
    uint64_t revision = stage_it(&s)->revision;
    assert_int_equal(stage_ask(&s, EVENT_PROMOTE, &e), ERR_CONFLICT);
    assert_non_null(strstr(e.text, "approval: 0 of 1"));
    assert_null(strstr(e.text, "hold"));
    assert_int_equal(stage_acknowledge(&s, &e), ERR_CONFLICT);
    assert_string_equal(e.text, "no glass was broken");
    assert_int_equal(stage_it(&s)->revision, revision);
    assert_int_equal(stage_effective(&s), 10000);

    if (stage_ask_as(&s, EVENT_PROMOTE, BY_GLASS, &e))
        fail_msg("%s", e.text);
    assert_string_equal(stage_last_kind(&s), "rollout.break_glass.promote");
    assert_int_equal(stage_effective(&s), 50000);
    stage_end(&s);
    stage_begin(&s, true);
    assert_true(rollout_is_forced(stage_it(&s)));
    const struct rollout_forced *f = &stage_it(&s)->forced;
    assert_string_equal(f->actor, "uid:7");
    assert_string_equal(f->event, "promote");
    assert_string_equal(f->skipped, "hold: 0 ms of 1000 ms; no data: 0 of 2 "
                                    "requests; approval: 0 of 1");
    assert_int_equal(f->step, 2);

    if (stage_acknowledge(&s, &e))
        fail_msg("%s", e.text);
    assert_string_equal(stage_last_kind(&s), "rollout.acknowledge");
    stage_end(&s);
    stage_begin(&s, true);
    assert_false(rollout_is_forced(stage_it(&s)));
    assert_string_equal(stage_it(&s)->forced.acknowledged_by, "uid:8");
    assert_int_equal(stage_acknowledge(&s, &e), ERR_CONFLICT);
    assert_string_equal(e.text, "uid:8 has acknowledged it already");
    assert_int_equal(stage_it(&s)->machine.step, 1);
    stage_end(&s);
    stage_remove(&s);
}

TEST(what_is_written_after_it_is_done_is_listed_until_it_is_taken_back)
{
    struct rollout_step one[1] = {{.weight_ppm = 1000000, .hold_ms = 10}};
    struct stage s;
    struct err e;

    stage_make(&s);
    s.gen.plan.steps = one;
    s.gen.plan.n_steps = 1;
    stage_begin(&s, true);
    rollouts_tick(&s.all, STAGE_T0, 1);
    assert_int_equal(
        atomic_load(gates_word(stage_it(&s)->place, GATES_EXPOSED)), 0);
    assert_int_equal(stage_ask(&s, EVENT_START, &e), OK);
    rollouts_tick(&s.all, STAGE_T0 + 10, 2);
    assert_int_equal(stage_it(&s)->machine.state, ROLLOUT_DONE);
    assert_int_equal(atomic_load(&stage_it(&s)->place->armed), 0);
    assert_int_equal(
        atomic_load(gates_word(stage_it(&s)->place, GATES_EXPOSED)), 1);
    assert_int_equal(stage_ask(&s, EVENT_ROLL_BACK, &e), OK);
    assert_int_equal(
        atomic_load(gates_word(stage_it(&s)->place, GATES_EXPOSED)), 0);
    stage_end(&s);
    stage_remove(&s);
}

/* ------------------------------------------------------------- what comes, live */

static void
comes(struct stage *s, int n)
{
    for (int i = 0; i < n; i++)
        cell_asked(stage_it(s)->place->cells[0], (uint32_t)i);
}

TEST(a_start_is_refused_by_what_comes_and_not_by_what_somebody_expects)
{
    struct rollout_step slow[2] = {
        {.weight_ppm = 10000, .min_requests = 2000, .at_most_ms = 86400000},
        {.weight_ppm = 1000000}};
    struct stage s;
    struct traffic_rate rate;
    struct err e;

    stage_make(&s);
    s.gen.plan.steps = slow;
    s.gen.plan.n_steps = 2;
    s.gen.requests_a_day = 1000000; /* he expects enough */
    stage_begin(&s, true);
    rollouts_tick(&s.all, STAGE_T0, 1);
    rollout_traffic(stage_it(&s), STAGE_T0, &rate);
    assert_int_equal(rate.source, TRAFFIC_OF_FILE);
    comes(&s, 1800);
    rollout_traffic(stage_it(&s), STAGE_T0 + 1000, &rate);
    assert_int_equal(rate.source,
                     TRAFFIC_OF_FILE); /* of a second nothing is said */
    /* 1800 in twenty minutes: 0.9 a minute at 1 %. */
    uint64_t later = STAGE_T0 + UINT64_C(1200000);
    rollout_traffic(stage_it(&s), later, &rate);
    assert_int_equal(rate.source, TRAFFIC_LIVE);
    assert_int_equal(rate.requests_a_day, 129600);
    struct rollout_ask a = {.event = EVENT_START,
                            .by = BY_OPERATOR,
                            .actor = SPAN("uid:7"),
                            .reason = SPAN("a test"),
                            .wall_ms = later};
    assert_int_equal(rollouts_ask(&s.all, stage_it(&s), &a, &e), ERR_CONFLICT);
    assert_string_equal(
        e.text, "by what came in 20 min: step 1 cannot conclude: it needs 2000 "
                "canary requests; 0.9 a minute at 1% make that 37 h, more than "
                "`at_most` 24 h");
    assert_int_equal(stage_effective(&s), 0);
    /* The counts are the cells', so another control knows them, too. */
    stage_end(&s);
    stage_begin(&s, false);
    rollouts_tick(&s.all, later, 2);
    assert_int_equal(rollouts_ask(&s.all, stage_it(&s), &a, &e), ERR_CONFLICT);
    /* A day later the note before the last is what is reckoned from. */
    later = STAGE_T0 + UINT64_C(86400000);
    comes(&s, 1000000);
    rollouts_tick(&s.all, later, 3);
    rollout_traffic(stage_it(&s), later, &rate);
    assert_int_equal(rate.requests_a_day, 1001800);
    comes(&s, 500);
    rollouts_tick(&s.all, later + UINT64_C(86400000), 4);
    rollout_traffic(stage_it(&s), later + UINT64_C(86400000), &rate);
    assert_int_equal(rate.requests_a_day, 500);
    /* Who breaks the glass starts it all the same. */
    a.wall_ms = later + UINT64_C(86400000);
    assert_int_equal(rollouts_ask(&s.all, stage_it(&s), &a, &e), ERR_CONFLICT);
    a.by = BY_GLASS;
    assert_int_equal(rollouts_ask(&s.all, stage_it(&s), &a, &e), OK);
    stage_end(&s);
    stage_remove(&s);
}

TEST(a_share_is_beside_what_chance_allows)
{
    struct traffic_share share;
    struct stage s;
    uint64_t seed = 9;

    stage_make(&s);
    stage_begin(&s, true);
    stage_start(&s);
    assert_false(rollout_share(stage_it(&s), 10000, 5, &share));
    for (int i = 0; i < 1000; i++) {
        struct cell_event v = {.now_ms = 5,
                               .subject = test_random(&seed),
                               .weight_ppm = 10000,
                               .is_canary = i < 12};
        cell_answer(stage_it(&s)->place->cells[0], &s.gen.plan.cell, &v, 1000);
    }
    assert_true(rollout_share(stage_it(&s), 10000, 5, &share));
    /* ROLLOUTS.md: 1 % of 1 000 is anything from 0.4 % to 1.6 %. */
    assert_in_range(share.low_ppm, 3500, 4200);
    assert_in_range(share.high_ppm, 15800, 16500);
    assert_in_range(share.share_ppm, 11500, 12500);
    assert_int_equal(share.canary, 12);
    stage_end(&s);
    stage_remove(&s);
}

/* ------------------------------------------------------------- no way to go back */

TEST(a_gate_that_broke_freezes_where_fewer_are_there_than_when_it_began)
{
    struct stage s;
    struct err e;

    stage_make(&s);
    s.gen.capacity_ppm = WEIGHT_ALL;
    stage_begin(&s, true);
    stage_start(&s);
    assert_int_equal(stage_it(&s)->story.baseline_n, 1);
    stage_it(&s)->story.baseline_n = 2; /* the file has half of them now */
    atomic_store(gates_word(stage_it(&s)->place, GATES_BLOCKED),
                 UINT64_C(1) << 32 | LATCH_BURST);
    atomic_store(&stage_it(&s)->place->cause, gates_cause(0, LATCH_BURST));
    rollouts_tick(&s.all, STAGE_T0 + 1, 2);
    assert_int_equal(stage_it(&s)->machine.state, ROLLOUT_BLOCKED);
    assert_int_equal(stage_effective(&s), 10000);
    stage_end(&s);

    stage_begin(&s, false);
    assert_int_equal(stage_it(&s)->story.baseline_n, 2);
    stage_answers(&s, 9);
    if (stage_ask(&s, EVENT_RESUME,
                  &e)) /* the gates begin anew, or it froze again */
        fail_msg("%s", e.text);
    rollouts_tick(&s.all, STAGE_T0 + 2, 3);
    assert_int_equal(stage_it(&s)->machine.state, ROLLOUT_STEP);
    assert_int_equal(rollout_answers(stage_it(&s)), 0);
    /* With enough of them there again, control halts, and says by which gate. */
    stage_it(&s)->story.baseline_n = 1;
    atomic_store(gates_word(stage_it(&s)->place, GATES_BLOCKED),
                 UINT64_C(1) << 32 | LATCH_BURST);
    rollouts_tick(&s.all, STAGE_T0 + 3, 4);
    assert_int_equal(stage_it(&s)->machine.state, ROLLOUT_ROLLED_BACK);
    assert_int_equal(latches_get(s.house.latches, stage_it(&s)->slot).reason,
                     LATCH_BURST);
    stage_end(&s);
    stage_remove(&s);
}
