/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/http/query.h"

#include "proxy/http/chars.h"
#include "proxy/http/target.h"

bool
query_next(span *rest, struct query_param *out)
{
    while (rest->len) {
        span param = span_cut(rest, '&');
        if (param.len == 0)
            continue;
        out->value = param;
        out->name = span_cut(&out->value, '=');
        out->has_value = out->name.len < param.len;
        return true;
    }
    return false;
}

/* One decoded character off the front of `s`. */
static char
take_decoded(span *s)
{
    char c = s->at[0];
    int high = c == '%' && s->len > 2 ? char_hex(s->at[1]) : -1;
    int low = high >= 0 ? char_hex(s->at[2]) : -1;

    *s = span_skip(*s, low >= 0 ? 3 : 1);
    if (low >= 0)
        return (char)(high * 16 + low);
    return (char)(c == '+' ? ' ' : c);
}

/* Is the encoded `raw` this plain name? Needs no memory. */
static bool
is_named(span raw, span name)
{
    while (raw.len && name.len) {
        if (take_decoded(&raw) != name.at[0])
            return false;
        name = span_skip(name, 1);
    }
    return raw.len == 0 && name.len == 0;
}

enum err_code
query_get(struct arena *a, span query, span name, span *value)
{
    struct query_param p;

    while (query_next(&query, &p))
        if (is_named(p.name, name))
            return pct_decode(a, p.value, true, value);
    return ERR_NOT_FOUND;
}

size_t
query_count(span query, span name)
{
    struct query_param p;
    size_t n = 0;

    while (query_next(&query, &p))
        n += is_named(p.name, name);
    return n;
}

/* A new query being written: its place is as long as it can get. */
struct out {
    char *at;
    size_t len;
};

static void
put(struct out *o, span s)
{
    if (s.len)
        memcpy(o->at + o->len, s.at, s.len);
    o->len += s.len;
}

/* An '&' before all but the first. */
static void
put_sep(struct out *o)
{
    if (o->len)
        o->at[o->len++] = '&';
}

static void
put_param(struct out *o, span name, bool has_value, span value)
{
    put_sep(o);
    put(o, name);
    if (has_value)
        put(o, SPAN("="));
    put(o, value);
}

enum err_code
query_rename(struct arena *a, span query, span name, span to, span *out)
{
    size_t n = query_count(query, name);

    *out = query;
    if (n == 0)
        return OK;
    if (pct_encode(a, to, &to))
        return ERR_LIMIT;

    struct out o = {.at = to.len < (SIZE_MAX - query.len) / n
                              ? arena_alloc(a, query.len + n * to.len)
                              : NULL};
    if (!o.at)
        return ERR_LIMIT;

    /* Pieces between '&' as they came, the empty ones too. */
    bool more = true;
    for (bool first = true; more; first = false) {
        ssize_t amp = span_find(query, '&');
        span piece = span_cut(&query, '&'), value = piece;
        span was = span_cut(&value, '=');
        more = amp >= 0;
        if (!first)
            put(&o, SPAN("&"));
        if (piece.len && is_named(was, name)) {
            put(&o, to);
            put(&o, span_skip(piece, was.len));
        } else {
            put(&o, piece);
        }
    }
    *out = span_of(o.at, o.len);
    return OK;
}

enum err_code
query_remove(struct arena *a, span query, span name, span *out)
{
    struct query_param p;

    *out = query;
    if (query_count(query, name) == 0)
        return OK;

    struct out o = {.at = arena_alloc(a, query.len)};
    if (!o.at)
        return ERR_LIMIT;
    while (query_next(&query, &p))
        if (!is_named(p.name, name))
            put_param(&o, p.name, p.has_value, p.value);
    *out = span_of(o.at, o.len);
    return OK;
}

/* Both encoded, and room for the query with them added. */
static enum err_code
begin_write(struct arena *a, span query, span *name, span *value, struct out *o)
{
    if (pct_encode(a, *name, name) || pct_encode(a, *value, value))
        return ERR_LIMIT;
    *o = (struct out){
        .at = arena_alloc(a, query.len + name->len + value->len + 2)};
    return o->at ? OK : ERR_LIMIT;
}

enum err_code
query_add(struct arena *a, span query, span name, span value, span *out)
{
    struct out o;
    enum err_code code = begin_write(a, query, &name, &value, &o);

    if (code)
        return code;
    put(&o, query);
    put_param(&o, name, true, value);
    *out = span_of(o.at, o.len);
    return OK;
}

enum err_code
query_set(struct arena *a, span query, span name, span value, span *out)
{
    span plain = name;
    struct query_param p;
    struct out o;
    bool done = false;
    enum err_code code = begin_write(a, query, &name, &value, &o);

    if (code)
        return code;
    while (query_next(&query, &p)) {
        if (!is_named(p.name, plain)) {
            put_param(&o, p.name, p.has_value, p.value);
        } else if (!done) {
            put_param(&o, name, true, value);
            done = true;
        }
    }
    if (!done)
        put_param(&o, name, true, value);
    *out = span_of(o.at, o.len);
    return OK;
}
