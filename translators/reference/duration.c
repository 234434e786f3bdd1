/* SPDX-License-Identifier: Apache-2.0 */
/*
 * duration: ISO 8601 durations, to and from seconds.
 *
 * Years and months are outside: they have no fixed length. Written in hours,
 * minutes and seconds ("PT1H30M", "PT0S"); a negative duration is outside.
 */
#include "translators/reference/meaning.h"

struct unit {
    const char *seconds;
    char letter;
    bool behind_t;
};

static const struct unit units[] = {{"604800", 'W', false},
                                    {"86400", 'D', false},
                                    {"3600", 'H', true},
                                    {"60", 'M', true},
                                    {"1", 'S', true}};

/* A number and the letter behind it: units come in order, each once at most. */
static bool
take_part(struct arena *a, span *s, bool behind_t, size_t *next,
          struct decimal *sum)
{
    size_t n = 0;
    while (n < s->len &&
           ((s->at[n] >= '0' && s->at[n] <= '9') || s->at[n] == '.'))
        n++;
    if (n == 0 || n == s->len)
        return false;
    struct decimal part, unit;
    for (; *next < COUNT(units); (*next)++) {
        const struct unit *u = &units[*next];
        if (u->letter != s->at[n] || u->behind_t != behind_t)
            continue;
        if (!decimal_read(a, span_take(*s, n), &part) ||
            !decimal_read(a, span_str(u->seconds), &unit) ||
            !decimal_times(a, &part, &unit, &part))
            return false;
        *s = span_skip(*s, n + 1);
        (*next)++;
        return decimal_add(a, sum, &part, sum);
    }
    return false;
}

bool
duration_read_iso(struct arena *a, span text, struct decimal *out)
{
    *out = (struct decimal){0};
    if (!span_starts(text, SPAN("P")) || text.len > 256)
        return false;
    text = span_skip(text, 1);
    size_t next = 0;
    bool behind_t = false;
    bool some = false;
    while (text.len) {
        if (!behind_t && text.at[0] == 'T') {
            behind_t = true;
            some = false; /* something must follow the T */
            text = span_skip(text, 1);
            continue;
        }
        if (!take_part(a, &text, behind_t, &next, out))
            return false;
        some = true;
    }
    return some;
}

span
duration_write_iso(struct arena *a, const struct decimal *seconds)
{
    int64_t floor;
    struct decimal rest;
    if (!decimal_floor(a, seconds, &floor, &rest) || floor < 0)
        return (span){0};
    span fraction =
        decimal_is_zero(&rest) ? (span){0} : decimal_print(a, &rest);
    if (fraction.len)
        fraction = span_skip(fraction, 1);

    int64_t hours = floor / 3600, minutes = floor / 60 % 60;
    span h = hours ? arena_fmt(a, "%lldH", (long long)hours) : SPAN("");
    span m = minutes ? arena_fmt(a, "%lldM", (long long)minutes) : SPAN("");
    span s = SPAN("");
    if (floor % 60 || fraction.len || (!hours && !minutes))
        s = arena_fmt(a, "%lld%.*sS", (long long)(floor % 60),
                      (int)fraction.len, fraction.at ? fraction.at : "");
    if (!h.at || !m.at || !s.at)
        return (span){0};
    return arena_fmt(a, "PT%.*s%.*s%.*s", (int)h.len, h.at, (int)m.len, m.at,
                     (int)s.len, s.at);
}
