/* SPDX-License-Identifier: Apache-2.0 */
/*
 * worker: one process, one thread, one loop, and all they touch.
 *
 * It serves one generation for life. Nothing in here is shared with another
 * thread; what is shared with other processes are the segments of worker_env.
 * What dies is freed when the batch of events is done, so nothing that a
 * callback still holds goes away under it.
 */
#pragma once

#include "config/generation.h"
#include "proxy/http/h1.h"
#include "proxy/http/h2.h"
#include "proxy/observe/access.h"
#include "proxy/observe/metrics.h"
#include "proxy/observe/roles.h"
#include "proxy/server/counts.h"
#include "proxy/server/drain.h"
#include "proxy/server/io.h"
#include "proxy/server/lateness.h"
#include "proxy/server/loop.h"
#include "proxy/server/pressure.h"
#include "routing/rate.h"

#define WORKER_SCRATCH                                                         \
    ((size_t)256 * 1024)                   /* opened or clear bytes, one read */
#define WORKER_SEALED ((size_t)128 * 1024) /* TLS bytes, one read */
#define WORKER_KEEP   ((size_t)256 * 1024) /* heads made in one wake-up */

struct conn;
struct exchange;
struct link;
struct listener;
struct messages;
struct mirror;
struct memo;
struct route_cells;
struct upstreams;

struct worker {
    const struct worker_env *env;
    const struct generation *gen;
    struct loop *loop;
    struct arena *arena; /* as old as the process */
    struct memo *memo;   /* of translated messages */
    struct metrics *metrics;
    struct access access;
    struct buf report; /* decision records on their way */
    struct upstreams *upstreams;
    struct route_cells *cells; /* by route */
    struct listener *listeners;
    struct h1_limits request_limits;
    struct h1_limits answer_limits;
    struct h2_limits h2_limits;
    struct h2_limits answer_h2_limits;
    struct pace_rules pace_rules; /* of what is sent to a client */
    struct rate_table rates;
    struct pressure pressure;
    size_t held; /* bytes, by all bodies that are rewritten: held.h */
    struct lateness lateness;
    struct counts counts;       /* together with the other workers */
    struct problem_form *forms; /* of problems that are told often: problem.c */
    struct turned_text *turned_texts; /* turn_away.c */
    struct gates_place **places;      /* by rollout; NULL: it is not judged */
    uint32_t *weight_slots; /* by canary: its own, or SEGMENT_NO_SLOT */

    /* One for all: good for the length of one wake-up. */
    char *scratch;
    char *sealed;
    struct buf sealed_out;
    struct buf frames; /* of h2, to pools */
    struct buf keep;
    struct io *dirty;
    struct exchange
        *passing;     /* whose answer's bytes are where they were read */
    struct buf *bufs; /* spare ones, to be lent: each has room */
    size_t n_bufs;

    struct conn *conns; /* all that are alive */
    size_t n_conns;
    size_t conns_max;
    size_t n_exchanges;
    size_t n_retries; /* of these, sent a second time */
    struct conn *dead_conns;
    struct conn *later;       /* have bytes read ahead, or frames to gather */
    struct link *later_links; /* have frames to gather */
    struct exchange *searched_exchanges;  /* for a marker: exchange_marker.c */
    struct exchange *dead_exchanges;      /* when the batch of events is done */
    struct exchange *forgotten_exchanges; /* when all that waits is sent */
    struct messages *tunnels;             /* that are open */
    struct mirror *mirrors;               /* all of them: mirror.h */
    size_t n_mirrors;
    bool has_due_mirror;
    struct arena **arenas; /* spare ones for requests */
    size_t n_arenas;

    struct watch loader;
    struct watch term; /* SIGTERM, as a descriptor */
    struct timer beat;
    struct timer sweep;
    struct timer drain;
    struct timer drain_turn;
    struct drain_pace drain_pace;
    struct timer home; /* without a loader: to look for a supervisor */
    uint64_t id_high;  /* of request ids, random */
    uint64_t id_low;
    uint64_t dice;
    uint64_t dropped_told; /* lines of the access log, as counted */
    uint64_t told_ms;      /* when logs and records last went out */
    bool is_serving;
    bool is_draining;
    bool is_past_drain; /* its deadline has come: what is left says goodbye */
    int loader_fd;      /* -1: it is gone, and its supervisor is */
    int exit_code;
    int spare_fd; /* given up to accept and refuse when there are no others */
};

/*
 * Be worker env->index until drained: the return value is the process's exit
 * code. Called in a process of its own, after the fork; makes its own loop.
 */
int worker_main(const struct worker_env *env);

/* A copy that lives until the wake-up ends. */
span worker_keep(struct worker *w, span s);

/*
 * A builder for such bytes: append to it, then worker_kept gives what was
 * appended since. At least 64 KiB fit; beyond it fails.
 */
struct buf *worker_keep_begin(struct worker *w, size_t *mark);
span worker_keep_end(struct worker *w, size_t mark);

/* Send all that was gathered and tell whose peer is gone; when a wake-up ends. */
void worker_flush(struct worker *w);

/* Send it and tell nobody yet: in the middle of a call everything stays alive. */
void worker_send(struct worker *w);

/* Lend an empty buf that holds none some memory that was another's, if there is
 * any; and take it back. What was in it is forgotten. */
void worker_lend_buf(struct worker *w, struct buf *b);
void worker_give_buf(struct worker *w, struct buf *b);

/* An arena for one request, and back; it is reset. NULL if the heap is empty. */
struct arena *worker_take_arena(struct worker *w);
void worker_give_arena(struct worker *w, struct arena *a);

uint32_t worker_dice(struct worker *w);

/* Where the worker's life turns: both are the messages of proxy/observe/roles.h. */
void worker_serve(struct worker *w);
void worker_drain(struct worker *w, uint64_t ms);
