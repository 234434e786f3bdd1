/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scan_avx2: ends of tokens, 32 bytes at a time.
 */
#pragma once

#include "translators/engine/lookup.h"
#include "translators/engine/scan.h"
#include "translators/engine/spell.h"
#include "translators/engine/wide_avx2.h"

#include "proxy/base/utf8.h"

#define ENGINE_WALK   engine_walk_avx2
#define ENGINE_TARGET ENGINE_AVX2_TARGET

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

/* Is all of this a number without an exponent? Longer ones than 31 bytes are not
 * told. */
ALWAYS bool
is_number(const char *p, size_t len)
{
    const __m256i nine = _mm256_set1_epi8(9);
    __m256i v = _mm256_sub_epi8(load32(p), _mm256_set1_epi8('0'));
    uint32_t digits = bits_of(_mm256_cmpeq_epi8(_mm256_min_epu8(v, nine), v));
    size_t sign = *p == '-';
    if (UNLIKELY(len > 31))
        return false;
    uint32_t other = _bzhi_u32(~digits, (unsigned)len) >> sign;
    size_t whole = len - sign;
    p += sign;
    if (other) {
        whole = _tzcnt_u32(other);
        if ((other & (other - 1)) || p[whole] != '.' || whole + sign + 1 == len)
            return false;
    }
    return whole == 1 || (whole > 1 && *p != '0');
}

/* Is all of this a number that begins with a digit? Where this says no, it may yet be
 * one: with an exponent, or longer than 31 bytes. */
ALWAYS bool
is_unsigned(const char *p, size_t len)
{
    __m256i v = _mm256_sub_epi8(load32(p), load32(engine_zeros));
    __m256i least = _mm256_min_epu8(v, load32(engine_nines));
    if (UNLIKELY(len > 31))
        return false;
    uint32_t other =
        _bzhi_u32(~bits_of(_mm256_cmpeq_epi8(least, v)), (unsigned)len);
    if (!other)
        return *p != '0' || len == 1;
    unsigned point = _tzcnt_u32(other);
    return !(other & (other - 1)) && p[point] == '.' && point + 1 < len &&
           (*p != '0' || point == 1);
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
