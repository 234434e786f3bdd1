/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/server/tunnel.h"

#include "certs/digest.h"
#include "proxy/server/conn.h"
#include "proxy/server/exchange.h"
#include "proxy/server/forward.h"
#include "proxy/server/messages.h"
#include "proxy/server/problem.h"
#include "proxy/server/upstream.h"

#define GUID    "258EAFA5-E914-47DA-95CA-C5AB0DC85B11" /* RFC 6455 §1.3 */
#define KEY_LEN 24u                                    /* of 16 bytes */

#define WEBSOCKET  SPAN("websocket")
#define KEY_NAME   SPAN("Sec-WebSocket-Key")
#define KEY_LOWER  SPAN("sec-websocket-key")
#define ACCEPT     SPAN("Sec-WebSocket-Accept")
#define ACCEPT_LOW SPAN("sec-websocket-accept")
#define EXTENSIONS SPAN("sec-websocket-extensions")

/* ── keys ────────────────────────────────────────────────────────────────── */

static span
base64(struct exchange *x, const uint8_t *bytes, size_t n)
{
    static const char digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t len = (n + 2) / 3 * 4, at = 0;
    char *out = arena_alloc(x->arena, len);

    if (!out)
        return (span){0};
    for (size_t i = 0; i < n; i += 3) {
        unsigned three = (unsigned)bytes[i] << 16;

        three |= i + 1 < n ? (unsigned)bytes[i + 1] << 8 : 0;
        three |= i + 2 < n ? bytes[i + 2] : 0;
        out[at++] = digits[three >> 18 & 63];
        out[at++] = digits[three >> 12 & 63];
        out[at++] = digits[three >> 6 & 63];
        out[at++] = digits[three & 63];
    }
    for (size_t i = 0; i < (3 - n % 3) % 3; i++)
        out[len - 1 - i] = '=';
    return span_of(out, len);
}

static span
accept_of(struct exchange *x, span key)
{
    uint8_t hash[DIGEST_SHA1];
    span all = arena_fmt(x->arena, "%.*s" GUID, SPAN_FMT(key));

    if (!all.at || !digest_sha1(all, hash))
        return (span){0};
    return base64(x, hash, sizeof(hash));
}

static span
new_key(struct exchange *x)
{
    uint8_t bytes[16];

    digest_random(bytes, sizeof(bytes));
    return base64(x, bytes, sizeof(bytes));
}

static bool
is_key(span s)
{
    if (s.len != KEY_LEN || s.at[22] != '=' || s.at[23] != '=')
        return false;
    for (size_t i = 0; i < 22; i++) {
        char c = s.at[i];

        if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
              (c >= '0' && c <= '9') || c == '+' || c == '/'))
            return false;
    }
    return true;
}

/* ── the request ─────────────────────────────────────────────────────────── */

static span
value_of(const struct http_head *h, span name)
{
    const struct field *f = head_get(h, name);

    return f && !fields_next(&h->fields, f) ? f->value : (span){0};
}

static bool
refuse(struct exchange *x, unsigned status, const char *detail)
{
    exchange_deny(x, status, "upgrade-refused", detail);
    return false;
}

bool
tunnel_request(struct exchange *x)
{
    const struct http_head *h = x->request;
    bool is_h2 = h->version == HTTP_2;
    bool is_asked = span_eq_nocase(h->upgrade, WEBSOCKET) &&
                    h->method == METHOD_GET && h->version != HTTP_1_0;

    /* Over HTTP/1.1 a wish may be left alone: the answer is a plain one. */
    if (!is_asked || !x->decision.route->websocket)
        return !is_h2 || h->upgrade.len == 0 ||
               refuse(x, 501, "no such protocol is offered here");
    if (is_h2 != x->has_body)
        return refuse(x, 400, "a WebSocket begins without a body");
    x->tunnel_key = value_of(h, KEY_LOWER);
    if (!is_h2 && !is_key(x->tunnel_key))
        return refuse(x, 400, "Sec-WebSocket-Key is missing or malformed");
    x->wants_tunnel = true;
    x->is_stream = true;
    return true;
}

bool
tunnel_connected(struct exchange *x)
{
    struct http_head *h = &x->asked;

    h->method = METHOD_GET;
    h->method_token = method_token(METHOD_GET);
    h->upgrade = WEBSOCKET;
    h->body = HTTP_BODY_NONE;
    h->has_length = false;
    /* RFC 8441 §5: over HTTP/2 there is no key. */
    head_remove(h, KEY_LOWER);
    if (messages_are_read(x))
        head_remove(h, EXTENSIONS);
    if (upstream_is_shared(x->up))
        return true;
    x->tunnel_sent = x->request->version == HTTP_2 ? new_key(x) : x->tunnel_key;
    return x->tunnel_sent.at && head_set(h, KEY_NAME, x->tunnel_sent) == OK;
}

/* ── the answer ──────────────────────────────────────────────────────────── */

static bool
is_accepted(struct exchange *x, const struct http_head *h)
{
    /* What was not offered cannot be agreed on (RFC 6455 §9.1). */
    if (messages_are_read(x) && head_get(h, EXTENSIONS))
        return false;
    if (upstream_is_shared(x->up))
        return true;
    return span_eq_nocase(h->upgrade, WEBSOCKET) &&
           span_eq(value_of(h, ACCEPT_LOW), accept_of(x, x->tunnel_sent));
}

/*
 * Its head in the client's version; it has no body, its messages come apart. What
 * the API's arrows are told of is a success, whatever the pool's HTTP calls it.
 */
static bool
translate_open(struct exchange *x, struct http_head *h)
{
    struct problem_doc p;

    h->status = 200;
    h->body = HTTP_BODY_NONE;
    return translate_answer(x, h, &p) && !x->down_way.is_joint &&
           messages_begin(x);
}

/* The answer as the client's own HTTP says it. */
static bool
say_open(struct exchange *x, struct http_head *h)
{
    bool is_h2 = x->request->version == HTTP_2;

    head_remove(h, ACCEPT_LOW);
    h->status = is_h2 ? 200 : 101;
    h->upgrade = is_h2 ? (span){0} : WEBSOCKET;
    h->body = is_h2 ? HTTP_BODY_CHUNKED : HTTP_BODY_NONE;
    h->has_length = false;
    h->keep_alive = true;
    if (!forward_answer(x, h))
        return false;
    if (is_h2)
        return true;
    span accept = accept_of(x, x->tunnel_key);
    return accept.at && head_set(h, ACCEPT, accept) == OK;
}

static void
open_tunnel(struct exchange *x, struct http_head *h)
{
    x->has_head = true;
    x->state = X_ANSWER;
    x->is_tunnel = true;
    x->is_received = false; /* what comes from now on is its body */
    x->down->head(x, h);
    if (!x->up || exchange_is_over(x))
        return;
    messages_up(x, buf_span(&x->to_pool));
    if (!x->up || exchange_is_over(x))
        return;
    upstream_flush(x->up);
    buf_fini(&x->to_pool);
    exchange_pool_drained(x);
    x->down->read(x, true);
    if (x->request->version != HTTP_2)
        conn_later(x->conn); /* bytes may have come behind the request */
}

bool
tunnel_answer(struct exchange *x, struct http_head *h)
{
    bool is_open =
        upstream_is_shared(x->up) ? h->status / 100 == 2 : h->status == 101;

    if (is_open) {
        if (is_accepted(x, h) && translate_open(x, h) && say_open(x, h))
            open_tunnel(x, h);
        else
            exchange_failed(x, POOL_PROTOCOL);
        return true;
    }
    /* To one who asked over HTTP/2 a plain 2xx would look like a tunnel. */
    if (x->request->version == HTTP_2 && h->status / 100 == 2) {
        exchange_failed(x, POOL_PROTOCOL);
        return true;
    }
    x->wants_tunnel = false;
    return false;
}
