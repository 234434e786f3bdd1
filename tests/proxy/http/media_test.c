/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/test.h"

#include "proxy/http/date.h"
#include "proxy/http/media.h"

TEST(a_media_type_is_taken_apart)
{
    struct arena *a = arena_new(1 << 16);
    struct media m;
    span v;
    bool full;

    assert_true(media_parse(SPAN(" Application/vnd.shop+x+JSON;a=1 ;\tVersion "
                                 "= 2; q=\"x;\\\"y\"; version=3;"),
                            &m) == false); /* spaces around '=' */
    assert_true(media_parse(SPAN(" Application/vnd.shop+x+JSON;a=1 "
                                 ";\tVersion=2; q=\"x;\\\"y\"; version=3;"),
                            &m));
    assert_span(m.type, "Application");
    assert_span(m.subtype, "vnd.shop+x+JSON");
    assert_span(m.suffix, "JSON");
    assert_true(media_is_json(&m));
    assert_true(media_is(&m, "application/vnd.shop+x+json"));
    assert_true(media_param(a, &m, SPAN("version"), &v, &full));
    assert_span(v, "2");
    assert_true(media_param(a, &m, SPAN("q"), &v, &full));
    assert_span(v, "x;\"y");
    assert_false(media_param(a, &m, SPAN("b"), &v, &full));
    assert_false(full);
    arena_fail_after(1);
    assert_false(media_param(a, &m, SPAN("q"), &v, &full));
    arena_fail_after(0);
    assert_true(full);
    arena_free(&a);
}

TEST(what_is_no_media_type_is_refused)
{
    static const char *const bad[] = {
        "",      "a",      "a/",     "/b",        "a b/c",  "a/b c",
        "a/b;c", "a/b;c=", "a/b;=d", "a/b;c=\"d", "a/b,c/d"};
    static const char *const good[] = {"*/*",      "a/b",        "a/b;",
                                       "a/b;;c=d", "a/b;c=\"\"", "a/+"};
    struct media m;

    for (size_t i = 0; i < COUNT(bad); i++)
        assert_false(media_parse(span_str(bad[i]), &m));
    for (size_t i = 0; i < COUNT(good); i++)
        assert_true(media_parse(span_str(good[i]), &m));
}

TEST(json_is_known_by_its_type_or_suffix)
{
    static const struct {
        const char *type;
        bool is;
    } cases[] = {
        {"application/json", true},
        {"APPLICATION/JSON; charset=utf-8", true},
        {"text/json", true},
        {"application/problem+json", true},
        {"application/x-ndjson", false},
        {"application/jsonp", false},
        {"application/json-patch+x", false},
        {"text/plain", false},
    };
    struct media m;

    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_true(media_parse(span_str(cases[i].type), &m));
        assert_int_equal(media_is_json(&m), cases[i].is);
    }
}

TEST(a_list_is_cut_at_commas_outside_quotes)
{
    span rest = SPAN(" a, ,b=\"x,\\\",y\" ,,c"), item;

    assert_true(list_next(&rest, &item));
    assert_span(item, "a");
    assert_true(list_next(&rest, &item));
    assert_span(item, "b=\"x,\\\",y\"");
    assert_true(list_next(&rest, &item));
    assert_span(item, "c");
    assert_false(list_next(&rest, &item));
    rest = SPAN("\"a,b");
    assert_true(list_next(&rest, &item));
    assert_span(item, "\"a");
}

TEST(dates_are_written_and_read_as_the_rfc_has_them)
{
    static const struct {
        int64_t t;
        const char *text;
    } cases[] = {
        {784111777, "Sun, 06 Nov 1994 08:49:37 GMT"},
        {0, "Thu, 01 Jan 1970 00:00:00 GMT"},
        {-1, "Wed, 31 Dec 1969 23:59:59 GMT"},
        {951782400, "Tue, 29 Feb 2000 00:00:00 GMT"},
        {1772323200, "Sun, 01 Mar 2026 00:00:00 GMT"},
        {4107542400, "Mon, 01 Mar 2100 00:00:00 GMT"},
        {-62135596800, "Mon, 01 Jan 0001 00:00:00 GMT"},
        {253402300799, "Fri, 31 Dec 9999 23:59:59 GMT"},
    };
    char out[DATE_LEN];
    int64_t t;

    for (size_t i = 0; i < COUNT(cases); i++) {
        date_write(cases[i].t, out);
        assert_span(span_of(out, DATE_LEN), cases[i].text);
        assert_true(date_read(span_str(cases[i].text), &t));
        assert_true(t == cases[i].t);
    }
    date_write(INT64_MAX, out);
    assert_span(span_of(out, DATE_LEN), "Fri, 31 Dec 9999 23:59:59 GMT");
    date_write(INT64_MIN, out);
    assert_span(span_of(out, DATE_LEN), "Mon, 01 Jan 0001 00:00:00 GMT");
}

TEST(a_time_written_reads_back_as_it_was)
{
    char out[DATE_LEN];
    uint64_t seed = 3;
    int64_t t;

    for (size_t i = 0; i < 10000; i++) {
        int64_t was =
            (int64_t)(test_random(&seed) % 315537897600u) - 62135596800;
        date_write(was, out);
        assert_true(date_read(span_of(out, DATE_LEN), &t));
        assert_true(t == was);
    }
}

TEST(a_day_that_never_was_is_no_date)
{
    static const char *const bad[] = {
        "Mon, 06 Nov 1994 08:49:37 GMT",  "Mon, 31 Feb 2000 00:00:00 GMT",
        "Sun, 06 Nov 1994 24:00:00 GMT",  "Sun, 06 Nov 1994 08:49:37 UTC",
        "Sunday, 06-Nov-94 08:49:37 GMT", "Sun,  6 Nov 1994 08:49:37 GMT",
        "Sun, 06 nov 1994 08:49:37 GMT",  "Sat, 00 Jan 0000 00:00:00 GMT",
        "Sun, 06 Nov 1994 08:49:60 GMT",  "",
    };
    int64_t t;

    for (size_t i = 0; i < COUNT(bad); i++)
        assert_false(date_read(span_str(bad[i]), &t));
}
