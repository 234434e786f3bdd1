/* SPDX-License-Identifier: Apache-2.0 */
/*
 * brood: one generation as the supervisor sees it: a loader and its workers.
 *
 * The loader is the parent; the supervisor holds its pid, a socket to it, and a
 * second handle on each worker's socket, so that workers whose loader died can
 * still be told to drain. Orphans become the supervisor's children (subreaper).
 */
#pragma once

#include "proxy/super/estate.h"
#include "proxy/super/home.h"
#include "proxy/super/sockets.h"

#include <sys/types.h>

#define BROODS_MAX                                                             \
    16u /* draining ones may pile up; a reload beyond is refused */

/* In the order of a life; BROOD_FREE is an empty place. */
#define BROOD_STATES(X)                                                        \
    X(BROOD_FREE, "free")                                                      \
    X(BROOD_LOADING, "loading")                                                \
    X(BROOD_READY, "ready")                                                    \
    X(BROOD_LIVE, "live")                                                      \
    X(BROOD_DRAINING, "draining")                                              \
    X(BROOD_FOLDING, "folding")

enum brood_state {
#define X(state, name) state,
    BROOD_STATES(X)
#undef X
};

struct brood_worker {
    pid_t pid; /* 0: none at this index */
    int fd;    /* our end of its socket; -1 */
    int pidfd; /* to kill it by; -1 */
};

struct brood {
    enum brood_state state;
    uint64_t number;
    pid_t loader;    /* 0: it has died and was reaped */
    bool is_adopted; /* an earlier supervisor's: no child of ours to wait for */
    int loader_pidfd; /* of an adopted one, to kill it by; else -1 */
    int loader_fd;
    size_t n_workers; /* as many as it asked stats for */
    struct brood_worker workers[WORKERS_MAX];
    int stats_fds[WORKERS_MAX];
    const struct stats *stats[WORKERS_MAX];
    uint64_t drain_ms;    /* its configuration's; from WORKERS_READY */
    uint64_t deadline_ms; /* draining: killed beyond it */
    int access_file;      /* its access log in the estate, or -1 */
    struct sockets_used sockets;
};

struct brood_command {
    const char *binary, *config;
    const char *user; /* whom the loader becomes; NULL: who we are */
};

/* Fork and exec the loader of generation `number`. */
MUST_CHECK enum err_code
brood_start(struct brood *b, const struct brood_command *command,
            uint64_t number, const struct estate *estate, struct err *e);

/* Generation `number` of an earlier supervisor, of which somebody came home. */
void brood_adopt(struct brood *b, uint64_t number);
void brood_adopt_loader(struct brood *b, pid_t pid, int fd);
/* Its stats segments; the descriptors are taken from the array. */
MUST_CHECK enum err_code brood_adopt_stats(struct brood *b, int *fds, size_t n,
                                           struct err *e);

/* An adopted loader's socket closed: nobody else tells us that it has died. */
void brood_loader_gone(struct brood *b);

/* Stats segments for `n` workers, sent to the loader. */
MUST_CHECK enum err_code brood_give_stats(struct brood *b, uint64_t n,
                                          struct err *e);

/* Note the worker that WIRE_WORKER told of; takes its descriptor. */
void brood_add_worker(struct brood *b, uint64_t index, pid_t pid, int fd);
void brood_drop_worker(struct brood *b, uint64_t index);

/* Tell the loader; one that cannot be told is killed. */
void brood_tell(struct brood *b, enum wire_kind kind, uint64_t a);
/* The same with a descriptor, to the loader and, without it, to the workers. */
void brood_pass(struct brood *b, enum wire_kind kind, int fd);

/* Drain within its own time, through the loader or, without it, directly. */
void brood_drain(struct brood *b, uint64_t now_ms);

/* SIGKILL to all of it that is left. */
void brood_kill(struct brood *b);

/* A child of ours has died: was it of this brood? Notes it. */
bool brood_reaped(struct brood *b, pid_t pid);

/* Look after the workers whose loader is dead: whose socket closed is gone. */
void brood_watch_orphans(struct brood *b);

/* No loader and no worker is left. */
bool brood_is_empty(const struct brood *b);

/* Every worker of it stamped its heartbeat lately. */
bool brood_is_fresh(const struct brood *b, uint64_t now_ms);

/* Close all and free the place. */
void brood_close(struct brood *b);

const char *brood_state_name(enum brood_state state);
