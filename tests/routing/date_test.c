/* SPDX-License-Identifier: Apache-2.0 */
#include "routing/date.h"

#include "tests/test.h"

TEST(dates_are_days_since_1970)
{
    static const struct {
        const char *text;
        int32_t days;
    } cases[] = {
        {"1970-01-01", 0},       {"1969-12-31", -1},    {"2000-02-29", 11016},
        {"2000-03-01", 11017},   {"2024-01-15", 19737}, {"2026-12-31", 20818},
        {"0000-03-01", -719468},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        char iso[DATE_ISO_MAX];
        int32_t days = 0;

        assert_true(date_parse(span_str(cases[i].text), &days));
        assert_int_equal(days, cases[i].days);
        date_iso(days, iso);
        assert_string_equal(iso, cases[i].text);
    }
}

TEST(every_day_there_and_back_is_the_same)
{
    for (int32_t day = -719468; day < 2932896; day += 17) {
        char iso[DATE_ISO_MAX];
        int32_t days = 0;

        date_iso(day, iso);
        assert_true(date_parse(span_str(iso), &days));
        assert_int_equal(days, day);
    }
}

TEST(what_is_not_exactly_a_date_is_none)
{
    static const char *const bad[] = {
        "",           "2026-02-29", "2026-04-31",  "2026-13-01",
        "2026-00-10", "2026-01-00", "2026-1-1",    "20260101",
        "2026-01-1x", "+026-01-01", "2026-01-01 ", "2026/01/01",
        "1900-02-29",
    };
    int32_t days;

    for (size_t i = 0; i < COUNT(bad); i++)
        if (date_parse(span_str(bad[i]), &days))
            fail_msg("%s was read", bad[i]);
}

TEST(http_dates_name_the_weekday)
{
    static const char *const cases[][2] = {
        {"2026-12-31", "Thu, 31 Dec 2026 00:00:00 GMT"},
        {"1970-01-01", "Thu, 01 Jan 1970 00:00:00 GMT"},
        {"1969-12-31", "Wed, 31 Dec 1969 00:00:00 GMT"},
        {"2024-02-29", "Thu, 29 Feb 2024 00:00:00 GMT"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        char http[DATE_HTTP_MAX];
        int32_t days = 0;

        assert_true(date_parse(span_str(cases[i][0]), &days));
        date_http(days, http);
        assert_string_equal(http, cases[i][1]);
    }
}
