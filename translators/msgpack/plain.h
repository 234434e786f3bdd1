/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plain: how much of a text stands between quotes as it is.
 *
 * Eight bytes at a time, in plain C: texts are mostly short.
 */
#pragma once

#include "proxy/base/span.h"

/* Which bytes are plain: not a quote, a backslash, a control byte; or only ASCII. */
enum plain { PLAIN_UTF8, PLAIN_ASCII };

#define PLAIN_ONES ((uint64_t)0x0101010101010101)
#define PLAIN_TOPS (PLAIN_ONES * 0x80)

static inline bool
plain_is(unsigned char c, enum plain plain)
{
    return c >= 0x20 && c != '"' && c != '\\' &&
           (plain == PLAIN_UTF8 || c < 0x80);
}

/* Top bits of bytes that are below `n` (at most 128), as far as the lowest such. */
static inline uint64_t
plain_below(uint64_t w, uint64_t n)
{
    return (w - PLAIN_ONES * n) & ~w & PLAIN_TOPS;
}

static inline uint64_t
plain_special(uint64_t w, enum plain plain)
{
    uint64_t special = plain_below(w, 0x20) |
                       plain_below(w ^ (PLAIN_ONES * '"'), 1) |
                       plain_below(w ^ (PLAIN_ONES * '\\'), 1);
    return plain == PLAIN_ASCII ? special | (w & PLAIN_TOPS) : special;
}

/* Length of the prefix that is plain. */
static inline size_t
plain_text(span s, enum plain plain)
{
    size_t i = 0;
    for (; i + 8 <= s.len; i += 8) {
        uint64_t w;
        memcpy(&w, s.at + i, sizeof(w));
        uint64_t special = plain_special(w, plain);
        if (special)
            return i + (unsigned)__builtin_ctzll(special) / 8;
    }
    while (i < s.len && plain_is((unsigned char)s.at[i], plain))
        i++;
    return i;
}
