/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/observe/metrics.h"
#include "tests/test.h"

#include <stdio.h>
#include <unistd.h>

struct bench {
    struct arena *a;
    int fd;
    struct stats *stats;
    struct metrics *m;
};

static void
open_again(struct bench *b)
{
    struct err e = {0};

    arena_free(&b->a);
    b->a = arena_new(1 << 20);
    if (metrics_open(b->a, b->stats, &b->m, &e))
        fail_msg("%s", e.text);
}

static struct bench
begin(void)
{
    struct bench b = {0};
    struct err e = {0};
    void *at = NULL;

    assert_int_equal(segment_create(SEGMENT_STATS, &b.fd, &e), OK);
    assert_int_equal(segment_map(SEGMENT_STATS, b.fd, &at, &e), OK);
    b.stats = at;
    open_again(&b);
    return b;
}

static void
end(struct bench *b)
{
    arena_free(&b->a);
    segment_unmap(SEGMENT_STATS, b->stats);
    close(b->fd);
}

static uint64_t
value(const struct bench *b, const char *name)
{
    struct metrics_sum *s = metrics_sum_new();

    assert_non_null(s);
    metrics_sum_add(s, b->stats);
    uint64_t v = metrics_sum_get(s, span_str(name));
    metrics_sum_free(&s);
    return v;
}

TEST(a_metric_is_found_by_its_name_with_and_without_what_all_have)
{
    struct bench b = begin();
    enum metric id;

    assert_true(metric_find(SPAN("translate_failures"), &id));
    assert_int_equal(id, METRIC_TRANSLATE_FAILURES);
    assert_true(metric_find(SPAN("stile_translate_failures_total"), &id));
    assert_int_equal(id, METRIC_TRANSLATE_FAILURES);
    assert_false(metric_find(SPAN("contract_violations"), &id));
    assert_false(metric_find(SPAN(""), &id));
    metrics_count(b.m, METRIC_LIMITS, 2, SPAN("a"));
    metrics_count(b.m, METRIC_LIMITS, 3, SPAN("b"));
    struct metrics_sum *s = metrics_sum_new();
    assert_non_null(s);
    metrics_sum_add(s, b.stats);
    assert_int_equal(metrics_sum_total(s, METRIC_LIMITS), 5);
    assert_int_equal(metrics_sum_total(s, METRIC_REFUSED), 0);
    metrics_sum_free(&s);
    end(&b);
}

TEST(a_series_is_one_cell_however_often_it_is_named)
{
    struct bench b = begin();

    metrics_count(b.m, METRIC_LIMITS, 1, SPAN("head_bytes"));
    metrics_count(b.m, METRIC_LIMITS, 2, SPAN("head_bytes"));
    metrics_count(b.m, METRIC_LIMITS, 5, SPAN("json_depth"));
    assert_int_equal(value(&b, "stile_limits_total{limit=\"head_bytes\"}"), 3);
    assert_int_equal(value(&b, "stile_limits_total{limit=\"json_depth\"}"), 5);
    end(&b);
}

TEST(a_series_is_the_same_where_its_labels_are_found_by_their_place)
{
    struct bench b = begin();
    static const char names[] = "abcdefghijklmnopqrstuvwxyz";
    size_t series = 0;

    /* More places than are remembered, and each with several lengths. */
    for (size_t round = 0; round < 3; round++)
        for (size_t at = 0; at < 26; at++)
            for (size_t len = 1; len <= 26 - at; len++)
                metrics_count_fixed(b.m, METRIC_LIMITS, 1,
                                    span_of(names + at, len));
    metrics_count(b.m, METRIC_LIMITS, 1, SPAN("a"));
    metrics_count(b.m, METRIC_LIMITS, 1, SPAN("ab"));
    assert_int_equal(value(&b, "stile_limits_total{limit=\"a\"}"), 4);
    assert_int_equal(value(&b, "stile_limits_total{limit=\"ab\"}"), 4);
    assert_int_equal(value(&b, "stile_limits_total{limit=\"abc\"}"), 3);
    series = value(&b, "stile_limits_total{limit=\"other\"}");
    assert_true(series > 0 && series % 3 == 0);
    end(&b);
}

TEST(two_ways_to_cut_the_same_bytes_into_labels_are_two_series)
{
    struct bench b = begin();

    metrics_count(b.m, METRIC_SPLIT, 1, SPAN("ab"), SPAN("c"));
    metrics_count(b.m, METRIC_SPLIT, 1, SPAN("a"), SPAN("bc"));
    assert_int_equal(value(&b, "stile_split_total{route=\"ab\",arm=\"c\"}"), 1);
    assert_int_equal(value(&b, "stile_split_total{route=\"a\",arm=\"bc\"}"), 1);
    end(&b);
}

TEST(gauges_go_both_ways_and_are_set)
{
    struct bench b = begin();
    uint32_t cell = metrics_plain(b.m, METRIC_REQUESTS_ACTIVE);

    metrics_add(b.m, cell, 3);
    metrics_add(b.m, cell, -1);
    assert_int_equal(value(&b, "stile_requests_active"), 2);
    metrics_set(b.m, cell, 9);
    assert_int_equal(value(&b, "stile_requests_active"), 9);
    end(&b);
}

TEST(beyond_its_budget_a_metric_counts_as_other)
{
    struct bench b = begin();
    char name[16];

    for (unsigned i = 0; i < 10000; i++) {
        snprintf(name, sizeof(name), "made-up-%u", i);
        metrics_count(b.m, METRIC_DETECT, 1, SPAN("shop"), span_str(name));
    }
    /* 128 in all, one of them "other" itself. */
    assert_int_equal(
        value(&b, "stile_detect_total{api=\"other\",source=\"other\"}"),
        10000 - 127);
    metrics_count(b.m, METRIC_LIMITS, 1, SPAN("fine"));
    assert_int_equal(value(&b, "stile_limits_total{limit=\"fine\"}"), 1);
    end(&b);
}

TEST(a_full_segment_still_counts_and_never_writes_beyond_itself)
{
    struct bench b = begin();
    char name[16];

    for (int id = 0; id < METRIC_COUNT; id++) {
        for (unsigned i = 0; i < 600; i++) {
            snprintf(name, sizeof(name), "x%u", i);
            span labels[4] = {span_str(name), span_str(name), span_str(name),
                              span_str(name)};
            static const struct {
                int id;
                size_t n;
            } some[] = {
                {METRIC_REQUESTS, 4},      {METRIC_ENDPOINT_UP, 2},
                {METRIC_SPLIT, 2},         {METRIC_CLIENTS, 3},
                {METRIC_DETECT, 2},        {METRIC_TRANSLATIONS, 4},
                {METRIC_NOTICES, 2},       {METRIC_TRANSLATE_FAILURES, 2},
                {METRIC_WEIGHT, 1},        {METRIC_REQUEST_TIME, 2},
                {METRIC_UPSTREAM_TIME, 1}, {METRIC_CHECKS, 2}};
            for (size_t k = 0; k < COUNT(some); k++)
                if (some[k].id == id)
                    metrics_add(
                        b.m,
                        metrics_cell(b.m, (enum metric)id, labels, some[k].n),
                        1);
        }
    }
    assert_true(b.stats->n_cells <= STATS_CELLS);
    open_again(&b); /* and the next worker reads it all back */
    assert_int_equal(
        value(&b, "stile_checks_total{pool=\"other\",outcome=\"other\"}") + 127,
        600);
    end(&b);
}

TEST(a_replaced_worker_keeps_counters_and_forgets_gauges)
{
    struct bench b = begin();

    metrics_count(b.m, METRIC_LIMITS, 4, SPAN("head_bytes"));
    metrics_set(b.m, metrics_plain(b.m, METRIC_REQUESTS_ACTIVE), 7);
    open_again(&b);
    metrics_count(b.m, METRIC_LIMITS, 1, SPAN("head_bytes"));
    assert_int_equal(value(&b, "stile_limits_total{limit=\"head_bytes\"}"), 5);
    assert_int_equal(value(&b, "stile_requests_active"), 0);
    end(&b);
}

TEST(labels_cannot_break_out_of_their_quotes_or_their_line)
{
    struct bench b = begin();

    metrics_count(b.m, METRIC_LIMITS, 1, SPAN("a\"} 9\nx{\\\xff\xc3\xa4"));
    assert_int_equal(
        value(&b, "stile_limits_total{limit=\"a\\\"} 9?x{\\\\?\xc3\xa4\"}"), 1);
    end(&b);
}

static void
print(const struct stats *s, size_t series_max, struct buf *out)
{
    struct metrics_sum *sum = metrics_sum_new();

    assert_non_null(sum);
    metrics_sum_add(sum, s);
    metrics_sum_print(sum, series_max, out);
    metrics_sum_free(&sum);
    assert_false(buf_failed(out));
}

static bool
has(const struct buf *b, const char *text)
{
    span s = buf_span(b);

    return s.at && memmem(s.at, s.len, text, strlen(text)) != NULL;
}

TEST(the_text_has_help_type_labels_and_cumulative_buckets)
{
    struct bench b = begin();
    struct buf out;

    buf_init(&out, 1 << 20);
    metrics_count(b.m, METRIC_SENT_BYTES, 5, SPAN("orders"));
    uint32_t cell = metrics_cell(b.m, METRIC_UPSTREAM_TIME,
                                 (const span[]){SPAN("blue")}, 1);
    metrics_observe_us(b.m, cell, 10);
    metrics_observe_us(b.m, cell, 11);
    metrics_observe_us(b.m, cell, 1000000000);
    print(b.stats, 10000, &out);
    static const char *const lines[] = {
        "# HELP stile_sent_bytes_total Body bytes to clients\n"
        "# TYPE stile_sent_bytes_total counter\n"
        "stile_sent_bytes_total{route=\"orders\"} 5\n",
        "# TYPE stile_upstream_seconds histogram\n"
        "stile_upstream_seconds_bucket{pool=\"blue\",le=\"1e-05\"} 1\n"
        "stile_upstream_seconds_bucket{pool=\"blue\",le=\"2.5e-05\"} 2\n",
        "stile_upstream_seconds_bucket{pool=\"blue\",le=\"60\"} 2\n"
        "stile_upstream_seconds_bucket{pool=\"blue\",le=\"+Inf\"} 3\n"
        "stile_upstream_seconds_sum{pool=\"blue\"} 1000.000021\n"
        "stile_upstream_seconds_count{pool=\"blue\"} 3\n",
        "# TYPE stile_requests_active gauge\nstile_requests_active 0\n",
        "stile_series_left_out 0\n",
    };
    for (size_t i = 0; i < COUNT(lines); i++)
        if (!has(&out, lines[i]))
            fail_msg("missing: %s in %.*s", lines[i], SPAN_FMT(buf_span(&out)));
    assert_false(has(&out, "other"));
    buf_fini(&out);
    end(&b);
}

TEST(no_more_series_are_printed_than_the_budget_allows)
{
    struct bench b = begin();
    struct buf out;
    char name[16];

    buf_init(&out, 1 << 20);
    for (unsigned i = 0; i < 60; i++) {
        snprintf(name, sizeof(name), "r%u", i);
        metrics_count(b.m, METRIC_SENT_BYTES, 1, span_str(name));
    }
    print(b.stats, 20, &out);
    size_t n = 0;
    for (span rest = buf_span(&out); rest.len;)
        n += !span_starts(span_cut(&rest, '\n'), SPAN("#"));
    assert_int_equal(n, 21); /* and the one that says how many are missing */
    assert_false(has(&out, "stile_series_left_out 0\n"));
    buf_fini(&out);
    end(&b);
}

TEST(sums_over_workers_never_go_back_when_a_worker_is_folded)
{
    struct bench a = begin(), b = begin(), totals = begin();

    metrics_count(a.m, METRIC_LIMITS, 2, SPAN("x"));
    metrics_count(b.m, METRIC_LIMITS, 3, SPAN("x"));
    metrics_count(b.m, METRIC_LIMITS, 4, SPAN("y"));
    metrics_set(b.m, metrics_plain(b.m, METRIC_REQUESTS_ACTIVE), 7);
    uint32_t cell =
        metrics_cell(b.m, METRIC_UPSTREAM_TIME, (const span[]){SPAN("p")}, 1);
    metrics_observe_us(b.m, cell, 5);
    metrics_fold(totals.m, b.stats);
    struct metrics_sum *s = metrics_sum_new();
    metrics_sum_add(s, a.stats);
    metrics_sum_add(s, totals.stats);
    assert_int_equal(
        metrics_sum_get(s, SPAN("stile_limits_total{limit=\"x\"}")), 5);
    assert_int_equal(
        metrics_sum_get(s, SPAN("stile_limits_total{limit=\"y\"}")), 4);
    assert_int_equal(metrics_sum_get(s, SPAN("stile_requests_active")), 0);
    assert_int_equal(
        metrics_sum_get(s, SPAN("stile_upstream_seconds{pool=\"p\"}")), 1);
    metrics_sum_free(&s);
    end(&a);
    end(&b);
    end(&totals);
}

/* A worker that clients took over may write anything into its segment. */
TEST(a_hostile_segment_neither_crashes_control_nor_writes_its_text)
{
    struct bench b = begin(), totals = begin();
    struct buf out;
    uint64_t seed = 42;

    buf_init(&out, 4 << 20);
    for (int round = 0; round < 200; round++) {
        uint32_t n = b.stats->n_cells;
        for (int i = 0; i < 20; i++) {
            uint32_t at = (uint32_t)(test_random(&seed) % n);
            uint32_t *field =
                (uint32_t *)&b.stats->cells[at] + test_random(&seed) % 5;
            *field = (uint32_t)test_random(&seed);
            b.stats->names[test_random(&seed) % 4000] =
                (char)test_random(&seed);
        }
        if (round % 3 == 0)
            b.stats->n_cells = (uint32_t)test_random(&seed);
        print(b.stats, 10000, &out);
        metrics_fold(totals.m, b.stats);
        for (span rest = buf_span(&out); rest.len;) {
            span line = span_cut(&rest, '\n');
            assert_true(span_starts(line, SPAN("stile_")) ||
                        span_starts(line, SPAN("# ")));
        }
        buf_clear(&out);
        open_again(&b);
        metrics_count(b.m, METRIC_LIMITS, 1, SPAN("x"));
        assert_true(value(&b, "stile_limits_total{limit=\"x\"}") >= 1);
    }
    buf_fini(&out);
    end(&b);
    end(&totals);
}
