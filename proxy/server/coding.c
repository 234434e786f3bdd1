/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/server/coding.h"

#include "proxy/http/media.h"

static const char *const names[] = {
#define X(id, name) name,
    CODINGS(X)
#undef X
};

static bool
find(span name, enum coding *out)
{
    for (size_t i = 0; i < COUNT(names); i++)
        if (span_eq_nocase(name, span_str(names[i]))) {
            *out = (enum coding)i;
            return true;
        }
    /* RFC 9110 §8.4.1.3: as good as gzip. */
    if (!span_eq_nocase(name, SPAN("x-gzip")))
        return false;
    *out = CODING_GZIP;
    return true;
}

bool
coding_of(span value, enum coding *out)
{
    span item, other;

    *out = CODING_NONE;
    if (!list_next(&value, &item))
        return true;
    return find(item, out) && !list_next(&value, &other);
}

/* "*" stands for codings that we may not know, unless it forbids them. */
static bool
is_forbidding(span weight)
{
    span value = span_trim(weight);
    ssize_t equals = span_find(value, '=');

    if (equals < 0)
        return false;
    value = span_trim(span_skip(value, (size_t)equals + 1));
    for (size_t i = 0; i < value.len; i++)
        if (value.at[i] != '0' && value.at[i] != '.')
            return false;
    return value.len > 0;
}

static bool
may_stay(span item)
{
    span weight = item;
    span name = span_trim(span_cut(&weight, ';'));
    enum coding c;

    return span_is(name, "*") ? is_forbidding(weight) : find(name, &c);
}

span
coding_acceptable(struct arena *a, span list)
{
    char *at = arena_alloc(a, list.len + 2);
    span item;
    size_t n = 0;

    if (!at)
        return (span){0};
    while (list_next(&list, &item)) {
        if (!may_stay(item))
            continue;
        if (n) {
            at[n++] = ',';
            at[n++] = ' ';
        }
        memcpy(at + n, item.at, item.len);
        n += item.len;
    }
    return n ? span_of(at, n) : SPAN("identity");
}
