/* SPDX-License-Identifier: Apache-2.0 */
/* The commands' client, and servers that are none. */
#include "proxy/control/client.h"
#include "tests/proxy/control/files.h"
#include "tests/proxy/control/scene.h"
#include "tests/test.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

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

    int fd = scene_listen(files_path(&f, "dead.sock"));
    close(fd);
    r.socket = files_path(&f, "dead.sock");
    assert_int_equal(client_ask(&r, &a, &e), ERR_CONFLICT);
    assert_non_null(strstr(e.text, "not running"));

    fd = scene_listen(files_path(&f, "mute.sock"));
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
        int fd = scene_listen(files_path(&f, "odd.sock"));
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
        assert_int_equal(scene_ended(pid), 0);
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
