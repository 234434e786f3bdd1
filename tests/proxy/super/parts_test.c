/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The supervisor's small parts by themselves: notify, estate, sandbox.
 */
#include "proxy/super/estate.h"
#include "proxy/super/notify.h"
#include "proxy/super/sandbox.h"
#include "tests/test.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

TEST(systemd_hears_each_word_and_children_do_not_inherit_its_address)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    struct notify n;
    char name[64], text[64] = "";
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    int len = snprintf(name, sizeof(name), "@stile-notify-%d", (int)getpid());
    memcpy(at.sun_path, name, (size_t)len);
    at.sun_path[0] = '\0';
    socklen_t size =
        (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)len);
    assert_int_equal(bind(fd, (const struct sockaddr *)&at, size), 0);
    setenv("NOTIFY_SOCKET", name, 1);
    setenv("WATCHDOG_USEC", "3000000", 1);
    notify_open(&n);
    assert_null(getenv("NOTIFY_SOCKET"));
    assert_int_equal(n.watchdog_ms, 3000);
    notify_say(&n, "READY=1");
    assert_int_equal(read(fd, text, sizeof(text)), 7);
    assert_string_equal(text, "READY=1");
    notify_close(&n);
    close(fd);
}

TEST(without_systemd_nothing_is_said)
{
    struct notify n;

    unsetenv("NOTIFY_SOCKET");
    notify_open(&n);
    assert_int_equal(n.fd, -1);
    notify_say(&n, "READY=1");
    notify_close(&n);
}

TEST(the_estate_gives_workers_nothing_to_write_but_latches)
{
    static const struct {
        enum segment_kind kind;
        enum hello_fd at;
        enum err_code writable;
    } cases[] = {
        {SEGMENT_WEIGHTS, HELLO_WEIGHTS, OK},
        {SEGMENT_WEIGHTS, HELLO_WEIGHTS_READ, ERR_IO},
        {SEGMENT_LATCHES, HELLO_LATCHES, OK},
        {SEGMENT_ENDPOINTS, HELLO_ENDPOINTS, OK},
        {SEGMENT_ENDPOINTS, HELLO_ENDPOINTS_READ, ERR_IO},
        {SEGMENT_TICKETS, HELLO_TICKETS_READ, ERR_IO},
        {SEGMENT_STATS, HELLO_TOTALS, OK},
        {SEGMENT_RECORDS, HELLO_RECORDS, OK},
        {SEGMENT_GATES, HELLO_GATES, OK},
    };
    static struct estate s;
    struct err e = {0};
    const void *tickets;
    struct ticket_keys keys;

    assert_int_equal(estate_open(&s, NULL, &e), OK);
    for (size_t i = 0; i < COUNT(cases); i++) {
        void *at = NULL;
        assert_int_equal(
            segment_map(cases[i].kind, s.hello[cases[i].at], &at, &e),
            cases[i].writable);
        segment_unmap(cases[i].kind, at);
    }
    assert_int_equal(segment_map_read(SEGMENT_TICKETS,
                                      s.hello[HELLO_TICKETS_READ], &tickets,
                                      &e),
                     OK);
    assert_true(tickets_read(tickets, &keys));
    assert_int_not_equal(memcmp(keys.key[0], keys.key[1], TICKET_BYTES), 0);
    assert_int_not_equal(memcmp(keys.key[1], keys.key[2], TICKET_BYTES), 0);
    segment_unmap(SEGMENT_TICKETS, tickets);
    estate_close(&s);
}

TEST(a_log_file_is_opened_once_and_a_bad_path_is_refused)
{
    static struct estate s;
    struct err e = {0};
    char path[64];
    int a = -1, b = -1;

    snprintf(path, sizeof(path), "/tmp/stile-access-%d", (int)getpid());
    assert_int_equal(estate_open(&s, NULL, &e), OK);
    assert_int_equal(estate_file(&s, span_str(path), &a, &e), OK);
    assert_int_equal(estate_file(&s, span_str(path), &b, &e), OK);
    assert_int_equal(a, b);
    assert_int_equal(estate_file(&s, SPAN("/nonexistent/x"), &b, &e), ERR_IO);
    assert_int_equal(estate_file(&s, SPAN("a\0b"), &b, &e), ERR_INVALID);
    estate_close(&s);
    unlink(path);
}

#ifdef STILE_SANDBOX
/* How a process ends that does `what` in the sandbox. */
static int
in_sandbox(int (*what)(void))
{
    int status = 0;
    pid_t pid = fork();

    if (pid == 0) {
        struct err e = {0};
        _exit(sandbox_enter(&e) ? 99 : what());
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFSIGNALED(status) ? 1000 + WTERMSIG(status) : WEXITSTATUS(status);
}

static int
opens(void)
{
    return open("/etc/passwd", O_RDONLY) < 0 && errno == EPERM ? 1 : 0;
}

static int
executes(void)
{
    execl("/bin/true", "true", NULL);
    return 0;
}

static int
forks(void)
{
    return fork() == 0 ? 0 : 1;
}

static int
makes_code(void)
{
    void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    void *q = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    return p == MAP_FAILED && q != MAP_FAILED &&
                   mprotect(q, 4096, PROT_READ | PROT_EXEC) != 0
               ? 1
               : 0;
}

static int
signals_others(void)
{
    return kill(getppid(), 0) && errno == EPERM ? 1 : 0;
}

static int
aborts(void)
{
    abort(); /* an assertion of ours must still say who it was */
}

static int
traces(void)
{
    ptrace(PTRACE_ATTACH, getppid(), NULL, NULL);
    return 0;
}

/* The way to the admin socket. */
static int
calls_control(void)
{
    return socket(AF_UNIX, SOCK_STREAM, 0) < 0 && errno == EPERM ? 1 : 0;
}

static int
renames_itself(void)
{
    return prctl(PR_SET_NAME, "stile", 0, 0, 0) && errno == EPERM ? 1 : 0;
}

static int
works(void)
{
    int fds[2];
    char c = 'x';
    struct timespec t;

    if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0)
        return 0;              /* what the data path does not need is refused */
    char *p = malloc(1 << 20); /* by mmap */
    if (!p)
        return 0;
    free(p);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    return fd >= 0 && clock_gettime(CLOCK_MONOTONIC, &t) == 0 &&
                   send(fd, &c, 1, MSG_NOSIGNAL) < 0 && errno == EPIPE
               ? 1
               : 0;
}

TEST(in_the_sandbox_nothing_is_opened_executed_forked_or_made_code)
{
    static const struct {
        int (*what)(void);
        int end;
    } cases[] = {
        {opens, 1},
        {executes, 1000 + SIGSYS},
        {forks, 1000 + SIGSYS},
        {makes_code, 1},
        {signals_others, 1},
        {traces, 1000 + SIGSYS},
        {calls_control, 1},
        {renames_itself, 1},
        {works, 1},
        {aborts, 1000 + SIGABRT},
    };

    for (size_t i = 0; i < COUNT(cases); i++)
        if (in_sandbox(cases[i].what) != cases[i].end)
            fail_msg("case %zu ends with %d", i, in_sandbox(cases[i].what));
}
#endif
