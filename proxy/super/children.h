/* SPDX-License-Identifier: Apache-2.0 */
/*
 * children: the workers (and control) that a loader forked, and forks again.
 *
 * A dead worker is replaced at once; one that keeps dying waits a little longer
 * each time, 1 s at most, and is never given up. A heartbeat that is stale means
 * a worker that hangs: it is killed, then replaced.
 */
#pragma once

#include "config/generation.h"
#include "proxy/super/home.h"
#include "proxy/super/loader.h"
#include "proxy/super/messages.h"

#include <sys/socket.h>

#define LISTENERS_MAX 32u /* `listen` entries of a configuration */

/* Sockets of one `listen` entry, by slot. */
struct children_sockets {
    struct sockaddr_storage at;
    socklen_t at_len;
    int fds[WORKERS_MAX];
    size_t n;
};

struct child {
    pid_t pid;  /* 0: not running */
    int fd;     /* our end; -1 */
    bool ready; /* it said so */
    bool ends;  /* it was killed, and told about */
    uint64_t started_ms;
    uint64_t gap_ms;       /* the present back-off */
    uint64_t again_ms;     /* fork it at this time; 0: no */
    uint64_t deaths_ms[5]; /* the last ones, a ring */
    size_t n_deaths;
};

/* All that a generation's processes are made from. */
struct children {
    const struct loader_options *options;
    const struct generation *gen;
    uint64_t number;
    unsigned n;        /* workers */
    int supervisor_fd; /* -1: it is dead */
    int signal_fd;
    int hello[HELLO_FDS];     /* -1: the supervisor is too old to have it */
    char home[HOME_NAME_MAX]; /* "": it cannot be taken over from */
    struct children_sockets listeners[LISTENERS_MAX];
    struct children_sockets observe; /* n is 0 without; at most 1 */
    struct children_sockets remote;  /* the same */
    struct children_sockets admin;
    int access_fd;
    int exposure_fd;
    int stats_fds[WORKERS_MAX];
    void *rates;  /* shared by the workers; NULL without any rate */
    void *counts; /* likewise, without a limit that is of all of them */
    const struct stats *stats[WORKERS_MAX];
    struct child workers[WORKERS_MAX];
    struct child control;
    bool wants_control; /* it was ordered while the one before was ending */
    bool has_gone;      /* GO was said: workers accept */
    bool told_ready;    /* WORKERS_READY was sent */
    bool draining;
    uint64_t deadline_ms; /* draining: late ones are killed */
};

/* Fork worker `i` now. A fork that fails is tried again later. */
void children_fork_worker(struct children *c, unsigned i, uint64_t now_ms);
void children_fork_control(struct children *c, uint64_t now_ms);

/* Read what worker `i` says. */
void children_hear(struct children *c, unsigned i);

/* Collect the dead. False if one died before the generation could go: *why. */
MUST_CHECK bool children_reap(struct children *c, uint64_t now_ms,
                              struct err *why);

/* Hanging ones are killed, gaps that are over end in a fork. False as above. */
MUST_CHECK bool children_tick(struct children *c, uint64_t now_ms,
                              struct err *why);

bool children_all_ready(const struct children *c);
bool children_any_worker(const struct children *c);

/* To every worker that runs. */
void children_tell(struct children *c, enum wire_kind kind, uint64_t a);
void children_pass(struct children *c, enum wire_kind kind, int fd);

/* SIGKILL to all; they are not replaced. */
void children_kill(struct children *c);
