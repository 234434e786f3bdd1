/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The whole process, forked as a loader would, with this test as its supervisor
 * and its workers, and the client of the commands as its caller.
 */
#include "proxy/control/client.h"
#include "proxy/control/control.h"
#include "proxy/control/events.h"
#include "proxy/observe/record.h"
#include "proxy/observe/roles.h"
#include "tests/proxy/control/house.h"
#include "tests/test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct scene {
    struct house house;
    struct control_env env;
    uint16_t observe_port;
    int report_fd; /* our end */
    int wire_fd;   /* our end of the control process that was started last */
    char socket[128];
    struct wire_in in;
};

static uint64_t
now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static int
listen_unix(const char *path)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

    (void)snprintf(un.sun_path, sizeof(un.sun_path), "%s", path);
    assert_int_equal(bind(fd, (struct sockaddr *)&un, sizeof(un)), 0);
    assert_int_equal(listen(fd, 64), 0);
    return fd;
}

static int
listen_tcp(uint16_t *port)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(v4);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

    assert_int_equal(bind(fd, (struct sockaddr *)&v4, sizeof(v4)), 0);
    assert_int_equal(listen(fd, 64), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&v4, &len), 0);
    *port = ntohs(v4.sin_port);
    return fd;
}

static void
scene_make(struct scene *s, uint32_t weight_ppm)
{
    int reports[2];

    *s = (struct scene){0};
    house_make(&s->house, weight_ppm, 9001);
    (void)snprintf(s->socket, sizeof(s->socket), "%s",
                   files_path(&s->house.files, "admin.sock"));
    assert_int_equal(
        socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, reports), 0);
    s->report_fd = reports[0];
    s->env = (struct control_env){.gen = &s->house.gen,
                                  .admin_fd = listen_unix(s->socket),
                                  .remote_fd = -1,
                                  .observe_fd = listen_tcp(&s->observe_port),
                                  .weights = s->house.weights,
                                  .latches = s->house.latches,
                                  .endpoints = s->house.segment,
                                  .totals = s->house.totals,
                                  .records = s->house.records,
                                  .report_fd = reports[1],
                                  .log_fd = STDERR_FILENO};
    s->wire_fd = -1;
}

static void
scene_remove(struct scene *s)
{
    close(s->env.admin_fd);
    close(s->env.observe_fd);
    close(s->env.report_fd);
    close(s->report_fd);
    house_remove(&s->house);
}

static pid_t
start(struct scene *s)
{
    int ends[2];
    struct err e;

    assert_int_equal(wire_pair(ends, &e), OK);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        close(ends[0]);
        s->env.supervisor_fd = ends[1];
        exit(control_main(&s->env)); /* not _exit: leaks are looked for */
    }
    close(ends[1]);
    s->wire_fd = ends[0];
    return pid;
}

/* The next message of this kind, others passed over; fails after 10 s. */
static void
hear(struct scene *s, int fd, enum wire_kind kind)
{
    uint64_t deadline = now_ms() + 10000;
    struct err e;

    for (;;) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        enum err_code code = wire_recv(fd, &s->in, &e);
        if (code == OK && s->in.msg.kind == (uint32_t)kind)
            return;
        if (code != OK && code != ERR_NOT_FOUND)
            fail_msg("instead of %s: %s", wire_name(kind), e.text);
        if (now_ms() > deadline)
            fail_msg("no %s", wire_name(kind));
        if (code == ERR_NOT_FOUND)
            (void)poll(&p, 1, 1000);
    }
}

static void
tell(int fd, enum wire_kind kind, uint64_t a, uint64_t b, span text)
{
    struct err e;

    if (wire_send(fd, (struct wire_msg){.kind = kind, .a = a, .b = b}, text,
                  NULL, 0, &e))
        fail_msg("%s", e.text);
}

static pid_t
start_ready(struct scene *s)
{
    pid_t pid = start(s);

    hear(s, s->wire_fd, WIRE_READY);
    return pid;
}

static int
ended(pid_t pid)
{
    int status;

    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/* In good order. */
static void
stop(struct scene *s, pid_t pid)
{
    assert_int_equal(kill(pid, SIGTERM), 0);
    assert_int_equal(ended(pid), 0);
    close(s->wire_fd);
}

static struct client_answer
ask(const struct scene *s, const char *method, const char *path, json_t *body)
{
    struct client_request r = {.socket = s->socket,
                               .method = method,
                               .path = path,
                               .body = body,
                               .if_match = body ? "*" : NULL,
                               .timeout_ms = 10000};
    struct client_answer a;
    struct err e;

    if (client_ask(&r, &a, &e))
        fail_msg("%s", e.text);
    json_decref(body);
    return a;
}

static void
move(const struct scene *s, const char *weight)
{
    struct client_answer a =
        ask(s, "PUT", "/v1/weights/orders",
            json_pack("{s:s, s:s}", "weight", weight, "reason", "a test"));

    if (a.status != 200)
        fail_msg("%d %s", a.status, client_answer_says(&a));
    client_answer_fini(&a);
}

static uint32_t
word(const struct scene *s)
{
    return weights_get(s->house.weights,
                       weights_find(s->house.weights, SPAN("route/orders")))
        .ppm;
}

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
    pid_t pid = start_ready(&s);
    for (uint32_t i = 0; i < COUNT(took_ms); i++) {
        char weight[16];
        (void)snprintf(weight, sizeof(weight), "%u%%", i + 1);
        uint64_t before = now_ms();
        move(&s, weight);
        took_ms[i] = now_ms() - before;
        assert_int_equal(word(&s), (i + 1) * 10000); /* with the answer, even */
    }
    /* The median, since others' tests share the machine and its disk. */
    qsort(took_ms, COUNT(took_ms), sizeof(took_ms[0]), by_size);
    assert_true(took_ms[COUNT(took_ms) / 2] < 50);
    stop(&s, pid);
    scene_remove(&s);
}

TEST(a_moved_weight_outlives_a_stop_a_kill_and_new_segments)
{
    struct scene s;

    scene_make(&s, 0);
    pid_t pid = start_ready(&s);
    move(&s, "12.5%");
    stop(&s, pid);

    memset(s.house.weights->slots, 0, sizeof(s.house.weights->slots));
    pid = start_ready(&s);
    assert_int_equal(word(&s), 125000);
    move(&s, "25%");
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(ended(pid), -SIGKILL);
    close(s.wire_fd);
    assert_int_equal(word(&s), 250000); /* workers go on without control */

    memset(s.house.weights->slots, 0, sizeof(s.house.weights->slots));
    pid = start_ready(&s);
    assert_int_equal(word(&s), 250000);
    stop(&s, pid);
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
    uint64_t deadline = now_ms() + 10000;
    struct client_answer a = {0};

    do {
        assert_true(now_ms() < deadline);
        client_answer_fini(&a);
        a = ask(s, "GET", "/v1/explain/abc", NULL);
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
    pid_t pid = start_ready(&s);
    report(&s);
    explained(&s);
    stop(&s, pid);
    house_next(&s.house, 0);
    pid = start_ready(&s);
    explained(&s);
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(ended(pid), -SIGKILL);
    close(s.wire_fd);
    pid = start_ready(&s);
    explained(&s);
    stop(&s, pid);
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
    pid_t pid = start_ready(&s);
    assert_int_equal(segment_create(SEGMENT_STATS, &fd, &e), OK);
    assert_int_equal(segment_map(SEGMENT_STATS, fd, &at, &e), OK);
    assert_int_equal(metrics_open(s.house.arena, at, &m, &e), OK);
    metrics_count(m, METRIC_LIMITS, 3, SPAN("head_bytes"));
    stats_beat(at, now_ms());
    assert_int_equal(wire_send(s.wire_fd,
                               (struct wire_msg){.kind = WIRE_STATS, .a = 1},
                               (span){0}, &fd, 1, &e),
                     OK);
    tell(s.wire_fd, WIRE_STATE, 5, 1,
         SPAN("{\"generations\":[{\"number\":1,\"workers\":[42]}]}"));
    report(&s);

    /* Three doors, no order between them: asked until it is there. */
    uint64_t deadline = now_ms() + 10000;
    struct client_answer a = {0};
    explained(&s);
    do {
        assert_true(now_ms() < deadline);
        client_answer_fini(&a);
        a = ask(&s, "GET", "/v1/status", NULL);
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
    tell(s.wire_fd, WIRE_STATS_GONE, 1, 0, (span){0});
    hear(&s, s.wire_fd, WIRE_FOLDED);
    assert_non_null(strstr(look(&s, "/metrics", "localhost"),
                           "stile_limits_total{limit=\"head_bytes\"} 3"));
    segment_unmap(SEGMENT_STATS, at);
    close(fd);
    stop(&s, pid);
    scene_remove(&s);
}

/* A caller of `reload` in a process of its own; exits with its status / 100. */
static pid_t
start_reload(const struct scene *s)
{
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        struct client_request r = {.socket = s->socket,
                                   .method = "POST",
                                   .path = "/v1/reload",
                                   .body = json_object(),
                                   .timeout_ms = 10000};
        struct client_answer a;
        struct err e;
        if (client_ask(&r, &a, &e))
            _exit(99);
        bool listed = a.status != 422 ||
                      json_array_size(json_object_get(a.body, "problems")) == 2;
        _exit(listed ? a.status / 2 : 98); /* 200: 100, 422: 211 */
    }
    return pid;
}

TEST(a_reload_hands_over_and_its_caller_is_answered_by_the_old_one)
{
    struct scene s;
    struct store *store;
    struct err e;

    scene_make(&s, 0);
    pid_t old = start_ready(&s);
    int old_fd = s.wire_fd;
    move(&s, "12.5%");
    pid_t caller = start_reload(&s);
    hear(&s, old_fd, WIRE_RELOAD);
    tell(old_fd, WIRE_HANDOVER, 0, 0, (span){0});
    hear(&s, old_fd, WIRE_RELEASED);
    /* The lock is free. */
    assert_int_equal(store_open(s.house.files.dir, 0, &store, &e), OK);
    store_close(&store);

    house_next(&s.house, 0);
    pid_t new = start_ready(&s);
    tell(old_fd, WIRE_VERDICT, 1, 2, (span){0});
    tell(old_fd, WIRE_RETIRE, 0, 0, (span){0});
    assert_int_equal(ended(caller), 100);
    assert_int_equal(ended(old), 0);
    close(old_fd);
    assert_int_equal(word(&s), 125000);
    move(&s, "13%");
    stop(&s, new);
    scene_remove(&s);
}

TEST(a_refused_reload_gives_its_caller_the_list_and_control_serves_on)
{
    struct scene s;

    scene_make(&s, 0);
    pid_t pid = start_ready(&s);
    pid_t caller = start_reload(&s);
    hear(&s, s.wire_fd, WIRE_RELOAD);
    struct client_answer a = ask(&s, "POST", "/v1/reload", json_object());
    assert_int_equal(a.status, 409);
    client_answer_fini(&a);
    tell(s.wire_fd, WIRE_VERDICT, 0, 2,
         SPAN("a.yaml:1:2: this\nb.yaml:3:4: that\n"));
    assert_int_equal(ended(caller), 211);
    move(&s, "3%");
    a = ask(&s, "GET", "/v1/status", NULL);
    assert_true(json_is_false(
        json_object_get(json_object_get(a.body, "reload"), "ok")));
    client_answer_fini(&a);
    stop(&s, pid);
    scene_remove(&s);
}

TEST(a_handover_that_fails_is_taken_back_with_the_weights_as_they_were)
{
    struct scene s;

    scene_make(&s, 0);
    pid_t old = start_ready(&s);
    int old_fd = s.wire_fd;
    move(&s, "12.5%");
    tell(old_fd, WIRE_HANDOVER, 0, 0, (span){0});
    hear(&s, old_fd, WIRE_RELEASED);

    /* A new one, whose file says 1 %, that is killed once it is ready. */
    house_next(&s.house, 10000);
    pid_t new = start_ready(&s);
    assert_int_equal(word(&s), 10000);
    assert_int_equal(kill(new, SIGKILL), 0);
    assert_int_equal(ended(new), -SIGKILL);
    close(s.wire_fd);

    tell(old_fd, WIRE_VERDICT, 0, 2, SPAN("it died\n"));
    tell(old_fd, WIRE_RESUME, 0, 0, (span){0});
    struct client_answer a = ask(&s, "GET", "/v1/weights/orders", NULL);
    assert_int_equal(json_integer_value(json_object_get(a.body, "weight_ppm")),
                     125000);
    client_answer_fini(&a);
    assert_int_equal(word(&s), 125000);
    s.wire_fd = old_fd;
    stop(&s, old);
    scene_remove(&s);
}

TEST(without_a_supervisor_control_serves_on_and_refuses_to_reload)
{
    struct scene s;
    struct client_answer a;
    uint64_t deadline = now_ms() + 10000;

    scene_make(&s, 0);
    pid_t pid = start_ready(&s);
    close(s.wire_fd);
    do {
        assert_true(now_ms() < deadline);
        a = ask(&s, "GET", "/v1/status", NULL);
        bool has = json_is_true(json_object_get(a.body, "supervisor"));
        client_answer_fini(&a);
        if (!has)
            break;
    } while (true);
    a = ask(&s, "POST", "/v1/reload", json_object());
    assert_int_equal(a.status, 503);
    client_answer_fini(&a);
    move(&s, "4%");
    assert_int_equal(word(&s), 40000);
    s.wire_fd = -1;
    assert_int_equal(kill(pid, SIGTERM), 0);
    assert_int_equal(ended(pid), 0);
    scene_remove(&s);
}

TEST(a_handover_whose_supervisor_dies_is_called_off)
{
    struct scene s;

    scene_make(&s, 0);
    pid_t pid = start_ready(&s);
    tell(s.wire_fd, WIRE_HANDOVER, 0, 0, (span){0});
    close(s.wire_fd); /* both are there when it reads */
    move(&s, "4%");
    assert_int_equal(word(&s), 40000);
    s.wire_fd = -1;
    assert_int_equal(kill(pid, SIGTERM), 0);
    assert_int_equal(ended(pid), 0);
    scene_remove(&s);
}

/* A request whose end never comes: until it is turned out control is not quiet. */
static int
half_a_request(const struct scene *s)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(strlen(s->socket) < sizeof(at.sun_path));
    memcpy(at.sun_path, s->socket, strlen(s->socket));
    assert_int_equal(connect(fd, (const struct sockaddr *)&at, sizeof(at)), 0);
    (void)!write(fd, "GET /v1/st", 10); /* a door that is shut is seen below */
    return fd;
}

TEST(a_handover_that_is_taken_back_before_control_let_go_is_none)
{
    struct scene s;

    scene_make(&s, 0);
    pid_t pid = start_ready(&s);
    int caller = half_a_request(&s);
    struct client_answer a = ask(&s, "GET", "/v1/status", NULL);
    client_answer_fini(&a); /* so the other was accepted before */
    tell(s.wire_fd, WIRE_HANDOVER, 0, 0, (span){0});
    tell(s.wire_fd, WIRE_RESUME, 0, 0, (span){0});
    move(&s, "4%");
    assert_int_equal(word(&s), 40000);
    close(caller);
    stop(&s, pid);
    scene_remove(&s);
}

/* What it says to a worker that somebody took over: nothing at all. */
TEST(a_worker_is_not_let_in)
{
    struct scene s;
    char c;

    scene_make(&s, 0);
    pid_t pid = start_ready(&s);
    pid_t worker = fork();
    if (worker == 0) {
        prctl(PR_SET_NAME, "stile-worker", 0, 0, 0);
        (void)signal(SIGPIPE, SIG_IGN); /* it may be gone before we speak */
        int fd = half_a_request(&s);
        _exit(read(fd, &c, 1) <= 0 ? 42 : 43);
    }
    assert_int_equal(ended(worker), 42);
    struct client_answer a = ask(&s, "GET", "/v1/status", NULL);
    assert_int_equal(a.status, 200);
    client_answer_fini(&a);
    stop(&s, pid);
    scene_remove(&s);
}

TEST(a_stop_right_after_a_handover_ends_it)
{
    struct scene s;

    scene_make(&s, 0);
    pid_t pid = start_ready(&s);
    int caller = half_a_request(&s);
    struct client_answer a = ask(&s, "GET", "/v1/status", NULL);
    client_answer_fini(&a);
    tell(s.wire_fd, WIRE_HANDOVER, 0, 0, (span){0});
    tell(s.wire_fd, WIRE_RETIRE, 0, 0, (span){0});
    assert_int_equal(ended(pid), 0);
    close(caller);
    close(s.wire_fd);
    scene_remove(&s);
}

TEST(a_store_that_is_held_or_lost_is_a_control_that_does_not_start)
{
    struct scene s;

    scene_make(&s, 0);
    pid_t pid = start_ready(&s);
    stop(&s, pid);
    files_flip(files_path(&s.house.files, "stile.db"), 0);
    assert_int_equal(unlink(files_path(&s.house.files, "weights.last")), 0);
    if (files_has(&s.house.files, "weights.last.old"))
        assert_int_equal(unlink(files_path(&s.house.files, "weights.last.old")),
                         0);
    pid = start(&s);
    assert_int_equal(ended(pid), 1);
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
    return ended(pid);
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
    pid_t pid = start_ready(&s);
    assert_int_equal(as_nobody(get_status, &s), ERR_UNSUPPORTED);
    assert_int_equal(chmod(s.house.files.dir, 0711), 0);
    assert_int_equal(chmod(s.socket, 0666), 0);
    assert_int_equal(as_nobody(get_status, &s), 100);
    assert_int_equal(as_nobody(put_weight, &s), 201); /* 403 */
    assert_int_equal(word(&s), 0);
    stop(&s, pid);
    scene_remove(&s);
}

/* ------------------------------------------------------------------ the client */

/* ---------------------------------------------------------------------- events */

/* What a watcher was told: revisions, and what to do once one has come. */
struct watched {
    uint64_t ids[64];
    size_t n;
    size_t wanted;
    void (*then)(void *arg,
                 size_t n); /* after each, and after the opening (0) */
    void *arg;
    bool has_begun;
};

static bool
on_event(void *arg, const struct feed_event *ev)
{
    struct watched *w = arg;

    if (ev->data.len == 0) {
        if (!w->has_begun)
            w->then(w->arg, 0);
        w->has_begun = true;
        return true;
    }
    json_t *r = json_loadb(ev->data.at, ev->data.len, 0, NULL);
    assert_non_null(r);
    w->ids[w->n] = (uint64_t)json_integer_value(json_object_get(r, "revision"));
    assert_int_equal(w->ids[w->n], strtoull(ev->id, NULL, 10));
    assert_string_equal(json_string_value(json_object_get(r, "kind")),
                        ev->kind);
    json_decref(r);
    w->n++;
    w->then(w->arg, w->n);
    return w->n < w->wanted;
}

static void
watch(const struct scene *s, const char *path, struct watched *w)
{
    struct client_request r = {.socket = s->socket,
                               .method = "GET",
                               .path = path,
                               .timeout_ms = 10000};
    struct client_answer a;
    struct err e;

    if (client_watch(&r, on_event, w, &a, &e))
        fail_msg("%s", e.text);
    assert_int_equal(a.status, 0);
    assert_int_equal(w->n, w->wanted);
}

static void
move_again(void *arg, size_t n)
{
    move(arg, n % 2 ? "1%" : "2%");
}

TEST(who_watches_is_told_each_revision_once_and_in_order)
{
    struct scene s;

    scene_make(&s, 0);
    pid_t pid = start_ready(&s);
    struct watched w = {.wanted = 20, .then = move_again, .arg = &s};
    watch(&s, "/v1/events?beat_ms=100", &w);
    for (size_t i = 0; i < w.n; i++)
        assert_int_equal(w.ids[i], i + 2); /* 1 is the file's, from before */

    /* Who was there before says so, and has what he missed. */
    struct watched late = {.wanted = 22, .then = move_again, .arg = &s};
    watch(&s, "/v1/events?after=0", &late);
    for (size_t i = 0; i < late.n; i++)
        assert_int_equal(late.ids[i], i + 1);
    stop(&s, pid);
    scene_remove(&s);
}

struct restarting {
    struct scene *scene;
    pid_t pid;
};

/* Another control each third time, stopped well and killed by turns. */
static void
restart(void *arg, size_t n)
{
    struct restarting *r = arg;

    if (n % 3 == 2) {
        assert_int_equal(kill(r->pid, n % 2 ? SIGKILL : SIGTERM), 0);
        assert_int_equal(ended(r->pid), n % 2 ? -SIGKILL : 0);
        close(r->scene->wire_fd);
        r->pid = start_ready(r->scene);
    }
    move(r->scene, n % 2 ? "1%" : "2%");
}

TEST(a_watcher_misses_nothing_when_control_ends_and_comes_back)
{
    struct scene s;

    scene_make(&s, 0);
    struct restarting r = {.scene = &s, .pid = start_ready(&s)};
    struct watched w = {.wanted = 12, .then = restart, .arg = &r};
    watch(&s, "/v1/events", &w);
    for (size_t i = 0; i < w.n; i++)
        assert_int_equal(w.ids[i], i + 2);
    stop(&s, r.pid);
    scene_remove(&s);
}

/* Watchers who read nothing at all. */
static int
sleeper(const struct scene *s)
{
    static const char request[] =
        "GET /v1/events?after=0&beat_ms=100 HTTP/1.1\r\nHost: a\r\n\r\n";
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);

    assert_true(strlen(s->socket) < sizeof(un.sun_path));
    memcpy(un.sun_path, s->socket, strlen(s->socket));
    assert_int_equal(connect(fd, (struct sockaddr *)&un, sizeof(un)), 0);
    assert_int_equal(send(fd, request, sizeof(request) - 1, 0),
                     sizeof(request) - 1);
    /* Its first byte: it has a place now. */
    assert_int_equal(recv(fd, (char[1]){0}, 1, 0), 1);
    return fd;
}

TEST(watchers_have_a_limit_and_hold_nobody_up)
{
    struct scene s;
    int fds[EVENTS_MAX];

    scene_make(&s, 0);
    pid_t pid = start_ready(&s);
    for (size_t i = 0; i < COUNT(fds); i++)
        fds[i] = sleeper(&s);
    struct client_request r = {
        .socket = s.socket, .method = "GET", .path = "/v1/events"};
    struct watched none = {.then = move_again, .arg = &s};
    struct client_answer a;
    struct err e;
    assert_int_equal(client_watch(&r, on_event, &none, &a, &e), OK);
    assert_int_equal(a.status, 503);
    assert_non_null(strstr(client_answer_says(&a), "watch already"));
    client_answer_fini(&a);
    assert_false(none.has_begun);

    for (size_t i = 0; i < 200; i++)
        move(&s, i % 2 ? "1%" : "2%");
    for (size_t i = 0; i < COUNT(fds); i++)
        close(fds[i]);
    /* Their places are free again. */
    struct watched w = {.wanted = 3, .then = move_again, .arg = &s};
    watch(&s, "/v1/events", &w);
    stop(&s, pid);
    scene_remove(&s);
}

TEST(the_client_says_why_a_daemon_cannot_be_asked)
{
    struct files f;
    struct client_answer a;
    struct err e;
    struct client_request r = {.method = "GET", .path = "/v1/status"};

    files_make(&f);
    r.socket = files_path(&f, "none.sock");
    assert_int_equal(client_ask(&r, &a, &e), ERR_NOT_FOUND);
    assert_non_null(strstr(e.text, "no such socket"));

    int fd = listen_unix(files_path(&f, "dead.sock"));
    close(fd);
    r.socket = files_path(&f, "dead.sock");
    assert_int_equal(client_ask(&r, &a, &e), ERR_CONFLICT);
    assert_non_null(strstr(e.text, "not running"));

    fd = listen_unix(files_path(&f, "mute.sock"));
    r.socket = files_path(&f, "mute.sock");
    r.timeout_ms = 100;
    assert_int_equal(client_ask(&r, &a, &e), ERR_LIMIT);
    close(fd);
    files_remove(&f);
}

/* What a server that is none says, and what the client makes of it. */
static const struct {
    const char *says;
    enum err_code code;
} servers[] = {
    {"", ERR_INVALID},
    {"220 mail.example ESMTP\r\n", ERR_INVALID},
    {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab", ERR_INVALID},
    {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab", ERR_INVALID},
    {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", OK},
    {"HTTP/1.1 200 OK\r\n\r\n{}", OK},
    {"HTTP/1.1 500 No\r\nContent-Length: 2\r\n\r\nab", OK},
};

TEST(the_client_takes_no_answer_that_is_cut_or_none)
{
    for (size_t i = 0; i < COUNT(servers); i++) {
        struct files f;
        struct err e;
        struct client_answer a;

        files_make(&f);
        int fd = listen_unix(files_path(&f, "odd.sock"));
        assert_int_equal(fcntl(fd, F_SETFL, 0), 0);
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
            char bytes[4096];
            int peer = accept(fd, NULL, NULL);
            if (read(peer, bytes, sizeof(bytes)) <= 0 ||
                write(peer, servers[i].says, strlen(servers[i].says)) < 0)
                _exit(1);
            _exit(0);
        }
        struct client_request r = {.socket = files_path(&f, "odd.sock"),
                                   .method = "GET",
                                   .path = "/v1/status",
                                   .timeout_ms = 5000};
        enum err_code code = client_ask(&r, &a, &e);
        if (code != servers[i].code)
            fail_msg("%s: %s %s", servers[i].says, err_name(code), e.text);
        client_answer_fini(&a);
        assert_int_equal(ended(pid), 0);
        close(fd);
        files_remove(&f);
    }
}

TEST(a_path_is_encoded_part_by_part)
{
    struct arena *a = arena_new(1u << 16);

    assert_string_equal(client_path(a, "/v1/weights/", "route/my orders?"),
                        "/v1/weights/route/my%20orders%3F");
    assert_string_equal(client_path(a, "/v1/explain/", "abc"),
                        "/v1/explain/abc");
    assert_string_equal(client_path(a, "/v1/", ""), "/v1/");
    arena_free(&a);
}
