/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/translators/documents.h"

#include "proxy/base/problem.h"
#include "translators/lens/lens.h"

static const char api_yaml[] =
    "api: shop\n"
    "versions: {v1: {}, v2: {}, v3: {}}\n"
    "detect: [{header: Api-Version}]\n"
    "missing: v1\n"
    "unknown: refuse\n"
    "types:\n"
    "  Order: {at: [\"* /orders/{id}\", POST /orders, \"data/* of GET "
    "/orders\"], marker: schema}\n"
    "  Line: {at: \"lines/* of Order\"}\n"
    "  Error: {at: \"error of status 4xx application/json\"}\n"
    "  Other: {at: GET /others}\n"
    "  Parcel: {at: POST /parcels}\n"
    "  Tray: {at: \"data/* of GET /trays\"}\n";

static const char first_yaml[] =
    "change: first\n"
    "from: v1\n"
    "to: v2\n"
    "manifest: {title: t, owner: o, guarantee: none}\n"
    "Order:\n"
    "  map: {customer: customer_id}\n"
    "  add: {channel: {up: api, write: refuse}}\n"
    "Error:\n"
    "  map: {msg: message}\n"
    "Parcel:\n"
    "  map: {box: {to: boxes, as: one <> list, rest: lose}, z: {order: by "
    "k}}\n"
    "http:\n"
    "  GET /orders: {map: {query/cust: query/customer_id, query/state: {enum: "
    "{open: pending}}, query/cents: {to: query/amount, as: minor(2) <> "
    "decimal(2)}, query/since: {as: unix_s <> rfc3339}, query/all: {as: bool "
    "<> int}}}\n"
    "  \"*\": {map: {header/X-Shop-Req: header/Request-Id}}\n"
    "  POST /orders: {map: {status: {enum: {422: 451}, newer: {422: 422}}}}\n"
    "Tray:\n"
    "  map: {kind: {enum: {p: q}, other: fail}}\n"
    "  add: {n: {up: {count: parts}, write: lose}}\n";

static const char second_yaml[] =
    "change: second\n"
    "from: v2\n"
    "to: v3\n"
    "manifest: {title: t, owner: o, guarantee: none}\n"
    "Line:\n"
    "  map: {sku: {to: code, enum: {a: b}}}\n"
    "http:\n"
    "  GET /orders: {map: {query/all: {as: int <> string}}, add: "
    "{query/expand: {up: lines, write: lose}}}\n";

struct shop {
    struct arena *a;
    const struct lens_api *api;
    const struct translator *t;
    struct buf out;
    struct translation *tr;
};

static void
open_shop(struct shop *s)
{
    struct problems problems;
    struct err e;
    *s = (struct shop){.a = arena_new(DOCUMENT_ROOM)};
    const struct lens_text changes[] = {
        {SPAN("changes/first.yaml"), span_str(first_yaml)},
        {SPAN("changes/second.yaml"), span_str(second_yaml)}};
    problems_init(&problems, s->a);
    enum err_code code = lens_load_text(
        s->a, (struct lens_text){SPAN("api.yaml"), span_str(api_yaml)}, changes,
        COUNT(changes), &problems, &s->api);
    for (size_t i = 0; i < problems.n; i++)
        print_error("%.*s:%zu: %.*s\n", SPAN_FMT(problems.at[i].file),
                    problems.at[i].line, SPAN_FMT(problems.at[i].text));
    assert_int_equal(code, OK);
    assert_int_equal(translator_build(s->a, s->api, &s->t, &e), OK);
    buf_init(&s->out, DOCUMENT_ROOM);
}

static void
close_shop(struct shop *s)
{
    buf_fini(&s->out);
    arena_free(&s->a);
}

static struct message
post_order(void)
{
    return (struct message){.side = MESSAGE_REQUEST,
                            .method = SPAN("POST"),
                            .path = SPAN("/orders"),
                            .media = SPAN("application/json")};
}

static const struct program *
find(struct shop *s, const struct message *m, size_t from, size_t to)
{
    const struct program *p = NULL;
    struct err e = {0};
    assert_int_equal(translator_program(s->t, s->a, m, from, to, &p, &e),
                     PROGRAM_TRANSLATE);
    assert_non_null(p);
    return p;
}

static enum err_code
feed(struct shop *s, const struct program *p,
     const struct translation_limits *limits, const char *body)
{
    struct err e;
    assert_int_equal(translation_open(s->a, p, limits, &s->out, &s->tr, &e),
                     OK);
    enum err_code code = translation_feed(s->tr, span_str(body));
    return code ? code : translation_end(s->tr);
}

static const struct translation_limits no_limits = {0};

/* ---- which messages ------------------------------------------------------------ */

static enum program_need
need_of(struct shop *s, const struct message *m, size_t from, size_t to)
{
    const struct program *p = NULL;
    struct err e = {0};
    enum program_need need =
        translator_program(s->t, s->a, m, from, to, &p, &e);
    assert_true((need == PROGRAM_TRANSLATE) == (p != NULL));
    assert_true((need == PROGRAM_UNSUPPORTED) == (e.text[0] != '\0'));
    return need;
}

TEST(equal_versions_pass_whatever_the_message)
{
    struct shop s;
    open_shop(&s);
    struct message m = post_order();
    m.media = SPAN("application/merge-patch+json");
    assert_int_equal(need_of(&s, &m, 1, 1), PROGRAM_PASS);
    close_shop(&s);
}

TEST(a_body_without_a_type_has_no_program_for_it)
{
    struct shop s;
    open_shop(&s);
    struct message m = {.side = MESSAGE_REQUEST,
                        .method = SPAN("POST"),
                        .path = SPAN("/elsewhere")};
    const struct program *p = find(&s, &m, 0, 2); /* "*" maps a header */
    assert_true(program_has_head(p));
    assert_false(program_has_body(p));
    assert_false(translator_is_typed(s.t, &m));
    assert_int_equal(need_of(&s, &m, 1, 2), PROGRAM_PASS);
    close_shop(&s);
}

TEST(a_type_that_no_change_touches_passes)
{
    struct shop s;
    open_shop(&s);
    struct message m = {.side = MESSAGE_ANSWER,
                        .method = SPAN("GET"),
                        .path = SPAN("/others"),
                        .status = 200};
    assert_int_equal(need_of(&s, &m, 2, 1), PROGRAM_PASS);
    assert_true(translator_is_typed(s.t, &m));
    close_shop(&s);
}

TEST(a_typed_body_in_a_form_that_is_not_offered_is_unsupported)
{
    static const struct {
        const char *media;
        bool as_answer;
    } no[] = {{"application/merge-patch+json", true},
              {"Application/Json-Patch+JSON; x=y", true}};
    struct shop s;
    open_shop(&s);
    for (size_t i = 0; i < COUNT(no); i++) {
        struct message m = post_order();
        m.media = span_str(no[i].media);
        if (no[i].as_answer) {
            m.side = MESSAGE_ANSWER;
            m.status = 200;
        }
        assert_int_equal(need_of(&s, &m, 0, 2), PROGRAM_UNSUPPORTED);
    }
    close_shop(&s);
}

TEST(a_body_that_is_no_json_passes)
{
    struct shop s;
    open_shop(&s);
    struct message m = post_order();
    m.media = SPAN("text/html");
    assert_int_equal(need_of(&s, &m, 1, 2), PROGRAM_PASS);
    assert_false(translator_is_typed(s.t, &m));
    m.media = SPAN("application/vnd.shop.v1+json");
    assert_int_equal(need_of(&s, &m, 1, 2), PROGRAM_TRANSLATE);
    m.media = SPAN("");
    assert_int_equal(need_of(&s, &m, 1, 2), PROGRAM_TRANSLATE);
    close_shop(&s);
}

static const char *
patched(struct shop *s, const struct message *m, size_t from, size_t to,
        const char *body)
{
    struct buf out;
    buf_truncate(&s->out, 0);
    if (feed(s, find(s, m, from, to), &no_limits, body) != OK)
        return translation_fault(s->tr)->err.text;
    buf_init(&out, DOCUMENT_ROOM);
    buf_add(&out, buf_span(&s->out));
    span text;
    assert_true(span_dup(s->a, buf_span(&out), &text));
    buf_fini(&out);
    return text.at;
}

TEST(patch_with_plain_json_is_a_patch_unless_the_route_says_whole)
{
    struct shop s;
    open_shop(&s);
    struct message m = post_order();
    m.method = SPAN("PATCH");
    m.path = SPAN("/orders/1");
    m.write = MESSAGE_WRITE_LOSE;
    assert_string_equal(patched(&s, &m, 0, 2, "{\"customer\":null}"),
                        "{\"customer_id\":null}");
    m.whole = true;
    assert_string_equal(patched(&s, &m, 0, 2, "{\"customer\":null}"),
                        "{\"customer_id\":null,\"channel\":\"api\"}");
    m.whole = false;
    m.side = MESSAGE_ANSWER;
    m.status = 200;
    assert_string_equal(patched(&s, &m, 2, 0, "{\"customer_id\":\"7\"}"),
                        "{\"customer\":\"7\"}");
    close_shop(&s);
}

TEST(patches_are_told_by_their_media_type)
{
    struct shop s;
    open_shop(&s);
    struct message m = post_order();
    m.method = SPAN("PATCH");
    m.path = SPAN("/orders/1");
    m.whole = true; /* the media type says more */
    m.media = SPAN("application/merge-patch+json");
    assert_string_equal(patched(&s, &m, 2, 0, "{\"customer_id\":null}"),
                        "{\"customer\":null}");
    m.media = SPAN("application/json-patch+json");
    assert_string_equal(
        patched(&s, &m, 0, 2, "[{\"op\":\"remove\",\"path\":\"/customer\"}]"),
        "[{\"op\":\"remove\",\"path\":\"/customer_id\"}]");
    assert_string_equal(patched(&s, &m, 0, 2, "{\"customer\":1}"),
                        "a JSON Patch is a list of operations, not object");
    assert_int_equal(translation_fault(s.tr)->status, 400);
    assert_false(translation_fault(s.tr)->needs_document);
    close_shop(&s);
}

TEST(a_patch_that_falls_back_says_so)
{
    struct shop s;
    open_shop(&s);
    struct message m = post_order();
    m.method = SPAN("PATCH");
    m.path = SPAN("/orders/1");
    m.media = SPAN("application/json-patch+json");
    (void)patched(&s, &m, 0, 2,
                  "[{\"op\":\"test\",\"path\":\"\",\"value\":{}}]");
    assert_int_equal(translation_fault(s.tr)->status, 422);
    assert_true(translation_fault(s.tr)->needs_document);
    close_shop(&s);
}

TEST(an_error_has_the_type_of_its_status)
{
    struct shop s;
    open_shop(&s);
    struct message m = {.side = MESSAGE_ANSWER,
                        .method = SPAN("POST"),
                        .path = SPAN("/orders"),
                        .status = 404,
                        .media = SPAN("application/json; charset=utf-8")};
    assert_int_equal(feed(&s, find(&s, &m, 2, 0), &no_limits,
                          "{\"error\":{\"message\":\"m\"},\"channel\":1}"),
                     OK);
    assert_span(buf_span(&s.out), "{\"error\":{\"msg\":\"m\"},\"channel\":1}");
    close_shop(&s);
}

TEST(no_media_type_is_json_also_where_a_type_asks_for_json)
{
    struct shop s;
    open_shop(&s);
    struct message m = {.side = MESSAGE_ANSWER,
                        .method = SPAN("POST"),
                        .path = SPAN("/orders"),
                        .status = 404};
    assert_true(translator_is_typed(s.t, &m));
    assert_int_equal(feed(&s, find(&s, &m, 2, 0), &no_limits,
                          "{\"error\":{\"message\":\"m\"}}"),
                     OK);
    assert_span(buf_span(&s.out), "{\"error\":{\"msg\":\"m\"}}");
    m.media = SPAN("text/html");
    assert_false(program_has_body(find(&s, &m, 2, 0)));
    close_shop(&s);
}

TEST(programs_are_told_apart_by_their_versions_and_the_same_again_are_the_same)
{
    struct shop s, again;
    open_shop(&s);
    open_shop(&again);
    struct message m = post_order();
    uint64_t up = program_id(find(&s, &m, 0, 2));
    assert_true(up == program_id(find(&again, &m, 0, 2)));
    assert_true(up != program_id(find(&s, &m, 2, 0)));
    assert_true(up != program_id(find(&s, &m, 0, 1)));
    close_shop(&s);
    close_shop(&again);
}

/* ---- bodies ----------------------------------------------------------------------- */

TEST(however_the_body_is_cut_the_output_is_the_same)
{
    static const char body[] =
        "{\"customer\":\"c\\u00e9\",\"lines\":[{\"sku\":\"a\",\"n\":1e3}], "
        "\"schema\":\"v1\"}";
    struct shop s;
    struct err e;
    open_shop(&s);
    struct message m = post_order();
    const struct program *p = find(&s, &m, 0, 2);
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
    assert_int_equal(feed(&s, find(&s, &m, 0, 2), &no_limits, ""), OK);
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
            feed(&s, find(&s, &m, 0, 2), &no_limits, bad[i].body), OK);
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
    assert_int_not_equal(feed(&s, find(&s, &m, 2, 0), &no_limits,
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
    const struct program *p = find(&s, &m, 0, 2);
    struct translation_limits limits = {.bytes_max = 13};
    assert_int_equal(feed(&s, p, &limits, "{\"box\":12345}"), OK);
    limits.bytes_max = 12;
    assert_int_equal(feed(&s, p, &limits, "{\"box\":12345}"), ERR_LIMIT);
    assert_int_equal(translation_fault(s.tr)->status, 413);

    /* A plan goes on without what it read. */
    m = post_order();
    p = find(&s, &m, 0, 2);
    assert_int_equal(feed(&s, p, &limits, "{\"customer\":12345}"), OK);

    limits = (struct translation_limits){.depth_max = 3};
    assert_int_equal(feed(&s, p, &limits, "{\"a\":[[1]]}"), OK);
    assert_int_equal(feed(&s, p, &limits, "{\"a\":[[[1]]]}"), ERR_LIMIT);
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
    return find(s, &m, up ? 0 : 2, up ? 2 : 0);
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
    const struct program *p = find(&s, &m, 0, 2);
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
    assert_int_equal(feed(&s, find(&s, &m, 0, 2), &no_limits, "{}"),
                     ERR_INVALID);
    assert_span(translation_fault(s.tr)->change, "first");
    m.write = MESSAGE_WRITE_LOSE; /* the route's word wins */
    assert_int_equal(feed(&s, find(&s, &m, 0, 2), &no_limits, "{}"), OK);
    m.write = MESSAGE_WRITE_UNSAID;
    m.method = SPAN("POST");
    m.path = SPAN("/orders");
    assert_int_equal(feed(&s, find(&s, &m, 0, 2), &no_limits, "{}"), OK);
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
    assert_int_equal(feed(&s, find(&s, &m, 0, 2), &no_limits,
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
    assert_int_equal(translation_open(s.a, find(&s, &m, 0, 2), &no_limits,
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
    assert_int_equal(feed(&s, p, &no_limits, "{\"sku\":\"a\"}"), OK);
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

/* ---- heads -------------------------------------------------------------------------- */

static struct message_head
head(struct shop *s, const struct message *m, size_t from, size_t to,
     struct message_head in)
{
    struct message_head out;
    struct err e;
    assert_int_equal(translation_open(s->a, find(s, m, from, to), &no_limits,
                                      &s->out, &s->tr, &e),
                     OK);
    enum err_code code = translation_head(s->tr, &in, &out);
    if (code)
        fail_msg("%s", translation_fault(s->tr)->err.text);
    return out;
}

TEST(a_query_keeps_the_bytes_of_what_no_arrow_names)
{
    static const struct {
        const char *v1;
        const char *v3;
    } queries[] = {
        {"cust=1&state=open", "customer_id=1&state=pending&expand=lines"},
        {"a=%7E&cust=x%20y&b=a+b&&c",
         "a=%7E&customer_id=x%20y&b=a+b&&c&expand=lines"},
        {"%63ust=1", "customer_id=1&expand=lines"},
        {"x=1&x=2", "x=1&x=2&expand=lines"},
        {"cust", "customer_id&expand=lines"},
    };
    struct shop s;
    open_shop(&s);
    struct message m = {.side = MESSAGE_REQUEST,
                        .method = SPAN("GET"),
                        .path = SPAN("/orders")};
    for (size_t i = 0; i < COUNT(queries); i++) {
        struct message_head in = {.query = span_str(queries[i].v1),
                                  .has_query = true};
        struct message_head out = head(&s, &m, 0, 2, in);
        assert_true(out.has_query);
        assert_span(out.query, queries[i].v3);
    }
    struct message_head none = {0};
    struct message_head out = head(&s, &m, 0, 2, none);
    assert_true(out.has_query);
    assert_span(out.query, "expand=lines");
    struct message_head in = {.query = SPAN("expand=lines&customer_id=1"),
                              .has_query = true};
    out = head(&s, &m, 2, 0, in);
    assert_span(out.query, "cust=1");
    in.query = SPAN("expand=lines");
    out = head(&s, &m, 2, 0, in);
    assert_false(out.has_query);
    close_shop(&s);
}

TEST(a_form_of_numbers_or_truths_reads_the_text_of_a_parameter)
{
    static const struct {
        const char *v1;
        const char *v3;
    } queries[] = {
        {"cents=1299", "amount=12.99&expand=lines"},
        {"since=0", "since=1970-01-01T00:00:00Z&expand=lines"},
        {"all=true", "all=1&expand=lines"},
    };
    struct shop s;
    open_shop(&s);
    struct message m = {.side = MESSAGE_REQUEST,
                        .method = SPAN("GET"),
                        .path = SPAN("/orders")};
    for (size_t i = 0; i < COUNT(queries); i++) {
        struct message_head in = {.query = span_str(queries[i].v1),
                                  .has_query = true};
        assert_span(head(&s, &m, 0, 2, in).query, queries[i].v3);
        in.query = span_str(queries[i].v3);
        assert_span(head(&s, &m, 2, 0, in).query, queries[i].v1);
    }
    close_shop(&s);
}

TEST(an_answer_has_no_query_to_fill)
{
    size_t n;
    struct shop s;
    open_shop(&s);
    struct message m = {.side = MESSAGE_ANSWER,
                        .method = SPAN("GET"),
                        .path = SPAN("/orders"),
                        .status = 200};
    struct message_head in = {.status = 200};
    struct message_head out = head(&s, &m, 0, 2, in);
    assert_false(out.has_query);
    (void)translation_notices(s.tr, &n);
    assert_int_equal(n, 0);
    close_shop(&s);
}

TEST(a_doubled_parameter_is_refused_if_an_arrow_reads_it)
{
    struct shop s;
    struct err e;
    open_shop(&s);
    struct message m = {.side = MESSAGE_REQUEST,
                        .method = SPAN("GET"),
                        .path = SPAN("/orders")};
    struct message_head in = {.query = SPAN("cust=1&cust=2"),
                              .has_query = true};
    struct message_head out;
    assert_int_equal(translation_open(s.a, find(&s, &m, 0, 2), &no_limits,
                                      &s.out, &s.tr, &e),
                     OK);
    assert_int_not_equal(translation_head(s.tr, &in, &out), OK);
    assert_int_equal(translation_fault(s.tr)->status, 400);
    assert_span(translation_fault(s.tr)->pointer, "/query/cust");
    assert_int_not_equal(translation_feed(s.tr, SPAN("{}")), OK);
    close_shop(&s);
}

TEST(headers_are_renamed_and_others_stay_as_they_came)
{
    static const struct head_field fields[] = {{SPAN("Accept"), SPAN("*/*")},
                                               {SPAN("X-SHOP-Req"), SPAN("r")},
                                               {SPAN("X-Raw"), SPAN("\xff")},
                                               {SPAN("Cookie"), SPAN("a")},
                                               {SPAN("Cookie"), SPAN("b")}};
    struct shop s;
    open_shop(&s);
    struct message m = post_order();
    struct message_head in = {.fields = fields, .n_fields = COUNT(fields)};
    struct message_head out = head(&s, &m, 0, 1, in);
    assert_int_equal(out.n_fields, 5);
    assert_span(out.fields[0].name, "Accept");
    assert_span(out.fields[1].name, "request-id");
    assert_span(out.fields[1].value, "r");
    assert_span(out.fields[2].value, "\xff");
    assert_span(out.fields[4].value, "b");
    close_shop(&s);
}

TEST(a_status_is_a_symbol_in_both_directions)
{
    struct shop s;
    open_shop(&s);
    struct message m = post_order();
    m.side = MESSAGE_ANSWER;
    m.status = 451;
    struct message_head in = {.status = 451};
    assert_int_equal(head(&s, &m, 2, 0, in).status, 422);
    in.status = m.status = 422;
    assert_int_equal(head(&s, &m, 2, 0, in).status, 422);
    assert_int_equal(head(&s, &m, 0, 1, in).status, 451);
    in.status = m.status = 201;
    assert_int_equal(head(&s, &m, 2, 0, in).status, 201);
    close_shop(&s);
}

/* ---- the marker as a source of detection ---------------------------------------------- */

TEST(the_marker_is_seen_as_soon_as_it_is_there)
{
    static const struct {
        const char *body;
        bool is_all;
        enum marker_seen seen;
        size_t version;
    } bodies[] = {
        {"{\"schema\":\"v2\"", false, MARKER_FOUND, 1},
        {"{\"x\":{\"schema\":\"v1\"},\"schema\":\"v3\",", false, MARKER_FOUND,
         2},
        {"{\"x\":[1,\"}\",{\"a\":\"]\\\"\"}],\"\\u0073chema\":\"v1\"}", true,
         MARKER_FOUND, 0},
        {"", false, MARKER_MORE, 0},
        {"{\"schema\":\"v", false, MARKER_MORE, 0},
        {"{\"a\":1,", false, MARKER_MORE, 0},
        {"{\"a\":1}", false, MARKER_ABSENT, 0},
        {"[1]", false, MARKER_ABSENT, 0},
        {"{\"a\":", true, MARKER_ABSENT, 0},
        {"{\"schema\":\"v9\"}", true, MARKER_UNKNOWN, 0},
        {"{\"schema\":7}", false, MARKER_UNKNOWN, 0},
    };
    struct shop s;
    open_shop(&s);
    struct message m = post_order();
    for (size_t i = 0; i < COUNT(bodies); i++) {
        size_t version = 0;
        span text;
        enum marker_seen seen =
            translator_marker(s.t, &m, span_str(bodies[i].body),
                              bodies[i].is_all, &version, &text);
        if (seen != bodies[i].seen)
            fail_msg("%s: %d", bodies[i].body, (int)seen);
        if (seen == MARKER_FOUND)
            assert_int_equal(version, bodies[i].version);
    }
    close_shop(&s);
}

TEST(a_message_whose_type_has_no_marker_has_none)
{
    struct shop s;
    size_t version = 0;
    span text;
    open_shop(&s);
    struct message m = {.side = MESSAGE_REQUEST,
                        .method = SPAN("POST"),
                        .path = SPAN("/elsewhere")};
    assert_int_equal(translator_marker(s.t, &m, SPAN("{\"schema\":\"v2\"}"),
                                       true, &version, &text),
                     MARKER_ABSENT);
    close_shop(&s);
}
