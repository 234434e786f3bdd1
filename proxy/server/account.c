/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/server/account.h"

#include "proxy/observe/record.h"
#include "proxy/server/client.h"
#include "proxy/server/expose.h"
#include "proxy/server/judge.h"
#include "proxy/server/messages.h"
#include "proxy/server/upstream.h"
#include "proxy/server/worker.h"
#include "translators/lens/lens.h"

#include <sys/socket.h>
#include <time.h>

#define NO_CELL UINT32_MAX
#define CLASSES 5 /* 1xx (the client left) ... 5xx */
#define SOURCES 16

/*
 * By pool (the baseline's first, then those of the canary and the rollouts), by
 * client version + 1, by class.
 */
struct route_cells {
    uint32_t *requests;
    size_t n_clients;
    uint32_t *time; /* by pool */
    uint32_t received, sent;
    uint32_t arms[8];
    uint32_t detect[SOURCES];
};

static size_t
pools_of(const struct gen_route *r)
{
    return r->canary ? 2 : 1 + r->n_rollouts;
}

/* The i-th pool's canary, from 1. */
static const struct gen_canary *
canary_at(const struct gen_route *r, size_t i)
{
    return r->canary ? r->canary : &r->rollouts[i - 1]->canary;
}

/* Which of the route's pools the request went to. */
static size_t
pool_index(const struct decision *d)
{
    size_t i = 1, n = pools_of(d->route);

    if (d->arm != ARM_CANARY)
        return 0;
    while (i + 1 < n && canary_at(d->route, i) != d->canary)
        i++;
    return i;
}

static bool
init_route(struct worker *w, const struct gen_route *r, struct route_cells *c)
{
    struct metrics *m = w->metrics;

    size_t n_pools = pools_of(r), n = n_pools * CLASSES;

    c->n_clients = r->api ? r->api->lens->n_versions + 1 : 1;
    n *= c->n_clients;
    c->requests = arena_array(w->arena, n, sizeof(*c->requests));
    c->time = arena_array(w->arena, n_pools, sizeof(*c->time));
    if (!c->requests || !c->time)
        return false;
    memset(c->requests, 0xff, n * sizeof(uint32_t));
    memset(c->arms, 0xff, sizeof(c->arms));
    memset(c->detect, 0xff, sizeof(c->detect));
    for (size_t i = 0; i < n_pools; i++)
        c->time[i] =
            metrics_cell(m, METRIC_REQUEST_TIME,
                         (const span[]){r->name, i ? canary_at(r, i)->pool->name
                                                   : r->pool->name},
                         2);
    c->received = metrics_cell(m, METRIC_RECEIVED_BYTES, &r->name, 1);
    c->sent = metrics_cell(m, METRIC_SENT_BYTES, &r->name, 1);
    return true;
}

struct route_cells *
account_new(struct worker *w)
{
    struct route_cells *cells =
        arena_array(w->arena, w->gen->n_routes, sizeof(*cells));

    for (size_t i = 0; cells && i < w->gen->n_routes; i++)
        if (!init_route(w, &w->gen->routes[i], &cells[i]))
            return NULL;
    return cells;
}

/* ── words ───────────────────────────────────────────────────────────────── */

static unsigned
status_of(const struct exchange *x)
{
    return x->has_head ? (unsigned)x->answer->status : 0;
}

static span
client_label(const struct exchange *x)
{
    const struct decision *d = &x->decision;

    return d->api && d->client >= 0 ? detect_label(d->api->detect, d->client)
                                    : (span){0};
}

static span
pool_label(const struct exchange *x)
{
    const struct gen_pool *pool = x->decision.pool;

    return pool && pool->api && pool->version >= 0
               ? detect_label(pool->api->detect, pool->version)
               : (span){0};
}

static const char *
source_word(const struct decision *d)
{
    switch (d->detect.outcome) {
    case DETECT_SPOKEN:
        return detect_kind_name(d->detect.kind);
    case DETECT_ASSUMED:
        return "default";
    case DETECT_MISSING:
        return "missing";
    case DETECT_UNKNOWN:
        return "unknown";
    case DETECT_CONFLICT:
        return "conflict";
    case DETECT_NEEDS_BODY:
        return "body";
    case DETECT_PREFLIGHT:
        return "preflight";
    }
    return "";
}

static size_t
source_index(const struct decision *d)
{
    return d->detect.outcome == DETECT_SPOKEN ? (size_t)d->detect.kind
                                              : 8 + (size_t)d->detect.outcome;
}

static_assert(DETECT_BODY == 7 && DETECT_PREFLIGHT == 6, "source_index");

static uint64_t
notices_n(const struct translate *tr)
{
    size_t n = 0, sum = 0;
    const struct translation_notice *all =
        tr && tr->t ? translation_notices(tr->t, &n) : NULL;

    for (size_t i = 0; i < n; i++)
        sum += all[i].n;
    return sum;
}

static uint64_t
all_notices_n(const struct exchange *x)
{
    return notices_n(&x->up_way) + notices_n(&x->down_way) +
           notices_n(messages_way(x, true)) + notices_n(messages_way(x, false));
}

static bool
is_translated(const struct exchange *x)
{
    return x->up_way.t || x->down_way.t || messages_way(x, true) ||
           messages_way(x, false);
}

static uint64_t
translation_us(const struct exchange *x)
{
    const struct translate *up = messages_way(x, true);
    const struct translate *down = messages_way(x, false);

    return x->up_way.us + x->down_way.us + (up ? up->us : 0) +
           (down ? down->us : 0);
}

/* ── metrics ─────────────────────────────────────────────────────────────── */

static void
count_request(struct exchange *x, struct route_cells *c, uint64_t us)
{
    const struct decision *d = &x->decision;
    struct metrics *m = x->worker->metrics;
    static const char *const classes[CLASSES] = {"1xx", "2xx", "3xx", "4xx",
                                                 "5xx"};
    size_t class = status_of(x) / 100, arm = pool_index(d);

    class = class > 0 && class <= CLASSES ? class - 1 : 0;
    size_t i = (arm * c->n_clients + (size_t)(d->client + 1)) * CLASSES + class;
    if (c->requests[i] == NO_CELL)
        c->requests[i] = metrics_cell(
            m, METRIC_REQUESTS,
            (const span[]){d->route->name, d->pool ? d->pool->name : (span){0},
                           client_label(x), span_str(classes[class])},
            4);
    metrics_add(m, c->requests[i], 1);
    metrics_observe_us(m, c->time[arm], us);
    if (x->request_bytes)
        metrics_add(m, c->received, (int64_t)x->request_bytes);
    metrics_add(m, c->sent, (int64_t)x->answer_bytes);
}

static void
count_decision(struct exchange *x, struct route_cells *c)
{
    const struct decision *d = &x->decision;
    struct metrics *m = x->worker->metrics;

    if (d->canary && d->pool) {
        if (c->arms[d->arm] == NO_CELL)
            c->arms[d->arm] = metrics_cell(
                m, METRIC_SPLIT,
                (const span[]){d->route->name, span_str(arm_word(d->arm))}, 2);
        metrics_add(m, c->arms[d->arm], 1);
    }
    if (!d->api)
        return;
    size_t source = source_index(d);
    if (c->detect[source] == NO_CELL)
        c->detect[source] = metrics_cell(
            m, METRIC_DETECT,
            (const span[]){d->api->name, span_str(source_word(d))}, 2);
    metrics_add(m, c->detect[source], 1);
    /* A platform is in the request's own words. */
    if (d->client >= 0 && d->platform.len)
        metrics_count(m, METRIC_CLIENTS, 1, d->api->name, client_label(x),
                      d->platform);
    else if (d->client >= 0)
        metrics_count_fixed(m, METRIC_CLIENTS, 1, d->api->name, client_label(x),
                            (span){0});
}

static void
count_translation(struct exchange *x, const struct translate *tr, span kind)
{
    struct metrics *m = x->worker->metrics;
    size_t n = 0;
    const struct translation_notice *all;

    if (!tr || !tr->t)
        return;
    const span labels[] = {x->decision.api->name, kind};
    metrics_observe_us(
        m, metrics_cell_fixed(m, METRIC_TRANSLATE_TIME, labels, COUNT(labels)),
        tr->us);
    all = translation_notices(tr->t, &n);
    for (size_t i = 0; i < n; i++)
        metrics_count_fixed(m, METRIC_NOTICES, (int64_t)all[i].n, all[i].change,
                            span_str(notice_word(all[i].kind)));
}

/* ── the log line ────────────────────────────────────────────────────────── */

static void
log_time(struct access *a, uint64_t ms)
{
    time_t s = (time_t)(ms / 1000);
    struct tm t;
    char text[40];

    gmtime_r(&s, &t);
    size_t n = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &t);
    snprintf(text + n, sizeof(text) - n, ".%03uZ", (unsigned)(ms % 1000));
    access_text(a, "time", span_str(text));
}

static void
log_line(struct exchange *x, uint64_t us)
{
    struct access *a = &x->worker->access;
    const struct decision *d = &x->decision;

    if (!access_is_on(a))
        return;
    access_begin(a);
    log_time(a, loop_wall_ms());
    access_text(a, "id", x->id);
    if (x->trace.len)
        access_text(a, "trace", x->trace);
    access_text(a, "client", x->asker.text);
    access_text(a, "protocol", span_str(x->client->speaks));
    access_text(a, "method", x->request ? x->request->method_token : (span){0});
    access_text(a, "host", x->request ? x->request->host : (span){0});
    access_text(a, "path", x->path);
    if (d->route)
        access_text(a, "route", d->route->name);
    if (d->api) {
        access_text(a, "version_from", client_label(x));
        access_text(a, "version_source", span_str(source_word(d)));
        access_text(a, "version_to", pool_label(x));
    }
    if (d->platform.len)
        access_text(a, "platform", d->platform);
    if (d->canary) {
        access_text(a, "arm", span_str(arm_word(d->arm)));
        if (d->subject.len)
            access_u64(a, "bucket", d->bucket);
        access_u64(a, "weight_ppm", d->weight_ppm);
    }
    if (d->pool) {
        access_text(a, "pool", d->pool->name);
        access_text(a, "endpoint", x->endpoint);
    }
    access_u64(a, "status", status_of(x));
    if (x->is_broken)
        access_bool(a, "broken", true);
    if (x->pool_status != status_of(x))
        access_u64(a, "pool_status", x->pool_status);
    access_u64(a, "bytes_in", x->request_bytes);
    access_u64(a, "bytes_out", x->answer_bytes);
    access_u64(a, "duration_us", us);
    if (is_translated(x)) {
        access_u64(a, "translation_us", translation_us(x));
        access_u64(a, "notices", all_notices_n(x));
    }
    if (x->was_retried)
        access_bool(a, "retried", true);
    if (x->problem)
        access_text(a, "problem", span_str(x->problem));
    access_end(a);
}

/* ── the record ──────────────────────────────────────────────────────────── */

/* The first change at a table or above: they stand by table. */
static size_t
first_change(const struct lens_api *api, size_t table)
{
    size_t low = 0, high = api->n_changes;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (api->changes[middle].table < table)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Names of the changes between two versions, in the order they were applied, as far as there is
 * room. */
static span
changes_of(struct exchange *x, char *room, size_t size)
{
    const struct decision *d = &x->decision;
    size_t n = 0;

    if (!d->translates)
        return (span){0};
    size_t a = (size_t)d->client, b = (size_t)d->pool->version;
    const struct lens_api *api = d->api->lens;
    size_t last = first_change(api, a < b ? b : a);

    for (size_t i = first_change(api, a < b ? a : b); i < last; i++) {
        const struct lens_change *c = &api->changes[i];

        if (n + c->name.len + 1 >= size)
            break;
        if (n)
            room[n++] = ',';
        memcpy(room + n, c->name.at, c->name.len);
        n += c->name.len;
    }
    return span_of(room, n);
}

void
account_flush(struct worker *w)
{
    span s = buf_span(&w->report);

    if (s.len == 0)
        return;
    if (send(w->env->report_fd, s.at, s.len, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
        metrics_count(w->metrics, METRIC_LOG_DROPPED, 1, SPAN("report"));
    buf_clear(&w->report);
}

static void
report(struct exchange *x, uint64_t us)
{
    struct worker *w = x->worker;
    const struct decision *d = &x->decision;
    const struct gen_rollout *rollout = d->canary ? d->canary->rollout : NULL;
    char changes[RECORD_TEXT_MAX], cell[160] = "";

    if (rollout)
        gen_rollout_cell_text(rollout, d->cell, cell, sizeof(cell));
    struct record r = {
        .time_ms = loop_wall_ms(),
        .generation = w->gen->number,
        .worker = w->env->index,
        .status = status_of(x),
        .pool_status = x->pool_status,
        .subject_known = d->subject.len != 0,
        .bucket = d->bucket,
        .weight_ppm = d->weight_ppm,
        .step = rollout ? plan_step_at(&rollout->plan, d->weight_ppm) : 0,
        .canary = d->arm == ARM_CANARY,
        .fallback = d->arm == ARM_FALLBACK,
        .cell_halted = d->arm == ARM_HALTED,
        .request_bytes = x->request_bytes,
        .answer_bytes = x->answer_bytes,
        .translate_us = translation_us(x),
        .pool_us = x->answered_us ? x->answered_us - x->asked_us : 0,
        .total_us = us,
        .notices = all_notices_n(x),
        .id = x->id,
        .method = x->request->method_token,
        .route = d->route ? d->route->name : (span){0},
        .platform = d->platform,
        .version_from = client_label(x),
        .version_source = span_str(d->api ? source_word(d) : ""),
        .version_to = pool_label(x),
        .rollout = rollout ? rollout->name : (span){0},
        .cell = span_str(cell),
        .pool = d->pool ? d->pool->name : (span){0},
        .endpoint = x->endpoint,
        .changes = changes_of(x, changes, sizeof(changes)),
        .notice = translate_notices(x),
        .problem = span_str(x->problem ? x->problem : ""),
    };

    if (record_put(&w->report, &r))
        return;
    account_flush(w);
    if (!record_put(&w->report, &r))
        metrics_count(w->metrics, METRIC_LOG_DROPPED, 1, SPAN("report"));
}

void
exchange_account(struct exchange *x)
{
    uint64_t us = loop_clock_us() - x->began_us;

    if (!x->request && !x->has_head)
        return; /* nothing came but bytes of no request */
    if (exchange_is_mirrored(x))
        return; /* it is nobody's; mirror.c counts it */
    log_line(x, us);
    if (!x->request)
        return;
    /* A flood of refusals would push out all that can be explained. */
    if (x->worker->env->report_fd >= 0 && !x->is_turned_away)
        report(x, us);
    if (!x->decision.route)
        return;
    struct route_cells *c = &x->worker->cells[x->decision.route->index];
    count_request(x, c, us);
    count_decision(x, c);
    expose_told(x);
    judge_answer(x, us);
    count_translation(x, &x->up_way, SPAN("request"));
    count_translation(x, &x->down_way, SPAN("answer"));
    count_translation(x, messages_way(x, true), SPAN("messages_up"));
    count_translation(x, messages_way(x, false), SPAN("messages_down"));
    if (x->answered_us && x->decision.pool)
        upstreams_observe(x->worker->upstreams, x->decision.pool,
                          x->answered_us - x->asked_us);
}
