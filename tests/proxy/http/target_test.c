/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/test.h"

#include "proxy/http/query.h"
#include "proxy/http/target.h"

TEST(a_path_is_walked_segment_by_segment)
{
    span rest = SPAN("/a//b%20/"), s;

    assert_true(path_next(&rest, &s));
    assert_span(s, "a");
    assert_true(path_next(&rest, &s));
    assert_span(s, "");
    assert_true(path_next(&rest, &s));
    assert_span(s, "b%20");
    assert_true(path_next(&rest, &s));
    assert_span(s, "");
    assert_false(path_next(&rest, &s));
}

TEST(a_path_with_dot_segments_is_not_plain_however_they_are_written)
{
    static const char *const bad[] = {"/.",   "/..",       "/a/../b",
                                      "/%2e", "/a/.%2E/b", "/%2e%2e"};
    static const char *const good[] = {"/",    "/...",   "/.a",
                                       "/a..", "/a/..b", "/%2e%2e%2e"};

    for (size_t i = 0; i < COUNT(bad); i++)
        assert_false(path_is_plain(span_str(bad[i])));
    for (size_t i = 0; i < COUNT(good); i++)
        assert_true(path_is_plain(span_str(good[i])));
}

TEST(percent_encoding_there_and_back_is_identity)
{
    struct arena *a = arena_new(1 << 20);
    char all[256];
    span s;

    for (size_t i = 0; i < sizeof(all); i++)
        all[i] = (char)i;
    assert_int_equal(pct_encode(a, span_of(all, sizeof(all)), &s), OK);
    assert_int_equal(pct_decode(a, s, true, &s), OK);
    assert_true(span_eq(s, span_of(all, sizeof(all))));

    assert_int_equal(pct_decode(a, SPAN("a+b%2Bc"), false, &s), OK);
    assert_span(s, "a+b+c");
    assert_int_equal(pct_decode(a, SPAN("a+b%2Bc"), true, &s), OK);
    assert_span(s, "a b+c");
    assert_int_equal(pct_decode(a, SPAN("%"), true, &s), OK);
    assert_span(s, "%");
    assert_int_equal(pct_decode(a, SPAN("%4"), true, &s), OK);
    assert_span(s, "%4");
    assert_int_equal(pct_decode(a, SPAN("%4x%zz%41"), true, &s), OK);
    assert_span(s, "%4x%zzA");
    assert_int_equal(pct_encode(a, SPAN("a-._~Z9 /"), &s), OK);
    assert_span(s, "a-._~Z9%20%2F");
    arena_free(&a);
}

TEST(a_parameter_is_found_by_its_decoded_name)
{
    struct arena *a = arena_new(1 << 20);
    span v;

    assert_int_equal(
        query_get(a, SPAN("a=1&b%62=x%20y+z&bb=2"), SPAN("bb"), &v), OK);
    assert_span(v, "x y z");
    assert_int_equal(query_get(a, SPAN("a"), SPAN("a"), &v), OK);
    assert_span(v, "");
    assert_int_equal(query_get(a, SPAN("aa=1&=2"), SPAN("a"), &v),
                     ERR_NOT_FOUND);
    assert_int_equal(query_get(a, SPAN("aa=1&=2"), SPAN(""), &v), OK);
    assert_span(v, "2");
    assert_int_equal(query_count(SPAN("a=1&&a&b&%61=3"), SPAN("a")), 3);
    arena_free(&a);
}

TEST(changing_one_parameter_leaves_the_bytes_of_the_others)
{
    static const struct {
        const char *query, *renamed, *removed, *added, *set;
    } cases[] = {
        {"a=1&b=%7e+&a=2&c", "n%20w=1&b=%7e+&n%20w=2&c", "b=%7e+&c",
         "a=1&b=%7e+&a=2&c&a=x%26y", "a=x%26y&b=%7e+&c"},
        {"b=1", "b=1", "b=1", "b=1&a=x%26y", "b=1&a=x%26y"},
        {"", "", "", "a=x%26y", "a=x%26y"},
        {"a", "n%20w", "", "a&a=x%26y", "a=x%26y"},
        {"&%61==&&b&", "&n%20w==&&b&", "b", "&%61==&&b&&a=x%26y", "a=x%26y&b"},
    };
    struct arena *a = arena_new(1 << 20);
    span out;

    for (size_t i = 0; i < COUNT(cases); i++) {
        span q = span_str(cases[i].query);
        assert_int_equal(query_rename(a, q, SPAN("a"), SPAN("n w"), &out), OK);
        assert_span(out, cases[i].renamed);
        assert_int_equal(query_remove(a, q, SPAN("a"), &out), OK);
        assert_span(out, cases[i].removed);
        assert_int_equal(query_add(a, q, SPAN("a"), SPAN("x&y"), &out), OK);
        assert_span(out, cases[i].added);
        assert_int_equal(query_set(a, q, SPAN("a"), SPAN("x&y"), &out), OK);
        assert_span(out, cases[i].set);
    }
    arena_free(&a);
}

TEST(a_query_change_without_memory_is_a_limit)
{
    struct arena *a = arena_new(1 << 20);
    span out;

    for (size_t n = 1; n < 3; n++) {
        arena_fail_after(n);
        assert_int_equal(
            query_rename(a, SPAN("a=1"), SPAN("a"), SPAN("n w"), &out),
            ERR_LIMIT);
        arena_fail_after(n);
        assert_int_equal(
            query_set(a, SPAN("a=1"), SPAN("a"), SPAN("n w"), &out), ERR_LIMIT);
        arena_fail_after(n);
        assert_int_equal(
            query_add(a, SPAN("a=1"), SPAN("a"), SPAN("n w"), &out), ERR_LIMIT);
    }
    arena_fail_after(1);
    assert_int_equal(query_remove(a, SPAN("a=1"), SPAN("a"), &out), ERR_LIMIT);
    arena_fail_after(0);
    arena_free(&a);
}
