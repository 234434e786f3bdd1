/* SPDX-License-Identifier: Apache-2.0 */
/*
 * health: from checks that passed or failed to what workers are told. Pure.
 *
 * Two failures in a row bring an endpoint down, two successes up again; what
 * was never down is up at its first success. At most half of a pool is told
 * down (of one endpoint, none): when more fail, it is rather the check, or the
 * network, or a load that the rest could not take. Those that went down first
 * are told so, the others stay in use; workers still eject by themselves what
 * takes no connection, which is how a canary of one endpoint counts as down.
 */
#pragma once

#include "proxy/observe/segments.h"

#define HEALTH_FALL 2u
#define HEALTH_RISE 2u

struct health {
    enum endpoint_health is; /* by its own checks, the cap left aside */
    unsigned row;            /* checks in a row that say otherwise */
    uint64_t since_ms;       /* when it became what it is */
};

/* One check was made; has its health changed by it? */
bool health_saw(struct health *h, bool passed, uint64_t now_ms);

/*
 * What to tell of `n` endpoints of one pool: HEALTH_DOWN for at most half of
 * them; one that is held in use is told HEALTH_UNKNOWN.
 */
void health_cap(const struct health *const *of, size_t n,
                enum endpoint_health *out);
