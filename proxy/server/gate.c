/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/server/gate.h"

#include "proxy/base/hash.h"
#include "proxy/http/date.h"
#include "proxy/server/client.h"
#include "proxy/server/exchange.h"
#include "proxy/server/forward.h"
#include "proxy/server/problem.h"
#include "proxy/server/turn_away.h"
#include "proxy/server/worker.h"
#include "routing/facts.h"
#include "routing/rate.h"
#include "routing/subject.h"

#include <assert.h>

/* ── who may come ────────────────────────────────────────────────────────── */

static bool
matches(const struct gen_network *n, const uint8_t bytes[16])
{
    unsigned whole = n->prefix_bits / 8, rest = n->prefix_bits % 8;

    if (memcmp(n->bytes, bytes, whole) != 0)
        return false;
    return rest == 0 || (n->bytes[whole] ^ bytes[whole]) >> (8 - rest) == 0;
}

bool
gate_is_in(const struct gen_network *networks, size_t n,
           const uint8_t address[16])
{
    for (size_t i = 0; i < n; i++)
        if (matches(&networks[i], address))
            return true;
    return false;
}

/* Who comes through a Unix socket has no address: the socket's mode lets in. */
static bool
is_allowed(const struct exchange *x)
{
    const struct gen_route *r = x->decision.route;
    const uint8_t *address = x->asker.address;

    return r->n_allow == 0 || !address ||
           gate_is_in(r->allow, r->n_allow, address);
}

/* Two rooms that may not know each other must agree. NOLINTNEXTLINE(misc-redundant-expression) */
static_assert(GEN_RATE_WORDS == GEN_RATE_SETS * RATE_WAYS, "shared words");

/* ── how often ───────────────────────────────────────────────────────────── */

bool
gate_open(struct worker *w)
{
    if (w->env->rates) {
        w->rates = (struct rate_table){w->env->rates, GEN_RATE_SETS};
        return true;
    }
    w->rates.n_sets = 1;
    w->rates.words = arena_array(w->arena, RATE_WAYS, sizeof(uint64_t));
    for (size_t i = 0; i < w->gen->n_routes; i++)
        if (w->gen->routes[i].rate.requests)
            w->rates.n_sets = GEN_RATE_SETS;
    if (w->rates.n_sets > 1)
        w->rates.words =
            arena_array(w->arena, GEN_RATE_WORDS, sizeof(uint64_t));
    return w->rates.words != NULL;
}

/* By what the route says, or by address where the request has none of it. */
static uint64_t
key_of(const struct exchange *x)
{
    const struct gen_route *r = x->decision.route;
    struct decide_case c = exchange_case(x);
    struct facts facts;
    span who;
    size_t source;

    decide_facts(&c, x->request, &facts);
    if (subject_find(r->rate.by, &facts, &who, &source))
        return hash64_seeded(who, r->index * 2 + 1);
    return hash64_seeded(x->asker.text, r->index * 2);
}

static bool
is_in_time(struct exchange *x)
{
    const struct gen_rate *rate = &x->decision.route->rate;
    uint64_t wait_us;

    if (rate->requests == 0)
        return true;
    const struct rate_rule rule = {rate->per_us / rate->requests, rate->burst};
    if (rate_take(&x->worker->rates, &rule, key_of(x), loop_clock_us(),
                  &wait_us))
        return true;
    struct problem_doc p =
        problem_plain(429, "this client asks more often than it may here");
    p.type = "rate";
    p.limit = "rate";
    p.retry_after_s = (unsigned)(wait_us / 1000000 + 1);
    exchange_refuse(x, &p);
    return false;
}

/* ── what this worker can bear ───────────────────────────────────────────── */

static bool
has_room(struct exchange *x)
{
    if (!pressure_is_high(x->worker))
        return true;
    turn_away(x, "memory_high_percent",
              "there is no memory for another request just now");
    return false;
}

/* An answer of our own costs no more than a refusal: probes are answered first. */
static bool
is_own(const struct gen_route *r)
{
    return r->maintenance.len || r->redirect.status || r->answer_status;
}

static bool
is_prompt(struct exchange *x)
{
    if (is_own(x->decision.route) || !lateness_refuses(x->worker))
        return true;
    turn_away(x, "late_ms", "requests come faster than they can be served");
    return false;
}

/* ── answers of the route's own ──────────────────────────────────────────── */

static bool
is_in_service(struct exchange *x)
{
    const struct gen_route *r = x->decision.route;

    if (r->maintenance.len == 0)
        return true;
    struct problem_doc p = problem_plain(503, "");
    p.type = "maintenance";
    p.detail = r->maintenance;
    p.retry_after_s = r->retry_after_ms / 1000;
    exchange_refuse(x, &p);
    return false;
}

static span
location(struct exchange *x)
{
    const struct gen_redirect *to = &x->decision.route->redirect;
    const struct http_head *h = x->request;
    span came_by = x->asker.is_secure ? SPAN("https") : SPAN("http");
    span scheme = to->scheme.len ? to->scheme : came_by;
    span path = to->path.len ? to->path : h->path;
    /* A port is one of its scheme. */
    span own = span_eq(scheme, came_by) ? h->authority : h->host;
    span host = to->host.len ? to->host : own;

    if (host.len == 0)
        return (span){0};
    return arena_fmt(x->arena, "%.*s://%.*s%.*s%s%.*s", SPAN_FMT(scheme),
                     SPAN_FMT(host), SPAN_FMT(path), h->has_query ? "?" : "",
                     SPAN_FMT(h->has_query ? h->query : (span){0}));
}

static void
answer(struct exchange *x, int status, span media, span body, span place)
{
    struct http_head *h = arena_alloc(x->arena, sizeof(*h));
    char date[DATE_LEN];

    if (!h) {
        exchange_break(x);
        return;
    }
    date_write((int64_t)(loop_wall_ms() / 1000), date);
    head_init_answer(h, x->arena, status, body.len);
    if (head_add(h, SPAN("Date"), span_of(date, DATE_LEN)) != OK ||
        (media.len && head_add(h, SPAN("Content-Type"), media) != OK) ||
        (place.len && head_add(h, SPAN("Location"), place) != OK) ||
        !forward_own(x, h)) {
        exchange_break(x);
        return;
    }
    exchange_answer_own(x, h, body);
}

static void
redirect(struct exchange *x)
{
    span place = location(x);

    if (!place.at) {
        exchange_deny(x, 400, "malformed-request",
                      "the request names no host to go on to");
        return;
    }
    answer(x, (int)x->decision.route->redirect.status, (span){0}, (span){0},
           place);
}

bool
gate_passes(struct exchange *x)
{
    const struct gen_route *r = x->decision.route;

    if (!is_allowed(x)) {
        exchange_deny(x, 403, "address-not-allowed",
                      "this client's address may not come here");
        return false;
    }
    if (!has_room(x) || !is_prompt(x) || !is_in_time(x) || !is_in_service(x))
        return false;
    if (r->redirect.status) {
        redirect(x);
        return false;
    }
    if (r->answer_status) {
        answer(x, (int)r->answer_status, r->answer_media, r->answer_body,
               (span){0});
        return false;
    }
    return true;
}
