/* SPDX-License-Identifier: Apache-2.0 */
#include "routing/rollout/marks.h"

#include <math.h>

#define FREE_MIN (MARKS_BITS / 50) /* below this the estimate is a guess */

static uint64_t
bit_of(uint64_t subject)
{
    return UINT64_C(1) << (subject / MARKS_WORDS % 32);
}

/* The word's bits, if it is of this time. */
static uint32_t
bits(uint64_t word, uint32_t tag)
{
    return (uint32_t)(word >> 32) == tag ? (uint32_t)word : 0;
}

bool
marks_has(const _Atomic uint64_t *words, uint32_t tag, uint64_t subject)
{
    uint64_t word = atomic_load_explicit(&words[subject % MARKS_WORDS],
                                         memory_order_relaxed);

    return (bits(word, tag) & bit_of(subject)) != 0;
}

bool
marks_put(_Atomic uint64_t *words, uint32_t tag, uint64_t subject)
{
    _Atomic uint64_t *at = &words[subject % MARKS_WORDS];
    uint64_t was = atomic_load_explicit(at, memory_order_relaxed), is;

    do {
        if (bits(was, tag) & bit_of(subject))
            return false;
        is = (uint64_t)tag << 32 | bits(was, tag) | bit_of(subject);
    } while (!atomic_compare_exchange_weak(at, &was, is));
    return true;
}

static uint32_t
estimate(uint32_t set)
{
    uint32_t open = MARKS_BITS - set;

    if (open < FREE_MIN)
        return UINT32_MAX;
    return (uint32_t)lround(MARKS_BITS * log((double)MARKS_BITS / open));
}

uint32_t
marks_count(const _Atomic uint64_t *words, uint32_t tag)
{
    uint32_t set = 0;

    for (size_t i = 0; i < MARKS_WORDS; i++)
        set += (uint32_t)__builtin_popcount(
            bits(atomic_load_explicit(&words[i], memory_order_relaxed), tag));
    return estimate(set);
}

void
marks_add(const _Atomic uint64_t *words, uint32_t tag,
          uint32_t set[MARKS_WORDS])
{
    for (size_t i = 0; i < MARKS_WORDS; i++)
        set[i] |=
            bits(atomic_load_explicit(&words[i], memory_order_relaxed), tag);
}

uint32_t
marks_count_set(const uint32_t set[MARKS_WORDS])
{
    uint32_t n = 0;

    for (size_t i = 0; i < MARKS_WORDS; i++)
        n += (uint32_t)__builtin_popcount(set[i]);
    return estimate(n);
}
