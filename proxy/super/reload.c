/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reload: a start, a reload and an upgrade are one way with four steps.
 *
 * A new loader reads, checks, compiles and forks workers that do not accept yet
 * (LOADING); the old control gives up its lock (RELEASING); the new one puts
 * weights into the segments (TAKING); then the workers accept and the old generation
 * drains. Whatever fails before that: the new loader goes, the old control
 * resumes, the old workers never noticed.
 */
#include "proxy/super/super.h"

#include "proxy/observe/log.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>

#define RETRY_FIRST_MS 100
#define RETRY_MOST_MS  60000

static struct brood *
free_place(struct super *s)
{
    for (size_t i = 0; i < BROODS_MAX; i++)
        if (s->broods[i].state == BROOD_FREE)
            return &s->broods[i];
    return NULL;
}

static void
reset(struct reload *r)
{
    r->step = RELOAD_IDLE;
    r->brood = NULL;
    r->refused = false;
    r->control = (struct super_control){.fd = -1};
    buf_clear(&r->text);
}

/* ------------------------------------------------------------------ verdict */

/* Asked or not, control keeps the last verdict for `status`. */
static void
tell_verdict(struct super *s, struct super_control *c, bool ok, uint64_t number)
{
    span text = buf_span(&s->reload.text);

    s->reload.last_ok = ok;
    s->reload.last_number = number;
    control_tell(s, c, WIRE_VERDICT, ok, number, text);
}

static void
log_text(span text, bool ok)
{
    struct log_quoted room;

    for (int n = 0; text.len && n < 200; n++) {
        const char *line = log_quote(span_cut(&text, '\n'), &room);
        if (ok)
            log_warn("config", "says=%s", line);
        else
            log_error("config", "says=%s", line);
    }
}

/* The first start is watched by a person: the list goes to them as it is. */
static void
print_text(const struct super *s)
{
    span text = buf_span(&s->reload.text);

    if (text.len && fwrite(text.at, 1, text.len, stderr) != text.len)
        log_text(text, false);
}

static void
fail_first(struct super *s)
{
    print_text(s);
    s->done = true;
    s->exit_code = 1;
}

static void
later(struct super *s)
{
    struct reload *r = &s->reload;

    if (!r->retry_ms)
        return;
    r->retry_gap_ms = r->retry_gap_ms ? 2 * r->retry_gap_ms : RETRY_FIRST_MS;
    if (r->retry_gap_ms > RETRY_MOST_MS)
        r->retry_gap_ms = RETRY_MOST_MS;
    r->retry_ms = s->now_ms + r->retry_gap_ms;
}

void
reload_fail(struct super *s, const char *why)
{
    struct reload *r = &s->reload;
    uint64_t number = r->brood ? r->brood->number : s->last_number;
    bool handed_over = r->step >= RELOAD_RELEASING;

    if (why)
        buf_fmt(&r->text, "%s\n", why);
    log_error("reload_refused", "generation=%lu step=%d", (unsigned long)number,
              (int)r->step);
    if (s->live)
        log_text(buf_span(&r->text), false);
    if (r->brood) {
        brood_tell(r->brood, WIRE_STOP, 0);
        r->brood->state = BROOD_DRAINING;
        r->brood->deadline_ms = s->now_ms + LATE_MS;
    }
    control_close(&r->control);
    tell_verdict(s, &s->control, false, number);
    if (handed_over && s->control.fd >= 0)
        control_tell(s, &s->control, WIRE_RESUME, 0, 0, (span){0});
    else if (handed_over)
        control_lost(s);
    if (!s->live && !s->stopping)
        fail_first(s);
    reset(r);
    later(s);
    if (s->live && !s->stopping)
        notify_say(&s->notify, "READY=1\nSTATUS=reload refused");
    control_tell_state(s);
}

/* -------------------------------------------------------------------- steps */

static void
say_reloading(const struct super *s)
{
    char text[80];

    if (!s->live)
        return;
    snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%lu",
             (unsigned long)(s->now_ms * 1000));
    notify_say(&s->notify, text);
}

void
reload_begin(struct super *s)
{
    struct reload *r = &s->reload;
    struct err e = {0};

    if (s->stopping) {
        tell_verdict(s, &s->control, false, s->last_number);
        return;
    }
    if (r->step != RELOAD_IDLE || s->family.is_waiting) {
        r->again = true;
        return;
    }
    r->again = false;
    say_reloading(s);
    struct brood *b = free_place(s);
    if (!b) {
        reload_fail(s, "too many generations are still draining");
        return;
    }
    r->step = RELOAD_LOADING;
    r->deadline_ms = s->now_ms + LOAD_MS;
    log_info("loading", "generation=%lu", (unsigned long)s->last_number + 1);
    const struct brood_command command = {
        .binary = s->binary,
        .config = s->options->config,
        .user = s->options->user,
    };
    enum err_code code =
        brood_start(b, &command, ++s->last_number, &s->estate, &e);
    r->brood = b->state == BROOD_FREE ? NULL : b;
    if (code)
        reload_fail(s, e.text);
    else
        control_tell_state(s);
}

void
reload_loader_said(struct super *s, struct brood *b, const struct wire_in *in)
{
    struct reload *r = &s->reload;

    if (b != r->brood)
        return;
    if (!in->msg.a)
        r->refused = true;
    buf_add(&r->text, in->text);
}

static void
start_control(struct super *s)
{
    s->reload.step = RELOAD_TAKING;
    s->reload.deadline_ms = s->now_ms + TAKE_MS;
    brood_tell(s->reload.brood, WIRE_START_CONTROL, 0);
}

void
reload_workers_ready(struct super *s, struct brood *b)
{
    struct reload *r = &s->reload;

    if (b != r->brood || r->step != RELOAD_LOADING)
        return;
    b->state = BROOD_READY;
    if (s->control.fd < 0) {
        start_control(s);
        return;
    }
    r->step = RELOAD_RELEASING;
    r->deadline_ms = s->now_ms + RELEASE_MS;
    control_tell(s, &s->control, WIRE_HANDOVER, 0, 0, (span){0});
}

void
reload_released(struct super *s)
{
    if (s->reload.step == RELOAD_RELEASING)
        start_control(s);
}

static void
drain_others(struct super *s, const struct brood *but)
{
    for (size_t i = 0; i < BROODS_MAX; i++)
        if (&s->broods[i] != but && s->broods[i].state == BROOD_LIVE)
            brood_drain(&s->broods[i], s->now_ms);
}

void
reload_taken(struct super *s)
{
    struct reload *r = &s->reload;
    struct brood *b = r->brood;

    if (r->step != RELOAD_TAKING)
        return;
    sockets_listen(&s->sockets, &b->sockets);
    brood_tell(b, WIRE_GO, 0);
    b->state = BROOD_LIVE;
    s->live = b;
    log_text(buf_span(&r->text), true);
    tell_verdict(s, &s->control, true, b->number);
    control_tell(s, &s->control, WIRE_RETIRE, 0, 0, (span){0});
    control_close(&s->retired);
    s->retired = s->control;
    s->control = r->control;
    s->control_retry_ms = s->control_gap_ms = 0;
    tell_verdict(s, &s->control, true, b->number);
    r->retry_ms = r->retry_gap_ms = 0;
    reset(r);
    drain_others(s, b);
    log_info("serving", "generation=%lu workers=%zu", (unsigned long)b->number,
             b->n_workers);
    notify_say(&s->notify, "READY=1\nSTATUS=serving");
    control_tell_state(s);
}

/* -------------------------------------------------------------------- time */

static void
overdue(struct super *s)
{
    static const char *const why[] = {
        [RELOAD_IDLE] = "",
        [RELOAD_LOADING] = "the new generation was not ready in time",
        [RELOAD_RELEASING] = "the old control process did not let go in time",
        [RELOAD_TAKING] = "the new control process did not take over in time",
    };
    struct reload *r = &s->reload;

    if (r->step == RELOAD_RELEASING) {
        /* What it acknowledged is durable; its lock goes with it. */
        log_error("control_stuck", "pid=%d", (int)s->control.pid);
        kill(s->control.pid, SIGKILL);
        r->deadline_ms = s->now_ms + RELEASE_MS;
        return;
    }
    if (r->step == RELOAD_LOADING)
        brood_kill(r->brood);
    reload_fail(s, why[r->step]);
}

void
reload_tick(struct super *s)
{
    struct reload *r = &s->reload;

    if (r->step != RELOAD_IDLE && s->now_ms >= r->deadline_ms)
        overdue(s);
    if (r->step != RELOAD_IDLE || s->family.is_waiting || s->done)
        return;
    if (r->again || (r->retry_ms && s->now_ms >= r->retry_ms))
        reload_begin(s);
}
