/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/server/limit.h"

#include "proxy/observe/log.h"
#include "proxy/server/link.h"
#include "proxy/server/worker.h"

#include <sys/resource.h>

#define WINDOW_MAX (1u << 30)

/* For h2 towards pools: an origin is trusted to be busier than a client. */
static void
set_answer_limits(struct worker *w)
{
    const struct gen_limits *l = &w->gen->limits;
    struct h2_limits *h = &w->answer_h2_limits;
    uint64_t window = l->upstream_streams * LINK_WIDE_WINDOW;

    *h = w->h2_limits;
    h->streams_n = (uint32_t)l->upstream_streams;
    h->stream_window = LINK_FIRST_WINDOW;
    h->window = window < WINDOW_MAX ? (uint32_t)window : WINDOW_MAX;
    h->header_bytes = (uint32_t)l->answer_head_bytes;
    h->fields_n = (uint32_t)w->answer_limits.fields_n;
    h->line_bytes = (uint32_t)w->answer_limits.line_bytes;
    h->interim_n = (uint32_t)l->interim_answers;
    h->glitches_burst *= 10;
    h->glitches_per_s *= 10;
}

void
limits_init(struct worker *w)
{
    const struct gen_limits *l = &w->gen->limits;
    struct rlimit files = {0};

    w->request_limits = h1_limits_request;
    w->request_limits.start_line_bytes = l->request_line;
    w->request_limits.line_bytes = l->field_line;
    w->request_limits.head_bytes = l->head_bytes;
    w->request_limits.fields_n = l->head_fields;
    w->request_limits.connection_names = l->connection_names;
    w->request_limits.chunk_line_bytes = l->chunk_line;
    w->request_limits.chunk_ext_bytes = l->chunk_extensions;
    w->request_limits.chunk_digits = (uint32_t)l->chunk_size_digits;
    w->request_limits.trailer_bytes = l->trailer_bytes;
    w->request_limits.trailer_fields_n = l->trailer_fields;
    w->answer_limits = h1_limits_answer;
    w->answer_limits.head_bytes = l->answer_head_bytes;
    w->answer_limits.connection_names = l->connection_names;
    w->answer_limits.chunk_line_bytes = l->chunk_line;
    w->answer_limits.chunk_ext_bytes = l->chunk_extensions;
    w->answer_limits.chunk_digits = (uint32_t)l->chunk_size_digits;
    w->answer_limits.trailer_bytes = l->trailer_bytes;
    w->answer_limits.trailer_fields_n = l->trailer_fields;
    w->answer_limits.interim_n = l->interim_answers;
    w->pace_rules = (struct pace_rules){.still_ms = l->send_ms,
                                        .rate = l->send_rate,
                                        .window_ms = l->send_window_ms};
    w->h2_limits = h2_limits_default;
    w->h2_limits.streams_n = (uint32_t)l->h2_streams;
    w->h2_limits.stream_window = (uint32_t)l->h2_stream_window;
    w->h2_limits.window = (uint32_t)l->h2_window;
    w->h2_limits.header_table = (uint32_t)l->h2_header_table;
    w->h2_limits.fields_n = (uint32_t)l->head_fields;
    w->h2_limits.line_bytes = (uint32_t)l->field_line;
    w->h2_limits.target_bytes = (uint32_t)l->request_line;
    w->h2_limits.header_bytes = (uint32_t)l->head_bytes;
    w->h2_limits.trailer_bytes = (uint32_t)l->trailer_bytes;
    w->h2_limits.trailer_fields_n = (uint32_t)l->trailer_fields;
    w->h2_limits.resets_burst = (uint32_t)l->h2_resets_burst;
    w->h2_limits.resets_per_s = (uint32_t)l->h2_resets_a_second;
    w->h2_limits.glitches_burst = (uint32_t)l->h2_glitches_burst;
    w->h2_limits.glitches_per_s = (uint32_t)l->h2_glitches_a_second;
    w->h2_limits.continuations_n = (uint32_t)l->h2_continuations;
    w->h2_limits.acks_n = (uint32_t)l->h2_acks;
    for (size_t i = 0; i < w->gen->n_routes; i++)
        w->h2_limits.takes_connect |= w->gen->routes[i].websocket;
    set_answer_limits(w);
    pressure_init(w);
    lateness_init(&w->lateness, l->late_ms);
    w->conns_max = (size_t)l->connections;
    if (w->conns_max == 0 && getrlimit(RLIMIT_NOFILE, &files) == 0)
        w->conns_max = (size_t)files.rlim_cur / 10 * 9;
}

/* ── when one is reached ─────────────────────────────────────────────────── */

void
limits_show(struct worker *w)
{
    static const span names[] = {
#define X(name, preset, most, counted, doc)                                    \
    {(counted) ? #name : NULL, sizeof(#name) - 1},
        GEN_LIMITS(X)
#undef X
        /* of a route and of a pool */
        SPAN("connect_ms"),
        SPAN("answer_head_ms"),
        SPAN("idle_ms"),
        SPAN("total_ms"),
        SPAN("rate"),
        SPAN("pool_requests"),
    };

    for (size_t i = 0; i < COUNT(names); i++)
        if (names[i].at)
            metrics_count(w->metrics, METRIC_LIMITS, 0, names[i]);
}

static void
count(struct worker *w, span name, size_t n)
{
    metrics_count_fixed(w->metrics, METRIC_LIMITS, (int64_t)n, name);
}

void
limit_came(struct worker *w, span name)
{
    count(w, name, 1);
    log_debug_limited(loop_now_ms(w->loop), "limit_reached", name, "limit=%.*s",
                      SPAN_FMT(name));
}

void
limit_reached(struct worker *w, span name)
{
    limit_reached_times(w, name, 1);
}

void
limit_reached_times(struct worker *w, span name, size_t n)
{
    count(w, name, n);
    log_warn_limited(loop_now_ms(w->loop), "limit_reached", name, "limit=%.*s",
                     SPAN_FMT(name));
}
