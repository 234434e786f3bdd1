/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The answer's half of an exchange: from the pool's head to the client. Its head
 * waits while its translation may still fail.
 */
#include "proxy/server/exchange.h"

#include "proxy/server/conn.h"
#include "proxy/server/expose.h"
#include "proxy/server/forward.h"
#include "proxy/server/held.h"
#include "proxy/server/judge.h"
#include "proxy/server/limit.h"
#include "proxy/server/messages.h"
#include "proxy/server/mirror.h"
#include "proxy/server/problem.h"
#include "proxy/server/tunnel.h"
#include "proxy/server/upstream.h"
#include "proxy/server/worker.h"

/* ── the answer ──────────────────────────────────────────────────────────── */

void
exchange_interim(struct exchange *x, struct http_head *head)
{
    x->moved_ms = loop_now_ms(x->worker->loop);
    x->interim_n++;
    if (head->status == 103 && x->request->version != HTTP_1_0 &&
        !exchange_is_over(x) && forward_hints(x, head))
        x->down->interim(x, head);
}

/* Its media type says that it is a stream: no total deadline. */
bool
exchange_says_stream(const struct http_head *h)
{
    static const span streams[] = {
        SPAN("text/event-stream"), SPAN("application/x-ndjson"),
        SPAN("application/ndjson"), SPAN("application/json-seq"),
        SPAN("application/grpc")};
    span media = head_value(h, FIELD_CONTENT_TYPE);

    for (size_t i = 0; i < COUNT(streams); i++)
        if (media.len >= streams[i].len &&
            span_eq_nocase(span_take(media, streams[i].len), streams[i]))
            return true;
    return false;
}

/* To HEAD, and as 304: is the length one of the backend's form? */
static bool
is_of_another_form(struct exchange *x)
{
    const struct program *p =
        x->decision.translates ? translate_told(x, x->answer) : NULL;

    return p && program_has_body(p);
}

/* The head goes out; what is known of the length by now is said. */
static void
send_head(struct exchange *x)
{
    struct http_head *h = x->answer;

    h->keep_alive = true; /* what the pool said of its own connection is over */
    if (x->down_way.has_body && !x->down_way.is_joint) {
        h->has_length = x->down_way.is_whole;
        h->length = h->has_length ? buf_len(&x->down_way.out) : 0;
        h->body = h->has_length ? HTTP_BODY_SIZED : HTTP_BODY_CHUNKED;
    } else if (h->body == HTTP_BODY_NONE && !x->down_way.is_joint &&
               is_of_another_form(x)) {
        h->has_length = false;
    }
    if (!forward_answer(x, h)) {
        exchange_deny(x, 502, "backend-failed",
                      "the backend's answer cannot be told");
        return;
    }
    x->has_head = true;
    x->state = X_ANSWER;
    if (mirror_listens(x))
        mirror_head(x, h);
    x->down->head(x, h);
}

static bool
is_to_head(const struct exchange *x)
{
    return x->request->method == METHOD_HEAD;
}

/*
 * A route that moved may ask GET or POST for a HEAD, whose answer has no body then,
 * or HEAD for one that wants a body: it gets an empty one.
 */
static void
answer_what_was_asked(const struct exchange *x, struct http_head *h)
{
    if (is_to_head(x)) {
        h->body = HTTP_BODY_NONE;
    } else if (x->asked.method == METHOD_HEAD &&
               !http_status_is_bodyless(h->status)) {
        h->body = HTTP_BODY_SIZED;
        h->has_length = true;
        h->length = 0;
    }
}

void
exchange_answer(struct exchange *x, struct http_head *head)
{
    struct problem_doc p;

    answer_what_was_asked(x, head);
    x->answer = head;
    x->pool_status = (unsigned)head->status;
    expose_told(x); /* before the client can hear of it */
    judge_build(x);
    x->answered_us = loop_clock_us();
    x->moved_ms = loop_now_ms(x->worker->loop);
    x->is_stream |= exchange_says_stream(head);
    if (x->up)
        upstream_answered(x->up, head->status != 502 && head->status != 504);
    if (x->keeps_to_pool)
        buf_fini(exchange_held(x));
    x->keeps_to_pool = false;
    x->held_sent = 0;
    if (x->wants_tunnel && tunnel_answer(x, head))
        return;
    if (!translate_answer(x, head, &p)) {
        x->is_untranslated = true;
        exchange_refuse(x, &p);
        return;
    }
    x->is_stream |= exchange_is_of_records(x);
    if (x->down_way.has_body && !exchange_is_of_records(x))
        x->state = X_TRIAL;
    else
        send_head(x); /* records are sent one by one: it waits for none */
    exchange_watch_time(x);
}

void
exchange_send_answer(struct exchange *x, span bytes)
{
    if (bytes.len == 0)
        return;
    x->answer_bytes += bytes.len;
    if (mirror_listens(x))
        mirror_body(x, bytes);
    x->down->body(x, bytes);
    if (x->up && x->down->is_full(x)) {
        if (!x->holds_up)
            limit_came(x->worker, SPAN("stream_high"));
        x->holds_up = true;
        upstream_read(x->up, false);
        exchange_set_timer(x); /* the client's time runs now */
    }
}

size_t
exchange_room(const struct exchange *x)
{
    return exchange_is_over(x) ? WORKER_SCRATCH : x->down->room(x);
}

/* Send what the translation wrote; it is out of the buffer then. */
static void
send_answer_out(struct exchange *x)
{
    span out = buf_span(&x->down_way.out);

    exchange_send_answer(x, out);
    worker_send(x->worker);
    if (x->down_way.is_whole)
        buf_fini(&x->down_way.out); /* a slow client is no reason to keep it */
    else
        buf_consume(&x->down_way.out, out.len);
    held_note(x);
}

/* The records before a bad one are whole and go out; then the break is seen. */
static void
break_answer(struct exchange *x, const struct problem_doc *p)
{
    x->is_untranslated = !held_is_told(p);
    if (x->state == X_ANSWER && exchange_is_of_records(x))
        send_answer_out(x);
    exchange_refuse(x, p);
}

void
exchange_answer_body(struct exchange *x, span bytes)
{
    struct problem_doc p;

    x->moved_ms = loop_now_ms(x->worker->loop);
    if (exchange_is_over(x))
        return;
    if (x->is_tunnel) {
        messages_down(x, bytes);
        return;
    }
    if (!x->down_way.has_body) {
        if (!is_to_head(x))
            exchange_send_answer(x, bytes);
        return;
    }
    if (!translate_feed(x, &x->down_way, bytes, &p)) {
        break_answer(x, &p);
        return;
    }
    if (x->state == X_TRIAL && !x->down_way.is_joint &&
        buf_len(&x->down_way.out) >= x->worker->gen->limits.answer_commit)
        send_head(x);
    if (x->state == X_ANSWER && !x->is_answered)
        send_answer_out(x);
}

void
exchange_answer_end(struct exchange *x, const struct fields *trailers)
{
    struct problem_doc p;

    if (exchange_is_over(x))
        return;
    if (x->down_way.has_body) {
        if (!translate_end(x, &x->down_way, &p)) {
            break_answer(x, &p);
            return;
        }
        if (x->state == X_TRIAL)
            send_head(x);
        if (x->state != X_ANSWER || x->is_answered)
            return;
        send_answer_out(x);
    }
    if (x->is_answered)
        return;
    trailers = forward_trailers(x, &x->down_way, trailers);
    exchange_answered(x, x->request->takes_trailers ? trailers : NULL);
}
