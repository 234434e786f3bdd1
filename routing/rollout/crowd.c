/* SPDX-License-Identifier: Apache-2.0 */
#include "routing/rollout/crowd.h"

#include <assert.h>
#include <math.h>

#define INDEX_BITS 12u
static_assert(1u << INDEX_BITS == CROWD_REGISTERS, "an index is a register");

/* XXH3's bits are as good as any; the low ones choose, the others are drawn from. */
static uint8_t
rank_of(uint64_t subject)
{
    uint64_t rest = subject >> INDEX_BITS;

    return rest ? (uint8_t)(__builtin_ctzll(rest) + 1) : 64 - INDEX_BITS + 1;
}

void
crowd_put(_Atomic uint64_t *words, uint64_t subject)
{
    uint64_t i = subject % CROWD_REGISTERS, rank = rank_of(subject);
    unsigned shift = (unsigned)(i % 8) * 8;
    _Atomic uint64_t *at = &words[i / 8];
    uint64_t was = atomic_load_explicit(at, memory_order_relaxed), is;

    do {
        if ((was >> shift & 0xff) >= rank)
            return;
        is = (was & ~(UINT64_C(0xff) << shift)) | rank << shift;
    } while (!atomic_compare_exchange_weak(at, &was, is));
}

void
crowd_add(struct crowd_sum *sum, const _Atomic uint64_t *words)
{
    for (size_t i = 0; i < CROWD_REGISTERS; i++) {
        uint64_t word =
            atomic_load_explicit(&words[i / 8], memory_order_relaxed);
        uint8_t rank = (uint8_t)(word >> (i % 8 * 8));

        if (rank > sum->registers[i])
            sum->registers[i] = rank;
    }
}

uint64_t
crowd_count(const struct crowd_sum *sum)
{
    const double m = CROWD_REGISTERS, bias = 0.7213 / (1 + 1.079 / m);
    double inverse = 0;
    size_t open = 0;

    for (size_t i = 0; i < CROWD_REGISTERS; i++) {
        inverse += ldexp(1, -sum->registers[i]);
        open += sum->registers[i] == 0;
    }
    double estimate = bias * m * m / inverse;
    /* While many registers are free, counting these is more exact. */
    if (estimate <= 2.5 * m && open)
        estimate = m * log(m / (double)open);
    return (uint64_t)llround(estimate);
}
