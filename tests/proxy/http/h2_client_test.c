/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/test.h"

#include "proxy/http/h2_client.h"

#include <nghttp2/nghttp2.h>
#include <stdio.h>
#include <stdlib.h>

/* Our client, and a server of nghttp2's that answers as it is told, connected. */
#define STREAMS 64

struct asked {
    struct h2_stream *stream;
    struct arena *arena;
    span body;  /* that is still to be sent */
    bool ends;  /* nothing follows it */
    bool holds; /* gives nothing back of the answer */
};

struct pair {
    struct h2 *client;
    nghttp2_session *server;
    struct asked asked[STREAMS];
    size_t n;
    struct buf said; /* what the client was told */
    struct buf got;  /* bytes of bodies that the server got */
    uint64_t answer_left;
    uint64_t now_ms;
    enum h2_step step;
};

static void
say(struct pair *p, const char *what, struct h2_stream *s, long number)
{
    buf_fmt(&p->said, "%s%s %d", buf_len(&p->said) ? " | " : "", what,
            h2_stream_id(s));
    if (number >= 0)
        buf_fmt(&p->said, " %ld", number);
}

static void
on_interim(void *conn, struct h2_stream *s, struct http_head *head)
{
    say(conn, "interim", s, head->status);
}

static void
on_answer(void *conn, struct h2_stream *s, struct http_head *head, bool ends)
{
    struct pair *p = conn;

    say(p, "answer", s, head->status);
    if (head->has_length)
        buf_fmt(&p->said, " len %llu", (unsigned long long)head->length);
    buf_str(&p->said, head->body == HTTP_BODY_NONE ? " none" : "");
    buf_str(&p->said, ends ? " ends" : "");
}

static void
on_bad_answer(void *conn, struct h2_stream *s, enum fault f)
{
    struct pair *p = conn;

    say(p, "bad", s, -1);
    buf_fmt(&p->said, " %s", fault_name(f));
}

static void
on_body(void *conn, struct h2_stream *s, span bytes)
{
    const struct asked *a = h2_stream_user(s);

    say(conn, "body", s, (long)bytes.len);
    if (!a->holds)
        h2_consumed(s, bytes.len);
}

static void
on_end(void *conn, struct h2_stream *s, struct fields *trailers)
{
    say(conn, "end", s, trailers ? (long)trailers->n : -1);
}

static void
on_close(void *conn, struct h2_stream *s, uint32_t code)
{
    struct asked *a = h2_stream_user(s);

    say(conn, "close", s, (long)code);
    buf_str(&((struct pair *)conn)->said, h2_was_reset(s) ? " reset" : "");
    buf_str(&((struct pair *)conn)->said,
            h2_was_malformed(s) ? " malformed" : "");
    a->stream = NULL;
}

static const struct h2_events events = {
    .interim = on_interim,
    .answer = on_answer,
    .bad_answer = on_bad_answer,
    .body = on_body,
    .end = on_end,
    .close = on_close,
};

static span
peek(void *conn, struct h2_stream *s, size_t max, bool *ends,
     const struct fields **trailers, bool *failed)
{
    struct asked *a = h2_stream_user(s);

    (void)conn, (void)trailers, (void)failed;
    *ends = a->ends && a->body.len <= max;
    return span_take(a->body, max);
}

static void
took(void *conn, struct h2_stream *s, size_t n)
{
    struct asked *a = h2_stream_user(s);

    (void)conn;
    a->body = span_skip(a->body, n);
}

static const struct h2_source source = {.peek = peek, .took = took};

static int
on_server_data(nghttp2_session *session, uint8_t flags, int32_t id,
               const uint8_t *data, size_t len, void *user)
{
    struct pair *p = user;

    (void)session, (void)flags, (void)id;
    buf_add(&p->got, span_of((const char *)data, len));
    return 0;
}

static struct pair *
pair_begin(const struct h2_limits *limits)
{
    struct pair *p = calloc(1, sizeof(*p));
    nghttp2_session_callbacks *c;

    assert_non_null(p);
    buf_init(&p->said, 1 << 20);
    buf_init(&p->got, 1 << 24);
    assert_int_equal(nghttp2_session_callbacks_new(&c), 0);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(c,
                                                              on_server_data);
    assert_int_equal(nghttp2_session_server_new(&p->server, c, p), 0);
    nghttp2_session_callbacks_del(c);
    assert_int_equal(nghttp2_submit_settings(p->server, 0, NULL, 0), 0);
    p->client = h2_client_new(limits ? limits : &h2_limits_default, &events, p);
    assert_non_null(p->client);
    return p;
}

static void
pair_end(struct pair *p)
{
    h2_free(&p->client);
    nghttp2_session_del(p->server);
    for (size_t i = 0; i < p->n; i++)
        arena_free(&p->asked[i].arena);
    buf_fini(&p->said);
    buf_fini(&p->got);
    free(p);
}

/* Bytes to and fro until both are silent. */
static void
pump(struct pair *p)
{
    struct buf out;
    bool moved = true;

    buf_init(&out, 1 << 22);
    while (moved && p->step == H2_OK) {
        const uint8_t *data;
        ssize_t n;

        p->step = h2_gather(p->client, &out, 1 << 20, p->now_ms);
        moved = buf_len(&out) > 0;
        if (moved)
            assert_true(nghttp2_session_mem_recv(
                            p->server, (const uint8_t *)buf_span(&out).at,
                            buf_len(&out)) >= 0);
        buf_clear(&out);
        while (p->step == H2_OK &&
               (n = nghttp2_session_mem_send(p->server, &data)) > 0) {
            p->step = h2_feed(p->client, span_of((const char *)data, (size_t)n),
                              p->now_ms);
            moved = true;
        }
    }
    buf_fini(&out);
}

static struct asked *
ask(struct pair *p, const char *method, const char *body)
{
    struct asked *a = &p->asked[p->n++];
    struct http_head h;

    a->arena = arena_new(1 << 20);
    head_init(&h, a->arena);
    h.method_token = span_str(method);
    h.method = method_of(h.method_token);
    h.scheme = SPAN("https");
    h.path = SPAN("/x");
    h.body = body ? HTTP_BODY_CHUNKED : HTTP_BODY_NONE;
    assert_int_equal(head_set_authority(&h, SPAN("a")), OK);
    a->body = span_str(body ? body : "");
    a->ends = true;
    assert_int_equal(h2_client_ask(p->client, a->arena, &h,
                                   body ? &source : NULL, a, &a->stream),
                     OK);
    return a;
}

static nghttp2_nv
nv(const char *name, const char *value)
{
    nghttp2_nv n = {.namelen = strlen(name), .valuelen = strlen(value)};

    memcpy(&n.name, &name, sizeof(name));
    memcpy(&n.value, &value, sizeof(value));
    return n;
}

static ssize_t
on_read(nghttp2_session *session, int32_t id, uint8_t *to, size_t max,
        uint32_t *flags, nghttp2_data_source *from, void *user)
{
    struct pair *p = user;
    size_t n = p->answer_left < max ? (size_t)p->answer_left : max;

    (void)session, (void)id, (void)from;
    memset(to, 'y', n);
    p->answer_left -= n;
    *flags |= p->answer_left ? 0 : NGHTTP2_DATA_FLAG_EOF;
    return (ssize_t)n;
}

static void
answer(struct pair *p, int32_t id, const char *status, uint64_t body)
{
    nghttp2_nv head[] = {nv(":status", status)};
    nghttp2_data_provider provider = {.read_callback = on_read};

    p->answer_left = body;
    assert_int_equal(nghttp2_submit_response(p->server, id, head, 1,
                                             body ? &provider : NULL),
                     0);
}

/* A frame that the library would not send. */
static void
feed_raw(struct pair *p, uint8_t type, uint8_t flags, int32_t id, span payload)
{
    char head[9] = {0,
                    (char)(payload.len >> 8),
                    (char)payload.len,
                    (char)type,
                    (char)flags,
                    0,
                    0,
                    0,
                    (char)id};

    p->step = h2_feed(p->client, span_of(head, sizeof(head)), p->now_ms);
    p->step = h2_feed(p->client, payload, p->now_ms);
}

static void
said(struct pair *p, const char *want)
{
    assert_span(buf_span(&p->said), want);
    buf_clear(&p->said);
}

TEST(answers_come_in_any_order_each_whole)
{
    struct pair *p = pair_begin(NULL);

    ask(p, "GET", NULL);
    ask(p, "POST", "abc");
    pump(p);
    assert_span(buf_span(&p->got), "abc");
    answer(p, 3, "201", 5);
    pump(p);
    answer(p, 1, "200", 0);
    pump(p);
    said(p, "answer 3 201 | body 3 5 | end 3 | close 3 0 | answer 1 200 len 0 "
            "ends | close 1 0");
    pair_end(p);
}

TEST(what_has_no_body_is_told_so)
{
    struct pair *p = pair_begin(NULL);

    ask(p, "HEAD", NULL);
    ask(p, "GET", NULL);
    ask(p, "GET", NULL);
    pump(p);
    answer(p, 1, "200", 0);
    answer(p, 3, "204", 0);
    answer(p, 5, "304", 0);
    pump(p);
    said(p, "answer 1 200 none ends | close 1 0 | answer 3 204 none ends | "
            "close 3 0 | answer 5 304 none ends | close 5 0");
    pair_end(p);
}

TEST(an_answer_that_nobody_takes_stops_at_its_window_and_no_other)
{
    struct h2_limits limits = h2_limits_default;
    limits.window = limits.streams_n * limits.stream_window;
    struct pair *p = pair_begin(&limits);
    struct asked *held = ask(p, "GET", NULL);

    held->holds = true;
    ask(p, "GET", NULL);
    pump(p);
    answer(p, 1, "200", 1 << 20);
    pump(p);
    assert_int_equal(p->answer_left, (1 << 20) - (int)limits.stream_window);
    uint64_t left = p->answer_left;
    buf_clear(&p->said);
    answer(p, 3, "200", 3);
    pump(p);
    said(p, "answer 3 200 | body 3 3 | end 3 | close 3 0");
    p->answer_left = left;
    held->holds = false;
    h2_consumed(held->stream, limits.stream_window);
    pump(p);
    assert_int_equal(p->answer_left, 0);
    pair_end(p);
}

TEST(what_goaway_leaves_behind_and_what_never_went_out_is_unprocessed)
{
    struct pair *p = pair_begin(NULL);

    for (int i = 0; i < 3; i++)
        ask(p, "POST", "x");
    pump(p);
    feed_raw(p, 7, 0, 0, span_of("\0\0\0\1\0\0\0\0", 8));
    said(p, "close 3 7 | close 5 7");
    assert_false(h2_client_is_open(p->client));
    assert_int_equal(h2_client_room(p->client), 0);
    answer(p, 1, "200", 0);
    pump(p);
    said(p, "answer 1 200 len 0 ends | close 1 0");
    pair_end(p);

    p = pair_begin(NULL);
    ask(p, "POST", "x");
    h2_free(&p->client);
    said(p, "close 1 7");
    pair_end(p);
}

TEST(a_reset_tells_whether_the_request_was_seen)
{
    struct pair *p = pair_begin(NULL);

    ask(p, "POST", "x");
    ask(p, "POST", "x");
    pump(p);
    nghttp2_submit_rst_stream(p->server, 0, 1, NGHTTP2_REFUSED_STREAM);
    nghttp2_submit_rst_stream(p->server, 0, 3, NGHTTP2_INTERNAL_ERROR);
    pump(p);
    said(p, "close 1 7 reset | close 3 2 reset");
    ask(p, "POST", "x");
    pump(p);
    h2_free(&p->client);
    said(p, "close 5 8");
    pair_end(p);
}

TEST(the_servers_limit_of_streams_leaves_that_much_room)
{
    struct pair *p = pair_begin(NULL);
    nghttp2_settings_entry two = {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 2};

    assert_int_equal(h2_client_room(p->client), 100);
    assert_false(h2_client_has_settings(p->client));
    assert_int_equal(nghttp2_submit_settings(p->server, 0, &two, 1), 0);
    pump(p);
    assert_true(h2_client_has_settings(p->client));
    assert_int_equal(h2_client_streams_max(p->client), 2);
    ask(p, "GET", NULL);
    assert_int_equal(h2_client_room(p->client), 1);
    ask(p, "GET", NULL);
    assert_int_equal(h2_client_room(p->client), 0);
    pair_end(p);
}

TEST(a_push_ends_the_connection)
{
    struct pair *p = pair_begin(NULL);

    ask(p, "GET", NULL);
    pump(p);
    buf_clear(&p->said);
    /* PUSH_PROMISE of stream 2, with an empty block. */
    feed_raw(p, 5, 4, 1, span_of("\0\0\0\2", 4));
    pump(p);
    assert_int_equal(p->step, H2_DONE);
    pair_end(p);
}

TEST(a_head_that_cannot_be_said_is_not_sent)
{
    static const struct {
        const char *path, *method;
    } cases[] = {{"x", "GET"}, {"/a b", "GET"}, {"/", "G T"}};

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct pair *p = pair_begin(NULL);
        struct arena *a = arena_new(1 << 16);
        struct h2_stream *s;
        struct http_head h;

        head_init(&h, a);
        h.method_token = span_str(cases[i].method);
        h.scheme = SPAN("http");
        h.path = span_str(cases[i].path);
        assert_int_equal(head_set_authority(&h, SPAN("a")), OK);
        assert_int_equal(h2_client_ask(p->client, a, &h, NULL, NULL, &s),
                         ERR_INVALID);
        arena_free(&a);
        pair_end(p);
    }
}
