/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/http/media.h"

#include "proxy/http/chars.h"

/* "type/subtype", both tokens; takes it off the front of *s. */
static bool
take_essence(span *s, struct media *out)
{
    size_t n = chars_run(*s, CHAR_TOKEN);

    out->type = span_take(*s, n);
    *s = span_skip(*s, n);
    if (n == 0 || s->len == 0 || s->at[0] != '/')
        return false;
    *s = span_skip(*s, 1);

    n = chars_run(*s, CHAR_TOKEN);
    out->subtype = span_take(*s, n);
    *s = span_skip(*s, n);
    return n > 0;
}

static span
suffix_of(span subtype)
{
    for (size_t i = subtype.len; i-- > 1;)
        if (subtype.at[i] == '+')
            return span_skip(subtype, i + 1);
    return (span){0};
}

/* Length of a quoted string with its quotes at the front of `s`; 0: it is none. */
static size_t
quoted_len(span s)
{
    for (size_t i = 1; s.len && s.at[0] == '"' && i < s.len; i++) {
        if (s.at[i] == '"')
            return i + 1;
        if (s.at[i] == '\\')
            i++;
    }
    return 0;
}

static span
skip_space(span s)
{
    while (s.len && (s.at[0] == ' ' || s.at[0] == '\t'))
        s = span_skip(s, 1);
    return s;
}

bool
media_param_next(span *rest, span *name, span *value)
{
    span s = skip_space(*rest);

    while (s.len && s.at[0] == ';')
        s = skip_space(span_skip(s, 1));
    *name = span_take(s, chars_run(s, CHAR_TOKEN));
    s = span_skip(s, name->len);
    if (name->len == 0 || s.len == 0 || s.at[0] != '=')
        return false;
    s = span_skip(s, 1);

    size_t n = quoted_len(s);
    *value = span_take(s, n ? n : chars_run(s, CHAR_TOKEN));
    *rest = span_skip(s, value->len);
    return value->len > 0;
}

static bool
params_are_valid(span s)
{
    span name, value;

    for (;;) {
        span rest = skip_space(s);
        if (rest.len && rest.at[0] != ';')
            return false;
        while (rest.len && rest.at[0] == ';')
            rest = skip_space(span_skip(rest, 1));
        if (rest.len == 0)
            return true;
        if (!media_param_next(&s, &name, &value)) /* ends: it takes bytes */
            return false;
    }
}

bool
media_parse(span s, struct media *out)
{
    s = span_trim(s);
    if (!take_essence(&s, out))
        return false;
    out->suffix = suffix_of(out->subtype);
    out->params = s;
    return params_are_valid(s);
}

/* A quoted string's text; itself if it has no backslash. */
static bool
unquote(struct arena *a, span s, span *out)
{
    *out = s;
    if (s.len < 2 || s.at[0] != '"')
        return true;
    s = span_of(s.at + 1, s.len - 2);
    *out = s;
    if (span_find(s, '\\') < 0)
        return true;

    char *to = arena_alloc(a, s.len);
    size_t n = 0;
    if (!to)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        if (s.at[i] == '\\' && i + 1 < s.len)
            i++;
        to[n++] = s.at[i];
    }
    *out = span_of(to, n);
    return true;
}

bool
media_param(struct arena *a, const struct media *m, span name, span *value,
            bool *full)
{
    span rest = m->params, key;

    *full = false;
    while (media_param_next(&rest, &key, value)) {
        if (!span_eq_nocase(key, name))
            continue;
        *full = !unquote(a, *value, value);
        return !*full;
    }
    return false;
}

bool
media_is(const struct media *m, const char *essence)
{
    span subtype = span_str(essence);
    span type = span_cut(&subtype, '/');

    return span_eq_nocase(m->type, type) && span_eq_nocase(m->subtype, subtype);
}

bool
media_is_json(const struct media *m)
{
    return media_is(m, "application/json") || media_is(m, "text/json") ||
           span_eq_nocase(m->suffix, SPAN("json"));
}

bool
list_next(span *rest, span *item)
{
    while (rest->len) {
        size_t n = 0;
        while (n < rest->len && rest->at[n] != ',') {
            size_t quoted = quoted_len(span_skip(*rest, n));
            n += quoted ? quoted : 1;
        }
        *item = span_trim(span_take(*rest, n));
        *rest = span_skip(*rest, n < rest->len ? n + 1 : n);
        if (item->len)
            return true;
    }
    return false;
}
