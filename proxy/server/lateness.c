/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/server/lateness.h"

#include "proxy/observe/log.h"
#include "proxy/server/worker.h"

#define INTERVAL_US ((uint64_t)200000)
#define FEW         4 /* requests of a batch are served, however late */

void
lateness_init(struct lateness *l, uint64_t most_ms)
{
    *l = (struct lateness){.most_us = most_ms * 1000};
}

static bool
begins_to_refuse(struct lateness *l, uint64_t now_us)
{
    if (!l->stands_since_us)
        l->stands_since_us = now_us;
    l->refuses = now_us - l->stands_since_us >= INTERVAL_US;
    return l->refuses;
}

static void
end(struct lateness *l)
{
    l->refuses = false;
    l->stands_since_us = 0;
}

bool
lateness_is_too_much(struct lateness *l, uint64_t now_us, uint64_t since_us,
                     uint64_t dry_us)
{
    /* A worker that was kept from running is late as well, but then has time. */
    if (l->stands_since_us < dry_us)
        end(l);
    /* Less once it refuses: a queue at the mark would only just stay there. */
    if (now_us - since_us < (l->refuses ? l->most_us / 4 : l->most_us)) {
        if (!l->refuses || now_us - l->refused_us >= INTERVAL_US)
            end(l);
        return false;
    }
    if (!l->refuses && !begins_to_refuse(l, now_us))
        return false;
    l->refused_us = now_us;
    return true;
}

/* If a few are all there are, they are not what makes them late. */
static bool
is_one_of_few(struct lateness *l, uint64_t batch)
{
    if (l->batch != batch)
        l->n_few = 0;
    l->batch = batch;
    return l->n_few++ < FEW;
}

bool
lateness_refuses(struct worker *w)
{
    struct lateness *l = &w->lateness;
    bool did = l->refuses;
    uint64_t now_us = loop_clock_us(), since_us = loop_since_us(w->loop);
    bool is_late =
        lateness_is_too_much(l, now_us, since_us, loop_dry_us(w->loop));

    if (l->refuses != did)
        log_warn_limited(now_us / 1000, l->refuses ? "late" : "in_time_again",
                         SPAN(""), "waited_us=%lu",
                         (unsigned long)(now_us - since_us));
    return is_late && !is_one_of_few(l, loop_batch(w->loop));
}
