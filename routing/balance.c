/* SPDX-License-Identifier: Apache-2.0 */
#include "routing/balance.h"

#include <stdbool.h>

/* Bits past `n` are nobody's. */
static uint64_t
word_of(const uint64_t *healthy, size_t n, size_t i)
{
    size_t left = n - i * 64;

    return left >= 64 ? healthy[i] : healthy[i] & ((UINT64_C(1) << left) - 1);
}

/* The index of the `k`-th set bit (from 0); there are more than `k`. */
static size_t
nth_healthy(const uint64_t *healthy, size_t n, uint32_t k)
{
    size_t i = 0;
    uint64_t word = word_of(healthy, n, 0);

    /* Ends: the bits left to skip are fewer than those still to come. */
    while (k >= (uint32_t)__builtin_popcountll(word)) {
        k -= (uint32_t)__builtin_popcountll(word);
        word = word_of(healthy, n, ++i);
    }
    for (; k > 0; k--)
        word &= word - 1;
    return i * 64 + (size_t)__builtin_ctzll(word);
}

/* A number below `n`, by multiplying: the bias is below n / 2^32. */
static uint32_t
scaled(uint32_t dice, uint32_t n)
{
    return (uint32_t)(((uint64_t)dice * n) >> 32);
}

int
balance_pick(const uint32_t *active, const uint64_t *healthy, size_t n,
             uint32_t dice_a, uint32_t dice_b)
{
    uint32_t n_healthy = 0;

    for (size_t i = 0; i < BALANCE_WORDS(n); i++)
        n_healthy += (uint32_t)__builtin_popcountll(word_of(healthy, n, i));
    if (n_healthy == 0)
        return BALANCE_NONE;

    uint32_t k = scaled(dice_a, n_healthy);
    size_t first = nth_healthy(healthy, n, k);
    if (n_healthy == 1)
        return (int)first;

    /* Any of the others, each as likely: go on by 1 to n_healthy - 1, around. */
    uint32_t step = 1 + scaled(dice_b, n_healthy - 1);
    size_t second = nth_healthy(healthy, n, (k + step) % n_healthy);
    return (int)(active[second] < active[first] ? second : first);
}

static bool
is_healthy(const uint64_t *healthy, size_t i)
{
    return healthy[i / 64] >> (i % 64) & 1;
}

int
balance_next(const uint64_t *healthy, size_t n, int last)
{
    size_t from = last < 0 ? 0 : (size_t)last + 1;

    for (size_t k = 0; k < n; k++)
        if (is_healthy(healthy, (from + k) % n))
            return (int)((from + k) % n);
    return BALANCE_NONE;
}

/* What decides must depend on every bit of both (splitmix64). */
static uint64_t
mixed(uint64_t mark, uint64_t key)
{
    uint64_t z = mark ^ (key * 0x9e3779b97f4a7c15u);

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

int
balance_by_key(const uint64_t *marks, const uint64_t *healthy, size_t n,
               uint64_t key)
{
    int best = BALANCE_NONE;
    uint64_t highest = 0;

    for (size_t i = 0; i < n; i++) {
        uint64_t height = mixed(marks[i], key);

        if (is_healthy(healthy, i) && (best < 0 || height > highest)) {
            best = (int)i;
            highest = height;
        }
    }
    return best;
}
