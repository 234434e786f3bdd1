/* SPDX-License-Identifier: Apache-2.0 */
/*
 * metrics: counters, gauges and histograms, each worker in its own stats segment.
 *
 * One table says what there is. A series (a metric with its labels' values) is
 * a cell, interned once a worker; adding is a load and a store on one's own
 * memory. Each metric has a budget of series; beyond it all go to the series
 * whose labels say "other". Labels are names from the configuration or words of
 * ours; what a client chose goes through the budget, and never a subject.
 */
#pragma once

#include "proxy/base/arena.h"
#include "proxy/base/buf.h"
#include "proxy/observe/segments.h"

enum metric_type { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };

/* X(ID, TYPE, series at most, name, labels, help) */
#define METRICS(X)                                                             \
    X(REQUESTS, COUNTER, 512, "stile_requests_total",                          \
      "route,pool,client,class",                                               \
      "Requests answered, by client version and status class (2xx ... 5xx)")   \
    X(REQUEST_TIME, HISTOGRAM, 64, "stile_request_seconds", "route,pool",      \
      "From a request's first byte to its answer's last")                      \
    X(REQUESTS_ACTIVE, GAUGE, 1, "stile_requests_active", "",                  \
      "Requests being worked on")                                              \
    X(RECEIVED_BYTES, COUNTER, 64, "stile_received_bytes_total", "route",      \
      "Body bytes from clients")                                               \
    X(SENT_BYTES, COUNTER, 64, "stile_sent_bytes_total", "route",              \
      "Body bytes to clients")                                                 \
    X(SPLIT, COUNTER, 128, "stile_split_total", "route,arm",                   \
      "Where the split sent requests: baseline, canary, no_subject, "          \
      "fallback, halted")                                                      \
    X(CLIENTS, COUNTER, 128, "stile_clients_total", "api,client,platform",     \
      "Requests by client version and platform")                               \
    X(DETECT, COUNTER, 128, "stile_detect_total", "api,source",                \
      "What told the client's version; missing, unknown, gone")                \
    X(TRANSLATIONS, COUNTER, 128, "stile_translations_total",                  \
      "api,from,to,kind", "Messages translated (kind: request, answer)")       \
    X(TRANSLATE_FAILURES, COUNTER, 128, "stile_translate_failures_total",      \
      "change,kind", "Messages that could not be translated, by change")       \
    X(UNTRANSLATED, COUNTER, 128, "stile_untranslated_total",                  \
      "api,from,to,kind",                                                      \
      "Messages that could not be translated, by client and pool version")     \
    X(TRANSLATE_TIME, HISTOGRAM, 32, "stile_translate_seconds", "api,kind",    \
      "Time spent translating one message (a WebSocket: all of one way)")      \
    X(NOTICES, COUNTER, 128, "stile_notices_total", "change,kind",             \
      "Declared losses that happened: lossy, hidden, defaulted, respelt")      \
    X(SHADOW, COUNTER, 128, "stile_shadow_total", "route,outcome",             \
      "Mirrored requests: same, different, skipped (not compared), busy")      \
    X(UNTYPED, COUNTER, 64, "stile_untyped_total", "route",                    \
      "Bodies on a typed route that are of no type and passed")                \
    X(LIMITS, COUNTER, 96, "stile_limits_total", "limit",                      \
      "Times a limit was reached, by its name")                                \
    X(REFUSED, COUNTER, 64, "stile_refused_total", "reason",                   \
      "Requests refused before they reached a pool")                           \
    X(CONNECTIONS, GAUGE, 8, "stile_connections", "protocol",                  \
      "Client connections open")                                               \
    X(ACCEPTED, COUNTER, 32, "stile_connections_accepted_total", "listener",   \
      "Client connections accepted")                                           \
    X(HANDSHAKES, COUNTER, 16, "stile_tls_handshakes_total", "outcome",        \
      "TLS handshakes: full, resumed, failed")                                 \
    X(UPSTREAM_CONNECTIONS, GAUGE, 64, "stile_upstream_connections", "pool",   \
      "Connections to endpoints open")                                         \
    X(UPSTREAM_CONNECTS, COUNTER, 64, "stile_upstream_connects_total", "pool", \
      "Connections to endpoints made")                                         \
    X(UPSTREAM_ERRORS, COUNTER, 128, "stile_upstream_errors_total",            \
      "pool,kind", "Failed tries: refused, timeout, reset, protocol, short")   \
    X(UPSTREAM_RETRIES, COUNTER, 64, "stile_upstream_retries_total", "pool",   \
      "Requests sent a second time")                                           \
    X(UPSTREAM_TIME, HISTOGRAM, 64, "stile_upstream_seconds", "pool",          \
      "From a request sent to its answer's head")                              \
    X(EJECTED, GAUGE, 64, "stile_upstream_ejected", "pool",                    \
      "Endpoints a worker has ejected")                                        \
    X(UPSTREAM_REQUESTS, GAUGE, 256, "stile_upstream_requests",                \
      "pool,endpoint", "Requests under way at an endpoint")                    \
    X(DRAINING, GAUGE, 1, "stile_workers_draining", "", "Workers that drain")  \
    X(LOG_DROPPED, COUNTER, 4, "stile_log_dropped_total", "log",               \
      "Lines dropped: log, access, report, exposure")                          \
    X(ENDPOINT_UP, GAUGE, 256, "stile_endpoint_up", "pool,endpoint",           \
      "1 if the last active check passed")                                     \
    X(CHECKS, COUNTER, 128, "stile_checks_total", "pool,outcome",              \
      "Active health checks")                                                  \
    X(WEIGHT, GAUGE, 128, "stile_weight_ppm", "slot",                          \
      "The weight that holds, latches included")                               \
    X(HALTED_CELLS, GAUGE, 128, "stile_rollout_halted_cells", "rollout",       \
      "Cells of a rollout that are halted while the rest goes on")             \
    X(WORKERS, GAUGE, 2, "stile_workers", "",                                  \
      "Workers of the newest generation")                                      \
    X(GENERATION, GAUGE, 2, "stile_generation", "", "The newest generation")   \
    X(WORKER_DEATHS, COUNTER, 2, "stile_worker_deaths_total", "",              \
      "Workers that died and were replaced")                                   \
    X(RELOADS, COUNTER, 4, "stile_reloads_total", "outcome",                   \
      "Reloads: ok, refused")                                                  \
    X(REPORTS, COUNTER, 8, "stile_reports_total", "kind",                      \
      "Decision records that reached control")                                 \
    X(ADMIN, COUNTER, 64, "stile_admin_requests_total", "call,class",          \
      "Requests to the admin API")

enum metric {
#define X(id, type, max, name, labels, help) METRIC_##id,
    METRICS(X)
#undef X
        METRIC_COUNT
};

/*
 * By its name, whole or without "stile_" and its unit ("translate_failures"). False: there is none. metrics_table.c
 */
MUST_CHECK bool metric_find(span name, enum metric *out);

/* Does it only ever grow? A gauge does not. */
bool metric_grows(enum metric id);

/*
 * Every histogram has these upper bounds, in microseconds, and one bucket more
 * for the rest. A change is a new layout of the stats segment.
 */
#define METRIC_BOUNDS_US                                                       \
    {                                                                          \
        10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000, 25000, 50000,      \
            100000, 250000, 500000, 1000000, 2500000, 5000000, 10000000,       \
            30000000, 60000000                                                 \
    }
#define METRIC_BOUNDS          21u
#define METRIC_HISTOGRAM_WORDS (METRIC_BOUNDS + 2u) /* buckets, rest, sum */

#define METRIC_LABEL_MAX 64 /* bytes of a label's value; the rest is cut */

struct metrics; /* one a process; lives in the arena it was opened in */

/*
 * Go on in `s`, which may hold the cells of a worker that died: its counters
 * stay, its gauges begin at 0. A damaged segment is emptied. ERR_LIMIT: `a` full.
 */
MUST_CHECK enum err_code metrics_open(struct arena *a, struct stats *s,
                                      struct metrics **out, struct err *e);

/*
 * The cell of a series, made at its first use; never fails ("other"). `labels`
 * are in the table's order. Keep it where the labels are fixed (a route, a pool).
 */
uint32_t metrics_cell(struct metrics *m, enum metric id, const span *labels,
                      size_t n);

/* metrics_count(m, METRIC_LIMITS, 1, SPAN("head_bytes")); at least one label. */
#define metrics_count(m, id, by, ...)                                          \
    metrics_add(                                                               \
        m,                                                                     \
        metrics_cell(m, id, (const span[]){__VA_ARGS__},                       \
                     sizeof((const span[]){__VA_ARGS__}) / sizeof(span)),      \
        by)

/*
 * The same for labels whose bytes stay where they are for as long as `m` (names
 * of the configuration, words of ours): found again by where they are, which
 * costs a tenth.
 */
uint32_t metrics_cell_fixed(struct metrics *m, enum metric id,
                            const span *labels, size_t n);

#define metrics_count_fixed(m, id, by, ...)                                    \
    metrics_add(m,                                                             \
                metrics_cell_fixed(m, id, (const span[]){__VA_ARGS__},         \
                                   sizeof((const span[]){__VA_ARGS__}) /       \
                                       sizeof(span)),                          \
                by)

/* The cell of a metric without labels. */
uint32_t metrics_plain(struct metrics *m, enum metric id);

/* Counters go up; gauges go both ways (`by` negative) or are set. */
void metrics_add(struct metrics *m, uint32_t cell, int64_t by);
void metrics_set(struct metrics *m, uint32_t cell, uint64_t value);
void metrics_observe_us(struct metrics *m, uint32_t cell, uint64_t us);

/* ------------------------------------------------------------- adding up
 * Control: the sum of many segments by name, printed for Prometheus. Segments
 * may come from another build and from a hostile worker: all is checked. */
struct metrics_sum;

MUST_CHECK struct metrics_sum *metrics_sum_new(void);
void metrics_sum_free(struct metrics_sum **s);
void metrics_sum_add(struct metrics_sum *s, const struct stats *from);

/* The sum of one series so far, by its full name (tests, `stile status`). */
uint64_t metrics_sum_get(const struct metrics_sum *s, span full_name);

/* Is there such a series? One that found no room is counted with others. */
bool metrics_sum_has(const struct metrics_sum *s, span full_name);

/* The sum over all its series; of a histogram how often something was measured. */
uint64_t metrics_sum_total(const struct metrics_sum *s, enum metric id);

/*
 * Prometheus text, version 0.0.4, in the order of the table. At most
 * `series_max` series are printed; stile_series_left_out says how many were not.
 */
void metrics_sum_print(const struct metrics_sum *s, size_t series_max,
                       struct buf *out);

/*
 * A finished worker's counters and histograms are added to control's own, so
 * that sums never go back when its segment goes away. Gauges are left out.
 */
void metrics_fold(struct metrics *totals, const struct stats *from);
