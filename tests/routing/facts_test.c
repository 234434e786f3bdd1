/* SPDX-License-Identifier: Apache-2.0 */
#include "routing/facts.h"

#include "routing/subject.h"
#include "tests/routing/request.h"
#include "tests/test.h"

TEST(a_header_is_its_first_value_trimmed)
{
    struct facts f = REQUEST("a:  x y\t", "A: second", "empty: ");
    span value;

    assert_true(facts_header(&f, SPAN("A"), &value));
    assert_span(value, "x y");
    assert_false(facts_header(&f, SPAN("empty"), &value));
    assert_false(facts_header(&f, SPAN("none"), &value));
}

TEST(a_cookie_is_found_in_any_of_the_fields)
{
    struct facts f = REQUEST("cookie: asid=no; SID=no", "cookie:a=1;sid=x=y ;b",
                             "cookie: sid=later");
    span value;

    assert_true(facts_cookie(&f, SPAN("sid"), &value));
    assert_span(value, "x=y");
    assert_true(facts_cookie(&f, SPAN("a"), &value));
    assert_span(value, "1");
    assert_false(facts_cookie(&f, SPAN("b"), &value));
}

TEST(query_parameters_are_found_by_their_decoded_name)
{
    static const char query[] = "a=1&&b&api%5Fversion=v%32&api_version=v1&a=2";
    span q = span_str(query), value;

    assert_true(facts_query(q, SPAN("api_version"), 0, &value));
    assert_span(value, "v%32");
    assert_true(facts_query_is(value, SPAN("v2")));
    assert_true(facts_query(q, SPAN("api_version"), 1, &value));
    assert_span(value, "v1");
    assert_false(facts_query(q, SPAN("api_version"), 2, &value));
    assert_true(facts_query(q, SPAN("a"), 1, &value));
    assert_span(value, "2");
    assert_true(facts_query(q, SPAN("b"), 0, &value));
    assert_int_equal(value.len, 0);
    assert_false(facts_query(SPAN(""), SPAN("a"), 0, &value));
}

TEST(query_text_is_compared_decoded)
{
    assert_true(facts_query_is(SPAN("a+b%20c"), SPAN("a b c")));
    assert_true(facts_query_is(SPAN("%c3%A9"), SPAN("\xc3\xa9")));
    assert_false(facts_query_is(SPAN("v1%"), SPAN("v1%")));
    assert_false(facts_query_is(SPAN("v1%0"), SPAN("v1%0")));
    assert_false(facts_query_is(SPAN("v1"), SPAN("v1x")));
    assert_false(facts_query_is(SPAN("v1x"), SPAN("v1")));
}

TEST(a_subject_is_the_first_source_that_the_request_has)
{
    struct subject_source sources[3];
    struct subject_spec s = {sources, 3};
    struct facts both = REQUEST("X-Account: 7", "cookie: sid=abc");
    struct facts cookie = REQUEST("x-account:  ", "cookie: sid=abc");
    struct facts none = REQUEST("other: 1");
    span subject;
    size_t source = 9;

    assert_int_equal(subject_parse(SPAN("header:X-Account"), &sources[0], NULL),
                     OK);
    assert_int_equal(subject_parse(SPAN("cookie:sid"), &sources[1], NULL), OK);
    assert_int_equal(subject_parse(SPAN("certificate"), &sources[2], NULL), OK);
    assert_true(subject_find(&s, &both, &subject, NULL));
    assert_span(subject, "7");
    assert_true(subject_find(&s, &cookie, &subject, &source));
    assert_span(subject, "abc");
    assert_int_equal(source, 1);
    assert_false(subject_find(&s, &none, &subject, NULL));
    none.certificate = SPAN("CN=ann");
    assert_true(subject_find(&s, &none, &subject, NULL));
    assert_span(subject, "CN=ann");
    assert_false(subject_find(NULL, &both, &subject, NULL));
}

TEST(what_is_no_subject_is_refused)
{
    static const char *const bad[] = {
        "", "header", "header:", "cookie:", "Header:X", "certificate:x"};
    struct subject_source source;
    struct err e;

    for (size_t i = 0; i < COUNT(bad); i++)
        assert_int_equal(subject_parse(span_str(bad[i]), &source, &e),
                         ERR_INVALID);
}
