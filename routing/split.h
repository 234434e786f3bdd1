/* SPDX-License-Identifier: Apache-2.0 */
/*
 * split: whether a subject belongs to the canary.
 *
 * A pure function of salt, subject and weight: no clock, no dice, no state, so
 * every worker gives the same answer, before and after a restart. The weight
 * is an argument because operators move it; the salt is fixed at load. Who the
 * subject is: routing/subject.h.
 */
#pragma once

#include "proxy/base/arena.h"
#include "proxy/base/err.h"
#include "proxy/base/span.h"

#define SPLIT_ALL 1000000u /* weights are parts per million */

struct split; /* immutable; lives in the arena it was built in */

/*
 * Build a split for one rollout. `salt` is copied; each rollout has its own,
 * so that not always the same subjects go first.
 * ERR_INVALID: the salt is empty. ERR_LIMIT: `a` is full.
 */
MUST_CHECK enum err_code split_build(struct arena *a, span salt,
                                     const struct split **out, struct err *e);

/* Is `subject` on the canary at `weight_ppm`? At 0 nobody is. Cannot fail. */
bool split_takes(const struct split *s, uint32_t weight_ppm, span subject);

/* The subject's place in [0, SPLIT_ALL), for `explain`: taken if < weight. */
uint32_t split_bucket(const struct split *s, span subject);

/* What stands for a subject where its name must not: 64 bits, with the salt. */
uint64_t split_hash(const struct split *s, span subject);
