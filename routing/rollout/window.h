/* SPDX-License-Identifier: Apache-2.0 */
/*
 * window: hours of the week in which nothing is moved forward.
 *
 * "Fri 16:00 - Mon 08:00", by the clocks of a zone (zone.h).
 */
#pragma once

#include "proxy/base/span.h"
#include "routing/rollout/zone.h"

#include <stdint.h>

#define WEEK_MINUTES 10080u

/* Minutes since Monday 00:00; `to` is not in it any more. It may wrap. */
struct window {
    uint16_t from;
    uint16_t to;
};

/* False: it is none, or it begins and ends at the same minute. */
bool window_parse(span s, struct window *out);

/* Is the moment (Unix time) in it? */
bool window_holds(const struct window *w, uint64_t wall_ms,
                  const struct zone *zone);

/* When it ends, if window_holds: clocks that are set in between are counted. */
uint64_t window_ends_ms(const struct window *w, uint64_t wall_ms,
                        const struct zone *zone);
