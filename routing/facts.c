/* SPDX-License-Identifier: Apache-2.0 */
#include "routing/facts.h"

bool
facts_header(const struct facts *f, span name, span *value)
{
    span first;

    if (!f->field(f->message, name, 0, &first))
        return false;
    *value = span_trim(first);
    return value->len > 0;
}

bool
facts_cookie(const struct facts *f, span name, span *value)
{
    span field;

    for (size_t i = 0; f->field(f->message, SPAN("cookie"), i, &field); i++) {
        while (field.len > 0) {
            span rest = span_cut(&field, ';');
            span key = span_trim(span_cut(&rest, '='));

            *value = span_trim(rest);
            if (value->len > 0 && span_eq(key, name))
                return true;
        }
    }
    return false;
}

static int
hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

bool
facts_query_is(span encoded, span plain)
{
    size_t i = 0, n = 0;

    for (; i < encoded.len && n < plain.len; i++, n++) {
        int c = (unsigned char)encoded.at[i];

        if (c == '+')
            c = ' ';
        if (c == '%') {
            if (encoded.len - i < 3 || hex(encoded.at[i + 1]) < 0 ||
                hex(encoded.at[i + 2]) < 0)
                return false;
            c = hex(encoded.at[i + 1]) * 16 + hex(encoded.at[i + 2]);
            i += 2;
        }
        if (c != (unsigned char)plain.at[n])
            return false;
    }
    return i == encoded.len && n == plain.len;
}

bool
facts_query(span query, span name, size_t nth, span *value)
{
    while (query.len > 0) {
        span rest = span_cut(&query, '&');
        span key = span_cut(&rest, '=');

        if (facts_query_is(key, name) && nth-- == 0) {
            *value = rest;
            return true;
        }
    }
    return false;
}
