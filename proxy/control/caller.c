/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/control/caller.h"

#include "proxy/http/h1_write.h"
#include "proxy/observe/log.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define ARENA_BYTES ((size_t)256 * 1024)

static const struct h1_limits limits = {
    .start_line_bytes = 4096,
    .line_bytes = 4096,
    .head_bytes = DOOR_HEAD_BYTES,
    .fields_n = 64,
    .connection_names = 8,
    .chunk_line_bytes = 64,
    .chunk_ext_bytes = 256,
    .chunk_digits = 8,
    .trailer_bytes = 1024,
    .trailer_fields_n = 8,
    .interim_n = 0,
};

/* ---------------------------------------------------------------------- an answer */

void
caller_close(struct caller *c)
{
    timer_clear(&c->deadline);
    watch_fini(&c->watch);
    cable_close(&c->cable);
    h1_fini(&c->parser);
    buf_fini(&c->body);
    buf_fini(&c->out);
    buf_fini(&c->answer.body);
    arena_free(&c->arena);
    c->state = CALLER_FREE;
}

void
caller_linger(struct caller *c)
{
    c->state = CALLER_LINGERING;
    watch_write(&c->watch, false);
    watch_read(&c->watch, true);
    timer_set(&c->deadline, c->loop, DOOR_LINGER_MS);
    if (!cable_shut(&c->cable))
        caller_close(c);
}

static bool
has_more(const struct caller *c)
{
    return cable_waits(&c->cable) || buf_len(&c->out) > 0 ||
           buf_len(&c->answer.body) > 0;
}

/* A stream is patient while its caller takes something. */
static void
rest_or_wait(struct caller *c, bool has_moved)
{
    bool waits = has_more(c);

    watch_write(&c->watch, waits);
    if (!waits)
        timer_clear(&c->deadline);
    else if (has_moved || !timer_is_set(&c->deadline))
        timer_set(&c->deadline, c->loop, c->spec->send_ms);
}

void
caller_send_some(struct caller *c)
{
    uint64_t before = c->cable.sent_bytes;

    if (!cable_send(&c->cable, &c->out) ||
        (buf_len(&c->out) == 0 && !cable_send(&c->cable, &c->answer.body)))
        caller_close(c);
    else if (c->state == CALLER_STREAMING)
        rest_or_wait(c, c->cable.sent_bytes > before);
    else if (!has_more(c))
        caller_linger(c);
}

/* What a handshake has to say goes out while the request comes in. */
static void
send_handshake(struct caller *c)
{
    struct buf none = {0};

    if (!cable_send(&c->cable, &none))
        caller_close(c);
    else
        watch_write(&c->watch, cable_waits(&c->cable));
}

static bool
write_head(struct caller *c)
{
    const struct door_answer *a = &c->answer;
    struct http_head head;
    bool is_head = c->head && c->head->method == METHOD_HEAD;
    char wait[16] = "";

    if (a->retry_after_s || a->status == 503)
        (void)snprintf(wait, sizeof(wait), "%u",
                       a->retry_after_s ? a->retry_after_s : 1);
    head_init_answer(&head, c->arena, a->status, buf_len(&a->body));
    head.keep_alive = false;
    if (a->streams) {
        head.body = HTTP_BODY_UNTIL_CLOSE;
        head.has_length = false;
    }
    if (is_head)
        head.body = HTTP_BODY_NONE;
    if (head_add(&head, SPAN("Content-Type"), span_str(a->content_type)) ||
        head_add(&head, SPAN("Cache-Control"), SPAN("no-store")) ||
        head_add(&head, SPAN("X-Content-Type-Options"), SPAN("nosniff")) ||
        (a->etag[0] && head_add(&head, SPAN("ETag"), span_str(a->etag))) ||
        (a->allow[0] && head_add(&head, SPAN("Allow"), span_str(a->allow))) ||
        (wait[0] && head_add(&head, SPAN("Retry-After"), span_str(wait))) ||
        (a->status == 401 &&
         head_add(&head, SPAN("WWW-Authenticate"), SPAN("Bearer"))) ||
        h1_write_answer(&c->out, &head, HTTP_1_1))
        return false;
    if (is_head)
        buf_clear(&c->answer.body);
    return true;
}

void
caller_begin_answer(struct caller *c)
{
    buf_clear(&c->answer.body);
    c->answer.status = 200;
    c->answer.content_type = "application/json";
    c->answer.etag[0] = '\0';
    c->answer.allow[0] = '\0';
    c->answer.streams = false;
    c->answer.retry_after_s = 0;
}

void
caller_send_answer(struct caller *c)
{
    if (buf_failed(&c->answer.body)) {
        caller_begin_answer(c);
        c->spec->fault(500, "the answer is larger than it may be", &c->answer);
    }
    if (buf_failed(&c->answer.body) || !write_head(c)) {
        caller_close(c); /* no memory to say anything */
        return;
    }
    /* A stream's caller is listened to: that it goes has to be heard. */
    c->state = c->answer.streams ? CALLER_STREAMING : CALLER_SENDING;
    watch_read(&c->watch, c->answer.streams);
    watch_write(&c->watch, true);
    timer_set(&c->deadline, c->loop, c->spec->send_ms);
    caller_send_some(c);
}

void
caller_refuse(struct caller *c, int status, const char *text)
{
    caller_begin_answer(c);
    c->spec->fault(status, text, &c->answer);
    caller_send_answer(c);
}

/* --------------------------------------------------------------------- a request */

static void
whole(struct caller *c)
{
    struct door_request r = {.head = c->head,
                             .body = buf_span(&c->body),
                             .is_local = c->is_local,
                             .uid = c->uid,
                             .pid = c->pid,
                             .address = c->address,
                             .certificate = cable_certificate(&c->cable)};

    timer_clear(&c->deadline);
    c->state = CALLER_WAITING;
    caller_begin_answer(c);
    /* It may have been answered, and be closed, when this comes back. */
    if (c->spec->fn(c->spec->arg, c->id, &r, &c->answer))
        caller_send_answer(c);
}

static void
take_head(struct caller *c, struct http_head *head)
{
    struct buf go_on;

    c->head = head;
    if (!head->expects_continue)
        return;
    buf_init(&go_on, 64);
    h1_write_continue(&go_on);
    /* So few bytes find room, or the caller does without them. */
    (void)!cable_send(&c->cable, &go_on);
    buf_fini(&go_on);
}

static void
parse(struct caller *c, span in)
{
    struct h1_out out;
    enum h1_event event;

    while ((event = h1_next(&c->parser, &in, &out)) != H1_MORE) {
        switch (event) {
        case H1_HEAD:
            take_head(c, out.head);
            break;
        case H1_BODY:
            buf_add(&c->body, out.body);
            break;
        case H1_END:
            whole(c);
            return;
        case H1_ERROR:
            caller_refuse(c, fault_status(out.fault), fault_text(out.fault));
            return;
        case H1_MORE:
        case H1_INTERIM:
        case H1_TRAILERS:
            break;
        }
        if (buf_failed(&c->body)) {
            caller_refuse(c, 413, "a body here has at most 16 KiB");
            return;
        }
    }
}

static void
read_some(struct caller *c)
{
    char bytes[CABLE_READ_BYTES];
    size_t n;
    enum io_got got = cable_read(&c->cable, bytes, &n);

    if (got == IO_END || got == IO_BROKEN)
        caller_close(c); /* also who waits for a late answer and has gone */
    else if (c->state == CALLER_READING && got == IO_LATER)
        watch_write(&c->watch, cable_waits(&c->cable));
    else if (c->state == CALLER_READING)
        parse(c, span_of(bytes, n));
}

static void
on_caller(void *arg, unsigned ready)
{
    struct caller *c = arg;

    if (c->state == CALLER_FREE)
        return;
    if (!(ready & LOOP_WRITE))
        read_some(c);
    else if (c->state == CALLER_READING || c->state == CALLER_WAITING)
        send_handshake(c);
    else
        caller_send_some(c);
}

static void
on_deadline(void *arg)
{
    struct caller *c = arg;

    if (c->state == CALLER_READING && h1_is_inside(&c->parser))
        caller_refuse(c, 408, "the request was not whole in time");
    else
        caller_close(c);
}

/* -------------------------------------------------------------------- who it is */

/*
 * A worker has no business here; one that comes was taken over. Its name is the
 * kernel's word: in the sandbox it can be changed by nobody.
 */
static bool
is_worker(pid_t pid)
{
    char path[64], name[32] = "";

    (void)snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, name, sizeof(name) - 1) : -1;
    if (fd >= 0)
        close(fd);
    return n > 0 && strncmp(name, "stile-worker", 12) == 0;
}

static void
ask_who(struct caller *c)
{
    struct ucred peer;
    socklen_t len = sizeof(peer);
    struct sockaddr_storage name = {0};
    socklen_t name_len = sizeof(name);

    c->is_local =
        getsockname(c->cable.fd, (struct sockaddr *)&name, &name_len) == 0 &&
        name.ss_family == AF_UNIX &&
        getsockopt(c->cable.fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0;
    c->uid = c->is_local ? peer.uid : (uid_t)-1;
    c->pid = c->is_local ? peer.pid : 0;
}

/* As the kernel has it: no header is believed here. */
static void
ask_where(struct caller *c)
{
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255};
    struct sockaddr_storage name = {0};
    socklen_t len = sizeof(name);

    if (getpeername(c->cable.fd, (struct sockaddr *)&name, &len) != 0)
        return;
    if (name.ss_family == AF_INET) {
        struct sockaddr_in v4;
        memcpy(&v4, &name, sizeof(v4));
        memcpy(c->address, mapped, sizeof(mapped));
        memcpy(c->address + sizeof(mapped), &v4.sin_addr, 4);
    } else if (name.ss_family == AF_INET6) {
        struct sockaddr_in6 v6;
        memcpy(&v6, &name, sizeof(v6));
        memcpy(c->address, &v6.sin6_addr, 16);
    }
}

/* The arena is there from the first byte: the fault of a head needs it too. */
void
caller_open(struct caller *c, struct loop *loop, const struct door_spec *spec,
            uint64_t id, int fd)
{
    *c = (struct caller){.loop = loop, .spec = spec, .id = id};
    c->arena = arena_new(ARENA_BYTES);
    if (!c->arena || !cable_open(&c->cable, fd, spec->tls) ||
        !watch_init(&c->watch, loop, fd, on_caller, c)) {
        arena_free(&c->arena);
        c->cable.fd = fd;
        cable_close(&c->cable);
        return;
    }
    c->state = CALLER_READING;
    timer_init(&c->deadline, on_deadline, c);
    h1_init(&c->parser, H1_REQUESTS, &limits);
    h1_begin(&c->parser, c->arena);
    buf_init(&c->body, DOOR_BODY_BYTES);
    buf_init(&c->out, DOOR_BODY_BYTES);
    buf_init(&c->answer.body, DOOR_ANSWER_BYTES);
    ask_who(c);
    ask_where(c);
    if (c->is_local && is_worker(c->pid)) {
        log_error("worker_at_the_door", "pid=%d", (int)c->pid);
        caller_close(c);
        return;
    }
    watch_read(&c->watch, true);
    timer_set(&c->deadline, loop, spec->whole_ms);
}
