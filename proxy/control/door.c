/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/control/door.h"

#include "proxy/control/caller.h"
#include "proxy/observe/log.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define RETRY_MS ((uint64_t)100) /* until accept is tried again */

struct door {
    struct loop *loop;
    struct door_spec spec;
    struct watch watch;
    struct timer retry;
    bool open;
    uint64_t next_id;
    struct caller callers[]; /* conns_max + streams_max of them */
};

static size_t
places(const struct door *d)
{
    return d->spec.conns_max + d->spec.streams_max;
}

/* NULL: as many callers as may be wait for an answer. */
static struct caller *
free_place(struct door *d)
{
    struct caller *free = NULL;
    size_t n = 0;

    for (size_t i = 0; i < places(d); i++) {
        if (d->callers[i].state == CALLER_FREE)
            free = &d->callers[i];
        else if (d->callers[i].state != CALLER_STREAMING)
            n++;
    }
    return n < d->spec.conns_max ? free : NULL;
}

static void
turn_away(struct door *d, int fd)
{
    static const char text[] = "HTTP/1.1 503 Service Unavailable\r\n"
                               "Content-Length: 0\r\n"
                               "Retry-After: 1\r\n"
                               "Connection: close\r\n\r\n";

    if (!d->spec.tls) /* to who waits for a handshake it says nothing */
        (void)send(fd, text, sizeof(text) - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
    close(fd);
    log_warn_limited(loop_now_ms(d->loop), "door_full", SPAN("door"), "max=%zu",
                     d->spec.conns_max);
}

static void
on_listener(void *arg, unsigned ready)
{
    struct door *d = arg;

    (void)ready;
    int fd = accept4(d->spec.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
        if (errno == EMFILE || errno == ENFILE || errno == ENOMEM ||
            errno == ENOBUFS) {
            watch_read(&d->watch, false); /* else it would spin */
            timer_set(&d->retry, d->loop, RETRY_MS);
        }
        return;
    }
    struct caller *c = free_place(d);
    if (c)
        caller_open(c, d->loop, &d->spec, ++d->next_id, fd);
    else
        turn_away(d, fd);
}

static void
on_retry(void *arg)
{
    struct door *d = arg;

    watch_read(&d->watch, d->open);
}

enum err_code
door_new(struct loop *l, const struct door_spec *spec, struct door **out,
         struct err *e)
{
    struct door *d =
        calloc(1, sizeof(*d) + (spec->conns_max + spec->streams_max) *
                                   sizeof(struct caller));

    *out = NULL;
    if (!d)
        return err_set(e, ERR_LIMIT, "no memory for a door");
    d->loop = l;
    d->spec = *spec;
    if (!d->spec.whole_ms)
        d->spec.whole_ms = DOOR_WHOLE_MS;
    if (!d->spec.send_ms)
        d->spec.send_ms = DOOR_SEND_MS;
    timer_init(&d->retry, on_retry, d);
    if (!watch_init(&d->watch, l, spec->fd, on_listener, d)) {
        free(d);
        return err_set(e, ERR_LIMIT, "no memory for a door");
    }
    *out = d;
    return OK;
}

void
door_free(struct door **door)
{
    struct door *d = *door;

    if (!d)
        return;
    for (size_t i = 0; i < places(d); i++)
        if (d->callers[i].state != CALLER_FREE)
            caller_close(&d->callers[i]);
    timer_clear(&d->retry);
    watch_fini(&d->watch);
    free(d);
    *door = NULL;
}

void
door_open(struct door *d)
{
    d->open = true;
    watch_read(&d->watch, true);
}

void
door_shut(struct door *d)
{
    d->open = false;
    timer_clear(&d->retry);
    watch_read(&d->watch, false);
}

bool
door_is_quiet(const struct door *d)
{
    for (size_t i = 0; i < places(d); i++)
        if (d->callers[i].state == CALLER_READING)
            return false;
    return true;
}

void
door_turn_out(struct door *d)
{
    for (size_t i = 0; i < places(d); i++) {
        struct caller *c = &d->callers[i];
        if (c->state == CALLER_READING)
            caller_refuse(c, 503, "control is being handed over; ask again");
        else if (c->state == CALLER_STREAMING)
            caller_linger(c);
    }
}

static struct caller *
find(struct door *d, uint64_t id, enum caller_state state)
{
    for (size_t i = 0; i < places(d); i++)
        if (d->callers[i].state == state && d->callers[i].id == id)
            return &d->callers[i];
    return NULL;
}

struct door_answer *
door_answer_begin(struct door *d, uint64_t id)
{
    struct caller *c = find(d, id, CALLER_WAITING);

    if (!c)
        return NULL;
    caller_begin_answer(c);
    return &c->answer;
}

void
door_answer_send(struct door *d, uint64_t id)
{
    struct caller *c = find(d, id, CALLER_WAITING);

    assert(c);
    caller_send_answer(c);
}

struct buf *
door_stream(struct door *d, uint64_t id)
{
    struct caller *c = find(d, id, CALLER_STREAMING);

    return c ? &c->answer.body : NULL;
}

void
door_stream_send(struct door *d, uint64_t id)
{
    struct caller *c = find(d, id, CALLER_STREAMING);

    if (c && buf_failed(&c->answer.body))
        caller_close(c);
    else if (c)
        caller_send_some(c);
}

void
door_stream_end(struct door *d, uint64_t id)
{
    struct caller *c = find(d, id, CALLER_STREAMING);

    if (c)
        caller_linger(c);
}

size_t
door_n(const struct door *d)
{
    size_t n = 0;

    for (size_t i = 0; i < places(d); i++)
        n += d->callers[i].state != CALLER_FREE;
    return n;
}
