/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/super/orphan.h"

#include "proxy/observe/log.h"

#include <unistd.h>

/* One that is missing (its supervisor was older) is not sent, nor is the rest. */
static size_t
n_hello(const struct children *c)
{
    size_t n = 0;

    while (n < HELLO_FDS && c->hello[n] >= 0)
        n++;
    return n;
}

static enum err_code
tell_sockets(int home, const struct children_sockets *s, enum socket_use use,
             struct err *e)
{
    struct wire_msg msg = {.kind = WIRE_HELD_SOCKETS, .a = (uint64_t)use};

    if (s->n == 0)
        return OK;
    return wire_send(home, msg, span_of((const char *)&s->at, s->at_len),
                     s->fds, s->n, e);
}

static enum err_code
tell_listeners(int home, const struct children *c, struct err *e)
{
    for (size_t i = 0; i < c->gen->n_listeners; i++)
        if (tell_sockets(home, &c->listeners[i], SOCKET_CLIENTS, e))
            return e->code;
    if (tell_sockets(home, &c->observe, SOCKET_CONTROL, e) ||
        tell_sockets(home, &c->remote, SOCKET_CONTROL, e))
        return e->code;
    return tell_sockets(home, &c->admin, SOCKET_ADMIN, e);
}

static enum err_code
tell_files(int home, const struct children *c, struct err *e)
{
    struct wire_msg file = {.kind = WIRE_HELD_FILE};
    struct wire_msg stats = {.kind = WIRE_HELD_STATS};

    if (c->access_fd >= 0 &&
        wire_send(home, file, c->gen->access_log, &c->access_fd, 1, e))
        return e->code;
    return wire_send(home, stats, (span){0}, c->stats_fds, c->n, e);
}

static enum err_code
tell_workers(int home, const struct children *c, struct err *e)
{
    for (unsigned i = 0; i < c->n; i++) {
        const struct child *w = &c->workers[i];
        struct wire_msg msg = {
            .kind = WIRE_WORKER, .a = i, .b = (uint64_t)w->pid};
        if (w->pid && w->fd >= 0 &&
            wire_send(home, msg, (span){0}, &w->fd, 1, e))
            return e->code;
    }
    return OK;
}

static enum err_code
tell_all(int home, const struct children *c, enum home_role role,
         unsigned index, struct err *e)
{
    bool holds = role != HOME_WORKER;
    uint64_t flags = c->draining ? HOME_DRAINS : 0;
    struct wire_msg msg = {.kind = WIRE_HOME,
                           .a = c->number,
                           .b = (uint64_t)role | flags | HOME_AT(index)};

    if (wire_send(home, msg, (span){0}, c->hello, holds ? n_hello(c) : 0, e))
        return e->code;
    if (holds && (tell_listeners(home, c, e) || tell_files(home, c, e)))
        return e->code;
    if (role == HOME_LOADER && tell_workers(home, c, e))
        return e->code;
    return wire_tell(home, WIRE_HELD_ALL, c->gen->limits.drain_ms, 0, e);
}

/* A worker comes home when both above it died: that is rare enough. */
static struct {
    int fds[8];
    size_t n;
} spare;

void
orphan_make_sockets(void)
{
    int fd;

    while (spare.n < COUNT(spare.fds) && (fd = home_socket()) >= 0)
        spare.fds[spare.n++] = fd;
}

/* Connected, or -1. Only a worker keeps one that was not, for the next time. */
static int
call(const char *name, enum home_role role)
{
    bool keeps = role == HOME_WORKER;
    int fd = keeps ? (spare.n ? spare.fds[spare.n - 1] : -1) : home_socket();

    if (fd >= 0 && home_call(name, fd)) {
        spare.n -= keeps;
        return fd;
    }
    if (fd >= 0 && !keeps)
        close(fd);
    return -1;
}

int
orphan_come_home(const struct children *c, enum home_role role, unsigned index)
{
    struct err e = {0};
    int home = c->home[0] ? call(c->home, role) : -1;

    if (home < 0)
        return -1;
    if (tell_all(home, c, role, index, &e)) {
        log_error("not_home", "why=%s", e.text);
        close(home);
        return -1;
    }
    log_info("home", "generation=%lu", (unsigned long)c->number);
    return home;
}
