/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/server/orders.h"

#include "proxy/observe/log.h"
#include "proxy/server/drain.h"
#include "proxy/server/endpoint.h"
#include "proxy/server/judge.h"
#include "proxy/server/listen.h"
#include "proxy/server/worker.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define HOME_MS 200 /* between two looks for a new supervisor */

void
orders_give_up(struct worker *w, const char *why, const char *sentence)
{
    log_error("worker_fails", "why=%s detail=%s", why, sentence);
    w->exit_code = 1;
    loop_stop(w->loop);
}

static void
find_slot(struct worker *w, const struct gen_canary *canary)
{
    if (canary && w->env->weights)
        w->weight_slots[canary->index] =
            weights_find(w->env->weights, canary->slot_name);
}

static void
find_slots(struct worker *w)
{
    for (size_t i = 0; i < w->gen->n_routes; i++)
        find_slot(w, w->gen->routes[i].canary);
    for (size_t i = 0; i < w->gen->n_rollouts; i++)
        find_slot(w, &w->gen->rollouts[i].canary);
    if (!(w->places = judge_open(w)))
        orders_give_up(w, "gates", "no memory");
    upstreams_find(w->upstreams);
}

void
worker_serve(struct worker *w)
{
    struct err e;

    if (w->is_serving)
        return;
    w->is_serving = true;
    find_slots(w);
    if (w->env->n_listeners)
        w->spare_fd = fcntl(w->env->listeners[0].fd, F_DUPFD_CLOEXEC, 0);
    if (w->env->enter_sandbox && w->env->enter_sandbox(&e) != OK)
        orders_give_up(w, "sandbox", e.text);
    else if (!listen_begin(w))
        orders_give_up(w, "listen", "no memory");
    else
        log_info("worker_serves", "index=%u", w->env->index);
}

static void
hear(struct worker *w, struct wire_in *in)
{
    switch ((enum wire_kind)in->msg.kind) {
    case WIRE_GO:
        worker_serve(w);
        break;
    case WIRE_DRAIN:
        worker_drain(w, in->msg.a);
        break;
    case WIRE_REOPEN_ACCESS:
        if (in->n_fds) {
            access_reopen(&w->access, in->fds[0]);
            in->n_fds = 0; /* taken */
        }
        break;
    case WIRE_REOPEN_LOG:
        if (in->n_fds) {
            log_reopen(in->fds[0]);
            in->n_fds = 0;
        }
        break;
    default: /* NOLINT: the other kinds are between other processes */
        break;
    }
    wire_close_fds(in);
}

static void look_for_home(void *arg);

static void
on_loader(void *arg, unsigned ready)
{
    static struct wire_in in;
    struct worker *w = arg;
    enum err_code code;
    struct err e;

    (void)ready;
    while ((code = wire_recv(w->loader_fd, &in, &e)) == OK)
        hear(w, &in);
    if (code == ERR_IO) {
        /* Supervisor and loader are gone: before GO there is nothing to do. */
        watch_fini(&w->loader);
        close(w->loader_fd);
        w->loader_fd = -1;
        if (!w->is_serving) {
            orders_give_up(w, "orphaned", "the loader is gone");
        } else {
            log_warn("worker_orphaned", "index=%u", w->env->index);
            timer_init(&w->home, look_for_home, w);
            timer_set(&w->home, w->loop, HOME_MS);
        }
    }
    worker_flush(w);
}

static void
on_term(void *arg, unsigned ready)
{
    struct worker *w = arg;
    struct signalfd_siginfo info;

    (void)ready;
    if (read(w->term.fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
        worker_drain(w, w->gen->limits.drain_ms);
    worker_flush(w);
}

static bool
hear_loader(struct worker *w, int fd)
{
    if (!watch_init(&w->loader, w->loop, fd, on_loader, w))
        return false;
    w->loader_fd = fd;
    watch_read(&w->loader, true);
    return true;
}

/* Nobody gives orders: perhaps there is a new supervisor by now. */
static void
look_for_home(void *arg)
{
    struct worker *w = arg;
    int fd = w->env->come_home ? w->env->come_home() : -1;

    if (fd >= 0 && hear_loader(w, fd))
        return;
    if (fd >= 0)
        close(fd);
    timer_set(&w->home, w->loop, HOME_MS);
}

bool
orders_open(struct worker *w)
{
    sigset_t set;
    int fd;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, NULL);
    fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    if (fd < 0 || !watch_init(&w->term, w->loop, fd, on_term, w))
        return false;
    watch_read(&w->term, true);
    return hear_loader(w, w->env->loader_fd);
}
