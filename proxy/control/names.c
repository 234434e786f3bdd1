/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/control/names.h"

#include "proxy/observe/log.h"
#include "proxy/observe/wire.h"

#include <assert.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define RESTART_MS ((uint64_t)1000)

struct question {
    uint32_t id;
    char host[NAMES_HOST_MAX + 1];
};

struct answer {
    uint32_t id;
    uint32_t n;
    struct endpoint_address addresses[ENDPOINT_ADDRESSES];
    char said[128];
};

#define NOBODY UINT32_MAX

struct names {
    struct loop *loop;
    names_fn fn;
    void *arg;
    span *waiting; /* hosts by id; empty: not asked for */
    uint32_t n;
    uint32_t next;      /* whose turn it is to be looked at */
    uint32_t under_way; /* what the helper is at; NOBODY: nothing */
    uint64_t wait_ms;
    pid_t pid;
    int fd;
    struct watch watch;
    struct timer restart;
    struct timer deadline;
};

/* ------------------------------------------------------------------- the helper */

static void
add_address(struct answer *a, const struct addrinfo *info)
{
    struct endpoint_address *to = &a->addresses[a->n];

    if (a->n == ENDPOINT_ADDRESSES || info->ai_addrlen > sizeof(to->bytes) ||
        (info->ai_family != AF_INET && info->ai_family != AF_INET6))
        return;
    to->len = (uint32_t)info->ai_addrlen;
    memcpy(to->bytes, info->ai_addr, info->ai_addrlen);
    a->n++;
}

/* A name is `localhost` or ends in `.localhost`, with or without the last dot. */
static bool
is_localhost(const char *host)
{
    span s = span_str(host);

    if (span_ends(s, SPAN(".")))
        s.len--;
    if (s.len > 9 && s.at[s.len - 10] == '.')
        s = span_skip(s, s.len - 9);
    return span_eq_nocase(s, SPAN("localhost"));
}

static void
add_loopback(struct answer *a)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6,
                              .sin6_addr = IN6ADDR_LOOPBACK_INIT};

    a->n = 2;
    a->addresses[0].len = sizeof(v4);
    memcpy(a->addresses[0].bytes, &v4, sizeof(v4));
    a->addresses[1].len = sizeof(v6);
    memcpy(a->addresses[1].bytes, &v6, sizeof(v6));
}

static void
resolve(const struct question *q, struct answer *a)
{
    struct addrinfo hints = {.ai_family = AF_UNSPEC,
                             .ai_socktype = SOCK_STREAM};
    struct addrinfo *list = NULL;

    *a = (struct answer){.id = q->id};
    if (is_localhost(q->host)) {
        add_loopback(a);
        return;
    }
    int code = getaddrinfo(q->host, NULL, &hints, &list);
    for (struct addrinfo *i = code == 0 ? list : NULL; i; i = i->ai_next)
        add_address(a, i);
    if (list)
        freeaddrinfo(list);
    if (a->n == 0)
        (void)snprintf(a->said, sizeof(a->said), "%s",
                       code == 0 ? "no address" : gai_strerror(code));
}

static void __attribute__((noreturn)) serve(int fd)
{
    struct question q;
    struct answer a;

    for (;;) {
        ssize_t n = recv(fd, &q, sizeof(q), 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n != sizeof(q))
            _exit(0); /* control is gone */
        q.host[NAMES_HOST_MAX] = '\0';
        resolve(&q, &a);
        if (send(fd, &a, sizeof(a), MSG_NOSIGNAL) != sizeof(a))
            _exit(0);
    }
}

/* The child keeps nothing of what control holds: no socket, no lock, no store. */
static void __attribute__((noreturn)) become_helper(int fd, pid_t parent)
{
    sigset_t none;

    sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent)
        _exit(1);
    if (dup2(fd, 3) < 0 || close_range(4, ~0U, 0) != 0)
        _exit(1);
    serve(3);
}

/* ------------------------------------------------------------------- our side */

static void on_answer(void *arg, unsigned ready);

static enum err_code
start(struct names *n, struct err *e)
{
    int ends[2];
    pid_t parent = getpid();

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
        return err_set(e, ERR_IO, "names: socketpair: %s", strerror(errno));
    pid_t pid = fork();
    if (pid == 0)
        become_helper(ends[1], parent);
    close(ends[1]);
    if (pid < 0 || !watch_init(&n->watch, n->loop, ends[0], on_answer, n)) {
        enum err_code code =
            err_set(e, ERR_IO, "names: no helper: %s", strerror(errno));
        close(ends[0]); /* a helper that was forked ends by this */
        return code;
    }
    n->pid = pid;
    n->fd = ends[0];
    watch_read(&n->watch, true);
    return OK;
}

static void
stop(struct names *n)
{
    timer_clear(&n->deadline);
    n->under_way = NOBODY;
    if (n->fd < 0)
        return;
    watch_fini(&n->watch);
    close(n->fd);
    n->fd = -1;
    (void)kill(n->pid, SIGKILL);
    while (waitpid(n->pid, NULL, 0) < 0 && errno == EINTR)
        ; /* ends: it was killed */
    n->pid = 0;
}

/* The next who waits, after the one that was asked last; NOBODY: none does. */
static uint32_t
take_turn(struct names *n)
{
    for (uint32_t i = 0; i < n->n; i++) {
        uint32_t id = (n->next + i) % n->n;
        if (n->waiting[id].len == 0)
            continue;
        n->next = id + 1;
        return id;
    }
    return NOBODY;
}

/* Give the helper its next question, if it has none and somebody waits. */
static void
ask_next(struct names *n)
{
    struct question q = {0};

    if (n->fd < 0 || n->under_way != NOBODY)
        return;
    q.id = take_turn(n);
    if (q.id == NOBODY)
        return;
    memcpy(q.host, n->waiting[q.id].at, n->waiting[q.id].len);
    /* It reads one at a time, so there is room; a dead one is seen by the watch. */
    if (send(n->fd, &q, sizeof(q), MSG_DONTWAIT | MSG_NOSIGNAL) != sizeof(q))
        return;
    n->under_way = q.id;
    timer_set(&n->deadline, n->loop, n->wait_ms);
}

static void
on_restart(void *arg)
{
    struct names *n = arg;
    struct err e;

    if (start(n, &e)) {
        log_error("names_helper", "error=\"%s\"", e.text);
        timer_set(&n->restart, n->loop, RESTART_MS);
        return;
    }
    ask_next(n);
}

/* What was asked is answered; `fn` may ask again. */
static void
give(struct names *n, const struct answer *a)
{
    n->under_way = NOBODY;
    n->waiting[a->id] = (span){0};
    timer_clear(&n->deadline);
    n->fn(n->arg, a->id, a->addresses, a->n, a->said);
}

static void
on_deadline(void *arg)
{
    struct names *n = arg;
    struct answer a = {.id = n->under_way};

    (void)snprintf(a.said, sizeof(a.said), "no answer in %llu ms",
                   (unsigned long long)n->wait_ms);
    stop(n);
    give(n, &a);
    on_restart(n);
}

static void
on_answer(void *arg, unsigned ready)
{
    struct names *n = arg;
    struct answer a;
    ssize_t got;

    (void)ready;
    while ((got = recv(n->fd, &a, sizeof(a), MSG_DONTWAIT)) == sizeof(a) &&
           a.id == n->under_way) {
        a.said[sizeof(a.said) - 1] = '\0';
        if (a.n > ENDPOINT_ADDRESSES)
            a.n = 0;
        give(n, &a);
        ask_next(n);
    }
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    log_error("names_helper_died", "pid=%d", (int)n->pid);
    stop(n);
    timer_set(&n->restart, n->loop, RESTART_MS);
}

enum err_code
names_new(struct loop *l, size_t n_ids, uint64_t wait_ms, names_fn fn,
          void *arg, struct names **out, struct err *e)
{
    struct names *n = calloc(1, sizeof(*n));

    *out = NULL;
    if (!n)
        return err_set(e, ERR_LIMIT, "no memory for the resolver");
    *n = (struct names){.loop = l,
                        .fn = fn,
                        .arg = arg,
                        .waiting = calloc(n_ids, sizeof(span)),
                        .n = (uint32_t)n_ids,
                        .under_way = NOBODY,
                        .wait_ms = wait_ms,
                        .fd = -1};
    timer_init(&n->restart, on_restart, n);
    timer_init(&n->deadline, on_deadline, n);
    enum err_code code =
        n->waiting ? start(n, e)
                   : err_set(e, ERR_LIMIT, "no memory for the resolver");
    if (code)
        names_free(&n);
    *out = n;
    return code;
}

void
names_free(struct names **n)
{
    if (!*n)
        return;
    timer_clear(&(*n)->restart);
    stop(*n);
    free((*n)->waiting);
    free(*n);
    *n = NULL;
}

bool
names_ask(struct names *n, uint32_t id, span host)
{
    assert(id < n->n);
    if (host.len == 0 || host.len > NAMES_HOST_MAX)
        return false;
    n->waiting[id] = host;
    ask_next(n);
    return true;
}

pid_t
names_pid(const struct names *n)
{
    return n->pid;
}
