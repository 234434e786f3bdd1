/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/server/decide.h"

#include "proxy/server/conn.h"
#include "proxy/server/exchange.h"
#include "proxy/server/tls.h"
#include "proxy/server/upstream.h"
#include "proxy/server/worker.h"
#include "routing/route.h"
#include "routing/split.h"
#include "routing/subject.h"
#include "translators/translation.h"

#define PLATFORM_MAX 64

const char *
arm_word(enum arm arm)
{
    static const char *const words[] = {
#define X(id, word, doc) word,
        ARMS(X)
#undef X
    };

    return words[arm];
}

bool
decide_field(const void *head, span name, size_t nth, span *value)
{
    const struct fields *f = &((const struct http_head *)head)->fields;

    for (size_t i = 0; i < f->n; i++)
        if (span_eq_nocase(f->at[i].name, name) && nth-- == 0) {
            *value = f->at[i].value;
            return true;
        }
    return false;
}

void
decide_facts(const struct exchange *x, const struct http_head *h,
             struct facts *out)
{
    const struct tls *tls = x->conn ? x->conn->io.tls : NULL;

    *out = (struct facts){
        .method = h->method_token,
        .path = h->path,
        .query = h->query,
        .certificate = tls ? tls_certificate(tls) : (span){0},
        .has_body = h->body != HTTP_BODY_NONE &&
                    !(h->body == HTTP_BODY_SIZED && h->length == 0),
        .field = decide_field,
        .message = h,
    };
}

bool
decide_route(struct exchange *x)
{
    const struct generation *g = x->worker->gen;
    const struct route_request r = {
        .listener = x->conn->listener_index,
        .host = x->request->host,
        .method = x->request->method_token,
        .path = x->request->path,
    };
    int i = route_find(g->router, &r, NULL);

    x->decision.client = -1;
    if (i < 0)
        return false;
    x->decision.route = &g->routes[i];
    x->decision.api = g->routes[i].api;
    return true;
}

static void
settle(struct exchange *x)
{
    struct decision *d = &x->decision;

    switch (d->detect.outcome) {
    case DETECT_SPOKEN:
    case DETECT_ASSUMED:
        d->client = d->detect.version;
        detect_notice(d->api->detect, d->client,
                      (int64_t)(loop_wall_ms() / 1000), &d->notice);
        break;
    case DETECT_PREFLIGHT:
        d->api = NULL;
        d->arm = ARM_PREFLIGHT;
        break;
    case DETECT_MISSING:
    case DETECT_UNKNOWN:
    case DETECT_CONFLICT:
    case DETECT_NEEDS_BODY:
        break;
    }
}

void
decide_version(struct exchange *x)
{
    struct facts facts;

    decide_facts(x, x->request, &facts);
    detect_run(x->decision.api->detect, &facts, &x->decision.detect);
    settle(x);
}

enum marked
decide_marker(struct exchange *x, span body, bool is_all)
{
    struct decision *d = &x->decision;
    struct message m;
    struct facts facts;
    size_t version = 0;
    span text = {0};
    enum marker_seen seen;

    translate_message(x, MESSAGE_REQUEST, x->request, &m);
    seen = translator_marker(d->api->translator, &m, body, is_all, &version,
                             &text);
    if (seen == MARKER_MORE && !is_all)
        return MARKED_MORE;
    decide_facts(x, x->request, &facts);
    if (seen == MARKER_UNKNOWN && !span_dup(x->arena, text, &text))
        text = SPAN("?");
    detect_body(d->api->detect, &facts,
                seen == MARKER_FOUND ? (int)version : DETECT_NONE,
                seen == MARKER_UNKNOWN ? text : (span){0}, &d->detect);
    settle(x);
    return MARKED;
}

static uint32_t
weight_of(const struct exchange *x, const struct gen_route *route)
{
    const struct worker_env *env = x->worker->env;
    uint32_t slot = x->worker->weight_slots[route->index];

    if (slot == SEGMENT_NO_SLOT || !env->weights || !env->latches)
        return route->canary->weight_ppm;
    return weights_effective(env->weights, env->latches, slot);
}

static enum arm
arm_of(struct exchange *x, const struct facts *facts)
{
    struct decision *d = &x->decision;
    const struct gen_canary *canary = d->route->canary;

    if (d->arm == ARM_PREFLIGHT)
        return ARM_PREFLIGHT;
    if (!canary)
        return ARM_ONLY;
    d->weight_ppm = weight_of(x, d->route);
    if (!subject_find(d->route->subject, facts, &d->subject, NULL))
        return ARM_NO_SUBJECT;
    d->bucket = split_bucket(canary->split, d->subject);
    if (!split_takes(canary->split, d->weight_ppm, d->subject))
        return ARM_BASELINE;
    /* Health never chooses a version for anybody else: only those fall back. */
    return upstreams_pool_is_up(x->worker->upstreams, canary->pool)
               ? ARM_CANARY
               : ARM_FALLBACK;
}

void
decide_pool(struct exchange *x)
{
    struct decision *d = &x->decision;
    struct facts facts;

    decide_facts(x, x->request, &facts);
    if (d->route->platform_header.len &&
        facts_header(&facts, d->route->platform_header, &d->platform))
        d->platform = span_take(d->platform, PLATFORM_MAX);
    d->arm = arm_of(x, &facts);
    d->pool = d->arm == ARM_CANARY ? d->route->canary->pool : d->route->pool;
    d->translates = d->api && d->client >= 0 && d->pool->version >= 0 &&
                    d->client != d->pool->version;
}
