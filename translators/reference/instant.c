/* SPDX-License-Identifier: Apache-2.0 */
/*
 * instant: RFC 3339 timestamps and dates, to and from seconds since 1970.
 *
 * Read with any offset and any number of decimals; written in UTC, with "Z" and
 * as many decimals as are needed. Years 0000 to 9999. A leap second (":60") is
 * outside: no count of seconds has it.
 */
#include "translators/reference/meaning.h"

#define DAY_S 86400

/* Days since 1970-01-01 in the Gregorian calendar, before its time too. */
static int64_t
days_of(int64_t year, int64_t month, int64_t day)
{
    /* Count years from March, so that the leap day is a year's last. */
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t of_era = year - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year -
           719468;
}

static void
date_of(int64_t days, int64_t *year, int64_t *month, int64_t *day)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t of_era = days - era * 146097;
    int64_t y =
        (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * y + y / 4 - y / 100);
    int64_t m = (5 * of_year + 2) / 153;
    *day = of_year - (153 * m + 2) / 5 + 1;
    *month = m + (m < 10 ? 3 : -9);
    *year = y + era * 400 + (*month <= 2);
}

/* Exactly `n` digits. */
static bool
take_digits(span *s, size_t n, int64_t *out)
{
    *out = 0;
    if (s->len < n)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (s->at[i] < '0' || s->at[i] > '9')
            return false;
        *out = *out * 10 + (s->at[i] - '0');
    }
    *s = span_skip(*s, n);
    return true;
}

static bool
take_char(span *s, char c)
{
    if (!s->len || s->at[0] != c)
        return false;
    *s = span_skip(*s, 1);
    return true;
}

static bool
take_date(span *s, int64_t *days)
{
    int64_t year, month, day;
    if (!take_digits(s, 4, &year) || !take_char(s, '-') ||
        !take_digits(s, 2, &month) || !take_char(s, '-') ||
        !take_digits(s, 2, &day))
        return false;
    if (month < 1 || month > 12 || day < 1)
        return false;
    *days = days_of(year, month, day);
    int64_t y, m, d;
    date_of(*days, &y, &m, &d); /* February 30 comes back as another day */
    return m == month && d == day;
}

static bool
take_time(span *s, int64_t *seconds, span *fraction)
{
    int64_t hour, minute, second;
    if (!take_digits(s, 2, &hour) || !take_char(s, ':') ||
        !take_digits(s, 2, &minute) || !take_char(s, ':') ||
        !take_digits(s, 2, &second))
        return false;
    *seconds = hour * 3600 + minute * 60 + second;
    *fraction = (span){0};
    if (hour > 23 || minute > 59 || second > 59)
        return false;
    if (!take_char(s, '.'))
        return true;
    *fraction = *s;
    fraction->len = 0;
    while (s->len && s->at[0] >= '0' && s->at[0] <= '9') {
        *s = span_skip(*s, 1);
        fraction->len++;
    }
    return fraction->len > 0;
}

/* Z, or +02:00; all of what is left. */
static bool
take_offset(span s, int64_t *offset)
{
    *offset = 0;
    if (s.len == 1)
        return s.at[0] == 'Z' || s.at[0] == 'z';
    int64_t hours, minutes;
    bool west = s.len && s.at[0] == '-';
    if (!take_char(&s, '+') && !take_char(&s, '-'))
        return false;
    if (!take_digits(&s, 2, &hours) || !take_char(&s, ':') ||
        !take_digits(&s, 2, &minutes) || s.len || hours > 23 || minutes > 59)
        return false;
    *offset = (hours * 3600 + minutes * 60) * (west ? -1 : 1);
    return true;
}

bool
instant_read(struct arena *a, span text, bool is_date, struct decimal *out)
{
    int64_t days, seconds, offset;
    span fraction;
    if (!take_date(&text, &days))
        return false;
    if (is_date)
        return !text.len && decimal_join(a, days * DAY_S, (span){0}, out);
    if (!take_char(&text, 'T') && !take_char(&text, 't'))
        return false;
    if (!take_time(&text, &seconds, &fraction) || !take_offset(text, &offset) ||
        fraction.len > DECIMAL_DIGITS_MAX)
        return false;
    return decimal_join(a, days * DAY_S + seconds - offset, fraction, out);
}

span
instant_write(struct arena *a, const struct decimal *seconds, bool is_date)
{
    int64_t floor;
    struct decimal rest;
    if (!decimal_floor(a, seconds, &floor, &rest))
        return (span){0};
    int64_t days = floor >= 0 ? floor / DAY_S : -((DAY_S - 1 - floor) / DAY_S);
    int64_t of_day = floor - days * DAY_S;
    if (days < days_of(0, 1, 1) || days > days_of(9999, 12, 31))
        return (span){0};

    int64_t year, month, day;
    date_of(days, &year, &month, &day);
    if (is_date)
        return of_day || !decimal_is_zero(&rest)
                   ? (span){0}
                   : arena_fmt(a, "%04lld-%02lld-%02lld", (long long)year,
                               (long long)month, (long long)day);
    span fraction =
        decimal_is_zero(&rest) ? (span){0} : decimal_print(a, &rest);
    if (fraction.len)
        fraction = span_skip(fraction, 1); /* its 0 */
    return arena_fmt(a, "%04lld-%02lld-%02lldT%02lld:%02lld:%02lld%.*sZ",
                     (long long)year, (long long)month, (long long)day,
                     (long long)(of_day / 3600), (long long)(of_day / 60 % 60),
                     (long long)(of_day % 60), (int)fraction.len,
                     fraction.at ? fraction.at : "");
}
