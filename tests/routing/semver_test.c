/* SPDX-License-Identifier: Apache-2.0 */
#include "routing/semver.h"

#include "tests/test.h"

static struct semver
parsed(const char *text)
{
    struct semver v;

    if (!semver_parse(span_str(text), &v))
        fail_msg("%s was not read", text);
    return v;
}

static struct semver_range
range(const char *text)
{
    struct semver_range r;
    struct err e;

    if (semver_range_parse(span_str(text), &r, &e))
        fail_msg("%s: %s", text, e.text);
    return r;
}

TEST(versions_order_as_semver_org_has_them)
{
    static const char *const order[] = {
        "0",
        "1.0.0-alpha",
        "1.0.0-alpha.1",
        "1.0.0-alpha.beta",
        "1.0.0-beta",
        "1.0.0-beta.2",
        "1.0.0-beta.11",
        "1.0.0-rc.1",
        "1.0.0",
        "1.0.1",
        "1.2",
        "1.10",
        "2",
        "2.0.0.0.0.0.0.1",
        "9.0.0-99999999999999999999998",
        "9.0.0-99999999999999999999999",
        "9",
    };

    for (size_t i = 0; i < COUNT(order); i++) {
        for (size_t j = 0; j < COUNT(order); j++) {
            struct semver a = parsed(order[i]), b = parsed(order[j]);
            int c = semver_compare(&a, &b);
            if ((c < 0) != (i < j) || (c > 0) != (i > j))
                fail_msg("%s and %s compare as %d", order[i], order[j], c);
        }
    }
}

TEST(missing_parts_are_zero_and_build_words_say_nothing)
{
    struct semver a = parsed("7"), b = parsed("7.0.0+exp.sha");
    struct semver c = parsed("7.0-007"), d = parsed("7.0.0-7");

    assert_int_equal(semver_compare(&a, &b), 0);
    assert_int_equal(semver_compare(&c, &d), 0);
}

TEST(what_is_no_version_is_not_read)
{
    static const char *const bad[] = {
        "",
        "v1",
        "1.",
        ".1",
        "1..2",
        "1.x",
        "-1",
        "1.0-",
        "1.0+",
        "1.0-a..b",
        "1 2",
        "1.0-a_b",
        "1.2.3.4.5.6.7.8.9",
        "99999999999999999999999",
    };
    struct semver v;

    for (size_t i = 0; i < COUNT(bad); i++)
        if (semver_parse(span_str(bad[i]), &v))
            fail_msg("%s was read", bad[i]);
}

TEST(a_range_holds_what_all_its_bounds_hold)
{
    static const struct {
        const char *range, *version;
        bool in;
    } cases[] = {
        {"<4.0", "3.99", true},          {"<4.0", "4.0.0", false},
        {"<4.0", "4.0.0-beta", true},    {">=4.0 <7.12", "4", true},
        {">=4.0 <7.12", "7.11.2", true}, {">=4.0 <7.12", "7.12", false},
        {">=4.0 <7.12", "7.2", true},    {"> 4.0  <= 5", "4.0", false},
        {"> 4.0  <= 5", "5.0.0", true},  {"=1.2", "1.2.0", true},
        {"=1.2", "1.2.1", false},        {">=1 >=2 <9 <8", "1.5", false},
        {">=1 >=2 <9 <8", "8.5", false}, {">=1 >=2 <9 <8", "2", true},
        {">1 >=1", "1", false},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct semver_range r = range(cases[i].range);
        struct semver v = parsed(cases[i].version);
        if (semver_in(&r, &v) != cases[i].in)
            fail_msg("%s in %s", cases[i].version, cases[i].range);
    }
}

TEST(what_is_no_range_or_holds_nothing_is_refused)
{
    static const char *const bad[] = {
        "",      "4.0",   "~4",     ">=",  "<4.0,>3", ">5 <4",
        "=1 =2", ">1 <1", ">=1 <1", "=>4", "> = 4"};
    struct semver_range r;
    struct err e;

    for (size_t i = 0; i < COUNT(bad); i++)
        if (semver_range_parse(span_str(bad[i]), &r, &e) != ERR_INVALID)
            fail_msg("%s was read", bad[i]);
}

TEST(overlaps_and_gaps_are_seen)
{
    static const struct {
        const char *a, *b;
        bool overlap, gap;
    } cases[] = {
        {"<4.0", ">=4.0 <7.12", false, false}, {"<4.0", ">4.0", false, true},
        {"<=4.0", ">=4.0", true, false},       {"<=4.0", ">4.0", false, false},
        {"<4.0", ">=5", false, true},          {"<5", ">=4.0", true, false},
        {">1 <9", "=3", true, false},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct semver_range a = range(cases[i].a), b = range(cases[i].b);
        if (semver_overlap(&a, &b) != cases[i].overlap ||
            semver_overlap(&b, &a) != cases[i].overlap ||
            semver_gap(&a, &b) != cases[i].gap)
            fail_msg("%s and %s", cases[i].a, cases[i].b);
    }
}
