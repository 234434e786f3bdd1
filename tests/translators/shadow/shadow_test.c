/* SPDX-License-Identifier: Apache-2.0 */
#include "translators/shadow/shadow.h"

#include "proxy/base/buf.h"
#include "tests/test.h"

#define ROOM ((size_t)4 << 20)

struct bench {
    struct arena *kept;
    struct arena *scratch;
    struct shadow_rules rules;
    struct shadow *s;
};

static struct bench *
bench_open(struct shadow_rules rules, size_t places_max, uint64_t answers_min)
{
    struct arena *kept = arena_new(ROOM);
    struct bench *b = arena_alloc(kept, sizeof *b);
    assert_non_null(b);
    *b = (struct bench){
        .kept = kept, .scratch = arena_new(ROOM), .rules = rules};
    b->s = shadow_new(kept, places_max, answers_min);
    assert_non_null(b->s);
    return b;
}

static void
bench_close(struct bench *b)
{
    struct arena *kept = b->kept;
    arena_free(&b->scratch);
    arena_free(&kept);
}

/* As the worker and control do it between them. */
static enum err_code
compare_answers(struct bench *b, enum shadow_pair pair,
                struct shadow_answer baseline, struct shadow_answer other)
{
    struct shadow_found *found = NULL;
    struct err e;

    arena_reset(b->scratch);
    enum err_code code =
        shadow_compare(b->scratch, &b->rules, &baseline, &other, &found, &e);
    if (code == OK)
        shadow_count(b->s, pair, found);
    else
        shadow_skip(b->s, pair);
    return code;
}

static enum err_code
compare(struct bench *b, enum shadow_pair pair, const char *baseline,
        const char *other)
{
    return compare_answers(b, pair,
                           (struct shadow_answer){200, span_str(baseline)},
                           (struct shadow_answer){200, span_str(other)});
}

/* "place kind noise raw new;" of each row. */
static const char *
rows(struct bench *b)
{
    struct buf out;
    struct shadow_row r;
    buf_init(&out, ROOM);
    for (size_t i = 0; shadow_row(b->s, i, &r); i++)
        buf_fmt(&out, "%.*s %s %d %d%s;", SPAN_FMT(r.place),
                shadow_kind_word(r.kind), (int)r.answers[SHADOW_NOISE],
                (int)r.answers[SHADOW_RAW], r.is_new ? " new" : "");
    char *text = arena_str(b->kept, buf_span(&out));
    assert_non_null(text);
    buf_fini(&out);
    return text;
}

TEST(a_difference_has_a_place_and_a_kind)
{
    static const struct {
        const char *baseline, *canary, *rows;
    } cases[] = {
        {"{\"a\":1}", "{\"a\":1}", ""},
        {"{\"a\":1,\"b\":2}", "{\"b\":2,\"a\":1}", ""},
        {"{\"a\":\"\\u0041\"}", "{\"a\":\"A\"}", ""},
        {"{\"a\":1}", "{\"a\":2}", "/a value 0 1 new;"},
        {"{\"a\":1}", "{\"a\":1.0}", "/a value 0 1 new;"},
        {"{\"a\":1}", "{\"a\":\"1\"}", "/a type 0 1 new;"},
        {"{\"a\":1}", "{}", "/a missing 0 1 new;"},
        {"{}", "{\"a\":null}", "/a extra 0 1 new;"},
        {"{\"a\":{\"b/c\":1}}", "{\"a\":{\"b/c\":2}}",
         "/a/b~1c value 0 1 new;"},
        {"[1,2,3]", "[1,5,6]", "/* value 0 1 new;"},
        {"[1,2]", "[1]", "/* missing 0 1 new;"},
        {"[1]", "[1,{}]", "/* extra 0 1 new;"},
        {"{\"a\":1,\"a\":2}", "{\"a\":1,\"a\":3}", ""},
        {"{}", "[]", " type 0 1 new;"},
        {"plain", "plain", ""},
        {"plain", "other", " value 0 1 new;"},
        {"{}", "oops", " value 0 1 new;"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct bench *b = bench_open((struct shadow_rules){0}, 100, 1);
        assert_int_equal(
            compare(b, SHADOW_RAW, cases[i].baseline, cases[i].canary), OK);
        assert_string_equal(rows(b), cases[i].rows);
        bench_close(b);
    }
}

TEST(another_status_is_a_difference)
{
    struct bench *b = bench_open((struct shadow_rules){0}, 100, 1);
    struct shadow_row r;
    assert_int_equal(compare_answers(b, SHADOW_RAW,
                                     (struct shadow_answer){200, SPAN("{}")},
                                     (struct shadow_answer){404, SPAN("{}")}),
                     OK);
    assert_string_equal(rows(b), "status value 0 1 new;");
    assert_true(shadow_row(b->s, 0, &r));
    assert_span(r.baseline, "200");
    assert_span(r.other, "404");
    bench_close(b);
}

TEST(a_list_with_a_key_is_compared_by_it)
{
    const struct shadow_key keys[] = {{SPAN("/lines"), SPAN("sku")},
                                      {SPAN(""), SPAN("id")}};
    static const struct {
        const char *baseline, *canary, *rows;
    } cases[] = {
        {"{\"lines\":[{\"sku\":\"a\",\"n\":1},{\"sku\":\"b\",\"n\":2}]}",
         "{\"lines\":[{\"sku\":\"b\",\"n\":2},{\"sku\":\"a\",\"n\":1}]}", ""},
        {"[{\"id\":1,\"n\":1},{\"id\":2,\"n\":2}]",
         "[{\"id\":2,\"n\":3},{\"id\":1,\"n\":1}]", "/*/n value 0 1 new;"},
        {"[{\"id\":1},{\"id\":2}]", "[{\"id\":2},{\"id\":3}]",
         "/* missing 0 1 new;/* extra 0 1 new;"},
        /* Two of one identity, or one without: by position. */
        {"[{\"id\":1,\"n\":1},{\"id\":1,\"n\":2}]",
         "[{\"id\":1,\"n\":2},{\"id\":1,\"n\":1}]", "/*/n value 0 1 new;"},
        {"[{\"id\":1},{\"n\":1}]", "[{\"n\":1},{\"id\":1}]",
         "/*/id missing 0 1 new;/*/n extra 0 1 new;/*/n missing 0 1 new;"
         "/*/id extra 0 1 new;"},
        {"[3,1]", "[1,3]", "/* value 0 1 new;"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct bench *b = bench_open(
            (struct shadow_rules){.keys = keys, .n_keys = COUNT(keys)}, 100, 1);
        assert_int_equal(
            compare(b, SHADOW_RAW, cases[i].baseline, cases[i].canary), OK);
        assert_string_equal(rows(b), cases[i].rows);
        bench_close(b);
    }
}

TEST(an_answer_counts_once_at_a_place)
{
    struct bench *b = bench_open((struct shadow_rules){0}, 100, 1);
    assert_int_equal(compare(b, SHADOW_RAW, "[1,2,3]", "[4,5,6]"), OK);
    assert_int_equal(compare(b, SHADOW_RAW, "[1,2,3]", "[4,5,6]"), OK);
    assert_string_equal(rows(b), "/* value 0 2 new;");
    bench_close(b);
}

TEST(noise_is_taken_off)
{
    struct bench *b = bench_open((struct shadow_rules){0}, 100, 1);
    for (int i = 0; i < 100; i++) {
        const char *late = i % 2 ? "{\"at\":2}" : "{\"at\":1}";
        assert_int_equal(compare(b, SHADOW_NOISE, "{\"at\":1}", late), OK);
        assert_int_equal(compare(b, SHADOW_RAW, "{\"at\":1}", late), OK);
    }
    size_t n_new = 9;
    assert_int_equal(shadow_verdict(b->s, &n_new), SHADOW_CLEAN);
    assert_int_equal(n_new, 0);
    /* Half of them are noise; 60 in 100 are no more than a fifth above, 61 are. */
    for (int i = 0; i < 100; i++) {
        assert_int_equal(compare(b, SHADOW_NOISE, "{\"at\":1}",
                                 i < 50 ? "{\"at\":2}" : "{\"at\":1}"),
                         OK);
        assert_int_equal(compare(b, SHADOW_RAW, "{\"at\":1}",
                                 i < 70 ? "{\"at\":2}" : "{\"at\":1}"),
                         OK);
    }
    assert_int_equal(shadow_verdict(b->s, NULL), SHADOW_CLEAN);
    assert_int_equal(compare(b, SHADOW_NOISE, "1", "1"), OK);
    assert_int_equal(compare(b, SHADOW_RAW, "{\"at\":1}", "{\"at\":2}"), OK);
    assert_int_equal(compare(b, SHADOW_RAW, "{\"at\":1}", "{\"at\":2}"), OK);
    assert_int_equal(compare(b, SHADOW_RAW, "{\"at\":1}", "{\"at\":2}"), OK);
    assert_int_equal(shadow_verdict(b->s, &n_new), SHADOW_DIFFERS);
    assert_int_equal(n_new, 1);
    bench_close(b);
}

TEST(three_in_ten_thousand_are_let_be_and_four_are_not)
{
    struct bench *b = bench_open((struct shadow_rules){0}, 100, 1);
    assert_int_equal(compare(b, SHADOW_NOISE, "1", "1"), OK);
    for (int i = 0; i < 10000; i++)
        assert_int_equal(compare(b, SHADOW_RAW, "1", i < 3 ? "2" : "1"), OK);
    assert_int_equal(shadow_verdict(b->s, NULL), SHADOW_CLEAN);
    for (int i = 0; i < 10000; i++)
        assert_int_equal(compare(b, SHADOW_RAW, "1", i < 4 ? "2" : "1"), OK);
    assert_int_equal(shadow_verdict(b->s, NULL), SHADOW_DIFFERS);
    bench_close(b);
}

TEST(what_was_not_measured_is_unknown)
{
    struct bench *b = bench_open((struct shadow_rules){0}, 100, 2);
    assert_int_equal(shadow_verdict(b->s, NULL), SHADOW_UNKNOWN);
    assert_int_equal(compare(b, SHADOW_RAW, "1", "1"), OK);
    assert_int_equal(compare(b, SHADOW_RAW, "1", "1"), OK);
    assert_int_equal(compare(b, SHADOW_NOISE, "1", "1"), OK);
    assert_int_equal(shadow_verdict(b->s, NULL), SHADOW_UNKNOWN);
    shadow_skip(b->s, SHADOW_NOISE);
    assert_int_equal(shadow_verdict(b->s, NULL), SHADOW_UNKNOWN);
    assert_int_equal(compare(b, SHADOW_NOISE, "1", "1"), OK);
    assert_int_equal(shadow_verdict(b->s, NULL), SHADOW_CLEAN);
    assert_int_equal(shadow_skipped(b->s, SHADOW_NOISE), 1);
    bench_close(b);
}

TEST(a_document_too_deep_is_skipped_and_counts_nowhere)
{
    struct bench *b = bench_open((struct shadow_rules){.depth_max = 2}, 100, 1);
    assert_int_equal(compare(b, SHADOW_RAW, "[[1]]", "[[2]]"), OK);
    assert_int_equal(compare(b, SHADOW_RAW, "[[[1]]]", "[[2]]"), ERR_LIMIT);
    assert_int_equal(compare(b, SHADOW_RAW, "[[1]]", "[[[2]]]"), ERR_LIMIT);
    assert_int_equal(shadow_compared(b->s, SHADOW_RAW), 1);
    assert_int_equal(shadow_skipped(b->s, SHADOW_RAW), 2);
    assert_string_equal(rows(b), "/*/* value 0 1 new;");
    bench_close(b);
}

TEST(places_beyond_the_limit_share_a_row_and_count)
{
    struct bench *b = bench_open((struct shadow_rules){0}, 2, 1);
    assert_int_equal(compare(b, SHADOW_RAW, "{\"a\":1,\"b\":1}", "{}"), OK);
    assert_string_equal(rows(b), "/a missing 0 1 new;/b missing 0 1 new;");
    assert_int_equal(compare(b, SHADOW_RAW, "{\"c\":1,\"d\":1}", "{}"), OK);
    assert_string_equal(rows(b), "/a missing 0 1 new;/b missing 0 1 new;"
                                 "others missing 0 1 new;");
    bench_close(b);
}

TEST(a_sample_shows_no_value)
{
    struct bench *b = bench_open((struct shadow_rules){0}, 100, 1);
    struct shadow_row r;
    assert_int_equal(compare(b, SHADOW_RAW,
                             "{\"card\":\"4242\",\"list\":[1,2],\"sum\":12}",
                             "{\"card\":{\"last4\":\"4242\"},\"sum\":13}"),
                     OK);
    assert_true(shadow_row(b->s, 0, &r));
    assert_span(r.baseline, "string of 4 bytes");
    assert_span(r.other, "object of 1");
    assert_true(shadow_row(b->s, 1, &r));
    assert_span(r.baseline, "list of 2");
    assert_span(r.other, "nothing");
    assert_true(shadow_row(b->s, 2, &r));
    assert_span(r.baseline, "number");
    assert_span(r.other, "number");
    assert_false(shadow_row(b->s, 3, &r));
    bench_close(b);
}

TEST(without_memory_a_pair_is_skipped_and_the_counts_stay)
{
    const struct shadow_key keys[] = {{SPAN(""), SPAN("id")}};
    enum err_code code = ERR_LIMIT;
    for (size_t n = 1; code != OK; n++) {
        struct bench *b = bench_open(
            (struct shadow_rules){.keys = keys, .n_keys = 1}, 100, 1);
        arena_fail_after(n);
        code = compare(b, SHADOW_RAW, "{\"l\":[{\"id\":1},{\"id\":2}],\"a\":1}",
                       "{\"l\":[{\"id\":2,\"x\":1},{\"id\":3}]}");
        arena_fail_after(0);
        if (shadow_skipped(b->s, SHADOW_RAW))
            code = ERR_LIMIT; /* counting needs memory, too */
        assert_int_equal(shadow_compared(b->s, SHADOW_RAW), code == OK);
        assert_int_equal(shadow_skipped(b->s, SHADOW_RAW), code != OK);
        struct shadow_row r;
        for (size_t i = 0; code != OK && shadow_row(b->s, i, &r); i++)
            assert_int_equal(r.answers[SHADOW_RAW], 0);
        assert_true(n < 200);
        bench_close(b);
    }
}
