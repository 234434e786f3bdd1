/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/server/loop.h"

#include <event2/event.h>

#include <assert.h>
#include <stdlib.h>
#include <time.h>

#define TICK_MS ((uint64_t)50)
#define SLOTS   ((uint64_t)512) /* 25.6 s; what is further comes round again */
#define DRY_US  ((uint64_t)1000)

struct loop {
    struct event_base *base;
    struct event *tick;
    uint64_t now_ms; /* 0: not read in this batch */
    uint64_t batch;
    uint64_t asked_us; /* the kernel, for this batch */
    uint64_t woke_us;  /* its first event, or that of the last that had one */
    uint64_t since_us; /* loop_since_us */
    uint64_t dry_us;   /* loop_dry_us */
    bool is_awake;     /* this batch has had an event */
    uint64_t looked_ms;
    bool stopped;
    struct watch *owed;        /* that could not be had yet */
    struct watch *lazy;        /* that are had at the next tick */
    struct timer slots[SLOTS]; /* heads of rings */
};

static uint64_t
clock_us(clockid_t clock)
{
    struct timespec t;

    clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

uint64_t
loop_clock_us(void)
{
    return clock_us(CLOCK_MONOTONIC);
}

uint64_t
loop_wall_ms(void)
{
    return clock_us(CLOCK_REALTIME) / 1000;
}

uint64_t
loop_now_ms(struct loop *l)
{
    if (l->now_ms == 0)
        l->now_ms = loop_clock_us() / 1000;
    return l->now_ms;
}

uint64_t
loop_batch(const struct loop *l)
{
    return l->batch;
}

uint64_t
loop_since_us(const struct loop *l)
{
    return l->since_us;
}

uint64_t
loop_dry_us(const struct loop *l)
{
    return l->dry_us;
}

/*
 * A batch's first event. Had the kernel been waited for, it would have taken long
 * beside the batch before: then it came just now, else since that began. (Telling of
 * thousands takes the kernel a millisecond, so no fixed time would do.)
 */
static void
wake(struct loop *l)
{
    if (l->is_awake)
        return;
    uint64_t now_us = loop_clock_us();

    l->is_awake = true;
    bool was_waited_for = now_us - l->asked_us > (l->asked_us - l->woke_us) / 4;
    l->since_us = was_waited_for ? now_us : l->woke_us;
    if (was_waited_for && now_us - l->asked_us >= DRY_US)
        l->dry_us = now_us;
    l->woke_us = now_us;
}

static void
ring_init(struct timer *head)
{
    head->next = head->prev = head;
}

static void
ring_add(struct timer *head, struct timer *t)
{
    t->prev = head->prev;
    t->next = head;
    head->prev->next = t;
    head->prev = t;
}

static void
ring_remove(struct timer *t)
{
    t->prev->next = t->next;
    t->next->prev = t->prev;
    t->next = t->prev = NULL;
}

static void
wheel_put(struct loop *l, struct timer *t)
{
    uint64_t furthest = l->looked_ms + (SLOTS - 1) * TICK_MS;
    uint64_t at = (t->due_ms + TICK_MS - 1) / TICK_MS * TICK_MS;

    if (at > furthest)
        at = furthest;
    if (at <= l->looked_ms)
        at = l->looked_ms + TICK_MS;
    t->slot_ms = at;
    ring_add(&l->slots[(at / TICK_MS) % SLOTS], t);
}

/* Everything in one slot: what is due fires, the rest goes where it belongs. */
static void
look_at(struct loop *l, struct timer *slot)
{
    struct timer ring;

    if (slot->next == slot)
        return;
    ring = *slot;
    ring.next->prev = ring.prev->next = &ring;
    ring_init(slot);
    while (ring.next != &ring) { /* ends: what is put back goes elsewhere */
        struct timer *t = ring.next;

        ring_remove(t);
        if (t->due_ms > l->looked_ms)
            wheel_put(l, t);
        else
            t->fn(t->arg);
    }
}

static void watch_lazy(struct loop *l);

static void
on_tick(evutil_socket_t fd, short what, void *arg)
{
    struct loop *l = arg;

    wake(l);
    uint64_t now = loop_now_ms(l) / TICK_MS * TICK_MS;

    (void)fd;
    (void)what;
    watch_lazy(l);
    if (now > l->looked_ms + SLOTS * TICK_MS) /* asleep for a whole turn */
        l->looked_ms = now - SLOTS * TICK_MS;
    while (l->looked_ms < now) {
        l->looked_ms += TICK_MS;
        look_at(l, &l->slots[(l->looked_ms / TICK_MS) % SLOTS]);
    }
}

static struct event_base *
make_base(void)
{
    struct event_config *config = event_config_new();
    struct event_base *base = NULL;

    if (!config)
        return NULL;
    /* One thread, and timers of our own: neither locks nor exact clocks. */
    if (event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK) == 0)
        base = event_base_new_with_config(config);
    event_config_free(config);
    return base;
}

struct loop *
loop_new(void)
{
    struct loop *l = calloc(1, sizeof(*l));
    struct timeval every = {0, TICK_MS * 1000};

    if (!l)
        return NULL;
    for (size_t i = 0; i < SLOTS; i++)
        ring_init(&l->slots[i]);
    l->looked_ms = loop_now_ms(l) / TICK_MS * TICK_MS;
    l->base = make_base();
    if (l->base)
        l->tick = event_new(l->base, -1, EV_PERSIST, on_tick, l);
    if (!l->tick || event_add(l->tick, &every) != 0)
        loop_free(&l);
    return l;
}

void
loop_free(struct loop **l)
{
    if (!*l)
        return;
    if ((*l)->tick)
        event_free((*l)->tick);
    if ((*l)->base)
        event_base_free((*l)->base);
    free(*l);
    *l = NULL;
}

static void settle_owed(struct loop *l);

void
loop_run(struct loop *l, loop_fn after, void *arg)
{
    while (!l->stopped) {
        l->now_ms = 0;
        l->batch++;
        l->is_awake = false;
        settle_owed(l);
        l->asked_us = loop_clock_us();
        event_base_loop(l->base, EVLOOP_ONCE);
        if (after)
            after(arg);
    }
}

void
loop_stop(struct loop *l)
{
    l->stopped = true;
}

static void
on_read(evutil_socket_t fd, short what, void *arg)
{
    struct watch *w = arg;

    (void)fd;
    (void)what;
    wake(w->loop);
    w->fn(w->arg, LOOP_READ);
}

static void
on_write(evutil_socket_t fd, short what, void *arg)
{
    struct watch *w = arg;

    (void)fd;
    (void)what;
    wake(w->loop);
    w->fn(w->arg, LOOP_WRITE);
}

bool
watch_init(struct watch *w, struct loop *l, int fd, watch_fn fn, void *arg)
{
    *w = (struct watch){.loop = l, .fn = fn, .arg = arg, .fd = fd};
    w->read = event_new(l->base, fd, EV_READ | EV_PERSIST, on_read, w);
    return w->read != NULL;
}

static bool
order(struct event *e, bool on, bool *is)
{
    if (*is == on)
        return true;
    if (!e || (on ? event_add(e, NULL) : event_del(e)) != 0)
        return false;
    *is = on;
    return true;
}

/* What is wanted becomes what is; false: heap or kernel had no memory for it. */
static bool
settle(struct watch *w)
{
    if (w->wants_write && !w->write)
        w->write =
            event_new(w->loop->base, w->fd, EV_WRITE | EV_PERSIST, on_write, w);
    bool reads = order(w->read, w->wants_read, &w->reads);

    return order(w->write, w->wants_write, &w->writes) && reads;
}

static void
disown(struct watch *w)
{
    struct watch **at = &w->loop->owed;

    while (*at != w)
        at = &(*at)->next_owed;
    *at = w->next_owed;
    w->is_owed = false;
}

static void
hurry(struct watch *w)
{
    if (!w->lazy_at)
        return;
    *w->lazy_at = w->next_lazy;
    if (w->next_lazy)
        w->next_lazy->lazy_at = w->lazy_at;
    w->lazy_at = NULL;
}

/* What cannot be had now is asked for again at each turn of the loop. */
static void
want(struct watch *w)
{
    hurry(w);
    if (settle(w) || w->is_owed)
        return;
    w->next_owed = w->loop->owed;
    w->loop->owed = w;
    w->is_owed = true;
}

static void
settle_owed(struct loop *l)
{
    for (struct watch *w = l->owed, *next; w; w = next) {
        next = w->next_owed;
        if (settle(w))
            disown(w);
    }
}

static void
watch_lazy(struct loop *l)
{
    while (l->lazy) /* ends: what is wanted is lazy no more */
        want(l->lazy);
}

void
watch_read_lazily(struct watch *w)
{
    struct watch **list = &w->loop->lazy;

    if (w->wants_read || !w->read)
        return;
    w->wants_read = true;
    w->next_lazy = *list;
    if (*list)
        (*list)->lazy_at = &w->next_lazy;
    w->lazy_at = list;
    *list = w;
}

void
watch_read(struct watch *w, bool on)
{
    if ((w->wants_read == on && !w->lazy_at) || !w->read)
        return;
    w->wants_read = on;
    want(w);
}

void
watch_write(struct watch *w, bool on)
{
    if (w->wants_write == on || !w->read)
        return;
    w->wants_write = on;
    want(w);
}

void
watch_fini(struct watch *w)
{
    hurry(w);
    if (w->is_owed)
        disown(w);
    if (w->read)
        event_free(w->read);
    if (w->write)
        event_free(w->write);
    *w = (struct watch){.fd = -1};
}

void
timer_init(struct timer *t, timer_fn fn, void *arg)
{
    *t = (struct timer){.fn = fn, .arg = arg};
}

void
timer_set(struct timer *t, struct loop *l, uint64_t ms)
{
    assert(t->fn);
    t->due_ms = loop_now_ms(l) + ms;
    if (timer_is_set(t)) {
        /* Looked at in that tick or before it: then it is put further. */
        if (t->slot_ms < t->due_ms + TICK_MS)
            return;
        ring_remove(t);
    }
    wheel_put(l, t);
}

void
timer_clear(struct timer *t)
{
    if (timer_is_set(t))
        ring_remove(t);
}
