/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The deadlines of an exchange. Bytes only store when they came; what is due is
 * worked out when the one timer fires, so nothing is re-armed per byte.
 */
#include "proxy/http/ws.h"
#include "proxy/server/conn.h"
#include "proxy/server/exchange.h"
#include "proxy/server/limit.h"
#include "proxy/server/messages.h"
#include "proxy/server/upstream.h"
#include "proxy/server/worker.h"

#define GRACE_MS ((uint64_t)5000) /* before a body's rate is looked at */

/* name, the limit that is counted, what it is */
#define DUES(X)                                                                \
    X(DUE_NONE, "", "nothing")                                                 \
    X(DUE_BODY, "body_ms", "the client's body is not whole")                   \
    X(DUE_RATE, "body_rate", "the client's body is too slow")                  \
    X(DUE_STREAM, "stream_idle_ms", "the client's stream stopped")             \
    X(DUE_CONNECT, "connect_ms", "no endpoint took the connection in time")    \
    X(DUE_HEAD, "answer_head_ms", "the answer's head did not come")            \
    X(DUE_IDLE, "idle_ms", "the pool stopped in the middle")                   \
    X(DUE_POOL_STREAM, "stream_idle_ms", "the pool's stream stopped")          \
    X(DUE_TOTAL, "total_ms", "the route's own limit")                          \
    X(DUE_TOTAL_BODY, "total_ms",                                              \
      "likewise, and it was the client's to go on")                            \
    X(DUE_CLOSING, "", "a tunnel's pool does not close its side")              \
    X(DUE_TAKEN, "", "h2: does the client take what waits?")

enum due {
#define X(id, limit, doc) id,
    DUES(X)
#undef X
};

static void
count_limit(const struct exchange *x, span limit)
{
    if (limit.len)
        limit_reached(x->worker, limit);
}

static span
limit_of(enum due due)
{
    static const char *const limits[] = {
#define X(id, limit, doc) limit,
        DUES(X)
#undef X
    };

    return span_str(limits[due]);
}

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
        consider(n, DUE_STREAM, x->moved_ms + l->stream_idle_ms);
        return;
    }
    consider(n, DUE_BODY, x->began_ms + l->body_ms);
    if (l->body_rate)
        consider(n, DUE_RATE,
                 x->began_ms + GRACE_MS +
                     x->request_bytes * 1000 / l->body_rate);
}

static void
consider_pool(const struct exchange *x, struct nearest *n)
{
    const struct gen_limits *l = &x->worker->gen->limits;
    const struct gen_timeouts *t = &x->decision.route->timeouts;
    uint64_t idle = x->is_stream ? l->stream_idle_ms : t->idle_ms;
    enum due due = x->is_stream ? DUE_POOL_STREAM : DUE_IDLE;

    if (x->state == X_ASK)
        consider(n, DUE_CONNECT, x->asked_ms + t->connect_ms);
    if (x->state == X_SENT && (x->is_received || x->wants_tunnel))
        consider(n, DUE_HEAD,
                 (x->sent_ms > x->received_ms ? x->sent_ms : x->received_ms) +
                     t->answer_head_ms);
    if (x->state == X_SENT && x->holds_down && x->up && upstream_waiting(x->up))
        consider(n, due, upstream_took_ms(x->up) + idle);
    if ((x->state == X_TRIAL || x->state == X_ANSWER) && x->up && !x->holds_up)
        consider(n, due, x->moved_ms + idle);
    if (t->total_ms && !x->is_stream && !x->is_answered)
        consider(n, DUE_TOTAL, x->began_ms + t->total_ms);
}

static struct nearest
nearest_deadline(const struct exchange *x)
{
    struct nearest n = {DUE_NONE, UINT64_MAX};

    if (messages_end_ms(x) && !x->is_answered) {
        consider(&n, DUE_CLOSING, messages_end_ms(x));
        return n;
    }
    consider_body(x, &n);
    if (buf_len(&x->to_client) && (!x->is_broken || x->to_client_breaks))
        consider(&n, DUE_TAKEN, pace_due_ms(&x->pace, &x->worker->pace_rules));
    if (x->decision.route) /* else it was refused before there was one */
        consider_pool(x, &n);
    return n;
}

/* A stream is slow by itself only if its connection has room: else that is judged. */
static void
look_at_pace(struct exchange *x)
{
    uint64_t now = loop_now_ms(x->worker->loop);
    enum pace_is pace =
        pace_look(&x->pace, now, x->taken_bytes, &x->worker->pace_rules);

    if (pace == PACE_WELL || (pace == PACE_SLOW && io_refused(&x->conn->io)))
        return;
    count_limit(x, pace == PACE_STILL ? SPAN("send_ms") : SPAN("send_rate"));
    if (!x->is_answered) {
        exchange_break(x);
        return;
    }
    x->is_broken = true;
    x->down->broken(x);
}

/* The pool waits for the rest of a body, as we do. */
static bool
waits_for_client(const struct exchange *x)
{
    return !x->is_received && !x->holds_down && !x->answer;
}

static void
act(struct exchange *x, enum due due)
{
    if (due == DUE_TOTAL && waits_for_client(x))
        due = DUE_TOTAL_BODY;
    count_limit(x, limit_of(due));
    if (x->is_tunnel && (due == DUE_STREAM || due == DUE_POOL_STREAM)) {
        messages_close(x, WS_GOING_AWAY, "nothing came for too long");
        return;
    }
    switch (due) {
    case DUE_NONE:
        break;
    case DUE_CLOSING:
        exchange_answered(x, NULL);
        break;
    case DUE_BODY:
    case DUE_RATE:
    case DUE_STREAM:
    case DUE_TOTAL_BODY:
        exchange_late(x, "the request's body came too slowly");
        break;
    case DUE_CONNECT:
        if (x->up)
            upstream_give_up(x->up);
        break;
    case DUE_HEAD:
    case DUE_IDLE:
    case DUE_POOL_STREAM:
    case DUE_TOTAL:
        if (x->up && (due == DUE_HEAD || due == DUE_IDLE))
            upstream_answered(x->up, false);
        if (x->up)
            upstream_release(x->up, false);
        exchange_failed(x, POOL_LATE);
        break;
    case DUE_TAKEN:
        look_at_pace(x);
        break;
    }
}

void
exchange_set_timer(struct exchange *x)
{
    uint64_t now = loop_now_ms(x->worker->loop);
    struct nearest n = nearest_deadline(x);

    if (n.due != DUE_NONE)
        timer_set(&x->timer, x->worker->loop,
                  n.at_ms > now ? n.at_ms - now : 50);
}

void
exchange_watch_time(struct exchange *x)
{
    if (exchange_is_over(x))
        return;
    struct nearest n = nearest_deadline(x);
    if (n.at_ms <= loop_now_ms(x->worker->loop)) {
        act(x, n.due);
        if (exchange_is_over(x))
            return;
    }
    exchange_set_timer(x);
}
