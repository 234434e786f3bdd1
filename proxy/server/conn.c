/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/server/conn.h"

#include "proxy/server/exchange.h"
#include "proxy/server/limit.h"
#include "proxy/server/tls.h"
#include "proxy/server/worker.h"

#include <assert.h>
#include <stdlib.h>
#include <unistd.h>

#define MAGIC     0x636f6e6eu
#define LINGER_MS ((uint64_t)2000)

static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
#define PREFACE (sizeof(preface) - 1)

struct conn *
conn_of(void *arg)
{
    struct conn *c = arg;

    assert(c->magic == MAGIC);
    return c;
}

/* ── states ──────────────────────────────────────────────────────────────── */

static uint64_t
nearest(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t
time_in(const struct conn *c, enum conn_state state)
{
    const struct gen_limits *l = &c->worker->gen->limits;

    switch (state) {
    case CONN_HANDSHAKE:
        return l->handshake_ms;
    case CONN_PROXY:
    case CONN_FRESH:
    case CONN_HEAD:
        return l->head_ms;
    case CONN_IDLE:
        return l->idle_h1_ms;
    case CONN_BUSY: /* how often its pace is looked at */
        return nearest(l->send_ms, l->send_window_ms);
    case CONN_H2: /* how often it is looked at */
        return nearest(nearest(l->head_ms, l->idle_h2_ms),
                       nearest(l->send_ms, l->send_window_ms));
    case CONN_LINGER:
        return LINGER_MS;
    case CONN_DEAD:
        break;
    }
    return 0;
}

static bool
is_step(enum conn_state from, enum conn_state to)
{
    switch (to) {
    case CONN_PROXY:
        return false;
    case CONN_HANDSHAKE:
        return from == CONN_PROXY;
    case CONN_FRESH:
        return from == CONN_HANDSHAKE || from == CONN_PROXY;
    case CONN_HEAD:
        return from == CONN_FRESH || from == CONN_IDLE;
    case CONN_BUSY:
        return from == CONN_HEAD;
    case CONN_IDLE:
        return from == CONN_BUSY;
    case CONN_H2:
        return from == CONN_FRESH || from == CONN_HANDSHAKE;
    case CONN_LINGER:
    case CONN_DEAD:
        return from != CONN_DEAD;
    }
    return false;
}

void
conn_enter(struct conn *c, enum conn_state state)
{
    assert(is_step(c->state, state));
    c->state = state;
    if (state == CONN_DEAD)
        timer_clear(&c->timer);
    else
        timer_set(&c->timer, c->worker->loop, time_in(c, state));
}

static void
count_open(struct conn *c, int64_t by)
{
    metrics_count(c->worker->metrics, METRIC_CONNECTIONS, by,
                  span_str(c->client.speaks));
}

static void
speak(struct conn *c, const char *what)
{
    count_open(c, -1);
    c->client.speaks = what;
    count_open(c, 1);
}

/* ── ends ────────────────────────────────────────────────────────────────── */

void
conn_close(struct conn *c, bool reset)
{
    struct worker *w = c->worker;

    if (c->state == CONN_DEAD)
        return;
    conn_enter(c, CONN_DEAD);
    counts_client_leave(&w->counts, c->counted_as);
    if (c->h2)
        conn_h2_gone(c);
    else
        conn_h1_gone(c);
    io_close(&c->io, reset);
    buf_fini(&c->ahead);
    count_open(c, -1);
    if (c->prev)
        c->prev->next = c->next;
    else
        w->conns = c->next;
    if (c->next)
        c->next->prev = c->prev;
    w->n_conns--;
    c->next_dead = w->dead_conns;
    w->dead_conns = c;
}

void
conn_linger(struct conn *c)
{
    if (c->state == CONN_LINGER || c->state == CONN_DEAD)
        return;
    conn_enter(c, CONN_LINGER);
    io_end(&c->io);
    io_flush(&c->io);
    if (!c->has_eof)
        conn_read(c, true);
    else if (io_waiting(&c->io) == 0)
        conn_close(c, false); /* nothing to wait for */
}

/* True: the client did not take what waits for it, and is closed. */
static bool
is_given_up(struct conn *c)
{
    struct worker *w = c->worker;
    enum pace_is pace = io_look(&c->io, &w->pace_rules);

    if (pace == PACE_WELL)
        return false;
    limit_reached(w, pace == PACE_STILL ? SPAN("send_ms") : SPAN("send_rate"));
    conn_close(c, true);
    return true;
}

static void
on_timer(void *arg)
{
    struct conn *c = conn_of(arg);
    struct worker *w = c->worker;

    if (is_given_up(c)) {
        worker_flush(w);
        return;
    }
    switch (c->state) {
    case CONN_HANDSHAKE:
        limit_reached(w, SPAN("handshake_ms"));
        conn_close(c, false);
        break;
    case CONN_PROXY:
    case CONN_FRESH:
        if (buf_len(&c->ahead))
            limit_reached(w, SPAN("head_ms"));
        else
            limit_came(w, SPAN("head_ms")); /* it has not begun */
        conn_close(c, false);
        break;
    case CONN_IDLE:
    case CONN_LINGER:
        /* A slow reader gets the end: a close here would cut it off, and one
         * that ends with the connection would look whole. */
        if (io_waiting(&c->io)) {
            timer_set(&c->timer, w->loop, time_in(c, c->state));
            break;
        }
        if (c->state == CONN_IDLE)
            limit_came(w, SPAN("idle_h1_ms"));
        conn_close(c, false);
        break;
    case CONN_HEAD:
        conn_h1_timeout(c);
        break;
    case CONN_BUSY:
        timer_set(&c->timer, w->loop, time_in(c, c->state));
        break;
    case CONN_H2:
        timer_set(&c->timer, w->loop, time_in(c, c->state));
        conn_h2_timeout(c);
        break;
    case CONN_DEAD:
        break;
    }
    worker_flush(w);
}

/* ── reading ─────────────────────────────────────────────────────────────── */

void
conn_read(struct conn *c, bool on)
{
    if (c->state != CONN_DEAD)
        watch_read(&c->io.watch, on && !c->has_eof);
}

void
conn_later(struct conn *c)
{
    if (c->is_later || c->state == CONN_DEAD)
        return;
    c->is_later = true;
    c->next_later = c->worker->later;
    c->worker->later = c;
}

static void
begin_h2(struct conn *c)
{
    conn_enter(c, CONN_H2);
    speak(c, c->io.tls ? "tls_h2" : "h2");
    conn_h2_begin(c);
}

/* h2 by prior knowledge, or h1: the first bytes tell. */
static void
feed_fresh(struct conn *c, span in)
{
    span all = in;

    if (buf_len(&c->ahead)) {
        buf_add(&c->ahead, in);
        all = buf_span(&c->ahead);
    }
    if (buf_failed(&c->ahead)) {
        conn_close(c, false);
        return;
    }
    size_t n = all.len < PREFACE ? all.len : PREFACE;
    if (!c->io.tls && all.at && memcmp(all.at, preface, n) == 0) {
        if (n < PREFACE) {
            if (buf_len(&c->ahead) == 0)
                buf_add(&c->ahead, in);
            if (buf_failed(&c->ahead))
                conn_close(c, false);
            return;
        }
        begin_h2(c);
    } else {
        speak(c, c->io.tls ? "tls_h1" : "h1");
        conn_h1_begin(c);
    }
    struct buf held = c->ahead;
    buf_init(&c->ahead, held.max);
    if (c->h2)
        conn_h2_feed(c, all);
    else if (c->state != CONN_DEAD)
        conn_h1_feed(c, all);
    worker_flush(c->worker);
    buf_fini(&held);
}

static void
end_handshake(struct conn *c)
{
    bool is_h2 = tls_is_h2(c->io.tls);

    metrics_count(c->worker->metrics, METRIC_HANDSHAKES, 1,
                  tls_is_resumed(c->io.tls) ? SPAN("resumed") : SPAN("full"));
    c->client.certificate = tls_certificate(c->io.tls);
    if (is_h2) {
        begin_h2(c);
        return;
    }
    conn_enter(c, CONN_FRESH);
}

static void
feed(struct conn *c, span in)
{
    switch (c->state) {
    case CONN_FRESH:
        feed_fresh(c, in);
        break;
    case CONN_HEAD:
    case CONN_BUSY:
    case CONN_IDLE:
        conn_h1_feed(c, in);
        break;
    case CONN_H2:
        conn_h2_feed(c, in);
        break;
    case CONN_PROXY:
    case CONN_HANDSHAKE:
    case CONN_LINGER: /* what still comes is not looked at */
    case CONN_DEAD:
        break;
    }
}

static void
at_eof(struct conn *c)
{
    c->has_eof = true;
    conn_read(c, false);
    switch (c->state) {
    case CONN_HEAD:
    case CONN_BUSY:
    case CONN_IDLE:
        conn_h1_eof(c);
        break;
    case CONN_LINGER:
        if (io_waiting(&c->io) == 0)
            conn_close(c, false);
        break;
    case CONN_H2:
        conn_h2_eof(c);
        break;
    case CONN_PROXY:
    case CONN_HANDSHAKE:
    case CONN_FRESH:
    case CONN_DEAD:
        conn_close(c, false);
        break;
    }
}

/* Who it is is known: TLS, or the first request. */
static void
begin(struct conn *c)
{
    struct worker *w = c->worker;

    if (!conn_peer_count(c))
        return;
    if (c->client.listener->tls &&
        !(c->io.tls = tls_new(&w->sealed_out, c->client.listener->tls)))
        conn_close(c, false);
    else if (c->state == CONN_PROXY)
        conn_enter(c, c->client.listener->tls ? CONN_HANDSHAKE : CONN_FRESH);
}

/* Whoever shows no certificate, or a wrong one, is told by an alert alone. */
static void
note_handshake_failed(struct conn *c)
{
    span at = c->client.listener->at.text;

    metrics_count(c->worker->metrics, METRIC_HANDSHAKES, 1, SPAN("failed"));
    log_info_limited(loop_now_ms(c->worker->loop), "handshake_failed", at,
                     "listener=%.*s peer=%.*s why=\"%s\"", SPAN_FMT(at),
                     SPAN_FMT(client_peer(&c->client)), tls_problem(c->io.tls));
}

static void
readable(struct conn *c)
{
    span in;

    if (c->state == CONN_PROXY) {
        if (conn_peer_read(c))
            begin(c);
        return;
    }
    enum io_got got = io_read(&c->io, &in, WORKER_SCRATCH);

    if (c->state == CONN_HANDSHAKE && got != IO_BROKEN &&
        tls_is_ready(c->io.tls))
        end_handshake(c);
    switch (got) {
    case IO_BYTES:
        feed(c, in);
        /* TLS's word for the end came with them: no read follows. */
        if (c->io.tls && !c->has_eof && tls_is_closed(c->io.tls))
            at_eof(c);
        break;
    case IO_LATER:
        break;
    case IO_END:
        at_eof(c);
        break;
    case IO_BROKEN:
        if (c->state == CONN_HANDSHAKE)
            note_handshake_failed(c);
        conn_close(c, false);
        break;
    }
}

static void
writable(struct conn *c)
{
    bool is_empty = io_drain(&c->io);

    if (c->state == CONN_LINGER) {
        if (is_empty && c->has_eof)
            conn_close(c, false);
        else if (is_empty)
            conn_enter(c, CONN_LINGER); /* its time begins now */
        return;
    }
    if (!is_empty && io_waiting(&c->io) > c->worker->gen->limits.stream_low)
        return;
    if (c->h2)
        conn_later(c);
    else
        conn_h1_drained(c);
}

static void
on_ready(void *arg, unsigned ready)
{
    struct conn *c = conn_of(arg);
    struct worker *w = c->worker;

    if (c->state == CONN_DEAD)
        return;
    if (c->io.is_broken)
        conn_close(c, false);
    else if (ready & LOOP_READ)
        readable(c);
    else
        writable(c);
    if (c->state != CONN_DEAD && c->io.is_broken)
        conn_close(c, false);
    worker_flush(w);
}

/* ── the beginning ───────────────────────────────────────────────────────── */

/*
 * Who has said all he wants by the time he is accepted is answered without the kernel
 * being asked to watch him: in a while it is, for an answer that takes long.
 */
static void
read_at_once(struct conn *c)
{
    watch_read_lazily(&c->io.watch);
    on_ready(c, LOOP_READ);
    if (c->state != CONN_DEAD && c->io.watch.wants_read &&
        !(c->state == CONN_BUSY && c->x->is_received))
        conn_read(c, true);
}

static void
link_conn(struct conn *c)
{
    struct worker *w = c->worker;

    c->next = w->conns;
    if (w->conns)
        w->conns->prev = c;
    w->conns = c;
    w->n_conns++;
}

void
conn_accept(struct worker *w, size_t listener, int fd,
            const struct sockaddr *peer, size_t peer_len)
{
    const struct gen_listener *gen = &w->gen->listeners[listener];
    struct conn *c = calloc(1, sizeof(*c));

    if (!c || !io_init(&c->io, w, fd, on_ready, c)) {
        free(c);
        close(fd);
        return;
    }
    c->magic = MAGIC;
    c->worker = w;
    c->client.listener = gen;
    c->state = gen->proxy_protocol ? CONN_PROXY
               : gen->tls          ? CONN_HANDSHAKE
                                   : CONN_FRESH;
    c->client.speaks = "fresh";
    timer_init(&c->timer, on_timer, c);
    buf_init(&c->ahead, 2 * WORKER_SCRATCH);
    h1_init(&c->h1, H1_REQUESTS, &w->request_limits);
    conn_peer_note(c, peer, peer_len);
    count_open(c, 1);
    link_conn(c);
    timer_set(&c->timer, w->loop, time_in(c, c->state));
    if (!gen->proxy_protocol)
        begin(c);
    else if (!c->client.is_trusted && c->client.has_address)
        conn_peer_refuse(c, "it comes from an address that is not trusted");
    /* In a crowd others are heard first. */
    if (c->state == CONN_FRESH && !w->lateness.refuses)
        read_at_once(c);
    else
        conn_read(c, true);
}
