/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A link that speaks HTTP/2: a stream for each exchange that has a seat.
 *
 * A request's body waits in its seat and is pulled as the server's windows
 * allow; an answer's window opens as its client takes. A request that the server
 * says it did not process (REFUSED_STREAM, or beyond GOAWAY's last one) or that
 * never went out may be sent again; any other may have had its effect.
 */
#include "proxy/server/limit.h"
#include "proxy/server/link.h"
#include "proxy/server/worker.h"

#define GATHER ((size_t)64 * 1024) /* then the socket is asked */

/* ── the request's body ──────────────────────────────────────────────────── */

static span
peek(void *conn, struct h2_stream *s, size_t max, bool *ends,
     const struct fields **trailers, bool *failed)
{
    struct upstream *up = h2_stream_user(s);

    (void)conn;
    if (!up) {
        *failed = true;
        return (span){0};
    }
    span run = span_take(buf_span(&up->out), max);
    *ends = up->out_ends && run.len == buf_len(&up->out);
    if (*ends)
        *trailers = up->trailers;
    return run;
}

static void
took(void *conn, struct h2_stream *s, size_t n)
{
    struct link *l = link_of(conn);
    struct upstream *up = h2_stream_user(s);

    if (!up)
        return;
    buf_consume(&up->out, n);
    up->took_ms = loop_now_ms(l->worker->loop);
    if (buf_len(&up->out) <= l->worker->gen->limits.stream_low)
        exchange_pool_drained(up->x);
}

static const struct h2_source source = {.peek = peek, .took = took};

enum err_code
link_h2_head(struct upstream *up, const struct http_head *h)
{
    struct link *l = up->link;
    struct http_head head = *h;
    bool has_body = h->body == HTTP_BODY_CHUNKED ||
                    (h->body == HTTP_BODY_SIZED && h->length > 0) ||
                    h->upgrade.len > 0;

    head.scheme = l->io.tls ? SPAN("https") : SPAN("http");
    link_later(l);
    return h2_client_ask(l->h2, up->x->arena, &head, has_body ? &source : NULL,
                         up, &up->stream);
}

void
link_h2_body(struct upstream *up, span bytes)
{
    if (!up->stream)
        return;
    if (buf_len(&up->out) == 0)
        up->took_ms = loop_now_ms(up->link->worker->loop);
    buf_add(&up->out, bytes);
    if (buf_failed(&up->out))
        h2_reset(up->stream, H2_INTERNAL_ERROR);
    else
        h2_resume(up->stream);
    link_later(up->link);
}

void
link_h2_end(struct upstream *up, const struct fields *trailers)
{
    if (!up->stream)
        return;
    up->out_ends = true;
    up->trailers = trailers;
    h2_resume(up->stream);
    link_later(up->link);
}

/* ── what the server says ────────────────────────────────────────────────── */

static void
on_interim(void *conn, struct h2_stream *s, struct http_head *head)
{
    struct upstream *up = h2_stream_user(s);

    (void)conn;
    if (up)
        exchange_interim(up->x, head);
}

static void
on_answer(void *conn, struct h2_stream *s, struct http_head *head, bool ends)
{
    struct upstream *up = h2_stream_user(s);

    (void)conn;
    if (!up)
        return;
    exchange_answer(up->x, head);
    if (ends && up->x->up == up)
        exchange_answer_end(up->x, NULL);
}

/* Most answers end before it would matter; what is longer waits for nobody twice. */
static void
consume(struct upstream *up, size_t n)
{
    h2_consumed(up->stream, n);
    if (up->taken >= LINK_FIRST_WINDOW / 2)
        return;
    up->taken += n;
    if (up->taken >= LINK_FIRST_WINDOW / 2)
        h2_widen(up->stream, LINK_WIDE_WINDOW);
}

static void
on_body(void *conn, struct h2_stream *s, span bytes)
{
    struct upstream *up = h2_stream_user(s);

    (void)conn;
    if (up)
        exchange_answer_body(up->x, bytes);
    /* What is left of a seat that was given up, the session gives back. */
    if (!up || up->x->up != up)
        return;
    if (up->is_held)
        up->untaken += bytes.len;
    else
        consume(up, bytes.len);
}

static void
on_end(void *conn, struct h2_stream *s, struct fields *trailers)
{
    struct upstream *up = h2_stream_user(s);

    (void)conn;
    if (up)
        exchange_answer_end(up->x, trailers);
}

/* The seat without its stream, which ends or is ended elsewhere. */
static struct upstream *
unseat(struct h2_stream *s)
{
    struct upstream *up = h2_stream_user(s);

    h2_stream_set_user(s, NULL);
    if (up)
        up->stream = NULL;
    return up;
}

static void
on_bad_answer(void *conn, struct h2_stream *s, enum fault f)
{
    struct upstream *up = unseat(s);

    link_fault(link_of(conn), f);
    if (up)
        link_fail_seat(up, POOL_PROTOCOL);
}

static enum pool_failure
why_closed(const struct link *l, const struct h2_stream *s, uint32_t code,
           const struct exchange *x)
{
    if (x->answer)
        return h2_was_malformed(s) ? POOL_PROTOCOL : POOL_SHORT;
    if (code == H2_REFUSED_STREAM)
        return h2_was_reset(s) ? POOL_OVERLOAD : POOL_GOING;
    if (h2_was_malformed(s))
        return POOL_PROTOCOL;
    return l->state == LINK_DEAD ? l->why : POOL_RESET;
}

static void
on_close(void *conn, struct h2_stream *s, uint32_t code)
{
    struct link *l = link_of(conn);
    struct upstream *up = unseat(s);

    if (up) {
        /* All that this link fails may share what is dialled from now on. */
        if (l->refused_after == 0)
            l->refused_after = l->worker->upstreams->serial;
        up->x->not_before = l->refused_after;
        link_fail_seat(up, why_closed(l, s, code, up->x));
    }
    link_later(l);
}

static const struct h2_events events = {
    .interim = on_interim,
    .answer = on_answer,
    .bad_answer = on_bad_answer,
    .body = on_body,
    .end = on_end,
    .close = on_close,
};

/* ── seats ───────────────────────────────────────────────────────────────── */

bool
link_h2_has_room(const struct link *l)
{
    return h2_client_room(l->h2) > 0;
}

/* RFC 8441 §3: extended CONNECT not before the server has offered it. */
static bool
may_begin(const struct upstream *up)
{
    return !up->stream &&
           (!up->x->wants_tunnel || h2_client_has_settings(up->link->h2));
}

/* Who waits longest; they are few, and it is once a connection. */
static struct upstream *
longest_waiting(struct link *l)
{
    struct upstream *found = NULL;

    for (struct upstream *up = l->ups; up; up = up->next)
        if (may_begin(up))
            found = up;
    return found;
}

void
link_h2_tell(struct link *l)
{
    struct upstream *up;

    while (l->state == LINK_H2 && (up = longest_waiting(l))) {
        struct exchange *x = up->x;

        if (x->wants_tunnel && !h2_client_may_connect(l->h2)) {
            link_fail_seat(up, POOL_PROTOCOL);
        } else if (link_h2_has_room(l)) {
            exchange_connected(x); /* a stream, or no seat any more */
        } else {
            link_leave(up);
            upstream_ask(x);
        }
    }
}

void
link_h2_begin(struct link *l)
{
    l->h2 = h2_client_new(&l->worker->answer_h2_limits, &events, l);
    if (!l->h2) {
        link_close(l, POOL_BUSY);
        return;
    }
    l->state = LINK_H2;
    link_later(l);
    link_h2_tell(l);
}

void
link_h2_read(struct upstream *up, bool on)
{
    up->is_held = !on;
    if (!on || !up->untaken || !up->stream)
        return;
    consume(up, up->untaken);
    up->untaken = 0;
    link_later(up->link);
}

void
link_h2_release(struct upstream *up, bool is_whole)
{
    struct link *l = up->link;
    struct h2_stream *s = up->stream;

    if (s) {
        unseat(s);
        if (!is_whole || !h2_is_answered(s))
            h2_reset(s, H2_CANCEL);
    }
    link_leave(up);
    link_later(l);
}

/* ── bytes ───────────────────────────────────────────────────────────────── */

void
link_later(struct link *l)
{
    if (l->is_later || l->state == LINK_DEAD)
        return;
    l->is_later = true;
    l->next_later = l->worker->later_links;
    l->worker->later_links = l;
}

void
link_h2_feed(struct link *l, span in)
{
    /* H2_DONE shows again in the gather that follows. */
    if (h2_feed(l->h2, in, loop_now_ms(l->worker->loop)) == H2_FREED)
        return;
    l->endpoint->streams_max = h2_client_streams_max(l->h2);
    link_h2_tell(l);
    link_later(l);
}

/* About GATHER bytes of frames, or all there are, to the socket. */
static enum h2_step
send_some(struct link *l, size_t *n)
{
    struct worker *w = l->worker;
    enum h2_step step;
    size_t before;

    do {
        before = buf_len(&w->frames);
        step = h2_gather(l->h2, &w->frames, GATHER, loop_now_ms(w->loop));
    } while (step == H2_OK && buf_len(&w->frames) > before &&
             buf_len(&w->frames) < GATHER);
    *n = buf_len(&w->frames);
    io_put(&l->io, buf_span(&w->frames));
    io_flush(&l->io);
    buf_clear(&w->frames);
    return step;
}

static void
note_abuse(struct link *l)
{
    const char *limit = h2_limit_reached(l->h2);

    if (limit[0])
        limit_reached(l->worker, span_str(limit));
}

void
link_h2_gather(struct link *l)
{
    size_t high = l->worker->gen->limits.stream_high, n = 1;
    enum h2_step step = H2_OK;

    if (l->state != LINK_H2)
        return;
    /* Ends: as soon as nothing comes, or the socket is full. */
    while (n && step == H2_OK && io_waiting(&l->io) <= high)
        step = send_some(l, &n);
    if (step == H2_FREED || l->state != LINK_H2)
        return;
    if (step == H2_DONE)
        note_abuse(l);
    if (step == H2_DONE || (l->n_ups == 0 && !h2_client_is_open(l->h2)))
        link_close(l, POOL_RESET);
}

/* In good order: the server learns that nobody will ask any more. */
static void
say_goodbye(struct link *l)
{
    size_t n;

    h2_terminate(l->h2, H2_NO_ERROR);
    if (send_some(l, &n) != H2_FREED)
        link_close(l, POOL_RESET);
}

void
link_h2_look(struct link *l, uint64_t now, bool drains)
{
    const struct gen_limits *limits = &l->worker->gen->limits;

    if (l->state != LINK_H2)
        return;
    if (l->n_ups == 0) {
        bool is_old = now - l->since_ms >= limits->upstream_idle_ms;

        if (is_old)
            limit_came(l->worker, SPAN("upstream_idle_ms"));
        if (drains || is_old || link_is_stray(l))
            say_goodbye(l);
        return;
    }
    if (l->pinged_ms && now - l->pinged_ms >= limits->upstream_ping_ms) {
        limit_reached(l->worker, SPAN("upstream_ping_ms"));
        link_close(l, POOL_LATE);
    } else if (!l->pinged_ms && now - l->heard_ms >= limits->upstream_ping_ms) {
        l->pinged_ms = now;
        h2_client_ping(l->h2);
        link_later(l);
    }
}
