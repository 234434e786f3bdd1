/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hex: documents of bytes in tests.
 */
#pragma once

#include "proxy/base/arena.h"

#include <assert.h>

/* "82 a1 61" as bytes in `a`. */
static inline span
hex(struct arena *a, const char *text)
{
    static const char digits[] = "0123456789abcdef";
    char *at = arena_alloc(a, strlen(text) / 2 + 1);
    size_t n = 0;
    assert(at);
    for (const char *c = text; *c; c++) {
        if (*c == ' ')
            continue;
        const char *high = strchr(digits, *c++);
        const char *low = strchr(digits, *c);
        assert(high && low);
        at[n++] = (char)((high - digits) << 4 | (low - digits));
    }
    return span_of(at, n);
}
