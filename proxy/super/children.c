/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/super/children.h"

#include "proxy/observe/log.h"
#include "proxy/super/orphan.h"
#include "proxy/super/privileges.h"
#include "proxy/super/sandbox.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define GAP_FIRST_MS 50
#define GAP_MOST_MS  1000
#define WELL_MS      1000  /* it lived this long: the next is forked at once */
#define LOOP_MS      30000 /* five deaths within: a crash loop */

/* ------------------------------------------------------- in the new process */

/* What this process is, for the day on which its supervisor is no more. */
static struct {
    const struct children *children;
    enum home_role role;
    unsigned index;
} own;

static int
come_home(void)
{
    return orphan_come_home(own.children, own.role, own.index);
}

static void
set_own(const struct children *c, enum home_role role, unsigned index)
{
    own.children = c;
    own.role = role;
    own.index = index;
}

/* Only what it was given: another worker's sockets are none of its business. */
static void
close_common(const struct children *c)
{
    if (c->supervisor_fd >= 0)
        close(c->supervisor_fd);
    close(c->signal_fd);
    for (unsigned i = 0; i < c->n; i++)
        if (c->workers[i].fd >= 0)
            close(c->workers[i].fd);
}

static void
start_role(const char *role, const struct children *c, int index)
{
    char name[16];
    char who[32];
    sigset_t none;
    struct err e;

    snprintf(name, sizeof(name), "stile-%s", role);
    prctl(PR_SET_NAME, name, 0, 0, 0);
    if (index < 0)
        snprintf(who, sizeof(who), "%s.%lu", role, (unsigned long)c->number);
    else
        snprintf(who, sizeof(who), "%s.%lu.%d", role, (unsigned long)c->number,
                 index);
    log_open(c->hello[HELLO_LOG], who);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (privileges_drop(index < 0 ? PRIVILEGES_FILES : PRIVILEGES_NONE, &e)) {
        log_error("start_failed", "why=%s", e.text);
        exit(3);
    }
}

static const void *
map_read(enum segment_kind kind, int fd)
{
    const void *at = NULL;
    struct err e = {0};

    if (segment_map_read(kind, fd, &at, &e)) {
        log_error("segment_refused", "why=%s", e.text);
        exit(3);
    }
    return at;
}

static void *
map_write(enum segment_kind kind, int fd)
{
    void *at = NULL;
    struct err e = {0};

    if (segment_map(kind, fd, &at, &e)) {
        log_error("segment_refused", "why=%s", e.text);
        exit(3);
    }
    return at;
}

/* A supervisor that is too old has none; then no rollout can be judged. */
static struct gates *
map_gates(const struct children *c)
{
    int fd = c->hello[HELLO_GATES];

    return fd < 0 ? NULL : map_write(SEGMENT_GATES, fd);
}

static bool
serves(const struct children *c, const struct children_sockets *s, size_t slot,
       unsigned index)
{
    /* Fewer than workers: a Unix socket, or one of systemd's, is for all. */
    return s->n < c->n ? slot == index % s->n : slot % c->n == index;
}

/* Its slots into `out`; all others are closed. */
static size_t
pick_listeners(const struct children *c, unsigned index,
               struct env_listener *out)
{
    size_t n = 0;

    for (size_t l = 0; l < c->gen->n_listeners; l++) {
        const struct children_sockets *s = &c->listeners[l];
        for (size_t slot = 0; slot < s->n; slot++) {
            if (serves(c, s, slot, index))
                out[n++] = (struct env_listener){s->fds[slot], l};
            else
                close(s->fds[slot]);
        }
    }
    return n;
}

/* What no worker may have: the segments to write, control's sockets. */
static void
close_of_control(const struct children *c)
{
    static const enum hello_fd all[] = {HELLO_WEIGHTS, HELLO_ENDPOINTS,
                                        HELLO_TOTALS,  HELLO_REPORT_RECEIVE,
                                        HELLO_RECORDS, HELLO_TICKETS};

    for (size_t i = 0; i < COUNT(all); i++)
        if (c->hello[all[i]] >= 0)
            close(c->hello[all[i]]);
    for (unsigned i = 0; i < c->n; i++)
        close(c->stats_fds[i]);
    if (c->observe.n)
        close(c->observe.fds[0]);
    if (c->remote.n)
        close(c->remote.fds[0]);
    if (c->admin.n)
        close(c->admin.fds[0]);
}

static bool
has_unix_endpoint(const struct generation *g)
{
    for (size_t p = 0; p < g->n_pools; p++)
        for (size_t i = 0; i < g->pools[p].n_endpoints; i++)
            if (g->pools[p].endpoints[i].path.len)
                return true;
    return false;
}

static _Noreturn void
be_worker(struct children *c, unsigned i, int fd)
{
    static struct env_listener listeners[LISTENERS_MAX * WORKERS_MAX];

    start_role("worker", c, (int)i);
    set_own(c, HOME_WORKER, i);
    orphan_make_sockets();
    struct worker_env env = {
        .gen = c->gen,
        .index = i,
        .n_workers = c->n,
        .listeners = listeners,
        .n_listeners = pick_listeners(c, i, listeners),
        .loader_fd = fd,
        .weights = map_read(SEGMENT_WEIGHTS, c->hello[HELLO_WEIGHTS_READ]),
        .latches = map_write(SEGMENT_LATCHES, c->hello[HELLO_LATCHES]),
        .gates = map_gates(c),
        .endpoints =
            map_read(SEGMENT_ENDPOINTS, c->hello[HELLO_ENDPOINTS_READ]),
        .stats = map_write(SEGMENT_STATS, c->stats_fds[i]),
        .tickets = map_read(SEGMENT_TICKETS, c->hello[HELLO_TICKETS_READ]),
        .rates = c->rates,
        .counts = c->counts,
        .log_fd = c->hello[HELLO_LOG],
        .access_fd = c->access_fd,
        .exposure_fd = c->exposure_fd,
        .report_fd = c->hello[HELLO_REPORT_SEND],
        .enter_sandbox =
            has_unix_endpoint(c->gen) ? sandbox_enter_unix : sandbox_enter,
        .come_home = come_home,
    };
    for (unsigned k = 0; k < c->n; k++)
        segment_unmap(SEGMENT_STATS, c->stats[k]);
    close_of_control(c);
    close_common(c);
    exit(c->options->roles.worker(&env));
}

static _Noreturn void
be_control(struct children *c, int fd)
{
    start_role("control", c, -1);
    set_own(c, HOME_CONTROL, 0);
    struct control_env env = {
        .gen = c->gen,
        .admin_fd = c->admin.n ? c->admin.fds[0] : -1,
        .remote_fd = c->remote.n ? c->remote.fds[0] : -1,
        .observe_fd = c->observe.n ? c->observe.fds[0] : -1,
        .supervisor_fd = fd,
        .weights = map_write(SEGMENT_WEIGHTS, c->hello[HELLO_WEIGHTS]),
        .latches = map_write(SEGMENT_LATCHES, c->hello[HELLO_LATCHES]),
        .gates = map_gates(c),
        .endpoints = map_write(SEGMENT_ENDPOINTS, c->hello[HELLO_ENDPOINTS]),
        .totals = map_write(SEGMENT_STATS, c->hello[HELLO_TOTALS]),
        .records = map_write(SEGMENT_RECORDS, c->hello[HELLO_RECORDS]),
        .report_fd = c->hello[HELLO_REPORT_RECEIVE],
        .log_fd = c->hello[HELLO_LOG],
        .come_home = come_home,
    };
    /* The listening sockets stay: it may be the last who holds them. */
    close_common(c);
    exit(c->options->roles.control(&env));
}

/* -------------------------------------------------------------------- forks */

/* Tell the supervisor, which gets a handle of its own on the socket. */
static void
announce(struct children *c, enum wire_kind kind, uint64_t index, pid_t pid,
         int fd)
{
    struct wire_msg msg = {
        .kind = (uint32_t)kind, .a = index, .b = (uint64_t)pid};
    struct err e = {0};

    if (c->supervisor_fd >= 0 &&
        wire_send(c->supervisor_fd, msg, (span){0}, &fd, 1, &e))
        log_warn("supervisor_not_told", "message=%s why=%s", wire_name(kind),
                 e.text);
}

static void
try_later(struct child *child, uint64_t now_ms)
{
    child->gap_ms = child->gap_ms ? 2 * child->gap_ms : GAP_FIRST_MS;
    if (child->gap_ms > GAP_MOST_MS)
        child->gap_ms = GAP_MOST_MS;
    child->again_ms = now_ms + child->gap_ms;
}

/* 0 in the child, with *fd its end of a socket whose other end we keep. */
static pid_t
fork_child(struct child *child, int fds[2], uint64_t now_ms)
{
    struct err e = {0};

    child->again_ms = 0;
    child->ready = child->ends = false;
    child->started_ms = now_ms;
    if (wire_pair(fds, &e)) {
        log_error("fork_failed", "why=%s", e.text);
        try_later(child, now_ms);
        return -1;
    }
    pid_t pid = fork();
    if (pid == 0) {
        close(fds[0]);
        return 0;
    }
    close(fds[1]);
    if (pid < 0) {
        log_error("fork_failed", "why=%s", strerror(errno));
        close(fds[0]);
        try_later(child, now_ms);
        return -1;
    }
    child->pid = pid;
    return pid;
}

void
children_fork_worker(struct children *c, unsigned i, uint64_t now_ms)
{
    struct child *child = &c->workers[i];
    int fds[2];
    pid_t pid = fork_child(child, fds, now_ms);

    if (pid == 0)
        be_worker(c, i, fds[1]);
    if (pid < 0)
        return;
    child->fd = fds[0];
    announce(c, WIRE_WORKER, i, pid, child->fd);
}

void
children_fork_control(struct children *c, uint64_t now_ms)
{
    int fds[2];
    pid_t pid = fork_child(&c->control, fds, now_ms);

    if (pid == 0)
        be_control(c, fds[1]);
    if (pid < 0)
        return;
    /* The supervisor alone talks to it: our end goes there. */
    announce(c, WIRE_CONTROL, 0, pid, fds[0]);
    close(fds[0]);
}

/* ------------------------------------------------------------------ talking */

static void
tell(struct children *c, unsigned i, struct wire_msg msg, const int *fd)
{
    struct err e = {0};

    if (c->workers[i].fd >= 0 &&
        wire_send(c->workers[i].fd, msg, (span){0}, fd, fd != NULL, &e))
        log_warn("worker_not_told", "index=%u message=%s why=%s", i,
                 wire_name(msg.kind), e.text);
}

void
children_tell(struct children *c, enum wire_kind kind, uint64_t a)
{
    for (unsigned i = 0; i < c->n; i++)
        tell(c, i, (struct wire_msg){.kind = (uint32_t)kind, .a = a}, NULL);
}

void
children_pass(struct children *c, enum wire_kind kind, int fd)
{
    for (unsigned i = 0; i < c->n; i++)
        tell(c, i, (struct wire_msg){.kind = (uint32_t)kind}, &fd);
}

void
children_hear(struct children *c, unsigned i)
{
    static struct wire_in in;
    struct child *child = &c->workers[i];
    struct err e = {0};

    /* Ends: READY is all it says; what comes after its death is EOF. */
    while (child->fd >= 0) {
        enum err_code code = wire_recv(child->fd, &in, &e);
        if (code == ERR_NOT_FOUND)
            return;
        if (code == ERR_IO) {
            close(child->fd);
            child->fd = -1;
            return;
        }
        if (code == OK && in.msg.kind == WIRE_READY && !child->ready) {
            child->ready = true;
            log_info("worker_ready", "index=%u pid=%d", i, (int)child->pid);
            if (c->has_gone)
                tell(c, i, (struct wire_msg){.kind = WIRE_GO}, NULL);
        }
        wire_close_fds(&in);
    }
}

bool
children_all_ready(const struct children *c)
{
    for (unsigned i = 0; i < c->n; i++)
        if (!c->workers[i].ready)
            return false;
    return true;
}

bool
children_any_worker(const struct children *c)
{
    for (unsigned i = 0; i < c->n; i++)
        if (c->workers[i].pid)
            return true;
    return false;
}

/* ------------------------------------------------------------------- deaths */

static const char *
how(int status, char out[32])
{
    if (WIFSIGNALED(status))
        snprintf(out, 32, "signal %d", WTERMSIG(status));
    else
        snprintf(out, 32, "exit %d", WEXITSTATUS(status));
    return out;
}

static bool
is_crash_loop(struct child *child, uint64_t now_ms)
{
    size_t n = COUNT(child->deaths_ms);
    uint64_t *oldest = &child->deaths_ms[child->n_deaths % n];
    uint64_t was = *oldest;

    *oldest = now_ms;
    child->n_deaths++;
    return child->n_deaths > n && now_ms - was < LOOP_MS;
}

/* At once, but for one that died young or again and again: later and later. */
static void
replace(struct children *c, unsigned i, uint64_t now_ms)
{
    struct child *child = &c->workers[i];
    bool loops = is_crash_loop(child, now_ms);

    if (loops)
        log_error_limited(now_ms, "crash_loop", SPAN(""),
                          "index=%u deaths=%zu gap_ms=%lu", i, child->n_deaths,
                          (unsigned long)child->gap_ms);
    if (!loops &&
        (now_ms - child->started_ms >= WELL_MS || child->n_deaths == 1)) {
        child->gap_ms = 0;
        children_fork_worker(c, i, now_ms);
    } else {
        try_later(child, now_ms);
    }
}

static bool
worker_died(struct children *c, unsigned i, int status, uint64_t now_ms,
            struct err *why)
{
    struct child *child = &c->workers[i];
    struct wire_msg msg = {
        .kind = WIRE_WORKER_DIED, .a = i, .b = (uint64_t)status};
    struct err e = {0};
    char text[32];

    children_hear(c, i);
    if (child->fd >= 0)
        close(child->fd);
    child->fd = -1;
    child->pid = 0;
    child->ready = false;
    if (c->supervisor_fd >= 0 &&
        wire_send(c->supervisor_fd, msg, (span){0}, NULL, 0, &e))
        log_warn("supervisor_not_told", "message=WIRE_WORKER_DIED why=%s",
                 e.text);
    if (c->draining) {
        log_info("worker_done", "index=%u how=%s", i, how(status, text));
        return true;
    }
    if (!c->has_gone) {
        err_set(why, ERR_IO, "worker %u ended before it could serve (%s)", i,
                how(status, text));
        return false;
    }
    log_error("worker_died", "index=%u how=%s", i, how(status, text));
    replace(c, i, now_ms);
    return true;
}

static void
control_died(struct children *c, int status, uint64_t now_ms)
{
    char text[32];

    c->control.pid = 0;
    log_info("control_ended", "how=%s", how(status, text));
    /* The supervisor orders the next one; without it that is for us. */
    if (c->draining)
        return;
    if (c->wants_control)
        children_fork_control(c, now_ms);
    else if (c->supervisor_fd < 0 && status != 0)
        try_later(&c->control, now_ms);
    c->wants_control = false;
}

bool
children_reap(struct children *c, uint64_t now_ms, struct err *why)
{
    bool fine = true;
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        if (pid == c->control.pid)
            control_died(c, status, now_ms);
        for (unsigned i = 0; i < c->n; i++)
            if (pid == c->workers[i].pid)
                fine = worker_died(c, i, status, now_ms, why) && fine;
    }
    return fine;
}

/* --------------------------------------------------------------------- time */

static bool
is_stale(const struct children *c, unsigned i, uint64_t now_ms)
{
    const struct child *child = &c->workers[i];
    uint64_t beat =
        atomic_load_explicit(&c->stats[i]->heartbeat_ms, memory_order_relaxed);

    if (!child->pid)
        return false;
    if (!child->ready)
        return now_ms - child->started_ms > READY_MS;
    if (beat < child->started_ms)
        beat = child->started_ms; /* its predecessor's */
    return now_ms > beat && now_ms - beat > STATS_STALE_MS;
}

bool
children_tick(struct children *c, uint64_t now_ms, struct err *why)
{
    for (unsigned i = 0; i < c->n; i++) {
        struct child *child = &c->workers[i];
        bool late = c->draining && now_ms >= c->deadline_ms;
        if (child->pid && !child->ends && (late || is_stale(c, i, now_ms))) {
            log_error("worker_killed", "index=%u pid=%d why=%s", i,
                      (int)child->pid, late ? "late" : "stale");
            child->ends = true;
            kill(child->pid, SIGKILL);
        }
        if (child->again_ms && now_ms >= child->again_ms && !c->draining)
            children_fork_worker(c, i, now_ms);
    }
    if (c->control.again_ms && now_ms >= c->control.again_ms && !c->draining)
        children_fork_control(c, now_ms);
    return children_reap(c, now_ms, why);
}

void
children_kill(struct children *c)
{
    c->draining = true;
    for (unsigned i = 0; i < c->n; i++)
        if (c->workers[i].pid)
            kill(c->workers[i].pid, SIGKILL);
    if (c->control.pid)
        kill(c->control.pid, SIGKILL);
}
