/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rollout_report: what is told after a rollback: why, who met it, how soon it was seen, and what it was not.
 *
 * Made once, from the cells and the story of the run, and journalled with the edge `report`; the list of the
 * writes themselves stays in the exposure file. What was not looked at is "unknown", never "not".
 */
#pragma once

#include "proxy/control/rollouts.h"

/* NULL: no memory. */
MUST_CHECK json_t *rollout_report(const struct rollouts *all,
                                  const struct rollout *r);
