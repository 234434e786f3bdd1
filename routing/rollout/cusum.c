/* SPDX-License-Identifier: Apache-2.0 */
#include "routing/rollout/cusum.h"

#include <assert.h>
#include <math.h>

#define ALL 1e6

int32_t
cusum_gain(const struct cusum_law *law, uint32_t share_ppm, bool is_canary)
{
    double w = share_ppm / ALL;

    assert(law->ratio > 1);
    /* All or nobody on the canary: no error says anything of the difference. */
    if (w <= 0 || w >= 1)
        return 0;
    double mixed = w * law->ratio + 1 - w;
    return (int32_t)lround(log((is_canary ? law->ratio : 1) / mixed) *
                           CUSUM_ONE);
}

uint32_t
cusum_bound(const struct cusum_law *law, uint32_t n)
{
    double nats = log((1 - CUSUM_BETA) / law->alpha) +
                  CUSUM_GROWTH * log1p(n / CUSUM_EARLY);

    return (uint32_t)lround(nats * CUSUM_ONE);
}

/* The word: the cycle in 16 bits, the count and the sum in 24 each. */
#define MOST 0xffffffu

static struct cusum_state
state_of(uint64_t word, const struct cusum_law *law)
{
    uint32_t n = (uint32_t)(word >> 24) & MOST;

    return (struct cusum_state){.sum = (uint32_t)word & MOST,
                                .bound = cusum_bound(law, n),
                                .n = n,
                                .cycle = (uint32_t)(word >> 48)};
}

static uint64_t
after_error(uint64_t word, int32_t gain)
{
    uint64_t n = word >> 24 & MOST, cycle = word >> 48;
    int64_t sum = (int64_t)(word & MOST) + gain;

    if (sum <= 0) {
        sum = 0;
        cycle = (cycle + 1) & 0xffff;
    }
    n += n < MOST;
    return cycle << 48 | n << 24 | (uint64_t)(sum < MOST ? sum : MOST);
}

bool
cusum_add(_Atomic uint64_t *word, const struct cusum_law *law,
          uint32_t share_ppm, bool is_canary, struct cusum_state *after)
{
    int32_t gain = cusum_gain(law, share_ppm, is_canary);
    uint64_t was = atomic_load_explicit(word, memory_order_relaxed), is;

    do
        is = after_error(was, gain);
    while (!atomic_compare_exchange_weak(word, &was, is));
    struct cusum_state s = state_of(is, law);
    if (after)
        *after = s;
    return s.sum >= s.bound;
}

struct cusum_state
cusum_read(const _Atomic uint64_t *word, const struct cusum_law *law)
{
    return state_of(atomic_load(word), law);
}

uint32_t
cusum_to_halt(const struct cusum_law *law, uint32_t share_ppm)
{
    int64_t gain = cusum_gain(law, share_ppm, true);

    if (gain <= 0)
        return UINT32_MAX;
    /* Ends: the sum grows by `gain` a time, the bound by ever less. */
    for (uint32_t n = 1; n < 1000000; n++)
        if (n * gain >= (int64_t)cusum_bound(law, n))
            return n;
    return UINT32_MAX;
}
