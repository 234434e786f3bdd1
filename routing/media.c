/* SPDX-License-Identifier: Apache-2.0 */
#include "routing/media.h"

#define NO_BYTE 256 /* -1 is a byte where char is signed */

/*
 * The offset of the first `c` (NO_BYTE: none is looked for) outside quotes and
 * angles, or the length; *is_open: one of them does not end before it.
 */
static size_t
scan(span s, int c, bool angles, bool *is_open)
{
    bool quoted = false, angled = false;
    size_t i = 0;

    for (; i < s.len; i++) {
        char at = s.at[i];

        if (quoted && at == '\\')
            i++; /* whatever is next, it is not the end */
        else if (at == '"' && !angled)
            quoted = !quoted;
        else if (angles && !quoted && (at == '<' || at == '>'))
            angled = at == '<';
        else if (at == c && !quoted && !angled)
            break;
    }
    *is_open = quoted || angled;
    return i < s.len ? i : s.len;
}

span
media_cut(span *s, char c, bool angles)
{
    bool is_open;
    size_t at = scan(*s, c, angles, &is_open);
    span before = span_take(*s, at);

    *s = span_skip(*s, at < s->len ? at + 1 : at);
    return before;
}

bool
media_is_whole(span s, bool angles)
{
    bool is_open;

    (void)scan(s, NO_BYTE, angles, &is_open);
    return !is_open;
}

bool
media_next(span *list, struct media *out)
{
    while (list->len > 0) {
        out->params = media_cut(list, ',', false);
        out->type = span_trim(media_cut(&out->params, ';', false));
        if (out->type.len > 0)
            return true;
    }
    return false;
}

bool
media_next_param(span *params, span *name, span *value)
{
    while (params->len > 0) {
        span param = media_cut(params, ';', false);

        *name = span_trim(span_cut(&param, '='));
        *value = span_trim(param);
        if (name->len > 0)
            return true;
    }
    return false;
}

bool
media_value_is(span value, span plain)
{
    if (value.len < 2 || value.at[0] != '"')
        return span_eq(value, plain);

    size_t n = 0;
    for (size_t i = 1; i + 1 < value.len; i++) {
        if (value.at[i] == '\\' && i + 2 < value.len)
            i++;
        if (n == plain.len || plain.at[n++] != value.at[i])
            return false;
    }
    return n == plain.len && value.at[value.len - 1] == '"';
}

/* "0", "0.5", "1.000" (RFC 9110 §12.4.2). */
static unsigned
weight_of(span s)
{
    unsigned weight = 0, scale = 1000;

    if (s.len == 0 || s.len > 5 || (s.len > 1 && s.at[1] != '.'))
        return 0;
    for (size_t i = 0; i < s.len; i++) {
        if (i == 1)
            continue;
        if (s.at[i] < '0' || s.at[i] > '9')
            return 0;
        weight += (unsigned)(s.at[i] - '0') * scale;
        scale /= 10;
    }
    return weight <= 1000 ? weight : 0;
}

unsigned
media_weight(const struct media *m)
{
    span params = m->params, name, value;

    while (media_next_param(&params, &name, &value))
        if (span_eq_nocase(name, SPAN("q")))
            return weight_of(value);
    return 1000;
}

bool
media_is_token(span s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.at[i] <= ' ' || s.at[i] > '~' ||
            strchr("\"(),/:;<=>?@[\\]{}", s.at[i]))
            return false;
    return s.len > 0;
}
