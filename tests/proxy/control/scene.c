/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/proxy/control/scene.h"

#include "tests/test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

uint64_t
scene_now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

int
scene_listen(const char *path)
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

void
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
                                  .admin_fd = scene_listen(s->socket),
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

void
scene_remove(struct scene *s)
{
    close(s->env.admin_fd);
    close(s->env.observe_fd);
    close(s->env.report_fd);
    close(s->report_fd);
    house_remove(&s->house);
}

pid_t
scene_start(struct scene *s)
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

void
scene_hear(struct scene *s, int fd, enum wire_kind kind)
{
    uint64_t deadline = scene_now_ms() + 10000;
    struct err e;

    for (;;) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        enum err_code code = wire_recv(fd, &s->in, &e);
        if (code == OK && s->in.msg.kind == (uint32_t)kind)
            return;
        if (code != OK && code != ERR_NOT_FOUND)
            fail_msg("instead of %s: %s", wire_name(kind), e.text);
        if (scene_now_ms() > deadline)
            fail_msg("no %s", wire_name(kind));
        if (code == ERR_NOT_FOUND)
            (void)poll(&p, 1, 1000);
    }
}

void
scene_tell(int fd, enum wire_kind kind, uint64_t a, uint64_t b, span text)
{
    struct err e;

    if (wire_send(fd, (struct wire_msg){.kind = kind, .a = a, .b = b}, text,
                  NULL, 0, &e))
        fail_msg("%s", e.text);
}

pid_t
scene_start_ready(struct scene *s)
{
    pid_t pid = scene_start(s);

    scene_hear(s, s->wire_fd, WIRE_READY);
    return pid;
}

int
scene_ended(pid_t pid)
{
    int status;

    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

void
scene_stop(struct scene *s, pid_t pid)
{
    assert_int_equal(kill(pid, SIGTERM), 0);
    assert_int_equal(scene_ended(pid), 0);
    close(s->wire_fd);
}

struct client_answer
scene_ask(const struct scene *s, const char *method, const char *path,
          json_t *body)
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

void
scene_move(const struct scene *s, const char *weight)
{
    struct client_answer a = scene_ask(
        s, "PUT", "/v1/weights/orders",
        json_pack("{s:s, s:s}", "weight", weight, "reason", "a test"));

    if (a.status != 200)
        fail_msg("%d %s", a.status, client_answer_says(&a));
    client_answer_fini(&a);
}

uint32_t
scene_word(const struct scene *s)
{
    return weights_get(s->house.weights,
                       weights_find(s->house.weights, SPAN("route/orders")))
        .ppm;
}
