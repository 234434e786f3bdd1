/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/http/date.h"

#include "proxy/http/chars.h"

#define DAY_SECONDS 86400
/* Days from 0000-03-01 to 1970-01-01 in the Gregorian calendar without end. */
#define DAYS_TO_EPOCH 719468
#define SECONDS_MIN   ((int64_t)-62135596800) /* 0001-01-01T00:00:00 */
#define SECONDS_MAX   ((int64_t)253402300799) /* 9999-12-31T23:59:59 */

static const char days[] = "SunMonTueWedThuFriSat";
static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

/* Years begin in March, so that the leap day is the last of one. */
static int64_t
days_of(int64_t year, int64_t month, int64_t day)
{
    year -= month <= 2;

    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return year * 365 + year / 4 - year / 100 + year / 400 + of_year -
           DAYS_TO_EPOCH;
}

static void
date_of(int64_t epoch_days, int64_t *year, int64_t *month, int64_t *day)
{
    int64_t n = epoch_days + DAYS_TO_EPOCH;
    int64_t era = n / 146097, of_era = n % 146097;
    int64_t y =
        (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * y + y / 4 - y / 100);
    int64_t m = (5 * of_year + 2) / 153;

    *day = of_year - (153 * m + 2) / 5 + 1;
    *month = m < 10 ? m + 3 : m - 9;
    *year = y + era * 400 + (*month <= 2);
}

static void
put_number(char *to, int64_t n, size_t digits)
{
    while (digits-- > 0) {
        to[digits] = (char)('0' + n % 10);
        n /= 10;
    }
}

void
date_write(int64_t unix_seconds, char out[DATE_LEN])
{
    const span form = SPAN("Sun, 00 Jan 0000 00:00:00 GMT");
    int64_t t = unix_seconds, year, month, day;

    if (t < SECONDS_MIN)
        t = SECONDS_MIN;
    if (t > SECONDS_MAX)
        t = SECONDS_MAX;

    int64_t of_day = (t % DAY_SECONDS + DAY_SECONDS) % DAY_SECONDS;
    int64_t epoch_days = (t - of_day) / DAY_SECONDS;
    date_of(epoch_days, &year, &month, &day);

    memcpy(out, form.at, form.len);
    /* 1970-01-01 was a Thursday. */
    memcpy(out, days + ((epoch_days % 7 + 11) % 7) * 3, 3);
    put_number(out + 5, day, 2);
    memcpy(out + 8, months + (month - 1) * 3, 3);
    put_number(out + 12, year, 4);
    put_number(out + 17, of_day / 3600, 2);
    put_number(out + 20, of_day / 60 % 60, 2);
    put_number(out + 23, of_day % 60, 2);
}

static bool
read_number(const char *at, size_t digits, int64_t *out)
{
    *out = 0;
    for (size_t i = 0; i < digits; i++) {
        if (!char_is(at[i], CHAR_DIGIT))
            return false;
        *out = *out * 10 + (at[i] - '0');
    }
    return true;
}

static bool
read_month(const char *at, int64_t *month)
{
    for (*month = 1; *month <= 12; ++*month)
        if (memcmp(at, months + (*month - 1) * 3, 3) == 0)
            return true;
    return false;
}

bool
date_read(span s, int64_t *unix_seconds)
{
    int64_t day, month, year, hour, minute, second;
    char again[DATE_LEN];

    if (s.len != DATE_LEN || !read_number(s.at + 5, 2, &day) ||
        !read_month(s.at + 8, &month) || !read_number(s.at + 12, 4, &year) ||
        !read_number(s.at + 17, 2, &hour) ||
        !read_number(s.at + 20, 2, &minute) ||
        !read_number(s.at + 23, 2, &second) || year == 0)
        return false;

    int64_t t = days_of(year, month, day) * DAY_SECONDS + hour * 3600 +
                minute * 60 + second;
    /* Day of the week, length of the month, punctuation: it must be what we would write. */
    date_write(t, again);
    if (memcmp(again, s.at, DATE_LEN) != 0)
        return false;
    *unix_seconds = t;
    return true;
}
