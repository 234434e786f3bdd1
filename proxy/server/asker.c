/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/server/asker.h"

#include "proxy/http/media.h"
#include "proxy/server/client.h"
#include "proxy/server/exchange.h"
#include "proxy/server/gate.h"
#include "proxy/server/worker.h"

#include <arpa/inet.h>

#define HOPS_MAX 32 /* proxies one after another; more are nobody's setup */

void
asker_init(struct asker *a, const struct client *c)
{
    a->address = c->has_address ? c->address : NULL;
    a->text = client_peer(c);
    a->is_secure = client_is_secure(c);
}

/* ── addresses ───────────────────────────────────────────────────────────── */

static span
unquoted(span s)
{
    return s.len >= 2 && s.at[0] == '"' && s.at[s.len - 1] == '"'
               ? span_of(s.at + 1, s.len - 2)
               : s;
}

/* "192.0.2.7", "192.0.2.7:80", "2001:db8::7", "[2001:db8::7]:80": without the rest. */
static span
bare(span s)
{
    ssize_t end;

    if (s.len && s.at[0] == '[') {
        end = span_find(s, ']');
        return end > 0 ? span_of(s.at + 1, (size_t)end - 1) : (span){0};
    }
    end = span_find(s, ':');
    if (end >= 0 && span_find(span_skip(s, (size_t)end + 1), ':') < 0)
        return span_take(s, (size_t)end);
    return s;
}

static bool
read_address(span text, uint8_t out[16])
{
    char name[INET6_ADDRSTRLEN];

    if (text.len == 0 || text.len >= sizeof(name))
        return false;
    memcpy(name, text.at, text.len);
    name[text.len] = '\0';
    if (inet_pton(AF_INET6, name, out) == 1)
        return true;
    memset(out, 0, 10);
    memset(out + 10, 0xff, 2);
    return inet_pton(AF_INET, name, out + 12) == 1;
}

/* ── what is said ────────────────────────────────────────────────────────── */

/* The value of `name` in one element of Forwarded; empty: it says none. */
static span
said(span element, span name)
{
    span key, value;

    while (media_param_next(&element, &key, &value))
        if (span_eq_nocase(key, name))
            return unquoted(value);
    return (span){0};
}

/* The last elements of a list that may stand on several lines, in order. */
static size_t
last_items(const struct http_head *h, enum field_id id, span items[HOPS_MAX])
{
    const struct field *f = head_find(h, id);
    size_t n = 0;
    span item;

    for (; f; f = fields_next(&h->fields, f)) {
        span rest = f->value;

        while (list_next(&rest, &item)) {
            if (n == HOPS_MAX)
                memmove(items, items + 1, (size_t)--n * sizeof(*items));
            items[n++] = item;
        }
    }
    return n;
}

static bool
read_who(struct exchange *x, const span *items, size_t n, bool is_forwarded)
{
    const struct generation *gen = x->worker->gen;
    uint8_t *address = arena_alloc(x->arena, 16), next[16];

    if (!address)
        return false;
    for (size_t i = n; i-- > 0;) {
        span text = bare(is_forwarded ? said(items[i], SPAN("for")) : items[i]);

        if (!read_address(text, next))
            break;
        memcpy(address, next, sizeof(next));
        x->asker.address = address;
        x->asker.text = text;
        if (!gate_is_in(gen->trust, gen->n_trust, next))
            break;
    }
    return true;
}

static void
read_scheme(struct exchange *x, span scheme)
{
    if (span_eq_nocase(scheme, SPAN("https")))
        x->asker.is_secure = true;
    else if (span_eq_nocase(scheme, SPAN("http")))
        x->asker.is_secure = false;
}

void
asker_read(struct exchange *x)
{
    const struct http_head *h = x->request;
    span items[HOPS_MAX];
    size_t n;

    if (!x->client->is_trusted)
        return;
    bool is_for = head_find(h, FIELD_X_FORWARDED_FOR) != NULL;
    n = last_items(h, is_for ? FIELD_X_FORWARDED_FOR : FIELD_FORWARDED, items);
    /* Without memory it is the proxy's: allowed less, counted with more. */
    if (!read_who(x, items, n, !is_for))
        return;
    if ((n = last_items(h, FIELD_X_FORWARDED_PROTO, items)) > 0)
        read_scheme(x, items[n - 1]);
    else if ((n = last_items(h, FIELD_FORWARDED, items)) > 0)
        read_scheme(x, said(items[n - 1], SPAN("proto")));
}
