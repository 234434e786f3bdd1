/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The request's body: searched for its version, held as long as its translation
 * may still fail, kept while no connection takes it, and sent.
 */
#include "proxy/server/exchange.h"

#include "proxy/server/conn.h"
#include "proxy/server/fallback.h"
#include "proxy/server/forward.h"
#include "proxy/server/limit.h"
#include "proxy/server/messages.h"
#include "proxy/server/problem.h"
#include "proxy/server/upstream.h"
#include "proxy/server/worker.h"

/* ── through its translation ─────────────────────────────────────────────── */

/* Is the translated request ready to be sent? Then on with it. */
static void
try_commit(struct exchange *x)
{
    uint64_t commit = x->worker->gen->limits.request_commit;

    bool goes_on = buf_len(&x->up_way.out) >= commit ||
                   program_is_stream(x->up_way.program);

    /* Of a joint program nothing is known before its end. */
    if (!x->up_way.is_whole && (x->up_way.is_joint || !goes_on))
        return;
    exchange_ask(x);
}

static bool
feed_request(struct exchange *x, span bytes)
{
    struct problem_doc p;

    if (translate_feed(x, &x->up_way, bytes, &p))
        return true;
    exchange_refuse(x, &p);
    return false;
}

static bool
end_request_translation(struct exchange *x)
{
    struct problem_doc p;

    if (!translate_end(x, &x->up_way, &p)) {
        exchange_refuse(x, &p);
        return false;
    }
    return !x->up_way.is_joint || exchange_finish_head(x);
}

/* They wait. False: there is no memory for them, and a body without them is none. */
static bool
wait_with(struct exchange *x, struct buf *b, span bytes)
{
    buf_add(b, bytes);
    if (!buf_failed(b))
        return true;
    exchange_deny(x, 500, "no-memory", "no memory left for the message");
    return false;
}

void
exchange_begin_body(struct exchange *x)
{
    span seen = buf_span(&x->seen);

    if (x->request->expects_continue && !x->is_received)
        x->down->go_on(x);
    if (!x->up_way.has_body) {
        if (!wait_with(x, &x->to_pool, seen))
            return;
        buf_fini(&x->seen);
        exchange_ask(x);
        return;
    }
    x->state = X_HOLD;
    if (!feed_request(x, seen))
        return;
    buf_fini(&x->seen);
    if (x->is_received && !end_request_translation(x))
        return;
    try_commit(x);
}

struct buf *
exchange_held(struct exchange *x)
{
    return x->up_way.has_body ? &x->up_way.out : &x->to_pool;
}

/* ── as it comes ────────────────────────────────────────────────────────── */

/* The client's side may bring more, unless the pool's is full. */
static void
take(struct exchange *x, size_t n, size_t waiting)
{
    x->untaken += n;
    if (waiting > x->worker->gen->limits.stream_high) {
        if (!x->holds_down)
            limit_came(x->worker, SPAN("stream_high"));
        x->down->read(x, false);
        x->holds_down = true;
        return;
    }
    x->down->took(x, x->untaken);
    x->untaken = 0;
}

void
exchange_keep_or_forget(struct exchange *x)
{
    struct buf *held = exchange_held(x);

    if (x->keeps_to_pool && !buf_failed(held) &&
        (x->was_whole || buf_len(held) <= x->worker->gen->limits.stream_high)) {
        x->held_sent = buf_len(held);
        return;
    }
    x->keeps_to_pool = false;
    x->held_sent = 0;
    buf_clear(held);
}

static void
send_translated(struct exchange *x)
{
    span out = span_skip(buf_span(&x->up_way.out), x->held_sent);

    if (out.len == 0)
        return;
    upstream_body(x->up, out);
    upstream_flush(x->up);
    exchange_keep_or_forget(x);
}

static void
send_body(struct exchange *x, span bytes)
{
    if (x->is_tunnel) {
        messages_up(x, bytes);
        if (!x->up || exchange_is_over(x))
            return;
    } else if (x->up_way.has_body) {
        if (!feed_request(x, bytes))
            return;
        send_translated(x);
    } else {
        upstream_body(x->up, bytes);
        if (x->keeps_to_pool) {
            buf_add(&x->to_pool, bytes);
            exchange_keep_or_forget(x);
        }
    }
    take(x, bytes.len, upstream_waiting(x->up));
}

void
exchange_request_body(struct exchange *x, span bytes)
{
    x->request_bytes += bytes.len;
    fallback_note(x, bytes);
    x->moved_ms = loop_now_ms(x->worker->loop);
    switch (x->state) {
    case X_DETECT:
        x->down->took(x, bytes.len);
        if (wait_with(x, &x->seen, bytes))
            exchange_search_later(x);
        break;
    case X_HOLD:
        x->down->took(x, bytes.len);
        if (feed_request(x, bytes))
            try_commit(x);
        break;
    case X_ASK:
        if (!(x->up_way.has_body ? feed_request(x, bytes)
                                 : wait_with(x, &x->to_pool, bytes)))
            break;
        take(x, bytes.len, buf_len(exchange_held(x)));
        break;
    case X_SENT:
    case X_TRIAL:
    case X_ANSWER:
        if (x->wants_tunnel && !x->is_tunnel) {
            if (wait_with(x, &x->to_pool, bytes))
                take(x, bytes.len, buf_len(&x->to_pool));
        } else if (x->up)
            send_body(x, bytes);
        else if (!exchange_is_over(x))
            x->down->took(x, bytes.len); /* answered early: dropped */
        break;
    case X_HEAD:
    case X_OVER:
        break;
    }
}

static void
end_body(struct exchange *x)
{
    if (x->up_way.has_body) {
        if (!end_request_translation(x))
            return;
        send_translated(x);
    }
    upstream_end(x->up, forward_trailers(x, &x->up_way, x->trailers));
}

void
exchange_request_end(struct exchange *x, struct fields *trailers)
{
    x->is_received = true;
    x->received_ms = loop_now_ms(x->worker->loop);
    x->trailers = trailers;
    switch (x->state) {
    case X_DETECT:
        exchange_search_marker(x);
        break;
    case X_HOLD:
        if (end_request_translation(x))
            try_commit(x);
        break;
    case X_ASK:
        if (x->up_way.has_body)
            (void)end_request_translation(x);
        break;
    case X_SENT:
    case X_TRIAL:
    case X_ANSWER:
        if (x->up)
            end_body(x);
        exchange_watch_time(x);
        break;
    case X_HEAD:
    case X_OVER:
        break;
    }
}

void
exchange_pool_drained(struct exchange *x)
{
    if (!x->up || exchange_is_over(x))
        return;
    if (x->untaken)
        x->down->took(x, x->untaken);
    x->untaken = 0;
    if (x->holds_down)
        x->down->read(x, true);
    x->holds_down = false;
}
