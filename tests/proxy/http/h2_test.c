/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/proxy/http/h2_pair.h"
#include "tests/test.h"

#define NO_BODY ((span){0})

static void
check(span (*take)(struct pair *, struct arena *), struct pair *p,
      const char *text)
{
    struct arena *a = arena_new((size_t)1 << 22);

    assert_span(take(p, a), text);
    arena_free(&a);
}

#define SAID(text) check(pair_said, p, (text))
#define GOT(text)  check(pair_got, p, (text))

TEST(a_request_is_told_as_h1_would_tell_it)
{
    struct pair *p = pair_new(NULL);

    pair_request(p, NO_BODY, ":method: GET", ":scheme: https",
                 ":authority: A:8443", ":path: /x%20?y=z", "x-own: 1",
                 "cookie: a=1", "te: trailers", "cookie: b=2", "accept: */*",
                 NULL);
    pair_pump(p);
    SAID("GET /x%20?y=z host=a:8443 te none [x-own: 1; accept: */*; cookie: "
         "a=1; b=2] ends");
    pair_answer(p, 1, 200, "abc");
    pair_pump(p);
    GOT("1 :status: 200 | 1 body abc | 1 end");
    SAID("close 1 0 answered");
    pair_free(&p);
}

TEST(a_body_comes_whole_with_its_length_and_trailers)
{
    struct pair *p = pair_new(NULL);

    pair_request(p, SPAN("abc"), PAIR_POST, "content-length: 3", NULL);
    pair_pump(p);
    SAID("POST / host=a sized 3 [] | body abc | end");
    int32_t id =
        pair_request(p, PAIR_OPEN, PAIR_POST, "expect: 100-continue", NULL);
    nghttp2_nv sum = {.name = (uint8_t[]){'x'},
                      .namelen = 1,
                      .value = (uint8_t[]){'1'},
                      .valuelen = 1};
    pair_pump(p);
    SAID("POST / host=a expects chunked []");
    assert_int_equal(nghttp2_submit_trailer(p->client, id, &sum, 1), 0);
    pair_pump(p);
    SAID("end [x: 1]");
    pair_free(&p);
}

TEST(an_answer_has_its_interim_ones_length_and_trailers)
{
    struct pair *p = pair_new(NULL);
    struct arena *a = arena_new(1 << 16);
    struct http_head early;
    struct fields trailers;

    pair_request(p, NO_BODY, PAIR_GET, NULL);
    pair_pump(p);
    head_init(&early, a);
    early.status = 103;
    assert_int_equal(head_add(&early, SPAN("Link"), SPAN("</a>")), OK);
    assert_int_equal(head_add(&early, SPAN("Connection"), SPAN("close")), OK);
    assert_int_equal(h2_interim(pair_stream(p, 1), &early), OK);
    fields_init(&trailers, a);
    assert_int_equal(fields_add(&trailers, SPAN("X-Sum"), SPAN("9")), OK);
    p->bodies[0].trailers = &trailers;
    pair_answer(p, 1, 200, "abc");
    assert_int_equal(h2_interim(pair_stream(p, 1), &early), ERR_CONFLICT);
    pair_pump(p);
    GOT("1 :status: 103 | 1 link: </a> | 1 :status: 200 | 1 body abc | 1 "
        "x-sum: 9 | 1 end");
    pair_request(p, NO_BODY, PAIR_GET, NULL);
    pair_pump(p);
    p->bodies[1].trailers = &trailers;
    pair_answer(p, 3, 200, "");
    pair_pump(p);
    GOT("3 :status: 200 | 3 x-sum: 9 | 3 end");
    pair_free(&p);
    arena_free(&a);
}

TEST(a_value_that_is_of_one_message_is_not_remembered)
{
    struct pair *p = pair_new(NULL);
    struct arena *a = arena_new(1 << 16);
    const char *ids[] = {"first", "second"};

    for (int i = 0; i < 2; i++) {
        struct http_head h;
        int32_t id = pair_request(p, NO_BODY, PAIR_GET, NULL);

        pair_pump(p);
        head_init(&h, a);
        h.status = 200;
        assert_int_equal(head_add(&h, SPAN("X-Own"), SPAN("a")), OK);
        assert_int_equal(head_add(&h, SPAN("X-Request-ID"), span_str(ids[i])),
                         OK);
        assert_int_equal(h2_answer(pair_stream(p, id), &h, NULL), OK);
        pair_pump(p);
        /* RFC 7541 §4.1: x-own alone */
        assert_int_equal(
            nghttp2_session_get_hd_inflate_dynamic_table_size(p->client),
            32 + 5 + 1);
    }
    GOT("1 :status: 200 | 1 x-own: a | 1 x-request-id: first | 1 end | "
        "3 :status: 200 | 3 x-own: a | 3 x-request-id: second | 3 end");
    pair_free(&p);
    arena_free(&a);
}

TEST(a_bodyless_answer_ends_with_its_head)
{
    struct pair *p = pair_new(NULL);
    struct arena *a = arena_new(1 << 16);
    struct http_head h;

    pair_request(p, NO_BODY, ":method: HEAD", ":scheme: http", ":authority: a",
                 ":path: /", NULL);
    pair_request(p, NO_BODY, PAIR_GET, NULL);
    pair_pump(p);
    head_init_answer(&h, a, 200, 42);
    assert_int_equal(head_add(&h, SPAN("Via"), SPAN("")), OK);
    assert_int_equal(h2_answer(pair_stream(p, 1), &h, NULL), OK);
    assert_int_equal(h2_answer(pair_stream(p, 1), &h, NULL), ERR_CONFLICT);
    head_init_answer(&h, a, 204, 42);
    assert_int_equal(h2_answer(pair_stream(p, 3), &h, NULL), OK);
    pair_pump(p);
    GOT("1 :status: 200 | 1 content-length: 42 | 1 via:  | 1 end | 3 :status: "
        "204 | 3 end");
    pair_free(&p);
    arena_free(&a);
}

TEST(an_answer_waits_for_its_source_and_breaks_with_it)
{
    struct pair *p = pair_new(NULL);

    pair_request(p, NO_BODY, PAIR_GET, NULL);
    pair_pump(p);
    p->bodies[0].dry = true;
    pair_answer(p, 1, 200, "abc");
    pair_pump(p);
    GOT("1 :status: 200");
    p->bodies[0].dry = false;
    assert_false(h2_wants_write(p->server));
    h2_resume(pair_stream(p, 1));
    assert_true(h2_wants_write(p->server));
    pair_pump(p);
    GOT("1 body abc | 1 end");

    pair_request(p, NO_BODY, PAIR_GET, NULL);
    pair_pump(p);
    p->bodies[1].dry = true;
    pair_answer(p, 3, 200, "");
    pair_pump(p);
    p->bodies[1].failed = true;
    h2_resume(pair_stream(p, 3));
    pair_pump(p);
    GOT("3 :status: 200 | 3 reset 2");
    pair_free(&p);
}

/* A DATA frame of `n` bytes on stream 1. */
static void
feed_data(struct pair *p, size_t n, bool ends)
{
    static char frame[9 + 16384];

    frame[0] = 0;
    frame[1] = (char)(n >> 8);
    frame[2] = (char)n;
    frame[4] = ends ? 1 : 0;
    frame[8] = 1;
    pair_feed(p, span_of(frame, 9 + n));
    pair_pump(p);
}

TEST(behind_an_early_answer_the_little_that_comes_is_swallowed)
{
    struct pair *p = pair_new(NULL);

    pair_request(p, PAIR_OPEN, PAIR_POST, NULL);
    pair_pump(p);
    SAID("POST / host=a chunked []");
    pair_answer(p, 1, 200, "no");
    pair_pump(p);
    GOT("1 :status: 200 | 1 body no | 1 end"); /* no reset beside the answer */
    feed_data(p, 1000, false);
    feed_data(p, 2, true);
    SAID("close 1 0 answered");
    pair_free(&p);
}

TEST(behind_an_early_answer_much_that_comes_is_cut_off_without_error)
{
    struct pair *p = pair_new(NULL);

    pair_request(p, PAIR_OPEN, PAIR_POST, NULL);
    pair_pump(p);
    pair_answer(p, 1, 200, "no");
    pair_pump(p);
    GOT("1 :status: 200 | 1 body no | 1 end");
    for (size_t i = 0; i < 4; i++)
        feed_data(p, 16384, false);
    GOT("");
    feed_data(p, 1, false);
    GOT("1 reset 0");
    pair_free(&p);
}

TEST(an_early_answer_to_a_long_request_cuts_it_off_at_once)
{
    struct pair *p = pair_new(NULL);

    pair_request(p, PAIR_OPEN, PAIR_POST, "content-length: 65537", NULL);
    pair_pump(p);
    pair_answer(p, 1, 200, "no");
    pair_pump(p);
    GOT("1 :status: 200 | 1 body no | 1 end | 1 reset 0");
    pair_free(&p);
}

TEST(a_request_that_breaks_our_rules_is_answered_with_its_fault)
{
    static const struct {
        const char *method, *scheme, *authority, *path, *field, *says;
    } cases[] = {
        {"GET", "http", "a", "/", "host: b", "FAULT_HOST_DIFFERS"},
        {"GET", "http", "a:0", "/", "x: y", "FAULT_HOST"},
        {"GET", "http", "u@a", "/", "x: y", "FAULT_HOST"},
        {"GET", "http", "a", "/%zz", "x: y", "FAULT_TARGET"},
        {"GET", "http", "a", "/a#b", "x: y", "FAULT_TARGET"},
        {"GET", "http", "a", "/\xc3", "x: y", "FAULT_TARGET"},
        {"GET", "ftp", "a", "/", "x: y", "FAULT_SCHEME"},
        {"TRACE", "http", "a", "/", "x: y", "FAULT_METHOD_REFUSED"},
        {"get", "http", "a", "/", "x: y", "FAULT_METHOD"},
        {"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "http", "a", "/", "x: y",
         "FAULT_METHOD_LONG"},
        {"GET", "http", "a", "/", "content_length: 1",
         "FAULT_FIELD_UNDERSCORE"},
        {"GET", "http", "a", "/", "expect: 200-ok", "FAULT_EXPECT"},
        {"GET", "http", "a", "/", "x_forwarded_for: 1",
         "FAULT_FIELD_UNDERSCORE"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct pair *p = pair_new(NULL);
        struct arena *a = arena_new(1 << 16);
        pair_request(
            p, NO_BODY, arena_fmt(a, ":method: %s", cases[i].method).at,
            arena_fmt(a, ":scheme: %s", cases[i].scheme).at,
            arena_fmt(a, ":authority: %s", cases[i].authority).at,
            arena_fmt(a, ":path: %s", cases[i].path).at, cases[i].field, NULL);
        pair_pump(p);
        if (buf_len(&p->said) < 15)
            print_error("case %zu\n", i);
        SAID(arena_fmt(a, "bad %s | close 1 0 answered", cases[i].says).at);
        pair_free(&p);
        arena_free(&a);
    }
}

TEST(a_malformed_request_is_reset_and_told_to_nobody)
{
    static const struct {
        const char *one, *two, *three, *four, *five;
    } cases[] = {
        {":method: GET", ":scheme: http", ":authority: a", "x: y", "z: z"},
        {":method: GET", ":scheme: http", ":path: /", "x: y", "z: z"},
        {":scheme: http", ":authority: a", ":path: /", "x: y", "z: z"},
        {":method: GET", ":authority: a", ":path: /", "x: y", "z: z"},
        {":method: GET", ":scheme: http", ":authority: a", ":path: /",
         ":status: 200"},
        {":method: GET", ":scheme: http", ":authority: a", ":path: /",
         ":path: /"},
        {":method: GET", ":scheme: http", ":authority: a", "x: y", ":path: /"},
        {":method: GET", ":scheme: http", ":authority: a", ":path: ", "x: y"},
        {":method: GET", ":scheme: http", ":authority: a", ":path: a", "x: y"},
        {":method: GET", ":scheme: http", ":authority: a", ":path: *", "x: y"},
        {":method: GET", ":scheme: http", ":authority: a", ":path: /",
         "connection: close"},
        {":method: GET", ":scheme: http", ":authority: a", ":path: /",
         "transfer-encoding: chunked"},
        {":method: GET", ":scheme: http", ":authority: a", ":path: /",
         "te: gzip"},
        {":method: GET", ":scheme: http", ":authority: a/b", ":path: /",
         "x: a"},
        {":method: GET", ":scheme: http", ":authority: a", ":path: /",
         "x: a\x01"},
        {":method: GET", ":scheme: http", ":authority: a", ":path: /",
         "x: a\r"},
        {":method: GET", ":scheme: http", ":authority: a", ":path: /",
         "x: a\n"},
        {":method: GET", ":scheme: http", ":authority: a", ":path: /",
         "x y: a"},
        {":method: GET", ":scheme: http", ":authority: a", ":path: /",
         "content-length: 5"},
        {":method: GET", ":scheme: http", ":authority: a", ":path: /",
         "content-length: x"},
        {":method: GET", ":scheme: http", ":authority: a", ":path: /", "x:  a"},
        {":method: GET", ":scheme: http", ":authority: a b", ":path: /",
         "x: a"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct pair *p = pair_new(NULL);
        pair_request(p, NO_BODY, cases[i].one, cases[i].two, cases[i].three,
                     cases[i].four, cases[i].five, NULL);
        pair_pump(p);
        if (buf_len(&p->got) != strlen("1 reset 1"))
            print_error("case %zu: %.*s\n", i, SPAN_FMT(buf_span(&p->said)));
        GOT("1 reset 1");
        SAID("close 1 1");
        pair_free(&p);
    }
}

TEST(a_name_in_upper_case_is_malformed)
{
    /* By hand: the client would write it small. GET http a /, then a literal. */
    static const char head[] = "\x00\x00\x0b\x01\x05\x00\x00\x00\x01"
                               "\x82\x86\x84\x41\x01"
                               "a\x00\x01X\x01y";
    struct pair *p = pair_new(NULL);

    pair_pump(p);
    pair_feed(p, span_of(head, sizeof(head) - 1));
    SAID("");
    struct buf out;
    buf_init(&out, 1 << 20);
    assert_int_equal(h2_gather(p->server, &out, 1 << 16, 0), H2_OK);
    SAID("close 1 1");
    buf_fini(&out);
    pair_free(&p);
}

TEST(a_body_that_is_not_its_length_is_reset)
{
    struct pair *p = pair_new(NULL);

    pair_request(p, SPAN("abc"), PAIR_POST, "content-length: 2", NULL);
    pair_pump(p);
    GOT("1 reset 1");
    pair_request(p, SPAN("abc"), PAIR_POST, "content-length: 4", NULL);
    pair_pump(p);
    GOT("3 reset 1");
    pair_free(&p);
}

TEST(nothing_is_read_faster_than_it_is_consumed)
{
    static char big[300000];
    struct pair *p = pair_new(NULL);

    p->quiet = p->keep_body = true;
    pair_request(p, span_of(big, sizeof(big)), PAIR_POST, NULL);
    pair_pump(p);
    assert_int_equal(p->server_read, 65536);
    h2_consumed(pair_stream(p, 1), 65536);
    pair_pump(p);
    assert_int_equal(p->server_read, 2 * 65536);
    pair_free(&p);
}

TEST(bytes_of_reset_streams_do_not_strangle_the_connection)
{
    static char big[65536];
    struct pair *p = pair_new(NULL);

    /* 40 x 64 KiB is more than the connection's window of 1 MiB. */
    p->quiet = p->keep_body = true;
    for (size_t i = 0; i < 40; i++) {
        int32_t id =
            pair_request(p, span_of(big, sizeof(big)), PAIR_POST, NULL);
        pair_pump(p);
        h2_reset(pair_stream(p, id), H2_CANCEL);
        pair_pump(p);
        assert_int_equal(p->server_read, (i + 1) * sizeof(big));
    }
    assert_int_equal(h2_streams_n(p->server), 0);
    pair_free(&p);
}

TEST(a_stalled_client_holds_one_window_of_an_endless_answer_and_no_more)
{
    struct pair *p = pair_new(NULL);

    p->quiet = p->client_stalls = true;
    pair_request(p, NO_BODY, PAIR_GET, NULL);
    pair_pump(p);
    p->bodies[0].big_left = true;
    pair_answer(p, 1, 200, "");
    pair_pump(p);
    assert_int_equal(p->client_read, 65535);
    assert_false(h2_wants_write(p->server));
    pair_free(&p);
}

TEST(what_is_gathered_stays_near_what_was_asked_for)
{
    struct pair *p = pair_new(NULL);
    struct buf out;

    p->quiet = p->client_stalls = true;
    for (int32_t id = 1; id < 20; id += 2) {
        pair_request(p, NO_BODY, PAIR_GET, NULL);
        pair_pump(p);
        p->bodies[id / 2].big_left = true;
    }
    for (int32_t id = 1; id < 20; id += 2)
        pair_answer(p, id, 200, "");
    buf_init(&out, 20000 + 32768);
    while (h2_wants_write(p->server)) {
        assert_int_equal(h2_gather(p->server, &out, 20000, 0), H2_OK);
        assert_in_range(buf_len(&out), 1, 20000 + 16384 + 18);
        assert_int_equal(
            nghttp2_session_mem_recv(
                p->client, (const uint8_t *)buf_span(&out).at, buf_len(&out)),
            buf_len(&out));
        buf_clear(&out);
    }
    /* All that the connection's window lets through, whichever stream's it is. */
    assert_int_equal(p->client_read, 65535);
    buf_fini(&out);
    pair_free(&p);
}

TEST(the_cut_of_the_bytes_does_not_show)
{
    struct arena *a = arena_new(1 << 20);
    const char *first = "";

    for (size_t cut = 0; cut < 40; cut++) {
        struct pair *p = pair_new(NULL);
        p->cut = cut;
        p->answer_status = 200;
        pair_request(p, NO_BODY, PAIR_GET, "x: 1", NULL);
        pair_request(p, NO_BODY, PAIR_GET, "host: b", NULL);
        pair_request(p, NO_BODY, PAIR_POST, "content-length: 0", NULL);
        pair_pump(p);
        span said = pair_said(p, a);
        if (cut == 0)
            first = said.at;
        assert_string_equal(said.at, first);
        pair_free(&p);
    }
    assert_true(strlen(first) > 80);
    arena_free(&a);
}

TEST(a_session_may_be_freed_inside_any_of_its_events)
{
    for (unsigned i = 0; i < 5; i++) {
        struct pair *p = pair_new(NULL);
        p->free_on_open = i == 0;
        p->free_on_request = i == 1;
        p->free_on_body = i == 2;
        p->free_on_peek = i == 3;
        p->free_on_close = i == 4;
        p->answer_status = 200;
        pair_request(p, SPAN("abc"), PAIR_POST, NULL);
        pair_request(p, SPAN("def"), PAIR_POST, NULL);
        pair_pump(p);
        assert_null(p->server);
        assert_int_equal(p->step, H2_FREED);
        for (size_t s = 0; s < PAIR_STREAMS; s++)
            assert_null(p->arenas[s]);
        pair_free(&p);
    }
}

TEST(the_body_of_a_refused_request_is_dropped_and_strangles_nobody)
{
    static char big[60000];
    struct pair *p = pair_new(NULL);

    /* 40 of them are more than the connection's window of 1 MiB. */
    p->quiet = true;
    p->cut = 1000;
    for (size_t i = 0; i < 40; i++) {
        pair_request(p, span_of(big, sizeof(big)), PAIR_POST, "host: b", NULL);
        pair_pump(p);
        p->now_ms += 1000;
    }
    assert_int_equal(p->server_read, 0);
    assert_int_equal(h2_requests_n(p->server), 40);
    pair_request(p, span_of(big, sizeof(big)), PAIR_POST, NULL);
    pair_pump(p);
    assert_int_equal(p->server_read, sizeof(big));
    pair_free(&p);
}

TEST(an_answer_that_is_none_is_not_sent_and_a_large_one_is)
{
    struct pair *p = pair_new(NULL);
    struct arena *a = arena_new(1 << 20);
    struct http_head h;
    char value[600];

    memset(value, 'v', sizeof(value));
    pair_request(p, NO_BODY, ":method: OPTIONS", ":scheme: http",
                 ":authority: a", ":path: *", NULL);
    pair_pump(p);
    SAID("OPTIONS * host=a none [] ends");
    head_init_answer(&h, a, 200, 0);
    h.status = 199;
    assert_int_equal(h2_answer(pair_stream(p, 1), &h, NULL), ERR_INVALID);
    assert_int_equal(
        h2_interim(pair_stream(p, 1), &(struct http_head){.status = 101}),
        ERR_INVALID);
    /* As large as an origin may send it on h1: many frames, and whole. */
    head_init_answer(&h, a, 200, 0);
    for (size_t i = 0; i < 100; i++)
        assert_int_equal(
            head_add(&h, SPAN("x"), span_of(value, sizeof(value) - i)), OK);
    for (size_t i = 0; i < 100; i++)
        assert_int_equal(head_add(&h, SPAN("y"), SPAN("1")), OK);
    assert_int_equal(h2_answer(pair_stream(p, 1), &h, NULL), OK);
    pair_pump(p);
    assert_true(buf_len(&p->got) > 55000);
    SAID("close 1 0 answered");
    pair_free(&p);
    arena_free(&a);
}

TEST(every_open_stream_is_closed_when_the_session_is_freed)
{
    struct pair *p = pair_new(NULL);

    pair_request(p, NO_BODY, PAIR_GET, NULL);
    pair_request(p, PAIR_OPEN, PAIR_POST, NULL);
    pair_pump(p);
    buf_clear(&p->said);
    h2_free(&p->server);
    SAID("close 3 8 | close 1 8");
    pair_free(&p);
}

TEST(draining_lets_begun_requests_end_and_takes_no_new_one)
{
    struct pair *p = pair_new(NULL);

    pair_request(p, NO_BODY, PAIR_GET, NULL);
    pair_pump(p);
    h2_shutdown_notice(p->server);
    pair_pump(p);
    GOT("goaway 2147483647 0");
    assert_int_equal(p->step, H2_OK);
    h2_goaway(p->server);
    pair_pump(p);
    GOT("goaway 1 0");
    assert_int_equal(p->step, H2_OK);
    pair_answer(p, 1, 200, "abc");
    pair_pump(p);
    GOT("1 :status: 200 | 1 body abc | 1 end");
    assert_int_equal(p->step, H2_DONE);
    pair_free(&p);
}

TEST(a_stream_without_memory_is_refused_and_the_others_go_on)
{
    struct pair *p = pair_new(NULL);

    p->refuse = true;
    pair_request(p, NO_BODY, PAIR_GET, NULL);
    pair_pump(p);
    GOT("1 reset 7");
    SAID("");
    p->refuse = false;
    pair_request(p, NO_BODY, PAIR_GET, NULL);
    pair_pump(p);
    SAID("GET / host=a none [] ends");
    pair_free(&p);
}

TEST(a_full_arena_is_answered_503_wherever_it_fills)
{
    bool good = false;

    for (size_t n = 1; n < 40 && !good; n++) {
        struct pair *p = pair_new(NULL);
        struct arena *a = arena_new(1 << 16);
        pair_request(p, NO_BODY, PAIR_GET, "x-own: 1", "cookie: a", "cookie: b",
                     NULL);
        p->answer_status = 200;
        p->quiet = false;
        arena_fail_after(n);
        pair_pump(p);
        arena_fail_after(0);
        span said = pair_said(p, a);
        good = span_starts(said, SPAN("GET"));
        if (!good)
            assert_true(span_starts(said, SPAN("bad FAULT_NO_ROOM")));
        pair_free(&p);
        arena_free(&a);
    }
    assert_true(good);
}

TEST(after_the_end_of_its_bytes_a_client_gets_what_it_asked_for_whole)
{
    struct pair *p = pair_new(NULL);

    pair_request(p, NO_BODY, PAIR_GET, NULL);
    pair_request(p, PAIR_OPEN, PAIR_POST, NULL);
    pair_pump(p);
    SAID("GET / host=a none [] ends | POST / host=a chunked []");
    h2_eof(p->server);
    pair_pump(p);
    SAID("close 3 8");
    assert_int_equal(p->step, H2_OK); /* one is still owed */
    pair_answer(p, 1, 200, "ok");
    pair_pump(p);
    assert_int_equal(p->step, H2_DONE);
    pair_free(&p);
}
