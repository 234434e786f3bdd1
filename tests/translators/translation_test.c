/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/translators/shop.h"

TEST(however_the_body_is_cut_the_output_is_the_same)
{
    static const char body[] =
        "{\"customer\":\"c\\u00e9\",\"lines\":[{\"sku\":\"a\",\"n\":1e3}], "
        "\"schema\":\"v1\"}";
    struct shop s;
    struct err e;
    open_shop(&s);
    struct message m = post_order();
    const struct program *p = shop_find(&s, &m, 0, 2);
    for (size_t cut = 0; cut < sizeof(body); cut++) {
        buf_clear(&s.out);
        assert_int_equal(
            translation_open(s.a, p, &no_limits, &s.out, &s.tr, &e), OK);
        assert_int_equal(translation_feed(s.tr, span_of(body, cut)), OK);
        for (size_t i = cut; i + 1 < sizeof(body); i++)
            assert_int_equal(translation_feed(s.tr, span_of(body + i, 1)), OK);
        assert_int_equal(translation_end(s.tr), OK);
        /* The key of a line keeps its slot: it never left its object. */
        assert_span(buf_span(&s.out),
                    "{\"customer_id\":\"c\\u00e9\",\"lines\":[{\"code\":\"b\","
                    "\"n\":1e3}], \"schema\":\"v3\",\"channel\":\"api\"}");
    }
    close_shop(&s);
}

TEST(an_empty_body_stays_empty)
{
    struct shop s;
    open_shop(&s);
    struct message m = post_order();
    assert_int_equal(shop_feed(&s, shop_find(&s, &m, 0, 2), &no_limits, ""),
                     OK);
    assert_int_equal(buf_len(&s.out), 0);
    close_shop(&s);
}

struct bad {
    const char *body;
    const char *pointer;
    const char *from;
    unsigned status;
    unsigned line;
};

TEST(a_request_that_cannot_be_translated_says_why_and_where)
{
    static const struct bad bad[] = {
        {"{\"a\":}", "", "", 400, 0},
        {"nothing", "", "", 400, 0},
        {"{\"customer\":1,\"customer\":2}", "/customer", "v1", 400, 0},
        {"{\"schema\":\"v2\"}", "/schema", "v1", 400, 0},
        {"{\"customer_id\":1,\"customer\":2}", "/customer_id", "v1", 422, 6},
        {"{\"lines\":[{},{\"sku\":\"b\"}]}", "/lines/1/sku", "v2", 422, 6},
    };
    struct shop s;
    open_shop(&s);
    struct message m = post_order();
    for (size_t i = 0; i < COUNT(bad); i++) {
        assert_int_not_equal(
            shop_feed(&s, shop_find(&s, &m, 0, 2), &no_limits, bad[i].body),
            OK);
        const struct translation_fault *f = translation_fault(s.tr);
        assert_int_equal(f->status, bad[i].status);
        if (bad[i].line || bad[i].pointer[0])
            assert_span(f->pointer, bad[i].pointer);
        assert_int_equal(f->line, bad[i].line);
        assert_span(f->from, bad[i].from);
        assert_int_equal(buf_len(&s.out), 0);
        assert_true(f->err.text[0] != '\0');
    }
    close_shop(&s);
}

TEST(an_answer_that_cannot_be_translated_is_a_502_and_names_the_change)
{
    struct shop s;
    open_shop(&s);
    struct message m = post_order();
    m.side = MESSAGE_ANSWER;
    m.status = 201;
    assert_int_not_equal(shop_feed(&s, shop_find(&s, &m, 2, 0), &no_limits,
                                   "{\"lines\":[{\"code\":\"a\"}]}"),
                         OK);
    assert_int_equal(translation_fault(s.tr)->status, 502);
    assert_span(translation_fault(s.tr)->change, "second");
    assert_span(translation_fault(s.tr)->file, "changes/second.yaml");
    assert_span(translation_fault(s.tr)->from, "v3");
    assert_span(translation_fault(s.tr)->to, "v2");
    close_shop(&s);
}

TEST(limits_are_reached_and_not_one_before)
{
    struct shop s;
    open_shop(&s);
    struct message m = post_order();
    m.path = SPAN("/parcels"); /* of a class that only the reference has */
    const struct program *p = shop_find(&s, &m, 0, 2);
    struct translation_limits limits = {.bytes_max = 13};
    assert_int_equal(shop_feed(&s, p, &limits, "{\"box\":12345}"), OK);
    limits.bytes_max = 12;
    assert_int_equal(shop_feed(&s, p, &limits, "{\"box\":12345}"), ERR_LIMIT);
    assert_int_equal(translation_fault(s.tr)->status, 413);

    /* A plan goes on without what it read. */
    m = post_order();
    p = shop_find(&s, &m, 0, 2);
    assert_int_equal(shop_feed(&s, p, &limits, "{\"customer\":12345}"), OK);

    limits = (struct translation_limits){.depth_max = 3};
    assert_int_equal(shop_feed(&s, p, &limits, "{\"a\":[[1]]}"), OK);
    assert_int_equal(shop_feed(&s, p, &limits, "{\"a\":[[[1]]]}"), ERR_LIMIT);
    assert_int_equal(translation_fault(s.tr)->status, 400);
    close_shop(&s);
}

/* Orders of a list, until `bytes` are there; the last is `last`. */
static void
make_list(struct buf *b, size_t bytes, const char *last)
{
    buf_str(b, "{\"data\":[");
    for (size_t i = 0; buf_len(b) < bytes; i++)
        buf_fmt(b, "{\"customer\":%zu,\"lines\":[{\"sku\":\"a\"}]},", i);
    buf_fmt(b, "%s]}", last);
}

static const struct program *
find_list(struct shop *s, bool up)
{
    struct message m = {.side = MESSAGE_ANSWER,
                        .method = SPAN("GET"),
                        .path = SPAN("/orders"),
                        .status = 200};
    return shop_find(s, &m, up ? 0 : 2, up ? 2 : 0);
}

/* Feed in pieces of 1460 bytes and take what there is, as soon as it is as much
 * as `commit`; all that came is in `all`. */
static enum err_code
stream(struct shop *s, struct arena *a, const struct program *p,
       const struct translation_limits *limits, span body, size_t commit,
       struct buf *all)
{
    struct err e;
    enum err_code code = translation_open(a, p, limits, &s->out, &s->tr, &e);
    bool committed = false;
    while (!code && body.len) {
        span piece = span_take(body, 1460);
        body = span_skip(body, piece.len);
        code = translation_feed(s->tr, piece);
        committed = committed || buf_len(&s->out) >= commit;
        if (!committed)
            continue;
        buf_add(all, buf_span(&s->out));
        buf_consume(&s->out, buf_len(&s->out));
    }
    code = code ? code : translation_end(s->tr);
    buf_add(all, buf_span(&s->out));
    buf_clear(&s->out);
    return code;
}

TEST(a_long_body_streams_and_is_not_held)
{
    struct shop s;
    struct buf body;
    struct buf whole;
    struct buf all;
    struct translation_limits limits = {.bytes_max = 100000};
    open_shop(&s);
    buf_init(&body, DOCUMENT_ROOM);
    buf_init(&whole, DOCUMENT_ROOM);
    buf_init(&all, DOCUMENT_ROOM);
    make_list(&body, 3000000, "{\"customer\":null}");
    const struct program *p = find_list(&s, true);
    assert_int_equal(
        stream(&s, s.a, p, &no_limits, buf_span(&body), SIZE_MAX, &whole), OK);
    /* The output's buf stays as small as what its caller lets be. */
    buf_fini(&s.out);
    buf_init(&s.out, 80000);
    struct arena *a = arena_new(16384);
    assert_int_equal(stream(&s, a, p, &limits, buf_span(&body), 65536, &all),
                     OK);
    assert_true(span_eq(buf_span(&all), buf_span(&whole)));
    size_t n = 0;
    const struct translation_notice *notices = translation_notices(s.tr, &n);
    assert_int_equal(n, 1);
    assert_int_equal(notices[0].kind, NOTICE_DEFAULTED);
    assert_span(notices[0].pointer, "/data/0");
    assert_true(notices[0].n > 50000);
    arena_free(&a);
    buf_fini(&body);
    buf_fini(&whole);
    buf_fini(&all);
    close_shop(&s);
}

/* One that the reference translates by itself: with change and line, though the
 * beginning of the body is gone. */
TEST(an_element_that_fails_late_by_itself_is_told_with_its_change)
{
    struct shop s;
    struct buf body;
    struct buf all;
    struct translation_limits limits = {.bytes_max = 4000};
    open_shop(&s);
    buf_init(&body, DOCUMENT_ROOM);
    buf_init(&all, DOCUMENT_ROOM);
    const struct message m = {.side = MESSAGE_ANSWER,
                              .method = SPAN("GET"),
                              .path = SPAN("/trays"),
                              .status = 200,
                              .media = SPAN("application/json")};
    buf_str(&body, "{\"data\":[");
    for (size_t i = 0; i < 1000; i++)
        buf_str(&body, "{\"kind\":\"p\",\"parts\":[1,2]},");
    buf_str(&body, "{\"kind\":\"x\"}]}");
    const struct program *p = shop_find(&s, &m, 0, 2);
    assert_int_not_equal(stream(&s, s.a, p, &limits, buf_span(&body), 1, &all),
                         OK);
    assert_true(buf_len(&all) > 30000);
    const struct translation_fault *f = translation_fault(s.tr);
    assert_int_equal(f->status, 502);
    assert_span(f->change, "first");
    assert_span(f->pointer, "/data/1000/kind");
    assert_int_equal(f->line, 17);
    buf_fini(&body);
    buf_fini(&all);
    close_shop(&s);
}

TEST(what_is_wrong_late_is_told_whether_or_not_output_was_taken)
{
    static const struct {
        const char *last;
        unsigned status;
        const char *pointer;
    } cases[] = {
        {"{\"customer\":1", 502, ""},
        {"{\"lines\":[{\"sku\":\"b\"}]}", 502, "/data/45/lines/0/sku"},
        {"{\"customer\":1,\"cust\\u006fmer\":1}", 502, "/data/45/customer"}};
    struct shop s;
    open_shop(&s);
    const struct program *p = find_list(&s, true);
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct buf body;
        struct buf all;
        buf_init(&body, DOCUMENT_ROOM);
        buf_init(&all, DOCUMENT_ROOM);
        make_list(&body, 1700, cases[i].last);
        assert_int_not_equal(
            stream(&s, s.a, p, &no_limits, buf_span(&body), 1, &all), OK);
        const struct translation_fault *f = translation_fault(s.tr);
        assert_true(buf_len(&all) > 1000);
        assert_int_equal(f->status, cases[i].status);
        if (i > 0)
            assert_span(f->pointer, cases[i].pointer);
        struct err taken = f->err;
        buf_clear(&all);
        assert_int_not_equal(
            stream(&s, s.a, p, &no_limits, buf_span(&body), SIZE_MAX, &all),
            OK);
        f = translation_fault(s.tr);
        assert_int_equal(buf_len(&all), 0);
        assert_int_equal(f->status, cases[i].status);
        assert_int_equal(f->err.code, taken.code);
        if (i > 0)
            assert_span(f->pointer, cases[i].pointer);
        buf_fini(&body);
        buf_fini(&all);
    }
    close_shop(&s);
}

TEST(a_put_by_an_old_client_that_would_erase_is_refused_if_someone_says_so)
{
    struct shop s;
    open_shop(&s);
    struct message m = post_order();
    m.method = SPAN("PUT");
    m.path = SPAN("/orders/1");
    assert_int_equal(shop_feed(&s, shop_find(&s, &m, 0, 2), &no_limits, "{}"),
                     ERR_INVALID);
    assert_span(translation_fault(s.tr)->change, "first");
    m.write = MESSAGE_WRITE_LOSE; /* the route's word wins */
    assert_int_equal(shop_feed(&s, shop_find(&s, &m, 0, 2), &no_limits, "{}"),
                     OK);
    m.write = MESSAGE_WRITE_UNSAID;
    m.method = SPAN("POST");
    m.path = SPAN("/orders");
    assert_int_equal(shop_feed(&s, shop_find(&s, &m, 0, 2), &no_limits, "{}"),
                     OK);
    close_shop(&s);
}

TEST(notices_are_counted_by_change_and_kind)
{
    struct shop s;
    open_shop(&s);
    struct message m = {.side = MESSAGE_ANSWER,
                        .method = SPAN("GET"),
                        .path = SPAN("/orders"),
                        .status = 200};
    size_t n = 0;
    assert_int_equal(shop_feed(&s, shop_find(&s, &m, 0, 2), &no_limits,
                               "{\"data\":[{},{\"customer_id\":1},{}]}"),
                     OK);
    const struct translation_notice *notices = translation_notices(s.tr, &n);
    assert_int_equal(n, 2);
    assert_int_equal(notices[0].kind, NOTICE_DEFAULTED);
    assert_int_equal(notices[0].n, 3);
    assert_span(notices[0].pointer, "/data/0");
    assert_int_equal(notices[1].kind, NOTICE_STRANGER);
    assert_span(notices[1].pointer, "/data/1/customer_id");
    assert_span(notices[1].change, "first");
    close_shop(&s);
}

struct traced {
    struct arena *a;
    span steps;
};

static void
trace(void *arg, const struct translation_step *step)
{
    struct traced *t = arg;
    t->steps = arena_fmt(t->a, "%.*s[%.*s>%.*s %.*s", SPAN_FMT(t->steps),
                         SPAN_FMT(step->from), SPAN_FMT(step->to),
                         SPAN_FMT(step->document));
    for (size_t i = 0; i < step->n_touches; i++)
        t->steps =
            arena_fmt(t->a, "%.*s %s:%.*s@%.*s", SPAN_FMT(t->steps),
                      step->touches[i].what, SPAN_FMT(step->touches[i].place),
                      SPAN_FMT(step->touches[i].pointer));
    t->steps = arena_fmt(t->a, "%.*s]", SPAN_FMT(t->steps));
}

TEST(a_trace_tells_each_step_and_what_touched_the_document)
{
    struct shop s;
    struct err e;
    open_shop(&s);
    struct traced t = {s.a, SPAN("")};
    struct message m = post_order();
    assert_int_equal(translation_open(s.a, shop_find(&s, &m, 0, 2), &no_limits,
                                      &s.out, &s.tr, &e),
                     OK);
    translation_trace(s.tr, trace, &t);
    assert_int_equal(translation_feed(s.tr, SPAN("{\"customer\":1}")), OK);
    assert_int_equal(translation_end(s.tr), OK);
    assert_span(t.steps, "[v1>v1 {\"customer\":1}]"
                         "[v1>v2 {\"customer_id\":1,\"channel\":\"api\"} "
                         "moved:customer_id@/customer filled:channel@]"
                         "[v2>v3 {\"customer_id\":1,\"channel\":\"api\"}]");
    close_shop(&s);
}

TEST(a_value_of_a_named_type_needs_no_message)
{
    struct shop s;
    struct err e = {0};
    open_shop(&s);
    struct message m = {.side = MESSAGE_ANSWER};
    const struct program *p = NULL;
    assert_int_equal(
        translator_program_of_type(s.t, s.a, SPAN("Line"), &m, 0, 2, &p, &e),
        PROGRAM_TRANSLATE);
    assert_int_equal(shop_feed(&s, p, &no_limits, "{\"sku\":\"a\"}"), OK);
    assert_span(buf_span(&s.out), "{\"code\":\"b\"}");
    assert_int_equal(
        translator_program_of_type(s.t, s.a, SPAN("No"), &m, 0, 2, &p, &e),
        PROGRAM_UNSUPPORTED);
    assert_int_equal(e.code, ERR_NOT_FOUND);
    close_shop(&s);
}

TEST(no_allocation_that_fails_leaves_more_than_a_fault)
{
    struct shop s;
    open_shop(&s);
    struct message m = post_order();
    bool done = false;
    for (size_t n = 1; !done && n < 5000; n++) {
        struct arena *a = arena_new(DOCUMENT_ROOM);
        const struct program *p = NULL;
        struct translation *tr = NULL;
        struct err e;
        assert_non_null(a);
        buf_clear(&s.out);
        arena_fail_after(n);
        done =
            translator_program(s.t, a, &m, 0, 2, &p, &e) == PROGRAM_TRANSLATE &&
            translation_open(a, p, &no_limits, &s.out, &tr, &e) == OK &&
            translation_feed(tr, SPAN("{\"customer\":1,\"lines\":[{\"sku\":"
                                      "\"a\"}]}")) == OK &&
            translation_end(tr) == OK;
        arena_fail_after(0);
        if (!done)
            assert_int_equal(buf_len(&s.out), 0);
        arena_free(&a);
    }
    assert_true(done);
    close_shop(&s);
}
