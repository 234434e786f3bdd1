/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/control/observe.h"

#include "proxy/control/rollout_cells.h"

#include "proxy/control/api_view.h"
#include "proxy/http/target.h"
#include "proxy/observe/log.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <unistd.h>

#define TEXT "text/plain; charset=utf-8"

static void
say(struct observe_answer *out, int status, const char *text)
{
    out->status = status;
    out->content_type = TEXT;
    buf_str(out->body, text);
    buf_byte(out->body, '\n');
}

static bool
is_address(span host)
{
    uint8_t bytes[sizeof(struct in6_addr)];
    char text[INET6_ADDRSTRLEN];
    bool is_v6 = host.len > 2 && host.at[0] == '[';

    if (is_v6)
        host = span_take(span_skip(host, 1), host.len - 2);
    if (host.len == 0 || host.len >= sizeof(text))
        return false;
    memcpy(text, host.at, host.len);
    text[host.len] = '\0';
    return inet_pton(is_v6 ? AF_INET6 : AF_INET, text, bytes) == 1;
}

/*
 * A page of somebody else's can have its name lead here, but no address and
 * neither of our names: what a load balancer or Prometheus asks for. `host` is in
 * lower case and an IPv6 address in brackets, as the head has it.
 */
static bool
is_own_name(const struct control *c, span host)
{
    span own = c->gen->observe.host;
    char machine[256];

    if (is_address(host) || span_is(host, "localhost") ||
        (own.len > 0 && span_eq_nocase(host, own)))
        return true;
    return gethostname(machine, sizeof(machine)) == 0 && machine[0] &&
           span_eq_nocase(host, span_str(machine));
}

/* Gauges that are read off the state, not counted along the way. */
static void
set_gauges(struct control *c)
{
    struct metrics *m = c->metrics;
    uint64_t n = 0;

    for (size_t i = 0; i < c->crew.n; i++)
        n += c->crew.at[i].generation == c->gen->number;
    metrics_set(m, metrics_plain(m, METRIC_WORKERS), n);
    metrics_set(m, metrics_plain(m, METRIC_GENERATION), c->gen->number);
    metrics_set(m, metrics_plain(m, METRIC_WORKER_DEATHS), c->deaths);
    for (size_t i = 0; i < c->slots.n; i++) {
        span slot = c->slots.at[i].canary->slot_name;
        metrics_set(m, metrics_cell(m, METRIC_WEIGHT, &slot, 1),
                    weights_effective(c->slots.weights, c->slots.latches,
                                      c->slots.at[i].at));
    }
    for (size_t i = 0; i < c->rollouts.n; i++) {
        const struct rollout *r = &c->rollouts.at[i];
        metrics_set(m, metrics_cell(m, METRIC_HALTED_CELLS, &r->gen->name, 1),
                    rollout_cells_halted_n(r));
    }
}

static void
get_metrics(struct control *c, uint64_t now_ms, struct observe_answer *out)
{
    struct metrics_sum *sum = metrics_sum_new();

    (void)now_ms;
    if (!sum) {
        say(out, 500, "no memory");
        return;
    }
    set_gauges(c);
    for (size_t i = 0; i < c->crew.n; i++)
        metrics_sum_add(sum, c->crew.at[i].stats);
    metrics_sum_add(sum, c->totals);
    metrics_sum_print(sum, OBSERVE_SERIES_MAX, out->body);
    metrics_sum_free(&sum);
    out->status = 200;
    out->content_type = "text/plain; version=0.0.4; charset=utf-8";
}

static void
get_healthz(struct control *c, uint64_t now_ms, struct observe_answer *out)
{
    (void)c;
    (void)now_ms;
    say(out, 200, "ok");
}

static void
get_readyz(struct control *c, uint64_t now_ms, struct observe_answer *out)
{
    char room[128];
    const char *why = view_not_ready(c, now_ms, room, sizeof(room));

    say(out, why ? 503 : 200, why ? why : "ready");
}

static const struct page {
    const char *path;
    void (*fn)(struct control *c, uint64_t now_ms, struct observe_answer *out);
} pages[] = {
    {"/metrics", get_metrics},
    {"/healthz", get_healthz},
    {"/readyz", get_readyz},
};

static const struct page *
find(span path)
{
    for (size_t i = 0; i < COUNT(pages); i++)
        if (span_is(path, pages[i].path))
            return &pages[i];
    return NULL;
}

void
observe_answer(struct control *c, const struct http_head *head, uint64_t now_ms,
               struct observe_answer *out)
{
    const struct page *page = find(head->path);

    out->allow = NULL;
    if (!is_own_name(c, head->host)) {
        say(out, 421, "this listener does not answer to that Host");
    } else if (!page) {
        say(out, 404, "here are /metrics, /healthz and /readyz");
    } else if (head->method != METHOD_GET && head->method != METHOD_HEAD) {
        out->allow = "GET, HEAD";
        say(out, 405, "this listener is read-only");
    } else {
        page->fn(c, now_ms, out);
    }
}
