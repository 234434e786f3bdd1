/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/translators/documents.h"

#include "proxy/base/problem.h"
#include "translators/lens/lens.h"

static const char api_yaml[] =
    "api: shop\n"
    "versions: {v1: {}, v2: {}, v3: {}}\n"
    "types:\n"
    "  Order: {at: [\"* /orders\", \"* /replay\", object of event order.*, "
    "\"items/* of POST /batch\", \"lines/* of Box\"], version_at: schema}\n"
    "  Box: {at: box of POST /batch}\n"
    "  Plain: {at: [\"* /plain\", event plain]}\n";

static const char first_yaml[] =
    "change: first\n"
    "from: v1\n"
    "to: v2\n"
    "manifest: {title: t, owner: o, guarantee: none}\n"
    "Order:\n"
    "  map: {customer: customer_id}\n"
    "  drop: {legacy: {down: absent, write: ignore}}\n"
    "  cases:\n"
    "    - {newer: {kind: ghost}, hide: drop}\n"
    "Plain:\n"
    "  map: {a: b}\n"
    "Box:\n"
    "  map: {rows: lines}\n"
    "http:\n"
    "  POST /rows:\n"
    "    map:\n"
    "      body/x: {to: body/y, when: {method: POST}}\n"
    "      header/A: header/B\n"
    "    add: {body/n: {up: 1}}\n"
    "  POST /crossed: {map: {body/x: header/X}}\n";

static const char second_yaml[] =
    "change: second\n"
    "from: v2\n"
    "to: v3\n"
    "manifest: {title: t, owner: o, guarantee: none}\n"
    "Order:\n"
    "  map: {cents: {to: amount, as: minor(2) <> decimal(2)}}\n";

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
message(enum message_side side, const char *path, const char *media)
{
    return (struct message){.side = side,
                            .method = SPAN("POST"),
                            .path = span_str(path),
                            .status = side == MESSAGE_ANSWER ? 200 : 0,
                            .media = span_str(media)};
}

#define LINES    "application/x-ndjson"
#define SEQUENCE "application/json-seq"
#define EVENTS   "text/event-stream; charset=utf-8"

static enum program_need
begin(struct shop *s, const struct message *m, size_t from, size_t to,
      const struct translation_limits *limits)
{
    const struct program *p = NULL;
    struct err e = {0};
    enum program_need need =
        translator_program(s->t, s->a, m, from, to, &p, &e);
    if (need != PROGRAM_TRANSLATE)
        return need;
    assert_true(program_is_stream(p) && program_has_body(p));
    buf_clear(&s->out);
    assert_int_equal(translation_open(s->a, p, limits, &s->out, &s->tr, &e),
                     OK);
    return need;
}

static const struct translation_limits no_limits = {0};

/* The stream in parts of every size must become `expected`, whole. */
static void
check(enum message_side side, const char *path, const char *media, size_t from,
      size_t to, const char *stream, const char *expected)
{
    size_t len = strlen(stream);
    for (size_t size = 1; size <= len; size++) {
        struct shop s;
        open_shop(&s);
        struct message m = message(side, path, media);
        assert_int_equal(begin(&s, &m, from, to, &no_limits),
                         PROGRAM_TRANSLATE);
        for (span rest = span_of(stream, len); rest.len > 0;) {
            span part = span_take(rest, size);
            rest = span_skip(rest, part.len);
            if (translation_feed(s.tr, part) != OK)
                fail_msg("%s", translation_fault(s.tr)->err.text);
        }
        if (translation_end(s.tr) != OK)
            fail_msg("%s", translation_fault(s.tr)->err.text);
        assert_span(buf_span(&s.out), expected);
        close_shop(&s);
    }
}

TEST(each_line_is_a_document_of_its_own)
{
    check(MESSAGE_REQUEST, "/orders", LINES, 0, 2,
          "{\"customer\":1,\"cents\":1299}\n\n {\"customer\": 2} \r\n3",
          "{\"customer_id\":1,\"amount\":\"12.99\"}\n\n {\"customer_id\": 2} "
          "\r\n3");
    check(MESSAGE_ANSWER, "/orders", LINES, 2, 0,
          "{\"customer_id\":1,\"amount\":\"12.99\"}\n",
          "{\"customer\":1,\"cents\":1299}\n");
}

TEST(each_text_of_a_sequence_is_a_document_of_its_own)
{
    check(MESSAGE_REQUEST, "/orders", SEQUENCE, 0, 1,
          "\x1e{\"customer\":\n1}\n\x1e{\"customer\":2}\n",
          "\x1e{\"customer_id\":\n1}\n\x1e{\"customer_id\":2}\n");
}

TEST(an_event_is_translated_by_its_name)
{
    check(MESSAGE_ANSWER, "/elsewhere", EVENTS, 1, 0,
          "id: 1\nevent: order.paid\ndata: "
          "{\"object\":{\"customer_id\":1},\"id\":\"e\"}\n\n"
          ": awake\n\n"
          "event: plain\ndata:{\"b\":2}\n\n"
          "event: other\ndata: {\"object\":{\"customer_id\":1}}\n\n"
          "data: {\"object\":{\"customer_id\":1}}\n\n",
          "id: 1\nevent: order.paid\ndata: "
          "{\"object\":{\"customer\":1},\"id\":\"e\"}\n\n"
          ": awake\n\n"
          "event: plain\ndata:{\"a\":2}\n\n"
          "event: other\ndata: {\"object\":{\"customer_id\":1}}\n\n"
          "data: {\"object\":{\"customer_id\":1}}\n\n");
}

TEST(an_event_without_a_name_is_of_the_type_of_its_path)
{
    check(MESSAGE_ANSWER, "/plain", EVENTS, 1, 0,
          "data: {\ndata: \"b\":\ndata: 2}\n\ndata: [DONE]\n\ndata: bye\n\n",
          "data: {\ndata: \"a\":\ndata: 2}\n\ndata: [DONE]\n\ndata: bye\n\n");
}

TEST(a_record_that_says_its_version_is_read_in_it)
{
    check(MESSAGE_REQUEST, "/replay", LINES, 1, 2,
          "{\"schema\":\"v1\",\"customer\":1,\"cents\":100}\n"
          "{\"schema\":\"v2\",\"customer_id\":1,\"cents\":100}\n"
          "{\"schema\":\"v3\",\"customer_id\":1,\"amount\":\"1.00\"}\n"
          "{\"customer_id\":1,\"cents\":100}\n",
          "{\"schema\":\"v3\",\"customer_id\":1,\"amount\":\"1.00\"}\n"
          "{\"schema\":\"v3\",\"customer_id\":1,\"amount\":\"1.00\"}\n"
          "{\"schema\":\"v3\",\"customer_id\":1,\"amount\":\"1.00\"}\n"
          "{\"customer_id\":1,\"amount\":\"1.00\"}\n");
    check(MESSAGE_ANSWER, "/elsewhere", EVENTS, 1, 0,
          "event: order.made\ndata: "
          "{\"object\":{\"schema\":\"v3\",\"amount\":\"1.00\"}}\n\n",
          "event: order.made\ndata: "
          "{\"object\":{\"schema\":\"v1\",\"cents\":100}}\n\n");
}

TEST(equal_versions_are_no_reason_to_pass_a_record_of_another)
{
    check(MESSAGE_REQUEST, "/replay", LINES, 1, 1,
          "{\"schema\":\"v1\",\"customer\":1}\n{\"customer_id\": 2}\n",
          "{\"schema\":\"v2\",\"customer_id\":1}\n{\"customer_id\": 2}\n");
    struct shop s;
    open_shop(&s);
    struct message m = message(MESSAGE_REQUEST, "/plain", LINES);
    assert_int_equal(begin(&s, &m, 1, 1, &no_limits), PROGRAM_PASS);
    m = message(MESSAGE_REQUEST, "/replay", "application/json");
    assert_int_equal(begin(&s, &m, 1, 1, &no_limits), PROGRAM_PASS);
    close_shop(&s);
}

/* A document, in one and in parts, becomes `expected`. */
static void
check_batch(enum message_side side, size_t from, size_t to,
            const char *document, const char *expected)
{
    struct shop s;
    struct err e;
    const struct program *p = NULL;
    open_shop(&s);
    struct message m = message(side, "/batch", "application/json");
    assert_int_equal(translator_program(s.t, s.a, &m, from, to, &p, &e),
                     PROGRAM_TRANSLATE);
    assert_int_equal(translation_open(s.a, p, &no_limits, &s.out, &s.tr, &e),
                     OK);
    assert_int_equal(translation_feed(s.tr, span_str(document)), OK);
    enum err_code code = translation_end(s.tr);
    if (code != OK)
        assert_span(span_str(translation_fault(s.tr)->err.text), expected);
    else
        assert_span(buf_span(&s.out), expected);
    close_shop(&s);
}

TEST(an_element_that_says_its_version_is_read_in_it)
{
    check_batch(
        MESSAGE_REQUEST, 0, 2,
        "{\"items\":[{\"customer\":1},{\"schema\":\"v3\",\"amount\":"
        "\"1.00\"},{\"schema\":\"v2\",\"cents\":200,\"x\":1.0},5]}",
        "{\"items\":[{\"customer_id\":1},{\"schema\":\"v3\",\"amount\":"
        "\"1.00\"},{\"schema\":\"v3\",\"amount\":\"2.00\",\"x\":1.0},5]}");
    check_batch(MESSAGE_ANSWER, 2, 0,
                "{\"items\":[{\"schema\":\"v1\",\"customer\":1},{\"schema\":"
                "\"v2\",\"kind\":\"ghost\"},{\"schema\":\"v2\",\"cents\":1}]}",
                "{\"items\":[{\"schema\":\"v1\",\"customer\":1},{\"schema\":"
                "\"v1\",\"cents\":1}]}");
    check_batch(MESSAGE_REQUEST, 0, 2, "{\"items\":[{\"schema\":\"v9\"}]}",
                "\"schema\" says a version that there is not");
}

TEST(nor_are_equal_versions_for_an_element_and_it_goes_where_its_list_goes)
{
    check_batch(
        MESSAGE_REQUEST, 1, 1,
        "{\"items\":[{\"schema\":\"v1\",\"customer\":1}, {\"a\": 1}]}",
        "{\"items\":[{\"schema\":\"v2\",\"customer_id\":1},{\"a\": 1}]}");
    check_batch(MESSAGE_REQUEST, 0, 2,
                "{\"box\":{\"rows\":[{\"cents\":1},{\"schema\":\"v2\","
                "\"cents\":2}]}}",
                "{\"box\":{\"lines\":[{\"amount\":\"0.01\"},{\"schema\":\"v3\","
                "\"amount\":\"0.02\"}]}}");
}

TEST(a_record_without_a_form_goes_if_the_change_hides_it)
{
    check(MESSAGE_ANSWER, "/orders", LINES, 1, 0,
          "{\"kind\":\"ghost\"}\n{\"customer_id\":1}\n", "{\"customer\":1}\n");
    check(MESSAGE_ANSWER, "/elsewhere", EVENTS, 1, 0,
          "event: order.x\nid: 7\ndata: {\"object\":{\"kind\":\"ghost\"}}\n\n",
          "event: order.x\nid: 7\ndata: {}\n\n");
    struct shop s;
    size_t n = 0;
    open_shop(&s);
    struct message m = message(MESSAGE_ANSWER, "/orders", LINES);
    assert_int_equal(begin(&s, &m, 1, 0, &no_limits), PROGRAM_TRANSLATE);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(translation_feed(s.tr, SPAN("{\"kind\":\"ghost\"}\n")),
                         OK);
    assert_int_equal(translation_end(s.tr), OK);
    const struct translation_notice *all = translation_notices(s.tr, &n);
    assert_int_equal(n, 1);
    assert_int_equal(all[0].kind, NOTICE_HIDDEN);
    assert_int_equal(all[0].n, 3);
    close_shop(&s);
}

TEST(arrows_in_the_body_hold_for_each_record)
{
    check(MESSAGE_REQUEST, "/rows", LINES, 0, 2,
          "{\"x\":1}\n{\"a\":[ ],\"x\":2}\n5\n",
          "{\"y\":1,\"n\":1}\n{\"a\":[ ],\"y\":2,\"n\":1}\n5\n");
    check(MESSAGE_ANSWER, "/rows", LINES, 2, 0, "{\"n\":1,\"x\":1}\n",
          "{\"x\":1}\n");
    struct shop s;
    open_shop(&s);
    struct message m = message(MESSAGE_REQUEST, "/crossed", LINES);
    assert_int_equal(begin(&s, &m, 0, 2, &no_limits), PROGRAM_UNSUPPORTED);
    close_shop(&s);
}

TEST(a_record_is_written_as_soon_as_it_is_whole)
{
    static const struct {
        const char *path;
        const char *media;
        const char *record;
        const char *written;
    } records[] = {
        {"/orders", LINES, "{\"customer_id\":1}\n", "{\"customer\":1}\n"},
        {"/orders", SEQUENCE, "\x1e{\"customer_id\":1}\n",
         "\x1e{\"customer\":1}\n"},
        {"/plain", EVENTS, "data: {\"b\":1}\n\n", "data: {\"a\":1}\n\n"},
        {"/plain", EVENTS, ": awake\n", ": awake\n"},
    };
    struct shop s;
    open_shop(&s);
    for (size_t i = 0; i < COUNT(records); i++) {
        struct message m =
            message(MESSAGE_ANSWER, records[i].path, records[i].media);
        assert_int_equal(begin(&s, &m, 1, 0, &no_limits), PROGRAM_TRANSLATE);
        for (size_t k = 0; k < 3; k++) {
            assert_int_equal(
                translation_feed(s.tr, span_str(records[i].record)), OK);
            assert_span(buf_span(&s.out), records[i].written);
            buf_clear(&s.out);
        }
    }
    close_shop(&s);
}

/* ---- failing ----------------------------------------------------------------------- */

static void
check_bad(const char *path, const char *media, const char *stream,
          const char *written, const char *sentence)
{
    struct shop s;
    open_shop(&s);
    struct message m = message(MESSAGE_REQUEST, path, media);
    const struct translation_limits limits = {.bytes_max = 64};
    assert_int_equal(begin(&s, &m, 0, 2, &limits), PROGRAM_TRANSLATE);
    enum err_code code = translation_feed(s.tr, span_str(stream));
    code = code ? code : translation_end(s.tr);
    assert_true(code != OK);
    assert_span(buf_span(&s.out), written);
    assert_span(span_str(translation_fault(s.tr)->err.text), sentence);
    assert_int_equal(translation_feed(s.tr, SPAN("{}\n")), code);
    assert_int_equal(translation_end(s.tr), code);
    close_shop(&s);
}

TEST(a_bad_record_ends_the_stream_behind_those_that_were_good)
{
    check_bad("/orders", LINES, "{\"customer\":1}\n{\"customer\n{}\n",
              "{\"customer_id\":1}\n",
              "record 2: the document ends where the closing quote should be");
    check_bad("/orders", LINES, "{\"cents\":\"x\"}\n", "",
              "record 1: \"x\" cannot be read as minor(2) and written as "
              "decimal(2)");
    check_bad("/orders", LINES, "{\"schema\":\"v9\"}\n", "",
              "record 1: it says a version that there is not");
    check_bad("/orders", SEQUENCE, "\x1e{}\n\x1e{}", "\x1e{}\n",
              "record 2: the last text of the sequence is cut short: no line "
              "ends it");
    check_bad("/orders", LINES,
              "{}\n{\"a\":\"1234567890123456789012345678901234567890123456789"
              "01234567890\"}\n",
              "{}\n",
              "record 2: a record is larger than the 64 bytes that may be "
              "held");
}

TEST(a_stream_holds_one_record_however_many_came)
{
    struct shop s;
    open_shop(&s);
    struct message m = message(MESSAGE_ANSWER, "/orders", LINES);
    const struct translation_limits limits = {.bytes_max = 64};
    assert_int_equal(begin(&s, &m, 0, 2, &limits), PROGRAM_TRANSLATE);
    assert_int_equal(
        translation_feed(s.tr, SPAN("{\"customer\":1,\"legacy\":2}\n")), OK);
    size_t used = arena_used(s.a);
    for (size_t i = 0; i < 10000; i++) {
        assert_int_equal(
            translation_feed(s.tr, SPAN("{\"customer\":1,\"legacy\":2}\n")),
            OK);
        buf_clear(&s.out);
    }
    assert_int_equal(arena_used(s.a), used);
    close_shop(&s);
}
