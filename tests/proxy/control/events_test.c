/* SPDX-License-Identifier: Apache-2.0 */
/* Who watches the journal, over the life of more than one control. */
#include "proxy/control/events.h"
#include "tests/proxy/control/scene.h"
#include "tests/test.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

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
    scene_move(arg, n % 2 ? "1%" : "2%");
}

TEST(who_watches_is_told_each_revision_once_and_in_order)
{
    struct scene s;

    scene_make(&s, 0);
    pid_t pid = scene_start_ready(&s);
    struct watched w = {.wanted = 20, .then = move_again, .arg = &s};
    watch(&s, "/v1/events?beat_ms=100", &w);
    for (size_t i = 0; i < w.n; i++)
        assert_int_equal(w.ids[i], i + 2); /* 1 is the file's, from before */

    /* Who was there before says so, and has what he missed. */
    struct watched late = {.wanted = 22, .then = move_again, .arg = &s};
    watch(&s, "/v1/events?after=0", &late);
    for (size_t i = 0; i < late.n; i++)
        assert_int_equal(late.ids[i], i + 1);
    scene_stop(&s, pid);
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
        assert_int_equal(scene_ended(r->pid), n % 2 ? -SIGKILL : 0);
        close(r->scene->wire_fd);
        r->pid = scene_start_ready(r->scene);
    }
    scene_move(r->scene, n % 2 ? "1%" : "2%");
}

TEST(a_watcher_misses_nothing_when_control_ends_and_comes_back)
{
    struct scene s;

    scene_make(&s, 0);
    struct restarting r = {.scene = &s, .pid = scene_start_ready(&s)};
    struct watched w = {.wanted = 12, .then = restart, .arg = &r};
    watch(&s, "/v1/events", &w);
    for (size_t i = 0; i < w.n; i++)
        assert_int_equal(w.ids[i], i + 2);
    scene_stop(&s, r.pid);
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
    pid_t pid = scene_start_ready(&s);
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
        scene_move(&s, i % 2 ? "1%" : "2%");
    for (size_t i = 0; i < COUNT(fds); i++)
        close(fds[i]);
    /* Their places are free again. */
    struct watched w = {.wanted = 3, .then = move_again, .arg = &s};
    watch(&s, "/v1/events", &w);
    scene_stop(&s, pid);
    scene_remove(&s);
}
