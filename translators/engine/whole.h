/* SPDX-License-Identifier: Apache-2.0 */
/*
 * whole: tokens that are all there, between two places of an index. Compiled behind a
 * scan_NAME.h, for the walk.
 */
#pragma once

#include "translators/engine/index.h"

#define SPACES                                                                 \
    ((uint64_t)1 << ' ' | (uint64_t)1 << '\t' | (uint64_t)1 << '\n' |          \
     (uint64_t)1 << '\r')

/* The end of what stands before `p`, without the space in between. */
static inline const char *
behind(const char *p)
{
    while (UNLIKELY((unsigned char)p[-1] <= ' ') &&
           (SPACES >> (unsigned char)p[-1] & 1))
        p--;
    return p;
}

static inline bool
has_escape(const struct engine_index *x, const char *p, const char *q)
{
    return UNLIKELY(x->has_escapes) && memchr(p, '\\', (size_t)(q - p));
}

/* Four letters as a word of 32 bits. */
#define LETTERS(a, b, c, d)                                                    \
    ((uint32_t)(a) | (uint32_t)(b) << 8 | (uint32_t)(c) << 16 |                \
     (uint32_t)(d) << 24)

/* Are these bytes true, false or null? Which of them cannot be guessed, so no
 * branch asks. */
static inline bool
is_word(const char *p, size_t len)
{
    uint32_t word;
    memcpy(&word, p, sizeof(word));
    unsigned four = (word == LETTERS('t', 'r', 'u', 'e')) |
                    (word == LETTERS('n', 'u', 'l', 'l'));
    unsigned five = (word == LETTERS('f', 'a', 'l', 's')) & (p[4] == 'e');
    return len && len == 4 * four + 5 * five;
}

static __attribute__((noinline)) bool
is_long_number(const char *p, const char *q)
{
    uint8_t state = NUMBER_BEGIN;
    return engine_number(p, q, &state) == q && engine_number_may_end(state);
}

/* Is the scalar that begins at `p`, or should, all of the bytes up to `q`? */
ENGINE_TARGET static inline __attribute__((always_inline)) bool
is_scalar(const char *p, const char *q, unsigned shape)
{
    if (shape == ENGINE_NUMBER)
        return is_number(p, (size_t)(q - p)) || is_long_number(p, q);
    return shape == ENGINE_TEXT || is_word(p, (size_t)(q - p));
}

/* Is what stands from `v` to `q` a scalar? */
ENGINE_TARGET static inline __attribute__((always_inline)) bool
is_bare(const char *v, const char *q)
{
    unsigned char first = (unsigned char)*v;
    if (LIKELY(first == '"'))
        return true;
    if (LIKELY((unsigned)(first - '0') <= 9))
        return LIKELY(is_unsigned(v, (size_t)(q - v))) || is_long_number(v, q);
    if (first == '-')
        return is_long_number(v, q);
    return is_word(v, (size_t)(q - v));
}
