/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wide_avx2: 32 bytes as one value, and whether they are UTF-8.
 */
#pragma once

#include <immintrin.h>
#include <stdint.h>

#define ENGINE_AVX2_TARGET                                                     \
    __attribute__((target("avx2,bmi,bmi2,lzcnt,popcnt,pclmul")))
#define ALWAYS static inline __attribute__((always_inline)) ENGINE_AVX2_TARGET

ALWAYS __m256i
load32(const char *p)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)p);
}

ALWAYS uint32_t
bits_of(__m256i v)
{
    return (uint32_t)_mm256_movemask_epi8(v);
}

/* Each byte but the last three of a character longer than what came must be
 * followed by continuations: J. Keiser and D. Lemire, "Validating UTF-8 in less
 * than one instruction per byte", 2021, section 6. */
#define TOO_SHORT   (1 << 0)
#define TOO_LONG    (1 << 1)
#define OVERLONG_3  (1 << 2)
#define TOO_LARGE   (1 << 3)
#define SURROGATE   (1 << 4)
#define OVERLONG_2  (1 << 5)
#define TOO_LARGE_2 (1 << 6)
#define OVERLONG_4  (1 << 6)
#define TWO_CONTS   ((char)(1 << 7))
#define CARRY       (TOO_SHORT | TOO_LONG | TWO_CONTS)

#define TWICE(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p)                  \
    _mm256_setr_epi8(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, a, b, c,  \
                     d, e, f, g, h, i, j, k, l, m, n, o, p)

ALWAYS __m256i
high_half(__m256i v)
{
    return _mm256_and_si256(_mm256_srli_epi16(v, 4), _mm256_set1_epi8(0x0F));
}

/* Nonzero where `v` is wrong behind `before`, the 32 bytes in front of it. */
ALWAYS __m256i
wrong_in(__m256i v, __m256i before)
{
    const __m256i by_first_high = TWICE(
        TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG, TOO_LONG,
        TOO_LONG, TWO_CONTS, TWO_CONTS, TWO_CONTS, TWO_CONTS,
        TOO_SHORT | OVERLONG_2, TOO_SHORT, TOO_SHORT | OVERLONG_3 | SURROGATE,
        TOO_SHORT | TOO_LARGE | TOO_LARGE_2 | OVERLONG_4);
    const __m256i by_first_low =
        TWICE(CARRY | OVERLONG_3 | OVERLONG_2 | OVERLONG_4, CARRY | OVERLONG_2,
              CARRY, CARRY, CARRY | TOO_LARGE, CARRY | TOO_LARGE | TOO_LARGE_2,
              CARRY | TOO_LARGE | TOO_LARGE_2, CARRY | TOO_LARGE | TOO_LARGE_2,
              CARRY | TOO_LARGE | TOO_LARGE_2, CARRY | TOO_LARGE | TOO_LARGE_2,
              CARRY | TOO_LARGE | TOO_LARGE_2, CARRY | TOO_LARGE | TOO_LARGE_2,
              CARRY | TOO_LARGE | TOO_LARGE_2,
              CARRY | TOO_LARGE | TOO_LARGE_2 | SURROGATE,
              CARRY | TOO_LARGE | TOO_LARGE_2, CARRY | TOO_LARGE | TOO_LARGE_2);
    const __m256i by_second_high =
        TWICE(TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT,
              TOO_SHORT, TOO_SHORT,
              TOO_LONG | OVERLONG_2 | TWO_CONTS | OVERLONG_3 | TOO_LARGE_2 |
                  OVERLONG_4,
              TOO_LONG | OVERLONG_2 | TWO_CONTS | OVERLONG_3 | TOO_LARGE,
              TOO_LONG | OVERLONG_2 | TWO_CONTS | SURROGATE | TOO_LARGE,
              TOO_LONG | OVERLONG_2 | TWO_CONTS | SURROGATE | TOO_LARGE,
              TOO_SHORT, TOO_SHORT, TOO_SHORT, TOO_SHORT);
    __m256i across = _mm256_permute2x128_si256(before, v, 0x21);
    __m256i prev1 = _mm256_alignr_epi8(v, across, 15);
    __m256i prev2 = _mm256_alignr_epi8(v, across, 14);
    __m256i prev3 = _mm256_alignr_epi8(v, across, 13);
    __m256i low = _mm256_and_si256(prev1, _mm256_set1_epi8(0x0F));
    __m256i special = _mm256_and_si256(
        _mm256_and_si256(_mm256_shuffle_epi8(by_first_high, high_half(prev1)),
                         _mm256_shuffle_epi8(by_first_low, low)),
        _mm256_shuffle_epi8(by_second_high, high_half(v)));
    __m256i third =
        _mm256_subs_epu8(prev2, _mm256_set1_epi8((char)(0xE0 - 0x80)));
    __m256i fourth =
        _mm256_subs_epu8(prev3, _mm256_set1_epi8((char)(0xF0 - 0x80)));
    __m256i must = _mm256_and_si256(_mm256_or_si256(third, fourth),
                                    _mm256_set1_epi8((char)0x80));
    return _mm256_xor_si256(must, special);
}
