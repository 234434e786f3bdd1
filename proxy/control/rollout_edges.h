/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rollout_edges: an edge taken: judged by the machine, durable, and then the words that workers read.
 */
#pragma once

#include "proxy/control/rollouts.h"

/* Commit what `next` is, and make it so, as the revision of `event`. `r` is as it was if that fails. */
MUST_CHECK enum err_code rollout_commit(struct rollouts *all, struct rollout *r,
                                        const struct rollout *next,
                                        const struct rollout_ask *ask,
                                        const char *event, struct err *e);

/* Whoever asks may ask: rollouts_ask without its questions. Errors are its. */
MUST_CHECK enum err_code rollout_take_edge(struct rollouts *all,
                                           struct rollout *r,
                                           const struct rollout_ask *ask,
                                           struct err *e);

/* The segments are what the record says; of a cell that is halted no less. */
void rollout_show(struct rollouts *all, const struct rollout *r);

/* Gates judge while it moves; what is done is nobody's canary any more. */
bool rollout_is_judged(enum machine_state s);
