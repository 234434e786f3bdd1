/* SPDX-License-Identifier: Apache-2.0 */
#include "routing/rollout/sketch.h"

#include <assert.h>
#include <math.h>

#define FIRST_OCTAVE 8u  /* 2^8 us: what is shorter shares one bucket */
#define SURE         3.0 /* standard deviations of the baseline's quantile */

uint32_t
sketch_bucket(uint64_t us)
{
    if (us >> FIRST_OCTAVE == 0)
        return 0;
    uint32_t octave = 63 - (uint32_t)__builtin_clzll(us);
    if (octave >= FIRST_OCTAVE + SKETCH_OCTAVES)
        return SKETCH_BUCKETS - 1;
    return 1 + (octave - FIRST_OCTAVE) * 16 +
           (uint32_t)(us >> (octave - 4) & 15);
}

uint64_t
sketch_from_us(uint32_t bucket)
{
    if (bucket == 0)
        return 0;
    uint32_t octave = FIRST_OCTAVE + (bucket - 1) / 16;
    return (UINT64_C(16) + (bucket - 1) % 16) << (octave - 4);
}

static uint64_t
total(const uint64_t *counts)
{
    uint64_t n = 0;

    for (size_t i = 0; i < SKETCH_BUCKETS; i++)
        n += counts[i];
    return n;
}

uint32_t
sketch_quantile(const uint64_t counts[SKETCH_BUCKETS], double quantile)
{
    double wanted = quantile * (double)total(counts);
    uint64_t n = 0;

    for (uint32_t i = 0; i < SKETCH_BUCKETS; i++) {
        n += counts[i];
        if (n > 0 && (double)n >= wanted)
            return i;
    }
    return SKETCH_BUCKETS - 1;
}

/*
 * How much likelier k of n are if more than p are slow than if p are: the mean
 * over some alternatives. Each ratio is a martingale while p holds, and so is
 * their mean: that it ever reaches 1/alpha has a chance of alpha, however often
 * it is looked at (Ville).
 */
static double
evidence_of(uint64_t k, uint64_t n, double p)
{
    static const double times[6] = {1.5, 2, 3, 5, 10, 30};
    double sum = 0;

    for (size_t i = 0; i < COUNT(times); i++) {
        double p1 = p * times[i] < 0.9 ? p * times[i] : 0.9;
        sum += exp((double)k * log(p1 / p) +
                   (double)(n - k) * log((1 - p1) / (1 - p)));
    }
    return sum / 6;
}

/* Where the baseline's quantile surely is not beyond, in buckets. */
static uint32_t
surely_below(const struct sketch_law *law, const uint64_t *baseline, uint64_t n)
{
    double q = law->quantile;
    double up = q + SURE * sqrt(q * (1 - q) / (double)n);

    return sketch_quantile(baseline, up < 1 ? up : 1);
}

static uint64_t
beyond(const uint64_t *counts, uint64_t limit_us)
{
    uint64_t n = 0;

    for (uint32_t i = sketch_bucket(limit_us) + 1; i < SKETCH_BUCKETS; i++)
        n += counts[i];
    return n;
}

void
sketch_judge(const struct sketch_law *law,
             const uint64_t canary[SKETCH_BUCKETS],
             const uint64_t baseline[SKETCH_BUCKETS],
             struct sketch_judgement *out)
{
    uint64_t n = total(canary), m = total(baseline);

    assert(law->quantile > 0 && law->quantile < 1 && law->max_ratio > 1);
    *out = (struct sketch_judgement){
        .verdict = SKETCH_NO_DATA, .n_canary = n, .n_baseline = m, .chance = 1};
    if (n == 0 || m == 0 || n < law->min_samples || m < law->min_samples)
        return;
    uint32_t top = surely_below(law, baseline, m) + 1;
    out->canary_us = sketch_from_us(sketch_quantile(canary, law->quantile));
    out->baseline_us = sketch_from_us(sketch_quantile(baseline, law->quantile));
    out->limit_us = (uint64_t)((double)sketch_from_us(top) * law->max_ratio);
    out->n_slower = beyond(canary, out->limit_us);
    double evidence = evidence_of(out->n_slower, n, 1 - law->quantile);
    out->chance = evidence > 1 ? 1 / evidence : 1;
    out->verdict = out->chance <= law->alpha ? SKETCH_SLOWER : SKETCH_FINE;
}
