/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chars: which byte may stand where, one table for all.
 */
#pragma once

#include "proxy/base/span.h"

#define CHAR_TOKEN      1u  /* RFC 9110 §5.6.2 */
#define CHAR_TARGET     2u  /* printable ASCII but '#' */
#define CHAR_HOST       4u  /* what we take in a host's name */
#define CHAR_UNRESERVED 8u  /* RFC 3986 §2.3 */
#define CHAR_UPPER      16u /* A to Z */
#define CHAR_DIGIT      32u
#define CHAR_HEX        64u

extern const uint8_t http_chars[256];

static inline bool
char_is(char c, unsigned class)
{
    return (http_chars[(unsigned char)c] & class) != 0;
}

static inline char
char_lower(char c)
{
    return (char)(char_is(c, CHAR_UPPER) ? c | 0x20 : c);
}

/* 0 to 15, or -1. */
static inline int
char_hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Length of the longest run of `class` at the front of `s`. */
static inline size_t
chars_run(span s, unsigned class)
{
    size_t n = 0;

    while (n < s.len && char_is(s.at[n], class))
        n++;
    return n;
}

static inline bool
chars_all(span s, unsigned class)
{
    return chars_run(s, class) == s.len;
}

/* No control but tab: what a field value may hold (8-bit bytes too). */
bool chars_are_value(span s);
