/* SPDX-License-Identifier: Apache-2.0 */
#include "routing/rollout/window.h"

#define MINUTE_MS    ((uint64_t)60000)
#define DAY_MINUTES  1440u
#define EPOCH_MINUTE ((uint64_t)3 * DAY_MINUTES) /* 1970-01-01 was a Thursday */

/* "16:00" to minutes of a day; 24:00 is not one. */
static bool
clock_of(span s, unsigned *minutes)
{
    if (s.len != 5 || s.at[2] != ':')
        return false;
    for (size_t i = 0; i < 5; i++)
        if (i != 2 && (s.at[i] < '0' || s.at[i] > '9'))
            return false;
    unsigned hour = (unsigned)(s.at[0] - '0') * 10 + (unsigned)(s.at[1] - '0');
    unsigned minute =
        (unsigned)(s.at[3] - '0') * 10 + (unsigned)(s.at[4] - '0');
    *minutes = hour * 60 + minute;
    return hour < 24 && minute < 60;
}

static bool
moment_of(span s, uint16_t *out)
{
    static const char days[] = "MonTueWedThuFriSatSun";
    unsigned minutes;

    s = span_trim(s);
    if (s.len != 9 || s.at[3] != ' ' || !clock_of(span_skip(s, 4), &minutes))
        return false;
    for (unsigned day = 0; day < 7; day++)
        if (memcmp(s.at, days + (size_t)3 * day, 3) == 0) {
            *out = (uint16_t)(day * DAY_MINUTES + minutes);
            return true;
        }
    return false;
}

bool
window_parse(span s, struct window *out)
{
    span from = span_cut(&s, '-');

    return moment_of(from, &out->from) && moment_of(s, &out->to) &&
           out->from != out->to;
}

static uint32_t
minute_of_week(uint64_t wall_ms, int east)
{
    /* A week is added so that a zone in the west does not go below zero. */
    uint64_t minutes = wall_ms / MINUTE_MS + EPOCH_MINUTE + WEEK_MINUTES;

    return (uint32_t)((minutes + (uint64_t)(int64_t)east) % WEEK_MINUTES);
}

/* Minutes from one moment of the week to the next time another comes. */
static uint32_t
minutes_to(uint32_t from, uint32_t to)
{
    return (to + WEEK_MINUTES - from) % WEEK_MINUTES;
}

bool
window_holds(const struct window *w, uint64_t wall_ms, const struct zone *zone)
{
    uint32_t now = minute_of_week(wall_ms, zone_east(zone, wall_ms));

    return minutes_to(w->from, now) < minutes_to(w->from, w->to);
}

uint64_t
window_ends_ms(const struct window *w, uint64_t wall_ms,
               const struct zone *zone)
{
    int east = zone_east(zone, wall_ms);
    uint64_t left = minutes_to(minute_of_week(wall_ms, east), w->to);
    uint64_t end_ms = (wall_ms / MINUTE_MS + left) * MINUTE_MS;
    int64_t later_ms =
        (int64_t)(east - zone_east(zone, end_ms)) * (int64_t)MINUTE_MS;

    end_ms += (uint64_t)later_ms;
    return end_ms > wall_ms ? end_ms : wall_ms + MINUTE_MS;
}
