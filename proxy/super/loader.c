/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/super/loader.h"

#include "proxy/observe/log.h"
#include "proxy/server/counts.h"
#include "proxy/super/children.h"
#include "proxy/super/orphan.h"
#include "proxy/super/privileges.h"
#include "proxy/super/sandbox.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define ANSWER_MS 30000 /* the supervisor answers a WANT within */
#define TICK_MS   250
#define ALONE_MS  100 /* between two looks for the next supervisor */
#define EXPOSURE  "exposure.jsonl" /* in the state directory */

static struct wire_in in; /* one at a time; 32 KiB */

static uint64_t
clock_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* ------------------------------------------------------- asking and waiting */

/* A log was reopened: ours from now on, and every worker's. */
static void
take_fd(struct children *c, enum wire_kind kind, int *own)
{
    if (in.n_fds != 1)
        return;
    children_pass(c, kind, in.fds[0]);
    if (*own >= 0)
        close(*own);
    *own = in.fds[0];
    in.n_fds = 0;
    if (kind == WIRE_REOPEN_LOG)
        log_reopen(*own);
}

static bool
take_reopened(struct children *c)
{
    if (in.msg.kind == WIRE_REOPEN_LOG)
        take_fd(c, WIRE_REOPEN_LOG, &c->hello[HELLO_LOG]);
    else if (in.msg.kind == WIRE_REOPEN_ACCESS)
        take_fd(c, WIRE_REOPEN_ACCESS, &c->access_fd);
    else
        return false;
    wire_close_fds(&in);
    return true;
}

static enum err_code
wait_message(struct children *c, enum wire_kind kind, struct err *e)
{
    struct pollfd p = {.fd = c->supervisor_fd, .events = POLLIN};

    /* Ends: logs are reopened by hand, and what a newer one says besides has an
     * end as well. */
    enum err_code code;
    do {
        if (poll(&p, 1, ANSWER_MS) != 1)
            return err_set(e, ERR_IO, "the supervisor did not answer");
        code = wire_recv(c->supervisor_fd, &in, e);
        if (code && code != ERR_UNSUPPORTED)
            return code;
    } while (code || take_reopened(c));
    if (in.msg.kind == (uint32_t)kind)
        return OK;
    wire_close_fds(&in);
    if (in.msg.kind == WIRE_FAILED)
        return err_set(e, ERR_IO, "%.*s", SPAN_FMT(in.text));
    return err_set(e, ERR_INVALID, "%s came instead of %s",
                   wire_name(in.msg.kind), wire_name(kind));
}

static enum err_code
ask(struct children *c, struct wire_msg msg, span text, enum wire_kind answer,
    struct err *e)
{
    if (wire_send(c->supervisor_fd, msg, text, NULL, 0, e))
        return e->code;
    return wait_message(c, answer, e);
}

/* An older supervisor sends fewer descriptors, a newer one more than we know. */
static enum err_code
take_hello(struct children *c, struct err *e)
{
    if (wait_message(c, WIRE_HELLO, e))
        return e->code;
    if (in.n_fds < HELLO_LEAST) {
        err_set(e, ERR_UNSUPPORTED,
                "the supervisor sent %zu descriptors, %d are needed: start it "
                "anew",
                in.n_fds, HELLO_LEAST);
        wire_close_fds(&in);
        return e->code;
    }
    for (size_t i = 0; i < in.n_fds && i < HELLO_FDS; i++) {
        c->hello[i] = in.fds[i];
        in.fds[i] = -1;
    }
    wire_close_fds(&in);
    snprintf(c->home, sizeof(c->home), "%.*s", SPAN_FMT(in.text));
    c->number = in.msg.a;
    return OK;
}

/* ---------------------------------------------------------------- sockaddrs */

static enum err_code
unix_address(const struct gen_address *at, struct sockaddr_storage *out,
             socklen_t *len, struct err *e)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};

    if (at->path.len >= sizeof(un.sun_path))
        return err_set(e, ERR_LIMIT,
                       "the path of a Unix socket has at most %zu bytes: %.*s",
                       sizeof(un.sun_path) - 1, SPAN_FMT(at->path));
    memcpy(un.sun_path, at->path.at, at->path.len);
    memcpy(out, &un, sizeof(un));
    *len =
        (socklen_t)(offsetof(struct sockaddr_un, sun_path) + at->path.len + 1);
    return OK;
}

static enum err_code
address(const struct gen_address *at, struct sockaddr_storage *out,
        socklen_t *len, struct err *e)
{
    struct sockaddr_in in4 = {.sin_family = AF_INET,
                              .sin_port = htons(at->port)};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6,
                               .sin6_port = htons(at->port)};
    char host[64];

    *out = (struct sockaddr_storage){0};
    if (at->path.len)
        return unix_address(at, out, len, e);
    snprintf(host, sizeof(host), "%.*s", SPAN_FMT(at->host));
    if (inet_pton(AF_INET, host, &in4.sin_addr) == 1) {
        memcpy(out, &in4, sizeof(in4));
        *len = sizeof(in4);
        return OK;
    }
    if (inet_pton(AF_INET6, host, &in6.sin6_addr) == 1) {
        memcpy(out, &in6, sizeof(in6));
        *len = sizeof(in6);
        return OK;
    }
    return err_set(e, ERR_INVALID, "%.*s is no numeric address",
                   SPAN_FMT(at->text));
}

/* ------------------------------------------------------------------ sockets */

static enum err_code
want_sockets(struct children *c, const struct gen_address *at,
             enum socket_use use, struct children_sockets *out, struct err *e)
{
    struct wire_msg msg = {
        .kind = WIRE_WANT_SOCKETS, .a = (uint64_t)use, .b = c->n};

    if (address(at, &out->at, &out->at_len, e) ||
        ask(c, msg, span_of((const char *)&out->at, out->at_len), WIRE_SOCKETS,
            e))
        return e->code;
    out->n = in.n_fds;
    memcpy(out->fds, in.fds, in.n_fds * sizeof(int));
    return OK;
}

static enum err_code
want_one(struct children *c, const struct gen_address *at, enum socket_use use,
         struct children_sockets *out, struct err *e)
{
    if (want_sockets(c, at, use, out, e))
        return e->code;
    if (out->n != 1)
        return err_set(e, ERR_INTERNAL, "%zu sockets instead of one", out->n);
    return OK;
}

static enum err_code
want_access(struct children *c, struct err *e)
{
    struct wire_msg msg = {.kind = WIRE_WANT_FILE};

    if (c->gen->access_log.len == 0)
        return OK;
    if (ask(c, msg, c->gen->access_log, WIRE_FILE, e))
        return e->code;
    if (in.n_fds != 1)
        return err_set(e, ERR_INTERNAL, "%zu files instead of one", in.n_fds);
    c->access_fd = in.fds[0];
    return OK;
}

static enum err_code
want_stats(struct children *c, struct err *e)
{
    struct wire_msg msg = {.kind = WIRE_WANT_STATS, .a = c->n};
    const void *at;

    if (ask(c, msg, (span){0}, WIRE_WORKER_STATS, e))
        return e->code;
    if (in.n_fds != c->n)
        return err_set(e, ERR_INTERNAL, "%zu segments instead of %u", in.n_fds,
                       c->n);
    memcpy(c->stats_fds, in.fds, in.n_fds * sizeof(int));
    for (unsigned i = 0; i < c->n; i++) {
        if (segment_map_read(SEGMENT_STATS, c->stats_fds[i], &at, e))
            return e->code;
        c->stats[i] = at;
    }
    return OK;
}

static bool
has_rates(const struct generation *g)
{
    for (size_t i = 0; i < g->n_routes; i++)
        if (g->routes[i].rate.requests > 0)
            return true;
    return false;
}

/* As old as the generation: its workers are forked with it. */
static enum err_code
map_shared(size_t bytes, void **out, struct err *e)
{
    if (bytes == 0)
        return OK;
    void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED)
        return err_set(e, ERR_IO, "no memory to count in: %s", strerror(errno));
    *out = at;
    return OK;
}

static enum err_code
map_counts(struct children *c, struct err *e)
{
    uint64_t seed = 0;

    if (map_shared(has_rates(c->gen) ? GEN_RATE_WORDS * sizeof(uint64_t) : 0,
                   &c->rates, e) ||
        map_shared(counts_bytes(c->gen, c->n), &c->counts, e))
        return e->code;
    if (c->counts && getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
        return err_set(e, ERR_IO, "no random bytes: %s", strerror(errno));
    if (c->counts)
        counts_make(c->counts, seed);
    return OK;
}

/* Writes made on a canary are a line each; the file grows, nobody cuts it. */
static enum err_code
open_exposure(struct children *c, struct err *e)
{
    char path[4096];
    span dir = c->gen->state_dir;

    if (dir.len == 0)
        return OK;
    if (dir.len + sizeof(EXPOSURE) + 1 > sizeof(path))
        return err_set(e, ERR_LIMIT, "the path of the state directory is long");
    snprintf(path, sizeof(path), "%.*s", SPAN_FMT(dir));
    if (mkdir(path, 0750) && errno != EEXIST)
        return err_set(e, ERR_IO, "the state directory %s cannot be made: %s",
                       path, strerror(errno));
    snprintf(path, sizeof(path), "%.*s/%s", SPAN_FMT(dir), EXPOSURE);
    c->exposure_fd =
        open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
    if (c->exposure_fd < 0)
        return err_set(e, ERR_IO, "%s cannot be opened: %s", path,
                       strerror(errno));
    return OK;
}

/* ------------------------------------------------------------------- verdict */

/* In pieces: a long list does not fit one message. */
static void
say_text(const struct children *c, bool ok, span text)
{
    struct wire_msg msg = {.kind = WIRE_VERDICT, .a = ok};
    struct err e = {0};

    do {
        span piece = span_take(text, WIRE_TEXT_MAX);
        text = span_skip(text, piece.len);
        if (wire_send(c->supervisor_fd, msg, piece, NULL, 0, &e)) {
            log_error("verdict_lost", "why=%s", e.text);
            return;
        }
    } while (text.len);
}

static void
refuse(const struct children *c, const struct err *e)
{
    char line[ERR_TEXT_MAX + 2];

    snprintf(line, sizeof(line), "%s\n", e->text);
    say_text(c, false, span_str(line));
}

/* Every listener is tried, so that the list of what is wrong is whole. */
static bool
want_all(struct children *c)
{
    const struct generation *g = c->gen;
    const struct gen_address admin = {.path = g->admin_socket};
    struct err e = {0};
    bool fine = true;

    for (size_t i = 0; i < g->n_listeners; i++) {
        if (want_sockets(c, &g->listeners[i].at, SOCKET_CLIENTS,
                         &c->listeners[i], &e)) {
            refuse(c, &e);
            fine = false;
        }
    }
    if ((g->has_observe &&
         want_one(c, &g->observe, SOCKET_CONTROL, &c->observe, &e)) ||
        (g->has_remote &&
         want_one(c, &g->remote, SOCKET_CONTROL, &c->remote, &e)) ||
        (g->admin_socket.len &&
         want_one(c, &admin, SOCKET_ADMIN, &c->admin, &e)) ||
        want_access(c, &e) || open_exposure(c, &e) || map_counts(c, &e) ||
        want_stats(c, &e)) {
        refuse(c, &e);
        fine = false;
    }
    return fine;
}

/* --------------------------------------------------------------------- load */

static unsigned
count_cores(void)
{
    cpu_set_t set;

    if (sched_getaffinity(0, sizeof(set), &set))
        return 1;
    return (unsigned)CPU_COUNT(&set);
}

static bool
fits(struct children *c)
{
    struct err e = {0};

    c->n = c->gen->n_workers ? c->gen->n_workers : count_cores();
    if (c->n == 0 || c->n > WORKERS_MAX)
        err_set(&e, ERR_LIMIT, "workers: at most %u", WORKERS_MAX);
    else if (c->gen->n_listeners > LISTENERS_MAX)
        err_set(&e, ERR_LIMIT, "listen: at most %u", LISTENERS_MAX);
    if (e.code)
        refuse(c, &e);
    return e.code == OK;
}

static bool
load(struct children *c)
{
    struct arena *a = arena_new((size_t)16 * 1024 * 1024);
    struct generation *g = NULL;
    struct problems problems;
    const void *tickets = NULL;
    struct err e;
    struct buf text;

    if (!a)
        return false;
    problems_init(&problems, a);
    buf_init(&text, 8 * (size_t)WIRE_TEXT_MAX);
    /* TLS contexts keep the address: mapped once, workers inherit it. Without
     * the segment no tickets are given out, which costs speed alone. */
    if (segment_map_read(SEGMENT_TICKETS, c->hello[HELLO_TICKETS_READ],
                         &tickets, &e))
        log_warn("tickets_unmapped", "reason=%s", e.text);
    bool fine = c->options->roles.load(c->options->config, tickets, &problems,
                                       &g) == OK;
    problems_sort(&problems);
    problems_print(&problems, &text);
    if (!fine && buf_len(&text) == 0)
        buf_fmt(&text, "%s cannot be loaded\n", c->options->config);
    if (!fine || buf_len(&text))
        say_text(c, fine, buf_span(&text));
    buf_fini(&text);
    arena_free(&a);
    if (!fine)
        return false;
    g->number = c->number;
    c->gen = g;
    return true;
}

/* --------------------------------------------------------------- main loop */

static void
drain(struct children *c, uint64_t ms, uint64_t now_ms)
{
    c->draining = true;
    c->deadline_ms = now_ms + ms + LATE_MS;
    children_tell(c, WIRE_DRAIN, ms);
}

static void
obey(struct children *c, uint64_t now_ms)
{
    switch (in.msg.kind) {
    case WIRE_GO:
        c->has_gone = true;
        children_tell(c, WIRE_GO, 0);
        return;
    case WIRE_DRAIN:
        drain(c, in.msg.a, now_ms);
        return;
    case WIRE_START_CONTROL:
        c->wants_control = c->control.pid != 0;
        if (!c->wants_control)
            children_fork_control(c, now_ms);
        return;
    case WIRE_REOPEN_ACCESS:
    case WIRE_REOPEN_LOG:
        take_reopened(c);
        return;
    case WIRE_STOP:
        children_kill(c);
        return;
    default:
        log_warn("supervisor_odd", "message=%s", wire_name(in.msg.kind));
    }
}

static void
lose_supervisor(struct children *c, uint64_t now_ms)
{
    log_error("supervisor_gone", "serving=%d", c->has_gone);
    close(c->supervisor_fd);
    c->supervisor_fd = -1;
    if (!c->has_gone)
        children_kill(c); /* nobody would ever say GO */
    else if (!c->control.pid && !c->draining)
        children_fork_control(c, now_ms); /* nobody else orders one now */
}

static void
hear_supervisor(struct children *c, uint64_t now_ms)
{
    struct err e = {0};

    while (c->supervisor_fd >= 0) {
        enum err_code code = wire_recv(c->supervisor_fd, &in, &e);
        if (code == ERR_NOT_FOUND)
            return;
        if (code == ERR_IO) {
            lose_supervisor(c, now_ms);
            return;
        }
        if (code == OK)
            obey(c, now_ms);
        wire_close_fds(&in);
    }
}

static void
read_signals(struct children *c, uint64_t now_ms)
{
    struct signalfd_siginfo info;

    while (read(c->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
        if (info.ssi_signo == SIGTERM && !c->draining)
            drain(c, c->gen->limits.drain_ms, now_ms);
}

static void
say_ready(struct children *c)
{
    struct err e = {0};

    if (c->told_ready || c->supervisor_fd < 0 || !children_all_ready(c))
        return;
    c->told_ready = true;
    if (wire_tell(c->supervisor_fd, WIRE_WORKERS_READY, c->n,
                  c->gen->limits.drain_ms, &e))
        log_error("supervisor_not_told", "message=WIRE_WORKERS_READY why=%s",
                  e.text);
}

static void
wait_for_something(const struct children *c)
{
    struct pollfd polled[WORKERS_MAX + 2];
    nfds_t n = 0;

    polled[n++] = (struct pollfd){.fd = c->signal_fd, .events = POLLIN};
    polled[n++] = (struct pollfd){.fd = c->supervisor_fd, .events = POLLIN};
    for (unsigned i = 0; i < c->n; i++)
        polled[n++] = (struct pollfd){.fd = c->workers[i].fd, .events = POLLIN};
    poll(polled, n, c->supervisor_fd < 0 ? ALONE_MS : TICK_MS);
}

/* Until drained (0), or until a worker fails before the generation goes (1). */
static int
run(struct children *c)
{
    struct err why = {0};

    for (unsigned i = 0; i < c->n; i++)
        children_fork_worker(c, i, clock_ms());
    while (!c->draining || children_any_worker(c)) {
        wait_for_something(c);
        uint64_t now_ms = clock_ms();
        if (c->supervisor_fd < 0 && c->has_gone)
            c->supervisor_fd = orphan_come_home(c, HOME_LOADER, 0);
        for (unsigned i = 0; i < c->n; i++)
            children_hear(c, i);
        hear_supervisor(c, now_ms);
        read_signals(c, now_ms);
        if (!children_tick(c, now_ms, &why)) {
            refuse(c, &why);
            children_kill(c);
            return 1;
        }
        say_ready(c);
    }
    return 0;
}

/* ---------------------------------------------------------------- beginning */

static enum err_code
open_signals(struct children *c, struct err *e)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGHUP, SIG_IGN); /* a reload is the supervisor's */
    c->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (c->signal_fd < 0)
        return err_set(e, ERR_IO, "signals cannot be read: %s",
                       strerror(errno));
    return OK;
}

static void
init(struct children *c, const struct loader_options *options)
{
    *c = (struct children){.options = options,
                           .supervisor_fd = options->fd,
                           .access_fd = -1,
                           .exposure_fd = -1,
                           .control = {.fd = -1}};
    for (size_t i = 0; i < HELLO_FDS; i++)
        c->hello[i] = -1;
    for (size_t i = 0; i < WORKERS_MAX; i++)
        c->workers[i].fd = -1;
}

/* No call of those that a loader never makes, and no right it does not need. */
static enum err_code
give_up(const struct loader_options *options, struct err *e)
{
    if (options->user && privileges_become(options->user, e))
        return e->code;
    if (privileges_drop(options->user ? PRIVILEGES_READ : PRIVILEGES_FILES, e))
        return e->code;
    return sandbox_enter_loader(e);
}

int
loader_main(const struct loader_options *options)
{
    static struct children children;
    struct children *c = &children;
    struct err e = {0};
    char who[32];

    init(c, options);
    fcntl(options->fd, F_SETFD, FD_CLOEXEC);
    prctl(PR_SET_NAME, "stile-loader", 0, 0, 0);
    /* Before anything of the configuration is read. */
    if (give_up(options, &e) || take_hello(c, &e) || open_signals(c, &e)) {
        fprintf(stderr, "stile loader: %s\n", e.text);
        return 2;
    }
    snprintf(who, sizeof(who), "loader.%lu", (unsigned long)c->number);
    log_open(c->hello[HELLO_LOG], who);
    if (!load(c))
        return 1;
    /* Keys have been read, and what is opened from here on is our own. */
    if (options->user && privileges_drop(PRIVILEGES_NONE, &e)) {
        refuse(c, &e);
        return 1;
    }
    return fits(c) && want_all(c) ? run(c) : 1;
}
