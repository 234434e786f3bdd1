/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/server/pressure.h"

#include "proxy/observe/log.h"
#include "proxy/server/conn.h"
#include "proxy/server/limit.h"
#include "proxy/server/worker.h"

#include <malloc.h>
#include <unistd.h>

#define ASK_MS    10   /* between two looks at the heap near a mark, */
#define ASK_MAX   1000 /* and far from it: each walks all that is free there */
#define GROWTH    ((size_t)2 << 20)  /* no worker takes more in a millisecond */
#define CLOSE_MAX 256                /* idle connections, closed at one look */
#define LEAST     ((size_t)64 << 20) /* whatever the machine has */

/* Half of the machine, over all workers: the rest is the kernel's and others'. */
static size_t
machine_share(const struct worker *w)
{
    long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);
    size_t share;

    if (pages <= 0 || size <= 0)
        return SIZE_MAX;
    share = (size_t)pages / 2 / w->env->n_workers * (size_t)size;
    return share > LEAST ? share : LEAST;
}

void
pressure_init(struct worker *w)
{
    const struct gen_limits *limits = &w->gen->limits;
    uint64_t set = limits->memory;

    w->pressure.max = set ? (size_t)set : machine_share(w);
    w->pressure.high = w->pressure.max / 100 * limits->memory_high_percent;
    w->pressure.full = w->pressure.max / 100 * limits->memory_full_percent;
}

bool
pressure_is_high(const struct worker *w)
{
    return w->pressure.used >= w->pressure.high;
}

bool
pressure_is_full(const struct worker *w)
{
    return w->pressure.used >= w->pressure.full;
}

/* They hold little, but nobody misses them. */
static void
close_idle(struct worker *w)
{
    size_t n = 0;

    for (struct conn *c = w->conns, *next; c && n < CLOSE_MAX; c = next) {
        next = c->next;
        if (c->state == CONN_IDLE && io_waiting(&c->io) == 0)
            conn_close(c, false);
        else if (c->state == CONN_H2 && c->n_streams == 0)
            conn_h2_drain(c);
        else
            continue;
        n++;
    }
}

/* How long it takes at least until the lower mark is met. */
static uint64_t
look_in_ms(const struct worker *w)
{
    size_t mark = w->pressure.high, used = w->pressure.used;
    uint64_t ms = used < mark ? (mark - used) / GROWTH : 0;

    return ms < ASK_MS ? ASK_MS : ms > ASK_MAX ? ASK_MAX : ms;
}

void
pressure_look(struct worker *w)
{
    uint64_t now = loop_now_ms(w->loop);
    bool was_high = pressure_is_high(w);

    if (now < w->pressure.look_ms)
        return;
    struct mallinfo2 heap = mallinfo2();
    w->pressure.used = heap.uordblks + heap.hblkhd;
    w->pressure.look_ms = now + look_in_ms(w);
    if (pressure_is_full(w))
        close_idle(w);
    if (was_high && !pressure_is_high(w))
        malloc_trim(0); /* back to the kernel, which counts what is resident */
    if (was_high != pressure_is_high(w))
        log_warn_limited(now, "memory", SPAN("memory"), "used=%zu max=%zu",
                         w->pressure.used, w->pressure.max);
}
