/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loop: one thread's descriptors and timers; the door to libevent.
 *
 * Plain persistent events: a watch stays registered and its owner does its own
 * recv and send. Timers stand in a wheel of 50 ms and are lazy: pushing one
 * further away is a store, so nothing is re-armed per request. A loop is made
 * after the fork and used by one thread.
 */
#pragma once

#include "proxy/base/span.h"

struct event;
struct loop;

/* What a descriptor is ready for. */
#define LOOP_READ  1u
#define LOOP_WRITE 2u

typedef void (*watch_fn)(void *arg, unsigned ready);
typedef void (*timer_fn)(void *arg);
typedef void (*loop_fn)(void *arg);

/* One descriptor; the caller's storage. The descriptor stays the caller's. */
struct watch {
    struct loop *loop;
    struct event *read;
    struct event *write; /* made when first wanted */
    watch_fn fn;
    void *arg;
    struct watch *next_owed;
    struct watch *next_lazy, **lazy_at; /* who points here; NULL: not lazy */
    int fd;
    bool wants_read, wants_write;
    bool reads, writes; /* what libevent was told */
    bool is_owed;       /* it could not be told: no memory */
};

/* One deadline; the caller's storage. Zeroed storage with timer_init is off. */
struct timer {
    struct timer *next;
    struct timer *prev;
    uint64_t due_ms;  /* when it fires, by loop_now_ms */
    uint64_t slot_ms; /* when the wheel looks at it: at most a tick after */
    timer_fn fn;
    void *arg;
};

/* NULL if the kernel or the heap refuses. */
MUST_CHECK struct loop *loop_new(void);
void loop_free(struct loop **l);

/*
 * Run until loop_stop. After each batch of ready descriptors `after` is called
 * once: what was gathered over the batch goes out there, what died is freed.
 */
void loop_run(struct loop *l, loop_fn after, void *arg);
void loop_stop(struct loop *l);

/* Monotonic time; read once a batch. */
uint64_t loop_now_ms(struct loop *l);

/* Which batch of events this is: all of one were ready before it began. */
uint64_t loop_batch(const struct loop *l);

/*
 * Since when, at the earliest, this batch's events may have been ready: since it
 * began if the kernel was waited for, else since the batch before began. By
 * loop_clock_us; 0 before the first.
 */
uint64_t loop_since_us(const struct loop *l);

/* Until when there was last nothing to do; 0: always something. */
uint64_t loop_dry_us(const struct loop *l);

/* Monotonic and wall time as they are now: two clock readings, no system call. */
uint64_t loop_clock_us(void);
uint64_t loop_wall_ms(void);

/*
 * False if the heap is empty. It watches nothing until told; what there is no
 * memory for then is asked for again at each turn, so it comes late and no later.
 */
MUST_CHECK bool watch_init(struct watch *w, struct loop *l, int fd, watch_fn fn,
                           void *arg);
void watch_read(struct watch *w, bool on);
void watch_write(struct watch *w, bool on);

/*
 * The same as watch_read with true, but the kernel is told at the next tick: what is
 * over by then, within 50 ms, costs no call.
 */
void watch_read_lazily(struct watch *w);

/* Forget the descriptor; before it is closed. Twice is fine. */
void watch_fini(struct watch *w);

void timer_init(struct timer *t, timer_fn fn, void *arg);

/* Fire once, in `ms` at the earliest and 50 ms later at most. */
void timer_set(struct timer *t, struct loop *l, uint64_t ms);
void timer_clear(struct timer *t);

static inline bool
timer_is_set(const struct timer *t)
{
    return t->next != NULL;
}
