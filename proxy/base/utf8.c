/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/base/utf8.h"

#include <assert.h>

/* Table 3-7 of the Unicode standard: the second byte has a range of its own. */
static size_t
shape(unsigned char lead, unsigned char *low, unsigned char *high)
{
    *low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
    *high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
    if (lead < 0xC2 || lead > 0xF4)
        return 0;
    return lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
}

size_t
utf8_char(span s)
{
    const unsigned char *at = (const unsigned char *)s.at;
    unsigned char low;
    unsigned char high;

    if (s.len == 0)
        return 0;
    if (at[0] < 0x80)
        return 1;

    size_t n = shape(at[0], &low, &high);
    if (n == 0 || n > s.len || at[1] < low || at[1] > high)
        return 0;
    for (size_t i = 2; i < n; i++) {
        if ((at[i] & 0xC0) != 0x80)
            return 0;
    }
    return n;
}

size_t
utf8_good(span s)
{
    size_t at = 0;

    while (at < s.len) {
        size_t n = utf8_char(span_skip(s, at));

        if (n == 0)
            break;
        at += n;
    }
    return at;
}

size_t
utf8_put(char out[4], uint32_t code)
{
    assert(code <= 0x10FFFF);
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (char)(0xC0 | code >> 6);
        out[1] = (char)(0x80 | (code & 0x3F));
        return 2;
    }
    if (code < 0x10000) {
        out[0] = (char)(0xE0 | code >> 12);
        out[1] = (char)(0x80 | (code >> 6 & 0x3F));
        out[2] = (char)(0x80 | (code & 0x3F));
        return 3;
    }
    out[0] = (char)(0xF0 | code >> 18);
    out[1] = (char)(0x80 | (code >> 12 & 0x3F));
    out[2] = (char)(0x80 | (code >> 6 & 0x3F));
    out[3] = (char)(0x80 | (code & 0x3F));
    return 4;
}
