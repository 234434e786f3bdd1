/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What RFC 8259 allows and refuses, through the door: whichever engine translates
 * and wherever a value stands, it is accepted and comes out as it was spelt, or
 * the message fails and nothing comes out. The kinds of cases are those of
 * JSONTestSuite.
 */
#include "tests/translators/documents.h"

#include "proxy/base/problem.h"
#include "tests/translators/json/texts.h"
#include "translators/lens/lens.h"

static const char api_yaml[] = "api: shop\nversions: {v1: {}, v2: {}}\n"
                               "types: {Order: {at: \"* /orders\"}}\n";
/* Once in place, as a plan does it; once across levels, as the reference does. */
static const char *const changes[] = {
    "Order:\n  map: {old: new}\n  add: {late: {up: 1, write: lose}}\n",
    "Order:\n  map: {old: new, here: box/there}\n"
    "  add: {late: {up: 1, write: lose}}\n"};

struct door {
    struct arena *a;
    const struct translator *t;
};

static struct door
open_door(const char *change)
{
    struct door d = {.a = arena_new(DOCUMENT_ROOM)};
    const struct lens_api *api = NULL;
    struct problems p;
    struct err e;
    struct lens_text text = {
        SPAN("changes/c.yaml"),
        arena_fmt(d.a,
                  "change: c\nfrom: v1\nto: v2\n"
                  "manifest: {title: t, owner: o, guarantee: none}\n%s",
                  change)};
    problems_init(&p, d.a);
    assert_int_equal(
        lens_load_text(d.a, (struct lens_text){SPAN("a"), span_str(api_yaml)},
                       &text, 1, &p, &api),
        OK);
    assert_int_equal(translator_build(d.a, api, &d.t, &e), OK);
    return d;
}

/* What the body becomes; on failure nothing may have been written. */
static enum err_code
pass(const struct door *d, struct arena *a, const char *media, span body,
     span *out)
{
    static const struct translation_limits limits = {0};
    struct message m = {.side = MESSAGE_REQUEST,
                        .method = SPAN("POST"),
                        .path = SPAN("/orders"),
                        .media = span_str(media)};
    const struct program *p = NULL;
    struct translation *t = NULL;
    struct buf b;
    struct err e;
    assert_int_equal(translator_program(d->t, a, &m, 0, 1, &p, &e),
                     PROGRAM_TRANSLATE);
    buf_init(&b, DOCUMENT_ROOM);
    assert_int_equal(translation_open(a, p, &limits, &b, &t, &e), OK);
    enum err_code code = translation_feed(t, body);
    code = code ? code : translation_end(t);
    assert_true(code == OK || translation_fault(t)->err.text[0]);
    assert_true(span_dup(a, buf_span(&b), out));
    buf_fini(&b);
    return code;
}

static span
join(struct arena *a, const char *before, span text, const char *after)
{
    struct buf b;
    span out = {0};
    buf_init(&b, DOCUMENT_ROOM);
    buf_str(&b, before);
    buf_add(&b, text);
    buf_str(&b, after);
    assert_true(span_dup(a, buf_span(&b), &out));
    buf_fini(&b);
    return out;
}

static bool
contains(span text, span part)
{
    for (size_t i = 0; i + part.len <= text.len; i++)
        if (memcmp(text.at + i, part.at, part.len) == 0)
            return true;
    return false;
}

static span
trim(span s)
{
    while (s.len && strchr(" \t\r\n", s.at[0]))
        s = span_skip(s, 1);
    while (s.len && strchr(" \t\r\n", s.at[s.len - 1]))
        s = span_take(s, s.len - 1);
    return s;
}

/* Where a value may stand, and how it is named in the other version. */
static const struct {
    const char *before, *after, *then;
} places[] = {{"{\"x\":", "}", "\"x\":"},
              {"{\"old\":", "}", "\"new\":"},
              {"{\"y\":[0,", "],\"old\":1}", "[0,"},
              {"{\"a\":{\"b\":", "},\"old\":[]}", "\"b\":"},
              {"{\"old\":{\"c\":[", "]}}", "\"c\":["}};

static void
check_accepted(const struct door *d, span text)
{
    struct arena *a = arena_new(DOCUMENT_ROOM);
    span out;
    for (size_t i = 0; i < COUNT(places); i++) {
        span body = join(a, places[i].before, text, places[i].after);
        if (pass(d, a, "application/json", body, &out) != OK)
            fail_msg("refused: %.*s", SPAN_FMT(body));
        /* The space around a value may stay or go. */
        bool is_bare = trim(text).len == text.len;
        const char *then = is_bare ? places[i].then : "";
        if (!contains(out, join(a, then, trim(text), "")))
            fail_msg("%.*s became %.*s", SPAN_FMT(body), SPAN_FMT(out));
    }
    if (!span_starts(trim(text), SPAN("{"))) {
        assert_int_equal(pass(d, a, "application/json", text, &out), OK);
        assert_true(span_eq(out, text)); /* no object: of no type */
    }
    arena_free(&a);
}

static void
check_refused(const struct door *d, span text)
{
    static const char *const media[] = {"application/json",
                                        "application/x-ndjson"};
    struct arena *a = arena_new(DOCUMENT_ROOM);
    span out;
    for (size_t i = 0; i < COUNT(places); i++)
        for (size_t k = 0; k < COUNT(media); k++) {
            span body = join(a, places[i].before, text, places[i].after);
            if (pass(d, a, media[k], body, &out) == OK || out.len)
                fail_msg("accepted as %s: %.*s", media[k], SPAN_FMT(body));
        }
    arena_free(&a);
}

TEST(what_the_rfc_allows_comes_out_as_it_was_spelt)
{
    for (size_t c = 0; c < COUNT(changes); c++) {
        struct door d = open_door(changes[c]);
        for (size_t i = 0; i < COUNT(accepted); i++)
            check_accepted(&d, accepted[i]);
        arena_free(&d.a);
    }
}

/* In a place, a text may make a document of two: those are left out. */
static bool
is_good_inside(span text)
{
    static const char *const inside[] = {"1,", "[]]", "[1]x", "{\"a\":1}}",
                                         "]",  "}",   "1}",   ""};
    for (size_t i = 0; i < COUNT(inside); i++)
        if (span_is(trim(text), inside[i]))
            return true;
    return false;
}

TEST(what_the_rfc_refuses_fails_and_nothing_comes_out)
{
    for (size_t c = 0; c < COUNT(changes); c++) {
        struct door d = open_door(changes[c]);
        for (size_t i = 0; i < COUNT(refused); i++)
            if (!is_good_inside(refused[i]))
                check_refused(&d, refused[i]);
        arena_free(&d.a);
    }
}

TEST(a_key_keeps_its_spelling_and_an_escaped_one_is_the_same)
{
    static const char *const keys[] = {
        "\"\"",        "\"\\u0078\"",  "\"\\\"\"",    "\"\\u0000\"",
        "\"\\ud800\"", "\"\xC3\xA9\"", "\"a b\\/c\"", "\"\x7F\""};
    for (size_t c = 0; c < COUNT(changes); c++) {
        struct door d = open_door(changes[c]);
        for (size_t i = 0; i < COUNT(keys); i++) {
            span body = arena_fmt(d.a, "{%s:1,\"old\":2}", keys[i]);
            span out;
            assert_int_equal(pass(&d, d.a, "application/json", body, &out), OK);
            assert_true(contains(out, arena_fmt(d.a, "%s:1", keys[i])));
        }
        span out;
        assert_int_equal(
            pass(&d, d.a, "application/json", SPAN("{\"\\u006fld\":2}"), &out),
            OK);
        assert_span(out, "{\"new\":2,\"late\":1}");
        arena_free(&d.a);
    }
}

/* `n` times a text around another. */
static span
nested(struct arena *a, size_t n, const char *open, const char *close)
{
    struct buf b;
    span out = {0};
    buf_init(&b, DOCUMENT_ROOM);
    buf_str(&b, "{\"old\":");
    for (size_t i = 0; i < n; i++)
        buf_str(&b, open);
    for (size_t i = 0; i < n; i++)
        buf_str(&b, close);
    buf_str(&b, "}");
    assert_true(span_dup(a, buf_span(&b), &out));
    buf_fini(&b);
    return out;
}

TEST(depth_has_a_limit_and_no_document_is_too_deep_to_be_refused)
{
    for (size_t c = 0; c < COUNT(changes); c++) {
        struct door d = open_door(changes[c]);
        span out;
        assert_int_equal(
            pass(&d, d.a, "application/json", nested(d.a, 127, "[", "]"), &out),
            OK);
        assert_int_equal(
            pass(&d, d.a, "application/json", nested(d.a, 128, "[", "]"), &out),
            ERR_LIMIT);
        assert_int_equal(pass(&d, d.a, "application/json",
                              nested(d.a, 100000, "[", ""), &out),
                         ERR_LIMIT);
        assert_int_equal(pass(&d, d.a, "application/json",
                              nested(d.a, 50000, "[{\"\":", ""), &out),
                         ERR_LIMIT);
        arena_free(&d.a);
    }
}

TEST(numbers_and_texts_of_any_length_pass)
{
    for (size_t c = 0; c < COUNT(changes); c++) {
        struct door d = open_door(changes[c]);
        struct buf b;
        span out;
        buf_init(&b, DOCUMENT_ROOM);
        buf_str(&b, "{\"old\":-1.5e-");
        for (size_t i = 0; i < 100000; i++)
            buf_byte(&b, (char)('0' + i % 10));
        buf_str(&b, ",\"x\":\"");
        for (size_t i = 0; i < 100000; i++)
            buf_str(&b, i % 7 ? "t" : "\\u00e9");
        buf_str(&b, "\"}");
        assert_int_equal(pass(&d, d.a, "application/json", buf_span(&b), &out),
                         OK);
        span tail = span_skip(buf_span(&b), 7);
        tail = span_take(tail, tail.len - 1);
        assert_true(contains(out, tail));
        buf_fini(&b);
        arena_free(&d.a);
    }
}
