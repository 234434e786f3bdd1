/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where clocks are set: by a zone file's rule, north and south of the equator,
 * and what no file may say.
 */
#include "routing/rollout/window.h"
#include "tests/test.h"

#define HOUR_MS  UINT64_C(3600000)
#define FILE_MAX 256u

/* Bytes of a file that names no change and has this rule at its end. */
static span
file_of(char room[FILE_MAX], const char *rule, int32_t east_s)
{
    static const char magic[] = {'T', 'Z', 'i', 'f', '2'};
    size_t n = strlen(rule);
    char *to = room;

    assert_true(n + (size_t)44 * 2 + (size_t)6 * 2 + 2 <= FILE_MAX);
    memset(room, 0, FILE_MAX);
    for (int version = 0; version < 2; version++) {
        memcpy(to, magic, sizeof(magic));
        to[39] = 1; /* a type */
        for (int i = 0; i < 4; i++)
            to[44 + i] = (char)((uint32_t)east_s >> (24 - 8 * i));
        to += 44 + 6;
    }
    *to++ = '\n';
    for (; *rule; rule++)
        *to++ = *rule;
    *to++ = '\n';
    return span_of(room, (size_t)(to - room));
}

TEST(clocks_are_set_when_the_rule_says)
{
    static const struct {
        const char *rule;
        int32_t east_s;
        uint64_t at_s; /* the first second of the new distance */
        int before, after;
    } cases[] = {
        /* 2026-03-29 and 2026-10-25, both at 01:00 UTC. */
        {"CET-1CEST,M3.5.0,M10.5.0/3", 3600, 1774746000, 60, 120},
        {"CET-1CEST,M3.5.0,M10.5.0/3", 3600, 1792890000, 120, 60},
        /* 2026-03-08 07:00 UTC, 2026-11-01 06:00 UTC. */
        {"EST5EDT,M3.2.0,M11.1.0", -18000, 1772953200, -300, -240},
        {"EST5EDT,M3.2.0,M11.1.0", -18000, 1793512800, -240, -300},
        /* 2026-04-04 and 2026-10-03, both at 16:00 UTC. */
        {"AEST-10AEDT,M10.1.0,M4.1.0/3", 36000, 1775318400, 660, 600},
        {"AEST-10AEDT,M10.1.0,M4.1.0/3", 36000, 1791043200, 600, 660},
        {"<+1030>-10:30<+11>-11,M10.1.0,M4.1.0", 37800, 1775314800, 660, 630},
        {"XYZ0XST,J60/0,J300/0", 0, 1772323200, 0, 60},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct arena *a = arena_new(1 << 20);
        char room[FILE_MAX];
        span file = file_of(room, cases[i].rule, cases[i].east_s);
        struct zone z;
        struct err e;
        if (zone_parse(a, file, &z, &e))
            fail_msg("row %zu: %s", i, e.text);
        int before = zone_east(&z, cases[i].at_s * 1000 - 1);
        int after = zone_east(&z, cases[i].at_s * 1000);
        if (before != cases[i].before || after != cases[i].after)
            fail_msg("row %zu: %d, %d", i, before, after);
        arena_free(&a);
    }
}

TEST(a_window_ends_by_the_clock_that_is_there_then)
{
    struct arena *a = arena_new(1 << 20);
    char room[FILE_MAX];
    span file = file_of(room, "CET-1CEST,M3.5.0,M10.5.0/3", 3600);
    struct zone z;
    struct window w;
    struct err e;

    assert_int_equal(zone_parse(a, file, &z, &e), OK);
    assert_true(window_parse(SPAN("Fri 16:00 - Mon 08:00"), &w));
    /* Friday 2026-03-27, 16:00 CET is 15:00 UTC; Monday 08:00 CEST is 06:00. */
    uint64_t friday = UINT64_C(1774623600000);
    assert_false(window_holds(&w, friday - 1, &z));
    assert_true(window_holds(&w, friday, &z));
    assert_int_equal(window_ends_ms(&w, friday, &z) - friday, 63 * HOUR_MS);
    /* Friday 2026-10-23, 16:00 CEST is 14:00 UTC; Monday 08:00 CET is 07:00. */
    friday = UINT64_C(1792764000000);
    assert_true(window_holds(&w, friday, &z));
    assert_int_equal(window_ends_ms(&w, friday, &z) - friday, 65 * HOUR_MS);
    arena_free(&a);
}

TEST(what_is_no_zone_file_is_refused)
{
    static const char *const rules[] = {"CE-1",
                                        "CET",
                                        "CET-1CEST",
                                        "CET-1CEST,M3.5.0",
                                        "CET-1CEST,M13.5.0,M10.5.0",
                                        "CET-1CEST,M3.6.0,M10.5.0",
                                        "CET-1CEST,M3.5.0,M10.5.0 ",
                                        "CET-99",
                                        "CET-1CEST,J0,J300",
                                        "<+1"};
    struct arena *a = arena_new(1 << 20);
    char room[FILE_MAX];
    struct zone z;

    for (size_t i = 0; i < COUNT(rules); i++) {
        span file = file_of(room, rules[i], 3600);
        if (zone_parse(a, file, &z, NULL) != ERR_INVALID)
            fail_msg("%s", rules[i]);
    }
    /* Cut anywhere, it is none; and a type that is not there is no type. */
    span file = file_of(room, "CET-1", 3600);
    for (size_t n = 0; n < file.len; n++)
        assert_int_equal(zone_parse(a, span_take(file, n), &z, NULL),
                         ERR_INVALID);
    room[50 + 39] = 0;
    assert_int_equal(zone_parse(a, file, &z, NULL), ERR_INVALID);
    arena_free(&a);
}

TEST(a_zone_s_name_leads_nowhere_else)
{
    static const char *const good[] = {"Europe/Berlin", "UTC", "Etc/GMT+3",
                                       "America/Argentina/Ushuaia"};
    static const char *const bad[] = {"",   "/etc", "../x",       "a//b",
                                      "a/", "a.b",  "Europe/../x"};

    for (size_t i = 0; i < COUNT(good); i++)
        assert_true(zone_is_name(span_str(good[i])));
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_false(zone_is_name(span_str(bad[i])));
}
