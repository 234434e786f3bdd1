/* SPDX-License-Identifier: Apache-2.0 */
#include "routing/date.h"

#include <assert.h>
#include <stdio.h>

/*
 * Days from the civil calendar and back, counting years from March so that the
 * leap day is a year's last (Howard Hinnant's formulas, in 400-year eras).
 */
static int32_t
days_of(int year, int month, int day)
{
    int y = month <= 2 ? year - 1 : year;
    int era = (y >= 0 ? y : y - 399) / 400;
    int year_of_era = y - era * 400;
    int day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int day_of_era =
        year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;

    return era * 146097 + day_of_era - 719468;
}

static void
civil_of(int32_t days, int *year, int *month, int *day)
{
    int z = days + 719468;
    int era = (z >= 0 ? z : z - 146096) / 146097;
    int doe = z - era * 146097;
    int yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int mp = (5 * doy + 2) / 153;

    *day = doy - (153 * mp + 2) / 5 + 1;
    *month = mp < 10 ? mp + 3 : mp - 9;
    *year = yoe + era * 400 + (*month <= 2);
}

static bool
digits(span s, size_t at, size_t n, int *out)
{
    *out = 0;
    for (size_t i = at; i < at + n; i++) {
        if (s.at[i] < '0' || s.at[i] > '9')
            return false;
        *out = *out * 10 + (s.at[i] - '0');
    }
    return true;
}

bool
date_parse(span s, int32_t *days)
{
    int year, month, day, y, m, d;

    if (s.len != 10 || s.at[4] != '-' || s.at[7] != '-' ||
        !digits(s, 0, 4, &year) || !digits(s, 5, 2, &month) ||
        !digits(s, 8, 2, &day) || month < 1 || month > 12 || day < 1)
        return false;
    *days = days_of(year, month, day);

    /* A day that its month does not have comes back as another one. */
    civil_of(*days, &y, &m, &d);
    return y == year && m == month && d == day;
}

void
date_iso(int32_t days, char out[DATE_ISO_MAX])
{
    int year, month, day;

    civil_of(days, &year, &month, &day);
    assert(year >= 0 && year <= 9999);
    (void)snprintf(out, DATE_ISO_MAX, "%04u-%02u-%02u", (unsigned)year % 10000,
                   (unsigned)month % 100, (unsigned)day % 100);
}

void
date_http(int32_t days, char out[DATE_HTTP_MAX])
{
    static const char weekdays[7][4] = {"Thu", "Fri", "Sat", "Sun",
                                        "Mon", "Tue", "Wed"};
    static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr",
                                       "May", "Jun", "Jul", "Aug",
                                       "Sep", "Oct", "Nov", "Dec"};
    int year, month, day;

    civil_of(days, &year, &month, &day);
    assert(year >= 0 && year <= 9999);
    (void)snprintf(out, DATE_HTTP_MAX, "%s, %02u %s %04u 00:00:00 GMT",
                   weekdays[((days % 7) + 7) % 7], (unsigned)day % 100,
                   months[month - 1], (unsigned)year % 10000);
}
