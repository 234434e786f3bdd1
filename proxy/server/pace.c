/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/server/pace.h"

void
pace_begin(struct pace *p, uint64_t now_ms, uint64_t bytes)
{
    *p = (struct pace){now_ms, bytes, now_ms, bytes};
}

void
pace_note(struct pace *p, uint64_t now_ms, uint64_t bytes)
{
    if (bytes == p->moved_bytes)
        return;
    p->moved_bytes = bytes;
    p->moved_ms = now_ms;
}

enum pace_is
pace_look(struct pace *p, uint64_t now_ms, uint64_t bytes,
          const struct pace_rules *rules)
{
    uint64_t window_ms = now_ms - p->since_ms;

    pace_note(p, now_ms, bytes);
    if (now_ms - p->moved_ms >= rules->still_ms)
        return PACE_STILL;
    if (rules->rate == 0 || window_ms < rules->window_ms)
        return PACE_WELL;
    /* Both factors are far below 2^32: a window is hours at most. */
    bool is_slow = (bytes - p->since_bytes) * 1000 < rules->rate * window_ms;
    p->since_ms = now_ms;
    p->since_bytes = bytes;
    return is_slow ? PACE_SLOW : PACE_WELL;
}

uint64_t
pace_due_ms(const struct pace *p, const struct pace_rules *rules)
{
    uint64_t still = p->moved_ms + rules->still_ms;
    uint64_t slow = p->since_ms + rules->window_ms;

    return rules->rate && slow < still ? slow : still;
}
