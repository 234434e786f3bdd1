/* SPDX-License-Identifier: Apache-2.0 */
/* A loader under a supervisor of another age: this test is that supervisor. */
#include "proxy/super/loader.h"

#include "tests/proxy/super/fake.h"

#include "proxy/super/estate.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

static struct wire_in in;

struct scene {
    struct fake f;
    struct estate estate;
    int fd; /* our end of the loader's socket */
    pid_t loader;
};

static void
begin(struct scene *s)
{
    struct err e;
    char self[256] = "";
    int fds[2];

    fake_begin(&s->f);
    assert_int_equal(estate_open(&s->estate, s->f.log, &e), OK);
    assert_int_equal(wire_pair(fds, &e), OK);
    assert_true(readlink("/proc/self/exe", self, sizeof(self) - 1) > 0);
    s->fd = fds[0];
    s->loader = fork();
    if (s->loader == 0) {
        const char *argv[] = {self,       "loader",    "--fd", "3",
                              "--config", s->f.config, NULL};
        char *words[COUNT(argv)];
        memcpy(words, argv, sizeof(words)); /* execv takes them without const */
        dup2(fds[1], 3);
        execv(self, words);
        _exit(127);
    }
    close(fds[1]);
}

static int
end(struct scene *s)
{
    int status;

    close(s->fd);
    assert_int_equal(waitpid(s->loader, &status, 0), s->loader);
    estate_close(&s->estate);
    fake_end(&s->f);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void
hello(struct scene *s, size_t n_fds)
{
    struct wire_msg msg = {.kind = WIRE_HELLO, .a = 7};
    int fds[HELLO_FDS + 2];
    struct err e;

    for (size_t i = 0; i < n_fds; i++)
        fds[i] = s->estate.hello[i < HELLO_FAMILY ? i : HELLO_LOG];
    assert_int_equal(wire_send(s->fd, msg, SPAN("stile/test"), fds, n_fds, &e),
                     OK);
}

/* What it says first, within ten seconds; 0: it ended. */
static uint32_t
hear(struct scene *s)
{
    struct pollfd p = {.fd = s->fd, .events = POLLIN};
    struct err e;

    assert_int_equal(poll(&p, 1, 10000), 1);
    return wire_recv(s->fd, &in, &e) == OK ? in.msg.kind : 0;
}

TEST(a_loader_takes_what_an_older_and_what_a_newer_supervisor_sends)
{
    const size_t counts[] = {HELLO_LEAST, HELLO_FDS, HELLO_FDS + 2};

    for (size_t i = 0; i < COUNT(counts); i++) {
        struct scene s;
        begin(&s);
        hello(&s, counts[i]);
        assert_int_equal(hear(&s), WIRE_WANT_SOCKETS);
        assert_int_equal(end(&s), 1); /* nobody answered: it is refused */
    }
}

TEST(a_loader_passes_over_words_that_it_does_not_know)
{
    struct scene s;
    struct err e;

    begin(&s);
    assert_int_equal(wire_tell(s.fd, (enum wire_kind)1000, 0, 0, &e), OK);
    hello(&s, HELLO_FDS);
    assert_int_equal(hear(&s), WIRE_WANT_SOCKETS);
    end(&s);
}

TEST(a_loader_without_what_it_needs_does_not_start)
{
    struct scene s;

    begin(&s);
    hello(&s, HELLO_LEAST - 1);
    assert_int_equal(hear(&s), 0);
    assert_int_equal(end(&s), 2);
}
