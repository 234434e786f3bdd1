/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/control/client.h"

#include "proxy/base/buf.h"
#include "proxy/http/h1.h"
#include "proxy/http/h1_write.h"
#include "proxy/http/target.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define ARENA_BYTES  ((size_t)1 << 20)
#define ANSWER_MAX   ((size_t)16 << 20)
#define REQUEST_MAX  ((size_t)1 << 20)
#define TIMEOUT_MS   30000u
#define AGAIN_NAP_MS 50 /* between tries while control is handed over */

/* One exchange under way. */
struct talk {
    const struct client_request *request;
    uint64_t deadline_ms;
    struct arena *arena;
    struct buf out, body;
    int fd;
    int status;        /* 0: no head yet */
    bool was_sent;     /* some of it: it may have been heard */
    struct feed *feed; /* of who watches; NULL: one answer is wanted */
    bool is_satisfied; /* the feed wants no more */
};

static uint64_t
now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static unsigned
timeout_of(const struct client_request *r)
{
    return r->timeout_ms ? r->timeout_ms : TIMEOUT_MS;
}

static enum err_code
too_late(const struct talk *t, struct err *e)
{
    return err_set(e, ERR_LIMIT, "%s: no answer in %u ms", t->request->socket,
                   timeout_of(t->request));
}

static enum err_code
cannot_connect(const char *socket, int error, struct err *e)
{
    switch (error) {
    case ENOENT:
    case ENOTDIR:
        return err_set(e, ERR_NOT_FOUND,
                       "%s: no such socket: is Stile running, and is this its "
                       "`admin.socket`?",
                       socket);
    case ECONNREFUSED:
    case ENOTSOCK:
        return err_set(e, ERR_CONFLICT,
                       "%s: nobody listens: Stile is not running", socket);
    case EACCES:
    case EPERM:
        return err_set(e, ERR_UNSUPPORTED,
                       "%s: permission denied: run this as root or as a member "
                       "of the socket's group",
                       socket);
    default:
        return err_set(e, ERR_IO, "%s: %s", socket, strerror(error));
    }
}

static enum err_code
dial(struct talk *t, struct err *e)
{
    const char *path = t->request->socket;
    struct sockaddr_un un = {.sun_family = AF_UNIX};

    if (strlen(path) >= sizeof(un.sun_path))
        return err_set(e, ERR_INVALID, "%s: too long for a socket's path",
                       path);
    memcpy(un.sun_path, path, strlen(path));
    t->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (t->fd < 0)
        return err_set(e, ERR_IO, "socket: %s", strerror(errno));
    /* A queue that is full says EAGAIN and cannot be waited for. */
    while (connect(t->fd, (const struct sockaddr *)&un, sizeof(un)) != 0) {
        if (errno != EAGAIN && errno != EINTR)
            return cannot_connect(path, errno, e);
        if (now_ms() >= t->deadline_ms)
            return too_late(t, e);
        (void)poll(NULL, 0, AGAIN_NAP_MS);
    }
    return OK;
}

static enum err_code
wait_for(const struct talk *t, short events, struct err *e)
{
    struct pollfd p = {.fd = t->fd, .events = events};
    uint64_t now = now_ms();

    if (now >= t->deadline_ms)
        return too_late(t, e);
    if (poll(&p, 1, (int)(t->deadline_ms - now)) < 0 && errno != EINTR)
        return err_set(e, ERR_IO, "poll: %s", strerror(errno));
    return OK; /* the call that follows says whether it was in vain */
}

static enum err_code
write_request(struct talk *t, struct err *e)
{
    const struct client_request *r = t->request;
    char *body = r->body ? json_dumps(r->body, JSON_COMPACT) : NULL;
    size_t body_len = body ? strlen(body) : 0;
    struct http_head head;

    if (r->body && !body)
        return err_set(e, ERR_LIMIT, "no memory for the request");
    head_init(&head, t->arena);
    head.method_token = span_str(r->method);
    head.method = method_of(head.method_token);
    head.path = span_str(r->path);
    span rest = head.path;
    head.path = span_cut(&rest, '?');
    head.query = rest;
    head.has_query = rest.len > 0;
    head.keep_alive = false;
    if (body) {
        head.body = HTTP_BODY_SIZED;
        head.has_length = true;
        head.length = body_len;
    }
    if (head_set_authority(&head, SPAN("admin")) ||
        (body &&
         head_add(&head, SPAN("Content-Type"), SPAN("application/json"))) ||
        (r->if_match &&
         head_add(&head, SPAN("If-Match"), span_str(r->if_match))) ||
        (r->key &&
         head_add(&head, SPAN("Idempotency-Key"), span_str(r->key))) ||
        (t->feed && t->feed->id[0] &&
         head_add(&head, SPAN("Last-Event-ID"), span_str(t->feed->id))) ||
        h1_write_request(&t->out, &head)) {
        free(body);
        return err_set(e, ERR_INVALID, "%s %s is no request", r->method,
                       r->path);
    }
    buf_add(&t->out, span_of(body, body_len));
    free(body);
    return buf_failed(&t->out)
               ? err_set(e, ERR_LIMIT, "the request is too long")
               : OK;
}

static enum err_code
send_request(struct talk *t, struct err *e)
{
    while (buf_len(&t->out) > 0) {
        span s = buf_span(&t->out);
        ssize_t n = send(t->fd, s.at, s.len, MSG_NOSIGNAL);
        t->was_sent |= n > 0;
        if (n > 0)
            buf_consume(&t->out, (size_t)n);
        else if (n < 0 && (errno == EPIPE || errno == ECONNRESET))
            return OK; /* it was refused early: the answer says why */
        else if (n < 0 && errno != EAGAIN && errno != EINTR)
            return err_set(e, ERR_IO, "%s: %s", t->request->socket,
                           strerror(errno));
        else if (wait_for(t, POLLOUT, e))
            return e->code;
    }
    return OK;
}

/* True: go on. */
static bool
take_events(struct talk *t, span bytes, struct err *e)
{
    t->deadline_ms = now_ms() + timeout_of(t->request); /* it is not silent */
    if (feed_take(t->feed, bytes))
        return true;
    t->is_satisfied = !feed_failed(t->feed);
    if (!t->is_satisfied)
        err_set(e, ERR_LIMIT, "%s: an event is larger than 1 MiB",
                t->request->socket);
    return false;
}

/* STEP by event: false once the answer has ended, well or not (then e->code). */
static bool
take_event(struct talk *t, enum h1_event event, const struct h1_out *out,
           struct err *e)
{
    switch (event) {
    case H1_HEAD:
        t->status = out->head->status;
        return true;
    case H1_BODY:
        if (t->feed && t->status == 200)
            return take_events(t, out->body, e);
        buf_add(&t->body, out->body);
        if (!buf_failed(&t->body))
            return true;
        err_set(e, ERR_LIMIT, "%s: the answer is larger than 16 MiB",
                t->request->socket);
        return false;
    case H1_ERROR:
        err_set(e, ERR_INVALID, "%s: what came is no answer of Stile's: %s",
                t->request->socket, fault_text(out->fault));
        return false;
    case H1_END:
        return false;
    case H1_MORE:
    case H1_INTERIM:
    case H1_TRAILERS:
        return true;
    }
    return true;
}

static enum err_code
read_answer(struct talk *t, struct h1 *parser, struct err *e)
{
    char bytes[16384];
    struct h1_out out;
    enum h1_event event = H1_MORE;

    e->code = OK;
    for (;;) { /* ends: the deadline, or the limit on the answer */
        ssize_t n = recv(t->fd, bytes, sizeof(bytes), 0);
        if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
            if (wait_for(t, POLLIN, e))
                return e->code;
            continue;
        }
        if (n < 0)
            return err_set(e, ERR_IO, "%s: %s", t->request->socket,
                           strerror(errno));
        span in = span_of(bytes, (size_t)n);
        if (n == 0) {
            event = h1_eof(parser, &out);
            if (event == H1_MORE)
                return err_set(e, ERR_INVALID, "%s: closed without an answer",
                               t->request->socket);
            (void)take_event(t, event, &out, e);
            return e->code;
        }
        while ((event = h1_next(parser, &in, &out)) != H1_MORE)
            if (!take_event(t, event, &out, e))
                return e->code;
    }
}

static enum err_code
parse_body(struct talk *t, struct client_answer *out, struct err *e)
{
    span body = buf_span(&t->body);
    json_error_t why;

    out->status = t->status;
    if (body.len == 0)
        return OK;
    out->body = json_loadb(body.at, body.len, 0, &why);
    if (!out->body && t->status < 400)
        return err_set(e, ERR_INVALID, "%s: the answer is no JSON: %s",
                       t->request->socket, why.text);
    return OK;
}

static enum err_code
exchange(struct talk *t, struct client_answer *out, struct err *e)
{
    struct h1 parser;
    enum err_code code;

    h1_init(&parser, H1_ANSWERS, &h1_limits_answer);
    h1_begin(&parser, t->arena);
    h1_expect(&parser, method_of(span_str(t->request->method)), false);
    code = write_request(t, e);
    if (code == OK)
        code = dial(t, e);
    if (code == OK)
        code = send_request(t, e);
    if (code == OK)
        code = read_answer(t, &parser, e);
    if (code == OK)
        code = parse_body(t, out, e);
    h1_fini(&parser);
    return code;
}

/* `t` has request, deadline and feed; what it was is left in it. */
static enum err_code
talk_once(struct talk *t, struct client_answer *out, struct err *e)
{
    enum err_code code = ERR_LIMIT;

    *out = (struct client_answer){0};
    t->fd = -1;
    t->arena = arena_new(ARENA_BYTES);
    buf_init(&t->out, REQUEST_MAX);
    buf_init(&t->body, ANSWER_MAX);
    if (t->arena)
        code = exchange(t, out, e);
    else
        err_set(e, ERR_LIMIT, "no memory for the request");
    if (t->fd >= 0)
        close(t->fd);
    buf_fini(&t->out);
    buf_fini(&t->body);
    arena_free(&t->arena);
    return code;
}

/*
 * 503 is said before anything was done (a handover, a full door). Who was cut
 * off does not know what was done; but with a key it is done once at most.
 */
static bool
may_ask_again(const struct talk *t, enum err_code code,
              const struct client_answer *out)
{
    bool is_cut = code == ERR_IO || code == ERR_INVALID;

    if (code == OK)
        return out->status == 503;
    return is_cut && t->request->key && t->was_sent && t->status == 0;
}

enum err_code
client_ask(const struct client_request *r, struct client_answer *out,
           struct err *e)
{
    unsigned timeout_ms = timeout_of(r);
    uint64_t deadline_ms = now_ms() + timeout_ms;
    uint64_t patience_ms = now_ms() + (timeout_ms < 2000 ? timeout_ms : 2000);

    for (;;) { /* ends: patience does */
        struct talk t = {.request = r, .deadline_ms = deadline_ms};
        enum err_code code = talk_once(&t, out, e);
        if (!may_ask_again(&t, code, out) || now_ms() >= patience_ms)
            return code;
        client_answer_fini(out);
        (void)poll(NULL, 0, AGAIN_NAP_MS);
    }
}

/* Nobody there, a stream that was cut: a restart may be all that it is. */
static bool
may_come_back(enum err_code code)
{
    return code == ERR_NOT_FOUND || code == ERR_CONFLICT || code == ERR_IO ||
           code == ERR_INVALID;
}

static enum err_code
watch_feed(const struct client_request *r, struct feed *f,
           struct client_answer *out, struct err *e)
{
    uint64_t until_ms = 0; /* a first one has to succeed at once */

    for (;;) { /* ends: the feed is satisfied, or patience ends */
        struct talk t = {
            .request = r, .deadline_ms = now_ms() + timeout_of(r), .feed = f};
        enum err_code code = talk_once(&t, out, e);
        if (t.is_satisfied) {
            client_answer_fini(out);
            return OK;
        }
        if (t.status == 200 && code != ERR_LIMIT)
            until_ms = now_ms() + timeout_of(r);
        bool is_full = code == OK && t.status == 503;
        if (now_ms() >= until_ms ||
            !(is_full || t.status == 200 || may_come_back(code)))
            return code;
        client_answer_fini(out);
        feed_restart(f);
        (void)poll(NULL, 0, AGAIN_NAP_MS);
    }
}

enum err_code
client_watch(const struct client_request *r, feed_fn fn, void *arg,
             struct client_answer *out, struct err *e)
{
    struct feed f;

    feed_init(&f, fn, arg);
    enum err_code code = watch_feed(r, &f, out, e);
    feed_fini(&f);
    return code;
}

void
client_answer_fini(struct client_answer *a)
{
    json_decref(a->body);
    *a = (struct client_answer){0};
}

const char *
client_answer_says(const struct client_answer *a)
{
    const char *text = json_string_value(json_object_get(a->body, "detail"));

    if (!text)
        text = json_string_value(json_object_get(a->body, "title"));
    return text ? text : "the daemon gave no reason";
}

const char *
client_path(struct arena *a, const char *prefix, const char *name)
{
    span rest = span_str(name), encoded;
    span path = arena_fmt(a, "%s", prefix);
    bool more = true;

    while (more && path.at) {
        more = span_find(rest, '/') >= 0;
        if (pct_encode(a, span_cut(&rest, '/'), &encoded))
            return NULL;
        path = arena_fmt(a, "%.*s%.*s%s", SPAN_FMT(path), SPAN_FMT(encoded),
                         more ? "/" : "");
    }
    return path.at;
}
