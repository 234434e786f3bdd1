/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/control/door.h"

#include "proxy/control/cable.h"
#include "proxy/http/h1_write.h"
#include "proxy/observe/log.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define ARENA_BYTES ((size_t)256 * 1024)
#define RETRY_MS    ((uint64_t)100) /* until accept is tried again */

enum caller_state {
    CALLER_FREE,    /* a place nobody has */
    CALLER_READING, /* its request is not whole */
    CALLER_WAITING, /* the handler answers later */
    CALLER_SENDING,
    CALLER_STREAMING, /* what there is was sent, or is; more may come */
    CALLER_LINGERING, /* all is sent: until the peer closes */
};

struct caller {
    struct door *door;
    uint64_t id;
    enum caller_state state;
    struct cable cable;
    struct watch watch;
    struct timer deadline;
    struct arena *arena;
    struct h1 parser;
    const struct http_head *head; /* once it came */
    struct buf body;
    struct buf out; /* the answer's head; its body comes after */
    struct door_answer answer;
    bool is_local;
    uid_t uid;
    pid_t pid;
    uint8_t address[16];
};

struct door {
    struct loop *loop;
    struct door_spec spec;
    struct watch watch;
    struct timer retry;
    bool open;
    uint64_t next_id;
    size_t n;
    struct caller callers[]; /* conns_max + streams_max of them */
};

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

static void on_caller(void *arg, unsigned ready);
static void on_deadline(void *arg);

/* ------------------------------------------------------------------ one caller */

static void
close_caller(struct caller *c)
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
    c->door->n--;
}

/* Our side is done. What the peer still sends is read and dropped, so that the
 * kernel does not answer it with a reset that overtakes the answer. */
static void
linger(struct caller *c)
{
    c->state = CALLER_LINGERING;
    watch_write(&c->watch, false);
    watch_read(&c->watch, true);
    timer_set(&c->deadline, c->door->loop, DOOR_LINGER_MS);
    if (!cable_shut(&c->cable))
        close_caller(c);
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
        timer_set(&c->deadline, c->door->loop, c->door->spec.send_ms);
}

static void
send_some(struct caller *c)
{
    uint64_t before = c->cable.sent_bytes;

    if (!cable_send(&c->cable, &c->out) ||
        (buf_len(&c->out) == 0 && !cable_send(&c->cable, &c->answer.body)))
        close_caller(c);
    else if (c->state == CALLER_STREAMING)
        rest_or_wait(c, c->cable.sent_bytes > before);
    else if (!has_more(c))
        linger(c);
}

/* What a handshake has to say goes out while the request comes in. */
static void
send_handshake(struct caller *c)
{
    struct buf none = {0};

    if (!cable_send(&c->cable, &none))
        close_caller(c);
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

static void
begin_answer(struct caller *c)
{
    buf_clear(&c->answer.body);
    c->answer.status = 200;
    c->answer.content_type = "application/json";
    c->answer.etag[0] = '\0';
    c->answer.allow[0] = '\0';
    c->answer.streams = false;
    c->answer.retry_after_s = 0;
}

static void
send_answer(struct caller *c)
{
    if (buf_failed(&c->answer.body)) {
        begin_answer(c);
        c->door->spec.fault(500, "the answer is larger than it may be",
                            &c->answer);
    }
    if (buf_failed(&c->answer.body) || !write_head(c)) {
        close_caller(c); /* no memory to say anything */
        return;
    }
    /* A stream's caller is listened to: that it goes has to be heard. */
    c->state = c->answer.streams ? CALLER_STREAMING : CALLER_SENDING;
    watch_read(&c->watch, c->answer.streams);
    watch_write(&c->watch, true);
    timer_set(&c->deadline, c->door->loop, c->door->spec.send_ms);
    send_some(c);
}

static void
refuse(struct caller *c, int status, const char *text)
{
    begin_answer(c);
    c->door->spec.fault(status, text, &c->answer);
    send_answer(c);
}

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
    begin_answer(c);
    /* It may have been answered, and be closed, when this comes back. */
    if (c->door->spec.fn(c->door->spec.arg, c->id, &r, &c->answer))
        send_answer(c);
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
            refuse(c, fault_status(out.fault), fault_text(out.fault));
            return;
        case H1_MORE:
        case H1_INTERIM:
        case H1_TRAILERS:
            break;
        }
        if (buf_failed(&c->body)) {
            refuse(c, 413, "a body here has at most 16 KiB");
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
        close_caller(c); /* also who waits for a late answer and has gone */
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
        send_some(c);
}

static void
on_deadline(void *arg)
{
    struct caller *c = arg;

    if (c->state == CALLER_READING && h1_is_inside(&c->parser))
        refuse(c, 408, "the request was not whole in time");
    else
        close_caller(c);
}

/* -------------------------------------------------------------------- the door */

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
    size_t n_streams = 0;

    for (size_t i = 0; i < places(d); i++) {
        if (d->callers[i].state == CALLER_FREE)
            free = &d->callers[i];
        else if (d->callers[i].state == CALLER_STREAMING)
            n_streams++;
    }
    return d->n < d->spec.conns_max + n_streams ? free : NULL;
}

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
static void
take_in(struct door *d, struct caller *c, int fd)
{
    *c = (struct caller){.door = d, .id = ++d->next_id};
    c->arena = arena_new(ARENA_BYTES);
    if (!c->arena || !cable_open(&c->cable, fd, d->spec.tls) ||
        !watch_init(&c->watch, d->loop, fd, on_caller, c)) {
        arena_free(&c->arena);
        c->cable.fd = fd;
        cable_close(&c->cable);
        return;
    }
    c->state = CALLER_READING;
    d->n++;
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
        close_caller(c);
        return;
    }
    watch_read(&c->watch, true);
    timer_set(&c->deadline, d->loop, d->spec.whole_ms);
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
        take_in(d, c, fd);
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
            close_caller(&d->callers[i]);
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
            refuse(c, 503, "control is being handed over; ask again");
        else if (c->state == CALLER_STREAMING)
            linger(c);
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
    begin_answer(c);
    return &c->answer;
}

void
door_answer_send(struct door *d, uint64_t id)
{
    struct caller *c = find(d, id, CALLER_WAITING);

    assert(c);
    send_answer(c);
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
        close_caller(c);
    else if (c)
        send_some(c);
}

void
door_stream_end(struct door *d, uint64_t id)
{
    struct caller *c = find(d, id, CALLER_STREAMING);

    if (c)
        linger(c);
}

size_t
door_n(const struct door *d)
{
    return d->n;
}
