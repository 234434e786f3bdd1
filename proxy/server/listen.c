/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/server/listen.h"

#include "proxy/server/conn.h"
#include "proxy/server/limit.h"
#include "proxy/server/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#define BATCH      64   /* connections a wake-up: others have work, too */
#define BATCH_LATE 1024 /* likewise, when most of them hear no more than 503 */

static const char busy[] = "HTTP/1.1 503 Service Unavailable\r\n"
                           "Content-Type: application/problem+json\r\n"
                           "Content-Length: 81\r\n"
                           "Retry-After: 1\r\n"
                           "Connection: close\r\n"
                           "\r\n"
                           "{\"type\":\"about:blank\",\"title\":\"Service "
                           "Unavailable\",\"status\":503,\"limit\":\"busy\"}\n";

static void
turn_away(struct listener *l, int fd, const char *limit)
{
    struct worker *w = l->worker;

    limit_reached(w, span_str(limit));
    /* A fresh socket's buffer has room for this; if not, the close says it. */
    if (!w->gen->listeners[l->index].tls &&
        send(fd, busy, sizeof(busy) - 1, MSG_NOSIGNAL) > 0)
        shutdown(fd, SHUT_WR);
    /* A close on bytes that were not read is a reset, and would overtake it. */
    (void)!recv(fd, w->scratch, WORKER_SCRATCH, 0);
    close(fd);
}

/* No descriptor left: give the spare one up for as long as it takes. */
static void
turn_away_without_fd(struct listener *l)
{
    struct worker *w = l->worker;

    if (w->spare_fd < 0)
        return;
    close(w->spare_fd);
    int fd = accept4(l->watch.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0)
        turn_away(l, fd, "connections");
    /* A duplicate, as nothing may be opened in the sandbox. */
    w->spare_fd = fcntl(l->watch.fd, F_DUPFD_CLOEXEC, 0);
}

/*
 * Over TLS a refusal would cost a handshake, more than most requests. In clear it
 * is the request that is refused, and the connection kept: who asks again on it
 * costs a third of who has to be accepted, told and closed each time.
 */
static bool
is_too_late(const struct listener *l)
{
    struct worker *w = l->worker;

    return w->gen->listeners[l->index].tls && lateness_refuses(w);
}

static bool
accept_one(struct listener *l)
{
    struct worker *w = l->worker;
    struct sockaddr_storage peer;
    socklen_t len = sizeof(peer);
    struct sockaddr *address = (struct sockaddr *)&peer;
    int fd = accept4(l->watch.fd, address, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);

    if (fd < 0 && (errno == EMFILE || errno == ENFILE)) {
        turn_away_without_fd(l);
        return false;
    }
    if (fd < 0) /* ECONNABORTED and the like: that client is gone */
        return errno == ECONNABORTED || errno == EINTR;
    metrics_add(w->metrics, l->accepted_cell, 1);
    if (w->n_conns >= w->conns_max)
        turn_away(l, fd, "connections");
    else if (pressure_is_full(w))
        turn_away(l, fd, "memory_full_percent");
    else if (is_too_late(l))
        turn_away(l, fd, "late_ms");
    else if (w->gen->limits.accepts_a_second &&
             !counts_accept(&w->counts, w->gen->limits.accepts_a_second,
                            loop_clock_us()))
        turn_away(l, fd, "accepts_a_second");
    else
        conn_accept(w, l->index, fd, address, len);
    return true;
}

static void
on_ready(void *arg, unsigned ready)
{
    struct listener *l = arg;

    (void)ready;
    for (int i = 0, n = BATCH; i < n && accept_one(l); i++)
        if (l->worker->lateness.refuses)
            n = BATCH_LATE; /* who waits in the kernel's queue is told soon, too */
    worker_flush(l->worker);
}

/* Whoever is accepted inherits it, and needs no call of his own. */
static void
send_at_once(int fd, const struct gen_listener *gen)
{
    int one = 1;

    if (gen->at.path.len == 0)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
}

bool
listen_begin(struct worker *w)
{
    w->listeners =
        arena_array(w->arena, w->env->n_listeners, sizeof(*w->listeners));
    if (!w->listeners)
        return false;
    for (size_t i = 0; i < w->env->n_listeners; i++) {
        struct listener *l = &w->listeners[i];
        const struct env_listener *e = &w->env->listeners[i];

        l->worker = w;
        l->index = e->listener;
        send_at_once(e->fd, &w->gen->listeners[e->listener]);
        l->accepted_cell =
            metrics_cell(w->metrics, METRIC_ACCEPTED,
                         &w->gen->listeners[e->listener].at.text, 1);
        if (!watch_init(&l->watch, w->loop, e->fd, on_ready, l))
            return false;
        watch_read(&l->watch, true);
    }
    return true;
}

void
listen_end(struct worker *w)
{
    for (size_t i = 0; w->listeners && i < w->env->n_listeners; i++)
        watch_fini(&w->listeners[i].watch);
}
