/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any order of edges, and any end of control between two writes: no edge that
 * was acknowledged is lost, none is taken twice, and workers read what the
 * journal says.
 */
#include "proxy/control/rollout_cells.h"
#include "tests/proxy/control/stage.h"
#include "tests/test.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* What holds of the words that workers read, whenever control has begun. */
static void
assert_shown(const struct stage *s, const struct rollout *r)
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
    for (uint32_t i = 0; i < rollout_cells_n(r); i++) {
        struct cell_latch l = gates_cell_latch(r->place, i);
        assert_int_equal(l.run, m->run);
        assert_int_equal(l.opened, m->opened[i]);
    }
    assert_int_equal(m->halted & ~rollout_cells_latched(r), 0);
}

/* As a worker does. */
static void
halt_cell(const struct stage *s, uint32_t cell)
{
    const struct rollout *r = &s->all.at[0];
    uint32_t run = (uint32_t)atomic_load(&r->place->armed);

    if (run)
        (void)gates_halt_cell(r->place, cell, run, LATCH_ERRORS);
}

/* What workers count, and halt. */
static void
work_once(struct stage *s, uint64_t dice, uint64_t wall_ms)
{
    char build[24];

    (void)snprintf(build, sizeof(build), "%" PRIu64,
                   wall_ms / 8000 + dice / 2 % 2);
    if (dice & 1)
        stage_answers_as(s, build);
    stage_answers(s, (int)(dice / 8 % 4));
    if (dice / 64 % 32 == 0)
        atomic_store(gates_word(stage_it(s)->place, GATES_BLOCKED),
                     (uint64_t)stage_it(s)->machine.run << 32 | LATCH_ERRORS);
    if ((dice >> 41 & 3) == 0)
        halt_cell(s, (uint32_t)(dice >> 44 & 3));
}

/* One edge, or none, at random. */
static void
move_once(struct stage *s, uint64_t dice, uint64_t wall_ms)
{
    static const enum machine_event events[] = {
        EVENT_START,  EVENT_START,   EVENT_AGAIN,     EVENT_AGAIN,
        EVENT_FLIP,   EVENT_PAUSE,   EVENT_RESUME,    EVENT_RESUME,
        EVENT_HALT,   EVENT_PROMOTE, EVENT_ROLL_BACK, EVENT_WITHDRAW,
        EVENT_REOPEN, EVENT_REOPEN};
    struct err e;

    s->cells = (uint32_t)(dice >> 46 & 15) & stage_it(s)->machine.halted;
    if (s->cells == 0)
        s->cells = stage_it(s)->machine.halted;
    if (dice / 4096 % 2 == 0)
        (void)stage_ask_as(s, events[dice / 8192 % COUNT(events)],
                           dice >> 40 & 1 ? BY_GLASS : BY_OPERATOR, &e);
    else
        rollouts_tick(&s->all, wall_ms, wall_ms);
}

TEST(a_control_that_dies_after_any_revision_is_made_good_by_the_next)
{
    const size_t kept = offsetof(struct gates_place, cells[1]);
    struct stage s;
    uint64_t seed = 21, n_edges = 0, n_rebuilt = 0, n_halted = 0, n_opened = 0;
    void *before = malloc(kept);

    assert_non_null(before);
    stage_make(&s);
    s.house.pools[1].build_header = SPAN("x-build");
    stage_keep_apart(&s);
    stage_begin(&s, true);
    for (uint64_t i = 0; i < 1500; i++) {
        struct machine was = stage_it(&s)->machine;
        uint64_t revision = stage_it(&s)->revision;
        bool is_fresh = machine_is_live(was.state);
        uint32_t cleared = stage_it(&s)->builds.cleared;
        uint64_t dice = test_random(&seed);
        work_once(&s, dice, STAGE_T0 + i * 400);
        memcpy(before, stage_it(&s)->place, kept);
        move_once(&s, dice, STAGE_T0 + i * 400);
        if (stage_it(&s)->revision == revision)
            continue;
        struct rollout after = *stage_it(&s);
        uint32_t latched = rollout_cells_latched(&after);
        n_edges++;
        n_halted += (after.machine.halted & ~was.halted) != 0;
        n_opened += (was.halted & ~after.machine.halted) != 0 &&
                    after.machine.run == was.run;
        n_rebuilt += was.step > 0 && after.machine.step == 0 &&
                     machine_is_live(after.machine.state) && is_fresh;
        if (i % 4 == 0)
            continue; /* some live on */
        stage_end(&s);
        if (is_fresh) /* the words are as they were when it was journalled */
            memcpy(after.place, before, kept);
        stage_begin(&s, false);
        stage_assert_same(&stage_it(&s)->machine, &after.machine);
        assert_int_equal(stage_it(&s)->revision, after.revision);
        assert_int_equal(stage_it(&s)->builds.known.n, after.builds.known.n);
        assert_shown(&s, stage_it(&s));
        /* Halts outlive it, journalled or not, and what was reopened is open. */
        assert_int_equal(rollout_cells_latched(stage_it(&s)), latched);
        if (after.builds.cleared != cleared)
            assert_int_equal(rollout_answers(stage_it(&s)), 0);
    }
    assert_true(n_edges > 100 && n_rebuilt > 3);
    assert_true(n_halted > 20 && n_opened > 3);
    free(before);
    stage_end(&s);
    stage_remove(&s);
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
live(struct stage *s, uint64_t seed, int fd)
{
    stage_begin(s, true);
    for (uint64_t i = 0;; i++) {
        struct err e;
        struct ack ack;
        rollouts_tick(&s->all, STAGE_T0 + i * 500, i * 500);
        uint64_t dice = test_random(&seed);
        enum machine_event event =
            (enum machine_event)(dice % (EVENT_AGAIN + 1));
        (void)stage_ask_as(s, event, dice >> 40 & 1 ? BY_GLASS : BY_OPERATOR,
                           &e);
        if (dice >> 44 & 1)
            halt_cell(s, (uint32_t)(dice >> 45 & 3));
        s->cells = (uint32_t)(dice >> 47 & 15);
        if (stage_it(s)->place && dice >> 42 & 1)
            stage_answers_as(s, dice >> 43 & 1 ? "1" : "2");
        if (dice >> 41 & 1)
            (void)stage_acknowledge(s, &e);
        ack = (struct ack){.revision = stage_it(s)->revision,
                           .machine = stage_it(s)->machine,
                           .forced = stage_it(s)->forced.n,
                           .is_forced = rollout_is_forced(stage_it(s)),
                           .builds = stage_it(s)->builds};
        if (write(fd, &ack, sizeof(ack)) != sizeof(ack))
            _exit(1);
    }
}

/* Kill it in the middle of something; what it acknowledged last. */
static struct ack
kill_one(struct stage *s, uint64_t *seed)
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
    struct stage s;
    uint64_t seed = 5;

    stage_make(&s);
    stage_keep_apart(&s);
    for (int i = 0; i < 20; i++) {
        struct ack ack = kill_one(&s, &seed);
        struct err e;
        stage_begin(&s, true);
        assert_null(store_refuses(s.store));
        assert_int_equal(store_verify(s.store, &e), OK);
        assert_true(stage_it(&s)->revision >= ack.revision);
        if (stage_it(&s)->revision == ack.revision && ack.revision) {
            stage_assert_same(&stage_it(&s)->machine, &ack.machine);
            assert_int_equal(stage_it(&s)->forced.n, ack.forced);
            assert_int_equal(rollout_is_forced(stage_it(&s)), ack.is_forced);
            assert_int_equal(stage_it(&s)->builds.era, ack.builds.era);
            assert_int_equal(stage_it(&s)->builds.known.n, ack.builds.known.n);
        }
        assert_int_equal(stage_effective(&s),
                         machine_weight(&s.gen.plan, &stage_it(&s)->machine));
        stage_end(&s);
    }
    stage_remove(&s);
}
