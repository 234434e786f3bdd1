/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/control/check.h"

#include "proxy/http/h1_write.h"
#include "proxy/server/tls.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#define ARENA_BYTES ((size_t)256 * 1024)
#define READ_BYTES  ((size_t)16384)
#define SEND_BYTES  ((size_t)128 * 1024)

static void on_ready(void *arg, unsigned ready);
static void on_deadline(void *arg);

bool
check_init(struct check *c, struct loop *l, const struct gen_pool *pool,
           const struct gen_endpoint *endpoint, check_fn fn, void *arg)
{
    *c = (struct check){.loop = l,
                        .fn = fn,
                        .arg = arg,
                        .pool = pool,
                        .endpoint = endpoint,
                        .fd = -1};
    timer_init(&c->deadline, on_deadline, c);
    h1_init(&c->parser, H1_ANSWERS, &h1_limits_answer);
    buf_init(&c->out, SEND_BYTES);
    buf_init(&c->sealed, SEND_BYTES);
    c->arena = arena_new(ARENA_BYTES);
    return c->arena != NULL;
}

void
check_stop(struct check *c)
{
    timer_clear(&c->deadline);
    h2_free(&c->h2);
    tls_free(&c->tls);
    buf_clear(&c->out);
    buf_clear(&c->sealed);
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
    tls_forget_session(&c->session);
    h1_fini(&c->parser);
    buf_fini(&c->out);
    buf_fini(&c->sealed);
    arena_free(&c->arena);
}

/* Last of all: `fn` may start the next one. */
static void
tell(struct check *c, const char *said)
{
    check_stop(c);
    c->fn(c->arg, said[0] == '\0', said);
}

static void
judge(struct check *c, int status)
{
    char said[32] = "";

    if (status < 200 || status > 399)
        (void)snprintf(said, sizeof(said), "status %d", status);
    tell(c, said);
}

/* ── asking ──────────────────────────────────────────────────────────────── */

static bool
make_request(struct check *c, struct http_head *head)
{
    head_init(head, c->arena);
    head->method = METHOD_GET;
    head->method_token = method_token(METHOD_GET);
    head->scheme = c->tls ? SPAN("https") : SPAN("http");
    head->path = c->pool->check_path;
    head->keep_alive = false;
    return head_set_authority(head, c->endpoint->authority) == OK &&
           head_add(head, SPAN("User-Agent"), SPAN("stile-check")) == OK &&
           head_add(head, SPAN("Accept"), SPAN("*/*")) == OK;
}

static void
on_answer(void *conn, struct h2_stream *s, struct http_head *head, bool ends)
{
    (void)s, (void)ends;
    judge(conn, head->status);
}

static void
on_interim(void *conn, struct h2_stream *s, struct http_head *head)
{
    (void)conn, (void)s, (void)head; /* their number has a limit */
}

static void
on_bad_answer(void *conn, struct h2_stream *s, enum fault f)
{
    (void)s;
    tell(conn, fault_text(f));
}

static void
on_body(void *conn, struct h2_stream *s, span bytes)
{
    (void)conn, (void)s, (void)bytes;
}

static void
on_end(void *conn, struct h2_stream *s, struct fields *trailers)
{
    (void)conn, (void)s, (void)trailers;
}

/* Also of a check that was told and stopped: then it is of an older run. */
static void
on_close(void *conn, struct h2_stream *s, uint32_t code)
{
    struct check *c = conn;

    (void)code;
    if (c->h2 && c->h2 == h2_stream_session(s))
        tell(c, "the stream was reset");
}

static const struct h2_events events = {
    .interim = on_interim,
    .answer = on_answer,
    .bad_answer = on_bad_answer,
    .body = on_body,
    .end = on_end,
    .close = on_close,
};

static bool
ask_h2(struct check *c, const struct http_head *head)
{
    struct h2_stream *s;

    c->h2 = h2_client_new(&h2_limits_default, &events, c);
    return c->h2 && h2_client_ask(c->h2, c->arena, head, NULL, NULL, &s) == OK;
}

static bool
ask_h1(struct check *c, const struct http_head *head)
{
    h1_begin(&c->parser, c->arena);
    h1_expect(&c->parser, METHOD_GET, false);
    return h1_write_request(&c->out, head) == OK;
}

static void
ask(struct check *c)
{
    bool is_h2 = c->tls ? tls_is_h2(c->tls) : c->pool->http == GEN_HTTP_2;
    struct http_head head;

    c->has_asked = true;
    arena_reset(c->arena);
    if (!make_request(c, &head) ||
        !(is_h2 ? ask_h2(c, &head) : ask_h1(c, &head)))
        tell(c, "the check's request cannot be written");
}

/* ── bytes ───────────────────────────────────────────────────────────────── */

/* All there is to be sent goes into `sealed`. False: it cannot be. */
static bool
gather(struct check *c)
{
    uint64_t now = loop_now_ms(c->loop);

    if (c->h2 && h2_gather(c->h2, &c->out, SEND_BYTES / 2, now) == H2_FREED)
        return true; /* it has been told */
    span out = buf_span(&c->out);
    bool ok = true;
    if (!c->tls)
        buf_add(&c->sealed, out);
    else if (out.len)
        ok = tls_write(c->tls, &(struct iovec){(void *)c->out.bytes, out.len},
                       1);
    buf_clear(&c->out);
    return ok && !buf_failed(&c->sealed);
}

static void
push(struct check *c)
{
    unsigned run = c->run;

    if (!gather(c)) {
        tell(c, "the request cannot be sent");
        return;
    }
    span s = buf_span(&c->sealed);
    if (c->fd < 0 || c->run != run)
        return;
    ssize_t n = s.len ? send(c->fd, s.at, s.len, MSG_NOSIGNAL) : 0;
    if (n < 0 && errno != EAGAIN && errno != EINTR) {
        tell(c, strerror(errno));
        return;
    }
    buf_consume(&c->sealed, n > 0 ? (size_t)n : 0);
    watch_write(&c->watch, buf_len(&c->sealed) > 0);
    watch_read(&c->watch, true);
}

static void
connected(struct check *c)
{
    int error = 0;
    socklen_t size = sizeof(error);

    (void)getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error) {
        tell(c, strerror(error));
        return;
    }
    c->connected = true;
    if (!c->tls)
        ask(c);
    else if (!tls_begin(c->tls))
        tell(c, tls_problem(c->tls));
}

static void
feed_h1(struct check *c, span in)
{
    struct h1_out out;
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
feed(struct check *c, span in)
{
    unsigned run = c->run;

    if (c->h2 && h2_feed(c->h2, in, loop_now_ms(c->loop)) == H2_DONE &&
        c->run == run)
        tell(c, "the connection was ended");
    else if (!c->h2 && c->run == run && c->fd >= 0 && in.len)
        feed_h1(c, in);
}

/* Sealed bytes: a handshake's, or what is inside. */
static void
open_sealed(struct check *c, span sealed)
{
    static char opened[READ_BYTES];
    size_t n = 0;
    enum io_got got = tls_read(c->tls, sealed, opened, sizeof(opened), &n);

    if (got == IO_BROKEN) {
        tell(c, tls_problem(c->tls));
        return;
    }
    if (got == IO_END) {
        tell(c, "closed without an answer");
        return;
    }
    if (!c->has_asked && tls_is_ready(c->tls))
        ask(c);
    if (c->fd >= 0 && n)
        feed(c, span_of(opened, n));
}

static void
readable(struct check *c)
{
    char bytes[READ_BYTES];
    ssize_t n = recv(c->fd, bytes, sizeof(bytes), 0);

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0)
        tell(c, n < 0 ? strerror(errno) : "closed without an answer");
    else if (c->tls)
        open_sealed(c, span_of(bytes, (size_t)n));
    else
        feed(c, span_of(bytes, (size_t)n));
}

static void
on_ready(void *arg, unsigned ready)
{
    struct check *c = arg;
    unsigned run = c->run;

    if (!c->connected)
        connected(c);
    else if (ready & LOOP_READ)
        readable(c);
    if (c->fd >= 0 && c->run == run)
        push(c);
}

static void
on_deadline(void *arg)
{
    struct check *c = arg;

    tell(c, c->connected ? "no answer in time" : "no connection in time");
}

void
check_start(struct check *c, const struct sockaddr *address, socklen_t len,
            uint64_t timeout_ms)
{
    assert(c->fd < 0);
    c->run++;
    c->connected = c->has_asked = false;
    c->fd = socket(address->sa_family,
                   SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->fd < 0 || !watch_init(&c->watch, c->loop, c->fd, on_ready, c)) {
        tell(c, "no socket");
        return;
    }
    span name = c->pool->tls_name.len ? c->pool->tls_name : c->endpoint->host;
    if (c->endpoint->is_tls &&
        !(c->tls =
              tls_new_client(&c->sealed, c->pool->tls, name, &c->session))) {
        tell(c, "no memory for TLS");
        return;
    }
    if (connect(c->fd, address, len) != 0 && errno != EINPROGRESS) {
        tell(c, strerror(errno));
        return;
    }
    timer_set(&c->deadline, c->loop, timeout_ms);
    watch_write(&c->watch, true);
}
