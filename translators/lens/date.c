/* SPDX-License-Identifier: Apache-2.0 */
/*
 * date: "2026-02-01" as days since 1970, proleptic Gregorian.
 */
#include "translators/lens/build.h"

static bool
digits(span s, size_t at, size_t n, int32_t *out)
{
    uint64_t value = 0;
    if (!span_to_u64(span_of(s.at + at, n), &value))
        return false;
    *out = (int32_t)value;
    return true;
}

static int32_t
days_in(int32_t year, int32_t month)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30,
                                   31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap);
}

bool
lens_date_days(span s, int32_t *out)
{
    int32_t y, m, d;
    if (s.len != 10 || s.at[4] != '-' || s.at[7] != '-' ||
        !digits(s, 0, 4, &y) || !digits(s, 5, 2, &m) || !digits(s, 8, 2, &d))
        return false;
    if (m < 1 || m > 12 || d < 1 || d > days_in(y, m))
        return false;

    int32_t days = 0;
    for (int32_t month = 1; month < m; month++)
        days += days_in(y, month);
    /* Days before this year, counted from year 1; year 0 has 366. */
    int32_t before = y - 1;
    int32_t leaps = y > 0 ? before / 4 - before / 100 + before / 400 : -1;
    *out = 365 * before + leaps + days + d - 1 - 719162;
    return true;
}
