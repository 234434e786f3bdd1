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
    for (struct conn *c = w->conns, *next; c; c = next) {
        next = c->next;
        if (c->h2)
            conn_h2_drain(c);
    }
}

void
drain_look(struct worker *w)
{
    if (w->n_conns || w->n_exchanges)
        return;
    metrics_set(w->metrics, metrics_plain(w->metrics, METRIC_DRAINING), 0);
    loop_stop(w->loop);
}
