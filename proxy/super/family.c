/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/super/family.h"

#include "proxy/observe/log.h"
#include "proxy/super/super.h"

#include <stdio.h>
#include <unistd.h>

#define LATE_HOME_MS 10000 /* an orphan tries ten times a second */
#define ALL_HOME_MS  500   /* from the first on */

enum err_code
family_open(struct super *s, struct err *e)
{
    struct family *f = &s->family;
    int *mark = &s->estate.hello[HELLO_FAMILY];

    f->home_fd = -1;
    for (size_t i = 0; i < GUESTS_MAX; i++)
        f->guests[i].fd = -1;
    if (home_open(s->estate.home, &f->home_fd, e))
        return e->code;
    enum err_code code = home_mark(s->estate.home, mark, e);
    if (code != ERR_CONFLICT)
        return code;
    log_info("taking_over", "why=\"%s\"", e->text);
    f->is_waiting = true;
    f->late_ms = s->now_ms + LATE_HOME_MS;
    return OK;
}

void
family_close(struct super *s)
{
    struct family *f = &s->family;

    for (size_t i = 0; i < GUESTS_MAX; i++)
        if (f->guests[i].fd >= 0)
            close(f->guests[i].fd);
    if (f->home_fd >= 0)
        close(f->home_fd);
}

/* ------------------------------------------------------------ who comes home */

static struct brood *
brood_of(struct super *s, uint64_t number)
{
    struct brood *free_one = NULL;

    for (size_t i = 0; i < BROODS_MAX; i++) {
        struct brood *b = &s->broods[i];
        if (b->state == BROOD_FREE)
            free_one = free_one ? free_one : b;
        else if (b->number == number)
            return b;
    }
    if (!free_one)
        return NULL;
    brood_adopt(free_one, number);
    if (number > s->last_number)
        s->last_number = number;
    return free_one;
}

/* Who is late finds a live generation that is newer: it drains at once. */
static void
place(struct super *s, struct brood *b, const struct wire_in *in)
{
    if (in->msg.b & HOME_DRAINS)
        b->state = BROOD_DRAINING;
    else if (s->live && b != s->live && b->state == BROOD_LIVE)
        brood_drain(b, s->now_ms);
}

/* The newest has the store; what an older one is asked for, it gives. */
static void
adopt_control(struct super *s, const struct guest *g, uint64_t generation)
{
    struct super_control c = {.fd = g->fd,
                              .pid = g->pid,
                              .generation = generation,
                              .since_ms = s->now_ms};
    struct super_control other = {.fd = -1};

    if (s->control.fd < 0 || s->control.generation < generation) {
        other = s->control;
        s->control = c;
    } else {
        other = c;
    }
    if (other.fd >= 0) {
        control_tell(s, &other, WIRE_RETIRE, 0, 0, (span){0});
        control_close(&other);
    }
    if (!s->family.is_waiting) {
        s->control_retry_ms = 0;
        control_greet(s, &s->control);
        control_tell_state(s);
    }
}

static void
adopt(struct super *s, struct guest *g, struct wire_in *in)
{
    struct family *f = &s->family;
    struct brood *b = brood_of(s, in->msg.a);
    uint64_t role = HOME_ROLE(in->msg.b);

    if (!b || role >= HOME_ROLES ||
        (role == HOME_LOADER && b->loader_fd >= 0)) {
        log_error("orphan_refused", "pid=%d generation=%lu role=%lu",
                  (int)g->pid, (unsigned long)in->msg.a, (unsigned long)role);
        close(g->fd);
        g->fd = -1;
        return;
    }
    log_info("orphan_came", "pid=%d generation=%lu role=%lu", (int)g->pid,
             (unsigned long)in->msg.a, (unsigned long)role);
    if (f->is_waiting && !f->has_estate && in->n_fds) {
        estate_adopt(&s->estate, in->fds, in->n_fds);
        f->has_estate = true;
    }
    if (role == HOME_LOADER) {
        brood_adopt_loader(b, g->pid, g->fd);
    } else if (role == HOME_CONTROL) {
        adopt_control(s, g, in->msg.a);
    } else {
        size_t index = HOME_INDEX(in->msg.b);
        if (index < WORKERS_MAX && index >= b->n_workers)
            b->n_workers = index + 1;
        brood_add_worker(b, index, g->pid, g->fd);
    }
    g->fd = -1;
    place(s, b, in);
    if (f->is_waiting && !f->all_ms)
        f->all_ms = s->now_ms + ALL_HOME_MS;
}

static void
hear_guest(struct super *s, struct guest *g)
{
    static struct wire_in in; /* 32 KiB */
    struct err e = {0};
    enum err_code code = wire_recv(g->fd, &in, &e);

    if (code == ERR_NOT_FOUND)
        return;
    if (code == OK && in.msg.kind == WIRE_HOME) {
        adopt(s, g, &in);
    } else {
        close(g->fd);
        g->fd = -1;
    }
    wire_close_fds(&in);
}

void
family_hear(struct super *s)
{
    struct family *f = &s->family;
    bool one_waits = true;

    for (size_t i = 0; i < GUESTS_MAX; i++) {
        struct guest *g = &f->guests[i];
        if (g->fd < 0 && one_waits) {
            g->fd = home_answer(f->home_fd, &g->pid);
            one_waits = g->fd >= 0;
        }
        if (g->fd >= 0)
            hear_guest(s, g);
    }
}

/* ------------------------------------------------------------ what it brings */

bool
family_said(struct super *s, struct brood *b, struct wire_in *in)
{
    struct err e = {0};
    enum err_code code = OK;

    switch (in->msg.kind) {
    case WIRE_HELD_SOCKETS:
        code = sockets_adopt(&s->sockets, in->text, in->msg.a, in->fds,
                             in->n_fds, &b->sockets, &e);
        break;
    case WIRE_HELD_FILE:
        if (in->n_fds == 1) {
            code = estate_adopt_file(&s->estate, in->text, in->fds[0], &e);
            in->n_fds = 0;
            b->access_file = estate_find_file(&s->estate, in->text);
        }
        break;
    case WIRE_HELD_STATS:
        code = brood_adopt_stats(b, in->fds, in->n_fds, &e);
        break;
    case WIRE_HELD_ALL:
        b->drain_ms = in->msg.a;
        if (b->state == BROOD_DRAINING && !b->deadline_ms)
            b->deadline_ms = s->now_ms + b->drain_ms + 2 * (uint64_t)LATE_MS;
        break;
    default:
        return false;
    }
    if (code)
        log_error("orphan_odd", "generation=%lu message=%s why=\"%s\"",
                  (unsigned long)b->number, wire_name(in->msg.kind), e.text);
    return true;
}

/* ---------------------------------------------------------------- all are here */

static struct brood *
newest(struct super *s)
{
    struct brood *best = NULL;

    for (size_t i = 0; i < BROODS_MAX; i++) {
        struct brood *b = &s->broods[i];
        if (b->state == BROOD_LIVE && (!best || b->number > best->number))
            best = b;
    }
    return best;
}

static void
take_over(struct super *s)
{
    struct brood *live = newest(s);

    s->family.is_waiting = false;
    if (s->stopping)
        return;
    if (!live) { /* all of it is draining: what is served next is loaded */
        reload_begin(s);
        return;
    }
    s->live = live;
    for (size_t i = 0; i < BROODS_MAX; i++)
        if (&s->broods[i] != live && s->broods[i].state == BROOD_LIVE)
            brood_drain(&s->broods[i], s->now_ms);
    if (live->loader_fd < 0) /* nobody would replace its workers */
        s->reload.retry_ms = s->now_ms;
    if (s->control.fd < 0)
        control_lost(s);
    else
        control_greet(s, &s->control);
    log_info("took_over", "generation=%lu workers=%zu",
             (unsigned long)live->number, live->n_workers);
    notify_say(&s->notify, "READY=1\nSTATUS=serving");
    control_tell_state(s);
}

/* The last of them may have ended meanwhile. */
static bool
is_left_alone(struct super *s)
{
    struct err e = {0};
    int *mark = &s->estate.hello[HELLO_FAMILY];

    return *mark < 0 && home_mark(s->estate.home, mark, &e) == OK;
}

void
family_tick(struct super *s)
{
    struct family *f = &s->family;

    if (!f->is_waiting)
        return;
    if ((f->all_ms && s->now_ms >= f->all_ms) || is_left_alone(s)) {
        take_over(s);
    } else if (!f->all_ms && s->now_ms >= f->late_ms) {
        fprintf(stderr, "stile: processes of an earlier run with this "
                        "configuration are left and do not answer\n");
        s->exit_code = 1;
        s->done = true;
    }
}
