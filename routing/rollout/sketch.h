/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sketch: how long answers took, and whether one arm's took longer.
 *
 * Sixteen buckets an octave from a quarter of a millisecond to two minutes, so a
 * quantile is known within 6.25 %. A worker adds to its own; whoever judges adds
 * them up. The judgement asks how many of the canary's answers took longer than
 * `max_ratio` times the baseline's quantile: with no difference at most 1-q of
 * them do, and a mixture of likelihood ratios says how unlikely more is.
 */
#pragma once

#include "proxy/base/span.h"

#include <stdatomic.h>
#include <stdint.h>

#define SKETCH_OCTAVES 19u
#define SKETCH_BUCKETS (SKETCH_OCTAVES * 16u + 2u) /* below and above, too */

/* The bucket of a time in microseconds, and the shortest time that is in it. */
uint32_t sketch_bucket(uint64_t us);
uint64_t sketch_from_us(uint32_t bucket);

/* The bucket where at least `quantile` of all samples are in it or below. */
uint32_t sketch_quantile(const uint64_t counts[SKETCH_BUCKETS],
                         double quantile);

struct sketch_law {
    double quantile;  /* 0.99 */
    double max_ratio; /* 1.25 */
    uint64_t min_samples;
    double alpha;
};

/* X(id, word) */
#define SKETCH_VERDICTS(X)                                                     \
    X(SKETCH_NO_DATA, "no data")                                               \
    X(SKETCH_FINE, "fine")                                                     \
    X(SKETCH_SLOWER, "slower")

enum sketch_verdict {
#define X(id, word) id,
    SKETCH_VERDICTS(X)
#undef X
};

struct sketch_judgement {
    enum sketch_verdict verdict;
    uint64_t n_canary, n_baseline;
    uint64_t canary_us, baseline_us; /* the quantile of each */
    uint64_t limit_us; /* baseline's, with its uncertainty, times max_ratio */
    uint64_t n_slower; /* canary answers beyond it */
    double chance;     /* bound on how likely that is without a difference */
};

/* May be asked again and again as the counts grow: alpha is of all the looks. */
void sketch_judge(const struct sketch_law *law,
                  const uint64_t canary[SKETCH_BUCKETS],
                  const uint64_t baseline[SKETCH_BUCKETS],
                  struct sketch_judgement *out);
