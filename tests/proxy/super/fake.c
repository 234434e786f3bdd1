/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/proxy/super/fake.h"

#include "config/generation.h"
#include "proxy/observe/access.h"
#include "proxy/observe/log.h"
#include "proxy/super/loader.h"
#include "proxy/super/supervisor.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/* ------------------------------------------------------------ configuration */

static struct {
    struct generation g;
    struct gen_listener listeners[8];
    char text[4096];
    bool workers_die, workers_linger;
    bool control_dies, control_hangs, control_slow, control_lingers;
} made;

static void
listen_at(span rest)
{
    struct gen_listener *l = &made.listeners[made.g.n_listeners++];
    span host = span_cut(&rest, ' ');
    uint64_t port = 0;

    l->at.text = host;
    if (span_is(host, "unix")) {
        l->at.path = rest;
        return;
    }
    l->at.host = host;
    l->at.port = span_to_u64(rest, &port) ? (uint16_t)port : 0;
}

static void
read_line(span line, struct problems *problems)
{
    span rest = line;
    span word = span_cut(&rest, ' ');
    uint64_t n = 0;

    if (span_is(word, "listen"))
        listen_at(rest);
    else if (span_is(word, "workers") && span_to_u64(rest, &n))
        made.g.n_workers = (unsigned)n;
    else if (span_is(word, "admin"))
        made.g.admin_socket = rest;
    else if (span_is(word, "access"))
        made.g.access_log = rest;
    else if (span_is(word, "bad"))
        problem_add(problems, SPAN("stile.yaml"), 3, 7, "%.*s", SPAN_FMT(rest));
    if (span_is(word, "slow"))
        usleep(500000); /* longer than a test's volley of signals */
    made.workers_die |= span_is(word, "workers-die");
    made.workers_linger |= span_is(word, "workers-linger");
    made.control_dies |= span_is(word, "control-dies");
    made.control_slow |= span_is(word, "control-slow");
    made.control_hangs |= span_is(word, "control-hangs");
    made.control_lingers |= span_is(word, "control-lingers");
}

static enum err_code
fake_load(const char *path, const struct tickets *tickets,
          struct problems *problems, struct generation **out)
{
    (void)tickets;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = read(fd, made.text, sizeof(made.text));

    close(fd);
    made.g.listeners = made.listeners;
    made.g.limits.drain_ms = 2000;
    for (span rest = span_of(made.text, n > 0 ? (size_t)n : 0); rest.len;)
        read_line(span_cut(&rest, '\n'), problems);
    if (!problems_none(problems))
        return ERR_INVALID;
    *out = &made.g;
    return OK;
}

/* ------------------------------------------------------------------- worker */

static uint64_t
now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static struct wire_in in;

static void
answer(const struct worker_env *env, struct access *access, int fd)
{
    char text[64] = "";
    struct pollfd p = {.fd = fd, .events = POLLIN};

    if (poll(&p, 1, 1000) == 1 && read(fd, text, sizeof(text) - 1) > 0) {
        if (strncmp(text, "crash", 5) == 0)
            raise(SIGKILL);
        while (strncmp(text, "hang", 4) == 0)
            pause();
        access_begin(access);
        access_u64(access, "worker", env->index);
        access_end(access);
        access_flush(access);
        dprintf(fd, "%lu %u %d\n", (unsigned long)env->gen->number, env->index,
                (int)getpid());
    }
    close(fd);
}

static void
serve(const struct worker_env *env, struct access *access)
{
    for (size_t i = 0; i < env->n_listeners; i++) {
        int fd = accept4(env->listeners[i].fd, NULL, NULL, SOCK_CLOEXEC);
        if (fd >= 0)
            answer(env, access, fd);
    }
}

static int
fake_worker(const struct worker_env *env)
{
    struct err e = {0};
    struct access access;
    bool going = false;

    if (made.workers_die)
        return 9;
    access_init(&access, env->access_fd);
    stats_beat(env->stats, now_ms());
    if (wire_tell(env->loader_fd, WIRE_READY, 0, 0, &e))
        return 8;
    for (;;) {
        struct pollfd polled[17] = {{.fd = env->loader_fd, .events = POLLIN}};
        nfds_t n = 1;

        for (size_t i = 0; going && i < env->n_listeners && n < 17; i++)
            polled[n++] =
                (struct pollfd){.fd = env->listeners[i].fd, .events = POLLIN};
        poll(polled, n, 100);
        stats_beat(env->stats, now_ms());
        enum err_code code = wire_recv(env->loader_fd, &in, &e);
        if (code == ERR_IO && !going)
            return 7;
        if (code == ERR_IO) {
            usleep(1000); /* EOF for ever: supervisor and loader are gone */
        } else if (code == OK) {
            if (in.msg.kind == WIRE_DRAIN) {
                usleep(made.workers_linger ? 300000 : 0);
                return 0;
            }
            if (in.msg.kind == WIRE_GO)
                going = env->enter_sandbox(&e) == OK;
            if (in.msg.kind == WIRE_REOPEN_ACCESS)
                access_reopen(&access, in.fds[0]);
        }
        if (going)
            serve(env, &access);
    }
}

/* ------------------------------------------------------------------ control */

static int asking = -1;  /* who waits for the verdict of a reload */
static char state[4096]; /* what the supervisor last said of its processes */

static void
admin_call(const struct control_env *env)
{
    struct err e = {0};
    char text[64] = "";
    int fd = accept4(env->admin_fd, NULL, NULL, SOCK_CLOEXEC);
    struct pollfd p = {.fd = fd, .events = POLLIN};

    if (fd < 0)
        return;
    if (poll(&p, 1, 1000) != 1 || read(fd, text, sizeof(text) - 1) <= 0) {
        close(fd);
        return;
    }
    if (strncmp(text, "crash", 5) == 0)
        raise(SIGKILL);
    if (strncmp(text, "reload", 6) == 0 &&
        wire_tell(env->supervisor_fd, WIRE_RELOAD, 0, 0, &e) == OK) {
        asking = fd;
        return;
    }
    if (strncmp(text, "state", 5) == 0)
        dprintf(fd, "%s\n", state);
    else
        dprintf(fd, "%lu %d\n", (unsigned long)env->gen->number, (int)getpid());
    close(fd);
}

static void
verdict(void)
{
    if (asking < 0)
        return;
    dprintf(asking, "%s %lu %.*s", in.msg.a ? "ok" : "refused",
            (unsigned long)in.msg.b, SPAN_FMT(in.text));
    close(asking);
    asking = -1;
}

static int
fake_control_main(const struct control_env *env)
{
    struct err e = {0};
    bool serving = true;

    if (made.control_dies)
        return 5;
    usleep(made.control_slow ? 900000 : 0);
    if (!made.control_hangs &&
        wire_tell(env->supervisor_fd, WIRE_READY, 0, 0, &e))
        return 6;
    for (;;) {
        struct pollfd polled[2] = {
            {.fd = env->supervisor_fd, .events = POLLIN},
            {.fd = serving ? env->admin_fd : -1, .events = POLLIN}};

        poll(polled, 2, 100);
        enum err_code code = wire_recv(env->supervisor_fd, &in, &e);
        if (code == ERR_IO)
            usleep(1000);
        if (code == OK) {
            if (in.msg.kind == WIRE_RETIRE && made.control_lingers) {
                close(env->supervisor_fd); /* as a process that ends does */
                usleep(500000);
            }
            if (in.msg.kind == WIRE_RETIRE)
                return 0;
            if (in.msg.kind == WIRE_VERDICT)
                verdict();
            if (in.msg.kind == WIRE_STATE)
                snprintf(state, sizeof(state), "%.*s", SPAN_FMT(in.text));
            /* As the real one: who has let go leaves it to the next. */
            if (in.msg.kind == WIRE_STATS_GONE && serving &&
                wire_tell(env->supervisor_fd, WIRE_FOLDED, in.msg.a, 0, &e))
                return 4;
            if (in.msg.kind == WIRE_HANDOVER) {
                serving = false;
                if (wire_tell(env->supervisor_fd, WIRE_RELEASED, 0, 0, &e))
                    return 4;
            }
            if (in.msg.kind == WIRE_RESUME)
                serving = true;
            wire_close_fds(&in);
        }
        if (serving && env->admin_fd >= 0 && (polled[1].revents & POLLIN))
            admin_call(env);
    }
}

/* glibc gives constructors main's arguments: before cmocka, be a loader. */
__attribute__((constructor)) static void
maybe_be_loader(int argc, char **argv)
{
    if (argc < 6 || strcmp(argv[1], "loader") != 0)
        return;
    const struct loader_options o = {
        .fd = argv[3][0] - '0',
        .config = argv[5],
        .roles = {fake_load, fake_worker, fake_control_main}};
    exit(loader_main(&o));
}

/* --------------------------------------------------------------- for tests */

static uint16_t
free_port(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(bind(fd, (const struct sockaddr *)&at, len), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    close(fd);
    return ntohs(at.sin_port);
}

void
fake_begin(struct fake *f)
{
    *f = (struct fake){.dir = "/tmp/stile-super-XXXXXX"};
    assert_non_null(mkdtemp(f->dir));
    snprintf(f->config, sizeof(f->config), "%s/stile.yaml", f->dir);
    snprintf(f->log, sizeof(f->log), "%s/log", f->dir);
    snprintf(f->admin, sizeof(f->admin), "%s/admin.sock", f->dir);
    f->port = free_port();
    fake_configure(f, "");
}

void
fake_end(struct fake *f)
{
    char command[128];

    if (f->supervisor) {
        kill(f->supervisor, SIGTERM);
        fake_wait(f);
    }
    snprintf(command, sizeof(command), "rm -r %s", f->dir);
    assert_int_equal(system(command), 0); /* NOLINT(cert-env33-c): our own */
}

void
fake_configure(const struct fake *f, const char *lines)
{
    FILE *file = fopen(f->config, "w");

    assert_non_null(file);
    fprintf(file, "workers 2\nlisten 127.0.0.1 %u\nadmin %s\n%s", f->port,
            f->admin, lines);
    fclose(file);
}

void
fake_start_only(struct fake *f)
{
    static char self[256];

    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
    assert_true(n > 0);
    f->supervisor = fork();
    if (f->supervisor == 0) {
        /* What it prints to a person is kept beside its log. */
        char path[128];
        snprintf(path, sizeof(path), "%s/stderr", f->dir);
        int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
        dup2(fd, 2);
        const struct supervisor_options o = {
            .binary = self, .config = f->config, .log = f->log};
        _exit(supervisor_main(&o));
    }
}

void
fake_start(struct fake *f)
{
    fake_start_only(f);
    fake_until(f, 1);
}

int
fake_wait(struct fake *f)
{
    int status;

    for (int i = 0; i < 1000; i++) {
        if (waitpid(f->supervisor, &status, WNOHANG) == f->supervisor) {
            f->supervisor = 0;
            return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
        }
        usleep(10000);
    }
    kill(f->supervisor, SIGKILL);
    fail_msg("the supervisor did not end");
    return -1;
}

static int
exchange(int fd, const char *word, char *out, size_t size, int wait_ms)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    ssize_t n = 0;

    if (send(fd, word, strlen(word), MSG_NOSIGNAL) > 0 &&
        poll(&p, 1, wait_ms) == 1)
        n = read(fd, out, size - 1);
    close(fd);
    out[n > 0 ? n : 0] = '\0';
    return n > 0;
}

bool
fake_ask(const struct fake *f, const char *word, struct fake_answer *out,
         int wait_ms)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons(f->port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    char text[64];
    int pid = 0;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (connect(fd, (const struct sockaddr *)&at, sizeof(at))) {
        close(fd);
        return false;
    }
    if (!exchange(fd, word, text, sizeof(text), wait_ms))
        return false;
    int n = sscanf(text, "%lu %u %d", &out->generation, &out->index, &pid);
    out->pid = pid;
    return n == 3;
}

struct fake_answer
fake_until(const struct fake *f, unsigned long generation)
{
    struct fake_answer a = {0};

    for (uint64_t end = now_ms() + 10000; now_ms() < end; usleep(5000))
        if (fake_ask(f, "who\n", &a, 1000) && a.generation == generation)
            return a;
    fail_msg("generation %lu did not come; last was %lu", generation,
             a.generation);
    return a;
}

void
fake_control(const struct fake *f, const char *word, char *out, size_t size)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    snprintf(at.sun_path, sizeof(at.sun_path), "%s", f->admin);
    out[0] = '\0';
    if (connect(fd, (const struct sockaddr *)&at, sizeof(at)))
        close(fd);
    else
        exchange(fd, word, out, size, 5000);
}

const char *
fake_log(const struct fake *f, const char *text)
{
    static char log[1 << 20];

    for (uint64_t end = now_ms() + 10000; now_ms() < end; usleep(5000)) {
        int fd = open(f->log, O_RDONLY | O_CLOEXEC);
        ssize_t n = read(fd, log, sizeof(log) - 1);
        close(fd);
        log[n > 0 ? n : 0] = '\0';
        if (strstr(log, text))
            return log;
    }
    fail_msg("the log never said \"%s\":\n%s", text, log);
    return NULL;
}
