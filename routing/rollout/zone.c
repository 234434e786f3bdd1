/* SPDX-License-Identifier: Apache-2.0 */
#include "routing/rollout/zone.h"

#include "proxy/base/err.h"

#include <assert.h>
#include <string.h>

#define HEAD_BYTES  44u
#define EAST_MAX    (26 * 3600) /* seconds; RFC 9636 §3.2 */
#define RULE_YEARS  2100
#define CHANGES_MAX 4096u
#define DAY_S       ((int64_t)86400)
#define LATEST_S    INT64_C(253402300799) /* the end of the year 9999 */

/* ------------------------------------------------------------------- a distance */

static bool
two_digits(span s, size_t at, int *out)
{
    if (s.at[at] < '0' || s.at[at] > '9' || s.at[at + 1] < '0' ||
        s.at[at + 1] > '9')
        return false;
    *out = (s.at[at] - '0') * 10 + (s.at[at + 1] - '0');
    return true;
}

bool
zone_fixed(span text, struct zone *out)
{
    int hours, minutes;

    *out = (struct zone){0};
    if (span_is(text, "Z") || span_is(text, "UTC"))
        return true;
    if (text.len != 6 || (text.at[0] != '+' && text.at[0] != '-') ||
        text.at[3] != ':' || !two_digits(text, 1, &hours) ||
        !two_digits(text, 4, &minutes) || minutes > 59 ||
        hours * 60 + minutes > 14 * 60)
        return false;
    out->east =
        text.at[0] == '-' ? -(hours * 60 + minutes) : hours * 60 + minutes;
    return true;
}

bool
zone_is_name(span text)
{
    char before = '/';

    if (text.len == 0 || text.len > ZONE_NAME_MAX)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        bool is_letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                         (c >= '0' && c <= '9') || c == '_' || c == '+' ||
                         c == '-';
        if (!is_letter && (c != '/' || before == '/'))
            return false;
        before = c;
    }
    return before != '/';
}

/* ------------------------------------------------------------------- what grows */

/* Twice the same: once to count them, and once to keep them. */
struct making {
    struct zone_change *at; /* NULL: they are counted */
    uint32_t n;
    struct zone_change last;
};

/* Those before 1970 are the beginning; what changes nothing is left out. */
static bool
add(struct making *m, struct zone *z, int64_t from_s, int east)
{
    int is = m->n ? m->last.east : z->east;

    if (from_s > LATEST_S)
        return false;
    if (from_s <= 0) {
        z->east = east;
        return true;
    }
    if (east == is)
        return true;
    if (m->n == CHANGES_MAX || (m->n && from_s <= m->last.from_s))
        return false;
    m->last = (struct zone_change){from_s, east};
    if (m->at)
        m->at[m->n] = m->last;
    m->n++;
    return true;
}

/* ------------------------------------------------------------ the rule at the end */

/* A day of the year at which clocks change: POSIX's three ways to say it. */
struct rule_day {
    char kind; /* 'M', 'J', or 0 for a day from 0 with leap days counted */
    int month, week, day;
    int64_t at_s; /* local seconds from midnight */
};

struct rule {
    int standard, summer; /* seconds east */
    bool has_summer;
    struct rule_day begins, ends;
};

static bool
take(span *s, char c)
{
    if (s->len == 0 || s->at[0] != c)
        return false;
    *s = span_skip(*s, 1);
    return true;
}

static bool
number(span *s, int most, int *out)
{
    size_t n = 0;

    *out = 0;
    while (n < s->len && n < 4 && s->at[n] >= '0' && s->at[n] <= '9')
        *out = *out * 10 + (s->at[n++] - '0');
    *s = span_skip(*s, n);
    return n > 0 && *out <= most;
}

/* "CET", "<+0330>" */
static bool
skip_name(span *s)
{
    size_t n = 0;

    if (take(s, '<')) {
        while (s->len && s->at[0] != '>')
            *s = span_skip(*s, 1);
        return take(s, '>');
    }
    while (n < s->len && ((s->at[n] | 32) >= 'a' && (s->at[n] | 32) <= 'z'))
        n++;
    *s = span_skip(*s, n);
    return n >= 3;
}

/* "[+-]hh[:mm[:ss]]" in seconds. */
static bool
hours(span *s, int hours_max, int64_t *out)
{
    bool is_less = take(s, '-');
    int hour, minutes = 0, seconds = 0;

    if (!is_less)
        (void)take(s, '+');
    if (!number(s, hours_max, &hour))
        return false;
    if (take(s, ':') && !number(s, 59, &minutes))
        return false;
    if (take(s, ':') && !number(s, 59, &seconds))
        return false;
    *out = ((int64_t)hour * 60 + minutes) * 60 + seconds;
    if (is_less)
        *out = -*out;
    return true;
}

/* POSIX counts to the west. */
static bool
distance(span *s, int *east)
{
    int64_t west;

    if (!hours(s, 24, &west))
        return false;
    *east = (int)-west;
    return true;
}

static bool
rule_day(span *s, struct rule_day *d)
{
    *d = (struct rule_day){.at_s = 7200};
    if (!take(s, ','))
        return false;
    if (take(s, 'M')) {
        d->kind = 'M';
        if (!number(s, 12, &d->month) || d->month == 0 || !take(s, '.') ||
            !number(s, 5, &d->week) || d->week == 0 || !take(s, '.') ||
            !number(s, 6, &d->day))
            return false;
    } else {
        if (take(s, 'J'))
            d->kind = 'J';
        if (!number(s, 365, &d->day) || (d->kind && d->day == 0))
            return false;
    }
    return !take(s, '/') || hours(s, 167, &d->at_s);
}

static bool
rule_parse(span s, struct rule *r)
{
    *r = (struct rule){0};
    if (!skip_name(&s) || !distance(&s, &r->standard))
        return false;
    if (s.len == 0)
        return true;
    r->has_summer = true;
    r->summer = r->standard + 3600;
    if (!skip_name(&s) ||
        (s.len && s.at[0] != ',' && !distance(&s, &r->summer)))
        return false;
    return rule_day(&s, &r->begins) && rule_day(&s, &r->ends) && s.len == 0;
}

static bool
is_leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* Days from 1970-01-01 to this year's first. */
static int64_t
days_to(int year)
{
    int64_t y = year - 1;

    return y * 365 + y / 4 - y / 100 + y / 400 - 719162;
}

static int
year_of(int64_t unix_s)
{
    int year = 1970 + (int)(unix_s / (366 * DAY_S));

    while (days_to(year + 1) * DAY_S <= unix_s)
        year++;
    return year;
}

static int
month_days(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

    return days[month - 1] + (month == 2 && is_leap(year));
}

/* Its day in this year, from 0. */
static int
day_of(const struct rule_day *d, int year)
{
    int first = 0, wanted;

    if (d->kind == 'J') /* 29 February is never counted */
        return d->day - 1 + (is_leap(year) && d->day >= 60);
    if (d->kind != 'M')
        return d->day;
    for (int m = 1; m < d->month; m++)
        first += month_days(year, m);
    /* 1970-01-01 was a Thursday; Sunday is 0. */
    wanted = (int)((d->day + 7 - (days_to(year) + first + 4) % 7) % 7);
    wanted += (d->week - 1) * 7;
    while (wanted >= month_days(year, d->month))
        wanted -= 7;
    return first + wanted;
}

static int64_t
moment_of(const struct rule_day *d, int year, int east_s)
{
    return (days_to(year) + day_of(d, year)) * DAY_S + d->at_s - east_s;
}

/* Every change by the rule, from after the last that the file names. */
static bool
add_rule(struct making *m, struct zone *z, const struct rule *r, int64_t last_s)
{
    if (!r->has_summer)
        return add(m, z, last_s + 1, r->standard / 60);
    for (int year = year_of(last_s < 0 ? 0 : last_s); year < RULE_YEARS;
         year++) {
        int64_t begins = moment_of(&r->begins, year, r->standard);
        int64_t ends = moment_of(&r->ends, year, r->summer);
        bool is_south = ends < begins;
        int64_t first = is_south ? ends : begins;
        int64_t second = is_south ? begins : ends;
        int to = is_south ? r->standard : r->summer;
        int back = is_south ? r->summer : r->standard;
        if ((first > last_s && !add(m, z, first, to / 60)) ||
            (second > last_s && !add(m, z, second, back / 60)))
            return false;
    }
    return true;
}

/* ---------------------------------------------------------------------- the file */

static uint32_t
get_u32(const char *at)
{
    const unsigned char *b = (const unsigned char *)at;

    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 |
           b[3];
}

static int64_t
get_i64(const char *at)
{
    return (int64_t)((uint64_t)get_u32(at) << 32 | get_u32(at + 4));
}

/* The counts of a header, in the order of the file. */
struct counts {
    size_t utc, std, leap, times, types, chars;
};

static bool
head_take(span *file, struct counts *c)
{
    if (file->len < HEAD_BYTES || memcmp(file->at, "TZif", 4) != 0 ||
        file->at[4] < '2')
        return false;
    const char *at = file->at + 20;
    *c = (struct counts){get_u32(at),      get_u32(at + 4),  get_u32(at + 8),
                         get_u32(at + 12), get_u32(at + 16), get_u32(at + 20)};
    *file = span_skip(*file, HEAD_BYTES);
    return true;
}

/* Each count is of 32 bits and each thing small: 64 bits hold the sum. */
static uint64_t
block_bytes(const struct counts *c, uint64_t time_bytes)
{
    return (uint64_t)c->times * (time_bytes + 1) + (uint64_t)c->types * 6 +
           c->chars + (uint64_t)c->leap * (time_bytes + 4) + c->std + c->utc;
}

static bool
add_times(struct making *m, struct zone *z, span block, const struct counts *c,
          int64_t *last_s)
{
    const char *kinds = block.at + c->times * 8;
    const char *types = kinds + c->times;

    for (size_t i = 0; i <= c->times; i++) {
        size_t kind = i == 0 ? 0 : (unsigned char)kinds[i - 1];
        if (kind >= c->types)
            return false;
        int32_t east = (int32_t)get_u32(types + kind * 6);
        if (east < -EAST_MAX || east > EAST_MAX)
            return false;
        if (i == 0) {
            z->east = east / 60;
            continue;
        }
        *last_s = get_i64(block.at + (i - 1) * 8);
        if (!add(m, z, *last_s, east / 60))
            return false;
    }
    return true;
}

static bool
read_file(struct making *m, struct zone *z, span file)
{
    struct counts c;
    struct rule rule;
    int64_t last_s = 0;

    if (!head_take(&file, &c) || block_bytes(&c, 4) > file.len)
        return false;
    file = span_skip(file, (size_t)block_bytes(&c, 4));
    if (!head_take(&file, &c) || block_bytes(&c, 8) > file.len ||
        !add_times(m, z, file, &c, &last_s))
        return false;
    file = span_skip(file, (size_t)block_bytes(&c, 8));
    if (!take(&file, '\n') || file.len == 0 || file.at[file.len - 1] != '\n')
        return false;
    file.len--;
    if (file.len == 0) /* nothing is said of later */
        return true;
    return rule_parse(file, &rule) && add_rule(m, z, &rule, last_s);
}

enum err_code
zone_parse(struct arena *a, span file, struct zone *out, struct err *e)
{
    struct making counts = {0};

    *out = (struct zone){0};
    if (file.len > ZONE_FILE_MAX || !read_file(&counts, out, file))
        return err_set(e, ERR_INVALID, "no zone file of version 2 or later");
    struct making m = {
        .at = arena_array(a, counts.n ? counts.n : 1, sizeof(*m.at))};
    *out = (struct zone){0};
    if (!m.at)
        return err_set(e, ERR_LIMIT, "no room for a zone");
    bool is_same = read_file(&m, out, file) && m.n == counts.n;
    assert(is_same);
    (void)is_same;
    out->changes = m.at;
    out->n_changes = m.n;
    return OK;
}

int
zone_east(const struct zone *z, uint64_t wall_ms)
{
    int64_t now_s = (int64_t)(wall_ms / 1000);
    uint32_t low = 0, high = z->n_changes;

    while (low < high) { /* the changes before `low` have come */
        uint32_t middle = low + (high - low) / 2;
        if (z->changes[middle].from_s <= now_s)
            low = middle + 1;
        else
            high = middle;
    }
    return low ? z->changes[low - 1].east : z->east;
}
