/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The client's side of exchanges over HTTP/2: as many as there are streams.
 * An answer's bytes become frames when the wake-up that brought them ends, where
 * they were read; what the client's windows do not let go waits in its exchange's
 * to_client. Frames leave when the batch of events is done, those of many streams
 * in one send.
 */
#include "proxy/server/conn.h"
#include "proxy/server/exchange.h"
#include "proxy/server/limit.h"
#include "proxy/server/worker.h"

#define GATHER    ((size_t)64 * 1024) /* then the socket is asked */
#define GO_MS     ((uint64_t)200)     /* between the two steps of GOAWAY */
#define CONN_HIGH 8u /* times stream_high: answers that wait, of all streams */

/* ── what the exchange says ──────────────────────────────────────────────── */

/* Bytes of its answer that wait to be framed. */
static size_t
waits(const struct exchange *x)
{
    return buf_len(&x->to_client) + x->passing.len;
}

static span
peek(void *conn, struct h2_stream *s, size_t max, bool *ends,
     const struct fields **trailers, bool *failed)
{
    struct exchange *x = h2_stream_user(s);
    span run = {0};

    (void)conn;
    if (!x) {
        *failed = true;
        return run;
    }
    /* Nothing passes while something waits. */
    run = buf_len(&x->to_client) ? buf_span(&x->to_client) : x->passing;
    run = span_take(run, max);
    *failed = x->to_client_breaks && run.len == 0;
    *ends = x->to_client_ends && run.len == waits(x);
    if (*ends)
        *trailers = x->answer_trailers;
    return run;
}

/*
 * What the client's windows let it take, beside all that waits for its other
 * streams: a client that takes nothing is not read for, however many streams
 * and however large answers it asks for.
 */
static size_t
takes(const struct exchange *x)
{
    size_t shared = h2_window(x->stream), own = h2_stream_window(x->stream);
    size_t most = CONN_HIGH * x->worker->gen->limits.stream_high;
    size_t others = x->conn->h2_waiting - waits(x);

    shared = shared < most ? shared : most;
    shared = shared > others ? shared - others : 0;
    return own < shared ? own : shared;
}

static bool
down_is_full(const struct exchange *x)
{
    size_t waiting = waits(x);

    return waiting > x->worker->gen->limits.stream_high ||
           waiting >= takes(x) + IO_LEAST;
}

static size_t
down_room(const struct exchange *x)
{
    size_t waiting = waits(x), n = takes(x);

    return n > waiting + IO_LEAST ? n - waiting : IO_LEAST;
}

static void
took_answer(void *conn, struct h2_stream *s, size_t n)
{
    struct exchange *x = h2_stream_user(s);

    (void)conn;
    if (!x)
        return;
    if (buf_len(&x->to_client))
        buf_consume(&x->to_client, n);
    else
        x->passing = span_skip(x->passing, n);
    x->conn->h2_waiting -= n;
    x->taken_bytes += n;
    pace_note(&x->pace, loop_now_ms(x->worker->loop), x->taken_bytes);
    if (waits(x) <= x->worker->gen->limits.stream_low && !down_is_full(x))
        exchange_drained(x);
}

static const struct h2_source source = {.peek = peek, .took = took_answer};

static void
down_head(struct exchange *x, struct http_head *h)
{
    bool has_body = h->body != HTTP_BODY_NONE &&
                    !http_status_is_bodyless(h->status) &&
                    !(x->request && x->request->method == METHOD_HEAD);

    if (h2_answer(x->stream, h, has_body ? &source : NULL) != OK)
        h2_reset(x->stream, H2_INTERNAL_ERROR);
    conn_later(x->conn);
}

static void
down_interim(struct exchange *x, struct http_head *h)
{
    if (h2_interim(x->stream, h) == OK)
        conn_later(x->conn);
}

static void
down_go_on(struct exchange *x)
{
    struct http_head h;

    head_init(&h, x->arena);
    h.status = 100;
    down_interim(x, &h);
}

static void
wait_with(struct exchange *x, span bytes)
{
    buf_add(&x->to_client, bytes);
    if (!buf_failed(&x->to_client))
        return;
    x->conn->h2_waiting -= bytes.len;
    h2_reset(x->stream, H2_INTERNAL_ERROR);
}

/* What passes joins what waits. */
static void
keep(struct exchange *x)
{
    span bytes = x->passing;

    x->passing = (span){0};
    if (bytes.len)
        wait_with(x, bytes);
}

static void
pass(struct exchange *x, span bytes)
{
    x->passing = bytes;
    if (x->is_passing)
        return;
    x->is_passing = true;
    x->next_passing = x->worker->passing;
    x->worker->passing = x;
}

static void
down_body(struct exchange *x, span bytes)
{
    if (waits(x) == 0)
        pace_begin(&x->pace, loop_now_ms(x->worker->loop), x->taken_bytes);
    x->conn->h2_waiting += bytes.len;
    keep(x); /* one run can pass, no more */
    if (buf_len(&x->to_client))
        wait_with(x, bytes);
    else
        pass(x, bytes);
    h2_resume(x->stream);
    conn_later(x->conn);
}

static void
down_end(struct exchange *x, const struct fields *trailers)
{
    x->to_client_ends = true;
    x->answer_trailers = trailers;
    h2_resume(x->stream);
    conn_later(x->conn);
}

/* Records that are whole go out before the break, unless nobody takes them. */
static bool
finishes_records(const struct exchange *x)
{
    return waits(x) && !x->to_client_breaks && exchange_is_of_records(x);
}

static void
down_broken(struct exchange *x)
{
    if (finishes_records(x)) {
        x->to_client_breaks = true;
        h2_resume(x->stream);
    } else {
        h2_reset(x->stream, H2_INTERNAL_ERROR);
    }
    conn_later(x->conn);
}

static void
down_read(struct exchange *x, bool on)
{
    (void)x;
    (void)on; /* the window is: what is not taken is not asked for */
}

static void
down_took(struct exchange *x, size_t n)
{
    if (n == 0)
        return;
    h2_consumed(x->stream, n);
    conn_later(x->conn);
}

static const struct down down_h2 = {
    .head = down_head,
    .interim = down_interim,
    .go_on = down_go_on,
    .body = down_body,
    .end = down_end,
    .broken = down_broken,
    .read = down_read,
    .took = down_took,
    .is_full = down_is_full,
    .room = down_room,
};

/* ── what the client says ────────────────────────────────────────────────── */

static struct arena *
on_open(void *conn, struct h2_stream *s)
{
    struct conn *c = conn_of(conn);
    struct exchange *x = exchange_new(c, &down_h2);

    if (!x)
        return NULL;
    x->stream = s;
    h2_stream_set_user(s, x);
    c->n_streams++;
    c->heading = x; /* no other frame may come before its head is whole */
    c->head_since = loop_now_ms(c->worker->loop);
    return x->arena;
}

static void
on_request(void *conn, struct h2_stream *s, struct http_head *head, bool ends)
{
    conn_of(conn)->heading = NULL;
    exchange_request(exchange_of(h2_stream_user(s)), head, ends);
}

static void
on_bad_request(void *conn, struct h2_stream *s, enum fault f)
{
    conn_of(conn)->heading = NULL;
    exchange_bad_request(exchange_of(h2_stream_user(s)), f);
}

static void
on_body(void *conn, struct h2_stream *s, span bytes)
{
    (void)conn;
    exchange_request_body(exchange_of(h2_stream_user(s)), bytes);
}

static void
on_end(void *conn, struct h2_stream *s, struct fields *trailers)
{
    (void)conn;
    exchange_request_end(exchange_of(h2_stream_user(s)), trailers);
}

static void
on_close(void *conn, struct h2_stream *s, uint32_t code)
{
    struct conn *c = conn_of(conn);
    struct exchange *x = h2_stream_user(s);

    (void)code;
    c->n_streams--;
    c->h2_since = loop_now_ms(c->worker->loop);
    h2_stream_set_user(s, NULL);
    if (c->heading == x)
        c->heading = NULL;
    if (!x)
        return;
    c->h2_waiting -= waits(x);
    x->passing = (span){0};
    if (!h2_is_answered(s))
        x->is_broken = true;
    exchange_gone(x);
}

static const struct h2_events events = {
    .open = on_open,
    .request = on_request,
    .bad_request = on_bad_request,
    .body = on_body,
    .end = on_end,
    .close = on_close,
};

void
conn_h2_begin(struct conn *c)
{
    c->h2_since = loop_now_ms(c->worker->loop);
    c->h2 = h2_server_new(&c->worker->h2_limits, &events, c);
    if (!c->h2) {
        conn_close(c, false);
        return;
    }
    if (c->worker->is_draining)
        conn_h2_drain(c);
    conn_later(c);
}

/* One that has asked as often as it may asks elsewhere from now on. */
static void
look_at_requests(struct conn *c)
{
    uint64_t max = c->worker->gen->limits.requests_a_connection;

    if (max == 0 || c->told_to_go || h2_requests_n(c->h2) < max)
        return;
    limit_came(c->worker, SPAN("requests_a_connection"));
    conn_h2_drain(c);
}

void
conn_h2_feed(struct conn *c, span in)
{
    if (!c->h2)
        return;
    /* H2_DONE shows again in the gather that follows. */
    if (h2_feed(c->h2, in, loop_now_ms(c->worker->loop)) == H2_FREED)
        return;
    size_t refused = h2_take_refused(c->h2);
    if (refused)
        limit_reached_times(c->worker, SPAN("h2_streams"), refused);
    look_at_requests(c);
    conn_later(c);
}

static void
note_abuse(struct conn *c)
{
    const char *limit = h2_limit_reached(c->h2);

    if (limit[0])
        limit_reached(c->worker, span_str(limit));
}

/* Make frames: about GATHER bytes in all, or as many as there are. */
static enum h2_step
gather_some(struct conn *c)
{
    struct buf *made = io_made(&c->io);
    enum h2_step step = H2_OK;
    size_t before;

    do {
        before = buf_len(made);
        step = h2_gather(c->h2, made, GATHER, loop_now_ms(c->worker->loop));
    } while (step == H2_OK && buf_len(made) > before && buf_len(made) < GATHER);
    return step;
}

/* Does the socket refuse so much that no more frames are to be made? */
static bool
is_refused(const struct conn *c)
{
    return io_refused(&c->io) > c->worker->gen->limits.stream_high;
}

void
conn_h2_keep(struct exchange *x)
{
    x->is_passing = false;
    keep(x);
}

void
conn_h2_pass(struct exchange *x)
{
    struct conn *c = x->conn;

    /* Ends: as soon as windows or the socket take no more. */
    while (x->passing.len && c->state == CONN_H2 && !is_refused(c) &&
           gather_some(c) == H2_OK && buf_len(&c->io.made) >= GATHER)
        io_flush(&c->io);
    x->is_passing = false;
    if (x->passing.len == 0)
        return;
    keep(x);
    exchange_set_timer(x); /* for the client to take it */
}

void
conn_h2_gather(struct conn *c)
{
    size_t high = c->worker->gen->limits.stream_high;
    enum h2_step step = H2_OK;
    size_t n = 1;

    if (c->state != CONN_H2)
        return;
    /* Ends: as soon as nothing comes, or the socket is full. */
    while (n && step == H2_OK && !is_refused(c)) {
        step = gather_some(c);
        n = buf_len(&c->io.made);
        io_flush(&c->io);
    }
    if (step == H2_FREED)
        return;
    if (step == H2_DONE) {
        note_abuse(c);
        conn_linger(c);
        return;
    }
    /* Who does not read our frames may not send more of his. */
    conn_read(c, io_waiting(&c->io) <= high);
}

bool
conn_h2_may_go(const struct conn *c)
{
    return c->state == CONN_H2 && !c->told_to_go;
}

void
conn_h2_drain(struct conn *c)
{
    if (!conn_h2_may_go(c))
        return;
    c->told_to_go = true;
    h2_shutdown_notice(c->h2);
    timer_set(&c->timer, c->worker->loop, GO_MS);
    conn_later(c);
}

/* Who has shut his side may still want the answers to what he asked. */
void
conn_h2_eof(struct conn *c)
{
    if (h2_streams_n(c->h2) == 0 && io_waiting(&c->io) == 0) {
        conn_close(c, false);
        return;
    }
    h2_eof(c->h2);
    conn_later(c);
}

void
conn_h2_timeout(struct conn *c)
{
    struct worker *w = c->worker;
    bool is_idle = h2_streams_n(c->h2) == 0;
    uint64_t now = loop_now_ms(w->loop), idle_ms = now - c->h2_since;

    if (c->heading && now - c->head_since >= w->gen->limits.head_ms) {
        limit_reached(w, SPAN("head_ms"));
        h2_terminate(c->h2, H2_ENHANCE_YOUR_CALM);
    } else if (c->told_to_go) {
        h2_goaway(c->h2);
    } else if (is_idle && idle_ms >= w->gen->limits.idle_h2_ms) {
        limit_came(w, SPAN("idle_h2_ms"));
        h2_goaway(c->h2);
    }
    conn_later(c);
}

void
conn_h2_gone(struct conn *c)
{
    h2_free(&c->h2);
    h1_fini(&c->h1);
}
