/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scan_avx2: ends of tokens, 32 bytes at a time.
 */
#pragma once

#include "translators/engine/lookup.h"
#include "translators/engine/scan.h"

#include "proxy/base/utf8.h"

#include <immintrin.h>

#define ENGINE_RUN    engine_run_avx2
#define ENGINE_TARGET __attribute__((target("avx2,bmi,bmi2,lzcnt,popcnt")))
#define ALWAYS        static inline __attribute__((always_inline)) ENGINE_TARGET

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

ALWAYS const char *
short_text(const char *p)
{
    __m256i v = load32(p + 1);
    uint32_t quotes = bits_of(_mm256_cmpeq_epi8(v, _mm256_set1_epi8('"')));
    /* Others than ASCII have the top bit themselves. */
    __m256i other = _mm256_or_si256(
        v, _mm256_or_si256(_mm256_cmpeq_epi8(v, _mm256_set1_epi8('\\')),
                           _mm256_cmpeq_epi8(
                               _mm256_min_epu8(v, _mm256_set1_epi8(0x1F)), v)));
    if (UNLIKELY(!quotes || (bits_of(other) & (quotes ^ (quotes - 1)))))
        return NULL;
    return p + 2 + __builtin_ctz(quotes);
}

ALWAYS const char *
find_special(const char *p, const char *last, uint64_t *high)
{
    const __m256i quote = _mm256_set1_epi8('"');
    const __m256i slash = _mm256_set1_epi8('\\');
    const __m256i control = _mm256_set1_epi8(0x1F);
    for (; p <= last; p += 32) {
        __m256i v = load32(p);
        __m256i is =
            _mm256_or_si256(_mm256_or_si256(_mm256_cmpeq_epi8(v, quote),
                                            _mm256_cmpeq_epi8(v, slash)),
                            _mm256_cmpeq_epi8(_mm256_min_epu8(v, control), v));
        uint32_t special = bits_of(is);
        uint32_t top = bits_of(v);
        if (LIKELY(special)) {
            *high |= top & (special - 1) & ~special;
            return p + __builtin_ctz(special);
        }
        *high |= top;
    }
    return p;
}

/* A byte is white space if the table has itself at its lower half. */
ALWAYS const char *
skip_space(const char *p, const char *last)
{
    const __m256i table = _mm256_setr_epi8(
        ' ', 0, 0, 0, 0, 0, 0, 0, 0, '\t', '\n', 0, 0, '\r', 0, 0, ' ', 0, 0, 0,
        0, 0, 0, 0, 0, '\t', '\n', 0, 0, '\r', 0, 0);
    for (; p <= last; p += 32) {
        __m256i v = load32(p);
        uint32_t other =
            ~bits_of(_mm256_cmpeq_epi8(_mm256_shuffle_epi8(table, v), v));
        if (other)
            return p + __builtin_ctz(other);
    }
    return p;
}

/* Digits, or digits, a point and digits, of at most 31 bytes. */
ALWAYS const char *
find_number(const char *p, const struct engine_window *w)
{
    const __m256i nine = _mm256_set1_epi8(9);
    __m256i v = _mm256_sub_epi8(load32(p), _mm256_set1_epi8('0'));
    /* Ones above all: every count ends within the word. */
    uint64_t other =
        (uint64_t)~bits_of(_mm256_cmpeq_epi8(_mm256_min_epu8(v, nine), v)) |
        UINT64_MAX << 32;
    unsigned sign = *p == '-';
    unsigned end = (unsigned)__builtin_ctzll(other >> sign) + sign;
    if (UNLIKELY(end == sign || (p[sign] == '0' && end > sign + 1)))
        return NULL;
    if (p[end] == '.') {
        unsigned from = end + 1;
        end = (unsigned)__builtin_ctzll(other >> from) + from;
        if (UNLIKELY(end == from))
            return NULL;
    }
    const char *q = p + end;
    if (UNLIKELY(end >= 31 || (*q | 0x20) == 'e' || q >= w->stop))
        return NULL;
    return q;
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

/* Where, eight bytes at a time: after wrong_in, and for the last bytes. */
static const char *
find_bad_slowly(const char *p, const char *to)
{
    size_t good = utf8_good(span_of(p, (size_t)(to - p)));
    return p + good < to ? p + good : NULL;
}

ENGINE_TARGET static const char *
find_bad(const char *p, const char *to)
{
    const char *at = p;
    __m256i before = _mm256_setzero_si256();
    __m256i wrong = _mm256_setzero_si256();
    for (; to - at >= 32; at += 32) {
        __m256i v = load32(at);
        wrong = _mm256_or_si256(wrong, wrong_in(v, before));
        before = v;
    }
    if (!_mm256_testz_si256(wrong, wrong))
        return find_bad_slowly(p, to);
    /* The last character of the blocks may go on behind them. */
    return find_bad_slowly(engine_whole_text(p, at), to);
}
