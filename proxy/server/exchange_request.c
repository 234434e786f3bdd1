/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The request's head: it is decided about, and what the pool is sent is made.
 */
#include "proxy/server/exchange.h"

#include "proxy/http/target.h"
#include "proxy/server/conn.h"
#include "proxy/server/fallback.h"
#include "proxy/server/forward.h"
#include "proxy/server/gate.h"
#include "proxy/server/limit.h"
#include "proxy/server/messages.h"
#include "proxy/server/mirror.h"
#include "proxy/server/problem.h"
#include "proxy/server/tls.h"
#include "proxy/server/tunnel.h"
#include "proxy/server/upstream.h"
#include "proxy/server/worker.h"

#include <assert.h>

/* ── the request's head ──────────────────────────────────────────────────── */

static void
refuse_version(struct exchange *x)
{
    struct decision *d = &x->decision;
    struct problem_doc p = problem_plain(400, "");

    assert(d->api); /* only then is a version looked for */
    p.versions = detect_known(d->api->detect);
    switch (d->detect.outcome) {
    case DETECT_MISSING:
        p.type = "version-missing";
        p.detail =
            SPAN("the request says no version, and this API asks for one");
        break;
    case DETECT_CONFLICT:
        p.type = "version-conflict";
        p.detail = SPAN("the request names two versions that differ");
        break;
    case DETECT_SPOKEN:
    case DETECT_ASSUMED:
    case DETECT_PREFLIGHT:
    case DETECT_NEEDS_BODY:
    case DETECT_UNKNOWN:
        p.type = "version-unknown";
        p.detail =
            arena_fmt(x->arena, "no such version: %.*s",
                      SPAN_FMT(span_take(d->detect.text, DETECT_LABEL_MAX)));
        break;
    }
    metrics_count(x->worker->metrics, METRIC_REFUSED, 1, span_str(p.type));
    exchange_refuse(x, &p);
}

static void
refuse_gone(struct exchange *x)
{
    struct problem_doc p =
        problem_plain(410, "this version of the API is past its sunset");

    assert(x->decision.api);
    p.type = "version-gone";
    p.versions = detect_known(x->decision.api->detect);
    metrics_count(x->worker->metrics, METRIC_REFUSED, 1, span_str(p.type));
    exchange_refuse(x, &p);
}

static uint32_t
weight_in_force(void *live, const struct gen_canary *canary)
{
    const struct worker *w = live;
    uint32_t slot = w->weight_slots[canary->index];

    if (slot == SEGMENT_NO_SLOT || !w->env->weights || !w->env->latches)
        return canary->weight_ppm;
    return weights_effective(w->env->weights, w->env->latches, slot);
}

static bool
cell_is_halted(void *live, const struct gen_rollout *r, uint32_t cell)
{
    const struct worker *w = live;
    struct gates_place *place = w->places[r->index];
    uint32_t slot = w->weight_slots[r->canary.index];

    if (!place || slot == SEGMENT_NO_SLOT || !w->env->weights)
        return false;
    struct cell_latch l = gates_cell_latch(place, cell);
    return l.reason != LATCH_NONE &&
           l.run == weights_get(w->env->weights, slot).run;
}

static bool
pool_is_up(void *live, const struct gen_pool *pool)
{
    const struct worker *w = live;

    return upstreams_pool_is_up(w->upstreams, pool);
}

struct decide_case
exchange_case(const struct exchange *x)
{
    return (struct decide_case){
        .gen = x->worker->gen,
        .head = x->request,
        .is_https = x->asker.is_secure,
        .certificate = x->client->certificate,
        .now_s = (int64_t)(loop_wall_ms() / 1000),
        .weight_ppm = weight_in_force,
        .cell_is_halted = cell_is_halted,
        .pool_is_up = pool_is_up,
        .live = x->worker,
    };
}

bool
exchange_finish_head(struct exchange *x)
{
    if (forward_request(x, &x->asked) &&
        (!exchange_is_mirrored(x) || mirror_mark(&x->asked)))
        return true;
    exchange_deny(x, 500, "no-memory", "no memory left for the message");
    return false;
}

void
exchange_prepare(struct exchange *x)
{
    struct problem_doc p;

    if (x->decision.write_refused) {
        exchange_deny(
            x, 409, "write-refused",
            "a client of this version would erase what it cannot see");
        return;
    }
    x->asked = *x->request;
    if (x->wants_tunnel)
        x->asked.body = HTTP_BODY_NONE; /* what follows are its messages */
    if (!translate_request(x, &x->asked, &p) ||
        (x->wants_tunnel && !messages_plan(x, &p))) {
        exchange_refuse(x, &p);
        return;
    }
    if (x->up_way.is_joint || exchange_finish_head(x))
        exchange_begin_body(x);
}

static void
decided(struct exchange *x)
{
    struct decide_case c = exchange_case(x);

    if (x->decision.notice.is_gone) {
        refuse_gone(x);
        return;
    }
    decide_pool(&c, &x->decision);
    if (x->decision.arm == ARM_CANARY && !fallback_begin(x)) {
        exchange_deny(x, 500, "no-memory", "no memory left for the message");
        return;
    }
    mirror_consider(x);
    exchange_prepare(x);
}

void
exchange_version_told(struct exchange *x)
{
    switch (x->decision.detect.outcome) {
    case DETECT_SPOKEN:
    case DETECT_ASSUMED:
    case DETECT_PREFLIGHT:
        decided(x);
        break;
    case DETECT_MISSING:
    case DETECT_UNKNOWN:
    case DETECT_CONFLICT:
        refuse_version(x);
        break;
    case DETECT_NEEDS_BODY:
        x->state = X_DETECT;
        if (x->request->expects_continue)
            x->down->go_on(x);
        x->request->expects_continue = false;
        break;
    }
}

/* 405 where another method would have been served (RFC 9110 §15.5.6), else 404. */
static void
refuse_no_route(struct exchange *x)
{
    struct decide_case c = exchange_case(x);
    struct problem_doc p =
        problem_plain(405, "no route takes this method for this path");

    p.type = "method-not-allowed";
    p.allow = decide_allowed(&c, x->arena);
    if (p.allow.len == 0) {
        exchange_deny(x, 404, "no-route", "no route takes this request");
        return;
    }
    metrics_count(x->worker->metrics, METRIC_REFUSED, 1, span_str(p.type));
    exchange_refuse(x, &p);
}

static bool
may_be_served(struct exchange *x)
{
    const struct http_head *h = x->request;

    if (x->conn->io.tls && tls_is_misdirected(x->conn->io.tls, h->authority)) {
        exchange_deny(x, 421, "misdirected",
                      "this connection's certificate is not for that host");
        return false;
    }
    if (!path_is_plain(h->path)) {
        exchange_deny(x, 400, "malformed-request",
                      "the path has a segment that is `.` or `..`");
        return false;
    }
    struct decide_case c = exchange_case(x);
    if (!decide_route(&c, &x->decision)) {
        refuse_no_route(x);
        return false;
    }
    return true;
}

static void
begin(struct exchange *x, struct http_head *head, bool ends)
{
    x->request = head;
    x->path = head->path;
    x->query = head->query;
    x->has_body = !ends;
    x->is_received = ends;
    x->began_ms = x->received_ms = x->moved_ms = loop_now_ms(x->worker->loop);
    asker_read(x);
    forward_id(x);
    forward_trace(x);
}

void
exchange_ask_again(struct exchange *x, struct http_head *head, enum arm arm)
{
    begin(x, head, true);
    struct decide_case c = exchange_case(x);

    if (!decide_route(&c, &x->decision)) {
        exchange_gone(x); /* it was found before, in this generation */
        return;
    }
    if (x->decision.api)
        decide_version(&c, &x->decision);
    decide_mirrored(&c, &x->decision, arm);
    exchange_prepare(x);
    if (!exchange_is_over(x) && !x->is_answered)
        exchange_watch_time(x);
}

void
exchange_request(struct exchange *x, struct http_head *head, bool ends)
{
    begin(x, head, ends);
    if (!may_be_served(x))
        return;
    x->is_stream = x->decision.route->stream || exchange_says_stream(head);
    if (!gate_passes(x) || !tunnel_request(x))
        return;
    if (x->decision.api) {
        struct decide_case c = exchange_case(x);

        decide_version(&c, &x->decision);
        exchange_version_told(x);
    } else {
        decided(x);
    }
    if (x->state != X_OVER && !x->is_answered)
        exchange_watch_time(x);
}
