/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rollout_watch: the metrics that a manifest says to watch, since the step began.
 *
 * Counters only grow, and what they were is journalled with the edge that began the step, so the difference is the
 * step's, whichever control tells it. After a restart of everything they begin at 0, and then the step's are all of them.
 */
#pragma once

#include "proxy/control/rollouts.h"

/* `next` is the rollout after `event`: if that begins a step, what is counted now is remembered. */
void rollout_watch_turn(const struct rollouts *all, enum machine_event event,
                        struct rollout *next);

/* Of watch `i`, whose counter is at `total`: how many since the step began. False: it is no counter, or it has not begun. */
bool rollout_watch_step(const struct rollout *r, size_t i, uint64_t total,
                        uint64_t *out);

/* For the record, and back. NULL: nothing is watched, or no memory. */
MUST_CHECK json_t *rollout_watch_json(const struct rollout *r);
void rollout_watch_read(struct rollout *r, const json_t *json);
