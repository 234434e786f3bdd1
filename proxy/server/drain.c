/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/server/drain.h"

#include "proxy/http/ws.h"
#include "proxy/observe/log.h"
#include "proxy/server/conn.h"
#include "proxy/server/limit.h"
#include "proxy/server/listen.h"
#include "proxy/server/messages.h"
#include "proxy/server/mirror.h"
#include "proxy/server/worker.h"

#define EACH_MS    ((uint64_t)20) /* from one that is told to go to the next */
#define GOODBYE_MS ((uint64_t)2500) /* for tunnels, beyond the deadline */

static void
on_deadline(void *arg)
{
    struct worker *w = arg;

    if (!w->is_past_drain)
        limit_reached(w, SPAN("drain_ms"));
    log_warn("drain_deadline", "index=%u connections=%zu exchanges=%zu",
             w->env->index, w->n_conns, w->n_exchanges);
    if (w->is_past_drain ||
        messages_close_all(w, WS_GOING_AWAY, "the server goes away") == 0) {
        loop_stop(w->loop);
        return;
    }
    w->is_past_drain = true;
    timer_set(&w->drain, w->loop, GOODBYE_MS);
    worker_flush(w);
}

void
drain_pace_init(struct drain_pace *p, uint64_t now_ms, size_t n,
                uint64_t most_ms)
{
    uint64_t over_ms = n * EACH_MS;

    *p = (struct drain_pace){now_ms, over_ms < most_ms ? over_ms : most_ms, n,
                             0};
}

bool
drain_pace_takes(struct drain_pace *p, uint64_t now_ms)
{
    uint64_t past_ms = now_ms - p->since_ms;
    bool takes =
        past_ms >= p->over_ms || p->n_told <= p->n * past_ms / p->over_ms;

    p->n_told += takes;
    return takes;
}

bool
drain_tells(struct worker *w)
{
    return w->is_draining &&
           drain_pace_takes(&w->drain_pace, loop_now_ms(w->loop));
}

/* Who asks over HTTP/1 is told with an answer; nobody waits for these to ask. */
static void
tell_h2(void *arg)
{
    struct worker *w = arg;
    struct conn *c = w->conns;

    while (c && (!conn_h2_may_go(c) || drain_tells(w))) {
        struct conn *next = c->next;

        if (conn_h2_may_go(c))
            conn_h2_drain(c);
        c = next;
    }
    if (c)
        timer_set(&w->drain_turn, w->loop, EACH_MS);
    worker_flush(w);
}

void
worker_drain(struct worker *w, uint64_t ms)
{
    if (w->is_draining)
        return;
    w->is_draining = true;
    log_info("worker_drains", "index=%u connections=%zu ms=%llu", w->env->index,
             w->n_conns, (unsigned long long)ms);
    metrics_set(w->metrics, metrics_plain(w->metrics, METRIC_DRAINING), 1);
    listen_end(w);
    mirrors_end(w);
    timer_init(&w->drain, on_deadline, w);
    timer_set(&w->drain, w->loop, ms);
    drain_pace_init(&w->drain_pace, loop_now_ms(w->loop), w->n_conns, ms / 2);
    timer_init(&w->drain_turn, tell_h2, w);
    tell_h2(w);
}

void
drain_look(struct worker *w)
{
    if (w->n_conns || w->n_exchanges)
        return;
    metrics_set(w->metrics, metrics_plain(w->metrics, METRIC_DRAINING), 0);
    loop_stop(w->loop);
}
