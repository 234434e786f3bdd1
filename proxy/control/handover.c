/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the supervisor says, and the way the store goes from one control to the
 * next: HANDOVER, the last requests, RELEASED, then RETIRE or RESUME.
 */
#include "proxy/control/life.h"

#include "proxy/control/drains.h"
#include "proxy/observe/log.h"
#include "proxy/server/loop.h"

#include <assert.h>
#include <unistd.h>

static void
tell(struct life *l, enum wire_kind kind, uint64_t a)
{
    struct err e;

    if (wire_tell(l->supervisor_fd, kind, a, 0, &e))
        log_error("supervisor_not_told", "what=%s error=\"%s\"",
                  wire_name(kind), e.text);
}

static void
shut_doors(struct life *l)
{
    for (size_t i = 0; i < DOORS; i++)
        if (l->doors[i])
            door_shut(l->doors[i]);
}

static void
open_doors(struct life *l)
{
    for (size_t i = 0; i < DOORS; i++)
        if (l->doors[i])
            door_open(l->doors[i]);
}

static void
wait_quiet(struct life *l)
{
    l->tries = 0;
    timer_set(&l->quiet, l->loop, 0);
}

/* -------------------------------------------------------------------- let go */

static void
hand_over(struct life *l)
{
    if (l->state != LIFE_SERVING)
        return;
    log_info("handover", "revision=%llu",
             (unsigned long long)store_sequence(l->control.store));
    l->state = LIFE_LETTING_GO;
    shut_doors(l);
    wait_quiet(l);
}

/* What the store says now is what is put back if the next one never serves. */
static void
keep_weights(struct life *l)
{
    struct err e = {.text = "no memory"};

    l->kept_arena = arena_new((size_t)1 << 20);
    if (!l->kept_arena || slots_keep(&l->control.slots, l->control.store,
                                     l->kept_arena, &l->kept, &e))
        log_error("weights_not_kept", "error=\"%s\"", e.text);
}

static void
let_go(struct life *l)
{
    keep_weights(l);
    backends_stop(&l->control.backends);
    timer_clear(&l->tick);
    watch_read(&l->report, false);
    store_close(&l->control.store);
    l->state = LIFE_WITHOUT;
    tell(l, WIRE_RELEASED, 0);
}

static bool
is_quiet(const struct life *l)
{
    for (size_t i = 0; i < DOORS; i++)
        if (l->doors[i] && !door_is_quiet(l->doors[i]))
            return false;
    return true;
}

static void
turn_out(struct life *l)
{
    for (size_t i = 0; i < DOORS; i++)
        if (l->doors[i])
            door_turn_out(l->doors[i]);
}

static bool
is_empty(const struct life *l)
{
    for (size_t i = 0; i < DOORS; i++)
        if (l->doors[i] && door_n(l->doors[i]) > 0)
            return false;
    return true;
}

static void
on_quiet(void *arg)
{
    struct life *l = arg;
    bool leaving = l->state == LIFE_LEAVING;

    l->tries++;
    if (leaving && (is_empty(l) || l->tries >= LEAVE_TRIES)) {
        loop_stop(l->loop);
        return;
    }
    if (!leaving && (is_quiet(l) || l->tries >= QUIET_TRIES)) {
        turn_out(l);
        let_go(l);
        return;
    }
    timer_set(&l->quiet, l->loop, QUIET_MS);
}

/* ------------------------------------------------------------------ take back */

static void
forget_kept(struct life *l)
{
    l->kept = NULL;
    arena_free(&l->kept_arena);
}

static void
fold(struct life *l, uint64_t generation)
{
    crew_fold(&l->control.crew, generation, l->control.metrics);
    tell(l, WIRE_FOLDED, generation);
}

static void
fold_all(struct life *l)
{
    for (size_t i = 0; i < l->n_folds; i++)
        fold(l, l->folds[i]);
    l->n_folds = 0;
}

/* It was asked to let go and has not yet. */
static void
call_off(struct life *l)
{
    if (l->state != LIFE_LETTING_GO)
        return;
    timer_clear(&l->quiet);
    l->state = LIFE_SERVING;
    open_doors(l);
}

static void
resume(struct life *l)
{
    struct err e;

    call_off(l);
    if (l->state != LIFE_WITHOUT)
        return;
    if (store_open(l->env->gen->state_dir.at, LOCK_MS, &l->control.store, &e)) {
        log_error("resume", "error=\"%s\"", e.text);
        life_leave(l, 1);
        return;
    }
    if (l->kept)
        slots_restore(&l->control.slots, l->control.store, l->kept,
                      loop_wall_ms());
    drains_take(&l->control.backends, l->env->gen, l->control.store);
    rollouts_take(&l->control.rollouts, l->control.store, loop_wall_ms());
    forget_kept(l);
    fold_all(l);
    log_info("resumed", "revision=%llu",
             (unsigned long long)store_sequence(l->control.store));
    life_serve(l);
}

/* ---------------------------------------------------------------------- leave */

void
life_leave(struct life *l, int exit_code)
{
    if (l->state == LIFE_LEAVING)
        return;
    l->exit_code = exit_code;
    shut_doors(l);
    turn_out(l);
    life_answer_reload(l);
    backends_stop(&l->control.backends);
    l->state = LIFE_LEAVING;
    wait_quiet(l);
}

bool
life_hear_on(struct life *l, int fd)
{
    if (!watch_init(&l->supervisor, l->loop, fd, life_hear, l))
        return false;
    l->supervisor_fd = fd;
    watch_read(&l->supervisor, true);
    return true;
}

static void
look_for_home(void *arg)
{
    struct life *l = arg;
    int fd = l->env->come_home && l->state == LIFE_SERVING ? l->env->come_home()
                                                           : -1;

    if (fd >= 0 && life_hear_on(l, fd)) {
        l->control.has_supervisor = true;
        return;
    }
    if (fd >= 0)
        close(fd);
    if (l->state != LIFE_LEAVING)
        timer_set(&l->home, l->loop, HOME_MS);
}

void
life_set_timers(struct life *l)
{
    timer_init(&l->quiet, on_quiet, l);
    timer_init(&l->home, look_for_home, l);
}

/* Alone: the workers go on, and so do we. Only in the middle of a handover
 * somebody else may have the store by now: then there is a next one. */
static void
lose_supervisor(struct life *l)
{
    struct err e;

    log_error("supervisor_gone", "state=%d", (int)l->state);
    watch_fini(&l->supervisor);
    close(l->supervisor_fd);
    l->supervisor_fd = -1;
    l->control.has_supervisor = false;
    l->control.is_reloading = false;
    timer_set(&l->home, l->loop, HOME_MS);
    call_off(l); /* there is nobody to let go for */
    if (l->state != LIFE_WITHOUT) {
        life_answer_reload(l);
        return;
    }
    if (store_open(l->env->gen->state_dir.at, 1000, &l->control.store, &e)) {
        log_info("retired", "why=\"%s\"", e.text);
        life_leave(l, 0);
        return;
    }
    store_close(&l->control.store);
    resume(l);
}

/* ------------------------------------------------------------------- messages */

static void
take_stats(struct life *l)
{
    struct wire_in *in = l->in;
    struct err e;

    if (in->n_fds != 1 ||
        crew_add(&l->control.crew, in->msg.a, in->msg.b, in->fds[0], &e))
        log_error("stats_not_mapped", "generation=%llu worker=%llu",
                  (unsigned long long)in->msg.a, (unsigned long long)in->msg.b);
}

static void
stats_gone(struct life *l, uint64_t generation)
{
    if (l->state != LIFE_WITHOUT)
        fold(l, generation);
    else if (l->n_folds < FOLDS_MAX) /* the totals are another's until then */
        l->folds[l->n_folds++] = generation;
}

/* Who went while there was no supervisor was missed by the one of today. */
static void
fold_older(struct life *l, uint64_t oldest)
{
    const struct crew *c = &l->control.crew;

    for (size_t i = 0; i < c->n;) /* ends: a fold takes it out */
        if (c->at[i].generation < oldest)
            fold(l, c->at[i].generation);
        else
            i++;
}

static void
sweep(struct life *l, uint64_t oldest)
{
    if (l->state == LIFE_WITHOUT)
        return;
    fold_older(l, oldest);
    weights_sweep(l->env->weights, oldest);
    if (l->env->gates)
        gates_sweep(l->env->gates, oldest);
    endpoints_sweep(l->env->endpoints, oldest);
}

static void
take_verdict(struct life *l)
{
    struct verdict *v = &l->control.verdict;
    span text = span_take(l->in->text, sizeof(v->room));

    v->known = true;
    v->ok = l->in->msg.a == 1;
    v->generation = l->in->msg.b;
    if (text.len)
        memcpy(v->room, text.at, text.len);
    v->said = span_of(v->room, text.len);
    if (l->state != LIFE_WITHOUT) /* else the next one counts it */
        metrics_count(l->control.metrics, METRIC_RELOADS, 1,
                      v->ok ? SPAN("ok") : SPAN("refused"));
    life_answer_reload(l);
}

static void
take_state(struct life *l)
{
    struct control *c = &l->control;
    json_t *json = json_loadb(l->in->text.at ? l->in->text.at : "",
                              l->in->text.len, JSON_REJECT_DUPLICATES, NULL);

    c->deaths = l->in->msg.a;
    if (!json)
        return;
    json_decref(c->processes);
    c->processes = json;
    c->is_reloading = json_is_true(json_object_get(json, "reloading"));
}

static void
take_log(struct life *l)
{
    if (l->in->n_fds != 1)
        return;
    log_reopen(l->in->fds[0]);
    if (l->log_fd >= 0)
        close(l->log_fd);
    l->log_fd = l->in->fds[0];
    l->in->n_fds = 0; /* it is ours now */
}

/* Kinds for others are not ours to understand. */
static void
hear_one(struct life *l)
{
    switch (l->in->msg.kind) {
    case WIRE_STATS:
        take_stats(l);
        break;
    case WIRE_STATS_GONE:
        stats_gone(l, l->in->msg.a);
        break;
    case WIRE_OLDEST:
        sweep(l, l->in->msg.a);
        break;
    case WIRE_HANDOVER:
        hand_over(l);
        break;
    case WIRE_RESUME:
        resume(l);
        break;
    case WIRE_RETIRE:
        life_leave(l, 0);
        break;
    case WIRE_VERDICT:
        take_verdict(l);
        break;
    case WIRE_STATE:
        take_state(l);
        break;
    case WIRE_REOPEN_LOG:
        take_log(l);
        break;
    default:
        log_warn("odd_message", "what=%s", wire_name(l->in->msg.kind));
        break;
    }
}

void
life_hear(void *arg, unsigned ready)
{
    struct life *l = arg;
    struct err e;

    (void)ready;
    for (;;) { /* ends: the queue of a socket does */
        enum err_code code = wire_recv(l->supervisor_fd, l->in, &e);
        if (code == ERR_NOT_FOUND)
            return;
        if (code == ERR_IO) {
            lose_supervisor(l);
            return;
        }
        if (code == OK)
            hear_one(l);
        else
            log_warn("odd_message", "error=\"%s\"", e.text);
        wire_close_fds(l->in);
    }
}
