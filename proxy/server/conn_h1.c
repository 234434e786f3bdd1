/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The client's side of exchanges over HTTP/1: one at a time, in order. Bytes of
 * the next request that come too early are kept, and reading stops until the
 * answer is out.
 */
#include "proxy/http/h1_write.h"
#include "proxy/server/conn.h"
#include "proxy/server/exchange.h"
#include "proxy/server/limit.h"
#include "proxy/server/worker.h"

/* A body that nobody wants is read to its end if this is all of it. */
#define DISCARD_MAX ((uint64_t)64 * 1024)

/* ── what the exchange says ──────────────────────────────────────────────── */

static enum http_version
version_of(const struct exchange *x)
{
    return x->request ? x->request->version : HTTP_1_1;
}

/* Will the request's body be over soon, so that the connection may go on? */
static bool
will_be_received(const struct exchange *x)
{
    const struct http_head *r = x->request;

    if (!r)
        return false;
    return x->is_received || x->up ||
           (r->body == HTTP_BODY_SIZED && !r->expects_continue &&
            r->length - x->request_bytes <= DISCARD_MAX);
}

static bool
was_the_last(const struct conn *c)
{
    uint64_t max = c->worker->gen->limits.requests_a_connection;

    if (max == 0 || c->n_requests < max)
        return false;
    limit_came(c->worker, SPAN("requests_a_connection"));
    return true;
}

static void
down_head(struct exchange *x, struct http_head *h)
{
    struct conn *c = x->conn;
    enum http_version version = version_of(x);
    bool is_switch = h->status == 101;
    size_t mark;

    if (version == HTTP_1_0 && h->body == HTTP_BODY_CHUNKED)
        h->body = HTTP_BODY_UNTIL_CLOSE;
    if (version == HTTP_1_1 && h->body == HTTP_BODY_UNTIL_CLOSE)
        h->body = HTTP_BODY_CHUNKED;
    if (is_switch || !h->keep_alive || !x->request || !x->request->keep_alive ||
        was_the_last(c) || h->body == HTTP_BODY_UNTIL_CLOSE ||
        !will_be_received(x) || drain_tells(c->worker))
        c->ends = true;
    h->keep_alive = !c->ends;
    c->is_chunked = h->body == HTTP_BODY_CHUNKED;
    c->until_close = is_switch || h->body == HTTP_BODY_UNTIL_CLOSE;

    struct buf *b = worker_keep_begin(c->worker, &mark);
    if (h1_write_answer(b, h, version) != OK || buf_failed(b)) {
        conn_close(c, true);
        return;
    }
    io_put(&c->io, worker_keep_end(c->worker, mark));
}

static void
down_interim(struct exchange *x, struct http_head *h)
{
    size_t mark;
    struct buf *b = worker_keep_begin(x->worker, &mark);

    if (h1_write_answer(b, h, version_of(x)) == OK)
        io_put(&x->conn->io, worker_keep_end(x->worker, mark));
}

static void
down_go_on(struct exchange *x)
{
    size_t mark;

    h1_write_continue(worker_keep_begin(x->worker, &mark));
    io_put(&x->conn->io, worker_keep_end(x->worker, mark));
}

static void
down_body(struct exchange *x, span bytes)
{
    struct conn *c = x->conn;
    size_t mark;

    if (!c || bytes.len == 0)
        return;
    if (!c->is_chunked) {
        io_put(&c->io, bytes);
        return;
    }
    h1_write_chunk_open(worker_keep_begin(c->worker, &mark), bytes.len);
    io_put(&c->io, worker_keep_end(c->worker, mark));
    io_put(&c->io, bytes);
    io_put(&c->io, SPAN("\r\n"));
}

/* Who does not take his answers may not ask for more. */
static bool
must_wait(struct conn *c)
{
    size_t high = c->worker->gen->limits.stream_high;

    return io_backlog(&c->io, high) > high;
}

/* On to the next request, as soon as may be. */
static void
go_on(struct conn *c)
{
    if (must_wait(c))
        conn_read(c, false); /* conn_h1_drained comes back to it */
    else if (buf_len(&c->ahead))
        conn_later(c);
    else
        conn_read(c, true);
}

/*
 * RFC 9112 §9.6: who asked for `close` sends nothing more, and here no body either
 * that an old client ends with a line too many. So no late byte can make our close a
 * reset that overtakes the answer. Over TLS his close_notify would be one.
 */
static bool
is_his_last(const struct conn *c, const struct exchange *x)
{
    const struct http_head *r = x->request;

    return r && !r->keep_alive && r->body == HTTP_BODY_NONE && x->is_received &&
           buf_len(&c->ahead) == 0 && !c->io.tls;
}

/* Nothing is waited for, unless the answer is not out. */
static void
end(struct conn *c, bool is_last)
{
    if (is_last)
        io_flush(&c->io);
    if (is_last && io_waiting(&c->io) == 0)
        conn_close(c, false);
    else
        conn_linger(c);
}

/* The exchange is over, and the request was read to its end. */
static void
finish(struct conn *c)
{
    struct exchange *x = c->x;
    bool is_last = is_his_last(c, x);

    c->x = NULL;
    exchange_close(x);
    if (c->ends || (c->has_eof && buf_len(&c->ahead) == 0)) {
        end(c, is_last);
        return;
    }
    conn_enter(c, CONN_IDLE);
    go_on(c);
}

static void
down_end(struct exchange *x, const struct fields *trailers)
{
    struct conn *c = x->conn;
    size_t mark;

    if (!c || c->state == CONN_DEAD)
        return;
    if (c->is_chunked && x->request->method != METHOD_HEAD) {
        h1_write_last_chunk(worker_keep_begin(c->worker, &mark), trailers);
        io_put(&c->io, worker_keep_end(c->worker, mark));
    }
    if (x->is_received || c->ends)
        finish(c);
    else
        conn_read(c, true); /* the rest of the body goes nowhere */
}

/*
 * A body with an end of its own lacks it: what came reaches the client, and a
 * close shows that it is not all. One that ends with the connection would look
 * whole then, so that is reset.
 */
static void
down_broken(struct exchange *x)
{
    struct conn *c = x->conn;

    if (c->until_close) {
        conn_close(c, true);
        return;
    }
    c->x = NULL;
    exchange_gone(x);
    conn_linger(c);
}

static void
down_read(struct exchange *x, bool on)
{
    conn_read(x->conn, on);
}

static void
down_took(struct exchange *x, size_t n)
{
    (void)x;
    (void)n; /* a descriptor that is not read is back pressure enough */
}

static bool
down_is_full(const struct exchange *x)
{
    size_t high = x->worker->gen->limits.stream_high;

    return x->conn && io_backlog(&x->conn->io, high) > high;
}

/* A read that the socket refuses is kept; from then on no more than may be comes. */
static size_t
down_room(const struct exchange *x)
{
    size_t high = x->worker->gen->limits.stream_high;
    size_t waiting = x->conn ? io_waiting(&x->conn->io) : 0;

    if (waiting == 0)
        return 2 * high;
    return waiting + IO_LEAST < high ? high - waiting : IO_LEAST;
}

/* A text says nothing of the connection, so this one must go on as it is. */
static bool
down_begins_text(struct exchange *x)
{
    struct conn *c = x->conn;
    const struct http_head *r = x->request;

    if (r->version != HTTP_1_1 || !r->keep_alive || r->method == METHOD_HEAD ||
        c->ends || c->worker->is_draining || !will_be_received(x) ||
        c->worker->gen->limits.requests_a_connection)
        return false;
    c->is_chunked = c->until_close = false;
    return true;
}

static const struct down down_h1 = {
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
    .begins_text = down_begins_text,
};

/* ── what the client says ────────────────────────────────────────────────── */

static bool
begin(struct conn *c)
{
    c->x = exchange_new(c, &down_h1);
    if (!c->x) {
        conn_close(c, false);
        return false;
    }
    h1_begin(&c->h1, c->x->arena);
    c->n_requests++;
    conn_enter(c, CONN_HEAD);
    return true;
}

void
conn_h1_begin(struct conn *c)
{
    begin(c);
}

static void
on_head(struct conn *c, struct http_head *head, span *in)
{
    struct h1_out out;
    bool ends = head->body == HTTP_BODY_NONE ||
                (head->body == HTTP_BODY_SIZED && head->length == 0);

    conn_enter(c, CONN_BUSY);
    if (ends && h1_next(&c->h1, in, &out) != H1_END)
        ends = false;
    exchange_request(c->x, head, ends);
}

static void
on_end(struct conn *c, struct fields *trailers)
{
    struct exchange *x = c->x;

    if (!x->is_answered) {
        exchange_request_end(x, trailers);
        return;
    }
    x->is_received = true; /* it was answered before it was read */
    finish(c);
}

static void
on_error(struct conn *c, enum fault f)
{
    struct exchange *x = c->x;

    c->ends = true;
    if (c->state == CONN_HEAD)
        conn_enter(c, CONN_BUSY);
    if (x->is_answered)
        conn_close(c, true);
    else
        exchange_bad_request(x, f);
}

static void
stash(struct conn *c, span in)
{
    if (in.len == 0)
        return;
    buf_add(&c->ahead, in);
    conn_read(c, false);
    if (buf_failed(&c->ahead))
        conn_close(c, false);
}

void
conn_h1_feed(struct conn *c, span in)
{
    struct fields *trailers = NULL;
    struct h1_out out;

    while (c->state == CONN_HEAD || c->state == CONN_BUSY ||
           c->state == CONN_IDLE) {
        if (c->x && c->x->is_tunnel) {
            if (in.len)
                exchange_request_body(c->x, in);
            return;
        }
        if (c->x ? c->x->is_received : must_wait(c)) {
            stash(c, in);
            return;
        }
        if (!c->x && (in.len == 0 || !begin(c)))
            return;
        switch (h1_next(&c->h1, &in, &out)) {
        case H1_MORE:
            return;
        case H1_HEAD:
            on_head(c, out.head, &in);
            break;
        case H1_BODY:
            exchange_request_body(c->x, out.body);
            break;
        case H1_TRAILERS:
            trailers = out.trailers;
            break;
        case H1_END:
            on_end(c, trailers);
            trailers = NULL;
            break;
        case H1_INTERIM:
        case H1_ERROR:
            on_error(c, out.fault);
            return;
        }
    }
}

void
conn_h1_resume(struct conn *c)
{
    struct buf held = c->ahead;

    bool is_tunnel = c->state == CONN_BUSY && c->x && c->x->is_tunnel;

    if (buf_len(&held) == 0 || !(c->state == CONN_IDLE || is_tunnel))
        return;
    buf_init(&c->ahead, held.max);
    conn_h1_feed(c, buf_span(&held));
    worker_flush(c->worker);
    buf_fini(&held);
    if (c->has_eof && c->state != CONN_DEAD && buf_len(&c->ahead) == 0)
        conn_h1_eof(c);
    else if (c->x && buf_len(&c->ahead) == 0 && !c->x->holds_down)
        conn_read(c, true);
}

void
conn_h1_eof(struct conn *c)
{
    if (buf_len(&c->ahead))
        return; /* what it asked before its end comes first */
    if (!c->x || c->state == CONN_HEAD) {
        conn_linger(c); /* answers may still be on their way out */
        return;
    }
    c->ends = true;
    if (c->x->is_tunnel && !c->x->is_received)
        exchange_request_end(c->x, NULL); /* the other way may go on */
    else if (!c->x->is_received)
        conn_close(c, true); /* half a request: nobody can answer it */
}

void
conn_h1_drained(struct conn *c)
{
    if (c->x)
        exchange_drained(c->x);
    else if (c->state == CONN_IDLE)
        go_on(c);
}

void
conn_h1_timeout(struct conn *c)
{
    c->ends = true;
    limit_reached(c->worker, SPAN("head_ms"));
    if (c->state == CONN_HEAD)
        conn_enter(c, CONN_BUSY);
    exchange_late(c->x, "the request's head took too long");
}

void
conn_h1_gone(struct conn *c)
{
    struct exchange *x = c->x;

    c->x = NULL;
    if (x)
        exchange_gone(x);
    h1_fini(&c->h1);
}
