/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the observe listener says, and to whom.
 */
#include "proxy/control/observe.h"

#include "proxy/control/api_view.h"
#include "tests/proxy/control/asking.h"
#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const struct {
    const char *method;
    const char *host;
    const char *path;
    int status;
} looks[] = {
    {"GET", "localhost", "/healthz", 200},
    {"HEAD", "localhost", "/healthz", 200},
    {"GET", "127.0.0.1", "/metrics", 200},
    {"GET", "[::1]", "/healthz", 200},
    {"GET", "[2001:db8::7]", "/healthz", 200},
    {"GET", "192.0.2.8", "/metrics", 200},        /* a load balancer's probe */
    {"GET", "observe.internal", "/healthz", 200}, /* the configured one */
    {"GET", NULL, "/healthz", 200},               /* the machine's */
    {"GET", "evil.example", "/healthz", 421},
    {"GET", "192.0.2.8.evil.example", "/metrics", 421},
    {"GET", "192.0.2", "/metrics", 421},
    {"GET", "[192.0.2.8]", "/metrics", 421},
    {"GET", "", "/metrics", 421},
    {"GET", "localhost", "/readyz", 503}, /* there are no workers */
    {"GET", "localhost", "/v1/status", 404},
    {"GET", "localhost", "/", 404},
    {"POST", "localhost", "/healthz", 405},
    {"DELETE", "localhost", "/metrics", 405},
};

TEST(observe_answers_three_pages_to_its_own_names_alone)
{
    struct house h;
    struct control c;
    char machine[256];

    assert_int_equal(gethostname(machine, sizeof(machine)), 0);
    house_make(&h, 0, 1);
    h.gen.observe.host = SPAN("observe.internal");
    house_control(&h, &c);
    for (size_t i = 0; i < COUNT(looks); i++) {
        struct arena *a = arena_new(1u << 20);
        struct http_head head;
        struct buf body;
        asked_head(
            &head, a,
            &(struct asked){.method = looks[i].method, .path = looks[i].path});
        head.host = span_str(looks[i].host ? looks[i].host : machine);
        buf_init(&body, 16u << 20);
        struct observe_answer out = {.body = &body};
        observe_answer(&c, &head, 1000, &out);
        if (out.status != looks[i].status)
            fail_msg("%s %s of '%s': %d", looks[i].method, looks[i].path,
                     looks[i].host, out.status);
        buf_fini(&body);
        arena_free(&a);
    }
    house_control_end(&c);
    house_remove(&h);
}

TEST(metrics_are_the_sum_of_workers_and_totals_and_never_go_back)
{
    struct house h;
    struct control c;
    struct metrics *m;
    struct err e;
    int fd;
    void *at;

    house_make(&h, 250000, 1);
    house_control(&h, &c);
    assert_int_equal(segment_create(SEGMENT_STATS, &fd, &e), OK);
    assert_int_equal(segment_map(SEGMENT_STATS, fd, &at, &e), OK);
    assert_int_equal(metrics_open(h.arena, at, &m, &e), OK);
    metrics_count(m, METRIC_UPSTREAM_RETRIES, 7, SPAN("blue"));
    assert_int_equal(crew_add(&c.crew, 1, 0, fd, &e), OK);
    for (int folded = 0; folded < 2; folded++) {
        struct arena *a = arena_new(1u << 20);
        struct http_head head;
        struct buf body;
        asked_head(&head, a,
                   &(struct asked){.method = "GET", .path = "/metrics"});
        head.host = SPAN("localhost");
        buf_init(&body, 16u << 20);
        struct observe_answer out = {.body = &body};
        observe_answer(&c, &head, 1000, &out);
        buf_byte(&body, '\0');
        const char *page = buf_span(&body).at ? buf_span(&body).at : "";
        assert_non_null(
            strstr(page, "stile_upstream_retries_total{pool=\"blue\"} 7\n"));
        assert_non_null(
            strstr(page, "stile_weight_ppm{slot=\"route/orders\"} 250000\n"));
        buf_fini(&body);
        arena_free(&a);
        crew_fold(&c.crew, 1, c.metrics);
        assert_int_equal(c.crew.n, 0);
    }
    segment_unmap(SEGMENT_STATS, at);
    close(fd);
    house_control_end(&c);
    house_remove(&h);
}

TEST(a_silent_worker_is_said_to_be_not_ready)
{
    struct house h;
    struct control c;
    struct err e;
    char room[128];
    int fd;
    void *at;

    house_make(&h, 0, 1);
    house_control(&h, &c);
    assert_int_equal(segment_create(SEGMENT_STATS, &fd, &e), OK);
    assert_int_equal(segment_map(SEGMENT_STATS, fd, &at, &e), OK);
    assert_int_equal(crew_add(&c.crew, 1, 3, fd, &e), OK);
    assert_non_null(crew_not_ready(&c.crew, 1, 10000, room, sizeof(room)));
    stats_beat(at, 9000);
    assert_null(crew_not_ready(&c.crew, 1, 10000, room, sizeof(room)));
    assert_non_null(
        strstr(crew_not_ready(&c.crew, 1, 14001, room, sizeof(room)),
               "worker 3 is silent"));
    assert_non_null(crew_not_ready(&c.crew, 2, 10000, room, sizeof(room)));
    segment_unmap(SEGMENT_STATS, at);
    close(fd);
    house_control_end(&c);
    house_remove(&h);
}

TEST(workers_that_may_not_accept_yet_are_not_ready)
{
    static const struct {
        const char *state;
        bool ready;
    } cases[] = {
        {"loading", false},  {"ready", false},   {"live", true},
        {"draining", false}, {"folding", false},
    };
    struct house h;
    struct control c;
    struct err e;
    char room[128];
    int fd;
    void *at;

    house_make(&h, 0, 1);
    house_control(&h, &c);
    assert_int_equal(segment_create(SEGMENT_STATS, &fd, &e), OK);
    assert_int_equal(segment_map(SEGMENT_STATS, fd, &at, &e), OK);
    assert_int_equal(crew_add(&c.crew, c.gen->number, 0, fd, &e), OK);
    stats_beat(at, 9000);
    for (size_t i = 0; i < COUNT(cases); i++) {
        c.processes = json_pack(
            "{s:[{s:I,s:s},{s:I,s:s}]}", "generations", "number",
            (json_int_t)c.gen->number + 1, "state", "loading", "number",
            (json_int_t)c.gen->number, "state", cases[i].state);
        const char *why = view_not_ready(&c, 9001, room, sizeof(room));
        if (!why != cases[i].ready)
            fail_msg("%s: %s", cases[i].state, why ? why : "ready");
        json_decref(c.processes);
        c.processes = NULL;
    }
    assert_non_null(view_not_ready(&c, 9001, room, sizeof(room)));
    c.has_supervisor = false; /* it was there once: workers serve on */
    assert_null(view_not_ready(&c, 9001, room, sizeof(room)));
    segment_unmap(SEGMENT_STATS, at);
    close(fd);
    house_control_end(&c);
    house_remove(&h);
}
