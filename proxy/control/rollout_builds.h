/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rollout_builds: which builds of its canary a rollout knows, and what a new one does to it.
 *
 * Known is what answered in the step before or was met in this one; the first that answer in a run are. Another one has
 * been judged by nobody: the rollout goes back to step 1 and its gates begin anew. Two builds that answer in turn (a
 * deployment that rolls) are both known after the first answer of each. What is known is journalled; the words that
 * workers write follow from it, so that a control that died between the two is made good by the next.
 */
#pragma once

#include "proxy/control/rollouts.h"

/* Those that answer and are not known. */
void rollout_builds_new(const struct rollout *r, struct builds *out);

/* `next` is `r` after this edge: its era, and what is known in it. */
void rollout_builds_turn(const struct rollout *r, enum machine_event event,
                         struct rollout *next);

/* The segment as the record says. The gates' counts are gone if they were to be. */
void rollout_builds_show(const struct rollout *r);

/* Does this edge begin the gates anew, within its run? */
bool rollout_restarts(enum machine_state from, enum machine_event event);

/* Control, each tick: the first builds that answer in a run are known from then on, as a revision. */
void rollout_builds_meet(struct rollouts *all, struct rollout *r,
                         uint64_t wall_ms);

/* "build 1.4.3 is new beside 1.4.2": why it goes back to step 1. */
void rollout_builds_reason(const struct rollout *r, char *out, size_t size);
