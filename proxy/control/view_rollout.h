/* SPDX-License-Identifier: Apache-2.0 */
/*
 * view_rollout: a rollout as JSON. A new document, or NULL (no memory).
 */
#pragma once

#include "proxy/control/rollouts.h"

MUST_CHECK json_t *view_rollout(const struct rollouts *all,
                                const struct rollout *r);

/* With its manifest. */
MUST_CHECK json_t *view_rollout_whole(const struct rollouts *all,
                                      const struct rollout *r);
