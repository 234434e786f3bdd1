/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/server/links.h"

#include "proxy/server/client.h"
#include "proxy/server/exchange.h"
#include "proxy/server/translate.h"
#include "proxy/server/upstream.h"
#include "proxy/server/worker.h"
#include "translators/memo.h"

#define LINK_MAX ((size_t)8192) /* a longer field is left as it came */

/* "/a?b" of a reference, and what stands before and behind it. */
struct reference {
    span before;    /* "https://host", or nothing */
    span authority; /* the host in it */
    span target;
    span behind;     /* "#fragment", or nothing */
    bool is_changed; /* it is no more as it came */
};

/* Is it the host that the pool was told instead of the client's? */
static bool
is_told_host(const struct exchange *x, span authority)
{
    span host = x->decision.route->rewrite.host;

    return host.len && span_eq_nocase(authority, host);
}

static bool
is_ours(const struct exchange *x, span authority)
{
    span pool = x->up ? upstream_authority(x->up) : (span){0};

    return span_eq_nocase(authority, x->request->authority) ||
           (pool.len && span_eq_nocase(authority, pool)) ||
           is_told_host(x, authority);
}

static bool
take_apart(const struct exchange *x, span text, struct reference *out)
{
    static const span schemes[] = {SPAN("http://"), SPAN("https://")};
    size_t at = 0;

    *out = (struct reference){0};
    for (size_t i = 0; i < COUNT(schemes); i++) {
        size_t n = schemes[i].len;

        if (text.len < n || !span_eq_nocase(span_take(text, n), schemes[i]))
            continue;
        ssize_t slash = span_find(span_skip(text, n), '/');
        if (slash < 0)
            return false;
        out->authority = span_take(span_skip(text, n), (size_t)slash);
        if (!is_ours(x, out->authority))
            return false;
        at = n + (size_t)slash;
    }
    out->before = span_take(text, at);
    out->target = span_skip(text, at);
    if (out->target.len == 0 || out->target.at[0] != '/' ||
        (out->target.len > 1 && out->target.at[1] == '/'))
        return false;
    ssize_t hash = span_find(out->target, '#');
    out->behind = hash < 0 ? (span){0} : span_skip(out->target, (size_t)hash);
    if (hash >= 0)
        out->target = span_take(out->target, (size_t)hash);
    return true;
}

/* ── what the route rewrote ──────────────────────────────────────────────── */

/* "/v2/orders" behind the prefix "/v2"; false: it does not lead there. */
static bool
cut_prefix(span *path, span prefix)
{
    if (!span_starts(*path, prefix))
        return false;
    span rest = span_skip(*path, prefix.len);
    if (prefix.len && rest.len && rest.at[0] != '/' && rest.at[0] != '?')
        return false;
    *path = rest;
    return true;
}

/*
 * The target as it was before the route's rewrite, if it is one that the rewrite
 * leads to, and its host in the client's words. False: no memory.
 */
static bool
put_back(struct exchange *x, struct reference *r)
{
    const struct gen_rewrite *rewrite = &x->decision.route->rewrite;
    span strip = x->is_stripped ? rewrite->strip : (span){0};
    span rest = r->target;

    if (is_told_host(x, r->authority)) {
        r->before = arena_fmt(x->arena, "%s://%.*s",
                              x->asker.is_secure ? "https" : "http",
                              SPAN_FMT(x->request->authority));
        r->is_changed = true;
    }
    if ((strip.len || rewrite->prefix.len) &&
        cut_prefix(&rest, rewrite->prefix)) {
        bool needs_slash = !strip.len && (!rest.len || rest.at[0] != '/');

        r->target = arena_fmt(x->arena, "%.*s%s%.*s", SPAN_FMT(strip),
                              needs_slash ? "/" : "", SPAN_FMT(rest));
        r->is_changed = true;
    }
    return r->target.at && (r->before.at || !r->is_changed);
}

/* ── what the versions call otherwise ────────────────────────────────────── */

/* The line of a GET from the pool's version to the client's; false: as it came. */
static bool
translate_line(struct exchange *x, struct message_head *line)
{
    const struct decision *d = &x->decision;
    static const struct translation_limits limits = {.bytes_max = 1};
    struct message m = {.side = MESSAGE_REQUEST,
                        .method = SPAN("GET"),
                        .path = line->path,
                        .platform = d->platform};
    const struct program *program = NULL;
    struct translation *t = NULL;
    struct buf out;
    struct err e;
    bool ok = false;

    if (memo_program(x->worker->memo, d->api->translator, x->arena, &m,
                     (size_t)d->pool->version, (size_t)d->client, &program,
                     &e) != PROGRAM_TRANSLATE ||
        !program_has_head(program))
        return false;
    buf_init(&out, 1);
    if (translation_open(x->arena, program, &limits, &out, &t, &e) == OK &&
        translation_head(t, line, line) == OK) {
        ok = !program_is_joint(program) || translation_end(t) == OK;
        if (ok && program_is_joint(program))
            translation_new_head(t, line);
    }
    buf_fini(&out);
    return ok;
}

/* A reference in the client's names; `text` itself where nothing changes. */
static bool
rewrite_one(struct exchange *x, span text, span *out)
{
    struct reference r;
    struct message_head line = {.method = SPAN("GET")};

    *out = text;
    if (text.len > LINK_MAX || !take_apart(x, text, &r))
        return true;
    if (!put_back(x, &r))
        return false;
    line.has_query = span_find(r.target, '?') >= 0;
    line.query = r.target;
    line.path = span_cut(&line.query, '?');
    if (x->decision.translates && translate_line(x, &line))
        r.is_changed = true;
    if (!r.is_changed)
        return true;
    *out = arena_fmt(x->arena, "%.*s%.*s%s%.*s%.*s", SPAN_FMT(r.before),
                     SPAN_FMT(line.path), line.has_query ? "?" : "",
                     SPAN_FMT(line.query), SPAN_FMT(r.behind));
    return out->at != NULL;
}

/* Every <target> of a Link field (RFC 8288 §3); quoted texts may hold brackets. */
static bool
rewrite_link(struct exchange *x, span *value)
{
    struct buf b;
    bool quoted = false, ok = true;

    if (value->len > LINK_MAX)
        return true;
    buf_init(&b, 4 * LINK_MAX);
    for (span rest = *value; rest.len && ok;) {
        char c = rest.at[0];
        ssize_t end = c == '<' && !quoted ? span_find(rest, '>') : -1;

        quoted ^= c == '"';
        if (end < 0) {
            size_t n = quoted && c == '\\' && rest.len > 1 ? 2 : 1;

            buf_add(&b, span_take(rest, n));
            rest = span_skip(rest, n);
            continue;
        }
        span target = span_of(rest.at + 1, (size_t)end - 1);
        ok = rewrite_one(x, target, &target);
        buf_byte(&b, '<');
        buf_add(&b, target);
        buf_byte(&b, '>');
        rest = span_skip(rest, (size_t)end + 1);
    }
    /* One that has grown too long is left, too: a part of it would be another. */
    ok = ok && (buf_failed(&b) || span_dup(x->arena, buf_span(&b), value));
    buf_fini(&b);
    return ok;
}

bool
links_may_differ(const struct exchange *x)
{
    const struct gen_rewrite *r = &x->decision.route->rewrite;

    return x->decision.translates || r->host.len || r->strip.len ||
           r->prefix.len;
}

bool
links_rewrite(struct exchange *x, struct http_head *h)
{
    for (size_t i = 0; i < h->fields.n; i++) {
        struct field *f = &h->fields.at[i];
        bool ok = true;

        if (span_eq_nocase(f->name, SPAN("location")) ||
            span_eq_nocase(f->name, SPAN("content-location")))
            ok = rewrite_one(x, f->value, &f->value);
        else if (span_eq_nocase(f->name, SPAN("link")))
            ok = rewrite_link(x, &f->value);
        if (!ok)
            return false;
    }
    return true;
}
