/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/backend/members.h"

#include <string.h>

#define DEPTH_MAX 32

size_t
members_skip_space(span s, size_t at)
{
    while (at < s.len && strchr(" \t\r\n,:", s.at[at]))
        at++;
    return at;
}

/* One past the value that begins at `at`. */
static size_t
skip_value(span s, size_t at)
{
    size_t depth = 0;

    for (bool in_text = false; at < s.len; at++) {
        char ch = s.at[at];

        if (in_text) {
            if (ch == '\\')
                at++;
            else if (ch == '"')
                in_text = false;
            if (!in_text && depth == 0)
                return at + 1;
        } else if (ch == '"') {
            in_text = true;
        } else if (ch == '{' || ch == '[') {
            depth++;
        } else if (ch == '}' || ch == ']') {
            if (depth == 0)
                return at;
            if (--depth == 0)
                return at + 1;
        } else if (depth == 0 && strchr(" \t\r\n,", ch)) {
            return at;
        }
    }
    return s.len;
}

/* The next member of an object after *at; false at its end. Starts with *at = 1. */
static bool
next_member(span object, size_t *at, span *key, span *value)
{
    size_t from = members_skip_space(object, *at);

    if (from >= object.len || object.at[from] != '"')
        return false;
    size_t end = skip_value(object, from);
    *key = span_of(object.at + from, end - from);
    from = members_skip_space(object, end);
    end = skip_value(object, from);
    *value = span_of(object.at + from, end - from);
    *at = end;
    return end > from;
}

span
members_find(span object, span key)
{
    span k, v;

    for (size_t at = 1; next_member(object, &at, &k, &v);)
        if (span_eq(k, key))
            return v;
    return (span){0};
}

/* RFC 7396: `patch` on `target`. */
static void
/* NOLINTNEXTLINE(misc-no-recursion): a merge patch is defined by itself; bounded */
merge(struct buf *out, span target, span patch, unsigned depth)
{
    span k, v, empty = SPAN("{}");
    bool first = true;

    if (patch.len == 0 || patch.at[0] != '{' || depth == DEPTH_MAX) {
        buf_add(out, patch);
        return;
    }
    if (!target.at || target.len == 0 || target.at[0] != '{')
        target = empty;
    buf_byte(out, '{');
    for (size_t at = 1; next_member(target, &at, &k, &v);) {
        span change = members_find(patch, k);

        if (span_is(change, "null"))
            continue;
        buf_str(out, first ? "" : ",");
        first = false;
        buf_add(out, k);
        buf_byte(out, ':');
        if (change.len)
            merge(out, v, change, depth + 1);
        else
            buf_add(out, v);
    }
    for (size_t at = 1; next_member(patch, &at, &k, &v);) {
        if (span_is(v, "null") || members_find(target, k).len)
            continue;
        buf_str(out, first ? "" : ",");
        first = false;
        buf_add(out, k);
        buf_byte(out, ':');
        merge(out, (span){0}, v, depth + 1);
    }
    buf_byte(out, '}');
}

void
members_merge(struct buf *out, span target, span patch)
{
    merge(out, target, patch, 0);
}
