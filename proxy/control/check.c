/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/control/check.h"

#include "proxy/http/h1_write.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#define ARENA_BYTES ((size_t)256 * 1024)
#define READ_BYTES  ((size_t)4096)

static void on_ready(void *arg, unsigned ready);
static void on_deadline(void *arg);

bool
check_init(struct check *c, struct loop *l, span authority, span path,
           check_fn fn, void *arg)
{
    *c = (struct check){.loop = l,
                        .fn = fn,
                        .arg = arg,
                        .authority = authority,
                        .path = path,
                        .fd = -1};
    timer_init(&c->deadline, on_deadline, c);
    h1_init(&c->parser, H1_ANSWERS, &h1_limits_answer);
    buf_init(&c->out, READ_BYTES * 4);
    c->arena = arena_new(ARENA_BYTES);
    return c->arena != NULL;
}

void
check_stop(struct check *c)
{
    timer_clear(&c->deadline);
    if (c->fd < 0)
        return;
    watch_fini(&c->watch);
    close(c->fd);
    c->fd = -1;
}

void
check_fini(struct check *c)
{
    check_stop(c);
    h1_fini(&c->parser);
    buf_fini(&c->out);
    arena_free(&c->arena);
}

/* Last of all: `fn` may start the next one. */
static void
tell(struct check *c, const char *said)
{
    check_stop(c);
    c->fn(c->arg, said[0] == '\0', said);
}

static bool
write_request(struct check *c)
{
    struct http_head head;

    arena_reset(c->arena);
    buf_clear(&c->out);
    head_init(&head, c->arena);
    head.method = METHOD_GET;
    head.method_token = method_token(METHOD_GET);
    head.path = c->path;
    head.keep_alive = false;
    if (head_set_authority(&head, c->authority) ||
        head_add(&head, SPAN("User-Agent"), SPAN("stile-check")) ||
        head_add(&head, SPAN("Accept"), SPAN("*/*")) ||
        h1_write_request(&c->out, &head))
        return false;
    h1_begin(&c->parser, c->arena);
    h1_expect(&c->parser, METHOD_GET, false);
    return true;
}

void
check_start(struct check *c, const struct sockaddr *address, socklen_t len,
            uint64_t timeout_ms)
{
    assert(c->fd < 0);
    if (!write_request(c)) {
        tell(c, "the check's request cannot be written");
        return;
    }
    c->connected = false;
    c->fd = socket(address->sa_family,
                   SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->fd < 0 || !watch_init(&c->watch, c->loop, c->fd, on_ready, c)) {
        tell(c, "no socket");
        return;
    }
    if (connect(c->fd, address, len) != 0 && errno != EINPROGRESS) {
        tell(c, strerror(errno));
        return;
    }
    timer_set(&c->deadline, c->loop, timeout_ms);
    watch_write(&c->watch, true);
}

static void
on_deadline(void *arg)
{
    struct check *c = arg;

    tell(c, c->connected ? "no answer in time" : "no connection in time");
}

static void
send_request(struct check *c)
{
    int error = 0;
    socklen_t size = sizeof(error);

    (void)getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error) {
        tell(c, strerror(error));
        return;
    }
    c->connected = true;
    span s = buf_span(&c->out);
    ssize_t n = send(c->fd, s.at, s.len, MSG_NOSIGNAL);
    if (n < 0 && errno != EAGAIN && errno != EINTR) {
        tell(c, strerror(errno));
        return;
    }
    buf_consume(&c->out, n > 0 ? (size_t)n : 0);
    if (buf_len(&c->out) == 0) {
        watch_write(&c->watch, false);
        watch_read(&c->watch, true);
    }
}

static void
judge(struct check *c, int status)
{
    char said[32] = "";

    if (status < 200 || status > 399)
        (void)snprintf(said, sizeof(said), "status %d", status);
    tell(c, said);
}

static void
read_answer(struct check *c)
{
    char bytes[READ_BYTES];
    ssize_t n = recv(c->fd, bytes, sizeof(bytes), 0);
    struct h1_out out;

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        tell(c, n < 0 ? strerror(errno) : "closed without an answer");
        return;
    }
    span in = span_of(bytes, (size_t)n);
    enum h1_event event;
    do
        event = h1_next(&c->parser, &in, &out);
    while (event == H1_INTERIM); /* their number has a limit */
    if (event == H1_HEAD)
        judge(c, out.head->status);
    else if (event == H1_ERROR)
        tell(c, fault_text(out.fault));
}

static void
on_ready(void *arg, unsigned ready)
{
    struct check *c = arg;

    if (ready & LOOP_WRITE)
        send_request(c);
    else
        read_answer(c);
}
