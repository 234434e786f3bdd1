/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rollout_people: what people say of a rollout besides its edges (they approve, break the glass, acknowledge that it was
 * broken), and whether they may take the edge that they ask for.
 */
#pragma once

#include "proxy/control/rollouts.h"

/* What is so of it now. rollouts.c */
struct advance_facts rollout_facts(const struct rollouts *all,
                                   const struct rollout *r, uint64_t wall_ms);

/*
 * ERR_UNSUPPORTED: who approved it does not start it. ERR_CONFLICT: an approval lacks, a window forbids it, or
 * with the live requests the plan cannot conclude. None of these is asked of who breaks the glass.
 */
MUST_CHECK enum err_code rollout_may_go(const struct rollouts *all,
                                        const struct rollout *r,
                                        const struct rollout_ask *ask,
                                        struct err *e);

/* `next` is `r` after the edge that `ask` forces: what it passed over is kept with it. */
void rollout_note_forced(const struct rollouts *all, const struct rollout *r,
                         const struct rollout_ask *ask, struct rollout *next);

/* Would this approval be taken? Its errors are rollouts_approve's. */
MUST_CHECK enum err_code rollout_would_approve(const struct rollout *r,
                                               const struct rollout_ask *ask,
                                               struct err *e);
