/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/server/link.h"

#include "proxy/observe/log.h"
#include "proxy/server/limit.h"
#include "proxy/server/tls.h"
#include "proxy/server/worker.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAGIC 0x6c696e6bu

struct link *
link_of(void *arg)
{
    struct link *l = arg;

    assert(l->magic == MAGIC);
    return l;
}

/* ── lists and seats ─────────────────────────────────────────────────────── */

static void
unlist(struct link *l)
{
    if (l->prev)
        l->prev->next = l->next;
    else
        *l->list = l->next;
    if (l->next)
        l->next->prev = l->prev;
    l->prev = l->next = NULL;
    l->list = NULL;
}

void
link_list(struct link *l, struct link **list)
{
    if (l->list)
        unlist(l);
    if (!list)
        return;
    l->list = list;
    l->next = *list;
    if (*list)
        (*list)->prev = l;
    *list = l;
}

bool
link_seat(struct link *l, struct exchange *x)
{
    struct upstream *up = arena_alloc(x->arena, sizeof(*up));

    if (!up)
        return false;
    up->link = l;
    up->x = x;
    up->was_used = l->state == LINK_IDLE || l->state == LINK_H2;
    up->heard_n = l->heard_n;
    up->next = l->ups;
    if (l->ups)
        l->ups->prev = up;
    l->ups = up;
    l->n_ups++;
    x->up = up;
    buf_init(&up->out, SIZE_MAX / 4);
    endpoint_enter(l->endpoint);
    return true;
}

void
link_leave(struct upstream *up)
{
    struct link *l = up->link;

    if (up->prev)
        up->prev->next = up->next;
    else
        l->ups = up->next;
    if (up->next)
        up->next->prev = up->prev;
    if (--l->n_ups == 0)
        l->since_ms = loop_now_ms(l->worker->loop);
    up->x->up = NULL;
    buf_fini(&up->out);
    endpoint_leave(l->endpoint);
}

void
link_fail_seat(struct upstream *up, enum pool_failure f)
{
    struct exchange *x = up->x;

    x->was_stale = upstream_is_stale(up);
    /* A connection that died idle, or goes in good order, is no failure. */
    if (!x->was_stale && f != POOL_GOING)
        endpoint_failed(up->link->endpoint, pool_failure_word(f), false);
    if (!x->was_stale && f != POOL_GOING && f != POOL_OVERLOAD)
        endpoint_answered(up->link->endpoint, false);
    link_leave(up);
    exchange_failed(x, f);
}

/* ── the end ─────────────────────────────────────────────────────────────── */

static void
let_go(struct link *l)
{
    struct worker *w = l->worker;

    assert(l->state != LINK_DEAD);
    l->state = LINK_DEAD;
    link_list(l, NULL);
    io_close(&l->io, false);
    h1_fini(&l->h1);
    metrics_add(w->metrics, l->endpoint->pool->open_cell, -1);
    l->next = w->upstreams->dead;
    w->upstreams->dead = l;
}

void
link_close(struct link *l, enum pool_failure f)
{
    if (l->state == LINK_DEAD)
        return;
    let_go(l);
    l->why = f;
    h2_free(&l->h2); /* tells those who have streams */
    while (l->ups)
        link_fail_seat(l->ups, f);
}

void
link_fault(struct link *l, enum fault f)
{
    const char *limit = fault_limit(f);

    if (f == FAULT_HEAD_LARGE)
        limit = "answer_head_bytes"; /* a request's has another name */
    if (limit[0])
        limit_reached(l->worker, span_str(limit));
}

void
links_bury(struct upstreams *u)
{
    while (u->dead) {
        struct link *l = u->dead;

        u->dead = l->next;
        l->magic = 0;
        free(l);
    }
}

void
link_dial_failed(struct link *l, const char *kind, const struct upstream *late)
{
    struct endpoint *e = l->endpoint;
    struct upstream *up;

    bool has_another = address_failed(e, &l->to);

    endpoint_failed(e, kind, !has_another);
    let_go(l);
    while ((up = l->ups)) {
        struct exchange *x = up->x;

        if (!has_another)
            x->tried |= endpoint_bit(e);
        link_leave(up);
        if (up == late)
            exchange_failed(x, POOL_TIMEOUT);
        else
            upstream_ask(x);
    }
}

/* ── an endpoint that is elsewhere now, or drained ───────────────────────── */

bool
link_is_stray(struct link *l)
{
    struct endpoint *e = l->endpoint;

    if (l->looked_n != e->addresses.changes) {
        l->looked_n = e->addresses.changes;
        l->is_stray = endpoint_is_drained(e) || !address_is_known(e, &l->to);
    }
    return l->is_stray;
}

void
links_leave_strays(struct endpoint *e)
{
    for (struct link *l = e->idle, *next; l; l = next) {
        next = l->next;
        if (link_is_stray(l))
            link_close(l, POOL_RESET);
    }
}

/* ── from the dialling to the first request ──────────────────────────────── */

static bool
speaks_h2(const struct link *l)
{
    return l->io.tls ? tls_is_h2(l->io.tls)
                     : l->endpoint->pool->gen->http == GEN_HTTP_2;
}

/* h1 has room for one: who came first, the last of the list. */
static void
send_others_away(struct link *l)
{
    while (l->ups && l->ups->next) {
        struct exchange *x = l->ups->x;

        link_leave(l->ups);
        upstream_ask(x);
    }
}

static void
begin(struct link *l)
{
    struct endpoint *e = l->endpoint;

    watch_write(&l->io.watch, false);
    watch_read(&l->io.watch, true);
    l->heard_ms = loop_now_ms(l->worker->loop);
    endpoint_is_well(e);
    address_is_well(e, &l->to);
    /* What was dialled for a WebSocket was not asked for h2. */
    if (speaks_h2(l) || !l->ups->x->wants_tunnel)
        e->speaks_h2 = speaks_h2(l);
    if (speaks_h2(l)) {
        link_list(l, &e->shared);
        link_h2_begin(l);
        return;
    }
    link_list(l, NULL);
    l->state = LINK_H1;
    send_others_away(l);
    link_h1_begin(l);
}

/* Only the operator is told what is wrong with a certificate. */
static void
tell_tls(struct link *l, const char *why)
{
    struct endpoint *e = l->endpoint;

    log_warn_limited(loop_now_ms(l->worker->loop), "upstream_tls_failed",
                     e->gen->url, "pool=%.*s endpoint=%.*s why=\"%s\"",
                     SPAN_FMT(e->pool->gen->name), SPAN_FMT(e->gen->url), why);
}

static void
handshake_failed(struct link *l, const char *why)
{
    tell_tls(l, why);
    link_dial_failed(l, "tls", NULL);
}

static void
connected(struct link *l)
{
    if (!l->io.tls) {
        begin(l);
        return;
    }
    l->state = LINK_HANDSHAKE;
    watch_write(&l->io.watch, false);
    watch_read(&l->io.watch, true);
    if (tls_begin(l->io.tls))
        io_flush(&l->io);
    else
        handshake_failed(l, tls_problem(l->io.tls));
}

static void
dialled(struct link *l)
{
    int error = 0;
    socklen_t len = sizeof(error);

    getsockopt(l->io.watch.fd, SOL_SOCKET, SO_ERROR, &error, &len);
    if (error)
        link_dial_failed(l, "refused", NULL);
    else
        connected(l);
}

/*
 * A socket that is connected, or on its way (*is_late); -1: errno says why. An
 * address that refuses at once is followed by the next.
 */
static int
open_socket(struct endpoint *e, struct endpoint_address *as, bool *is_late)
{
    struct sockaddr_storage to;
    socklen_t len;
    int one = 1;

    for (size_t i = 0; i < ENDPOINT_ADDRESSES; i++) {
        if (!address_pick(e, &to, &len, as)) {
            errno = EHOSTUNREACH;
            return -1;
        }
        int fd =
            socket(to.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (fd < 0)
            return -1;
        if (to.ss_family != AF_UNIX)
            setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
        *is_late = connect(fd, (struct sockaddr *)&to, len) != 0;
        /* EAGAIN: a Unix socket whose queue is full. */
        if (!*is_late || errno == EINPROGRESS)
            return fd;
        close(fd);
        if (!address_failed(e, as))
            break;
    }
    errno = ECONNREFUSED;
    return -1;
}

/* Those who come while it is dialled wait for it, if it will have room for them. */
static bool
may_be_shared(const struct endpoint *e, bool is_h1)
{
    return !is_h1 && (e->pool->gen->http == GEN_HTTP_2 || e->speaks_h2);
}

static void on_ready(void *arg, unsigned ready);

static struct link *
new_link(struct endpoint *e, int fd, bool is_h1)
{
    struct upstreams *u = e->pool->upstreams;
    struct worker *w = u->worker;
    struct link *l = calloc(1, sizeof(*l));

    if (!l || !io_init(&l->io, w, fd, on_ready, l)) {
        free(l);
        close(fd);
        return NULL;
    }
    l->magic = MAGIC;
    l->worker = w;
    l->endpoint = e;
    l->state = LINK_DIALLING;
    l->serial = ++u->serial;
    l->looked_n = e->addresses.changes;
    h1_init(&l->h1, H1_ANSWERS, &w->answer_limits);
    metrics_add(w->metrics, e->pool->open_cell, 1);
    metrics_add(w->metrics, e->pool->connects_cell, 1);
    if (e->gen->is_tls &&
        !(l->io.tls = tls_new_client(&w->sealed_out, e->pool->gen->tls,
                                     endpoint_tls_name(e), &e->session))) {
        let_go(l);
        return NULL;
    }
    if (l->io.tls && is_h1)
        tls_offer_h1(l->io.tls);
    if (may_be_shared(e, is_h1))
        link_list(l, &e->shared);
    return l;
}

enum link_dial
link_dial(struct endpoint *e, struct exchange *x)
{
    struct endpoint_address as;
    bool is_late = false;
    int fd = open_socket(e, &as, &is_late);

    if (fd < 0)
        return errno == EMFILE || errno == ENFILE ? LINK_NO_ROOM : LINK_FAILED;
    bool is_h1 = x->wants_tunnel && e->pool->gen->http != GEN_HTTP_2;
    struct link *l = new_link(e, fd, is_h1);
    if (!l)
        return LINK_NO_ROOM;
    l->to = as;
    if (!link_seat(l, x)) {
        let_go(l);
        return LINK_NO_ROOM;
    }
    if (is_late)
        watch_write(&l->io.watch, true);
    else
        connected(l);
    return LINK_DIALLED;
}

struct link *
link_shared(struct endpoint *e, const struct exchange *x)
{
    struct link *l = e->shared;

    /* Before a server has told its limit, the last one it told is kept. */
    while (l &&
           (l->serial <= x->not_before || l->n_ups >= e->streams_max ||
            link_is_stray(l) || (l->state == LINK_H2 && !link_h2_has_room(l))))
        l = l->next;
    return l;
}

/* ── what comes ──────────────────────────────────────────────────────────── */

/*
 * Was it readable when it was taken? An end, or bytes that nobody had asked for:
 * the answer to another request is not passed for one to this.
 */
static bool
is_from_before(const struct link *l)
{
    return l->state == LINK_H1 && upstream_is_stale(l->ups) &&
           l->taken_in == loop_batch(l->worker->loop);
}

static void
feed(struct link *l, span in)
{
    l->heard_n++;
    l->heard_ms = loop_now_ms(l->worker->loop);
    l->pinged_ms = 0;
    if (l->state == LINK_H2)
        link_h2_feed(l, in);
    else
        link_h1_feed(l, in);
}

/* The word for the end may have come with the last bytes: no read follows. */
static void
feed_and_end(struct link *l, span in)
{
    feed(l, in);
    if (l->state == LINK_DEAD || !l->io.tls || !tls_is_closed(l->io.tls))
        return;
    if (l->state == LINK_H1)
        link_h1_ended(l, true);
    else
        link_close(l, POOL_RESET);
}

/* Without TLS's own word for an end, one may be an attacker's. */
static bool
is_good_end(const struct link *l, enum io_got got)
{
    return got == IO_END && (!l->io.tls || tls_is_closed(l->io.tls));
}

static void
readable(struct link *l)
{
    span in;
    /* What the client cannot take is left to the kernel. */
    size_t room =
        l->state == LINK_H1 ? exchange_room(l->ups->x) : WORKER_SCRATCH;
    enum io_got got = io_read(&l->io, &in, room);

    if (got == IO_LATER)
        return; /* half a record, or a session's ticket */
    /* In TLS 1.3 our certificate is refused after the handshake. */
    if (got == IO_BROKEN && l->io.tls && tls_problem(l->io.tls)[0])
        tell_tls(l, tls_problem(l->io.tls));
    bool is_unasked = l->state == LINK_IDLE || is_from_before(l);
    if (!is_unasked && got == IO_BYTES)
        feed_and_end(l, in);
    else if (!is_unasked && l->state == LINK_H1)
        link_h1_ended(l, is_good_end(l, got));
    else
        link_close(l, POOL_RESET); /* its end, or bytes nobody asked for */
}

static void
handshake(struct link *l)
{
    span in;
    enum io_got got = io_read(&l->io, &in, WORKER_SCRATCH);

    if (!tls_is_ready(l->io.tls) || got == IO_BROKEN || got == IO_END) {
        if (got != IO_LATER)
            handshake_failed(l, tls_problem(l->io.tls));
        return;
    }
    if (l->endpoint->pool->gen->http == GEN_HTTP_2 && !tls_is_h2(l->io.tls)) {
        handshake_failed(l, "it does not choose h2");
        return;
    }
    begin(l);
    /* A server may speak first: its SETTINGS came with the handshake's end. */
    if (got == IO_BYTES && l->state == LINK_H2)
        feed(l, in);
    else if (got == IO_BYTES)
        link_close(l, POOL_PROTOCOL);
}

static void
writable(struct link *l)
{
    bool is_empty = io_drain(&l->io);

    if (!is_empty && io_waiting(&l->io) > l->worker->gen->limits.stream_low)
        return;
    if (l->state == LINK_H2)
        link_later(l);
    else if (l->ups)
        exchange_pool_drained(l->ups->x);
}

static void
on_ready(void *arg, unsigned ready)
{
    struct link *l = link_of(arg);
    struct worker *w = l->worker;

    switch (l->state) {
    case LINK_DIALLING:
        dialled(l);
        break;
    case LINK_HANDSHAKE:
        if (l->io.is_broken)
            handshake_failed(l, tls_problem(l->io.tls));
        else if (ready & LOOP_READ)
            handshake(l);
        else
            io_drain(&l->io);
        break;
    case LINK_IDLE:
    case LINK_H1:
    case LINK_H2:
        if (l->io.is_broken && l->state == LINK_H1)
            link_h1_ended(l, false);
        else if (l->io.is_broken)
            link_close(l, POOL_RESET);
        else if (ready & LOOP_READ)
            readable(l);
        else
            writable(l);
        break;
    case LINK_DEAD:
        break;
    }
    worker_flush(w);
}
