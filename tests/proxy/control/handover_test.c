/* SPDX-License-Identifier: Apache-2.0 */
/* A reload: control hands over to the next, or takes it back. */
#include "proxy/control/client.h"
#include "proxy/control/store.h"
#include "tests/proxy/control/scene.h"
#include "tests/test.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

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
    pid_t old = scene_start_ready(&s);
    int old_fd = s.wire_fd;
    scene_move(&s, "12.5%");
    pid_t caller = start_reload(&s);
    scene_hear(&s, old_fd, WIRE_RELOAD);
    scene_tell(old_fd, WIRE_HANDOVER, 0, 0, (span){0});
    scene_hear(&s, old_fd, WIRE_RELEASED);
    /* The lock is free. */
    assert_int_equal(store_open(s.house.files.dir, 0, &store, &e), OK);
    store_close(&store);

    house_next(&s.house, 0);
    pid_t new = scene_start_ready(&s);
    scene_tell(old_fd, WIRE_VERDICT, 1, 2, (span){0});
    scene_tell(old_fd, WIRE_RETIRE, 0, 0, (span){0});
    assert_int_equal(scene_ended(caller), 100);
    assert_int_equal(scene_ended(old), 0);
    close(old_fd);
    assert_int_equal(scene_word(&s), 125000);
    scene_move(&s, "13%");
    scene_stop(&s, new);
    scene_remove(&s);
}

TEST(a_refused_reload_gives_its_caller_the_list_and_control_serves_on)
{
    struct scene s;

    scene_make(&s, 0);
    pid_t pid = scene_start_ready(&s);
    pid_t caller = start_reload(&s);
    scene_hear(&s, s.wire_fd, WIRE_RELOAD);
    struct client_answer a = scene_ask(&s, "POST", "/v1/reload", json_object());
    assert_int_equal(a.status, 409);
    client_answer_fini(&a);
    scene_tell(s.wire_fd, WIRE_VERDICT, 0, 2,
               SPAN("a.yaml:1:2: this\nb.yaml:3:4: that\n"));
    assert_int_equal(scene_ended(caller), 211);
    scene_move(&s, "3%");
    a = scene_ask(&s, "GET", "/v1/status", NULL);
    assert_true(json_is_false(
        json_object_get(json_object_get(a.body, "reload"), "ok")));
    client_answer_fini(&a);
    scene_stop(&s, pid);
    scene_remove(&s);
}

TEST(a_handover_that_fails_is_taken_back_with_the_weights_as_they_were)
{
    struct scene s;

    scene_make(&s, 0);
    pid_t old = scene_start_ready(&s);
    int old_fd = s.wire_fd;
    scene_move(&s, "12.5%");
    scene_tell(old_fd, WIRE_HANDOVER, 0, 0, (span){0});
    scene_hear(&s, old_fd, WIRE_RELEASED);

    /* A new one, whose file says 1 %, that is killed once it is ready. */
    house_next(&s.house, 10000);
    pid_t new = scene_start_ready(&s);
    assert_int_equal(scene_word(&s), 10000);
    assert_int_equal(kill(new, SIGKILL), 0);
    assert_int_equal(scene_ended(new), -SIGKILL);
    close(s.wire_fd);

    scene_tell(old_fd, WIRE_VERDICT, 0, 2, SPAN("it died\n"));
    scene_tell(old_fd, WIRE_RESUME, 0, 0, (span){0});
    struct client_answer a = scene_ask(&s, "GET", "/v1/weights/orders", NULL);
    assert_int_equal(json_integer_value(json_object_get(a.body, "weight_ppm")),
                     125000);
    client_answer_fini(&a);
    assert_int_equal(scene_word(&s), 125000);
    s.wire_fd = old_fd;
    scene_stop(&s, old);
    scene_remove(&s);
}

TEST(without_a_supervisor_control_serves_on_and_refuses_to_reload)
{
    struct scene s;
    struct client_answer a;
    uint64_t deadline = scene_now_ms() + 10000;

    scene_make(&s, 0);
    pid_t pid = scene_start_ready(&s);
    close(s.wire_fd);
    do {
        assert_true(scene_now_ms() < deadline);
        a = scene_ask(&s, "GET", "/v1/status", NULL);
        bool has = json_is_true(json_object_get(a.body, "supervisor"));
        client_answer_fini(&a);
        if (!has)
            break;
    } while (true);
    a = scene_ask(&s, "POST", "/v1/reload", json_object());
    assert_int_equal(a.status, 503);
    client_answer_fini(&a);
    scene_move(&s, "4%");
    assert_int_equal(scene_word(&s), 40000);
    s.wire_fd = -1;
    assert_int_equal(kill(pid, SIGTERM), 0);
    assert_int_equal(scene_ended(pid), 0);
    scene_remove(&s);
}

TEST(a_handover_whose_supervisor_dies_is_called_off)
{
    struct scene s;

    scene_make(&s, 0);
    pid_t pid = scene_start_ready(&s);
    scene_tell(s.wire_fd, WIRE_HANDOVER, 0, 0, (span){0});
    close(s.wire_fd); /* both are there when it reads */
    scene_move(&s, "4%");
    assert_int_equal(scene_word(&s), 40000);
    s.wire_fd = -1;
    assert_int_equal(kill(pid, SIGTERM), 0);
    assert_int_equal(scene_ended(pid), 0);
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
    pid_t pid = scene_start_ready(&s);
    int caller = half_a_request(&s);
    struct client_answer a = scene_ask(&s, "GET", "/v1/status", NULL);
    client_answer_fini(&a); /* so the other was accepted before */
    scene_tell(s.wire_fd, WIRE_HANDOVER, 0, 0, (span){0});
    scene_tell(s.wire_fd, WIRE_RESUME, 0, 0, (span){0});
    scene_move(&s, "4%");
    assert_int_equal(scene_word(&s), 40000);
    close(caller);
    scene_stop(&s, pid);
    scene_remove(&s);
}

/* What it says to a worker that somebody took over: nothing at all. */
TEST(a_worker_is_not_let_in)
{
    struct scene s;
    char c;

    scene_make(&s, 0);
    pid_t pid = scene_start_ready(&s);
    pid_t worker = fork();
    if (worker == 0) {
        prctl(PR_SET_NAME, "stile-worker", 0, 0, 0);
        (void)signal(SIGPIPE, SIG_IGN); /* it may be gone before we speak */
        int fd = half_a_request(&s);
        _exit(read(fd, &c, 1) <= 0 ? 42 : 43);
    }
    assert_int_equal(scene_ended(worker), 42);
    struct client_answer a = scene_ask(&s, "GET", "/v1/status", NULL);
    assert_int_equal(a.status, 200);
    client_answer_fini(&a);
    scene_stop(&s, pid);
    scene_remove(&s);
}

TEST(a_stop_right_after_a_handover_ends_it)
{
    struct scene s;

    scene_make(&s, 0);
    pid_t pid = scene_start_ready(&s);
    int caller = half_a_request(&s);
    struct client_answer a = scene_ask(&s, "GET", "/v1/status", NULL);
    client_answer_fini(&a);
    scene_tell(s.wire_fd, WIRE_HANDOVER, 0, 0, (span){0});
    scene_tell(s.wire_fd, WIRE_RETIRE, 0, 0, (span){0});
    assert_int_equal(scene_ended(pid), 0);
    close(caller);
    close(s.wire_fd);
    scene_remove(&s);
}
