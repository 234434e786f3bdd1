/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/server/upstream.h"

#include "proxy/http/h1_write.h"
#include "proxy/server/endpoint.h"
#include "proxy/server/exchange.h"
#include "proxy/server/worker.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAGIC 0x75707374u

enum up_state { UP_DIALLING, UP_BUSY, UP_IDLE, UP_DEAD };

struct upstream {
    uint32_t magic;
    enum up_state state;
    struct worker *worker;
    struct endpoint *endpoint;
    struct exchange *x;
    struct io io;
    struct h1 h1;
    struct upstream *next, *prev; /* idle at its endpoint, or dead */
    uint64_t idle_since_ms;
    uint64_t taken_in; /* the batch of events */
    bool was_idle;     /* this exchange is not its first */
    bool has_spoken;   /* a byte came since it was taken */
    bool keeps;        /* the peer goes on after this answer */
    bool is_chunked;   /* the request under way */
};

static struct upstream *
upstream_of(void *arg)
{
    struct upstream *up = arg;

    assert(up->magic == MAGIC);
    return up;
}

/* ── life ────────────────────────────────────────────────────────────────── */

static void
unlink_idle(struct upstream *up)
{
    struct endpoint *e = up->endpoint;

    if (up->prev)
        up->prev->next = up->next;
    else
        e->idle = up->next;
    if (up->next)
        up->next->prev = up->prev;
    up->next = up->prev = NULL;
    e->n_idle--;
}

static void
close_upstream(struct upstream *up)
{
    struct worker *w = up->worker;

    assert(up->state != UP_DEAD);
    if (up->state == UP_IDLE)
        unlink_idle(up);
    else
        endpoint_leave(up->endpoint);
    if (up->x)
        up->x->up = NULL;
    up->x = NULL;
    up->state = UP_DEAD;
    io_close(&up->io, false);
    h1_fini(&up->h1);
    metrics_add(w->metrics, up->endpoint->pool->open_cell, -1);
    up->next = w->upstreams->dead;
    w->upstreams->dead = up;
}

void
upstreams_bury(struct upstreams *u)
{
    while (u->dead) {
        struct upstream *up = u->dead;

        u->dead = up->next;
        up->magic = 0;
        free(up);
    }
}

void
upstreams_sweep(struct upstreams *u, bool all)
{
    uint64_t now = loop_now_ms(u->worker->loop);
    uint64_t limit = u->worker->gen->limits.upstream_idle_ms;

    for (size_t i = 0; i < u->n_endpoints; i++)
        for (struct upstream *up = u->endpoints[i].idle, *next; up; up = next) {
            next = up->next;
            if (all || now - up->idle_since_ms >= limit)
                close_upstream(up);
        }
}

/* ── what comes ──────────────────────────────────────────────────────────── */

static void
fail(struct upstream *up, enum pool_failure f)
{
    struct exchange *x = up->x;

    if (x)
        x->was_stale = upstream_is_stale(up);
    if (!upstream_is_stale(up))
        endpoint_failed(up->endpoint, pool_failure_word(f), false);
    close_upstream(up);
    if (x)
        exchange_failed(x, f);
}

static void
answer_ended(struct upstream *up, const struct fields *trailers, bool reusable)
{
    if (!reusable)
        up->keeps = false;
    exchange_answer_end(up->x, trailers);
}

static void
feed(struct upstream *up, span in)
{
    struct h1_out out;
    const struct fields *trailers = NULL;

    up->has_spoken = true;
    while (up->state == UP_BUSY && up->x) {
        switch (h1_next(&up->h1, &in, &out)) {
        case H1_MORE:
            return;
        case H1_INTERIM:
            exchange_interim(up->x, out.head);
            break;
        case H1_HEAD:
            up->keeps =
                out.head->keep_alive && out.head->body != HTTP_BODY_UNTIL_CLOSE;
            exchange_answer(up->x, out.head);
            break;
        case H1_BODY:
            exchange_answer_body(up->x, out.body);
            break;
        case H1_TRAILERS:
            trailers = out.trailers;
            break;
        case H1_END:
            answer_ended(up, trailers, in.len == 0);
            return;
        case H1_ERROR:
            fail(up, POOL_PROTOCOL);
            return;
        }
    }
}

/* The peer's end. A reset is one that loses what was under way, always. */
static void
ended(struct upstream *up, bool in_good_order)
{
    struct h1_out out;

    if (!up->has_spoken) {
        fail(up, POOL_RESET);
        return;
    }
    if (in_good_order && h1_eof(&up->h1, &out) == H1_END)
        answer_ended(up, NULL, false);
    else
        fail(up, up->x && up->x->answer ? POOL_SHORT : POOL_RESET);
}

static void
readable(struct upstream *up)
{
    span in;

    switch (io_read(&up->io, &in, NULL)) {
    case IO_BYTES:
        feed(up, in);
        break;
    case IO_LATER:
        break;
    case IO_END:
        ended(up, true);
        break;
    case IO_BROKEN:
        ended(up, false);
        break;
    }
}

static void
connected(struct upstream *up)
{
    struct exchange *x = up->x;

    up->state = UP_BUSY;
    watch_write(&up->io.watch, false);
    watch_read(&up->io.watch, true);
    endpoint_is_well(up->endpoint);
    h1_begin(&up->h1, x->arena);
    h1_expect(&up->h1, x->request->method, false);
    exchange_connected(x);
}

static void dial_failed(struct upstream *up);

static void
dialled(struct upstream *up)
{
    int error = 0;
    socklen_t len = sizeof(error);

    getsockopt(up->io.watch.fd, SOL_SOCKET, SO_ERROR, &error, &len);
    if (error)
        dial_failed(up);
    else
        connected(up);
}

/*
 * Was it readable when it was taken? An end, or bytes that nobody had asked for:
 * the answer to another request is not passed for one to this.
 */
static bool
is_from_before(const struct upstream *up)
{
    return upstream_is_stale(up) &&
           up->taken_in == loop_batch(up->worker->loop);
}

static void
on_ready(void *arg, unsigned ready)
{
    struct upstream *up = upstream_of(arg);
    struct worker *w = up->worker;

    switch (up->state) {
    case UP_DIALLING:
        dialled(up);
        break;
    case UP_IDLE:
        close_upstream(up); /* an end, or bytes nobody asked for */
        break;
    case UP_BUSY:
        if (up->io.is_broken)
            ended(up, false);
        else if (ready & LOOP_READ && is_from_before(up))
            fail(up, POOL_RESET);
        else if (ready & LOOP_READ)
            readable(up);
        else if (io_drain(&up->io) ||
                 io_waiting(&up->io) <= w->gen->limits.stream_low)
            exchange_pool_drained(up->x);
        break;
    case UP_DEAD:
        break;
    }
    worker_flush(w);
}

/* ── asking ──────────────────────────────────────────────────────────────── */

static int
open_socket(const struct endpoint *e, struct sockaddr_storage *to,
            socklen_t *len)
{
    int fd, one = 1;

    if (!endpoint_address(e, to, len)) {
        errno = EHOSTUNREACH;
        return -1;
    }
    fd = socket(to->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd >= 0 && to->ss_family != AF_UNIX)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    return fd;
}

static struct upstream *
new_upstream(struct endpoint *e, int fd)
{
    struct worker *w = e->pool->upstreams->worker;
    struct upstream *up = calloc(1, sizeof(*up));

    if (!up || !io_init(&up->io, w, fd, on_ready, up)) {
        free(up);
        close(fd);
        return NULL;
    }
    up->magic = MAGIC;
    up->worker = w;
    up->endpoint = e;
    h1_init(&up->h1, H1_ANSWERS, &w->answer_limits);
    endpoint_enter(e);
    metrics_add(w->metrics, e->pool->open_cell, 1);
    metrics_add(w->metrics, e->pool->connects_cell, 1);
    return up;
}

enum dial { DIAL_DONE, DIAL_WAITS, DIAL_FAILED, DIAL_NO_ROOM };

static enum dial
dial(struct exchange *x, struct endpoint *e, struct upstream **out)
{
    struct sockaddr_storage to;
    socklen_t len;
    int fd = open_socket(e, &to, &len);

    if (fd < 0)
        return errno == EMFILE || errno == ENFILE ? DIAL_NO_ROOM : DIAL_FAILED;
    int error = connect(fd, (struct sockaddr *)&to, len) == 0 ? 0 : errno;
    /* EAGAIN: a Unix socket whose queue is full. */
    if (error && error != EINPROGRESS) {
        close(fd);
        return DIAL_FAILED;
    }
    *out = new_upstream(e, fd);
    if (!*out)
        return DIAL_NO_ROOM;
    (*out)->x = x;
    (*out)->state = UP_DIALLING;
    x->up = *out;
    if (error == 0)
        return DIAL_DONE;
    watch_write(&(*out)->io.watch, true);
    return DIAL_WAITS;
}

static void
take_idle(struct exchange *x, struct endpoint *e)
{
    struct upstream *up = e->idle;

    unlink_idle(up);
    endpoint_enter(e);
    up->x = x;
    up->was_idle = true;
    up->has_spoken = false;
    up->taken_in = loop_batch(x->worker->loop);
    x->up = up;
    connected(up);
}

void
upstream_ask(struct exchange *x)
{
    struct upstreams *u = x->worker->upstreams;

    /* One that fails leaves the choice, if it is not beyond the 64th: so count. */
    for (size_t n = x->decision.pool->n_endpoints + 1; n > 0; n--) {
        struct endpoint *e = endpoint_pick(u, x->decision.pool, x->tried);
        struct upstream *up = NULL;

        if (!e) {
            exchange_failed(x, x->tried ? POOL_REFUSED : POOL_NONE);
            return;
        }
        if (e->idle && !x->was_retried) {
            take_idle(x, e);
            return;
        }
        switch (dial(x, e, &up)) {
        case DIAL_DONE:
            connected(up);
            return;
        case DIAL_WAITS:
            return;
        case DIAL_NO_ROOM:
            exchange_failed(x, POOL_BUSY);
            return;
        case DIAL_FAILED:
            endpoint_failed(e, "refused", true);
            x->tried |= endpoint_bit(e);
            break;
        }
    }
    exchange_failed(x, POOL_REFUSED);
}

static void
dial_failed(struct upstream *up)
{
    struct exchange *x = up->x;

    endpoint_failed(up->endpoint, "refused", true);
    x->tried |= endpoint_bit(up->endpoint);
    close_upstream(up);
    upstream_ask(x);
}

void
upstream_give_up(struct upstream *up)
{
    struct exchange *x = up->x;
    struct endpoint *e = up->endpoint;

    endpoint_failed(e, "timeout", true);
    x->tried |= endpoint_bit(e);
    close_upstream(up);
    /* The connect time-out is for all tries together. */
    exchange_failed(x, POOL_TIMEOUT);
}

/* ── sending ─────────────────────────────────────────────────────────────── */

bool
upstream_head(struct upstream *up, const struct http_head *h)
{
    size_t mark;
    struct buf *b = worker_keep_begin(up->worker, &mark);

    up->is_chunked = h->body == HTTP_BODY_CHUNKED;
    if (h1_write_request(b, h) != OK || buf_failed(b))
        return false;
    io_put(&up->io, worker_keep_end(up->worker, mark));
    return true;
}

void
upstream_body(struct upstream *up, span bytes)
{
    size_t mark;

    if (bytes.len == 0)
        return;
    if (!up->is_chunked) {
        io_put(&up->io, bytes);
        return;
    }
    h1_write_chunk_open(worker_keep_begin(up->worker, &mark), bytes.len);
    io_put(&up->io, worker_keep_end(up->worker, mark));
    io_put(&up->io, bytes);
    h1_write_chunk_close(worker_keep_begin(up->worker, &mark));
    io_put(&up->io, worker_keep_end(up->worker, mark));
}

void
upstream_end(struct upstream *up, const struct fields *trailers)
{
    size_t mark;

    if (!up->is_chunked)
        return;
    h1_write_last_chunk(worker_keep_begin(up->worker, &mark), trailers);
    io_put(&up->io, worker_keep_end(up->worker, mark));
}

void
upstream_flush(struct upstream *up)
{
    io_flush(&up->io);
}

size_t
upstream_waiting(struct upstream *up)
{
    return io_backlog(&up->io, up->worker->gen->limits.stream_high);
}

uint64_t
upstream_took_ms(const struct upstream *up)
{
    return up->io.progress_ms; /* set as its queue began */
}

void
upstream_read(struct upstream *up, bool on)
{
    if (up->state == UP_BUSY)
        watch_read(&up->io.watch, on);
}

bool
upstream_is_stale(const struct upstream *up)
{
    return up->was_idle && !up->has_spoken;
}

span
upstream_authority(const struct upstream *up)
{
    return up->endpoint->gen->authority;
}

void
upstream_release(struct upstream *up, bool is_whole)
{
    struct endpoint *e = up->endpoint;
    struct worker *w = up->worker;

    if (up->x)
        up->x->up = NULL;
    up->x = NULL;
    if (!is_whole || up->state != UP_BUSY || !up->keeps || up->io.is_broken ||
        io_waiting(&up->io) || w->is_draining ||
        e->n_idle >= w->gen->limits.upstream_idle) {
        close_upstream(up);
        return;
    }
    endpoint_leave(e);
    up->state = UP_IDLE;
    up->idle_since_ms = loop_now_ms(w->loop);
    up->prev = NULL;
    up->next = e->idle;
    if (e->idle)
        e->idle->prev = up;
    e->idle = up;
    e->n_idle++;
    watch_read(&up->io.watch, true);
}
