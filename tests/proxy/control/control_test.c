/* SPDX-License-Identifier: Apache-2.0 */
/* What a caller and the workers see of control. */
#include "proxy/control/client.h"
#include "proxy/observe/record.h"
#include "tests/proxy/control/scene.h"
#include "tests/test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* All that the observe listener says to one request. */
static const char *
look(const struct scene *s, const char *path, const char *host)
{
    static char out[1u << 20];
    struct sockaddr_in v4 = {.sin_family = AF_INET,
                             .sin_port = htons(s->observe_port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    size_t len = 0;
    ssize_t n;
    char request[256];

    int size = snprintf(request, sizeof(request),
                        "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", path, host);
    assert_int_equal(connect(fd, (struct sockaddr *)&v4, sizeof(v4)), 0);
    assert_int_equal(send(fd, request, (size_t)size, 0), size);
    while ((n = recv(fd, out + len, sizeof(out) - 1 - len, 0)) > 0)
        len += (size_t)n;
    out[len] = '\0';
    close(fd);
    return out;
}

static int
by_size(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return x < y ? -1 : x > y;
}

TEST(a_weight_is_with_the_workers_50_ms_after_it_was_asked_for)
{
    struct scene s;
    uint64_t took_ms[21];

    scene_make(&s, 0);
    pid_t pid = scene_start_ready(&s);
    for (uint32_t i = 0; i < COUNT(took_ms); i++) {
        char weight[16];
        (void)snprintf(weight, sizeof(weight), "%u%%", i + 1);
        uint64_t before = scene_now_ms();
        scene_move(&s, weight);
        took_ms[i] = scene_now_ms() - before;
        assert_int_equal(scene_word(&s),
                         (i + 1) * 10000); /* with the answer, even */
    }
    /* The median, since others' tests share the machine and its disk. */
    qsort(took_ms, COUNT(took_ms), sizeof(took_ms[0]), by_size);
    assert_true(took_ms[COUNT(took_ms) / 2] < 50);
    scene_stop(&s, pid);
    scene_remove(&s);
}

TEST(a_moved_weight_outlives_a_stop_a_kill_and_new_segments)
{
    struct scene s;

    scene_make(&s, 0);
    pid_t pid = scene_start_ready(&s);
    scene_move(&s, "12.5%");
    scene_stop(&s, pid);

    memset(s.house.weights->slots, 0, sizeof(s.house.weights->slots));
    pid = scene_start_ready(&s);
    assert_int_equal(scene_word(&s), 125000);
    scene_move(&s, "25%");
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(scene_ended(pid), -SIGKILL);
    close(s.wire_fd);
    assert_int_equal(scene_word(&s),
                     250000); /* workers go on without control */

    memset(s.house.weights->slots, 0, sizeof(s.house.weights->slots));
    pid = scene_start_ready(&s);
    assert_int_equal(scene_word(&s), 250000);
    scene_stop(&s, pid);
    scene_remove(&s);
}

/* What a worker says of one request. */
static void
report(const struct scene *s)
{
    struct record r = {
        .id = SPAN("abc"), .route = SPAN("orders"), .status = 201};
    struct buf b;

    buf_init(&b, RECORD_DATAGRAM_MAX);
    assert_true(record_put(&b, &r));
    assert_int_equal(send(s->report_fd, buf_span(&b).at, buf_len(&b), 0),
                     buf_len(&b));
    buf_fini(&b);
}

/* It is explained; asked until it is. */
static void
explained(const struct scene *s)
{
    uint64_t deadline = scene_now_ms() + 10000;
    struct client_answer a = {0};

    do {
        assert_true(scene_now_ms() < deadline);
        client_answer_fini(&a);
        a = scene_ask(s, "GET", "/v1/explain/abc", NULL);
    } while (a.status == 404);
    assert_int_equal(a.status, 200);
    assert_int_equal(json_integer_value(json_object_get(a.body, "status")),
                     201);
    client_answer_fini(&a);
}

TEST(a_request_is_explained_after_a_reload_and_after_a_kill)
{
    struct scene s;

    scene_make(&s, 0);
    pid_t pid = scene_start_ready(&s);
    report(&s);
    explained(&s);
    scene_stop(&s, pid);
    house_next(&s.house, 0);
    pid = scene_start_ready(&s);
    explained(&s);
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(scene_ended(pid), -SIGKILL);
    close(s.wire_fd);
    pid = scene_start_ready(&s);
    explained(&s);
    scene_stop(&s, pid);
    scene_remove(&s);
}

TEST(status_explain_and_metrics_tell_what_workers_sent)
{
    struct scene s;
    struct metrics *m;
    struct err e;
    void *at;
    int fd;

    scene_make(&s, 0);
    pid_t pid = scene_start_ready(&s);
    assert_int_equal(segment_create(SEGMENT_STATS, &fd, &e), OK);
    assert_int_equal(segment_map(SEGMENT_STATS, fd, &at, &e), OK);
    assert_int_equal(metrics_open(s.house.arena, at, &m, &e), OK);
    metrics_count(m, METRIC_LIMITS, 3, SPAN("head_bytes"));
    stats_beat(at, scene_now_ms());
    assert_int_equal(wire_send(s.wire_fd,
                               (struct wire_msg){.kind = WIRE_STATS, .a = 1},
                               (span){0}, &fd, 1, &e),
                     OK);
    scene_tell(s.wire_fd, WIRE_STATE, 5, 1,
               SPAN("{\"generations\":[{\"number\":1,\"workers\":[42]}]}"));
    report(&s);

    /* Three doors, no order between them: asked until it is there. */
    uint64_t deadline = scene_now_ms() + 10000;
    struct client_answer a = {0};
    explained(&s);
    do {
        assert_true(scene_now_ms() < deadline);
        client_answer_fini(&a);
        a = scene_ask(&s, "GET", "/v1/status", NULL);
    } while (!json_is_object(json_object_get(a.body, "processes")));
    assert_true(json_is_true(json_object_get(a.body, "ready")));
    assert_int_equal(json_integer_value(json_object_get(a.body, "deaths")), 5);
    assert_int_equal(json_array_size(json_object_get(a.body, "pools")), 2);
    const json_t *worker =
        json_array_get(json_object_get(a.body, "workers"), 0);
    assert_int_equal(json_integer_value(json_object_get(worker, "pid")), 42);
    const json_t *route = json_array_get(json_object_get(a.body, "routes"), 0);
    assert_string_equal(json_string_value(json_object_get(
                            json_object_get(route, "canary"), "weight")),
                        "0%");
    client_answer_fini(&a);

    const char *page = look(&s, "/metrics", "127.0.0.1:9900");
    assert_non_null(strstr(page, "stile_limits_total{limit=\"head_bytes\"} 3"));
    assert_non_null(strstr(page, "stile_worker_deaths_total 5"));
    assert_non_null(strstr(look(&s, "/readyz", "localhost"), " 200 OK"));
    assert_non_null(strstr(look(&s, "/healthz", "localhost"), " 200 OK"));
    assert_non_null(strstr(look(&s, "/metrics", "evil.example"), " 421 "));

    /* The generation goes: its counters stay. */
    scene_tell(s.wire_fd, WIRE_STATS_GONE, 1, 0, (span){0});
    scene_hear(&s, s.wire_fd, WIRE_FOLDED);
    assert_non_null(strstr(look(&s, "/metrics", "localhost"),
                           "stile_limits_total{limit=\"head_bytes\"} 3"));
    segment_unmap(SEGMENT_STATS, at);
    close(fd);
    scene_stop(&s, pid);
    scene_remove(&s);
}

TEST(a_store_that_is_held_or_lost_is_a_control_that_does_not_start)
{
    struct scene s;

    scene_make(&s, 0);
    pid_t pid = scene_start_ready(&s);
    scene_stop(&s, pid);
    files_flip(files_path(&s.house.files, "stile.db"), 0);
    assert_int_equal(unlink(files_path(&s.house.files, "weights.last")), 0);
    if (files_has(&s.house.files, "weights.last.old"))
        assert_int_equal(unlink(files_path(&s.house.files, "weights.last.old")),
                         0);
    pid = scene_start(&s);
    assert_int_equal(scene_ended(pid), 1);
    close(s.wire_fd);
    scene_remove(&s);
}

/* ---------------------------------------------------------------- as somebody */

static const uid_t nobody = 65534;

/* Exit code of `fn` in a process of nobody's. Only root can make one. */
static int
as_nobody(int (*fn)(const struct scene *s), const struct scene *s)
{
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        if (setgid(nobody) != 0 || setuid(nobody) != 0)
            _exit(97);
        _exit(fn(s));
    }
    return scene_ended(pid);
}

static int
put_weight(const struct scene *s)
{
    struct client_request r = {
        .socket = s->socket,
        .method = "PUT",
        .path = "/v1/weights/orders",
        .body = json_pack("{s:i, s:s}", "weight", 5, "reason", "x"),
        .if_match = "*"};
    struct client_answer a;
    struct err e;
    enum err_code code = client_ask(&r, &a, &e);

    return code ? (int)code : a.status / 2;
}

static int
get_status(const struct scene *s)
{
    struct client_request r = {
        .socket = s->socket, .method = "GET", .path = "/v1/status"};
    struct client_answer a;
    struct err e;
    enum err_code code = client_ask(&r, &a, &e);

    return code ? (int)code : a.status / 2;
}

TEST(somebody_else_may_look_and_not_move_a_weight)
{
    struct scene s;

    if (geteuid() != 0)
        skip(); /* nobody else can be played */
    scene_make(&s, 0);
    pid_t pid = scene_start_ready(&s);
    assert_int_equal(as_nobody(get_status, &s), ERR_UNSUPPORTED);
    assert_int_equal(chmod(s.house.files.dir, 0711), 0);
    assert_int_equal(chmod(s.socket, 0666), 0);
    assert_int_equal(as_nobody(get_status, &s), 100);
    assert_int_equal(as_nobody(put_weight, &s), 201); /* 403 */
    assert_int_equal(scene_word(&s), 0);
    scene_stop(&s, pid);
    scene_remove(&s);
}
