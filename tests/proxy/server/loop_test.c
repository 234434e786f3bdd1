/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/server/loop.h"

#include "tests/test.h"

#include <unistd.h>

struct shot {
    struct timer timer;
    struct loop *loop;
    struct timer *other;
    uint64_t fired_ms;
    unsigned n;
    bool stops;
};

static void
fire(void *arg)
{
    struct shot *s = arg;

    s->fired_ms = loop_clock_us() / 1000;
    s->n++;
    if (s->other)
        timer_clear(s->other);
    if (s->stops)
        loop_stop(s->loop);
}

static void
load(struct shot *s, struct loop *l, uint64_t ms)
{
    *s = (struct shot){.loop = l};
    timer_init(&s->timer, fire, s);
    timer_set(&s->timer, l, ms);
}

TEST(a_timer_fires_once_never_early_and_at_most_a_tick_late)
{
    static const uint64_t ms[] = {0, 1, 49, 50, 51, 99, 120, 170, 333, 400};
    struct loop *l = loop_new();
    struct shot shots[COUNT(ms) + 1];

    assert_non_null(l);
    uint64_t began = loop_now_ms(l);
    for (size_t i = 0; i < COUNT(ms); i++)
        load(&shots[i], l, ms[i]);
    load(&shots[COUNT(ms)], l, 500);
    shots[COUNT(ms)].stops = true;
    loop_run(l, NULL, NULL);
    for (size_t i = 0; i < COUNT(ms); i++) {
        assert_int_equal(shots[i].n, 1);
        assert_true(shots[i].fired_ms >= began + ms[i]);
        /* Two ticks and what a loaded machine takes. */
        assert_true(shots[i].fired_ms <= began + ms[i] + 100 + 150);
    }
    loop_free(&l);
}

struct ear {
    struct watch watch;
    int writer;
    unsigned n;
};

static void
hear(void *arg, unsigned ready)
{
    struct ear *e = arg;
    char byte;

    (void)ready;
    assert_int_equal(read(e->watch.fd, &byte, 1), 1);
    e->n++;
}

/* 0: told at once; 1: lazily; 2: lazily, then at once; 3: lazily, then not. */
TEST(a_lazy_watch_hears_at_a_tick_or_when_it_is_hurried_or_never)
{
    struct loop *l = loop_new();
    struct ear ears[4] = {0};
    struct shot end;

    assert_non_null(l);
    for (unsigned i = 0; i < COUNT(ears); i++) {
        int ends[2];

        assert_int_equal(pipe(ends), 0);
        assert_true(watch_init(&ears[i].watch, l, ends[0], hear, &ears[i]));
        if (i == 0)
            watch_read(&ears[i].watch, true);
        else
            watch_read_lazily(&ears[i].watch);
        assert_int_equal(ears[i].watch.reads, i == 0);
        assert_int_equal(write(ends[1], "x", 1), 1);
        ears[i].writer = ends[1];
    }
    watch_read(&ears[2].watch, true);
    assert_true(ears[2].watch.reads);
    watch_read(&ears[3].watch, false);
    load(&end, l, 120);
    end.stops = true;
    loop_run(l, NULL, NULL);
    for (unsigned i = 0; i < COUNT(ears); i++) {
        assert_int_equal(ears[i].n, i != 3);
        int fd = ears[i].watch.fd;
        watch_fini(&ears[i].watch);
        close(fd);
        close(ears[i].writer);
    }
    loop_free(&l);
}

TEST(a_timer_that_is_pushed_away_fires_at_its_last_deadline_alone)
{
    struct loop *l = loop_new();
    struct shot pushed, nearer, end;

    assert_non_null(l);
    uint64_t began = loop_now_ms(l);
    load(&pushed, l, 50);
    timer_set(&pushed.timer, l, 300);
    load(&nearer, l, 30000);
    timer_set(&nearer.timer, l, 100);
    load(&end, l, 450);
    end.stops = true;
    loop_run(l, NULL, NULL);
    assert_int_equal(pushed.n, 1);
    assert_true(pushed.fired_ms >= began + 300);
    assert_int_equal(nearer.n, 1);
    assert_true(nearer.fired_ms < began + 300);
    loop_free(&l);
}

TEST(a_timer_may_be_cleared_by_another_that_fires_in_the_same_tick)
{
    struct loop *l = loop_new();
    struct shot first, second, end;

    assert_non_null(l);
    load(&first, l, 100);
    load(&second, l, 100);
    first.other = &second.timer;
    load(&end, l, 250);
    end.stops = true;
    loop_run(l, NULL, NULL);
    assert_int_equal(first.n, 1);
    assert_int_equal(second.n, 0);
    assert_false(timer_is_set(&second.timer));
    loop_free(&l);
}

TEST(a_timer_beyond_a_whole_turn_of_the_wheel_waits_for_its_turn)
{
    struct loop *l = loop_new();
    struct shot far, end;

    assert_non_null(l);
    load(&far, l, 60000);
    load(&end, l, 120);
    end.stops = true;
    loop_run(l, NULL, NULL);
    assert_int_equal(far.n, 0);
    assert_true(timer_is_set(&far.timer));
    timer_clear(&far.timer);
    loop_free(&l);
}

struct pipe_end {
    struct watch watch;
    struct loop *loop;
    int fds[2];
    unsigned reads, writes, batches;
};

static void
ready(void *arg, unsigned what)
{
    struct pipe_end *p = arg;
    char byte;

    if (what & LOOP_READ) {
        assert_int_equal(read(p->fds[0], &byte, 1), 1);
        p->reads++;
        watch_fini(&p->watch); /* from its own callback */
    }
}

static void
after(void *arg)
{
    struct pipe_end *p = arg;

    p->batches++;
    if (p->reads)
        loop_stop(p->loop);
}

TEST(a_watch_may_end_in_its_own_callback_and_the_batch_is_told_of)
{
    struct pipe_end p = {.loop = loop_new()};

    assert_non_null(p.loop);
    assert_int_equal(pipe(p.fds), 0);
    assert_true(watch_init(&p.watch, p.loop, p.fds[0], ready, &p));
    watch_read(&p.watch, true);
    watch_read(&p.watch, true); /* twice is fine */
    assert_int_equal(write(p.fds[1], "xy", 2), 2);
    loop_run(p.loop, after, &p);
    assert_int_equal(p.reads, 1);
    assert_true(p.batches >= 1);
    close(p.fds[0]);
    close(p.fds[1]);
    loop_free(&p.loop);
}
