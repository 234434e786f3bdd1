/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/http/h2_guard.h"
#include "tests/proxy/http/h2_pair.h"
#include "tests/test.h"

#define NO_BODY ((span){0})

TEST(a_bucket_gives_its_burst_and_then_its_rate)
{
    struct h2_bucket b;

    h2_bucket_init(&b, 3, 2);
    for (size_t i = 0; i < 3; i++)
        assert_true(h2_bucket_take(&b, 1, 1000));
    assert_false(h2_bucket_take(&b, 1, 1000));
    assert_false(h2_bucket_take(&b, 1, 1499));
    h2_bucket_init(&b, 3, 2);
    assert_true(h2_bucket_take(&b, 3, 1000));
    assert_true(h2_bucket_take(&b, 1, 1500));
    assert_false(h2_bucket_take(
        &b, 1, 1400)); /* a clock that jumps back gives nothing */
    assert_true(h2_bucket_take(&b, 3, UINT64_MAX));
    assert_false(h2_bucket_take(&b, 1, UINT64_MAX));
    h2_bucket_init(&b, 1, 0);
    assert_true(h2_bucket_take(&b, 1, 0));
    assert_false(h2_bucket_take(&b, 1, UINT64_MAX));
}

/* Ended for this limit, its GOAWAY sent. */
static void
assert_ended(struct pair *p, const char *limit)
{
    pair_pump(p);
    assert_string_equal(h2_limit_reached(p->server), limit);
    assert_int_equal(p->step, H2_DONE);
}

static void
reset_once(struct pair *p)
{
    int32_t id = pair_request(p, NO_BODY, PAIR_GET, NULL);

    pair_pump(p);
    nghttp2_submit_rst_stream(p->client, NGHTTP2_FLAG_NONE, id, NGHTTP2_CANCEL);
    pair_pump(p);
}

TEST(a_client_may_reset_its_burst_and_not_one_more)
{
    struct pair *p = pair_new(NULL);

    p->quiet = true;
    for (size_t i = 0; i < 200; i++)
        reset_once(p);
    assert_string_equal(h2_limit_reached(p->server), "");
    p->now_ms = 50; /* one more token */
    reset_once(p);
    assert_string_equal(h2_limit_reached(p->server), "");
    reset_once(p);
    assert_ended(p, "h2_resets_burst");
    pair_free(&p);
}

static span
frame(char *to, size_t len, uint8_t type, uint8_t flags, int32_t id)
{
    to[0] = (char)(len >> 16);
    to[1] = (char)(len >> 8);
    to[2] = (char)len;
    to[3] = (char)type;
    to[4] = (char)flags;
    to[5] = (char)(id >> 24);
    to[6] = (char)(id >> 16);
    to[7] = (char)(id >> 8);
    to[8] = (char)id;
    return span_of(to, 9 + len);
}

/* Does a walk find fault with HEADERS (DATA: type 0) on this stream? */
static bool
goes_back(struct h2_walk *w, uint8_t type, int32_t id)
{
    char bytes[9];

    w->went_back = false;
    for (size_t i = 0; i < sizeof(bytes); i++) /* at any cut */
        (void)h2_walk(
            w, span_skip(span_take(frame(bytes, 0, type, 0, id), i + 1), i));
    return w->went_back;
}

TEST(a_stream_that_a_higher_one_closed_unopened_is_known_for_eight_gaps)
{
    struct h2_walk w;

    h2_walk_init(&w, true);
    w.skip = 0;                        /* behind the preface */
    assert_false(goes_back(&w, 0, 3)); /* idle: nghttp2 knows */
    assert_false(goes_back(&w, 1, 1));
    assert_false(goes_back(&w, 1, 3));
    assert_false(goes_back(&w, 1, 3)); /* trailers, or late */
    assert_false(goes_back(&w, 1, 13));
    assert_true(goes_back(&w, 1, 5));
    assert_true(goes_back(&w, 0, 11));
    assert_false(
        goes_back(&w, 8, 11)); /* WINDOW_UPDATE of a closed one may be late */
    assert_false(goes_back(&w, 1, 13));
    for (int32_t id = 17; id <= 13 + 8 * 4; id += 4)
        assert_false(goes_back(&w, 1, id));
    assert_true(goes_back(&w, 1, 15));
    assert_false(goes_back(&w, 1, 5)); /* forgotten */
    h2_walk_init(&w, false);
    assert_false(goes_back(&w, 1, 13) || goes_back(&w, 1, 5));
}

TEST(frames_that_no_honest_client_needs_many_of_are_counted)
{
    static const struct {
        size_t len;
        uint8_t type, flags;
        int32_t id;
    } cases[] = {
        {8, NGHTTP2_PING, 0, 0},
        {0, NGHTTP2_SETTINGS, 0, 0},
        {5, NGHTTP2_PRIORITY, 0, 1},
        {4, NGHTTP2_WINDOW_UPDATE, 0, 0},
        {4, NGHTTP2_WINDOW_UPDATE, 0, 1},
        {0, NGHTTP2_DATA, 0, 1},
        {3, 0x55, 0, 0},
        {7, 0x10, 0, 0},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct pair *p = pair_new(NULL);
        char bytes[32] = {0};
        span f = frame(bytes, cases[i].len, cases[i].type, cases[i].flags,
                       cases[i].id);
        if (cases[i].type == NGHTTP2_WINDOW_UPDATE)
            bytes[12] = 1;
        if (cases[i].type == NGHTTP2_PRIORITY)
            bytes[12] = 7;
        if (cases[i].type == 0x10)
            bytes[12] = 1;
        p->quiet = true;
        pair_request(p, PAIR_OPEN, PAIR_POST, NULL);
        pair_pump(p);
        /* The client's own SETTINGS was the first of 1000. */
        for (size_t n = 1; n < 1000; n++) {
            pair_feed(p, f);
            if (n % 50 == 0)
                pair_pump(p);
        }
        if (*h2_limit_reached(p->server))
            print_error("case %zu\n", i);
        assert_string_equal(h2_limit_reached(p->server), "");
        pair_feed(p, f);
        if (!*h2_limit_reached(p->server))
            print_error("case %zu\n", i);
        assert_ended(p, "h2_glitches_burst");
        pair_free(&p);
    }
}

TEST(streams_that_the_client_makes_us_reset_are_counted)
{
    struct pair *p = pair_new(NULL);
    size_t n = 0;

    p->quiet = true;
    while (n < 1000 && !*h2_limit_reached(p->server)) {
        pair_request(p, NO_BODY, ":method: GET", ":scheme: http", NULL);
        pair_pump(p);
        n++;
    }
    assert_in_range(n, 90, 200);
    assert_ended(p, "h2_glitches_burst");
    pair_free(&p);
}

TEST(requests_that_we_refuse_are_counted)
{
    struct pair *p = pair_new(NULL);
    size_t n = 0;

    p->quiet = true;
    while (n < 1000 && !*h2_limit_reached(p->server)) {
        pair_request(p, NO_BODY, PAIR_GET, "host: b", NULL);
        pair_pump(p);
        n++;
    }
    assert_in_range(n, 90, 200);
    assert_ended(p, "h2_glitches_burst");
    pair_free(&p);
}

TEST(acknowledgements_nobody_reads_end_the_connection)
{
    struct pair *p = pair_new(NULL);
    char bytes[32] = {0};
    span ping = frame(bytes, 8, NGHTTP2_PING, 0, 0);

    p->quiet = true;
    pair_pump(p);
    for (size_t n = 0; n < 100; n++)
        pair_feed(p, ping);
    assert_int_equal(p->step, H2_OK);
    for (size_t n = 0; n < 2; n++)
        pair_feed(p, ping);
    assert_int_equal(p->step, H2_DONE);
    assert_string_equal(h2_limit_reached(p->server), "h2_acks");
    pair_free(&p);
}

/* `n` fields of a long value that HPACK writes once: one byte each on the wire. */
static void
bomb(struct pair *p, size_t n, size_t value_len)
{
    nghttp2_nv nvs[4 + 8000];
    static char value[8192];
    static const char *const pseudo[][2] = {{":method", "GET"},
                                            {":scheme", "http"},
                                            {":authority", "a"},
                                            {":path", "/"}};

    memset(value, 'v', sizeof(value));
    memset(nvs, 0, sizeof(nvs));
    for (size_t i = 0; i < 4 + n; i++) {
        const char *name = i < 4 ? pseudo[i][0] : "x-bomb",
                   *v = i < 4 ? pseudo[i][1] : value;
        memcpy(&nvs[i].name, &name, sizeof(name));
        memcpy(&nvs[i].value, &v, sizeof(v));
        nvs[i].namelen = strlen(name);
        nvs[i].valuelen = i < 4 ? strlen(v) : value_len;
    }
    assert_true(
        nghttp2_submit_request(p->client, NULL, nvs, 4 + n, NULL, NULL) > 0);
    pair_pump(p);
}

static void
assert_said(struct pair *p, const char *text)
{
    struct arena *a = arena_new(1 << 20);

    span said = pair_said(p, a);
    if (!span_starts(said, span_str(text)))
        print_error("%.*s\n", SPAN_FMT(said));
    assert_true(span_starts(said, span_str(text)));
    arena_free(&a);
}

TEST(a_header_list_is_counted_while_it_expands)
{
    struct pair *p = pair_new(NULL);

    /* 4 pseudo fields are 4 * 32 + 38 bytes with overhead; a bomb 6 + 32 + its value. */
    bomb(p, 10, 3000);
    assert_said(p, "GET / host=a none [x-bomb: vvv");
    bomb(p, 11, 3000);
    assert_said(p, "bad FAULT_HEAD_LARGE");
    bomb(p, 100, 4);
    assert_said(p, "GET /");
    bomb(p, 101, 4);
    assert_said(p, "bad FAULT_FIELDS_MANY");
    bomb(p, 1, 8186);
    assert_said(p, "GET /");
    bomb(p, 1, 8187);
    assert_said(p, "bad FAULT_LINE_LONG");
    assert_string_equal(h2_limit_reached(p->server), "");
    bomb(p, 21, 3000);
    assert_said(p, "bad FAULT_HEAD_LARGE");
    bomb(p, 22, 3000);
    assert_ended(p, "head_bytes");
    pair_free(&p);
}

TEST(a_header_bomb_ends_the_connection_and_holds_no_memory)
{
    struct pair *p = pair_new(NULL);

    p->arena_bytes = 100000;
    bomb(p, 8000, 4000); /* 32 MB in 12 kB */
    assert_ended(p, "head_bytes");
    pair_free(&p);
}

TEST(a_long_target_is_414)
{
    struct pair *p = pair_new(NULL);
    static char path[8 + 8193] = ":path: /";

    memset(path + 8, 'a', 8191);
    pair_request(p, NO_BODY, ":method: GET", ":scheme: http", ":authority: a",
                 path, NULL);
    pair_pump(p);
    assert_said(p, "GET /aaa");
    path[8 + 8191] = 'a';
    pair_request(p, NO_BODY, ":method: GET", ":scheme: http", ":authority: a",
                 path, NULL);
    pair_pump(p);
    assert_said(p, "bad FAULT_START_LINE_LONG");
    pair_free(&p);
}

TEST(trailers_have_limits_of_their_own)
{
    for (size_t n = 16; n < 18; n++) {
        struct pair *p = pair_new(NULL);
        uint8_t x[] = {'x'};
        nghttp2_nv nvs[17];
        int32_t id = pair_request(p, PAIR_OPEN, PAIR_POST, NULL);
        pair_pump(p);
        buf_clear(&p->said);
        for (size_t i = 0; i < n; i++)
            nvs[i] = (nghttp2_nv){
                .name = x, .namelen = 1, .value = x, .valuelen = 1};
        assert_int_equal(nghttp2_submit_trailer(p->client, id, nvs, n), 0);
        pair_pump(p);
        assert_said(p, n == 16 ? "end [x: x; x: x" : "bad FAULT_TRAILERS_MANY");
        pair_free(&p);
    }
}

TEST(more_streams_than_the_limit_are_refused)
{
    struct h2_limits few = h2_limits_default;
    few.streams_n = 3;
    struct pair *p = pair_new(&few);
    char bytes[64];

    pair_pump(p);
    /* By hand: the client would wait for its turn. Indexed fields only. */
    static const unsigned char get[] = {0x82, 0x86, 0x84, 0x41, 0x01, 'a'};
    for (int32_t id = 1; id <= 7; id += 2) {
        memcpy(bytes + 9, get, sizeof(get));
        pair_feed(p, frame(bytes, sizeof(get), NGHTTP2_HEADERS, 0x5, id));
    }
    assert_int_equal(h2_streams_n(p->server), 3);
    assert_int_equal(p->step, H2_OK);
    assert_int_equal(h2_take_refused(p->server), 1);
    assert_int_equal(h2_take_refused(p->server), 0);
    /* RFC 9113 §5.1.2: that stream ends, and the connection goes on. */
    assert_int_equal(nghttp2_session_get_remote_settings(
                         p->client, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS),
                     3);
    pair_free(&p);
}

TEST(continuations_without_end_stop_the_connection)
{
    for (size_t more = 8; more < 10; more++) {
        struct pair *p = pair_new(NULL);
        char bytes[64] = {0};
        static const unsigned char get[] = {0x82, 0x86, 0x84, 0x41, 0x01, 'a'};
        pair_pump(p);
        memcpy(bytes + 9, get, sizeof(get));
        pair_feed(p, frame(bytes, sizeof(get), NGHTTP2_HEADERS, 0x1, 1));
        for (size_t i = 0; i < more; i++)
            pair_feed(p, frame(bytes, 0, NGHTTP2_CONTINUATION,
                               i == more - 1 ? 4 : 0, 1));
        assert_int_equal(p->step, more == 8 ? H2_OK : H2_DONE);
        pair_free(&p);
    }
}

TEST(bytes_that_are_no_http2_end_the_session)
{
    struct pair *p = pair_new(NULL);

    pair_feed(p, SPAN("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
    assert_int_equal(p->step, H2_DONE);
    h2_free(&p->server);
    pair_free(&p);
}
