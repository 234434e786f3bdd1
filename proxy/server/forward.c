/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/server/forward.h"

#include "proxy/server/client.h"
#include "proxy/server/exchange.h"
#include "proxy/server/links.h"
#include "proxy/server/upstream.h"
#include "proxy/server/worker.h"
#include "routing/facts.h"

#define ID_MAX 128
#define CHAIN  2048 /* of a trusted X-Forwarded-For; a longer one is dropped */

/* ── the request id ──────────────────────────────────────────────────────── */

static bool
is_sane_id(span s)
{
    if (s.len == 0 || s.len > ID_MAX)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        char c = s.at[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
              (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' ||
              c == ':' || c == '/' || c == '+' || c == '='))
            return false;
    }
    return true;
}

static void
write_hex(char *at, size_t digits, uint64_t n)
{
    while (digits--) {
        at[digits] = "0123456789abcdef"[n & 15];
        n >>= 4;
    }
}

void
forward_id(struct exchange *x)
{
    struct worker *w = x->worker;
    span came =
        x->request ? head_value(x->request, FIELD_X_REQUEST_ID) : (span){0};

    if (is_sane_id(came)) {
        x->id = came;
        return;
    }
    char *at = arena_alloc(x->arena, 24);
    if (!at)
        return;
    write_hex(at, 16, w->id_high);
    write_hex(at + 16, 8, ++w->id_low);
    x->id = span_of(at, 24);
}

/* ── the trace ───────────────────────────────────────────────────────────── */

static bool
is_hex(span s, bool may_be_zero)
{
    bool is_zero = true;

    for (size_t i = 0; i < s.len; i++) {
        char c = s.at[i];

        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
            return false;
        is_zero &= c == '0';
    }
    return may_be_zero || !is_zero;
}

/* W3C Trace Context §3.2: version, trace, parent, flags; later ones may be longer. */
static bool
is_traceparent(span s)
{
    if (s.len < 55 || s.at[2] != '-' || s.at[35] != '-' || s.at[52] != '-')
        return false;
    span version = span_take(s, 2);
    bool fits =
        span_is(version, "00") ? s.len == 55 : s.len == 55 || s.at[55] == '-';
    return fits && is_hex(version, true) && !span_is(version, "ff") &&
           is_hex(span_take(span_skip(s, 3), 32), false) &&
           is_hex(span_take(span_skip(s, 36), 16), false) &&
           is_hex(span_take(span_skip(s, 53), 2), true);
}

void
forward_trace(struct exchange *x)
{
    struct fields *f = &x->request->fields;
    const struct field *parent = fields_find(f, FIELD_TRACEPARENT);

    if (parent && !fields_next(f, parent) && is_traceparent(parent->value)) {
        x->trace = span_take(span_skip(parent->value, 3), 32);
        return;
    }
    /* §4.2: without a parent that can be read its state means nothing. */
    fields_remove_id(f, FIELD_TRACEPARENT);
    fields_remove_id(f, FIELD_TRACESTATE);
}

/* ── who the client is ───────────────────────────────────────────────────── */

/* A value of the exchange's, its client's, or ours for good. */
static bool
set(struct http_head *h, enum field_id id, span value)
{
    return value.at && fields_set_id(&h->fields, id, value) == OK;
}

/* One text of several; every request has some, so without printf. */
static span
concat(struct exchange *x, const span *parts, size_t n)
{
    size_t len = 0;

    for (size_t i = 0; i < n; i++)
        len += parts[i].len;
    char *at = arena_alloc(x->arena, len);
    if (!at)
        return (span){0};
    len = 0;
    for (size_t i = 0; i < n; i++) {
        if (parts[i].len)
            memcpy(at + len, parts[i].at, parts[i].len);
        len += parts[i].len;
    }
    return span_of(at, len);
}

/* "for=..;host=..;proto=..": IPv6 in brackets and quotes (RFC 7239 §6). */
static span
forwarded(struct exchange *x, span peer, span authority, span scheme)
{
    bool is_v6 = span_find(peer, ':') >= 0;
    const span parts[] = {SPAN("for="),
                          is_v6 ? SPAN("\"[") : (span){0},
                          peer,
                          is_v6 ? SPAN("]\"") : (span){0},
                          SPAN(";host=\""),
                          authority,
                          SPAN("\";proto="),
                          scheme};

    return concat(x, parts, COUNT(parts));
}

static span
joined(struct exchange *x, span before, span value)
{
    const span parts[] = {before, SPAN(", "), value};

    if (before.len == 0 || before.len > CHAIN)
        return value;
    return concat(x, parts, COUNT(parts));
}

/* Fields of one name are one list. */
static span
all_values(struct exchange *x, const struct http_head *h, enum field_id id)
{
    const struct field *f = head_find(h, id);
    span all = f ? f->value : (span){0};

    while (f && (f = fields_next(&h->fields, f)))
        all = joined(x, all, f->value);
    return all;
}

static bool
say_who(struct exchange *x, struct http_head *h)
{
    const struct client *c = x->client;
    span scheme = client_is_secure(c) ? SPAN("https") : SPAN("http");
    /* RFC 7239 §6.2: a Unix socket's client has no address to tell. */
    span peer = c->listener->at.path.len ? SPAN("unknown") : client_peer(c);
    span chain;
    span element = forwarded(x, peer, h->authority, scheme);

    fields_remove_id(&h->fields, FIELD_X_REAL_IP);
    if (!c->is_trusted) {
        fields_remove_id(&h->fields, FIELD_X_FORWARDED_PORT);
        fields_remove_id(&h->fields, FIELD_X_FORWARDED_PREFIX);
        fields_remove_id(&h->fields, FIELD_X_FORWARDED_HOST);
        return set(h, FIELD_X_FORWARDED_FOR, peer) &&
               set(h, FIELD_X_FORWARDED_PROTO, scheme) &&
               (h->authority.len == 0 ||
                set(h, FIELD_X_FORWARDED_HOST, h->authority)) &&
               set(h, FIELD_FORWARDED, element);
    }
    chain = joined(x, all_values(x, h, FIELD_X_FORWARDED_FOR), peer);
    element = joined(x, all_values(x, h, FIELD_FORWARDED), element);
    if (!head_find(h, FIELD_X_FORWARDED_PROTO) &&
        !set(h, FIELD_X_FORWARDED_PROTO, scheme))
        return false;
    if (!head_find(h, FIELD_X_FORWARDED_HOST) && h->authority.len &&
        !set(h, FIELD_X_FORWARDED_HOST, h->authority))
        return false;
    return set(h, FIELD_X_FORWARDED_FOR, chain) &&
           set(h, FIELD_FORWARDED, element);
}

/* ── what the route and the versions say ─────────────────────────────────── */

/* The configuration spells names as it likes; the list has them lower-case. */
static void
remove_any_case(struct http_head *h, span name)
{
    for (size_t i = 0; i < h->fields.n; i++)
        if (span_eq_nocase(h->fields.at[i].name, name)) {
            head_remove(h, h->fields.at[i].name);
            return;
        }
}

static void
take_out(struct http_head *h, const struct gen_head_edits *edits)
{
    for (size_t i = 0; i < edits->n_remove; i++)
        remove_any_case(h, edits->remove[i]);
}

static bool
edit(struct http_head *h, const struct gen_head_edits *edits)
{
    take_out(h, edits);
    for (size_t i = 0; i < edits->n_set; i++)
        if (head_set(h, edits->set[i].name, edits->set[i].value) != OK)
            return false;
    return true;
}

static bool
put_fields(struct http_head *h, const struct detect_field *fields, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (head_set(h, fields[i].name, fields[i].value) != OK)
            return false;
    return true;
}

static bool
rewrite_request(struct exchange *x, struct http_head *h)
{
    struct decision *d = &x->decision;
    struct detect_rewrite r;
    struct facts facts;
    struct err e;

    struct decide_case c = exchange_case(x);
    decide_facts(&c, h, &facts);
    if (detect_rewrite_request(d->api->detect, x->arena, &facts,
                               d->pool->version, &r, &e) != OK)
        return false;
    h->path = r.path;
    h->query = r.query;
    if (!put_fields(h, r.fields, r.n_fields))
        return false;

    span field = detect_spoken_field(d->api->detect, &d->detect);
    return field.len == 0 ||
           head_set(h, field, detect_label(d->api->detect, d->pool->version)) ==
               OK;
}

/* How this message came to us (RFC 9110 §7.6.3). */
static bool
add_via(struct http_head *h)
{
    static const span said[] = {[HTTP_1_0] = {"1.0 stile", 9},
                                [HTTP_1_1] = {"1.1 stile", 9},
                                [HTTP_2] = {"2.0 stile", 9}};

    return fields_add_id(&h->fields, FIELD_VIA, said[h->version]) == OK;
}

/* They are of bytes that are not sent on. */
static void
drop_digests(struct fields *f)
{
    fields_remove_id(f, FIELD_DIGEST);
    fields_remove(f, SPAN("content-digest"));
    fields_remove(f, SPAN("content-md5"));
    fields_remove(f, SPAN("repr-digest"));
}

/* What cannot hold for a body in another version is not asked for. */
static bool
ask_plainly(struct exchange *x, struct http_head *h)
{
    fields_remove_id(&h->fields, FIELD_RANGE);
    fields_remove_id(&h->fields, FIELD_IF_RANGE);
    if (x->up_way.has_body)
        drop_digests(&h->fields);
    else
        head_remove(h, SPAN("repr-digest"));
    translate_conditions(x, h);
    /* Only what can be taken off; who says nothing gets none. */
    if (x->form.first.len) {
        span others = all_values(x, h, FIELD_ACCEPT);

        if (!set(h, FIELD_ACCEPT,
                 others.len ? joined(x, x->form.first, others) : x->form.first))
            return false;
    }
    span codings =
        coding_acceptable(x->arena, all_values(x, h, FIELD_ACCEPT_ENCODING));
    return codings.at && head_set(h, SPAN("Accept-Encoding"), codings) == OK;
}

/* "/api/orders" without "/api" is "/orders"; "/apis" does not begin with it. */
static span
stripped(span path, span strip)
{
    if (strip.len == 0 || !span_starts(path, strip))
        return path;
    span rest = span_skip(path, strip.len);
    if (rest.len == 0)
        return SPAN("/");
    return rest.at[0] == '/' ? rest : path;
}

/* Where the pool finds it. The client's own words stand in X-Forwarded-Host. */
static bool
rewrite_target(struct exchange *x, struct http_head *h)
{
    const struct gen_rewrite *r = &x->decision.route->rewrite;

    if (r->host.len && head_set_authority(h, r->host) != OK)
        return false;
    if ((r->strip.len == 0 && r->prefix.len == 0) || span_is(h->path, "*"))
        return true;
    const span parts[] = {r->prefix, stripped(h->path, r->strip)};
    x->is_stripped = !span_eq(parts[1], h->path);
    h->path = concat(x, parts, COUNT(parts));
    return h->path.at != NULL;
}

bool
forward_request(struct exchange *x, struct http_head *h)
{
    const struct decision *d = &x->decision;

    if (d->translates && (!rewrite_request(x, h) || !ask_plainly(x, h)))
        return false;
    h->keep_alive = true;
    if (!x->wants_tunnel)
        h->upgrade = (span){0};
    return edit(h, &d->route->request) && say_who(x, h) &&
           set(h, FIELD_X_REQUEST_ID, x->id) && add_via(h) &&
           rewrite_target(x, h);
}

/* ── the way back ────────────────────────────────────────────────────────── */

static bool
rewrite_answer(struct exchange *x, struct http_head *h)
{
    const struct decision *d = &x->decision;
    span authorities[2] = {x->request->authority,
                           x->up ? upstream_authority(x->up) : (span){0}};
    struct detect_answer a = {.field = decide_field,
                              .message = h,
                              .authorities = authorities,
                              .n_authorities = authorities[1].len ? 2 : 1,
                              .by_date = d->detect.by_date};
    struct detect_rewrite r;
    struct err e;

    return detect_rewrite_answer(d->api->detect, x->arena, &a, d->pool->version,
                                 d->client, &r, &e) == OK &&
           put_fields(h, r.fields, r.n_fields);
}

static bool
append_list(struct exchange *x, struct http_head *h, span name, span value)
{
    const struct field *f = head_get(h, name);
    span all = value;

    if (value.len == 0)
        return true;
    /* All lines of it, however long: what is lost here poisons caches. */
    for (; f && all.at; f = fields_next(&h->fields, f)) {
        const span parts[] = {f->value, SPAN(", "), all};

        if (f->value.len)
            all = concat(x, parts, COUNT(parts));
    }
    return all.at && head_set(h, name, all) == OK;
}

static bool
tell_losses(struct exchange *x, struct http_head *h)
{
    span notices = translate_notices(x);

    if (notices.len == 0)
        return true;
    if (head_get(h, SPAN("access-control-expose-headers")) &&
        !append_list(x, h, SPAN("access-control-expose-headers"),
                     SPAN("Stile-Notice")))
        return false;
    return head_set(h, SPAN("Stile-Notice"), notices) == OK;
}

bool
forward_version(struct exchange *x, struct http_head *h)
{
    const struct decision *d = &x->decision;
    const struct detect_notice *n = &d->notice;

    if (!d->api)
        return true;
    if (!append_list(x, h, SPAN("vary"),
                     detect_vary(d->api->detect, &d->detect)))
        return false;
    if (d->client < 0)
        return true;
    span echo = detect_echo(d->api->detect);
    if (echo.len &&
        head_set(h, echo, detect_label(d->api->detect, d->client)) != OK)
        return false;
    if (n->deprecation.len &&
        head_set(h, SPAN("Deprecation"), n->deprecation) != OK)
        return false;
    if (n->sunset.len && head_set(h, SPAN("Sunset"), n->sunset) != OK)
        return false;
    return n->link.len == 0 || head_add(h, SPAN("Link"), n->link) == OK;
}

static bool
tell_plainly(struct exchange *x, struct http_head *h)
{
    const struct program *told = translate_told(x, h);

    fields_remove_id(&h->fields, FIELD_ACCEPT_RANGES);
    if (told && program_has_body(told))
        drop_digests(&h->fields);
    translate_etag(x, h);
    if (x->decision.pool->media != GEN_MEDIA_ANY &&
        !append_list(x, h, SPAN("vary"), SPAN("accept")))
        return false;
    return rewrite_answer(x, h) && tell_losses(x, h);
}

bool
forward_answer(struct exchange *x, struct http_head *h)
{
    const struct decision *d = &x->decision;

    if ((links_may_differ(x) && !links_rewrite(x, h)) ||
        (d->translates && !tell_plainly(x, h)))
        return false;
    return forward_version(x, h) && edit(h, &d->route->answer) &&
           set(h, FIELD_X_REQUEST_ID, x->id) && add_via(h);
}

bool
forward_hints(struct exchange *x, struct http_head *h)
{
    const struct decision *d = &x->decision;

    if ((links_may_differ(x) && !links_rewrite(x, h)) ||
        (d->translates && !rewrite_answer(x, h)))
        return false;
    take_out(h, &d->route->answer);
    return true;
}

const struct fields *
forward_trailers(struct exchange *x, const struct translate *tr,
                 const struct fields *trailers)
{
    struct fields *own;

    if (!trailers || !tr->has_body)
        return trailers;
    own = arena_alloc(x->arena, sizeof(*own));
    if (!own || !fields_copy(trailers, x->arena, own))
        return NULL;
    drop_digests(own);
    fields_remove_id(own, FIELD_ETAG);
    return own;
}

bool
forward_own(struct exchange *x, struct http_head *h)
{
    return edit(h, &x->decision.route->answer) &&
           set(h, FIELD_X_REQUEST_ID, x->id);
}
