/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is journalled of a rollout is what it is: after a restart, after kill -9
 * at any moment, and when the store refuses. What workers read follows.
 */
#include "proxy/control/exposures.h"
#include "proxy/control/rollouts.h"
#include "proxy/control/slots.h"
#include "routing/split.h"
#include "tests/proxy/control/house.h"
#include "tests/test.h"

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

/* --------------------------------------------------- any order, and any end to it */

/* What a step of a life acknowledges. */
struct ack {
    uint64_t revision;
    struct machine machine;
    uint32_t forced;
    bool is_forced;
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
        if (dice >> 41 & 1)
            (void)acknowledge(s, &e);
        ack = (struct ack){.revision = it(s)->revision,
                           .machine = it(s)->machine,
                           .forced = it(s)->forced.n,
                           .is_forced = rollout_is_forced(it(s))};
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
        }
        assert_int_equal(effective(&s),
                         machine_weight(&s.gen.plan, &it(&s)->machine));
        end(&s);
    }
    scene_remove(&s);
}
