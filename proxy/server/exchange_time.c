/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The deadlines of an exchange. Bytes only store when they came; what is due is
 * worked out when the one timer fires, so nothing is re-armed per byte.
 */
#include "proxy/server/conn.h"
#include "proxy/server/exchange.h"
#include "proxy/server/upstream.h"
#include "proxy/server/worker.h"

#define GRACE_MS ((uint64_t)5000) /* before a body's rate is looked at */

enum due {
    DUE_NONE,
    DUE_BODY,    /* the client's body is too slow */
    DUE_CONNECT, /* no endpoint took the connection in time */
    DUE_HEAD,    /* the answer's head did not come */
    DUE_IDLE,    /* the pool stopped in the middle */
    DUE_TOTAL,   /* the route's own limit */
    DUE_TAKEN,   /* h2: the client takes nothing of what waits */
};

struct nearest {
    enum due due;
    uint64_t at_ms;
};

static void
consider(struct nearest *n, enum due due, uint64_t at_ms)
{
    if (at_ms < n->at_ms)
        *n = (struct nearest){due, at_ms};
}

/* A body must bring body_rate bytes a second after the grace, and an end. */
static void
consider_body(const struct exchange *x, struct nearest *n)
{
    const struct gen_limits *l = &x->worker->gen->limits;

    if (x->is_received || x->holds_down || !x->request)
        return;
    if (x->is_stream) {
        consider(n, DUE_BODY, x->moved_ms + l->stream_idle_ms);
        return;
    }
    consider(n, DUE_BODY, x->began_ms + l->body_ms);
    if (l->body_rate)
        consider(n, DUE_BODY,
                 x->began_ms + GRACE_MS +
                     x->request_bytes * 1000 / l->body_rate);
}

static void
consider_pool(const struct exchange *x, struct nearest *n)
{
    const struct gen_limits *l = &x->worker->gen->limits;
    const struct gen_timeouts *t = &x->decision.route->timeouts;
    uint64_t idle = x->is_stream ? l->stream_idle_ms : t->idle_ms;

    if (x->state == X_ASK)
        consider(n, DUE_CONNECT, x->asked_ms + t->connect_ms);
    if (x->state == X_SENT && x->is_received)
        consider(n, DUE_HEAD,
                 (x->sent_ms > x->received_ms ? x->sent_ms : x->received_ms) +
                     t->answer_head_ms);
    if (x->state == X_SENT && x->holds_down && x->up && upstream_waiting(x->up))
        consider(n, DUE_IDLE, upstream_took_ms(x->up) + idle);
    if ((x->state == X_TRIAL || x->state == X_ANSWER) && x->up && !x->holds_up)
        consider(n, DUE_IDLE, x->moved_ms + idle);
    if (t->total_ms && !x->is_stream && !x->is_answered)
        consider(n, DUE_TOTAL, x->began_ms + t->total_ms);
}

static struct nearest
nearest_deadline(const struct exchange *x)
{
    struct nearest n = {DUE_NONE, UINT64_MAX};

    consider_body(x, &n);
    if (buf_len(&x->to_client) && !x->is_broken)
        consider(&n, DUE_TAKEN, x->taken_ms + x->worker->gen->limits.send_ms);
    if (x->decision.route) /* else it was refused before there was one */
        consider_pool(x, &n);
    return n;
}

static void
break_untaken(struct exchange *x)
{
    metrics_count(x->worker->metrics, METRIC_LIMITS, 1, SPAN("send_ms"));
    if (!x->is_answered) {
        exchange_break(x);
        return;
    }
    x->is_broken = true;
    x->down->broken(x);
}

static void
act(struct exchange *x, enum due due)
{
    switch (due) {
    case DUE_NONE:
        break;
    case DUE_BODY:
        exchange_late(x, "the request's body came too slowly");
        break;
    case DUE_CONNECT:
        if (x->up)
            upstream_give_up(x->up);
        break;
    case DUE_HEAD:
    case DUE_IDLE:
    case DUE_TOTAL:
        if (x->up)
            upstream_release(x->up, false);
        exchange_failed(x, POOL_LATE);
        break;
    case DUE_TAKEN:
        break_untaken(x);
        break;
    }
}

void
exchange_watch_time(struct exchange *x)
{
    uint64_t now = loop_now_ms(x->worker->loop);
    struct nearest n;

    if (x->state == X_OVER || !x->conn)
        return;
    n = nearest_deadline(x);
    if (n.at_ms <= now) {
        act(x, n.due);
        if (x->state == X_OVER || !x->conn)
            return;
        n = nearest_deadline(x);
    }
    if (n.due != DUE_NONE)
        timer_set(&x->timer, x->worker->loop,
                  n.at_ms > now ? n.at_ms - now : 50);
}
