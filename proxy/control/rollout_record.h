/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rollout_record: where a rollout stands, as the journal says it, and back.
 */
#pragma once

#include "proxy/control/rollouts.h"

/* Whose record it is: the name of its slot. */
span rollout_record_name(const struct rollout *r);

/* The step that was forced; NULL: none ever was. */
MUST_CHECK json_t *rollout_forced_json(const struct rollout_forced *f);

/*
 * All that is known of it, with what was counted, by which configuration and build, as the revision of `event`. Takes `report` (NULL: none). The
 * text is the caller's to free; NULL: no memory.
 */
MUST_CHECK char *rollout_record_text(const struct generation *gen,
                                     const struct rollout *r,
                                     const struct store_weight *w,
                                     const char *event, json_t *report);

/*
 * What that wrote; a step that the plan no longer has is its last. False: it was written under another plan.
 */
MUST_CHECK bool rollout_record_read(struct rollout *r,
                                    const struct store_record *record);
