/* SPDX-License-Identifier: Apache-2.0 */
#include "routing/media.h"

#include "tests/test.h"

TEST(a_list_of_media_types_is_cut_outside_quotes)
{
    span list = SPAN(" a/b ; x=\"1,2;\\\"\" ;y, ,c/d;q=0.5,e");
    span params, name, value;
    struct media m;

    assert_true(media_next(&list, &m));
    assert_span(m.type, "a/b");
    params = m.params;
    assert_true(media_next_param(&params, &name, &value));
    assert_span(name, "x");
    assert_span(value, "\"1,2;\\\"\"");
    assert_true(media_value_is(value, SPAN("1,2;\"")));
    assert_false(media_value_is(value, SPAN("1,2;")));
    assert_true(media_next_param(&params, &name, &value));
    assert_span(name, "y");
    assert_int_equal(value.len, 0);
    assert_false(media_next_param(&params, &name, &value));
    assert_int_equal(media_weight(&m), 1000);
    assert_true(media_next(&list, &m));
    assert_span(m.type, "c/d");
    assert_int_equal(media_weight(&m), 500);
    assert_true(media_next(&list, &m));
    assert_span(m.type, "e");
    assert_false(media_next(&list, &m));
}

TEST(a_broken_weight_is_zero)
{
    static const struct {
        const char *params;
        unsigned weight;
    } cases[] = {{"q=1", 1000},   {"Q=0.001", 1}, {"q=0", 0},
                 {"q=1.5", 0},    {"q=", 0},      {"q=x", 0},
                 {"q=0.1234", 0}, {"q=1.", 1000}, {"r=1;q=.5", 0},
                 {"r=0", 1000}};

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct media m = {SPAN("a/b"), span_str(cases[i].params)};
        if (media_weight(&m) != cases[i].weight)
            fail_msg("%s: %u", cases[i].params, media_weight(&m));
    }
}

TEST(a_quote_that_does_not_end_takes_the_rest)
{
    span list = SPAN("a/b;x=\"1, c/d");
    span params, name, value;
    struct media m;

    assert_true(media_next(&list, &m));
    params = m.params;
    assert_true(media_next_param(&params, &name, &value));
    assert_false(media_value_is(value, SPAN("1, c/d")));
    assert_false(media_next(&list, &m));
}

TEST(what_is_whole_ends_its_quotes_whatever_bytes_are_before)
{
    assert_true(media_is_whole(SPAN("a/b;x=\"1\""), false));
    assert_false(media_is_whole(SPAN("a/b;x=\"1"), false));
    assert_false(media_is_whole(SPAN("\xff\""), false));
    assert_true(media_is_whole(SPAN("<a"), false));
    assert_false(media_is_whole(SPAN("<a"), true));
}

TEST(tokens_have_no_separators)
{
    assert_true(media_is_token(SPAN("v2.1-rc+x")));
    assert_false(media_is_token(SPAN("")));
    assert_false(media_is_token(SPAN("a/b")));
    assert_false(media_is_token(SPAN("a b")));
    assert_false(media_is_token(SPAN("caf\xc3\xa9")));
}
