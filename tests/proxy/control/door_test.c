/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The door with a handler of ours in a thread, and callers with raw bytes here.
 */
#include "proxy/control/door.h"
#include "tests/proxy/control/files.h"
#include "tests/test.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct bell {
    struct files files;
    struct door_spec spec;
    int orders
        [2]; /* a byte: l answer who waits, s shut, t turn out, e an event to
                      the last stream, E its end, n is he there (y), q quit */
    pthread_t thread;
    /* The thread's alone. */
    struct loop *loop;
    struct door *door;
    struct watch watch;
    uint64_t late_id, stream_id;
};

static bool
on_request(void *arg, uint64_t id, const struct door_request *r,
           struct door_answer *out)
{
    struct bell *b = arg;

    if (span_is(r->head->path, "/late")) {
        b->late_id = id;
        return false;
    }
    if (span_is(r->head->path, "/stream")) {
        b->stream_id = id;
        out->content_type = "text/event-stream";
        out->streams = true;
        buf_str(&out->body, "first\n");
        return true;
    }
    if (span_is(r->head->path, "/long"))
        for (size_t i = 0; i < 1000000; i++)
            buf_str(&out->body, "0123456789");
    if (span_is(r->head->path, "/endless"))
        for (size_t i = 0; i < DOOR_ANSWER_BYTES / 10 + 1; i++)
            buf_str(&out->body, "0123456789");
    buf_fmt(&out->body, "%s uid=%u body=%zu\n", r->is_local ? "local" : "far",
            (unsigned)r->uid, r->body.len);
    (void)snprintf(out->etag, sizeof(out->etag), "\"5\"");
    return true;
}

static void
on_fault(int status, const char *text, struct door_answer *out)
{
    out->status = status;
    buf_str(&out->body, text);
}

static void
answer_late(struct bell *b)
{
    struct door_answer *out = door_answer_begin(b->door, b->late_id);

    if (!out)
        return;
    out->status = 202;
    buf_str(&out->body, "late");
    door_answer_send(b->door, b->late_id);
}

static void
send_event(struct bell *b)
{
    struct buf *out = door_stream(b->door, b->stream_id);

    if (!out)
        return;
    buf_str(out, "event\n");
    door_stream_send(b->door, b->stream_id);
}

static void
on_order(void *arg, unsigned ready)
{
    struct bell *b = arg;
    char order = 'q';

    (void)ready;
    if (read(b->orders[0], &order, 1) != 1 || order == 'q')
        loop_stop(b->loop);
    else if (order == 'l')
        answer_late(b);
    else if (order == 's')
        door_shut(b->door);
    else if (order == 't')
        door_turn_out(b->door);
    else if (order == 'e')
        send_event(b);
    else if (order == 'E')
        door_stream_end(b->door, b->stream_id);
    else if (order == 'n')
        order = door_stream(b->door, b->stream_id) ? 'y' : 'n';
    /* Said back when it is done. */
    if (write(b->orders[0], &order, 1) != 1)
        loop_stop(b->loop);
}

static void *
serve(void *arg)
{
    struct bell *b = arg;
    struct err e;

    b->loop = loop_new();
    if (!b->loop || door_new(b->loop, &b->spec, &b->door, &e) ||
        !watch_init(&b->watch, b->loop, b->orders[0], on_order, b))
        abort();
    watch_read(&b->watch, true);
    door_open(b->door);
    loop_run(b->loop, NULL, NULL);
    door_free(&b->door);
    watch_fini(&b->watch);
    loop_free(&b->loop);
    return NULL;
}

static void
bell_hang(struct bell *b, size_t conns_max, uint64_t whole_ms, uint64_t send_ms)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};

    *b = (struct bell){0};
    files_make(&b->files);
    (void)snprintf(un.sun_path, sizeof(un.sun_path), "%s",
                   files_path(&b->files, "door.sock"));
    b->spec = (struct door_spec){.conns_max = conns_max,
                                 .streams_max = 4,
                                 .whole_ms = whole_ms,
                                 .send_ms = send_ms,
                                 .fn = on_request,
                                 .fault = on_fault,
                                 .arg = b};
    b->spec.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    assert_int_equal(bind(b->spec.fd, (struct sockaddr *)&un, sizeof(un)), 0);
    assert_int_equal(listen(b->spec.fd, 64), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, b->orders), 0);
    assert_int_equal(pthread_create(&b->thread, NULL, serve, b), 0);
}

static void
bell_make(struct bell *b, size_t conns_max, uint64_t whole_ms)
{
    bell_hang(b, conns_max, whole_ms, 0);
}

static void
order(struct bell *b, char what)
{
    char said = 0;

    assert_int_equal(write(b->orders[1], &what, 1), 1);
    assert_int_equal(read(b->orders[1], &said, 1), 1);
    assert_int_equal(said, what);
}

/* Is there still a stream? */
static bool
streams(struct bell *b)
{
    char said = 'n';

    assert_int_equal(write(b->orders[1], &said, 1), 1);
    assert_int_equal(read(b->orders[1], &said, 1), 1);
    return said == 'y';
}

static void
bell_remove(struct bell *b)
{
    order(b, 'q');
    assert_int_equal(pthread_join(b->thread, NULL), 0);
    close(b->spec.fd);
    close(b->orders[0]);
    close(b->orders[1]);
    files_remove(&b->files);
}

static int
caller(const struct bell *b)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    struct timeval patience = {.tv_sec = 10};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    (void)snprintf(un.sun_path, sizeof(un.sun_path), "%s",
                   files_path(&b->files, "door.sock"));
    assert_int_equal(connect(fd, (struct sockaddr *)&un, sizeof(un)), 0);
    assert_int_equal(
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)),
        0);
    return fd;
}

static void
say(int fd, span s)
{
    /* Who was refused in the middle of it hears why all the same. */
    if (send(fd, s.at, s.len, MSG_NOSIGNAL) < 0)
        assert_int_equal(errno, EPIPE);
}

/* All that comes until it is closed; fails if that takes 10 s. */
static size_t
hear(int fd, char *out, size_t size)
{
    size_t len = 0;
    ssize_t n;

    while ((n = recv(fd, out + len, size - 1 - len, 0)) > 0)
        len += (size_t)n;
    assert_true(n == 0 || errno == ECONNRESET);
    out[len] = '\0';
    close(fd);
    return len;
}

static const char *
talk(const struct bell *b, span s)
{
    static char answer[65536];
    int fd = caller(b);

    say(fd, s);
    hear(fd, answer, sizeof(answer));
    return answer;
}

TEST(a_whole_request_is_answered_once_and_the_connection_closed)
{
    struct bell b;
    char expected[64];

    bell_make(&b, 8, 0);
    const char *answer = talk(&b, SPAN("PUT /x HTTP/1.1\r\nHost: admin\r\n"
                                       "Content-Length: 3\r\n\r\nabc"));
    assert_non_null(strstr(answer, "HTTP/1.1 200 OK\r\n"));
    assert_non_null(strstr(answer, "Connection: close\r\n"));
    assert_non_null(strstr(answer, "ETag: \"5\"\r\n"));
    (void)snprintf(expected, sizeof(expected), "\r\n\r\nlocal uid=%u body=3\n",
                   (unsigned)getuid());
    assert_non_null(strstr(answer, expected));

    answer = talk(&b, SPAN("HEAD /x HTTP/1.1\r\nHost: admin\r\n\r\n"));
    assert_non_null(strstr(answer, "Content-Length: "));
    assert_null(strstr(answer, "local uid"));

    answer = talk(&b, SPAN("PUT /x HTTP/1.1\r\nHost: a\r\nExpect: "
                           "100-continue\r\nContent-Length: 1\r\n\r\na"));
    assert_ptr_equal(strstr(answer, "HTTP/1.1 100"), answer);
    assert_non_null(strstr(answer, "body=1"));
    bell_remove(&b);
}

TEST(a_request_cut_into_single_bytes_is_the_same_request)
{
    struct bell b;
    char answer[4096];
    span s = SPAN("PUT /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: "
                  "chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n");

    bell_make(&b, 8, 0);
    int fd = caller(&b);
    for (size_t i = 0; i < s.len; i++)
        say(fd, span_of(s.at + i, 1));
    hear(fd, answer, sizeof(answer));
    assert_non_null(strstr(answer, "body=3"));
    bell_remove(&b);
}

static const struct {
    const char *bytes;
    const char *status;
} broken[] = {
    {"nonsense\r\n\r\n", "400"},
    {"GET / HTTP/1.1\r\n\r\n", "400"},
    {"GET / HTTP/3.0\r\nHost: a\r\n\r\n", "505"},
    {"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", "400"},
    {"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n"
     "Transfer-Encoding: chunked\r\n\r\n",
     "400"},
    {"PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nz\r\n",
     "400"},
    {"PUT / HTTP/1.1\r\nHost: a\r\nExpect: wonders\r\n\r\n", "417"},
    {"\x16\x03\x01\x02", "400"}, /* TLS */
};

TEST(what_is_no_request_is_refused_and_closed)
{
    struct bell b;

    bell_make(&b, 8, 200);
    for (size_t i = 0; i < COUNT(broken); i++) {
        const char *answer = talk(&b, span_str(broken[i].bytes));
        char expected[32];
        (void)snprintf(expected, sizeof(expected), "HTTP/1.1 %s ",
                       broken[i].status);
        if (!strstr(answer, expected))
            fail_msg("%s: %.60s", broken[i].bytes, answer);
    }
    bell_remove(&b);
}

TEST(a_head_over_8_KiB_and_a_body_over_16_KiB_are_refused_and_one_less_is_not)
{
    static char bytes[40000];
    struct bell b;
    struct buf s;

    memset(bytes, 'x', sizeof(bytes));
    bell_make(&b, 8, 0);
    buf_init(&s, sizeof(bytes));
    for (size_t over = 0; over < 2; over++) {
        buf_clear(&s);
        buf_fmt(&s, "PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\n\r\n",
                DOOR_BODY_BYTES + over);
        buf_add(&s, span_of(bytes, DOOR_BODY_BYTES + over));
        assert_non_null(strstr(talk(&b, buf_span(&s)),
                               over ? "HTTP/1.1 413 " : "HTTP/1.1 200 "));

        buf_clear(&s);
        buf_str(&s, "GET /x HTTP/1.1\r\nHost: a\r\nX-A: ");
        buf_add(&s, span_of(bytes, 2000));
        buf_str(&s, "\r\nX-B: ");
        buf_add(&s, span_of(bytes, 3000));
        buf_str(&s, "\r\nX-C: ");
        buf_add(&s, span_of(bytes, DOOR_HEAD_BYTES - buf_len(&s) - 4 + over));
        buf_str(&s, "\r\n\r\n");
        assert_non_null(strstr(talk(&b, buf_span(&s)),
                               over ? "HTTP/1.1 431 " : "HTTP/1.1 200 "));
    }
    buf_fini(&s);
    bell_remove(&b);
}

TEST(a_request_that_does_not_get_whole_in_time_is_answered_408)
{
    struct bell b;
    char answer[4096];

    bell_make(&b, 8, 100);
    assert_non_null(strstr(talk(&b, SPAN("GET / HTTP/1.1\r\nHo")), " 408 "));
    assert_non_null(strstr(talk(&b, SPAN("PUT / HTTP/1.1\r\nHost: a\r\n"
                                         "Content-Length: 9\r\n\r\nabc")),
                           " 408 "));
    int fd = caller(&b); /* not a word */
    assert_int_equal(hear(fd, answer, sizeof(answer)), 0);
    bell_remove(&b);
}

TEST(one_caller_too_many_is_told_503_and_the_others_are_served)
{
    struct bell b;
    char answer[4096];
    int idle[3];

    bell_make(&b, 4, 0);
    for (size_t i = 0; i < COUNT(idle); i++)
        idle[i] = caller(&b);
    assert_non_null(
        strstr(talk(&b, SPAN("GET / HTTP/1.1\r\nHost: a\r\n\r\n")), " 200 "));
    int last = caller(&b);
    say(last, SPAN("GET /late HTTP/1.1\r\nHost: a\r\n\r\n"));
    order(&b, 'l'); /* whichever comes first, it stays a caller until closed */
    int beyond = caller(&b);
    int more = caller(&b);
    hear(more, answer, sizeof(answer));
    assert_non_null(strstr(answer, " 503 "));
    close(beyond);
    close(last);
    for (size_t i = 0; i < COUNT(idle); i++)
        close(idle[i]);
    bell_remove(&b);
}

TEST(a_late_answer_comes_and_one_for_who_has_gone_is_dropped)
{
    struct bell b;
    char answer[4096];

    bell_make(&b, 8, 100);
    int fd = caller(&b);
    say(fd, SPAN("GET /late HTTP/1.1\r\nHost: a\r\n\r\n"));
    /* Longer than a request may take: it is whole, so it may wait. */
    (void)poll(NULL, 0, 250);
    order(&b, 's');
    order(&b, 't');
    order(&b, 'l');
    hear(fd, answer, sizeof(answer));
    assert_non_null(strstr(answer, "HTTP/1.1 202 "));
    order(&b, 'l');
    bell_remove(&b);

    bell_make(&b, 8, 0);
    fd = caller(&b);
    say(fd, SPAN("GET /late HTTP/1.1\r\nHost: a\r\n\r\n"));
    close(fd);
    (void)poll(NULL, 0, 100);
    order(&b, 'l');
    bell_remove(&b);
}

TEST(a_shut_door_leaves_callers_in_the_queue_and_turns_out_the_slow)
{
    struct bell b;
    char answer[4096];

    bell_make(&b, 8, 0);
    int slow = caller(&b);
    say(slow, SPAN("GET / HTT"));
    (void)poll(NULL, 0, 100);
    order(&b, 's');
    int queued = caller(&b);
    say(queued, SPAN("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
    struct pollfd p = {.fd = queued, .events = POLLIN};
    assert_int_equal(poll(&p, 1, 150), 0);
    order(&b, 't');
    hear(slow, answer, sizeof(answer));
    assert_non_null(strstr(answer, " 503 "));
    assert_int_equal(poll(&p, 1, 50), 0);
    close(queued);
    bell_remove(&b);
}

TEST(a_long_answer_arrives_whole_and_an_endless_one_is_a_500)
{
    static char answer[(11u << 20)];
    struct bell b;

    bell_make(&b, 8, 0);
    int fd = caller(&b);
    say(fd, SPAN("GET /long HTTP/1.1\r\nHost: a\r\n\r\n"));
    assert_true(hear(fd, answer, sizeof(answer)) > 10000000);
    assert_non_null(strstr(
        talk(&b, SPAN("GET /endless HTTP/1.1\r\nHost: a\r\n\r\n")), " 500 "));
    bell_remove(&b);
}

/* All that comes until `end` has; fails if that takes 10 s. */
static void
hear_until(int fd, const char *end, char *out, size_t size)
{
    size_t len = 0;

    out[0] = '\0';
    while (!strstr(out, end)) {
        ssize_t n = recv(fd, out + len, size - 1 - len, 0);
        assert_true(n > 0);
        len += (size_t)n;
        out[len] = '\0';
    }
}

static int
stream(struct bell *b, char *answer, size_t size)
{
    int fd = caller(b);

    say(fd, SPAN("GET /stream HTTP/1.1\r\nHost: a\r\n\r\n"));
    hear_until(fd, "first\n", answer, size);
    return fd;
}

TEST(a_stream_goes_on_until_it_is_ended_and_sends_what_it_is_given)
{
    struct bell b;
    char answer[4096];

    bell_make(&b, 8, 0);
    int fd = stream(&b, answer, sizeof(answer));
    assert_non_null(strstr(answer, "text/event-stream"));
    assert_null(strstr(answer, "Content-Length"));
    order(&b, 'e');
    hear_until(fd, "event\n", answer, sizeof(answer));
    order(&b, 'e');
    order(&b, 'E');
    hear(fd, answer, sizeof(answer));
    assert_string_equal(answer, "event\n");
    order(&b, 'e'); /* to nobody */
    assert_false(streams(&b));
    bell_remove(&b);
}

TEST(who_leaves_a_stream_is_missed_and_a_handover_ends_those_that_are_left)
{
    struct bell b;
    char answer[4096];

    bell_make(&b, 8, 0);
    close(stream(&b, answer, sizeof(answer)));
    while (streams(&b))
        (void)poll(NULL, 0, 1);
    int fd = stream(&b, answer, sizeof(answer));
    assert_true(streams(&b));
    order(&b, 't');
    assert_int_equal(hear(fd, answer, sizeof(answer)), 0);
    bell_remove(&b);
}

TEST(streams_take_no_place_from_who_asks)
{
    struct bell b;
    char answer[4096];
    int fds[4];

    bell_make(&b, 1, 0);
    for (size_t i = 0; i < COUNT(fds); i++) {
        fds[i] = stream(&b, answer, sizeof(answer));
        /* One of one place: it has to be free again. */
        assert_non_null(strstr(
            talk(&b, SPAN("GET / HTTP/1.1\r\nHost: a\r\n\r\n")), " 200 "));
    }
    for (size_t i = 0; i < COUNT(fds); i++)
        close(fds[i]);
    bell_remove(&b);
}

TEST(who_does_not_read_a_stream_is_closed)
{
    static char rest[4u << 20];
    struct bell b;
    char answer[4096];

    bell_hang(&b, 8, 0, 200);
    int fd = stream(&b, answer, sizeof(answer));
    /* More than the socket holds; then nobody takes any of it. */
    for (size_t i = 0; i < 200000 && streams(&b); i++)
        order(&b, 'e');
    assert_false(streams(&b));
    hear(fd, rest, sizeof(rest)); /* what had been sent before */
    bell_remove(&b);
}

TEST(random_bytes_end_a_caller_and_nothing_else)
{
    struct bell b;
    uint64_t seed = 3;

    bell_make(&b, 8, 50);
    for (size_t i = 0; i < 60; i++) {
        char bytes[600];
        span line = SPAN("GET / HTTP/1.1\r\n");
        size_t len = test_random(&seed) % sizeof(bytes);
        for (size_t k = 0; k < len; k++)
            bytes[k] = (char)test_random(&seed);
        if (i % 2)
            for (size_t k = 0; k < line.len; k++)
                bytes[k] = line.at[k];
        (void)talk(&b, span_of(bytes, i % 2 && len < 16 ? 16 : len));
    }
    assert_non_null(
        strstr(talk(&b, SPAN("GET / HTTP/1.1\r\nHost: a\r\n\r\n")), " 200 "));
    bell_remove(&b);
}
