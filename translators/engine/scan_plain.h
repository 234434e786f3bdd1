/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scan_plain: ends of tokens in plain C, eight bytes at a time.
 */
#pragma once

#include "translators/engine/lookup.h"
#include "translators/engine/scan.h"
#include "translators/engine/spell.h"

#include "proxy/base/utf8.h"

#define ENGINE_TARGET

#define ONES 0x0101010101010101u
#define TOPS 0x8080808080808080u

/* The top of each byte that is a quote, a backslash or a control; the lowest such
 * bit is right, those above may be too many. */
static inline uint64_t
special_of(uint64_t w)
{
    uint64_t quote = w ^ (ONES * '"');
    uint64_t slash = w ^ (ONES * '\\');
    return (((quote - ONES) & ~quote) | ((slash - ONES) & ~slash) |
            ((w - ONES * 0x20) & ~w)) &
           TOPS;
}

static inline const char *
short_text(const char *p)
{
    for (const char *q = p + 1; q < p + 33; q += 8) {
        uint64_t w = engine_load(q);
        uint64_t s = special_of(w);
        if (w & TOPS & (s ? s - 1 : UINT64_MAX))
            return NULL;
        if (s) {
            q += __builtin_ctzll(s) / 8;
            return *q == '"' ? q + 1 : NULL;
        }
    }
    return NULL;
}

static inline const char *
find_special(const char *p, const char *last, uint64_t *high)
{
    for (; p <= last; p += 8) {
        uint64_t w = engine_load(p);
        uint64_t s = special_of(w);
        if (s) {
            *high |= w & TOPS & (s - 1);
            return p + __builtin_ctzll(s) / 8;
        }
        *high |= w & TOPS;
    }
    return p;
}

static inline bool
is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static inline const char *
skip_space(const char *p, const char *last)
{
    while (p <= last && is_space(*p))
        p++;
    return p;
}

static inline const char *
find_number(const char *p, const struct engine_window *w)
{
    (void)p;
    (void)w;
    return NULL;
}

static const char *
find_bad(const char *p, const char *to)
{
    while (p < to) {
        if (to - p >= 8 && !(engine_load(p) & TOPS)) {
            p += 8;
            continue;
        }
        size_t n = utf8_char(span_of(p, (size_t)(to - p)));
        if (!n)
            return p;
        p += n;
    }
    return NULL;
}
