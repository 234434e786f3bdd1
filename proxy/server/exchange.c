/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/server/exchange.h"

#include "proxy/http/target.h"
#include "proxy/server/conn.h"
#include "proxy/server/forward.h"
#include "proxy/server/problem.h"
#include "proxy/server/tls.h"
#include "proxy/server/upstream.h"
#include "proxy/server/worker.h"

#include <assert.h>

#define MAGIC         0x65786368u
#define ENDPOINTS_TRY 3u

struct exchange *
exchange_of(void *arg)
{
    struct exchange *x = arg;

    assert(x->magic == MAGIC);
    return x;
}

static void
on_timer(void *arg)
{
    struct exchange *x = exchange_of(arg);
    struct worker *w = x->worker;

    exchange_watch_time(x);
    worker_flush(w);
}

struct exchange *
exchange_new(struct conn *c, const struct down *down)
{
    struct worker *w = c->worker;
    struct arena *a = worker_take_arena(w);
    struct exchange *x = a ? arena_alloc(a, sizeof(*x)) : NULL;

    if (!x) {
        if (a)
            worker_give_arena(w, a);
        return NULL;
    }
    x->magic = MAGIC;
    x->worker = w;
    x->arena = a;
    x->conn = c;
    x->down = down;
    x->began_us = loop_clock_us();
    buf_init(&x->seen, w->gen->limits.detect_bytes + WORKER_SCRATCH);
    buf_init(&x->to_pool, SIZE_MAX / 4);
    buf_init(&x->to_client, SIZE_MAX / 4);
    timer_init(&x->timer, on_timer, x);
    w->n_exchanges++;
    return x;
}

void
exchange_close(struct exchange *x)
{
    struct worker *w = x->worker;

    if (x->state == X_OVER)
        return;
    timer_clear(&x->timer);
    if (x->up)
        upstream_release(x->up, false);
    exchange_account(x);
    x->state = X_OVER;
    x->conn = NULL;
    w->n_exchanges--;
    x->next_dead = w->dead_exchanges;
    w->dead_exchanges = x;
}

void
exchanges_bury(struct worker *w)
{
    while (w->dead_exchanges) {
        struct exchange *x = w->dead_exchanges;

        w->dead_exchanges = x->next_dead;
        buf_fini(&x->seen);
        buf_fini(&x->to_pool);
        buf_fini(&x->to_client);
        buf_fini(&x->up_way.out);
        buf_fini(&x->down_way.out);
        x->magic = 0;
        worker_give_arena(w, x->arena);
    }
}

/* ── our own answers ─────────────────────────────────────────────────────── */

static void
break_off(struct exchange *x)
{
    if (x->up)
        upstream_release(x->up, false);
    if (x->is_answered)
        return;
    x->is_answered = true;
    x->is_broken = true;
    if (x->conn)
        x->down->broken(x);
}

/* The end of an answer; both sides may let go of it then. */
static void
answer_is_out(struct exchange *x, const struct fields *trailers)
{
    x->is_answered = true;
    if (x->up)
        upstream_release(x->up, x->is_received);
    if (x->conn)
        x->down->end(x, trailers);
}

static void
send_problem(struct exchange *x, const struct problem_doc *p)
{
    struct http_head *head = arena_alloc(x->arena, sizeof(*head));
    bool is_head = x->request && x->request->method == METHOD_HEAD;
    span body;

    if (!head || !problem_write(x, p, head, &body) ||
        !forward_version(x, head) ||
        head_set(head, SPAN("X-Request-ID"), x->id) != OK) {
        break_off(x);
        return;
    }
    if (is_head)
        head->body = HTTP_BODY_NONE;
    head->keep_alive = !p->closes;
    x->answer = head;
    x->has_head = true;
    x->state = X_ANSWER;
    x->problem = p->detail.len ? arena_str(x->arena, p->detail) : "";
    x->down->head(x, head);
    if (!is_head) {
        x->answer_bytes += body.len;
        x->down->body(x, body);
    }
    answer_is_out(x, NULL);
}

void
exchange_refuse(struct exchange *x, const struct problem_doc *p)
{
    if (p->limit && p->limit[0])
        metrics_count(x->worker->metrics, METRIC_LIMITS, 1, span_str(p->limit));
    if (x->up)
        upstream_release(x->up, false);
    if (!x->conn || x->state == X_OVER)
        return;
    if (x->has_head) {
        break_off(x);
        return;
    }
    if (x->id.len == 0)
        forward_id(x);
    send_problem(x, p);
}

static void
refuse(struct exchange *x, unsigned status, const char *type,
       const char *detail)
{
    struct problem_doc p = problem_plain(status, detail);

    p.type = type;
    metrics_count(x->worker->metrics, METRIC_REFUSED, 1, span_str(type));
    exchange_refuse(x, &p);
}

void
exchange_bad_request(struct exchange *x, enum fault f)
{
    struct problem_doc p =
        problem_plain((unsigned)fault_status(f), fault_text(f));

    p.type = "malformed-request";
    p.limit = fault_limit(f);
    p.closes = true;
    metrics_count(x->worker->metrics, METRIC_REFUSED, 1,
                  span_str(fault_name(f)));
    if (!x->is_answered)
        exchange_refuse(x, &p);
}

void
exchange_late(struct exchange *x, const char *what)
{
    struct problem_doc p = problem_plain(408, what);

    p.type = "request-timeout";
    p.closes = true;
    if (!x->is_answered)
        exchange_refuse(x, &p);
    else if (x->conn)
        x->down->broken(x);
}

/* ── the request's head ──────────────────────────────────────────────────── */

static void
refuse_version(struct exchange *x)
{
    struct decision *d = &x->decision;
    struct problem_doc p = problem_plain(400, "");

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

    p.type = "version-gone";
    p.versions = detect_known(x->decision.api->detect);
    metrics_count(x->worker->metrics, METRIC_REFUSED, 1, span_str(p.type));
    exchange_refuse(x, &p);
}

static void ask(struct exchange *x);
static void decided(struct exchange *x);

/* Is the translated request ready to be sent? Then on with it. */
static void
try_commit(struct exchange *x)
{
    uint64_t commit = x->worker->gen->limits.request_commit;

    if (!x->up_way.is_whole && buf_len(&x->up_way.out) < commit)
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

static bool
end_request_translation(struct exchange *x)
{
    struct problem_doc p;

    if (translate_end(x, &x->up_way, &p))
        return true;
    exchange_refuse(x, &p);
    return false;
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
weight_in_force(void *live, const struct gen_route *route)
{
    const struct worker *w = live;
    uint32_t slot = w->weight_slots[route->index];

    if (slot == SEGMENT_NO_SLOT || !w->env->weights || !w->env->latches)
        return route->canary->weight_ppm;
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
    const struct tls *tls = x->conn ? x->conn->io.tls : NULL;

    return (struct decide_case){
        .gen = x->worker->gen,
        .head = x->request,
        .listener = x->conn ? x->conn->listener_index : 0,
        .certificate = tls ? tls_certificate(tls) : (span){0},
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
        refuse(x, 409, "write-refused",
               "a client of this version would erase what it cannot see");
        return;
    }
    x->asked = *x->request;
    if (!translate_request(x, &x->asked, &p)) {
        exchange_refuse(x, &p);
        return;
    }
    if (!forward_request(x, &x->asked)) {
        refuse(x, 500, "no-memory", "no memory left for the message");
        return;
    }
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
    if (x->decision.arm == ARM_CANARY && !x->has_body &&
        !head_copy(x->request, x->arena, &x->as_sent)) {
        refuse(x, 500, "no-memory", "no memory left for the message");
        return;
    }
    prepare(x);
}

/*
 * The canary's endpoints took no connection and nothing was sent: what counts
 * as down from now on is down for this request, too.
 */
static bool
may_fall_back(const struct exchange *x, enum pool_failure f)
{
    return x->decision.arm == ARM_CANARY && !x->has_body &&
           (f == POOL_REFUSED || f == POOL_TIMEOUT || f == POOL_NONE);
}

static void
fall_back(struct exchange *x)
{
    struct decision *d = &x->decision;

    d->arm = ARM_FALLBACK;
    d->pool = d->route->pool;
    d->translates = d->api && d->client >= 0 && d->client != d->pool->version;
    *x->request = x->as_sent;
    buf_fini(&x->up_way.out);
    x->up_way = (struct translate){0};
    x->tried = 0;
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

static void
search_marker(struct exchange *x)
{
    uint64_t max = x->worker->gen->limits.detect_bytes;
    struct decide_case c = exchange_case(x);

    span seen = span_take(buf_span(&x->seen), (size_t)max);
    bool is_all = x->is_received && seen.len == buf_len(&x->seen);

    if (decide_marker(&c, x->arena, seen, is_all, &x->decision) == MARKED) {
        version_told(x);
        return;
    }
    if (seen.len < max)
        return;
    struct problem_doc p = problem_plain(
        400, "no version was found in the first bytes of the body");
    p.type = "version-missing";
    p.limit = "detect_bytes";
    p.versions = detect_known(x->decision.api->detect);
    exchange_refuse(x, &p);
}

static bool
may_be_served(struct exchange *x)
{
    const struct http_head *h = x->request;

    if (x->conn->io.tls && tls_is_misdirected(x->conn->io.tls, h->authority)) {
        refuse(x, 421, "misdirected",
               "this connection's certificate is not for that host");
        return false;
    }
    if (!path_is_plain(h->path)) {
        refuse(x, 400, "malformed-request",
               "the path has a segment that is `.` or `..`");
        return false;
    }
    struct decide_case c = exchange_case(x);
    if (!decide_route(&c, &x->decision)) {
        refuse(x, 404, "no-route", "no route takes this request");
        return false;
    }
    return true;
}

void
exchange_request(struct exchange *x, struct http_head *head, bool ends)
{
    x->request = head;
    x->path = head->path;
    x->query = head->query;
    x->has_body = !ends;
    x->is_received = ends;
    x->began_ms = x->received_ms = loop_now_ms(x->worker->loop);
    forward_id(x);
    if (!may_be_served(x))
        return;
    x->is_stream = x->decision.route->stream;
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
static struct buf *
held_body(struct exchange *x)
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
        if (!x->holds_down)
            x->down->read(x, false);
        x->holds_down = true;
        return;
    }
    x->down->took(x, x->untaken);
    x->untaken = 0;
}

static void
send_translated(struct exchange *x)
{
    span out = buf_span(&x->up_way.out);

    if (out.len == 0)
        return;
    upstream_body(x->up, out);
    upstream_flush(x->up);
    buf_consume(&x->up_way.out, out.len);
}

static void
send_body(struct exchange *x, span bytes)
{
    if (x->up_way.has_body) {
        if (!feed_request(x, bytes))
            return;
        send_translated(x);
    } else {
        upstream_body(x->up, bytes);
    }
    take(x, bytes.len, upstream_waiting(x->up));
}

void
exchange_request_body(struct exchange *x, span bytes)
{
    x->request_bytes += bytes.len;
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
        take(x, bytes.len, buf_len(held_body(x)));
        break;
    case X_SENT:
    case X_TRIAL:
    case X_ANSWER:
        if (x->up)
            send_body(x, bytes);
        else if (x->conn)
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
    x->tries++;
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
    if (!x->has_body || !x->up_way.has_body)
        return;
    h->has_length = x->up_way.is_whole;
    h->body = h->has_length ? HTTP_BODY_SIZED : HTTP_BODY_CHUNKED;
    h->length = h->has_length ? buf_len(&x->up_way.out) : 0;
}

void
exchange_connected(struct exchange *x)
{
    struct buf *held = held_body(x);
    bool is_all = x->is_received;

    x->state = X_SENT;
    x->endpoint = upstream_authority(x->up);
    x->sent_ms = x->moved_ms = loop_now_ms(x->worker->loop);
    x->asked_us = loop_clock_us();
    frame_request(x);
    if (!upstream_head(x->up, &x->asked)) {
        refuse(x, 400, "malformed-request",
               "the request cannot be said to the backend");
        return;
    }
    /* While it is whole it may be sent again, to another endpoint. */
    x->keeps_to_pool = is_all;
    upstream_body(x->up, buf_span(held));
    if (is_all)
        upstream_end(x->up, x->trailers);
    exchange_watch_time(x);
    if (buf_len(held) == 0)
        return;
    upstream_flush(x->up);
    if (!is_all)
        buf_consume(held, buf_len(held));
    exchange_pool_drained(x);
}

void
exchange_pool_drained(struct exchange *x)
{
    if (!x->up || !x->conn)
        return;
    if (x->untaken)
        x->down->took(x, x->untaken);
    x->untaken = 0;
    if (x->holds_down)
        x->down->read(x, true);
    x->holds_down = false;
}

static bool
may_retry(const struct exchange *x)
{
    return x->was_stale && !x->was_retried && !x->answer && x->interim_n == 0 &&
           x->keeps_to_pool && method_is_idempotent(x->request->method);
}

void
exchange_failed(struct exchange *x, enum pool_failure f)
{
    struct problem_doc p;

    if (x->state == X_OVER)
        return;
    if (f == POOL_RESET && may_retry(x)) {
        x->was_retried = true;
        metrics_count(x->worker->metrics, METRIC_UPSTREAM_RETRIES, 1,
                      x->decision.pool->name);
        ask(x);
        return;
    }
    if (may_fall_back(x, f)) {
        fall_back(x);
        return;
    }
    p = problem_plain(pool_failure_status(f), pool_failure_sentence(f));
    p.type = "backend-failed";
    p.is_ours = true;
    p.retry_after_s = p.status == 503 ? 1 : 0;
    exchange_refuse(x, &p);
}

/* ── the answer ──────────────────────────────────────────────────────────── */

void
exchange_interim(struct exchange *x, struct http_head *head)
{
    x->moved_ms = loop_now_ms(x->worker->loop);
    x->interim_n++;
    if (head->status == 103 && x->request->version != HTTP_1_0 && x->conn)
        x->down->interim(x, head);
}

/* Its media type says that it is a stream: no total deadline. */
static bool
says_stream(const struct http_head *h)
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

/* The head goes out; what is known of the length by now is said. */
static void
send_head(struct exchange *x)
{
    struct http_head *h = x->answer;

    h->keep_alive = true; /* what the pool said of its own connection is over */
    if (x->down_way.has_body) {
        h->has_length = x->down_way.is_whole;
        h->length = h->has_length ? buf_len(&x->down_way.out) : 0;
        h->body = h->has_length ? HTTP_BODY_SIZED : HTTP_BODY_CHUNKED;
    } else if (x->down_way.program && program_has_body(x->down_way.program) &&
               x->request->method == METHOD_HEAD) {
        h->has_length = false; /* of the backend's form, not of the client's */
    }
    if (!forward_answer(x, h)) {
        refuse(x, 502, "backend-failed", "the backend's answer cannot be told");
        return;
    }
    x->has_head = true;
    x->state = X_ANSWER;
    x->down->head(x, h);
}

void
exchange_answer(struct exchange *x, struct http_head *head)
{
    struct problem_doc p;

    x->answer = head;
    x->pool_status = (unsigned)head->status;
    x->answered_us = loop_clock_us();
    x->moved_ms = loop_now_ms(x->worker->loop);
    x->is_stream |= says_stream(head);
    if (x->keeps_to_pool)
        buf_fini(held_body(x));
    x->keeps_to_pool = false;
    if (!translate_answer(x, head, &p)) {
        exchange_refuse(x, &p);
        return;
    }
    if (x->down_way.has_body)
        x->state = X_TRIAL;
    else
        send_head(x);
    exchange_watch_time(x);
}

static void
send_answer_bytes(struct exchange *x, span bytes)
{
    if (bytes.len == 0)
        return;
    x->answer_bytes += bytes.len;
    x->down->body(x, bytes);
    if (x->up && x->down->waiting(x) > x->worker->gen->limits.stream_high) {
        x->holds_up = true;
        upstream_read(x->up, false);
    }
}

/* Send what the translation wrote; it is out of the buffer then. */
static void
send_answer_out(struct exchange *x)
{
    span out = buf_span(&x->down_way.out);

    send_answer_bytes(x, out);
    worker_flush(x->worker);
    buf_consume(&x->down_way.out, out.len);
}

void
exchange_answer_body(struct exchange *x, span bytes)
{
    struct problem_doc p;

    x->moved_ms = loop_now_ms(x->worker->loop);
    if (!x->conn)
        return;
    if (!x->down_way.has_body) {
        send_answer_bytes(x, bytes);
        return;
    }
    if (!translate_feed(x, &x->down_way, bytes, &p)) {
        exchange_refuse(x, &p);
        return;
    }
    if (x->state == X_TRIAL &&
        buf_len(&x->down_way.out) >= x->worker->gen->limits.answer_commit)
        send_head(x);
    if (x->state == X_ANSWER)
        send_answer_out(x);
}

void
exchange_answer_end(struct exchange *x, const struct fields *trailers)
{
    struct problem_doc p;

    if (!x->conn)
        return;
    if (x->down_way.has_body) {
        if (!translate_end(x, &x->down_way, &p)) {
            exchange_refuse(x, &p);
            return;
        }
        if (x->state == X_TRIAL)
            send_head(x);
        if (x->state != X_ANSWER || x->is_answered)
            return;
        send_answer_out(x);
    }
    if (!x->is_answered)
        answer_is_out(x, x->request->takes_trailers ? trailers : NULL);
}

void
exchange_drained(struct exchange *x)
{
    if (!x->holds_up || !x->up)
        return;
    x->holds_up = false;
    x->moved_ms = loop_now_ms(x->worker->loop);
    upstream_read(x->up, true);
}

void
exchange_gone(struct exchange *x)
{
    if (!x->is_answered)
        x->is_broken = true;
    exchange_close(x);
}

/* ── words ───────────────────────────────────────────────────────────────── */

static const struct {
    const char *word;
    unsigned status;
    const char *sentence;
} failures[] = {
#define X(id, word, status, sentence) {word, status, sentence},
    POOL_FAILURES(X)
#undef X
};

const char *
pool_failure_word(enum pool_failure f)
{
    return failures[f].word;
}

unsigned
pool_failure_status(enum pool_failure f)
{
    return failures[f].status;
}

const char *
pool_failure_sentence(enum pool_failure f)
{
    return failures[f].sentence;
}
