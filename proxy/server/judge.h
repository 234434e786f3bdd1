/* SPDX-License-Identifier: Apache-2.0 */
/*
 * judge: what a worker tells the gates of a rollout, and what it does when one
 * breaks: the latch, of the run or of its cell, at once, whoever else lives.
 *
 * An error is what the client did not cause: the pool failed, or answered with
 * 5xx, or with what cannot be translated. A request that is refused or that
 * cannot be translated is none, whatever the reason. Who has no subject, or
 * was sent to the baseline because the canary was down, is in no arm.
 */
#pragma once

#include "proxy/server/exchange.h"

struct worker;
struct gates_place;

/* The places of this generation's rollouts, by index; NULL without memory. */
MUST_CHECK struct gates_place **judge_open(struct worker *w);

/* The pool's head is there: which build of the canary does it name? */
void judge_build(struct exchange *x);

/* An exchange is over; it took `us`. */
void judge_answer(struct exchange *x, uint64_t us);
