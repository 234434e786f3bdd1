/* SPDX-License-Identifier: Apache-2.0 */
/*
 * roles: what a worker and the control process are born with.
 *
 * The loader forks them and calls worker_main (proxy/server/worker.h) or
 * control_main (proxy/control/control.h) with one of these; what the function
 * returns is the exit code. All descriptors are theirs until they exit and stay
 * open; all mappings stay. No signal is blocked; SIGPIPE and SIGHUP are
 * ignored, the others at their defaults.
 *
 * A worker's life: set up (loop, TLS contexts), send WIRE_READY on loader_fd, do not
 * accept; on WIRE_GO look up its slots (weights_find, endpoints_find), call
 * enter_sandbox, accept; stats_beat every second from READY on; on WIRE_DRAIN
 * finish within `a` ms and return 0. SIGTERM means DRAIN with limits.drain_ms.
 * EOF on loader_fd before GO: return. After it: supervisor and loader are gone;
 * go on serving, and ask come_home now and then.
 *
 * Control's life: map what WIRE_STATS brings, take the store's lock, reconcile
 * weights and endpoints into the segments, send WIRE_READY, serve the admin API.
 * On WIRE_HANDOVER: finish the transaction, stop answering, release the lock, send
 * WIRE_RELEASED, and wait for WIRE_RESUME (go on as before) or WIRE_RETIRE (answer
 * the caller of `reload` with the WIRE_VERDICT that came first; return 0). SIGTERM
 * means RETIRE. EOF on supervisor_fd: go on without it, and ask come_home now and
 * then; `reload` is refused.
 * WIRE_VERDICT also comes for a reload asked by SIGHUP (to the log and `status`).
 */
#pragma once

#include "proxy/base/err.h"
#include "proxy/observe/segments.h"
#include "proxy/observe/wire.h"

struct generation; /* config/generation.h */

struct env_listener {
    int fd;          /* listens, non-blocking */
    size_t listener; /* index into generation.listeners */
};

struct worker_env {
    const struct generation *gen;
    unsigned index; /* of n_workers */
    unsigned n_workers;
    const struct env_listener *listeners; /* every slot this worker serves */
    size_t n_listeners;
    int loader_fd; /* SEQPACKET, wire.h */
    const struct weights *weights;
    struct latches *latches;
    struct gates *gates; /* NULL: no rollout is judged */
    const struct endpoints *endpoints;
    struct stats *stats; /* its own: metrics_open, stats_beat */
    const struct tickets *tickets;
    /* Rates of this generation, shared by its workers; NULL: each has its own. */
    _Atomic uint64_t *rates;
    /* Likewise what they have under way (server/counts.h); NULL: its own. */
    void *counts;
    int log_fd;      /* log_open was called already */
    int access_fd;   /* -1 without an access log */
    int exposure_fd; /* O_APPEND; -1 without a state directory */
    int report_fd; /* SOCK_DGRAM to control, never waits, may drop; -1: none */
    /* Once, before the first accept. Does nothing in a build without it. */
    enum err_code (*enter_sandbox)(struct err *e);
    /*
     * Loader and supervisor are gone: a new loader_fd, from the next supervisor;
     * -1: there is none yet. Never waits. May be NULL.
     */
    int (*come_home)(void);
};

struct control_env {
    const struct generation *gen;
    int admin_fd;      /* listens on the Unix socket; -1 without */
    int remote_fd;     /* listens for the admin API over TLS; -1 without */
    int observe_fd;    /* listens on loopback; -1 without */
    int supervisor_fd; /* SEQPACKET, wire.h */
    struct weights *weights;
    struct latches *latches;
    struct gates *gates;
    struct endpoints *endpoints;
    struct stats *totals; /* control's own cells, and where it folds */
    struct records *records;
    int report_fd; /* the end that receives datagrams of record.h */
    int log_fd;
    /* As a worker's: a new supervisor_fd, or -1. May be NULL. */
    int (*come_home)(void);
};
