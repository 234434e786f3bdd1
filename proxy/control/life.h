/* SPDX-License-Identifier: Apache-2.0 */
/*
 * life: the control process from READY to RETIRE, for control.c and handover.c.
 *
 * It serves, or it has let go of the store and waits to hear whether the next
 * one has taken over, or it leaves. While it has let go it writes nothing: not
 * the store, not a segment, not the totals.
 */
#pragma once

#include "proxy/control/door.h"
#include "proxy/control/state.h"
#include "proxy/control/tries.h"
#include "proxy/observe/roles.h"

#define LOCK_MS     20000u         /* the one before may be letting go */
#define QUIET_MS    ((uint64_t)50) /* how often it is asked whether all is quiet */
#define QUIET_TRIES 10u            /* then callers are turned out */
#define LEAVE_TRIES 40u            /* then callers are left behind */
#define FOLDS_MAX   16u
#define HOME_MS     ((uint64_t)100) /* between two looks for a supervisor */

/* X(state, word) */
#define LIFE_STATES(X)                                                         \
    X(LIFE_STARTING, "starting")                                               \
    X(LIFE_SERVING, "serving")                                                 \
    X(LIFE_LETTING_GO, "letting go") /* the last requests are answered */      \
    X(LIFE_WITHOUT, "without")       /* the store is another's */              \
    X(LIFE_LEAVING, "leaving")

enum life_state {
#define X(state, word) state,
    LIFE_STATES(X)
#undef X
};

/* The admin API on the socket and over TLS; metrics and health. */
enum life_door { DOOR_ADMIN, DOOR_REMOTE, DOOR_OBSERVE, DOORS };

struct life {
    const struct control_env *env;
    struct control control;
    enum life_state state;
    struct loop *loop;
    struct arena *arena;
    struct door *doors[DOORS]; /* NULL for those that are not */
    struct door *reload_door;  /* where control.reload_caller waits */
    struct tries wrong_tokens; /* that came by the remote one */
    struct watch supervisor, report, signals;
    int supervisor_fd;
    struct timer home; /* without a supervisor: to look for the next */
    int signal_fd;
    struct timer tick;  /* of the rollouts */
    struct timer quiet; /* asks again whether the callers are done */
    unsigned tries;
    struct arena *kept_arena; /* while without: the weights as they were */
    struct store_weight *kept;
    uint64_t folds[FOLDS_MAX]; /* generations gone while without */
    size_t n_folds;
    int log_fd;         /* the one that was sent, to be closed by the next */
    struct wire_in *in; /* 32 KiB, one message at a time */
    int exit_code;
};

/* handover.c: a message has come from the supervisor. */
void life_hear(void *arg, unsigned ready);

/* Hear a supervisor on `fd` from now on; false without memory. */
MUST_CHECK bool life_hear_on(struct life *l, int fd);

/* Once, before the loop runs. */
void life_set_timers(struct life *l);

/* Leave in good order: callers get their answers first. */
void life_leave(struct life *l, int exit_code);

/* control.c: open the store and bring weights and endpoints up to it. */
MUST_CHECK enum err_code life_take_store(struct life *l, struct err *e);
void life_serve(struct life *l);

/* The waiting caller's answer, from the verdict. */
void life_answer_reload(struct life *l);
