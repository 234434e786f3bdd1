/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/server/decide.h"

#include "proxy/base/template.h"
#include "routing/route.h"
#include "routing/split.h"
#include "routing/subject.h"
#include "translators/translation.h"

#define PLATFORM_MAX 64
#define METHODS_TOLD 32 /* of a path that takes others */

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
decide_facts(const struct decide_case *c, const struct http_head *h,
             struct facts *out)
{
    *out = (struct facts){
        .method = h->method_token,
        .path = h->path,
        .query = h->query,
        .certificate = c->certificate,
        .has_body = h->body != HTTP_BODY_NONE &&
                    !(h->body == HTTP_BODY_SIZED && h->length == 0),
        .field = decide_field,
        .message = h,
    };
}

void
decide_message(const struct decide_case *c, const struct decision *d,
               struct message *out)
{
    *out = (struct message){
        .side = MESSAGE_REQUEST,
        .method = c->head->method_token,
        .path = c->head->path,
        .media = head_value(c->head, FIELD_CONTENT_TYPE),
        .platform = d->platform,
        .whole = d->route->whole,
        .write = d->write,
        .strict = d->route->strict_patches,
    };
}

static struct route_request
request_of(const struct decide_case *c)
{
    return (struct route_request){
        .is_https = c->is_https,
        .host = c->head->host,
        .method = c->head->method_token,
        .path = c->head->path,
    };
}

bool
decide_route(const struct decide_case *c, struct decision *d)
{
    const struct route_request r = request_of(c);
    int i = route_find(c->gen->router, &r, NULL);
    struct facts facts;

    d->client = -1;
    if (i < 0)
        return false;
    d->route = &c->gen->routes[i];
    d->api = d->route->api;
    decide_facts(c, c->head, &facts);
    if (d->route->platform_header.len &&
        facts_header(&facts, d->route->platform_header, &d->platform))
        d->platform = span_take(d->platform, PLATFORM_MAX);
    return true;
}

span
decide_allowed(const struct decide_case *c, struct arena *a)
{
    const struct route_request r = request_of(c);
    span methods[METHODS_TOLD], list = {0};
    size_t n = route_methods(c->gen->router, &r, methods, COUNT(methods));

    for (size_t i = 0; i < n; i++)
        list = arena_fmt(a, "%.*s%s%.*s", SPAN_FMT(list), i ? ", " : "",
                         SPAN_FMT(methods[i]));
    return list;
}

static void
settle(const struct decide_case *c, struct decision *d)
{
    switch (d->detect.outcome) {
    case DETECT_SPOKEN:
    case DETECT_ASSUMED:
        d->client = d->detect.version;
        detect_notice(d->api->detect, d->client, c->now_s, &d->notice);
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
decide_version(const struct decide_case *c, struct decision *d)
{
    struct facts facts;

    decide_facts(c, c->head, &facts);
    detect_run(d->api->detect, &facts, &d->detect);
    settle(c, d);
}

enum marked
decide_marker(const struct decide_case *c, struct arena *a, span body,
              bool is_all, struct decision *d)
{
    struct message m;
    struct facts facts;
    size_t version = 0;
    span text = {0};
    enum marker_seen seen;

    decide_message(c, d, &m);
    seen = translator_marker(d->api->translator, &m, body, is_all, &version,
                             &text);
    if (seen == MARKER_MORE && !is_all)
        return MARKED_MORE;
    decide_facts(c, c->head, &facts);
    if (seen == MARKER_UNKNOWN && !span_dup(a, text, &text))
        text = SPAN("?");
    detect_body(d->api->detect, &facts,
                seen == MARKER_FOUND ? (int)version : DETECT_NONE,
                seen == MARKER_UNKNOWN ? text : (span){0}, &d->detect);
    settle(c, d);
    return MARKED;
}

/* The canary that this request may be sent to, and where it is counted. */
static void
find_canary(struct decision *d)
{
    d->canary = gen_route_canary(d->route, d->platform);
    if (d->canary && d->canary->rollout)
        d->cell = gen_rollout_cell(d->canary->rollout, d->route, d->client,
                                   d->platform);
}

static enum arm
arm_of(const struct decide_case *c, struct decision *d)
{
    const struct gen_canary *canary;
    struct facts facts;

    if (d->arm == ARM_PREFLIGHT)
        return ARM_PREFLIGHT;
    find_canary(d);
    canary = d->canary;
    if (!canary)
        return ARM_ONLY;
    decide_facts(c, c->head, &facts);
    d->weight_ppm = c->weight_ppm(c->live, canary);
    if (!subject_find(d->route->subject, &facts, &d->subject, NULL))
        return ARM_NO_SUBJECT;
    d->bucket = split_bucket(canary->split, d->subject);
    if (!split_takes(canary->split, d->weight_ppm, d->subject))
        return ARM_BASELINE;
    if (canary->rollout && c->cell_is_halted(c->live, canary->rollout, d->cell))
        return ARM_HALTED;
    /* Health never chooses a version for anybody else: only those fall back. */
    return c->pool_is_up(c->live, canary->pool) ? ARM_CANARY : ARM_FALLBACK;
}

bool
decide_translates(const struct decision *d)
{
    return d->api && d->client >= 0 && d->pool->version >= 0 &&
           (d->client != d->pool->version || d->pool->media != GEN_MEDIA_ANY ||
            translator_reads_versions(d->api->translator));
}

/* The route's word for such a message. */
static enum message_write
write_of(const struct decide_case *c, const struct decision *d)
{
    for (size_t i = 0; i < d->route->n_writes; i++) {
        const struct gen_write *w = &d->route->writes[i];

        if (span_eq(w->method, c->head->method_token) &&
            template_matches(w->path, c->head->path, NULL))
            return w->word == GEN_WRITE_REFUSE ? MESSAGE_WRITE_REFUSE
                                               : MESSAGE_WRITE_LOSE;
    }
    return MESSAGE_WRITE_UNSAID;
}

static void
take_pool(const struct decide_case *c, struct decision *d)
{
    d->pool = d->arm == ARM_CANARY ? d->canary->pool : d->route->pool;
    d->write = write_of(c, d);
    d->translates = decide_translates(d);
    d->write_refused = d->write == MESSAGE_WRITE_REFUSE && d->translates &&
                       d->client != d->pool->version;
}

void
decide_pool(const struct decide_case *c, struct decision *d)
{
    d->arm = arm_of(c, d);
    take_pool(c, d);
}

void
decide_fall_back(const struct decide_case *c, struct decision *d)
{
    d->arm = ARM_FALLBACK;
    take_pool(c, d);
}

void
decide_mirrored(const struct decide_case *c, struct decision *d, enum arm arm)
{
    find_canary(d);
    d->arm = d->canary ? arm : ARM_ONLY;
    take_pool(c, d);
}
