/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/super/supervisor.h"

#include "proxy/observe/log.h"
#include "proxy/super/super.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define TICK_MS    250       /* how late a deadline may be noticed */
#define TICKET_MS  43200000u /* 12 h */
#define STOP_MS    5000      /* control may take to leave */
#define POLLED_MAX (5 + GUESTS_MAX + (size_t)BROODS_MAX * (1 + WORKERS_MAX))

static uint64_t
clock_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* ----------------------------------------------------------------- signals */

static enum err_code
open_signals(struct super *s, struct err *e)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGUSR2);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    s->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (s->signal_fd < 0)
        return err_set(e, ERR_IO, "signals cannot be read: %s",
                       strerror(errno));
    return OK;
}

static void
pass_log(const struct super_control *c, int log)
{
    struct wire_msg msg = {.kind = WIRE_REOPEN_LOG};
    struct err e = {0};

    if (c->fd >= 0 && wire_send(c->fd, msg, (span){0}, &log, 1, &e))
        log_warn("control_not_told", "message=WIRE_REOPEN_LOG why=%s", e.text);
}

static void
reopen_logs(struct super *s)
{
    estate_reopen(&s->estate);
    log_info("logs_reopened");
    int log = s->estate.hello[HELLO_LOG];
    for (size_t i = 0; i < BROODS_MAX; i++) {
        struct brood *b = &s->broods[i];
        if (b->state == BROOD_FREE || b->state == BROOD_FOLDING)
            continue;
        brood_pass(b, WIRE_REOPEN_LOG, log);
        if (b->access_file >= 0)
            brood_pass(b, WIRE_REOPEN_ACCESS,
                       s->estate.files[b->access_file].fd);
    }
    pass_log(&s->control, log);
    pass_log(&s->reload.control, log);
}

static void
kill_all(struct super *s)
{
    log_warn("stopping_now");
    for (size_t i = 0; i < BROODS_MAX; i++) {
        struct brood *b = &s->broods[i];
        if (b->state == BROOD_FREE || b->state == BROOD_FOLDING)
            continue;
        brood_tell(b, WIRE_STOP, 0);
        b->deadline_ms = s->now_ms + 500; /* then by force */
    }
}

static void
stop(struct super *s)
{
    if (s->stopping) {
        kill_all(s);
        return;
    }
    s->stopping = true;
    log_info("stopping");
    notify_say(&s->notify, "STOPPING=1");
    if (s->reload.step != RELOAD_IDLE)
        reload_fail(s, "the supervisor was told to stop");
    for (size_t i = 0; i < BROODS_MAX; i++)
        if (s->broods[i].state == BROOD_LIVE)
            brood_drain(&s->broods[i], s->now_ms);
}

static void
reap(struct super *s)
{
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        /* All of a loader's last words are read before it is forgotten. */
        for (size_t i = 0; i < BROODS_MAX; i++) {
            struct brood *b = &s->broods[i];
            if (b->state != BROOD_FREE && b->loader == pid)
                talk_to_loader(s, b);
            if (brood_reaped(b, pid))
                break;
        }
    }
}

static void
read_signals(struct super *s)
{
    struct signalfd_siginfo info;

    while (read(s->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
        switch (info.ssi_signo) {
        case SIGHUP:
            log_info("reload_asked", "by=signal");
            reload_begin(s);
            break;
        case SIGUSR1:
            reopen_logs(s);
            break;
        case SIGUSR2:
            log_info("leaving");
            s->leaving = true;
            break;
        case SIGTERM:
        case SIGINT:
            stop(s);
            break;
        default: /* SIGCHLD: every turn looks after children */
            break;
        }
    }
}

/* -------------------------------------------------------------- each turn */

static void
sweep_sockets(struct super *s)
{
    const struct sockets_used *used[BROODS_MAX];
    size_t n = 0;

    for (size_t i = 0; i < BROODS_MAX; i++)
        if (s->broods[i].state != BROOD_FREE &&
            s->broods[i].state != BROOD_FOLDING)
            used[n++] = &s->broods[i].sockets;
    sockets_sweep(&s->sockets, used, n);
}

/* No process of it is left: its numbers stay until control has added them. */
static void
bury(struct super *s, struct brood *b)
{
    bool counted = b->n_workers > 0 && b->state == BROOD_DRAINING;

    log_info("generation_gone", "generation=%lu", (unsigned long)b->number);
    if (b == s->live)
        s->live = NULL;
    if (counted && !s->stopping)
        b->state = BROOD_FOLDING;
    else
        brood_close(b);
    if (counted && !s->stopping)
        control_tell_gone(s, b);
    control_tell(s, &s->control, WIRE_OLDEST, super_oldest(s), 0, (span){0});
    sweep_sockets(s);
    control_tell_state(s);
}

static void
look_after(struct super *s, struct brood *b)
{
    if (b->state == BROOD_FREE || b->state == BROOD_FOLDING)
        return;
    if (b->loader_fd < 0 && b->loader == 0)
        brood_watch_orphans(b);
    if (b->deadline_ms && s->now_ms >= b->deadline_ms) {
        log_error("killed_late", "generation=%lu", (unsigned long)b->number);
        brood_kill(b);
        b->deadline_ms = s->now_ms + TICK_MS; /* its orphans next */
    }
    /* A live one whose workers all died stays: a new generation is coming. */
    if (brood_is_empty(b) && b->loader_fd < 0 &&
        (b != s->live || s->stopping) && !s->family.is_waiting)
        bury(s, b);
}

static bool
any_brood(const struct super *s)
{
    for (size_t i = 0; i < BROODS_MAX; i++)
        if (s->broods[i].state != BROOD_FREE &&
            s->broods[i].state != BROOD_FOLDING)
            return true;
    return false;
}

/* Whose parent has gone is our child: so this is anybody below us. */
static bool
has_children(void)
{
    siginfo_t info;

    return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

/* Every child of ours that is left, by the kernel's list. */
static void
kill_left(void)
{
    char text[4096];
    int fd = open("/proc/thread-self/children", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, text, sizeof(text)) : -1;
    uint64_t pid;

    if (fd >= 0)
        close(fd);
    for (span rest = span_of(text, n > 0 ? (size_t)n : 0); rest.len;)
        if (span_to_u64(span_cut(&rest, ' '), &pid) && pid > 1) {
            log_error("left_behind", "pid=%lu", (unsigned long)pid);
            kill((pid_t)pid, SIGKILL);
        }
}

/*
 * Workers first, control last: it answers and counts to the end. Its socket is
 * closed a moment before it is no more, so it is waited for: who sees us end
 * finds nobody left.
 */
static void
stop_on(struct super *s)
{
    if (!s->stopping || any_brood(s))
        return;
    if (s->control.fd < 0 && !has_children()) {
        s->done = true;
        return;
    }
    if (!s->stop_deadline_ms) {
        control_tell(s, &s->control, WIRE_RETIRE, 0, 0, (span){0});
        s->stop_deadline_ms = s->now_ms + STOP_MS;
    } else if (s->now_ms >= s->stop_deadline_ms) {
        if (s->control.fd >= 0)
            kill(s->control.pid, SIGKILL);
        kill_left();
        s->done = true;
    }
}

static void
pet_watchdog(struct super *s)
{
    if (!s->notify.watchdog_ms || !s->live || s->now_ms < s->next_pet_ms)
        return;
    s->next_pet_ms = s->now_ms + s->notify.watchdog_ms / 2;
    if (brood_is_fresh(s->live, s->now_ms))
        notify_say(&s->notify, "WATCHDOG=1");
}

static void
tick(struct super *s)
{
    family_tick(s);
    reload_tick(s);
    if (s->control_retry_ms && s->now_ms >= s->control_retry_ms) {
        s->control_retry_ms = 0;
        if (s->live && s->live->loader_fd >= 0 && s->control.fd < 0 &&
            s->reload.step < RELOAD_TAKING)
            brood_tell(s->live, WIRE_START_CONTROL, 0);
    }
    if (s->now_ms >= s->next_ticket_ms) {
        if (s->next_ticket_ms)
            estate_rotate(&s->estate);
        s->next_ticket_ms = s->now_ms + TICKET_MS;
    }
    pet_watchdog(s);
    stop_on(s);
    s->done |=
        s->leaving && !s->stopping && s->live && s->reload.step == RELOAD_IDLE;
}

static void
add_polled(struct pollfd *polled, nfds_t *n, int fd)
{
    if (fd >= 0)
        polled[(*n)++] = (struct pollfd){.fd = fd, .events = POLLIN};
}

static void
wait_for_something(const struct super *s)
{
    static struct pollfd polled[POLLED_MAX];
    nfds_t n = 0;

    add_polled(polled, &n, s->signal_fd);
    add_polled(polled, &n, s->control.fd);
    add_polled(polled, &n, s->reload.control.fd);
    add_polled(polled, &n, s->retired.fd);
    add_polled(polled, &n, s->family.home_fd);
    for (size_t i = 0; i < GUESTS_MAX; i++)
        add_polled(polled, &n, s->family.guests[i].fd);
    for (size_t i = 0; i < BROODS_MAX; i++) {
        const struct brood *b = &s->broods[i];
        if (b->state == BROOD_FREE)
            continue;
        add_polled(polled, &n, b->loader_fd);
        for (size_t w = 0; b->loader_fd < 0 && w < WORKERS_MAX; w++)
            add_polled(polled, &n, b->workers[w].fd);
    }
    poll(polled, n, TICK_MS);
}

static void
turn(struct super *s)
{
    wait_for_something(s);
    s->now_ms = clock_ms();
    /* Everything is non-blocking, so asking all is simpler than knowing whom. */
    family_hear(s);
    for (size_t i = 0; i < BROODS_MAX; i++)
        if (s->broods[i].state != BROOD_FREE)
            talk_to_loader(s, &s->broods[i]);
    talk_to_control(s, &s->control);
    talk_to_control(s, &s->reload.control);
    talk_to_control(s, &s->retired);
    read_signals(s);
    reap(s);
    for (size_t i = 0; i < BROODS_MAX; i++)
        look_after(s, &s->broods[i]);
    tick(s);
}

/* -------------------------------------------------------------- start, end */

/* A worker's connections are descriptors: take all that we may have. */
static void
raise_descriptors(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit))
        return;
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit))
        log_warn("descriptors", "why=%s", strerror(errno));
}

static const char *
own_binary(void)
{
    static char path[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);

    if (n <= 0)
        return NULL;
    path[n] = '\0';
    return path;
}

static enum err_code
open_all(struct super *s, struct err *e)
{
    s->binary = s->options->binary ? s->options->binary : own_binary();
    if (!s->binary)
        return err_set(e, ERR_IO, "our own binary cannot be found: %s",
                       strerror(errno));
    for (size_t i = 0; i < BROODS_MAX; i++)
        s->broods[i].loader_fd = -1;
    buf_init(&s->reload.text, RELOAD_TEXT_MAX);
    raise_descriptors();
    /* Workers whose loader died become our children: to wait for, to kill. */
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    notify_open(&s->notify);
    if (open_signals(s, e) || estate_open(&s->estate, s->options->log, e))
        return e->code;
    log_open(s->estate.hello[HELLO_LOG], "supervisor");
    sockets_take_given(&s->sockets);
    if (s->options->user) {
        s->sockets.owner = s->options->user_uid;
        home_trust(s->options->user_uid);
    }
    home_name(s->options->config, s->estate.home);
    s->now_ms = clock_ms();
    return family_open(s, e);
}

/* Who left closes nothing: as if it had been killed, but in a quiet moment. */
static void
close_all(struct super *s)
{
    if (s->leaving && !s->stopping) {
        log_info("left");
        return;
    }
    for (size_t i = 0; i < BROODS_MAX; i++) {
        if (s->broods[i].state == BROOD_FREE)
            continue;
        brood_kill(&s->broods[i]);
        brood_close(&s->broods[i]);
    }
    control_close(&s->control);
    control_close(&s->retired);
    sockets_sweep(&s->sockets, NULL, 0);
    log_info("stopped");
    estate_close(&s->estate);
    family_close(s);
    notify_close(&s->notify);
    buf_fini(&s->reload.text);
    close(s->signal_fd);
}

int
supervisor_main(const struct supervisor_options *options)
{
    static struct super super;
    struct err e = {0};

    super = (struct super){.options = options,
                           .control = {.fd = -1},
                           .retired = {.fd = -1},
                           .reload = {.control = {.fd = -1}}};
    if (open_all(&super, &e)) {
        fprintf(stderr, "stile: %s\n", e.text);
        return 2;
    }
    if (!super.family.is_waiting)
        reload_begin(&super);
    while (!super.done)
        turn(&super);
    close_all(&super);
    return super.exit_code;
}
