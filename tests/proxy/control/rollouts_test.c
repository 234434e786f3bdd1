/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is journalled of a rollout is what it is: after a restart, after kill -9
 * at any moment, and when the store refuses. What workers read follows.
 */
#include "proxy/control/exposures.h"
#include "proxy/control/rollout_traffic.h"
#include "proxy/control/rollouts.h"
#include "proxy/control/slots.h"
#include "routing/split.h"
#include "tests/proxy/control/house.h"
#include "tests/test.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#define T0 UINT64_C(1764032462004)

static const struct rollout_step steps[] = {
    {.weight_ppm = 10000, .hold_ms = 1000, .min_requests = 2},
    {.weight_ppm = 50000, .hold_ms = 1000},
    {.weight_ppm = 1000000, .hold_ms = 1000},
};

struct scene {
    struct house house;
    struct gen_rollout gen;
    const struct gen_route *routes[1];
    struct gates *gates;
    struct store *store;
    struct rollouts all;
};

static void
scene_make(struct scene *s)
{
    *s = (struct scene){0};
    house_make(&s->house, 0, 1);
    s->house.routes[0].canary = NULL;
    s->routes[0] = &s->house.routes[0];
    s->gen = (struct gen_rollout){
        .name = SPAN("ios"),
        .baseline = &s->house.pools[0],
        .canary = {.pool = &s->house.pools[1],
                   .slot_name = SPAN("rollout/ios"),
                   .index = 2},
        .routes = s->routes,
        .n_routes = 1,
        .plan = {.steps = steps,
                 .n_steps = COUNT(steps),
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

/* Control begins, with the segments as they are, or with new ones. */
static void
begin(struct scene *s, bool anew)
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
    rollouts_take(&s->all, s->store, T0);
}

static void
end(struct scene *s)
{
    store_close(&s->store);
}

static void
scene_remove(struct scene *s)
{
    if (s->gates)
        segment_unmap(SEGMENT_GATES, s->gates);
    house_remove(&s->house);
}

static struct rollout *
it(struct scene *s)
{
    return rollouts_find(&s->all, SPAN("ios"));
}

static uint32_t
effective(const struct scene *s)
{
    return weights_effective(s->house.weights, s->house.latches,
                             s->all.at[0].slot);
}

static enum err_code
ask_as(struct scene *s, enum machine_event event, enum machine_actor by,
       struct err *e)
{
    struct rollout_ask a = {.event = event,
                            .by = by,
                            .actor = SPAN("uid:7"),
                            .reason = SPAN("a test"),
                            .wall_ms = T0};

    return rollouts_ask(&s->all, it(s), &a, e);
}

static enum err_code
ask(struct scene *s, enum machine_event event, struct err *e)
{
    return ask_as(s, event, BY_OPERATOR, e);
}

static enum err_code
acknowledge(struct scene *s, struct err *e)
{
    struct rollout_ask a = {.by = BY_OPERATOR,
                            .actor = SPAN("uid:8"),
                            .reason = SPAN("seen"),
                            .wall_ms = T0};

    return rollouts_acknowledge(&s->all, it(s), &a, e);
}

static void
started(struct scene *s)
{
    struct err e;

    rollouts_tick(&s->all, T0, 1);
    assert_int_equal(it(s)->machine.state, ROLLOUT_APPROVED);
    if (ask(s, EVENT_START, &e))
        fail_msg("%s", e.text);
    assert_int_equal(effective(s), 10000);
}

static void
canary_answers(struct scene *s, int n)
{
    uint64_t seed = 3;

    for (int i = 0; i < n; i++) {
        struct cell_event v = {.now_ms = 5,
                               .subject = test_random(&seed),
                               .weight_ppm = 10000,
                               .is_canary = true};
        cell_answer(it(s)->place->cells[0], &s->gen.plan.cell, &v, 1000);
    }
}

static void
assert_same(const struct machine *a, const struct machine *b)
{
    assert_int_equal(a->state, b->state);
    assert_int_equal(a->step, b->step);
    assert_int_equal(a->run, b->run);
    assert_int_equal(a->since_ms, b->since_ms);
    assert_int_equal(a->latest_ms, b->latest_ms);
    assert_int_equal(a->base_answers, b->base_answers);
}

TEST(a_rollout_is_after_a_restart_where_it_was)
{
    struct scene s;

    scene_make(&s);
    begin(&s, true);
    started(&s);
    canary_answers(&s, 2);
    rollouts_tick(&s.all, T0 + 1000, 2);
    assert_int_equal(it(&s)->machine.step, 1);
    struct rollout before = *it(&s);
    assert_int_equal(effective(&s), 50000);
    end(&s);

    begin(&s, true);
    assert_same(&it(&s)->machine, &before.machine);
    assert_int_equal(it(&s)->revision, before.revision);
    assert_int_equal(effective(&s), 50000);
    assert_int_equal(atomic_load(&it(&s)->place->armed), 1);
    end(&s);
    scene_remove(&s);
}

TEST(a_latch_that_was_set_while_nobody_looked_is_journalled)
{
    struct scene s;

    scene_make(&s);
    begin(&s, true);
    started(&s);
    end(&s);
    latches_set(s.house.latches, s.all.at[0].slot, 1, LATCH_ERRORS);
    begin(&s, false);
    assert_int_equal(effective(&s), 0);
    rollouts_tick(&s.all, T0 + 1, 2);
    assert_int_equal(it(&s)->machine.state, ROLLOUT_ROLLED_BACK);
    rollouts_tick(&s.all, T0 + 1 + ADVANCE_REPORT_MS, 1002);
    assert_int_equal(it(&s)->machine.state, ROLLOUT_REPORTED);
    assert_int_equal(weights_get(s.house.weights, it(&s)->slot).ppm, 0);
    assert_int_equal(atomic_load(&it(&s)->place->armed), 0);
    end(&s);
    scene_remove(&s);
}

/* What a worker writes when it halts, and then everybody dies. */
static void
write_exposure(const struct scene *s, const char *text)
{
    char path[512];

    (void)snprintf(path, sizeof(path), "%s/%s", s->house.files.dir,
                   EXPOSURES_FILE);
    FILE *f = fopen(path, "a");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

TEST(a_halt_that_nobody_journalled_holds_after_everybody_died)
{
    struct scene s;

    scene_make(&s);
    s.house.gen.state_dir = span_str(s.house.files.dir);
    begin(&s, true);
    started(&s);
    end(&s);
    write_exposure(&s, "{\"run\":2,\"rollout\":\"ios\",\"halted\":\"burst\"}\n"
                       "{\"run\":1,\"rollout\":\"io\",\"halted\":\"burst\"}\n");
    begin(&s, true);
    assert_int_equal(effective(&s), 10000); /* other runs, others' */
    end(&s);
    write_exposure(&s,
                   "\xff not a line\n\n"
                   "{\"run\":1,\"rollout\":\"ios\",\"halted\":\"translate\"}\n"
                   "{\"run\":1,\"rollout\":\"ios\",\"pa");
    begin(&s, true);
    assert_int_equal(effective(&s), 0);
    assert_int_equal(latches_get(s.house.latches, it(&s)->slot).reason,
                     LATCH_TRANSLATE);
    rollouts_tick(&s.all, T0 + 1, 2);
    assert_int_equal(it(&s)->machine.state, ROLLOUT_ROLLED_BACK);
    assert_string_equal(it(&s)->story.cause, "translate");
    end(&s);
    scene_remove(&s);
}

TEST(an_edge_that_expects_another_revision_is_not_taken)
{
    struct scene s;
    struct err e;

    scene_make(&s);
    begin(&s, true);
    started(&s);
    struct rollout_ask stale = {.event = EVENT_PROMOTE,
                                .by = BY_OPERATOR,
                                .actor = SPAN("uid:7"),
                                .reason = SPAN("a test"),
                                .wall_ms = T0,
                                .expects = true,
                                .expected = it(&s)->revision - 1};
    assert_int_equal(rollouts_ask(&s.all, it(&s), &stale, &e), ERR_CONFLICT);
    assert_int_equal(effective(&s), 10000);
    assert_int_equal(it(&s)->machine.step, 0);

    end(&s);
    scene_remove(&s);
}

TEST(a_key_makes_a_change_once)
{
    struct scene s;
    struct err e;
    uint64_t revision;

    scene_make(&s);
    begin(&s, true);
    rollouts_tick(&s.all, T0, 1);
    struct rollout_ask a = {.event = EVENT_START,
                            .by = BY_OPERATOR,
                            .actor = SPAN("uid:7"),
                            .reason = SPAN("a test"),
                            .key = SPAN("key-1"),
                            .wall_ms = T0};
    assert_int_equal(store_key(s.store, a.key, &revision, &e), ERR_NOT_FOUND);
    assert_int_equal(rollouts_ask(&s.all, it(&s), &a, &e), OK);
    assert_int_equal(store_key(s.store, a.key, &revision, &e), OK);
    assert_int_equal(revision, it(&s)->revision);
    end(&s);
    begin(&s, true);
    assert_int_equal(store_key(s.store, a.key, &revision, &e), OK);
    assert_int_equal(revision, it(&s)->revision);
    end(&s);
    scene_remove(&s);
}

TEST(another_plan_pauses_what_is_live_and_keeps_its_weight)
{
    struct scene s;

    scene_make(&s);
    begin(&s, true);
    started(&s);
    end(&s);
    s.gen.shape = 2;
    begin(&s, false);
    assert_int_equal(it(&s)->machine.state, ROLLOUT_PAUSED);
    assert_int_equal(effective(&s), 10000);
    end(&s);
    scene_remove(&s);
}

/* The kind of the newest revision. */
static bool
take_kind(void *arg, const struct store_revision *r)
{
    (void)snprintf(arg, 64, "%.*s", SPAN_FMT(r->kind));
    return false;
}

static const char *
last_kind(const struct scene *s)
{
    static char kind[64];
    struct err e;

    if (store_revisions(s->store, 0, 1, take_kind, kind, &e))
        fail_msg("%s", e.text);
    return kind;
}

TEST(a_broken_glass_is_journalled_as_that_and_shown_until_acknowledged)
{
    struct rollout_step asks[COUNT(steps)];
    struct scene s;
    struct err e;

    memcpy(asks, steps, sizeof(asks));
    asks[0].approve = true;
    scene_make(&s);
    s.gen.plan.steps = asks;
    begin(&s, true);
    started(&s);
    uint64_t revision = it(&s)->revision;
    assert_int_equal(ask(&s, EVENT_PROMOTE, &e), ERR_CONFLICT);
    assert_non_null(strstr(e.text, "approval: 0 of 1"));
    assert_null(strstr(e.text, "hold"));
    assert_int_equal(acknowledge(&s, &e), ERR_CONFLICT);
    assert_string_equal(e.text, "no glass was broken");
    assert_int_equal(it(&s)->revision, revision);
    assert_int_equal(effective(&s), 10000);

    if (ask_as(&s, EVENT_PROMOTE, BY_GLASS, &e))
        fail_msg("%s", e.text);
    assert_string_equal(last_kind(&s), "rollout.break_glass.promote");
    assert_int_equal(effective(&s), 50000);
    end(&s);
    begin(&s, true);
    assert_true(rollout_is_forced(it(&s)));
    const struct rollout_forced *f = &it(&s)->forced;
    assert_string_equal(f->actor, "uid:7");
    assert_string_equal(f->event, "promote");
    assert_string_equal(f->skipped, "hold: 0 ms of 1000 ms; no data: 0 of 2 "
                                    "requests; approval: 0 of 1");
    assert_int_equal(f->step, 2);

    if (acknowledge(&s, &e))
        fail_msg("%s", e.text);
    assert_string_equal(last_kind(&s), "rollout.acknowledge");
    end(&s);
    begin(&s, true);
    assert_false(rollout_is_forced(it(&s)));
    assert_string_equal(it(&s)->forced.acknowledged_by, "uid:8");
    assert_int_equal(acknowledge(&s, &e), ERR_CONFLICT);
    assert_string_equal(e.text, "uid:8 has acknowledged it already");
    assert_int_equal(it(&s)->machine.step, 1);
    end(&s);
    scene_remove(&s);
}

/* ------------------------------------------------------------------- its builds */

static void
answers_as(struct scene *s, const char *build)
{
    builds_saw(gates_word(it(s)->place, GATES_BUILDS), span_str(build));
}

/* At step 2, known as build 1, with answers counted. */
static void
at_step_2(struct scene *s)
{
    scene_make(s);
    s->house.pools[1].build_header = SPAN("x-build");
    begin(s, true);
    started(s);
    answers_as(s, "1");
    canary_answers(s, 2);
    rollouts_tick(&s->all, T0 + 1000, 2);
    assert_int_equal(it(s)->machine.step, 1);
    answers_as(s, "1");
    rollouts_tick(&s->all, T0 + 1001, 2);
    assert_int_equal(it(s)->builds.known.n, 1);
}

TEST(a_new_build_goes_back_to_step_1_and_is_judged_from_nothing)
{
    struct scene s;

    at_step_2(&s);
    cell_expose(it(&s)->place->cells[0], 7);
    answers_as(&s, "2");
    rollouts_tick(&s.all, T0 + 1002, 3);
    assert_string_equal(last_kind(&s), "rollout.rebuild");
    assert_int_equal(it(&s)->machine.step, 0);
    assert_int_equal(effective(&s), 10000);
    assert_int_equal(rollout_answers(it(&s)), 0);
    assert_int_equal(it(&s)->machine.base_answers, 0);
    struct cell_exposure sum = {0};
    cell_exposure_add(it(&s)->place->cells[0], &sum);
    assert_int_equal(sum.requests, 1); /* that was sent is not forgotten */
    assert_int_equal(atomic_load(&it(&s)->place->armed), 1);
    /* A deployment that rolls: both answer in turn, and both are known. */
    uint64_t revision = it(&s)->revision;
    for (int i = 0; i < 6; i++) {
        answers_as(&s, i % 2 ? "2" : "1");
        rollouts_tick(&s.all, T0 + 1003, 4);
    }
    assert_int_equal(it(&s)->revision, revision);
    end(&s);
    scene_remove(&s);
}

TEST(a_build_that_did_not_answer_in_a_whole_step_is_new_when_it_comes_again)
{
    struct scene s;

    at_step_2(&s);
    answers_as(&s, "2");
    rollouts_tick(&s.all, T0 + 1002, 3);
    answers_as(&s, "2"); /* and it alone, in step 1 */
    canary_answers(&s, 2);
    rollouts_tick(&s.all, T0 + 2002, 4);
    assert_int_equal(it(&s)->machine.step, 1);
    assert_int_equal(it(&s)->builds.known.n, 1);
    answers_as(&s, "2");
    rollouts_tick(&s.all, T0 + 2003, 5);
    assert_int_equal(it(&s)->machine.step, 1);
    answers_as(&s, "1"); /* somebody took the deployment back */
    rollouts_tick(&s.all, T0 + 2004, 6);
    assert_int_equal(it(&s)->machine.step, 0);
    assert_string_equal(last_kind(&s), "rollout.rebuild");
    end(&s);
    scene_remove(&s);
}

TEST(what_is_known_outlives_every_process)
{
    struct scene s;

    at_step_2(&s);
    end(&s);
    begin(&s, true); /* fresh segments: nothing of the builds is in them */
    answers_as(&s, "1");
    rollouts_tick(&s.all, T0 + 1002, 3);
    assert_int_equal(it(&s)->machine.step, 1);
    answers_as(&s, "2");
    rollouts_tick(&s.all, T0 + 1003, 4);
    assert_int_equal(it(&s)->machine.step, 0);
    end(&s);
    scene_remove(&s);
}

TEST(
    a_control_that_dies_between_the_journal_and_the_counts_leaves_none_of_the_old_build_s)
{
    struct scene s;

    at_step_2(&s);
    struct gates_place *place = it(&s)->place;
    struct gates_place *before = malloc(sizeof(*before));
    assert_non_null(before);
    memcpy(before, place, sizeof(*before));
    answers_as(&s, "2");
    rollouts_tick(&s.all, T0 + 1002, 3);
    assert_int_equal(it(&s)->machine.step, 0);
    end(&s);
    memcpy(place, before,
           sizeof(*before)); /* as if it had never come to them */
    begin(&s, false);
    assert_int_equal(it(&s)->machine.step, 0);
    assert_int_equal(rollout_answers(it(&s)), 0);
    assert_int_equal(atomic_load(&it(&s)->place->armed), 1);
    uint64_t revision = it(&s)->revision;
    answers_as(&s, "2");
    answers_as(&s, "1");
    rollouts_tick(&s.all, T0 + 1003, 4);
    assert_int_equal(it(&s)->revision, revision); /* and takes no edge twice */
    free(before);
    end(&s);
    scene_remove(&s);
}

TEST(what_is_written_after_it_is_done_is_listed_until_it_is_taken_back)
{
    struct rollout_step one[1] = {{.weight_ppm = 1000000, .hold_ms = 10}};
    struct scene s;
    struct err e;

    scene_make(&s);
    s.gen.plan.steps = one;
    s.gen.plan.n_steps = 1;
    begin(&s, true);
    rollouts_tick(&s.all, T0, 1);
    assert_int_equal(atomic_load(gates_word(it(&s)->place, GATES_EXPOSED)), 0);
    assert_int_equal(ask(&s, EVENT_START, &e), OK);
    rollouts_tick(&s.all, T0 + 10, 2);
    assert_int_equal(it(&s)->machine.state, ROLLOUT_DONE);
    assert_int_equal(atomic_load(&it(&s)->place->armed), 0);
    assert_int_equal(atomic_load(gates_word(it(&s)->place, GATES_EXPOSED)), 1);
    assert_int_equal(ask(&s, EVENT_ROLL_BACK, &e), OK);
    assert_int_equal(atomic_load(gates_word(it(&s)->place, GATES_EXPOSED)), 0);
    end(&s);
    scene_remove(&s);
}

/* ------------------------------------------------------------- what comes, live */

static void
comes(struct scene *s, int n)
{
    for (int i = 0; i < n; i++)
        cell_asked(it(s)->place->cells[0], (uint32_t)i);
}

TEST(a_start_is_refused_by_what_comes_and_not_by_what_somebody_expects)
{
    struct rollout_step slow[2] = {
        {.weight_ppm = 10000, .min_requests = 2000, .at_most_ms = 86400000},
        {.weight_ppm = 1000000}};
    struct scene s;
    struct traffic_rate rate;
    struct err e;

    scene_make(&s);
    s.gen.plan.steps = slow;
    s.gen.plan.n_steps = 2;
    s.gen.requests_a_day = 1000000; /* he expects enough */
    begin(&s, true);
    rollouts_tick(&s.all, T0, 1);
    rollout_traffic(it(&s), T0, &rate);
    assert_int_equal(rate.source, TRAFFIC_OF_FILE);
    comes(&s, 1800);
    rollout_traffic(it(&s), T0 + 1000, &rate);
    assert_int_equal(rate.source,
                     TRAFFIC_OF_FILE); /* of a second nothing is said */
    /* 1800 in twenty minutes: 0.9 a minute at 1 %. */
    uint64_t later = T0 + UINT64_C(1200000);
    rollout_traffic(it(&s), later, &rate);
    assert_int_equal(rate.source, TRAFFIC_LIVE);
    assert_int_equal(rate.requests_a_day, 129600);
    struct rollout_ask a = {.event = EVENT_START,
                            .by = BY_OPERATOR,
                            .actor = SPAN("uid:7"),
                            .reason = SPAN("a test"),
                            .wall_ms = later};
    assert_int_equal(rollouts_ask(&s.all, it(&s), &a, &e), ERR_CONFLICT);
    assert_string_equal(
        e.text, "by what came in 20 min: step 1 cannot conclude: it needs 2000 "
                "canary requests; 0.9 a minute at 1% make that 37 h, more than "
                "`at_most` 24 h");
    assert_int_equal(effective(&s), 0);
    /* The counts are the cells', so another control knows them, too. */
    end(&s);
    begin(&s, false);
    rollouts_tick(&s.all, later, 2);
    assert_int_equal(rollouts_ask(&s.all, it(&s), &a, &e), ERR_CONFLICT);
    /* A day later the note before the last is what is reckoned from. */
    later = T0 + UINT64_C(86400000);
    comes(&s, 1000000);
    rollouts_tick(&s.all, later, 3);
    rollout_traffic(it(&s), later, &rate);
    assert_int_equal(rate.requests_a_day, 1001800);
    comes(&s, 500);
    rollouts_tick(&s.all, later + UINT64_C(86400000), 4);
    rollout_traffic(it(&s), later + UINT64_C(86400000), &rate);
    assert_int_equal(rate.requests_a_day, 500);
    /* Who breaks the glass starts it all the same. */
    a.wall_ms = later + UINT64_C(86400000);
    assert_int_equal(rollouts_ask(&s.all, it(&s), &a, &e), ERR_CONFLICT);
    a.by = BY_GLASS;
    assert_int_equal(rollouts_ask(&s.all, it(&s), &a, &e), OK);
    end(&s);
    scene_remove(&s);
}

TEST(a_share_is_beside_what_chance_allows)
{
    struct traffic_share share;
    struct scene s;
    uint64_t seed = 9;

    scene_make(&s);
    begin(&s, true);
    started(&s);
    assert_false(rollout_share(it(&s), 10000, 5, &share));
    for (int i = 0; i < 1000; i++) {
        struct cell_event v = {.now_ms = 5,
                               .subject = test_random(&seed),
                               .weight_ppm = 10000,
                               .is_canary = i < 12};
        cell_answer(it(&s)->place->cells[0], &s.gen.plan.cell, &v, 1000);
    }
    assert_true(rollout_share(it(&s), 10000, 5, &share));
    /* ROLLOUTS.md: 1 % of 1 000 is anything from 0.4 % to 1.6 %. */
    assert_in_range(share.low_ppm, 3500, 4200);
    assert_in_range(share.high_ppm, 15800, 16500);
    assert_in_range(share.share_ppm, 11500, 12500);
    assert_int_equal(share.canary, 12);
    end(&s);
    scene_remove(&s);
}

/* ------------------------------------------------------------- no way to go back */

TEST(a_gate_that_broke_freezes_where_fewer_are_there_than_when_it_began)
{
    struct scene s;
    struct err e;

    scene_make(&s);
    s.gen.capacity_ppm = WEIGHT_ALL;
    begin(&s, true);
    started(&s);
    assert_int_equal(it(&s)->story.baseline_n, 1);
    it(&s)->story.baseline_n = 2; /* the file has half of them now */
    atomic_store(gates_word(it(&s)->place, GATES_BLOCKED),
                 UINT64_C(1) << 32 | LATCH_BURST);
    atomic_store(&it(&s)->place->cause, gates_cause(0, LATCH_BURST));
    rollouts_tick(&s.all, T0 + 1, 2);
    assert_int_equal(it(&s)->machine.state, ROLLOUT_BLOCKED);
    assert_int_equal(effective(&s), 10000);
    end(&s);

    begin(&s, false);
    assert_int_equal(it(&s)->story.baseline_n, 2);
    canary_answers(&s, 9);
    if (ask(&s, EVENT_RESUME, &e)) /* the gates begin anew, or it froze again */
        fail_msg("%s", e.text);
    rollouts_tick(&s.all, T0 + 2, 3);
    assert_int_equal(it(&s)->machine.state, ROLLOUT_STEP);
    assert_int_equal(rollout_answers(it(&s)), 0);
    /* With enough of them there again, control halts, and says by which gate. */
    it(&s)->story.baseline_n = 1;
    atomic_store(gates_word(it(&s)->place, GATES_BLOCKED),
                 UINT64_C(1) << 32 | LATCH_BURST);
    rollouts_tick(&s.all, T0 + 3, 4);
    assert_int_equal(it(&s)->machine.state, ROLLOUT_ROLLED_BACK);
    assert_int_equal(latches_get(s.house.latches, it(&s)->slot).reason,
                     LATCH_BURST);
    end(&s);
    scene_remove(&s);
}

/* --------------------------------------------------- any order, and any end to it */

/* What holds of the words that workers read, whenever control has begun. */
static void
assert_shown(const struct scene *s, const struct rollout *r)
{
    const struct machine *m = &r->machine;
    bool live = machine_is_live(m->state);
    bool judged = live && m->state != ROLLOUT_DONE;

    assert_int_equal(weights_get(s->house.weights, r->slot).ppm,
                     machine_weight(&s->gen.plan, m));
    assert_int_equal(atomic_load(&r->place->armed), judged ? m->run : 0);
    assert_int_equal(atomic_load(gates_word(r->place, GATES_EXPOSED)),
                     live ? m->run : 0);
    assert_int_equal(builds_era(gates_word(r->place, GATES_BUILDS)),
                     r->builds.era);
    assert_int_equal(atomic_load(gates_word(r->place, GATES_CLEARED)),
                     r->builds.cleared);
}

/* One edge, or none, at random; and what workers count meanwhile. */
static void
step_once(struct scene *s, uint64_t *seed, uint64_t wall_ms)
{
    static const enum machine_event events[] = {
        EVENT_START, EVENT_START,   EVENT_AGAIN,     EVENT_AGAIN,
        EVENT_FLIP,  EVENT_PAUSE,   EVENT_RESUME,    EVENT_RESUME,
        EVENT_HALT,  EVENT_PROMOTE, EVENT_ROLL_BACK, EVENT_WITHDRAW};
    uint64_t dice = test_random(seed);
    char build[24];
    struct err e;

    (void)snprintf(build, sizeof(build), "%" PRIu64,
                   wall_ms / 8000 + dice / 2 % 2);
    if (dice & 1)
        answers_as(s, build);
    canary_answers(s, (int)(dice / 8 % 4));
    if (dice / 64 % 32 == 0)
        atomic_store(gates_word(it(s)->place, GATES_BLOCKED),
                     (uint64_t)it(s)->machine.run << 32 | LATCH_ERRORS);
    if (dice / 4096 % 2 == 0)
        (void)ask_as(s, events[dice / 8192 % COUNT(events)],
                     dice >> 40 & 1 ? BY_GLASS : BY_OPERATOR, &e);
    else
        rollouts_tick(&s->all, wall_ms, wall_ms);
}

TEST(a_control_that_dies_after_any_revision_is_made_good_by_the_next)
{
    const size_t kept = offsetof(struct gates_place, cells[1]);
    struct scene s;
    uint64_t seed = 21, n_edges = 0, n_rebuilt = 0;
    void *before = malloc(kept);

    assert_non_null(before);
    scene_make(&s);
    s.house.pools[1].build_header = SPAN("x-build");
    begin(&s, true);
    for (uint64_t i = 0; i < 1500; i++) {
        struct machine was = it(&s)->machine;
        uint64_t revision = it(&s)->revision;
        bool is_fresh = machine_is_live(was.state);
        uint32_t cleared = it(&s)->builds.cleared;
        memcpy(before, it(&s)->place, kept);
        step_once(&s, &seed, T0 + i * 400);
        if (it(&s)->revision == revision)
            continue;
        struct rollout after = *it(&s);
        n_edges++;
        n_rebuilt += was.step > 0 && after.machine.step == 0 &&
                     machine_is_live(after.machine.state) && is_fresh;
        if (i % 4 == 0)
            continue; /* some live on */
        end(&s);
        if (is_fresh) /* the words are as they were when it was journalled */
            memcpy(after.place, before, kept);
        begin(&s, false);
        assert_same(&it(&s)->machine, &after.machine);
        assert_int_equal(it(&s)->revision, after.revision);
        assert_int_equal(it(&s)->builds.known.n, after.builds.known.n);
        assert_shown(&s, it(&s));
        if (after.builds.cleared != cleared)
            assert_int_equal(rollout_answers(it(&s)), 0);
    }
    assert_true(n_edges > 100 && n_rebuilt > 3);
    free(before);
    end(&s);
    scene_remove(&s);
}

/* What a step of a life acknowledges. */
struct ack {
    uint64_t revision;
    struct machine machine;
    uint32_t forced;
    bool is_forced;
    struct rollout_builds builds;
};

/* Ask for whatever comes to mind, and acknowledge what was taken. */
static _Noreturn void
live(struct scene *s, uint64_t seed, int fd)
{
    begin(s, true);
    for (uint64_t i = 0;; i++) {
        struct err e;
        struct ack ack;
        rollouts_tick(&s->all, T0 + i * 500, i * 500);
        uint64_t dice = test_random(&seed);
        enum machine_event event =
            (enum machine_event)(dice % (EVENT_AGAIN + 1));
        (void)ask_as(s, event, dice >> 40 & 1 ? BY_GLASS : BY_OPERATOR, &e);
        if (it(s)->place && dice >> 42 & 1)
            answers_as(s, dice >> 43 & 1 ? "1" : "2");
        if (dice >> 41 & 1)
            (void)acknowledge(s, &e);
        ack = (struct ack){.revision = it(s)->revision,
                           .machine = it(s)->machine,
                           .forced = it(s)->forced.n,
                           .is_forced = rollout_is_forced(it(s)),
                           .builds = it(s)->builds};
        if (write(fd, &ack, sizeof(ack)) != sizeof(ack))
            _exit(1);
    }
}

/* Kill it in the middle of something; what it acknowledged last. */
static struct ack
kill_one(struct scene *s, uint64_t *seed)
{
    struct ack ack = {0}, one;
    uint64_t n = 1 + test_random(seed) % 20;
    int fds[2];

    assert_int_equal(pipe(fds), 0);
    pid_t pid = fork();
    if (pid == 0)
        live(s, *seed, fds[1]);
    close(fds[1]);
    for (uint64_t i = 0; i < n; i++)
        if (read(fds[0], &one, sizeof(one)) == sizeof(one))
            ack = one;
    usleep((useconds_t)(test_random(seed) % 3000));
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    while (read(fds[0], &one, sizeof(one)) == sizeof(one))
        ack = one;
    close(fds[0]);
    return ack;
}

TEST(kill_9_loses_no_edge_that_was_acknowledged_and_doubles_none)
{
    struct scene s;
    uint64_t seed = 5;

    scene_make(&s);
    for (int i = 0; i < 20; i++) {
        struct ack ack = kill_one(&s, &seed);
        struct err e;
        begin(&s, true);
        assert_null(store_refuses(s.store));
        assert_int_equal(store_verify(s.store, &e), OK);
        assert_true(it(&s)->revision >= ack.revision);
        if (it(&s)->revision == ack.revision && ack.revision) {
            assert_same(&it(&s)->machine, &ack.machine);
            assert_int_equal(it(&s)->forced.n, ack.forced);
            assert_int_equal(rollout_is_forced(it(&s)), ack.is_forced);
            assert_int_equal(it(&s)->builds.era, ack.builds.era);
            assert_int_equal(it(&s)->builds.known.n, ack.builds.known.n);
        }
        assert_int_equal(effective(&s),
                         machine_weight(&s.gen.plan, &it(&s)->machine));
        end(&s);
    }
    scene_remove(&s);
}
