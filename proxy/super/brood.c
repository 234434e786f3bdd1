/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/super/brood.h"

#include "proxy/observe/log.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define LOADER_FD 3 /* its number in the loader */

const char *
brood_state_name(enum brood_state state)
{
    static const char *const names[] = {
#define X(state, name) name,
        BROOD_STATES(X)
#undef X
    };

    return names[state];
}

/* ------------------------------------------------------------------- start */

/* In the child: nothing but the socket and the standard three is inherited. */
static _Noreturn void
become_loader(int fd, const struct brood_command *command)
{
    char number[8];
    const char *argv[] = {command->binary,
                          "loader",
                          "--fd",
                          number,
                          "--config",
                          command->config,
                          command->user ? "--user" : NULL,
                          command->user,
                          NULL};
    char *words[COUNT(argv)];
    sigset_t none;

    memcpy(words, argv, sizeof(words)); /* execv takes them without const */
    snprintf(number, sizeof(number), "%d", LOADER_FD);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    setpgid(0, 0); /* the terminal's ^C is for the supervisor alone */
    if (fd == LOADER_FD)
        fcntl(fd, F_SETFD, 0);
    else if (dup2(fd, LOADER_FD) < 0)
        _exit(126);
    close_range(LOADER_FD + 1, ~0u, 0);
    execv(command->binary, words);
    _exit(127);
}

static const struct brood_worker no_worker = {.fd = -1, .pidfd = -1};

static void
init(struct brood *b, uint64_t number)
{
    *b = (struct brood){.state = BROOD_LOADING,
                        .number = number,
                        .loader_fd = -1,
                        .loader_pidfd = -1,
                        .access_file = -1};
    for (size_t i = 0; i < WORKERS_MAX; i++) {
        b->workers[i] = no_worker;
        b->stats_fds[i] = -1;
    }
}

enum err_code
brood_start(struct brood *b, const struct brood_command *command,
            uint64_t number, const struct estate *estate, struct err *e)
{
    int fds[2];

    init(b, number);
    if (wire_pair(fds, e)) {
        b->state = BROOD_FREE;
        return e->code;
    }
    b->loader = fork();
    if (b->loader == 0)
        become_loader(fds[1], command);
    close(fds[1]);
    b->loader_fd = fds[0];
    if (b->loader < 0) {
        b->loader = 0;
        err_set(e, ERR_IO, "no loader can be forked: %s", strerror(errno));
        brood_close(b);
        return ERR_IO;
    }
    struct wire_msg hello = {.kind = WIRE_HELLO, .a = number};
    return wire_send(b->loader_fd, hello, span_str(estate->home), estate->hello,
                     HELLO_FDS, e);
}

/* --------------------------------------------------------------- adoption */

void
brood_adopt(struct brood *b, uint64_t number)
{
    init(b, number);
    b->state = BROOD_LIVE;
}

void
brood_adopt_loader(struct brood *b, pid_t pid, int fd)
{
    b->is_adopted = true;
    b->loader = pid;
    b->loader_fd = fd;
    b->loader_pidfd = pidfd_open(pid, 0);
    if (b->loader_pidfd < 0)
        log_warn("loader_not_held", "pid=%d why=%s", (int)pid, strerror(errno));
}

enum err_code
brood_adopt_stats(struct brood *b, int *fds, size_t n, struct err *e)
{
    const void *at;

    for (size_t i = 0; i < n && i < WORKERS_MAX; i++) {
        if (b->stats[i])
            continue; /* loader and control both bring them */
        if (segment_map_read(SEGMENT_STATS, fds[i], &at, e))
            return e->code;
        b->stats[i] = at;
        b->stats_fds[i] = fds[i];
        fds[i] = -1;
    }
    if (n > b->n_workers)
        b->n_workers = n;
    return OK;
}

void
brood_loader_gone(struct brood *b)
{
    close(b->loader_fd);
    b->loader_fd = -1;
    if (!b->is_adopted)
        return; /* it is reaped */
    b->loader = 0;
    if (b->loader_pidfd >= 0)
        close(b->loader_pidfd);
    b->loader_pidfd = -1;
}

enum err_code
brood_give_stats(struct brood *b, uint64_t n, struct err *e)
{
    const void *at;

    if (n == 0 || n > WORKERS_MAX || b->n_workers)
        return err_set(e, ERR_INVALID, "%lu workers are not possible",
                       (unsigned long)n);
    for (size_t i = 0; i < n; i++) {
        if (segment_create(SEGMENT_STATS, &b->stats_fds[i], e) ||
            segment_map_read(SEGMENT_STATS, b->stats_fds[i], &at, e))
            return e->code;
        b->stats[i] = at;
    }
    b->n_workers = n;
    struct wire_msg msg = {.kind = WIRE_WORKER_STATS};
    return wire_send(b->loader_fd, msg, (span){0}, b->stats_fds, n, e);
}

/* ----------------------------------------------------------------- workers */

void
brood_drop_worker(struct brood *b, uint64_t index)
{
    if (index >= WORKERS_MAX)
        return;
    if (b->workers[index].fd >= 0)
        close(b->workers[index].fd);
    if (b->workers[index].pidfd >= 0)
        close(b->workers[index].pidfd);
    b->workers[index] = no_worker;
}

void
brood_add_worker(struct brood *b, uint64_t index, pid_t pid, int fd)
{
    if (index >= b->n_workers || pid <= 0) {
        close(fd);
        return;
    }
    brood_drop_worker(b, index);
    b->workers[index] = (struct brood_worker){pid, fd, pidfd_open(pid, 0)};
}

/* ------------------------------------------------------------------ orders */

static void
kill_loader(const struct brood *b)
{
    if (!b->is_adopted && b->loader > 0)
        kill(b->loader, SIGKILL);
    else if (b->loader_pidfd >= 0 &&
             pidfd_send_signal(b->loader_pidfd, SIGKILL, NULL, 0))
        log_warn("loader_not_killed", "pid=%d why=%s", (int)b->loader,
                 strerror(errno));
}

void
brood_tell(struct brood *b, enum wire_kind kind, uint64_t a)
{
    struct err e = {0};

    if (b->loader_fd < 0 || wire_tell(b->loader_fd, kind, a, 0, &e) == OK)
        return;
    log_error("loader_not_told", "generation=%lu message=%s why=%s",
              (unsigned long)b->number, wire_name(kind), e.text);
    kill_loader(b);
}

/* To every worker whose loader is dead. */
static void
tell_orphans(struct brood *b, struct wire_msg msg, const int *fd)
{
    struct err e = {0};

    for (size_t i = 0; i < WORKERS_MAX; i++)
        if (b->workers[i].fd >= 0 &&
            wire_send(b->workers[i].fd, msg, (span){0}, fd, fd != NULL, &e))
            log_warn("worker_not_told", "generation=%lu index=%zu why=%s",
                     (unsigned long)b->number, i, e.text);
}

void
brood_pass(struct brood *b, enum wire_kind kind, int fd)
{
    struct wire_msg msg = {.kind = (uint32_t)kind};
    struct err e = {0};

    if (b->loader_fd < 0)
        tell_orphans(b, msg, &fd);
    else if (wire_send(b->loader_fd, msg, (span){0}, &fd, 1, &e))
        log_warn("loader_not_told", "generation=%lu message=%s why=%s",
                 (unsigned long)b->number, wire_name(kind), e.text);
}

void
brood_drain(struct brood *b, uint64_t now_ms)
{
    struct wire_msg msg = {.kind = WIRE_DRAIN, .a = b->drain_ms};

    b->state = BROOD_DRAINING;
    b->deadline_ms = now_ms + b->drain_ms + 2 * (uint64_t)LATE_MS;
    log_info("draining", "generation=%lu deadline_ms=%lu",
             (unsigned long)b->number, (unsigned long)b->drain_ms);
    if (b->loader_fd >= 0)
        brood_tell(b, WIRE_DRAIN, b->drain_ms);
    else
        tell_orphans(b, msg, NULL);
}

/* A pid that its dead loader may have reaped could be anybody's by now. */
static bool
is_our_child(pid_t pid)
{
    siginfo_t info;

    return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

/* The workers of an adopted loader never become our children. */
static void
kill_worker(const struct brood_worker *w)
{
    if (w->pidfd >= 0)
        (void)pidfd_send_signal(w->pidfd, SIGKILL, NULL, 0);
    else if (is_our_child(w->pid))
        kill(w->pid, SIGKILL);
}

void
brood_kill(struct brood *b)
{
    if (b->loader > 0) {
        kill_loader(b); /* its workers become our children then */
        return;
    }
    for (size_t i = 0; i < WORKERS_MAX; i++)
        if (b->workers[i].pid > 0)
            kill_worker(&b->workers[i]);
}

/* -------------------------------------------------------------------- ends */

bool
brood_reaped(struct brood *b, pid_t pid)
{
    if (b->state == BROOD_FREE)
        return false;
    if (b->loader == pid) {
        b->loader = 0;
        return true;
    }
    for (size_t i = 0; i < WORKERS_MAX; i++) {
        if (b->workers[i].pid != pid)
            continue;
        brood_drop_worker(b, i);
        return true;
    }
    return false;
}

void
brood_watch_orphans(struct brood *b)
{
    static struct wire_in in;
    struct err e = {0};

    for (size_t i = 0; i < WORKERS_MAX; i++) {
        if (b->workers[i].fd < 0)
            continue;
        /* Ends: its queue is finite and nobody else reads it. */
        enum err_code code;
        while ((code = wire_recv(b->workers[i].fd, &in, &e)) == OK)
            wire_close_fds(&in);
        if (code == ERR_IO)
            brood_drop_worker(b, i);
    }
}

bool
brood_is_empty(const struct brood *b)
{
    if (b->loader)
        return false;
    for (size_t i = 0; i < WORKERS_MAX; i++)
        if (b->workers[i].pid)
            return false;
    return true;
}

bool
brood_is_fresh(const struct brood *b, uint64_t now_ms)
{
    for (size_t i = 0; i < b->n_workers && b->stats[i]; i++) {
        uint64_t beat = atomic_load_explicit(&b->stats[i]->heartbeat_ms,
                                             memory_order_relaxed);
        if (now_ms > beat && now_ms - beat > STATS_STALE_MS)
            return false;
    }
    return true;
}

void
brood_close(struct brood *b)
{
    for (size_t i = 0; i < WORKERS_MAX; i++) {
        brood_drop_worker(b, i);
        segment_unmap(SEGMENT_STATS, b->stats[i]);
        if (b->stats_fds[i] >= 0)
            close(b->stats_fds[i]);
    }
    if (b->loader_fd >= 0)
        close(b->loader_fd);
    if (b->loader_pidfd >= 0)
        close(b->loader_pidfd);
    *b = (struct brood){
        .state = BROOD_FREE, .loader_fd = -1, .loader_pidfd = -1};
}
