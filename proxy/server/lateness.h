/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lateness: what a worker does that cannot keep up.
 *
 * How long a request waited for the worker is known without asking the kernel:
 * it was ready when its batch of events began, or became so during the one
 * before. A burst is served, late as it is. But when whatever comes has waited
 * longer than `limits.late` for a whole interval in which there was never nothing
 * to do, a queue stands that will not go away, and serving it in order would make
 * everybody late. From then on those who have waited a quarter of that are told so at
 * once (503), before anything is done for them, so that the others are served in
 * time; until nobody was told so for an interval, or there was nothing to do.
 *
 * (CoDel's two numbers, RFC 8289, without its slow start: a refusal costs a
 * client one request, not its window, so there is no reason to begin gently.)
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct worker;

struct lateness {
    uint64_t most_us;         /* limits.late */
    uint64_t stands_since_us; /* all that came since was late; 0: not so */
    uint64_t refused_us;      /* when one was last refused */
    uint64_t batch;           /* loop_batch, of n_few */
    unsigned n_few;           /* that were late in it */
    bool refuses;
};

void lateness_init(struct lateness *l, uint64_t most_ms);

/*
 * Has what the worker comes to now waited too long? The times are loop_clock_us,
 * loop_since_us and loop_dry_us.
 */
bool lateness_is_too_much(struct lateness *l, uint64_t now_us,
                          uint64_t since_us, uint64_t dry_us);

/* The same for what a worker is about to begin, counted and logged. */
bool lateness_refuses(struct worker *w);
