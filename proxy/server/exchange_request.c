/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The request's half of an exchange: from its head to the pool. It is decided
 * about, held as long as its translation may still fail, and sent.
 */
#include "proxy/server/exchange.h"

#include "proxy/http/target.h"
#include "proxy/server/conn.h"
#include "proxy/server/fallback.h"
#include "proxy/server/forward.h"
#include "proxy/server/gate.h"
#include "proxy/server/limit.h"
#include "proxy/server/messages.h"
#include "proxy/server/mirror.h"
#include "proxy/server/problem.h"
#include "proxy/server/tls.h"
#include "proxy/server/tunnel.h"
#include "proxy/server/upstream.h"
#include "proxy/server/worker.h"

#include <assert.h>

/* ── the request's head ──────────────────────────────────────────────────── */

static void
refuse_version(struct exchange *x)
{
    struct decision *d = &x->decision;
    struct problem_doc p = problem_plain(400, "");

    assert(d->api); /* only then is a version looked for */
    p.versions = detect_known(d->api->detect);
    switch (d->detect.outcome) {
    case DETECT_MISSING:
        p.type = "version-missing";
        p.detail =
            SPAN("the request says no version, and this API asks for one");
        break;
    case DETECT_CONFLICT:
        p.type = "version-conflict";
        p.detail = SPAN("the request names two versions that differ");
        break;
    case DETECT_SPOKEN:
    case DETECT_ASSUMED:
    case DETECT_PREFLIGHT:
    case DETECT_NEEDS_BODY:
    case DETECT_UNKNOWN:
        p.type = "version-unknown";
        p.detail =
            arena_fmt(x->arena, "no such version: %.*s",
                      SPAN_FMT(span_take(d->detect.text, DETECT_LABEL_MAX)));
        break;
    }
    metrics_count(x->worker->metrics, METRIC_REFUSED, 1, span_str(p.type));
    exchange_refuse(x, &p);
}

static void
refuse_gone(struct exchange *x)
{
    struct problem_doc p =
        problem_plain(410, "this version of the API is past its sunset");

    assert(x->decision.api);
    p.type = "version-gone";
    p.versions = detect_known(x->decision.api->detect);
    metrics_count(x->worker->metrics, METRIC_REFUSED, 1, span_str(p.type));
    exchange_refuse(x, &p);
}

static void ask(struct exchange *x);

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
    ask(x);
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

/* The head that the pool is sent is the translated one: what goes around it. */
static bool
finish_head(struct exchange *x)
{
    if (forward_request(x, &x->asked) &&
        (!exchange_is_mirrored(x) || mirror_mark(&x->asked)))
        return true;
    exchange_deny(x, 500, "no-memory", "no memory left for the message");
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
    return !x->up_way.is_joint || finish_head(x);
}

/* What the pool is sent is made; the body, if any, is on its way or here. */
static void
begin_body(struct exchange *x)
{
    span seen = buf_span(&x->seen);

    if (x->request->expects_continue && !x->is_received)
        x->down->go_on(x);
    if (!x->up_way.has_body) {
        buf_add(&x->to_pool, seen);
        buf_fini(&x->seen);
        ask(x);
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

static uint32_t
weight_in_force(void *live, const struct gen_canary *canary)
{
    const struct worker *w = live;
    uint32_t slot = w->weight_slots[canary->index];

    if (slot == SEGMENT_NO_SLOT || !w->env->weights || !w->env->latches)
        return canary->weight_ppm;
    return weights_effective(w->env->weights, w->env->latches, slot);
}

static bool
pool_is_up(void *live, const struct gen_pool *pool)
{
    const struct worker *w = live;

    return upstreams_pool_is_up(w->upstreams, pool);
}

struct decide_case
exchange_case(const struct exchange *x)
{
    return (struct decide_case){
        .gen = x->worker->gen,
        .head = x->request,
        .listener = x->client->listener_index,
        .certificate = x->client->certificate,
        .now_s = (int64_t)(loop_wall_ms() / 1000),
        .weight_ppm = weight_in_force,
        .pool_is_up = pool_is_up,
        .live = x->worker,
    };
}

/* The pool is chosen: what it is sent is made. */
static void
prepare(struct exchange *x)
{
    struct problem_doc p;

    if (x->decision.write_refused) {
        exchange_deny(
            x, 409, "write-refused",
            "a client of this version would erase what it cannot see");
        return;
    }
    x->asked = *x->request;
    if (x->wants_tunnel)
        x->asked.body = HTTP_BODY_NONE; /* what follows are its messages */
    if (!translate_request(x, &x->asked, &p) ||
        (x->wants_tunnel && !messages_plan(x, &p))) {
        exchange_refuse(x, &p);
        return;
    }
    if (x->up_way.is_joint || finish_head(x))
        begin_body(x);
}

static void
decided(struct exchange *x)
{
    struct decide_case c = exchange_case(x);

    if (x->decision.notice.is_gone) {
        refuse_gone(x);
        return;
    }
    decide_pool(&c, &x->decision);
    if (x->decision.arm == ARM_CANARY && !fallback_begin(x)) {
        exchange_deny(x, 500, "no-memory", "no memory left for the message");
        return;
    }
    mirror_consider(x);
    prepare(x);
}

static void
version_told(struct exchange *x)
{
    switch (x->decision.detect.outcome) {
    case DETECT_SPOKEN:
    case DETECT_ASSUMED:
    case DETECT_PREFLIGHT:
        decided(x);
        break;
    case DETECT_MISSING:
    case DETECT_UNKNOWN:
    case DETECT_CONFLICT:
        refuse_version(x);
        break;
    case DETECT_NEEDS_BODY:
        x->state = X_DETECT;
        if (x->request->expects_continue)
            x->down->go_on(x);
        x->request->expects_continue = false;
        break;
    }
}

static bool
peek_coded(struct exchange *x, span came, size_t max, span *plain)
{
    struct buf b;

    buf_init(&b, max + 1);
    bool ok = translate_peek(x, came, max, &b) &&
              span_dup(x->arena, buf_span(&b), plain);
    buf_fini(&b);
    return ok;
}

static void
search_marker(struct exchange *x)
{
    uint64_t max = x->worker->gen->limits.detect_bytes;
    span came = span_take(buf_span(&x->seen), (size_t)max), seen = came;
    bool is_all = x->is_received && came.len == buf_len(&x->seen);

    if (head_find(x->request, FIELD_CONTENT_ENCODING)) {
        if (!peek_coded(x, came, (size_t)max, &seen)) {
            exchange_deny(x, 415, "coded-body",
                          "the body cannot be searched for a version: it is "
                          "not gzip, deflate, br or zstd");
            return;
        }
        is_all = is_all && seen.len < max;
    }
    struct decide_case c = exchange_case(x);
    if (decide_marker(&c, x->arena, seen, is_all, &x->decision) == MARKED) {
        version_told(x);
        return;
    }
    if (seen.len < max && came.len < max)
        return;
    struct problem_doc p = problem_plain(
        400, "no version was found in the first bytes of the body");
    p.type = "version-missing";
    p.limit = "detect_bytes";
    p.versions = detect_known(x->decision.api->detect);
    exchange_refuse(x, &p);
}

/* 405 where another method would have been served (RFC 9110 §15.5.6), else 404. */
static void
refuse_no_route(struct exchange *x)
{
    struct decide_case c = exchange_case(x);
    struct problem_doc p =
        problem_plain(405, "no route takes this method for this path");

    p.type = "method-not-allowed";
    p.allow = decide_allowed(&c, x->arena);
    if (p.allow.len == 0) {
        exchange_deny(x, 404, "no-route", "no route takes this request");
        return;
    }
    metrics_count(x->worker->metrics, METRIC_REFUSED, 1, span_str(p.type));
    exchange_refuse(x, &p);
}

static bool
may_be_served(struct exchange *x)
{
    const struct http_head *h = x->request;

    if (x->conn->io.tls && tls_is_misdirected(x->conn->io.tls, h->authority)) {
        exchange_deny(x, 421, "misdirected",
                      "this connection's certificate is not for that host");
        return false;
    }
    if (!path_is_plain(h->path)) {
        exchange_deny(x, 400, "malformed-request",
                      "the path has a segment that is `.` or `..`");
        return false;
    }
    struct decide_case c = exchange_case(x);
    if (!decide_route(&c, &x->decision)) {
        refuse_no_route(x);
        return false;
    }
    return true;
}

static void
begin(struct exchange *x, struct http_head *head, bool ends)
{
    x->request = head;
    x->path = head->path;
    x->query = head->query;
    x->has_body = !ends;
    x->is_received = ends;
    x->began_ms = x->received_ms = x->moved_ms = loop_now_ms(x->worker->loop);
    forward_id(x);
    forward_trace(x);
}

void
exchange_ask_again(struct exchange *x, struct http_head *head, enum arm arm)
{
    begin(x, head, true);
    struct decide_case c = exchange_case(x);

    if (!decide_route(&c, &x->decision)) {
        exchange_gone(x); /* it was found before, in this generation */
        return;
    }
    if (x->decision.api)
        decide_version(&c, &x->decision);
    decide_mirrored(&c, &x->decision, arm);
    prepare(x);
    if (!exchange_is_over(x) && !x->is_answered)
        exchange_watch_time(x);
}

void
exchange_request(struct exchange *x, struct http_head *head, bool ends)
{
    begin(x, head, ends);
    if (!may_be_served(x))
        return;
    x->is_stream = x->decision.route->stream || exchange_says_stream(head);
    if (!gate_passes(x) || !tunnel_request(x))
        return;
    if (x->decision.api) {
        struct decide_case c = exchange_case(x);

        decide_version(&c, &x->decision);
        version_told(x);
    } else {
        decided(x);
    }
    if (x->state != X_OVER && !x->is_answered)
        exchange_watch_time(x);
}

/* What waits for a connection. */
struct buf *
exchange_held(struct exchange *x)
{
    return x->up_way.has_body ? &x->up_way.out : &x->to_pool;
}

/* ── the request's body ──────────────────────────────────────────────────── */

/* The client's side may bring more, unless the pool's is full. */
static void
take(struct exchange *x, size_t n, size_t waiting)
{
    x->untaken += n;
    if (waiting > x->worker->gen->limits.stream_high) {
        x->down->read(x, false);
        x->holds_down = true;
        return;
    }
    x->down->took(x, x->untaken);
    x->untaken = 0;
}

/*
 * All that waits has been sent. It is kept for another try: the whole of a body
 * that is there anyway, of one that still comes no more than may be buffered.
 */
static void
keep_or_forget(struct exchange *x)
{
    struct buf *held = exchange_held(x);

    if (x->keeps_to_pool &&
        (x->was_whole || buf_len(held) <= x->worker->gen->limits.stream_high)) {
        x->held_sent = buf_len(held);
        return;
    }
    x->keeps_to_pool = false;
    x->held_sent = 0;
    buf_consume(held, buf_len(held));
}

static void
send_translated(struct exchange *x)
{
    span out = span_skip(buf_span(&x->up_way.out), x->held_sent);

    if (out.len == 0)
        return;
    upstream_body(x->up, out);
    upstream_flush(x->up);
    keep_or_forget(x);
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
            keep_or_forget(x);
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
        buf_add(&x->seen, bytes);
        x->down->took(x, bytes.len);
        search_marker(x);
        break;
    case X_HOLD:
        x->down->took(x, bytes.len);
        if (feed_request(x, bytes))
            try_commit(x);
        break;
    case X_ASK:
        if (!x->up_way.has_body)
            buf_add(&x->to_pool, bytes);
        else if (!feed_request(x, bytes))
            break;
        take(x, bytes.len, buf_len(exchange_held(x)));
        break;
    case X_SENT:
    case X_TRIAL:
    case X_ANSWER:
        if (x->wants_tunnel && !x->is_tunnel) {
            buf_add(&x->to_pool, bytes);
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
    upstream_end(x->up, x->trailers);
}

void
exchange_request_end(struct exchange *x, struct fields *trailers)
{
    x->is_received = true;
    x->received_ms = loop_now_ms(x->worker->loop);
    x->trailers = trailers;
    switch (x->state) {
    case X_DETECT:
        search_marker(x);
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

/* ── asking the pool ─────────────────────────────────────────────────────── */

static void
ask(struct exchange *x)
{
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

/* Could it turn out that a request sent there was never looked at? */
static bool
may_go_unseen(const struct exchange *x)
{
    return upstream_is_shared(x->up) ||
           (upstream_is_stale(x->up) &&
            method_is_idempotent(x->request->method));
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
    if ((x->wants_tunnel && !tunnel_connected(x)) ||
        !upstream_head(x->up, &x->asked)) {
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
        upstream_end(x->up, x->trailers);
    if (buf_len(held)) {
        upstream_flush(x->up);
        keep_or_forget(x);
        exchange_pool_drained(x);
    }
    exchange_watch_time(x); /* last: what is due by now ends it */
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
    if (f != POOL_OVERLOAD && !(f == POOL_RESET && x->was_stale &&
                                method_is_idempotent(x->request->method)))
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
        ask(x);
        return;
    }
    if (fallback_may(x, f)) {
        fallback_turn(x);
        prepare(x);
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
