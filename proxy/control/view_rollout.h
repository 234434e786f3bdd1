/* SPDX-License-Identifier: Apache-2.0 */
/*
 * view_rollout: a rollout as JSON. A new document, or NULL (no memory).
 */
#pragma once

#include "proxy/control/rollouts.h"
#include "proxy/observe/metrics.h"

MUST_CHECK json_t *view_rollout(const struct rollouts *all,
                                const struct rollout *r);

/* With its manifest, and the numbers that this says to watch, out of `sum` (NULL: without). */
MUST_CHECK json_t *view_rollout_whole(const struct rollouts *all,
                                      const struct rollout *r,
                                      const struct metrics_sum *sum);
