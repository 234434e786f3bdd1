/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/proxy/http/transcript.h"
#include "tests/test.h"

#include "proxy/http/h1_write.h"

/* The head of a message that the test knows to be good. */
static struct http_head *
head_of(struct arena *a, enum h1_role role, const char *bytes)
{
    const struct h1_limits *limits =
        role == H1_REQUESTS ? &h1_limits_request : &h1_limits_answer;
    span in = span_str(bytes);
    struct h1_out o;
    struct h1 p;

    h1_init(&p, role, limits);
    h1_begin(&p, a);
    assert_int_equal(h1_next(&p, &in, &o), H1_HEAD);
    h1_fini(&p);
    return o.head;
}

static void
check_request(const char *in, const char *out)
{
    struct arena *a = arena_new(1 << 20);
    struct buf b;

    buf_init(&b, 1 << 16);
    assert_int_equal(h1_write_request(&b, head_of(a, H1_REQUESTS, in)), OK);
    assert_span(buf_span(&b), out);
    buf_fini(&b);
    arena_free(&a);
}

TEST(a_request_is_written_from_what_was_understood)
{
    check_request("GET http://A/x?y HTTP/1.1\r\nX-Own:  1 \r\nhost: "
                  "a\r\nConnection: q\r\nQ: 1\r\n"
                  "Keep-Alive: 5\r\n\r\n",
                  "GET /x?y HTTP/1.1\r\nHost: A\r\nX-Own: 1\r\n\r\n");
    check_request(
        "POST / HTTP/1.0\r\nHost: a\r\nContent-Length: 007\r\nuser-agent: "
        "u\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nuser-agent: u\r\nConnection: close\r\n"
        "Content-Length: 7\r\n\r\n");
    check_request(
        "PUT /? HTTP/1.1\r\nHost: a:1\r\nTransfer-Encoding: CHUNKED\r\n"
        "Expect: 100-continue\r\nTE: trailers\r\n\r\n",
        "PUT /? HTTP/1.1\r\nHost: a:1\r\nTE: trailers\r\nConnection: TE\r\n"
        "Transfer-Encoding: chunked\r\n\r\n");
    check_request(
        "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nTE: trailers\r\n"
        "Connection: upgrade, close, te\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nUpgrade: websocket\r\n"
        "Connection: close, TE, Upgrade\r\n\r\n");
    check_request("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
                  "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n");
}

TEST(an_answer_is_framed_by_its_head_and_its_client)
{
    struct arena *a = arena_new(1 << 20);
    struct http_head h;
    struct buf b;

    buf_init(&b, 1 << 16);
    head_init_answer(&h, a, 200, 3);
    assert_int_equal(head_add(&h, SPAN("X-a"), SPAN("1")), OK);
    assert_int_equal(h1_write_answer(&b, &h, HTTP_1_1), OK);
    h.body = HTTP_BODY_CHUNKED;
    assert_int_equal(h1_write_answer(&b, &h, HTTP_1_1), OK);
    assert_int_equal(h1_write_answer(&b, &h, HTTP_1_0), ERR_INVALID);
    h.body = HTTP_BODY_UNTIL_CLOSE;
    assert_int_equal(h1_write_answer(&b, &h, HTTP_1_0), OK);
    h.body = HTTP_BODY_NONE;
    assert_int_equal(h1_write_answer(&b, &h, HTTP_1_0), OK);
    assert_span(
        buf_span(&b),
        "HTTP/1.1 200 OK\r\nX-a: 1\r\nContent-Length: 3\r\n\r\n"
        "HTTP/1.1 200 OK\r\nX-a: 1\r\nTransfer-Encoding: chunked\r\n\r\n"
        "HTTP/1.1 200 OK\r\nX-a: 1\r\nConnection: close\r\n\r\n"
        "HTTP/1.1 200 OK\r\nX-a: 1\r\nConnection: keep-alive\r\n"
        "Content-Length: 3\r\n\r\n");
    buf_clear(&b);
    head_init_answer(&h, a, 103, 0);
    assert_int_equal(h1_write_answer(&b, &h, HTTP_1_1), OK);
    head_init_answer(&h, a, 204, 9);
    assert_int_equal(h1_write_answer(&b, &h, HTTP_1_1), OK);
    head_init_answer(&h, a, 599, 0);
    assert_int_equal(h1_write_answer(&b, &h, HTTP_1_1), OK);
    head_init_answer(&h, a, 101, 0);
    h.upgrade = SPAN("websocket");
    assert_int_equal(h1_write_answer(&b, &h, HTTP_1_1), OK);
    h1_write_continue(&b);
    assert_span(
        buf_span(&b),
        "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n"
        "HTTP/1.1 599 \r\nContent-Length: 0\r\n\r\n"
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n"
        "Upgrade: websocket\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n");
    buf_fini(&b);
    arena_free(&a);
}

TEST(what_would_break_out_of_its_line_is_not_written)
{
    static const struct {
        span path, query, authority, method;
    } bad[] = {
        {SPAN("/a b"), SPAN(""), SPAN("a"), SPAN("GET")},
        {SPAN("/a\r\nX: 1"), SPAN(""), SPAN("a"), SPAN("GET")},
        {SPAN("a"), SPAN(""), SPAN("a"), SPAN("GET")},
        {SPAN(""), SPAN(""), SPAN("a"), SPAN("GET")},
        {SPAN("/a?b"), SPAN(""), SPAN("a"), SPAN("GET")},
        {SPAN("/"), SPAN("a b"), SPAN("a"), SPAN("GET")},
        {SPAN("/"), SPAN("a\n"), SPAN("a"), SPAN("GET")},
        {SPAN("/"), SPAN("a"), SPAN(""), SPAN("GET")},
        {SPAN("/"), SPAN("a"), SPAN("a\r\n"), SPAN("GET")},
        {SPAN("/"), SPAN("a"), SPAN("a"), SPAN("G T")},
        {SPAN("*"), SPAN("a"), SPAN("a"), SPAN("OPTIONS")},
    };
    struct arena *a = arena_new(1 << 20);
    struct http_head h;
    struct buf b;

    buf_init(&b, 1 << 16);
    for (size_t i = 0; i < COUNT(bad); i++) {
        head_init(&h, a);
        h.method_token = bad[i].method;
        h.path = bad[i].path;
        h.query = bad[i].query;
        h.has_query = h.query.len > 0;
        h.authority = bad[i].authority;
        assert_int_equal(h1_write_request(&b, &h), ERR_INVALID);
    }
    head_init_answer(&h, a, 200, 0);
    h.status = 99;
    assert_int_equal(h1_write_answer(&b, &h, HTTP_1_1), ERR_INVALID);
    h.status = 204;
    assert_int_equal(h1_write_answer(&b, &h, HTTP_1_1), ERR_INVALID);
    assert_int_equal(buf_len(&b), 0);
    buf_fini(&b);
    arena_free(&a);
}

TEST(a_full_buf_keeps_nothing_of_the_head_that_did_not_fit)
{
    struct arena *a = arena_new(1 << 20);
    struct http_head *h =
        head_of(a, H1_REQUESTS, "GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\n\r\n");

    for (size_t room = 3; room < 36; room++) {
        struct buf b;
        buf_init(&b, room);
        buf_str(&b, "abc");
        assert_int_equal(h1_write_request(&b, h), room < 36 ? ERR_LIMIT : OK);
        assert_span(buf_span(&b), "abc");
        buf_fini(&b);
    }
    arena_free(&a);
}

TEST(chunks_are_written_as_they_are_read)
{
    struct arena *a = arena_new(1 << 20);
    struct fields trailers;
    struct buf b;

    buf_init(&b, 1 << 16);
    fields_init(&trailers, a);
    assert_int_equal(fields_add(&trailers, SPAN("x-sum"), SPAN("1")), OK);
    h1_write_chunk_open(&b, 10);
    buf_str(&b, "0123456789");
    h1_write_chunk_close(&b);
    h1_write_chunk_open(&b, UINT64_MAX);
    h1_write_last_chunk(&b, &trailers);
    h1_write_last_chunk(&b, NULL);
    assert_span(buf_span(&b), "a\r\n0123456789\r\nffffffffffffffff\r\n"
                              "0\r\nx-sum: 1\r\n\r\n0\r\n\r\n");
    buf_fini(&b);
    arena_free(&a);
}

/* Written and read again, the head says the same: here of heads made by dice. */
static void
random_head(struct arena *a, uint64_t *seed, struct http_head *h)
{
    static const char *const names[] = {"X-One", "accept", "Cookie",
                                        "q",     "ETag",   "Via"};
    static const char *const values[] = {"",         "1",         "a, b",
                                         "\xc3\xa4", "\"q\\\"\"", "x\ty"};
    static const enum method methods[] = {METHOD_GET, METHOD_POST,
                                          METHOD_DELETE};
    static const char *const paths[] = {"/", "/a/b%20c", "//", "/a;b=c"};

    head_init(h, a);
    h->method = methods[test_random(seed) % COUNT(methods)];
    h->method_token = method_token(h->method);
    h->path = span_str(paths[test_random(seed) % COUNT(paths)]);
    h->has_query = test_random(seed) % 2;
    h->query = h->has_query ? SPAN("a=b&c") : (span){0};
    assert_int_equal(head_set_authority(h, SPAN("Host.example:81")), OK);
    h->takes_trailers = test_random(seed) % 2;
    h->keep_alive = test_random(seed) % 2;
    h->body = (enum http_body)(test_random(seed) % 3);
    h->has_length = h->body == HTTP_BODY_SIZED;
    h->length = h->has_length ? test_random(seed) >> 1 : 0;
    for (size_t n = test_random(seed) % 20; n > 0; n--)
        assert_int_equal(
            head_add(h, span_str(names[test_random(seed) % COUNT(names)]),
                     span_str(values[test_random(seed) % COUNT(values)])),
            OK);
}

TEST(what_is_written_reads_back_as_it_was)
{
    struct arena *a = arena_new(1 << 20);
    struct buf wire, was, is;
    uint64_t seed = 7;

    buf_init(&wire, 1 << 16);
    buf_init(&was, 1 << 16);
    buf_init(&is, 1 << 16);
    for (size_t i = 0; i < 500; i++) {
        struct http_head h;
        buf_clear(&wire);
        buf_clear(&was);
        buf_clear(&is);
        random_head(a, &seed, &h);
        assert_int_equal(h1_write_request(&wire, &h), OK);
        buf_byte(&wire, 0);
        transcript_head(&was, &h);
        transcript_head(&is, head_of(a, H1_REQUESTS, buf_span(&wire).at));
        buf_byte(&was, 0);
        buf_byte(&is, 0);
        assert_string_equal(buf_span(&is).at, buf_span(&was).at);
        arena_reset(a);
    }
    buf_fini(&wire);
    buf_fini(&was);
    buf_fini(&is);
    arena_free(&a);
}
