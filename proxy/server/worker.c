/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/server/worker.h"

#include "certs/digest.h"
#include "certs/keys.h"
#include "proxy/observe/log.h"
#include "proxy/observe/record.h"
#include "proxy/server/account.h"
#include "proxy/server/conn.h"
#include "proxy/server/drain.h"
#include "proxy/server/endpoint.h"
#include "proxy/server/exchange.h"
#include "proxy/server/gate.h"
#include "proxy/server/limit.h"
#include "proxy/server/link.h"
#include "proxy/server/listen.h"
#include "proxy/server/mirror.h"
#include "proxy/server/orders.h"
#include "proxy/server/turn_away.h"
#include "translators/memo.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#define BEAT_MS     50
#define TELL_MS     10 /* between writes of logs and records under load */
#define SWEEP_MS    500
#define ARENAS_KEPT 256
#define BUFS_KEPT   32
#define BUF_KEPT    ((size_t)256 * 1024) /* larger ones are given back */
#define OWN_ARENA   ((size_t)64 * 1024 * 1024)
#define SEALED_MAX  ((size_t)64 * 1024 * 1024)

/* ── for one wake-up ─────────────────────────────────────────────────────── */

struct buf *
worker_keep_begin(struct worker *w, size_t *mark)
{
    /* Spans into it are held by gathers: it may not move, so make room first. What
     * had none in all of it must not be the loss of whoever writes next. */
    if (w->keep.room - w->keep.end < WORKER_KEEP / 2 || buf_failed(&w->keep))
        worker_send(w);
    *mark = buf_len(&w->keep);
    return &w->keep;
}

span
worker_keep_end(struct worker *w, size_t mark)
{
    assert(w->keep.room == WORKER_KEEP);
    return span_skip(buf_span(&w->keep), mark);
}

span
worker_keep(struct worker *w, span s)
{
    size_t mark;

    buf_add(worker_keep_begin(w, &mark), s);
    return worker_keep_end(w, mark);
}

void
worker_send(struct worker *w)
{
    struct exchange *x;

    while ((x = w->passing)) { /* ends: none is told of anything */
        w->passing = x->next_passing;
        conn_h2_keep(x);
    }
    /* They stay dirty, so that worker_flush finds what broke. */
    for (struct io *io = w->dirty; io; io = io->next_dirty)
        io_flush(io);
    buf_clear(&w->keep);
}

/* What was read for clients of HTTP/2 is framed before the next read. */
static void
pass_on(struct worker *w)
{
    struct exchange *x;

    while ((x = w->passing)) { /* ends: no answer's bytes come meanwhile */
        w->passing = x->next_passing;
        conn_h2_pass(x);
    }
}

void
worker_flush(struct worker *w)
{
    struct io *io;

    pass_on(w);
    while ((io = w->dirty)) { /* ends: a flush marks nothing dirty */
        w->dirty = io->next_dirty;
        io->is_dirty = false;
        io_flush(io);
        /* Whoever owns it learns now: its descriptor may not be watched. */
        if (io->is_broken && io->watch.fd >= 0)
            io->watch.fn(io->watch.arg, LOOP_READ);
    }
    buf_clear(&w->keep);
    exchanges_bury(w, &w->forgotten_exchanges);
}

void
worker_lend_buf(struct worker *w, struct buf *b)
{
    size_t max = b->max;

    if (w->n_bufs == 0)
        return;
    *b = w->bufs[--w->n_bufs];
    b->max = max;
}

void
worker_give_buf(struct worker *w, struct buf *b)
{
    if (!b->bytes)
        return;
    if (w->n_bufs == BUFS_KEPT || b->room > BUF_KEPT) {
        buf_fini(b);
        return;
    }
    buf_clear(b);
    w->bufs[w->n_bufs++] = *b;
    buf_init(b, b->max);
}

struct arena *
worker_take_arena(struct worker *w)
{
    if (w->n_arenas)
        return w->arenas[--w->n_arenas];
    return arena_new((size_t)w->gen->limits.request_arena);
}

void
worker_give_arena(struct worker *w, struct arena *a)
{
    if (w->n_arenas == ARENAS_KEPT) {
        arena_free(&a);
        return;
    }
    arena_reset(a);
    w->arenas[w->n_arenas++] = a;
}

uint32_t
worker_dice(struct worker *w)
{
    uint64_t z = w->dice += 0x9e3779b97f4a7c15u; /* splitmix64 */

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (uint32_t)(z >> 32);
}

static void
gather_links(struct worker *w)
{
    struct link *l;

    while ((l = w->later_links)) { /* ends: as go_on_later */
        w->later_links = l->next_later;
        l->is_later = false;
        link_h2_gather(l);
        worker_flush(w);
    }
}

static void
go_on_conns(struct worker *w)
{
    struct conn *c;

    while ((c = w->later)) { /* ends: each asks again only after new bytes */
        w->later = c->next_later;
        c->is_later = false;
        if (c->state == CONN_DEAD)
            continue;
        if (c->h2)
            conn_h2_gather(c);
        else
            conn_h1_resume(c);
        worker_flush(w);
    }
}

static void
go_on_later(struct worker *w)
{
    /* What one side takes the other may send: until neither has more. */
    while (w->later || w->later_links || w->searched_exchanges) {
        exchanges_search(w);
        gather_links(w);
        go_on_conns(w);
    }
}

static void
bury(struct worker *w)
{
    struct conn *c;

    exchanges_bury(w, &w->dead_exchanges);
    while ((c = w->dead_conns)) {
        w->dead_conns = c->next_dead;
        c->magic = 0;
        free(c);
    }
    upstreams_bury(w->upstreams);
}

/* Under load a batch of lines is one write; without, a line is told at once. */
static void
tell(struct worker *w, uint64_t pause_ms)
{
    uint64_t now = loop_now_ms(w->loop);

    if (now - w->told_ms < pause_ms)
        return;
    w->told_ms = now;
    access_flush(&w->access);
    if (w->access.dropped > w->dropped_told)
        metrics_count(w->metrics, METRIC_LOG_DROPPED,
                      (int64_t)(w->access.dropped - w->dropped_told),
                      SPAN("access"));
    w->dropped_told = w->access.dropped;
    account_flush(w);
}

static void
after_batch(void *arg)
{
    struct worker *w = arg;

    go_on_later(w);
    while (w->has_due_mirror) { /* ends: each is asked for and compared once */
        mirrors_go_on(w);
        go_on_later(w);
    }
    pressure_look(w);
    turned_away_tell(w);
    bury(w);
    tell(w, TELL_MS);
    if (w->is_draining)
        drain_look(w);
}

/* ── beats ───────────────────────────────────────────────────────────────── */

static void
on_beat(void *arg)
{
    struct worker *w = arg;

    stats_beat(w->env->stats, loop_clock_us() / 1000);
    tell(w, 0);
    timer_set(&w->beat, w->loop, BEAT_MS);
}

static void
on_sweep(void *arg)
{
    struct worker *w = arg;

    upstreams_sweep(w->upstreams, false);
    worker_flush(w);
    timer_set(&w->sweep, w->loop, SWEEP_MS);
}

/* ── making ──────────────────────────────────────────────────────────────── */

static bool
make_buffers(struct worker *w)
{
    w->scratch = malloc(WORKER_SCRATCH);
    w->sealed = malloc(WORKER_SEALED);
    w->arenas = calloc(ARENAS_KEPT, sizeof(struct arena *));
    w->bufs = calloc(BUFS_KEPT, sizeof(struct buf));
    buf_init(&w->sealed_out, SEALED_MAX);
    buf_init(&w->keep, WORKER_KEEP);
    buf_init(&w->frames, SEALED_MAX);
    buf_init(&w->report, RECORD_DATAGRAM_MAX);
    /* Its room is taken once and never moves: gathers point into it. */
    w->keep.bytes = malloc(WORKER_KEEP);
    w->keep.room = WORKER_KEEP;
    return w->scratch && w->sealed && w->arenas && w->bufs && w->keep.bytes;
}

/* A worker alone has a row of its own. */
static bool
open_counts(struct worker *w)
{
    size_t bytes = counts_bytes(w->gen, 1);
    void *at = w->env->counts;
    uint64_t seed;

    if (!at && bytes && !(at = arena_alloc(w->arena, bytes)))
        return false;
    if (at && !w->env->counts) {
        digest_random(&seed, sizeof(seed));
        counts_make(at, seed);
    }
    counts_begin(&w->counts, at, w->gen, w->env->counts ? w->env->n_workers : 1,
                 w->env->counts ? w->env->index : 0);
    return true;
}

static bool
make_tables(struct worker *w)
{
    struct err e;

    if (metrics_open(w->arena, w->env->stats, &w->metrics, &e) != OK) {
        log_error("metrics_unusable", "why=%s", e.text);
        return false;
    }
    limits_show(w);
    w->memo = memo_new(w->arena);
    w->upstreams = upstreams_new(w);
    w->cells = account_new(w);
    w->weight_slots =
        arena_array(w->arena, w->gen->n_canaries, sizeof(*w->weight_slots));
    if (!w->memo || !w->upstreams || !w->cells || !w->weight_slots ||
        !gate_open(w) || !open_counts(w))
        return false;
    for (size_t i = 0; i < w->gen->n_canaries; i++)
        w->weight_slots[i] = SEGMENT_NO_SLOT;
    return true;
}

static bool
make(struct worker *w)
{
    uint64_t random[3];

    digest_random(random, sizeof(random));
    w->id_high = random[0];
    w->id_low = random[1];
    w->dice = random[2];
    w->spare_fd = w->loader_fd = -1;
    w->gen = w->env->gen;
    w->arena = arena_new_lasting(OWN_ARENA);
    limits_init(w);
    if (!w->arena || !make_buffers(w) || !make_tables(w))
        return false;
    access_init(&w->access, w->env->access_fd);
    w->loop = loop_new();
    if (!w->loop)
        return false;
    timer_init(&w->beat, on_beat, w);
    timer_init(&w->sweep, on_sweep, w);
    on_beat(w);
    on_sweep(w);
    return true;
}

static void
unmake(struct worker *w)
{
    while (w->conns)
        conn_close(w->conns, true);
    mirrors_end(w);
    if (w->upstreams)
        upstreams_sweep(w->upstreams, true);
    if (w->upstreams) {
        bury(w);
        upstreams_fini(w->upstreams);
    }
    listen_end(w);
    watch_fini(&w->loader);
    if (w->term.fd > 0)
        close(w->term.fd);
    watch_fini(&w->term);
    if (w->spare_fd >= 0)
        close(w->spare_fd);
    if (w->metrics)
        account_flush(w);
    access_fini(&w->access);
    loop_free(&w->loop);
    while (w->n_arenas)
        arena_free(&w->arenas[--w->n_arenas]);
    free(w->arenas);
    while (w->n_bufs)
        buf_fini(&w->bufs[--w->n_bufs]);
    free(w->bufs);
    free(w->scratch);
    free(w->sealed);
    buf_fini(&w->sealed_out);
    buf_fini(&w->keep);
    buf_fini(&w->frames);
    buf_fini(&w->report);
    arena_free(&w->arena);
}

int
worker_main(const struct worker_env *env)
{
    struct worker w = {.env = env};
    struct err e;

    signal(SIGPIPE, SIG_IGN);
    log_set_level(env->gen->log_level);
    if (!keys_lock())
        log_warn("keys_not_locked", "why=\"%s\"", strerror(errno));
    if (!make(&w) || !orders_open(&w)) {
        log_error("worker_fails", "why=setup index=%u", env->index);
        unmake(&w);
        return 1;
    }
    if (wire_tell(env->loader_fd, WIRE_READY, 0, 0, &e) != OK)
        orders_give_up(&w, "ready", e.text);
    else
        loop_run(w.loop, after_batch, &w);
    unmake(&w);
    return w.exit_code;
}
