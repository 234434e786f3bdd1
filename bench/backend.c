/* SPDX-License-Identifier: Apache-2.0 */
/*
 * backend: a small fast HTTP/1.1 server to put behind a proxy.
 *
 * One thread, one epoll. It answers GET /1k, /10k, /100k, /1m and /10m with JSON
 * lists of about that size (MessagePack with --msgpack), in turn one of several,
 * since a body that repeats is one that a branch predictor learns by heart; it
 * swallows any other body and says how long it was, serves files of --dir, and with --shop keeps orders in memory: documents that it
 * stores as they came and of which it reads `id` alone. It trusts its clients:
 * it is for demonstrations, tests and measurements, on loopback.
 */
#include "proxy/base/buf.h"
#include "proxy/base/map.h"
#include "translators/msgpack/pack.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define IN_MAX    ((size_t)64 * 1024 * 1024)
#define SCRATCH   ((size_t)256 * 1024)
#define ORDERS    256
#define LISTS     5
#define VARIANTS  16
#define EVENTS    256
#define DEPTH_MAX 32

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

/* Whole answers of one size. */
struct list {
    struct buf answers[VARIANTS];
    size_t next;
};

struct order {
    char id[128];
    struct buf document;
};

static struct {
    const char *dir, *shop, *seed, *name;
    bool packs; /* its lists are MessagePack */
    int epoll;
    char scratch[SCRATCH];
    struct list *lists[LISTS]; /* NULL before the first request */
    struct order orders[ORDERS];
    size_t n_orders, next_id;
} server;

static const struct {
    const char *path;
    size_t n_orders;
    size_t n_variants;
} lists[LISTS] = {{"/1k", 5, VARIANTS},
                  {"/10k", 58, VARIANTS},
                  {"/100k", 585, VARIANTS},
                  {"/1m", 5900, 4},
                  {"/10m", 59000, 1}};

static void
die(const char *what)
{
    perror(what);
    exit(1);
}

/* ── answers ─────────────────────────────────────────────────────────────── */

static void
head(struct buf *out, const char *status, const char *media, size_t length)
{
    buf_fmt(out, "HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n",
            status, media, length);
    if (server.name)
        buf_fmt(out, "X-Backend: %s\r\n", server.name);
    buf_str(out, "\r\n");
}

static void
answer(struct conn *c, const char *status, span body)
{
    bool is_problem = status[0] >= '4';

    head(&c->out, status,
         is_problem ? "application/problem+json" : "application/json",
         body.len);
    if (strcmp(c->method, "HEAD") != 0)
        buf_add(&c->out, body);
}

static void
refuse(struct conn *c, const char *status)
{
    char text[128];

    snprintf(text, sizeof(text), "{\"title\":\"%s\",\"status\":%.3s}",
             status + 4, status);
    answer(c, status, span_str(text));
}

/* xorshift: the same bodies in every run. */
static uint64_t
chance(uint64_t below)
{
    static uint64_t x = 88172645463325252u;

    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    return x % below;
}

static void
add_order(struct buf *b, bool first)
{
    static const char *const states[] = {"open", "paid", "void", "shipped"};
    static const char *const notes[] = {"null", "\"\"",
                                        "\"leave it at the door\"",
                                        "\"caf\303\251, 2nd floor\""};
    size_t lines = 1 + chance(2);

    buf_fmt(b,
            "%s{\"id\":\"ord_%06" PRIu64 "\",\"customer\":\"cus_%05" PRIu64
            "\",\"status\":\"%s\",\"total_cents\":%" PRIu64
            ",\"currency\":\"eur\",\"created\":%" PRIu64 ",\"lines\":[",
            first ? "" : ",", chance(1000000), chance(100000),
            states[chance(COUNT(states))], chance(100000),
            1700000000 + chance(90000000));
    for (size_t i = 0; i < lines; i++)
        buf_fmt(b, "%s{\"sku\":\"tea-%03" PRIu64 "\",\"quantity\":%" PRIu64 "}",
                i ? "," : "", chance(512), 1 + chance(20));
    buf_fmt(b, "],\"note\":%s}", notes[chance(COUNT(notes))]);
}

static void
pack_body(struct buf *body)
{
    struct arena *a = arena_new(IN_MAX);
    struct pack *k = a ? pack_new(a, IN_MAX) : NULL;

    if (!k || pack_feed(k, buf_span(body)) != PACK_OK)
        die("pack");
    buf_clear(body);
    if (pack_end(k, body) != PACK_OK)
        die("pack");
    arena_free(&a);
}

static struct list *
build_list(size_t k)
{
    struct list *list = calloc(1, sizeof(*list));

    if (!list)
        die("calloc");
    for (size_t v = 0; v < lists[k].n_variants; v++) {
        struct buf body;

        buf_init(&body, IN_MAX);
        buf_str(&body, "{\"data\":[");
        for (size_t i = 0; i < lists[k].n_orders; i++)
            add_order(&body, i == 0);
        buf_str(&body, "]}");
        if (server.packs)
            pack_body(&body);
        buf_init(&list->answers[v], IN_MAX);
        head(&list->answers[v], "200 OK",
             server.packs ? "application/msgpack" : "application/json",
             buf_len(&body));
        buf_add(&list->answers[v], buf_span(&body));
        buf_fini(&body);
    }
    return list;
}

static bool
answer_list(struct conn *c)
{
    for (size_t k = 0; k < LISTS; k++) {
        if (strcmp(c->path, lists[k].path) != 0)
            continue;
        if (!server.lists[k])
            server.lists[k] = build_list(k);
        struct list *list = server.lists[k];
        c->fixed = buf_span(&list->answers[list->next++ % lists[k].n_variants]);
        return true;
    }
    return false;
}

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
        refuse(c, "404 Not Found");
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
    answer(c, "200 OK", buf_span(&text));
    buf_fini(&text);
}

/* ── a little JSON: enough to find members, not to judge them ────────────── */

static size_t
skip_space(span s, size_t at)
{
    while (at < s.len && strchr(" \t\r\n,:", s.at[at]))
        at++;
    return at;
}

/* One past the value that begins at `at`. */
static size_t
skip_value(span s, size_t at)
{
    size_t depth = 0;

    for (bool in_text = false; at < s.len; at++) {
        char ch = s.at[at];

        if (in_text) {
            if (ch == '\\')
                at++;
            else if (ch == '"')
                in_text = false;
            if (!in_text && depth == 0)
                return at + 1;
        } else if (ch == '"') {
            in_text = true;
        } else if (ch == '{' || ch == '[') {
            depth++;
        } else if (ch == '}' || ch == ']') {
            if (depth == 0)
                return at;
            if (--depth == 0)
                return at + 1;
        } else if (depth == 0 && strchr(" \t\r\n,", ch)) {
            return at;
        }
    }
    return s.len;
}

/* The next member of an object after *at; false at its end. Starts with *at = 1. */
static bool
next_member(span object, size_t *at, span *key, span *value)
{
    size_t from = skip_space(object, *at);

    if (from >= object.len || object.at[from] != '"')
        return false;
    size_t end = skip_value(object, from);
    *key = span_of(object.at + from, end - from);
    from = skip_space(object, end);
    end = skip_value(object, from);
    *value = span_of(object.at + from, end - from);
    *at = end;
    return end > from;
}

static span
member(span object, span key)
{
    span k, v;

    for (size_t at = 1; next_member(object, &at, &k, &v);)
        if (span_eq(k, key))
            return v;
    return (span){0};
}

/* RFC 7396: `patch` on `target`. */
static void
/* NOLINTNEXTLINE(misc-no-recursion): a merge patch is defined by itself; bounded */
merge(struct buf *out, span target, span patch, unsigned depth)
{
    span k, v, empty = SPAN("{}");
    bool first = true;

    if (patch.len == 0 || patch.at[0] != '{' || depth == DEPTH_MAX) {
        buf_add(out, patch);
        return;
    }
    if (!target.at || target.len == 0 || target.at[0] != '{')
        target = empty;
    buf_byte(out, '{');
    for (size_t at = 1; next_member(target, &at, &k, &v);) {
        span change = member(patch, k);

        if (span_is(change, "null"))
            continue;
        buf_str(out, first ? "" : ",");
        first = false;
        buf_add(out, k);
        buf_byte(out, ':');
        if (change.len)
            merge(out, v, change, depth + 1);
        else
            buf_add(out, v);
    }
    for (size_t at = 1; next_member(patch, &at, &k, &v);) {
        if (span_is(v, "null") || member(target, k).len)
            continue;
        buf_str(out, first ? "" : ",");
        first = false;
        buf_add(out, k);
        buf_byte(out, ':');
        merge(out, (span){0}, v, depth + 1);
    }
    buf_byte(out, '}');
}

/* ── the shop ────────────────────────────────────────────────────────────── */

static struct order *
find_order(span id)
{
    for (size_t i = 0; i < server.n_orders; i++)
        if (span_is(id, server.orders[i].id))
            return &server.orders[i];
    return NULL;
}

static struct order *
make_order(span id)
{
    struct order *o = find_order(id);

    if (o || server.n_orders == ORDERS || id.len >= sizeof(o->id) || !id.at)
        return o;
    o = &server.orders[server.n_orders++];
    memcpy(o->id, id.at, id.len);
    buf_init(&o->document, IN_MAX);
    return o;
}

static void
store(struct order *o, span document)
{
    buf_clear(&o->document);
    buf_add(&o->document, document);
}

static span
id_of(span document)
{
    span id = member(document, SPAN("\"id\""));

    return id.len > 2 && id.at[0] == '"' ? span_of(id.at + 1, id.len - 2)
                                         : (span){0};
}

static void
list_orders(struct conn *c)
{
    struct buf list;

    buf_init(&list, IN_MAX);
    buf_str(&list, "{\"data\":[");
    for (size_t i = 0; i < server.n_orders; i++) {
        buf_str(&list, i ? "," : "");
        buf_add(&list, buf_span(&server.orders[i].document));
    }
    buf_str(&list, "]}");
    answer(c, "200 OK", buf_span(&list));
    buf_fini(&list);
}

static void
post_order(struct conn *c, span document)
{
    char made[32];
    struct buf whole;
    span id = id_of(document);

    buf_init(&whole, IN_MAX);
    if (id.len == 0 && document.len > 1) {
        snprintf(made, sizeof(made), "ord_%zu", ++server.next_id);
        id = span_str(made);
        buf_fmt(&whole, "{\"id\":\"%s\"%s", made,
                skip_space(document, 1) + 1 < document.len ? "," : "");
        buf_add(&whole, span_skip(document, 1));
        document = buf_span(&whole);
    }
    struct order *o = make_order(id);
    if (o) {
        store(o, document);
        answer(c, "201 Created", document);
    } else {
        refuse(c, "507 Insufficient Storage");
    }
    buf_fini(&whole);
}

static void
patch_order(struct conn *c, struct order *o, span patch)
{
    struct buf whole;

    buf_init(&whole, IN_MAX);
    merge(&whole, buf_span(&o->document), patch, 0);
    store(o, buf_span(&whole));
    answer(c, "200 OK", buf_span(&whole));
    buf_fini(&whole);
}

static void
answer_order(struct conn *c, span id, span body)
{
    bool puts = strcmp(c->method, "PUT") == 0;
    struct order *o = find_order(id);

    if (puts && body.len) {
        bool is_new = !o;

        o = make_order(id);
        if (!o) {
            refuse(c, "507 Insufficient Storage");
            return;
        }
        store(o, body);
        answer(c, is_new ? "201 Created" : "200 OK", body);
    } else if (!o) {
        refuse(c, "404 Not Found");
    } else if (strcmp(c->method, "PATCH") == 0) {
        patch_order(c, o, body);
    } else if (strcmp(c->method, "GET") == 0 ||
               strcmp(c->method, "HEAD") == 0) {
        answer(c, "200 OK", buf_span(&o->document));
    } else {
        refuse(c, "405 Method Not Allowed");
    }
}

static void
answer_shop(struct conn *c, span path, span body)
{
    span orders = SPAN("/orders"), one = SPAN("/orders/");

    if (span_starts(path, one) && path.len > one.len)
        answer_order(c, span_skip(path, one.len), body);
    else if (!span_eq(path, orders))
        refuse(c, "404 Not Found");
    else if (strcmp(c->method, "POST") == 0)
        post_order(c, body);
    else
        list_orders(c);
}

static void
seed(void)
{
    static char line[65536];
    FILE *f = fopen(server.seed, "r");

    if (!f)
        die(server.seed);
    while (fgets(line, sizeof(line), f)) {
        span document = span_str(line);

        while (document.len && document.at[document.len - 1] == '\n')
            document.len--;
        struct order *o = make_order(id_of(document));
        if (o)
            store(o, document);
    }
    fclose(f);
}

/* ── HTTP/1.1 ────────────────────────────────────────────────────────────── */

static void
answer_request(struct conn *c)
{
    span path = span_str(c->path);
    span route = span_cut(&path, '?');
    bool reads = strcmp(c->method, "GET") == 0;

    if (strcmp(route.at, "/healthz") == 0) {
        answer(c, "200 OK", SPAN("{}"));
    } else if (reads && answer_list(c)) {
        return;
    } else if (server.shop) {
        answer_shop(c, route, buf_span(&c->body));
    } else if (server.dir) {
        answer_file(c);
    } else {
        char text[64];

        snprintf(text, sizeof(text), "{\"received\":%llu}",
                 (unsigned long long)c->body_bytes);
        answer(c, "200 OK", span_str(text));
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
    c->keeps_body = server.shop != NULL;
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
            die("calloc");
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
        die("socket");
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (bind(fd, (struct sockaddr *)&at, len) || listen(fd, 1024))
        die("cannot listen");
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
        die("epoll");
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
            server.shop = optarg;
        else if (o == 'f')
            server.seed = optarg;
        else if (o == 'n')
            server.name = optarg;
        else if (o == 'm')
            server.packs = true;
        else {
            fputs("usage: backend [--port N] [--dir FOLDER] [--shop VERSION] "
                  "[--seed FILE] [--name NAME] [--msgpack]\n"
                  "--seed: one JSON document a line, each with an `id`\n",
                  stderr);
            return 2;
        }
    }
    signal(SIGPIPE, SIG_IGN);
    if (server.seed)
        seed();
    serve(listen_at((uint16_t)port));
}
