/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What RFC 8259 allows passes byte for byte, through a program that knows
 * nothing, and nothing else passes: at every level, in every cut.
 */
#include "tests/test.h"
#include "tests/translators/engine/machine.h"
#include "tests/translators/json/texts.h"
#include "translators/json/tree.h"

static const struct engine_entry root = {.action = ENGINE_KEEP,
                                         .bit = ENGINE_NONE,
                                         .twice = ENGINE_NONE,
                                         .fault = ENGINE_NONE,
                                         .slot = ENGINE_NONE,
                                         .note = ENGINE_NONE};
static const struct engine_program passes = {.root = &root};

/* The machine and the tree are of one mind, and of the place as well. */
static void
check(struct arena *a, span text)
{
    struct json *tree = NULL;
    struct err e = {0};
    struct ran r = run_all(a, &passes, text);
    enum err_code code = json_parse(a, text, 128, &tree, &e);
    if ((code == OK) != (r.verdict == ENGINE_DONE))
        fail_msg("%.*s: %s", SPAN_FMT(text), e.text);
    if (code == OK)
        assert_true(r.out.at && text.at && span_eq(r.out, text));
    else if (r.fault.offset != e.offset &&
             !(text.at && text.len && text.at[0] == '\xEF') &&
             e.offset < text.len)
        fail_msg("%.*s: at %llu, not %zu: %s", SPAN_FMT(text),
                 (unsigned long long)r.fault.offset, e.offset, e.text);
}

static span
around(struct arena *a, const char *before, span text, const char *after)
{
    struct buf b;
    span out = {0};
    buf_init(&b, ROOM);
    buf_str(&b, before);
    buf_add(&b, text);
    buf_str(&b, after);
    assert_true(span_dup(a, buf_span(&b), &out));
    buf_fini(&b);
    return out;
}

TEST(what_the_rfc_allows_passes_and_nothing_else)
{
    static const char *const places[][2] = {
        {"", ""},
        {"[", "]"},
        {"[0, ", " ]"},
        {"{\"x\":", "}"},
        {"{\"x\":1,\"y\" : ", ",\"z\":[]}"}};
    struct arena *a = arena_new(ROOM);
    for (size_t k = 0; k < COUNT(places); k++) {
        for (size_t i = 0; i < COUNT(accepted); i++)
            check(a, around(a, places[k][0], accepted[i], places[k][1]));
        for (size_t i = 0; i < COUNT(refused); i++)
            check(a, around(a, places[k][0], refused[i], places[k][1]));
        arena_reset(a);
    }
    arena_free(&a);
}

/* Each accepted text with one byte of it changed. */
TEST(one_byte_changed_is_judged_as_the_tree_judges_it)
{
    static const char bytes[] = "\"\\{}[]:, 0-.eE+tu\x1F\x7F\x80\xC3\xED\xF4";
    struct arena *a = arena_new(ROOM);
    for (size_t i = 0; i < COUNT(accepted); i++) {
        span text = around(a, "[", accepted[i], "]");
        for (size_t at = 0; at < text.len; at++) {
            char *copy = arena_str(a, text);
            assert_non_null(copy);
            copy[at] = bytes[(at * 7 + i) % (sizeof(bytes) - 1)];
            struct json *tree = NULL;
            struct err e = {0};
            span s = span_of(copy, text.len);
            struct ran r = run_whole(a, &passes, s);
            struct ran cut = run_cut(
                a, &passes,
                engine_has_level(ENGINE_AVX2) ? ENGINE_AVX2 : ENGINE_PLAIN, s,
                3, true);
            enum err_code code = json_parse(a, s, 128, &tree, &e);
            if ((code == OK) != (r.verdict == ENGINE_DONE) ||
                cut.verdict != r.verdict)
                fail_msg("%.*s: %s", SPAN_FMT(s), e.text);
        }
    }
    arena_free(&a);
}

TEST(every_text_that_ends_early_is_refused)
{
    span body = SPAN(" {\"a\" : [1.5e+3,true,null, -0.25],\"h\xC3\xA9\":\"\\u00"
                     "e9\xF0\x9F\x98\x80\",\"c\":{\"d\":{},\"e\":[]}} ");
    struct arena *a = arena_new(ROOM);
    for (size_t n = 0; n < body.len - 1; n++)
        assert_int_equal(run_all(a, &passes, span_take(body, n)).verdict,
                         ENGINE_FAILED);
    assert_int_equal(run_all(a, &passes, body).verdict, ENGINE_DONE);
    arena_free(&a);
}

TEST(a_text_or_number_that_is_only_copied_may_be_of_any_length)
{
    struct arena *a = arena_new(ROOM);
    struct buf b;
    buf_init(&b, ROOM);
    for (size_t kind = 0; kind < 4; kind++) {
        static const char *const units[] = {"7", "text ", "\xE2\x82\xAC",
                                            "\\u00e9\\n"};
        buf_clear(&b);
        buf_str(&b, kind ? "[\"" : "[-");
        while (buf_len(&b) < 40000)
            buf_str(&b, units[kind]);
        buf_str(&b, kind ? "\"]" : ".5e1]");
        struct ran r = run_all(a, &passes, buf_span(&b));
        assert_int_equal(r.verdict, ENGINE_DONE);
        span body = buf_span(&b);
        assert_true(r.out.at && body.at && span_eq(r.out, body));
    }
    buf_fini(&b);
    arena_free(&a);
}

/* Digits up to the edge of a block and over it, a point at each place. */
TEST(numbers_are_whole_wherever_a_block_ends)
{
    struct arena *a = arena_new(ROOM);
    for (size_t digits = 1; digits < 70; digits++)
        for (size_t point = 1; point <= digits; point += 1 + digits / 34) {
            char body[80];
            memset(body, '2', sizeof(body));
            body[0] = '[';
            body[1 + digits] = ']';
            body[point] = '.'; /* also first and last: then it is none */
            check(a, span_of(body, digits + 2));
            arena_reset(a);
        }
    arena_free(&a);
}

/* A wrong byte far inside a long text, at every distance from a block's edge. */
TEST(wrong_utf8_is_found_wherever_it_stands)
{
    static const char *const wrong[] = {"\x80",
                                        "\xC0\x80",
                                        "\xC3",
                                        "\xC3(",
                                        "\xE0\x80\x80",
                                        "\xED\xA0\x80",
                                        "\xE2\x82",
                                        "\xF0\x80\x80\x80",
                                        "\xF4\x90\x80\x80",
                                        "\xF0\x9F\x98",
                                        "\xF8\x88\x80\x80\x80",
                                        "\xFF"};
    struct arena *a = arena_new(ROOM);
    struct buf b;
    buf_init(&b, ROOM);
    for (size_t i = 0; i < COUNT(wrong); i++)
        for (size_t before = 0; before < 70; before++) {
            buf_clear(&b);
            buf_str(&b, "{\"k\":\"\xC3\xA9");
            for (size_t n = 0; n < before; n++)
                buf_byte(&b, 'x');
            buf_str(&b, wrong[i]);
            buf_str(&b, "0123456789012345678901234567890123456789\"}");
            check(a, buf_span(&b));
            arena_reset(a);
        }
    buf_fini(&b);
    arena_free(&a);
}

TEST(depth_is_held_at_its_limit_and_one_above_is_refused)
{
    static char body[2 * 129 + 2];
    struct arena *a = arena_new(ROOM);
    for (size_t depth = 128; depth <= 129; depth++) {
        memset(body, '[', depth);
        memset(body + depth, ']', depth);
        struct ran r = run_all(a, &passes, span_of(body, 2 * depth));
        assert_int_equal(r.verdict, depth == 128 ? ENGINE_DONE : ENGINE_FAILED);
        if (depth > 128)
            assert_int_equal(r.fault.why, ENGINE_TOO_DEEP);
    }
    arena_free(&a);
}
