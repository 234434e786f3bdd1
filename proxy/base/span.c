/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/base/span.h"

static unsigned char
lower(char c)
{
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

bool
span_eq_nocase(span a, span b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++)
        if (lower(a.at[i]) != lower(b.at[i]))
            return false;
    return true;
}

int
span_cmp(span a, span b)
{
    size_t n = a.len < b.len ? a.len : b.len;
    int c = n ? memcmp(a.at, b.at, n) : 0;

    if (c)
        return c;
    return a.len < b.len ? -1 : a.len > b.len;
}

ssize_t
span_find(span s, char c)
{
    const char *p = s.len ? memchr(s.at, c, s.len) : NULL;

    return p ? p - s.at : -1;
}

span
span_cut(span *s, char c)
{
    ssize_t i = span_find(*s, c);
    span head = *s;

    if (i < 0) {
        *s = (span){0};
        return head;
    }
    head.len = (size_t)i;
    *s = span_skip(*s, head.len + 1);
    return head;
}

span
span_trim(span s)
{
    while (s.len && (s.at[0] == ' ' || s.at[0] == '\t'))
        s = span_skip(s, 1);
    while (s.len && (s.at[s.len - 1] == ' ' || s.at[s.len - 1] == '\t'))
        s.len--;
    return s;
}

bool
span_to_u64(span s, uint64_t *out)
{
    uint64_t n = 0;

    if (s.len == 0)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        if (s.at[i] < '0' || s.at[i] > '9')
            return false;
        if (__builtin_mul_overflow(n, 10u, &n) ||
            __builtin_add_overflow(n, (uint64_t)(s.at[i] - '0'), &n))
            return false;
    }
    *out = n;
    return true;
}
