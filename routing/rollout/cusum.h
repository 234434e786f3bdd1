/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cusum: to which arm do the errors belong?
 *
 * With no difference between the arms an error is the canary's with the
 * probability of its share of subjects, w; if the canary errs r times as often,
 * with wr/(wr+1-w). The sum of the log ratios, floored at zero, needs neither a
 * base rate nor a wait: what makes both arms err leaves it flat. It halts at
 * ln((1-beta)/alpha), a bound that grows slowly with the number of errors
 * counted. Without that, an API where one answer in a hundred is an error has
 * false halts in 25 % of the rollouts of two million requests at a weight of
 * 25 %; with it, in 0.04 %.
 *
 * One word, moved by compare-and-set, is all that is shared: the figures do not
 * depend on how many workers there are.
 */
#pragma once

#include "proxy/base/span.h"

#include <stdatomic.h>
#include <stdint.h>

#define CUSUM_ONE    65536u /* one nat, in the fixed point of sums and bounds */
#define CUSUM_BETA   0.01   /* how often a difference may pass unseen */
#define CUSUM_GROWTH 3.0    /* the bound grows by this power... */
#define CUSUM_EARLY  90.0   /* ...of the errors counted, in so many */

struct cusum_law {
    double ratio; /* how much worse a canary is looked for; above 1 */
    double alpha; /* of this cell: the rollout's, divided among its cells */
};

/* What a sum was when an error had been added. */
struct cusum_state {
    uint32_t sum;   /* in CUSUM_ONE */
    uint32_t bound; /* in CUSUM_ONE */
    uint32_t n;     /* errors counted, of both arms */
    uint32_t cycle; /* how often the sum has come back to zero, by 65536 */
};

/* What one error adds, in CUSUM_ONE; the canary's share is in (0, 1 000 000). */
int32_t cusum_gain(const struct cusum_law *law, uint32_t share_ppm,
                   bool is_canary);

/*
 * Where the n-th error halts, in CUSUM_ONE: ln((1-beta)/alpha) + 3 ln(1+n/90).
 * A likelihood ratio that begins at the k-th error ever exceeds its bound with a
 * probability of at most exp(-bound) (Ville), so over any number of errors the
 * false halts are at most alpha times the sum of 1/(1+k/90)^3: 46 alpha. That is
 * the proof; what happens is measured by `./run gates`.
 */
uint32_t cusum_bound(const struct cusum_law *law, uint32_t n);

/* Add one error. True if the sum has reached its bound; *after may be NULL. */
bool cusum_add(_Atomic uint64_t *word, const struct cusum_law *law,
               uint32_t share_ppm, bool is_canary, struct cusum_state *after);

struct cusum_state cusum_read(const _Atomic uint64_t *word,
                              const struct cusum_law *law);

/* Failed canary requests that halt over a baseline without errors. */
uint32_t cusum_to_halt(const struct cusum_law *law, uint32_t share_ppm);
