/* SPDX-License-Identifier: Apache-2.0 */
/*
 * window: hours of the week in which nothing is moved forward.
 *
 * "Fri 16:00 - Mon 08:00", in UTC or at a fixed distance from it.
 */
#pragma once

#include "proxy/base/span.h"

#include <stdint.h>

#define WEEK_MINUTES 10080u

/* Minutes since Monday 00:00; `to` is not in it any more. It may wrap. */
struct window {
    uint16_t from;
    uint16_t to;
};

/* False: it is none, or it begins and ends at the same minute. */
bool window_parse(span s, struct window *out);

/* "Z", "+02:00", "-05:30": minutes east of UTC. False: no such zone. */
bool window_zone(span s, int *minutes);

/* Is the moment (Unix time) in it? `zone` is in minutes east of UTC. */
bool window_holds(const struct window *w, uint64_t wall_ms, int zone);

/* When it ends, if window_holds. */
uint64_t window_ends_ms(const struct window *w, uint64_t wall_ms, int zone);
