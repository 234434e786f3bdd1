/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/http/head.h"

#include "proxy/http/fields_raw.h"
#include "proxy/http/target.h"

void
head_init(struct http_head *h, struct arena *a)
{
    *h = (struct http_head){.version = HTTP_1_1, .keep_alive = true};
    fields_init(&h->fields, a);
}

void
head_init_answer(struct http_head *h, struct arena *a, int status,
                 uint64_t length)
{
    head_init(h, a);
    h->status = status;
    if (http_status_is_bodyless(status))
        return;
    h->body = HTTP_BODY_SIZED;
    h->has_length = true;
    h->length = length;
}

bool
head_copy(const struct http_head *h, struct arena *a, struct http_head *out)
{
    struct http_head copy = *h;

    if (!span_dup(a, h->method_token, &copy.method_token) ||
        !span_dup(a, h->scheme, &copy.scheme) ||
        !span_dup(a, h->authority, &copy.authority) ||
        !span_dup(a, h->host, &copy.host) ||
        !span_dup(a, h->path, &copy.path) ||
        !span_dup(a, h->query, &copy.query) ||
        !span_dup(a, h->upgrade, &copy.upgrade) ||
        !fields_copy(&h->fields, a, &copy.fields))
        return false;
    *out = copy;
    return true;
}

enum err_code
head_set_authority(struct http_head *h, span authority)
{
    struct arena *a = h->fields.arena;
    span host, lower;
    uint16_t port;

    if (!authority_split(authority, &host, &port))
        return ERR_INVALID;
    if (!span_dup(a, authority, &authority))
        return ERR_LIMIT;
    if (!span_lower(a, span_take(authority, host.len), &lower))
        return ERR_LIMIT;
    h->authority = authority;
    h->host = lower;
    h->port = port;
    return OK;
}

size_t
head_bytes(const struct http_head *h)
{
    size_t n = h->method_token.len + h->path.len + h->query.len;

    for (size_t i = 0; i < h->fields.n; i++)
        n += h->fields.at[i].name.len + h->fields.at[i].value.len +
             sizeof(": \r\n") - 1;
    return n;
}

span
head_target(const struct http_head *h)
{
    if (!h->has_query)
        return h->path;

    char *at = arena_alloc(h->fields.arena, h->path.len + 1 + h->query.len);
    if (!at)
        return (span){0};
    memcpy(at, h->path.at, h->path.len);
    at[h->path.len] = '?';
    if (h->query.len)
        memcpy(at + h->path.len + 1, h->query.at, h->query.len);
    return span_of(at, h->path.len + 1 + h->query.len);
}

static bool
cookie_in(span cookies, span name, span *value)
{
    while (cookies.len) {
        span pair = span_trim(span_cut(&cookies, ';'));
        span rest = pair;
        span key = span_cut(&rest, '=');
        if (key.len == pair.len || !span_eq(key, name))
            continue;
        *value = rest;
        return true;
    }
    return false;
}

bool
head_cookie(const struct http_head *h, span name, span *value)
{
    for (const struct field *f = head_find(h, FIELD_COOKIE); f;
         f = fields_next(&h->fields, f))
        if (cookie_in(f->value, name, value))
            return true;
    return false;
}
