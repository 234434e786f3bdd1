/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/control/control.h"

#include "certs/store.h"
#include "proxy/control/api.h"
#include "proxy/control/drains.h"
#include "proxy/control/life.h"
#include "proxy/control/observe.h"
#include "proxy/control/view_traffic.h"
#include "proxy/observe/log.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define ADMIN_CALLERS   8u
#define REMOTE_CALLERS  16u
#define OBSERVE_CALLERS 32u
#define DATAGRAMS_TURN  64 /* then others have theirs */
#define ARENA_BYTES     ((size_t)64 << 20)

/* ---------------------------------------------------------------- the admin API */

static struct api_answer
api_of(struct door_answer *out)
{
    return (struct api_answer){.body = &out->body, .call = "other"};
}

static void
door_of(const struct api_answer *a, struct door_answer *out)
{
    out->status = a->status;
    out->content_type = a->content_type;
    memcpy(out->etag, a->etag, sizeof(out->etag));
    memcpy(out->allow, a->allow, sizeof(out->allow));
    out->streams = a->streams;
    out->retry_after_s = a->retry_after_s;
}

static void
admin_fault(int status, const char *text, struct door_answer *out)
{
    struct api_answer a = api_of(out);

    api_problem(&a, status, "%s", text);
    door_of(&a, out);
}

static span
class_of(int status)
{
    static const char *const classes[] = {"1xx", "2xx", "3xx", "4xx", "5xx"};

    return span_str(classes[status / 100 - 1]);
}

static bool
ask_reload(struct life *l, struct door *door, uint64_t id, struct api_answer *a)
{
    struct err e;

    if (wire_tell(l->supervisor_fd, WIRE_RELOAD, 0, 0, &e)) {
        api_problem(a, 503, "the supervisor cannot be asked: %s", e.text);
        return false;
    }
    l->control.reload_caller = id;
    l->reload_door = door;
    return true;
}

/* False: he is refused, and `a` says why. */
static bool
ask_who(struct life *l, const struct door_request *r, struct who *out,
        struct api_answer *a)
{
    const struct who_ask ask = {.head = r->head,
                                .certificate = r->certificate,
                                .address = r->address,
                                .now_ms = loop_now_ms(l->loop)};
    struct who_refusal no;

    if (r->is_local) {
        who_is_local(l->control.gen, r->uid, out);
        return true;
    }
    if (who_is_remote(l->control.gen, &l->wrong_tokens, &ask, out, &no))
        return true;
    api_problem(a, no.status, "%s", no.text);
    a->retry_after_s = no.retry_after_s;
    return false;
}

static void
answer(struct life *l, const struct door_request *r, struct api_answer *a)
{
    struct who who;
    struct api_request request = {.head = r->head,
                                  .body = r->body,
                                  .who = &who,
                                  .wall_ms = loop_wall_ms(),
                                  .now_ms = loop_now_ms(l->loop)};

    if (!ask_who(l, r, &who, a))
        return;
    if (l->state == LIFE_SERVING || l->state == LIFE_LETTING_GO)
        api_answer(&l->control, &request, a);
    else
        api_problem(a, 503, "control is being handed over; ask again");
}

/* Both doors of the API: on the socket, and over TLS. */
static bool
on_admin(void *arg, uint64_t id, const struct door_request *r,
         struct door_answer *out)
{
    struct life *l = arg;
    struct door *door = l->doors[r->is_local ? DOOR_ADMIN : DOOR_REMOTE];
    struct api_answer a = api_of(out);

    answer(l, r, &a);
    if (a.later && ask_reload(l, door, id, &a))
        return false;
    if (a.streams)
        events_add(&l->control.events, door, id, &a.events);
    metrics_count(l->control.metrics, METRIC_ADMIN, 1, span_str(a.call),
                  class_of(a.status));
    door_of(&a, out);
    return true;
}

void
life_answer_reload(struct life *l)
{
    uint64_t id = l->control.reload_caller;
    struct door_answer *out = id ? door_answer_begin(l->reload_door, id) : NULL;

    l->control.reload_caller = 0;
    if (!out)
        return;
    struct api_answer a = api_of(out);
    if (l->control.verdict.known && l->control.has_supervisor)
        api_reloaded(&l->control, &a);
    else
        api_problem(&a, 503, "the supervisor went away during the reload");
    door_of(&a, out);
    door_answer_send(l->reload_door, id);
}

/* ---------------------------------------------------------- the observe listener */

static void
observe_fault(int status, const char *text, struct door_answer *out)
{
    out->status = status;
    out->content_type = "text/plain; charset=utf-8";
    buf_fmt(&out->body, "%s\n", text);
}

static bool
on_observe(void *arg, uint64_t id, const struct door_request *r,
           struct door_answer *out)
{
    struct life *l = arg;
    struct observe_answer a = {.body = &out->body};

    (void)id;
    observe_answer(&l->control, r->head, loop_now_ms(l->loop), &a);
    out->status = a.status;
    out->content_type = a.content_type;
    if (a.allow)
        (void)snprintf(out->allow, sizeof(out->allow), "%s", a.allow);
    return true;
}

static enum err_code
make_doors(struct life *l, struct err *e)
{
    const struct door_spec specs[DOORS] = {
        [DOOR_ADMIN] = {.fd = l->env->admin_fd,
                        .conns_max = ADMIN_CALLERS,
                        .streams_max = EVENTS_MAX,
                        .fn = on_admin,
                        .fault = admin_fault,
                        .arg = l},
        [DOOR_REMOTE] = {.fd = l->env->remote_fd,
                         .tls = l->env->gen->remote_tls,
                         .conns_max = REMOTE_CALLERS,
                         .streams_max = EVENTS_MAX,
                         .fn = on_admin,
                         .fault = admin_fault,
                         .arg = l},
        [DOOR_OBSERVE] = {.fd = l->env->observe_fd,
                          .conns_max = OBSERVE_CALLERS,
                          .fn = on_observe,
                          .fault = observe_fault,
                          .arg = l},
    };

    for (size_t i = 0; i < DOORS; i++)
        if (specs[i].fd >= 0 && door_new(l->loop, &specs[i], &l->doors[i], e))
            return e->code;
    events_init(&l->control.events, l->loop, &l->control.store);
    return OK;
}

/* -------------------------------------------------------------- what workers tell */

static void
on_report(void *arg, unsigned ready)
{
    struct life *l = arg;
    char datagram[RECORD_DATAGRAM_MAX];
    size_t n_records = 0, n_shadows = 0;

    (void)ready;
    for (int i = 0; i < DATAGRAMS_TURN; i++) {
        ssize_t n =
            recv(l->env->report_fd, datagram, sizeof(datagram), MSG_DONTWAIT);
        if (n < 0)
            break;
        span said = span_of(datagram, (size_t)n);
        if (shadows_take(&l->control.shadows, said))
            n_shadows++;
        else
            n_records += records_take(l->control.records, said);
    }
    if (n_records)
        metrics_count(l->control.metrics, METRIC_REPORTS, (int64_t)n_records,
                      SPAN("decision"));
    if (n_shadows)
        metrics_count(l->control.metrics, METRIC_REPORTS, (int64_t)n_shadows,
                      SPAN("shadow"));
}

static void
on_signal(void *arg, unsigned ready)
{
    struct life *l = arg;
    struct signalfd_siginfo info;

    (void)ready;
    if (read(l->signal_fd, &info, sizeof(info)) == sizeof(info)) {
        log_info("signal", "number=%u", info.ssi_signo);
        life_leave(l, 0);
    }
}

/* ------------------------------------------------------------------ start and end */

static enum err_code
watch_fd(struct life *l, struct watch *w, int fd, watch_fn fn, struct err *e)
{
    if (!watch_init(w, l->loop, fd, fn, l))
        return err_set(e, ERR_LIMIT, "no memory for a watch");
    watch_read(w, true);
    return OK;
}

/* SIGTERM comes as bytes; a peer that has gone is an error, not a signal. */
static enum err_code
take_signals(struct life *l, struct err *e)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    (void)signal(SIGPIPE, SIG_IGN);
    if (sigprocmask(SIG_BLOCK, &set, NULL) != 0 ||
        (l->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK)) < 0)
        return err_set(e, ERR_IO, "signalfd: %s", strerror(errno));
    return watch_fd(l, &l->signals, l->signal_fd, on_signal, e);
}

static void
on_tick(void *arg)
{
    struct life *l = arg;

    /* The store is ours until it is let go of, and that may be called off. */
    if (l->state != LIFE_SERVING && l->state != LIFE_LETTING_GO)
        return;
    rollouts_tick(&l->control.rollouts, loop_wall_ms(), loop_now_ms(l->loop));
    timer_set(&l->tick, l->loop, ROLLOUTS_TICK_MS);
}

static enum err_code
make(struct life *l, struct err *e)
{
    struct control *c = &l->control;
    const struct control_env *env = l->env;

    l->loop = loop_new();
    l->arena = arena_new(ARENA_BYTES);
    l->in = calloc(1, sizeof(*l->in));
    c->records = env->records;
    timer_init(&l->tick, on_tick, l);
    if (!l->loop || !l->arena || !l->in)
        return err_set(e, ERR_LIMIT, "no memory for control");
    life_set_timers(l);
    if (take_signals(l, e) ||
        metrics_open(l->arena, env->totals, &c->metrics, e) ||
        shadows_open(&c->shadows, l->arena, env->gen, e) || make_doors(l, e))
        return e->code;
    if (env->report_fd >= 0 &&
        watch_fd(l, &l->report, env->report_fd, on_report, e))
        return e->code;
    if (!life_hear_on(l, env->supervisor_fd))
        return err_set(e, ERR_LIMIT, "no memory for a watch");
    return OK;
}

/* The weights come last: nothing may fail any more once the file's are stored. */
static uint64_t
metric_total(void *arg, enum metric metric)
{
    struct metrics_sum *sum = traffic_sum(arg);
    uint64_t total = sum ? metrics_sum_total(sum, metric) : 0;

    metrics_sum_free(&sum);
    return total;
}

static enum err_code
take_over(struct life *l, struct err *e)
{
    struct control *c = &l->control;
    const struct control_env *env = l->env;

    if (store_open(env->gen->state_dir.at, LOCK_MS, &c->store, e) ||
        backends_init(&c->backends, l->arena, env->gen, env->endpoints,
                      c->metrics, l->loop, e) ||
        slots_init(&c->slots, l->arena, env->gen, env->weights, env->latches,
                   e) ||
        rollouts_init(&c->rollouts, l->arena, env->gen, env->weights,
                      env->latches, env->gates, &c->backends, e) ||
        slots_reconcile(&c->slots, c->store, loop_wall_ms(), e))
        return e->code;
    drains_take(&c->backends, env->gen, c->store);
    c->rollouts.records = c->records;
    c->rollouts.metric_total = metric_total;
    c->rollouts.metric_arg = c;
    rollouts_take(&c->rollouts, c->store, loop_wall_ms());
    if (store_refuses(c->store))
        log_error("store_refuses", "why=\"%s\"", store_refuses(c->store));
    /* Without a supervisor nobody waits for the word: its end is heard next. */
    if (wire_tell(l->supervisor_fd, WIRE_READY, 0, 0, e) == ERR_IO)
        log_warn("supervisor_not_told", "what=WIRE_READY error=\"%s\"",
                 e->text);
    return OK;
}

void
life_serve(struct life *l)
{
    l->state = LIFE_SERVING;
    if (l->control.rollouts.n)
        timer_set(&l->tick, l->loop, 0);
    backends_start(&l->control.backends);
    watch_read(&l->report, true);
    for (size_t i = 0; i < DOORS; i++)
        if (l->doors[i])
            door_open(l->doors[i]);
}

/* Whatever was committed in this turn, by whomever, is told at its end. */
static void
after_turn(void *arg)
{
    struct life *l = arg;

    events_pump(&l->control.events);
}

static void
end(struct life *l)
{
    events_fini(&l->control.events);
    for (size_t i = 0; i < DOORS; i++)
        door_free(&l->doors[i]);
    watch_fini(&l->supervisor);
    watch_fini(&l->report);
    watch_fini(&l->signals);
    if (l->signal_fd >= 0)
        close(l->signal_fd);
    backends_fini(&l->control.backends);
    store_close(&l->control.store);
    crew_fini(&l->control.crew);
    json_decref(l->control.processes);
    arena_free(&l->kept_arena);
    arena_free(&l->arena);
    loop_free(&l->loop);
    free(l->in);
}

/* What came with the fork and is of no use here: nobody is served by it. */
static void
forget_keys(const struct generation *gen)
{
    for (size_t i = 0; i < gen->n_listeners; i++)
        if (gen->listeners[i].tls)
            certs_store_forget(gen->listeners[i].tls);
}

int
control_main(const struct control_env *env)
{
    struct life *l = calloc(1, sizeof(*l));
    struct err e;

    if (!l)
        return 1;
    forget_keys(env->gen);
    l->env = env;
    l->signal_fd = l->log_fd = l->supervisor_fd = -1;
    l->control.gen = env->gen;
    l->control.totals = env->totals;
    l->control.has_supervisor = true;
    if (make(l, &e) || take_over(l, &e)) {
        log_error("control_cannot_start", "error=\"%s\"", e.text);
        l->exit_code = 1;
    } else {
        log_info("control_ready", "revision=%llu",
                 (unsigned long long)store_sequence(l->control.store));
        life_serve(l);
        loop_run(l->loop, after_turn, l);
    }
    int exit_code = l->exit_code;
    end(l);
    free(l);
    return exit_code;
}
