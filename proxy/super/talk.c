/* SPDX-License-Identifier: Apache-2.0 */
/*
 * talk: what loaders and control say to the supervisor, and what it answers.
 */
#include "proxy/super/super.h"

#include "proxy/observe/log.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#define TURN_MAX        64 /* messages from one peer before others get a turn */
#define CONTROL_GAP_MS  1000
#define CONTROL_WELL_MS 10000 /* it lived: the next gap is short again */
#define STATE_MAX       16384

static struct wire_in in; /* one at a time; 32 KiB */

/* ------------------------------------------------------------------ control */

void
control_close(struct super_control *c)
{
    if (c->fd >= 0)
        close(c->fd);
    *c = (struct super_control){.fd = -1};
}

void
control_tell(struct super *s, struct super_control *c, enum wire_kind kind,
             uint64_t a, uint64_t b, span text)
{
    struct wire_msg msg = {.kind = (uint32_t)kind, .a = a, .b = b};
    struct err e = {0};

    if (c->fd >= 0 && wire_send(c->fd, msg, text, NULL, 0, &e))
        log_error_limited(s->now_ms, "control_not_told", SPAN(""),
                          "message=%s why=%s", wire_name(kind), e.text);
}

static void
send_stats(struct super_control *c, const struct brood *b)
{
    struct err e = {0};

    for (size_t i = 0; i < b->n_workers; i++) {
        struct wire_msg msg = {.kind = WIRE_STATS, .a = b->number, .b = i};
        if (wire_send(c->fd, msg, (span){0}, &b->stats_fds[i], 1, &e))
            log_error("control_not_told", "message=WIRE_STATS why=%s", e.text);
    }
}

uint64_t
super_oldest(const struct super *s)
{
    uint64_t oldest = s->last_number;

    for (size_t i = 0; i < BROODS_MAX; i++) {
        const struct brood *b = &s->broods[i];
        if (b->state != BROOD_FREE && b->state != BROOD_FOLDING &&
            b->number < oldest)
            oldest = b->number;
    }
    return oldest;
}

static void
print_brood(struct buf *out, const struct brood *b, bool first)
{
    const char *comma = "";

    buf_fmt(out,
            "%s{\"number\":%lu,\"state\":\"%s\",\"loader\":%d,\"workers\":[",
            first ? "" : ",", (unsigned long)b->number,
            brood_state_name(b->state), (int)b->loader);
    for (size_t i = 0; i < b->n_workers; i++) {
        if (b->workers[i].pid == 0)
            continue;
        buf_fmt(out, "%s%d", comma, (int)b->workers[i].pid);
        comma = ",";
    }
    buf_str(out, "]}");
}

static void
print_state(const struct super *s, struct buf *out)
{
    bool first = true;

    buf_fmt(out, "{\"supervisor\":%d,\"worker_deaths\":%lu,\"generations\":[",
            (int)getpid(), (unsigned long)s->worker_deaths);
    for (size_t i = 0; i < BROODS_MAX; i++) {
        if (s->broods[i].state == BROOD_FREE)
            continue;
        print_brood(out, &s->broods[i], first);
        first = false;
    }
    buf_fmt(out,
            "],\"last_reload\":{\"ok\":%s,\"generation\":%lu},"
            "\"reloading\":%s}",
            s->reload.last_ok ? "true" : "false",
            (unsigned long)s->reload.last_number,
            s->reload.step != RELOAD_IDLE || s->reload.again ? "true"
                                                             : "false");
}

void
control_tell_state(struct super *s)
{
    struct buf out;
    size_t n = s->live ? s->live->n_workers : 0;

    if (s->control.fd < 0)
        return;
    buf_init(&out, STATE_MAX);
    print_state(s, &out);
    if (!buf_failed(&out))
        control_tell(s, &s->control, WIRE_STATE, s->worker_deaths, n,
                     buf_span(&out));
    buf_fini(&out);
}

void
control_greet(struct super *s, struct super_control *c)
{
    for (size_t i = 0; i < BROODS_MAX; i++) {
        const struct brood *b = &s->broods[i];
        if (b->state == BROOD_FREE)
            continue;
        send_stats(c, b);
        if (b->state == BROOD_FOLDING)
            control_tell(s, c, WIRE_STATS_GONE, b->number, 0, (span){0});
    }
    control_tell(s, c, WIRE_OLDEST, super_oldest(s), 0, (span){0});
}

/* One that has let go keeps it for when it resumes; the next was greeted before. */
void
control_tell_gone(struct super *s, const struct brood *b)
{
    control_tell(s, &s->control, WIRE_STATS_GONE, b->number, 0, (span){0});
    control_tell(s, &s->reload.control, WIRE_STATS_GONE, b->number, 0,
                 (span){0});
}

/* A loader forked it: the next control of a reload, or one in place of a dead. */
static void
adopt_control(struct super *s, const struct brood *b)
{
    struct super_control *c =
        b == s->reload.brood ? &s->reload.control : &s->control;

    /* One that an orphaned loader had to fork comes while the family does. */
    bool is_wanted =
        b == s->reload.brood || b == s->live || s->family.is_waiting;

    if (in.n_fds != 1 || !is_wanted || c->fd >= 0) {
        /* Not asked for, or late; with SIGTERM it leaves as if retired. */
        kill((pid_t)in.msg.b, SIGTERM);
        return;
    }
    *c = (struct super_control){.fd = in.fds[0],
                                .pid = (pid_t)in.msg.b,
                                .generation = b->number,
                                .since_ms = s->now_ms};
    in.n_fds = 0;
    control_greet(s, c);
    control_tell_state(s);
}

void
control_lost(struct super *s)
{
    if (s->stopping || !s->live)
        return;
    s->control_gap_ms = s->control_gap_ms ? 2 * s->control_gap_ms : 50;
    if (s->control_gap_ms > CONTROL_GAP_MS)
        s->control_gap_ms = CONTROL_GAP_MS;
    s->control_retry_ms = s->now_ms + s->control_gap_ms;
}

static void
control_gone(struct super *s, struct super_control *c)
{
    bool is_next = c == &s->reload.control;

    if (c == &s->retired) {
        control_close(c);
        return;
    }
    if (!s->stopping)
        log_warn("control_gone", "pid=%d generation=%lu", (int)c->pid,
                 (unsigned long)c->generation);
    if (s->now_ms - c->since_ms > CONTROL_WELL_MS)
        s->control_gap_ms = 0;
    control_close(c);
    if (is_next)
        reload_fail(s, "the new control process died before it took over");
    else if (s->reload.step == RELOAD_RELEASING)
        reload_released(s);
    else if (s->reload.step != RELOAD_TAKING)
        control_lost(s);
}

static void
folded(struct super *s, uint64_t number)
{
    for (size_t i = 0; i < BROODS_MAX; i++)
        if (s->broods[i].state == BROOD_FOLDING &&
            s->broods[i].number == number)
            brood_close(&s->broods[i]);
    control_tell_state(s); /* nothing else may happen for days */
}

/* It came home, and with it all that its loader had. */
static bool
held_by_control(struct super *s, const struct super_control *c)
{
    for (size_t i = 0; i < BROODS_MAX; i++)
        if (s->broods[i].state != BROOD_FREE &&
            s->broods[i].number == c->generation)
            return family_said(s, &s->broods[i], &in);
    return false;
}

static void
control_said(struct super *s, struct super_control *c)
{
    bool is_next = c == &s->reload.control;

    switch (in.msg.kind) {
    case WIRE_READY:
        if (is_next)
            reload_taken(s);
        return;
    case WIRE_RELOAD:
        if (c != &s->control)
            return;
        log_info("reload_asked", "by=control");
        reload_begin(s);
        return;
    case WIRE_RELEASED:
        if (c == &s->control)
            reload_released(s);
        return;
    case WIRE_FOLDED:
        folded(s, in.msg.a);
        return;
    default:
        if (held_by_control(s, c))
            return;
        /* Other kinds are not its to say. */
        log_warn_limited(s->now_ms, "control_odd", SPAN(""), "message=%s",
                         wire_name(in.msg.kind));
    }
}

void
talk_to_control(struct super *s, struct super_control *c)
{
    struct err e = {0};

    for (int n = 0; n < TURN_MAX && c->fd >= 0; n++) {
        enum err_code code = wire_recv(c->fd, &in, &e);
        if (code == ERR_NOT_FOUND)
            return;
        if (code == ERR_IO) {
            control_gone(s, c);
            return;
        }
        if (code == OK)
            control_said(s, c);
        wire_close_fds(&in);
    }
}

/* ------------------------------------------------------------------ loaders */

static void
refuse(struct brood *b, const struct err *e)
{
    struct wire_msg msg = {.kind = WIRE_FAILED};
    struct err lost = {0};

    if (wire_send(b->loader_fd, msg, span_str(e->text), NULL, 0, &lost))
        brood_kill(b);
}

/* A newer loader may wait for an answer to what this supervisor does not know. */
static void
refuse_unknown(struct brood *b)
{
    struct err e = {0};

    err_set(
        &e, ERR_UNSUPPORTED,
        "the supervisor is older than this binary and does not know what it "
        "asks for: start it anew");
    refuse(b, &e);
}

static void
give_sockets(struct super *s, struct brood *b)
{
    const struct sockets_entry *entry = NULL;
    struct wire_msg msg = {.kind = WIRE_SOCKETS, .a = in.msg.a, .b = in.msg.b};
    struct err e = {0};

    if (sockets_want(&s->sockets, in.text, in.msg.a, in.msg.b, &b->sockets,
                     &entry, &e) ||
        wire_send(b->loader_fd, msg, (span){0}, entry->fds, entry->n, &e))
        refuse(b, &e);
}

static void
give_file(struct super *s, struct brood *b)
{
    struct wire_msg msg = {.kind = WIRE_FILE};
    struct err e = {0};
    int fd = -1;

    if (estate_file(&s->estate, in.text, &fd, &e) ||
        wire_send(b->loader_fd, msg, (span){0}, &fd, 1, &e)) {
        refuse(b, &e);
        return;
    }
    for (size_t i = 0; i < ESTATE_FILES_MAX; i++)
        if (span_is(in.text, s->estate.files[i].path))
            b->access_file = (int)i;
}

static void
give_stats(struct super *s, struct brood *b)
{
    struct err e = {0};

    if (brood_give_stats(b, in.msg.a, &e)) {
        refuse(b, &e);
        return;
    }
    if (s->control.fd >= 0)
        send_stats(&s->control, b);
    if (s->reload.control.fd >= 0)
        send_stats(&s->reload.control, b);
}

static void
add_worker(struct super *s, struct brood *b)
{
    if (in.n_fds != 1)
        return;
    brood_add_worker(b, in.msg.a, (pid_t)in.msg.b, in.fds[0]);
    in.n_fds = 0;
    control_tell_state(s);
}

static void
worker_died(struct super *s, struct brood *b)
{
    brood_drop_worker(b, in.msg.a);
    s->worker_deaths += b->state == BROOD_LIVE;
    control_tell_state(s);
}

static void
loader_said(struct super *s, struct brood *b)
{
    switch (in.msg.kind) {
    case WIRE_WANT_SOCKETS:
        give_sockets(s, b);
        return;
    case WIRE_WANT_FILE:
        give_file(s, b);
        return;
    case WIRE_WANT_STATS:
        give_stats(s, b);
        return;
    case WIRE_VERDICT:
        reload_loader_said(s, b, &in);
        return;
    case WIRE_WORKER:
        add_worker(s, b);
        return;
    case WIRE_WORKER_DIED:
        worker_died(s, b);
        return;
    case WIRE_WORKERS_READY:
        b->drain_ms = in.msg.b;
        reload_workers_ready(s, b);
        return;
    case WIRE_CONTROL:
        adopt_control(s, b);
        return;
    default:
        if (family_said(s, b, &in))
            return;
        /* Other kinds are not its to say. */
        log_warn_limited(s->now_ms, "loader_odd", SPAN(""), "message=%s",
                         wire_name(in.msg.kind));
    }
}

static void
loader_lost(struct super *s, struct brood *b)
{
    brood_loader_gone(b);
    if (b == s->reload.brood) {
        char why[ERR_TEXT_MAX];
        snprintf(why, sizeof(why), "the new loader (%s) ended unexpectedly",
                 s->binary);
        reload_fail(s, s->reload.refused ? NULL : why);
        return;
    }
    if (b != s->live || s->stopping)
        return;
    /* Its workers serve on, but nobody would replace one: begin the next. */
    log_error("loader_gone", "generation=%lu", (unsigned long)b->number);
    s->reload.retry_ms = s->now_ms ? s->now_ms : 1;
}

void
talk_to_loader(struct super *s, struct brood *b)
{
    struct err e = {0};

    for (int n = 0; n < TURN_MAX && b->loader_fd >= 0; n++) {
        enum err_code code = wire_recv(b->loader_fd, &in, &e);
        if (code == ERR_NOT_FOUND)
            return;
        if (code == ERR_IO) {
            loader_lost(s, b);
            return;
        }
        if (code == OK) {
            loader_said(s, b);
        } else {
            log_error("loader_odd", "why=%s", e.text);
            refuse_unknown(b);
        }
        wire_close_fds(&in);
    }
}
