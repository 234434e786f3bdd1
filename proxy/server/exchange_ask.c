/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pool is asked: for a connection, a second time if that is safe, and for
 * what the canary's pool could not take, the baseline's.
 */
#include "proxy/server/exchange.h"

#include "proxy/server/conn.h"
#include "proxy/server/expose.h"
#include "proxy/server/fallback.h"
#include "proxy/server/forward.h"
#include "proxy/server/limit.h"
#include "proxy/server/messages.h"
#include "proxy/server/mirror.h"
#include "proxy/server/problem.h"
#include "proxy/server/tunnel.h"
#include "proxy/server/upstream.h"
#include "proxy/server/worker.h"

void
exchange_ask(struct exchange *x)
{
    if (!mirror_may_ask(x)) {
        exchange_gone(x);
        return;
    }
    x->state = X_ASK;
    x->asked_ms = loop_now_ms(x->worker->loop);
    upstream_ask(x);
    if (x->state == X_ASK)
        exchange_watch_time(x); /* a connection takes time: its own deadline */
}

/* How the pool is told of the body's length. */
static void
frame_request(struct exchange *x)
{
    struct http_head *h = &x->asked;

    if (h->authority.len == 0)
        h->authority = upstream_authority(x->up);
    if (!x->has_body || !x->up_way.has_body || x->up_way.is_joint)
        return;
    h->has_length = x->up_way.is_whole;
    h->body = h->has_length ? HTTP_BODY_SIZED : HTTP_BODY_CHUNKED;
    h->length = h->has_length ? buf_len(&x->up_way.out) : 0;
}

/* To whoever asked and to whoever is asked: a route that moved has two methods. */
static bool
is_idempotent(const struct exchange *x)
{
    return method_is_idempotent(x->request->method) &&
           method_is_idempotent(x->asked.method);
}

/* Could it turn out that a request sent there was never looked at? */
static bool
may_go_unseen(const struct exchange *x)
{
    return upstream_is_shared(x->up) ||
           (upstream_is_stale(x->up) && is_idempotent(x));
}

void
exchange_connected(struct exchange *x)
{
    struct buf *held = exchange_held(x);
    bool is_all = x->is_received;

    fallback_end(x);
    x->state = X_SENT;
    x->endpoint = upstream_authority(x->up);
    x->sent_ms = x->moved_ms = loop_now_ms(x->worker->loop);
    x->asked_us = loop_clock_us();
    frame_request(x);
    expose_sent(x);
    enum err_code code = x->wants_tunnel && !tunnel_connected(x)
                             ? ERR_LIMIT
                             : upstream_head(x->up, &x->asked);
    if (code == ERR_LIMIT || code == ERR_CONFLICT) {
        exchange_failed(x, POOL_BUSY);
        return;
    }
    if (code != OK) {
        exchange_deny(x, 400, "malformed-request",
                      "the request cannot be said to the backend");
        return;
    }
    if (x->wants_tunnel) { /* what has come waits until it is open */
        exchange_watch_time(x);
        return;
    }
    x->was_whole = is_all;
    x->keeps_to_pool = is_all || may_go_unseen(x);
    upstream_body(x->up, buf_span(held));
    if (is_all)
        upstream_end(x->up, forward_trailers(x, &x->up_way, x->trailers));
    if (buf_len(held)) {
        upstream_flush(x->up);
        exchange_keep_or_forget(x);
        exchange_pool_drained(x);
    }
    exchange_watch_time(x); /* last: what is due by now ends it */
}

/* A share of what is under way, but a few at least. */
static bool
is_in_budget(struct worker *w)
{
    const struct gen_limits *l = &w->gen->limits;

    if (w->n_retries < l->retry_floor ||
        w->n_retries < w->n_exchanges * l->retry_percent / 100)
        return true;
    limit_reached(w, SPAN("retry_percent"));
    return false;
}

/*
 * Once, and only if it had no effect: what the backend says it did not process,
 * or what an idempotent method asks again. One that moves house with GOAWAY
 * adds no load, so what it left behind is outside the budget.
 */
static bool
may_retry(const struct exchange *x, enum pool_failure f)
{
    if (x->was_retried || x->answer || x->interim_n || !x->keeps_to_pool)
        return false;
    if (f == POOL_GOING)
        return true;
    if (f != POOL_OVERLOAD &&
        !(f == POOL_RESET && x->was_stale && is_idempotent(x)))
        return false;
    return is_in_budget(x->worker);
}

void
exchange_failed(struct exchange *x, enum pool_failure f)
{
    struct problem_doc p;

    if (x->state == X_OVER)
        return;
    if (messages_end_ms(x)) { /* all was said */
        exchange_answered(x, NULL);
        return;
    }
    if (may_retry(x, f)) {
        x->was_retried = true;
        x->worker->n_retries++;
        metrics_count(x->worker->metrics, METRIC_UPSTREAM_RETRIES, 1,
                      x->decision.pool->name);
        exchange_ask(x);
        return;
    }
    if (fallback_may(x, f)) {
        fallback_turn(x);
        exchange_prepare(x);
        return;
    }
    p = problem_plain(pool_failure_status(f), pool_failure_sentence(f));
    p.limit = f == POOL_FULL ? "pool_requests" : NULL;
    p.type = "backend-failed";
    p.is_ours = true;
    x->has_failed = true;
    p.retry_after_s = p.status == 503 ? 1 : 0;
    exchange_refuse(x, &p);
}
