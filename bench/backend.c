/* SPDX-License-Identifier: Apache-2.0 */
/*
 * backend: a small fast HTTP/1.1 server to put behind a proxy.
 *
 * One thread, one epoll. It answers GET /1k, /10k, /100k, /1m and /10m with JSON
 * lists of about that size (MessagePack with --msgpack), in turn one of several,
 * since a body that repeats is one that a branch predictor learns by heart; it
 * swallows any other body and says how long it was, serves files of --dir, and
 * with --shop keeps orders in memory. It trusts its clients: it is for
 * demonstrations, tests and measurements, on loopback.
 */
#include "bench/backend/answer.h"
#include "bench/backend/lists.h"
#include "bench/backend/shop.h"
#include "proxy/base/buf.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define IN_MAX  ((size_t)64 * 1024 * 1024)
#define SCRATCH ((size_t)256 * 1024)
#define EVENTS  256

enum state { AT_HEAD, AT_SIZED, AT_CHUNK_SIZE, AT_CHUNK, AT_CHUNK_END };

struct conn {
    int fd;
    enum state state;
    uint64_t left; /* of a sized body or of a chunk */
    uint64_t body_bytes;
    bool close, keeps_body, at_trailers;
    struct buf in;   /* what did not make a whole step */
    struct buf body; /* of a request that the shop stores */
    struct buf out;  /* made for this answer */
    span fixed;      /* the rest of an answer made at the start */
    char method[16];
    char path[1024];
};

static struct {
    const char *dir;
    bool is_shop;
    int epoll;
    char scratch[SCRATCH];
} server;

static void
answer_file(struct conn *c)
{
    char path[2048];
    struct buf text;
    int fd = -1;

    snprintf(path, sizeof(path), "%s%s", server.dir, c->path);
    if (!strstr(c->path, ".."))
        fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        answer_refuse(&c->out, c->method, "404 Not Found");
        return;
    }
    buf_init(&text, IN_MAX);
    for (;;) {
        char *p = buf_reserve(&text, SCRATCH);
        ssize_t n = p ? read(fd, p, SCRATCH) : -1;

        if (n <= 0)
            break;
        buf_commit(&text, (size_t)n);
    }
    close(fd);
    answer_write(&c->out, c->method, "200 OK", buf_span(&text));
    buf_fini(&text);
}
/* ── HTTP/1.1 ────────────────────────────────────────────────────────────── */

static void
answer_request(struct conn *c)
{
    span path = span_str(c->path);
    span route = span_cut(&path, '?');

    if (strcmp(c->method, "GET") == 0)
        c->fixed = lists_answer(c->path);
    if (c->fixed.len)
        return;
    if (strcmp(route.at, "/healthz") == 0) {
        answer_write(&c->out, c->method, "200 OK", SPAN("{}"));
    } else if (server.is_shop) {
        shop_answer(&c->out, c->method, route, buf_span(&c->body));
    } else if (server.dir) {
        answer_file(c);
    } else {
        char text[64];

        snprintf(text, sizeof(text), "{\"received\":%llu}",
                 (unsigned long long)c->body_bytes);
        answer_write(&c->out, c->method, "200 OK", span_str(text));
    }
}

static void
end_request(struct conn *c)
{
    answer_request(c);
    c->state = AT_HEAD;
    c->at_trailers = false;
    c->body_bytes = 0;
    buf_clear(&c->body);
}

static void
read_field(struct conn *c, span line, bool *is_chunked)
{
    span value = line, name = span_cut(&value, ':');

    value = span_trim(value);
    if (span_eq_nocase(name, SPAN("content-length")))
        span_to_u64(value, &c->left);
    else if (span_eq_nocase(name, SPAN("transfer-encoding")))
        *is_chunked = true;
    else if (span_eq_nocase(name, SPAN("connection")))
        c->close = span_eq_nocase(value, SPAN("close"));
}

/* A whole head at the front of `s`, `len` bytes with its empty line. */
static void
read_head(struct conn *c, span s, size_t len)
{
    span rest = span_of(s.at, len - 4), line = span_cut(&rest, '\r');
    span method = span_cut(&line, ' '), path = span_cut(&line, ' ');
    bool is_chunked = false;

    snprintf(c->method, sizeof(c->method), "%.*s", SPAN_FMT(method));
    snprintf(c->path, sizeof(c->path), "%.*s", SPAN_FMT(path));
    c->left = 0;
    while (rest.len) {
        rest = span_skip(rest, 1);
        read_field(c, span_cut(&rest, '\r'), &is_chunked);
    }
    c->keeps_body = server.is_shop;
    c->state = is_chunked ? AT_CHUNK_SIZE : AT_SIZED;
    if (!is_chunked && c->left == 0)
        end_request(c);
}

static size_t
take_body(struct conn *c, span s, enum state then)
{
    size_t n = s.len < c->left ? s.len : (size_t)c->left;

    if (c->keeps_body)
        buf_add(&c->body, span_take(s, n));
    c->left -= n;
    c->body_bytes += n;
    if (c->left == 0)
        c->state = then;
    if (c->left == 0 && then == AT_HEAD)
        end_request(c);
    return n;
}

static size_t
take_chunk_line(struct conn *c, span s, size_t len)
{
    char digits[32];

    snprintf(digits, sizeof(digits), "%.*s", SPAN_FMT(span_take(s, 17)));
    if (c->state == AT_CHUNK_END) {
        c->state = AT_CHUNK_SIZE;
    } else if (c->at_trailers) {
        if (len == 2)
            end_request(c);
    } else {
        c->left = strtoull(digits, NULL, 16);
        c->state = c->left ? AT_CHUNK : AT_CHUNK_SIZE;
        if (c->left == 0)
            c->at_trailers = true;
    }
    return len;
}

/* Bytes used of `s`; 0 if more are needed. */
static size_t
step(struct conn *c, span s)
{
    const char *end;

    if (!s.at)
        return 0;
    switch (c->state) {
    case AT_HEAD:
        end = memmem(s.at, s.len, "\r\n\r\n", 4);
        if (!end)
            return 0;
        read_head(c, s, (size_t)(end - s.at) + 4);
        return (size_t)(end - s.at) + 4;
    case AT_SIZED:
        return take_body(c, s, AT_HEAD);
    case AT_CHUNK:
        return take_body(c, s, AT_CHUNK_END);
    case AT_CHUNK_SIZE:
    case AT_CHUNK_END:
        end = memmem(s.at, s.len, "\r\n", 2);
        return end ? take_chunk_line(c, s, (size_t)(end - s.at) + 2) : 0;
    }
    return 0;
}

/* ── connections ─────────────────────────────────────────────────────────── */

static void
drop(struct conn *c)
{
    close(c->fd);
    buf_fini(&c->in);
    buf_fini(&c->body);
    buf_fini(&c->out);
    free(c);
}

static void
watch(struct conn *c, int op, uint32_t events)
{
    struct epoll_event e = {.events = events, .data.ptr = c};

    epoll_ctl(server.epoll, op, c->fd, &e);
}

/* False if the connection is gone; what cannot be sent now waits. */
static bool
flush(struct conn *c)
{
    while (buf_len(&c->out) || c->fixed.len) {
        span s = buf_len(&c->out) ? buf_span(&c->out) : c->fixed;
        ssize_t n = send(c->fd, s.at, s.len, MSG_NOSIGNAL);

        if (n < 0 && errno == EAGAIN)
            return true;
        if (n < 0)
            return false;
        if (buf_len(&c->out))
            buf_consume(&c->out, (size_t)n);
        else
            c->fixed = span_skip(c->fixed, (size_t)n);
    }
    return true;
}

static bool
is_waiting(const struct conn *c)
{
    return buf_len(&c->out) || c->fixed.len;
}

/* Take as many steps as the bytes allow; false if the connection is to go. */
static bool
advance(struct conn *c, span s)
{
    while (s.len && !is_waiting(c)) {
        size_t n = step(c, s);

        if (n == 0)
            break;
        s = span_skip(s, n);
        if (!flush(c) || (c->close && !is_waiting(c) && c->state == AT_HEAD))
            return false;
    }
    if (buf_len(&c->in))
        buf_consume(&c->in, buf_len(&c->in) - s.len);
    else
        buf_add(&c->in, s);
    if (is_waiting(c))
        watch(c, EPOLL_CTL_MOD, EPOLLOUT);
    return !buf_failed(&c->in);
}

static bool
on_readable(struct conn *c)
{
    ssize_t n = recv(c->fd, server.scratch, sizeof(server.scratch), 0);
    span s = {server.scratch, (size_t)(n > 0 ? n : 0)};

    if (n <= 0)
        return n < 0 && errno == EAGAIN;
    if (buf_len(&c->in) == 0)
        return advance(c, s);
    buf_add(&c->in, s);
    return advance(c, buf_span(&c->in));
}

static bool
on_writable(struct conn *c)
{
    if (!flush(c) || (c->close && !is_waiting(c)))
        return false;
    if (is_waiting(c))
        return true;
    watch(c, EPOLL_CTL_MOD, EPOLLIN);
    return advance(c, buf_span(&c->in));
}

static void
accept_all(int listener)
{
    for (;;) {
        /* epoll has the last one. NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        int one = 1;

        if (fd < 0)
            return;
        struct conn *c = calloc(1, sizeof(*c));
        if (!c)
            answer_die("calloc");
        c->fd = fd;
        buf_init(&c->in, IN_MAX);
        buf_init(&c->body, IN_MAX);
        buf_init(&c->out, IN_MAX);
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
        watch(c, EPOLL_CTL_ADD, EPOLLIN);
    }
}

static int
listen_at(uint16_t port)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons(port),
                             .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int one = 1;

    if (fd < 0)
        answer_die("socket");
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (bind(fd, (struct sockaddr *)&at, len) || listen(fd, 1024))
        answer_die("cannot listen");
    getsockname(fd, (struct sockaddr *)&at, &len);
    printf("listening on 127.0.0.1:%u\n", ntohs(at.sin_port));
    fflush(stdout);
    return fd;
}

static void
serve(int listener)
{
    struct epoll_event events[EVENTS],
        e = {.events = EPOLLIN, .data.ptr = NULL};

    server.epoll = epoll_create1(EPOLL_CLOEXEC);
    if (server.epoll < 0 ||
        epoll_ctl(server.epoll, EPOLL_CTL_ADD, listener, &e))
        answer_die("epoll");
    for (;;) {
        int n = epoll_wait(server.epoll, events, EVENTS, -1);

        for (int i = 0; i < n; i++) {
            struct conn *c = events[i].data.ptr;

            if (!c)
                accept_all(listener);
            else if (!(events[i].events & EPOLLOUT ? on_writable(c)
                                                   : on_readable(c)))
                drop(c);
        }
    }
}

int
main(int argc, char **argv)
{
    static const struct option options[] = {
        {"port", required_argument, NULL, 'p'},
        {"dir", required_argument, NULL, 'd'},
        {"shop", required_argument, NULL, 's'},
        {"seed", required_argument, NULL, 'f'},
        {"name", required_argument, NULL, 'n'},
        {"msgpack", no_argument, NULL, 'm'},
        {0}};
    uint64_t port = 0;

    for (int o; (o = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (o == 'p' && span_to_u64(span_str(optarg), &port) && port < 65536)
            continue;
        if (o == 'd')
            server.dir = optarg;
        else if (o == 's')
            server.is_shop = true;
        else if (o == 'f')
            shop_seed(optarg);
        else if (o == 'n')
            answer_name(optarg);
        else if (o == 'm')
            lists_pack();
        else {
            fputs("usage: backend [--port N] [--dir FOLDER] [--shop VERSION] "
                  "[--seed FILE] [--name NAME] [--msgpack]\n"
                  "--seed: one JSON document a line, each with an `id`\n",
                  stderr);
            return 2;
        }
    }
    signal(SIGPIPE, SIG_IGN);
    serve(listen_at((uint16_t)port));
}
