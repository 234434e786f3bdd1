/* SPDX-License-Identifier: Apache-2.0 */
/*
 * super: the supervisor's whole state, for the files of this room.
 */
#pragma once

#include "proxy/base/buf.h"
#include "proxy/super/brood.h"
#include "proxy/super/family.h"
#include "proxy/super/notify.h"
#include "proxy/super/supervisor.h"

/* A control process as the supervisor sees it. */
struct super_control {
    int fd; /* our end of its supervisor_fd; -1: none */
    pid_t pid;
    uint64_t generation;
    uint64_t since_ms;
};

/* The steps of a start or a reload, in order; each has a deadline. */
#define RELOAD_STEPS(X)                                                        \
    X(RELOAD_IDLE, "idle")                                                     \
    X(RELOAD_LOADING, "loading")     /* until its workers are ready */         \
    X(RELOAD_RELEASING, "releasing") /* until the old control let go */        \
    X(RELOAD_TAKING, "taking")       /* until the new control is ready */

enum reload_step {
#define X(step, name) step,
    RELOAD_STEPS(X)
#undef X
};

#define RELOAD_TEXT_MAX (8 * (size_t)WIRE_TEXT_MAX)

struct reload {
    enum reload_step step;
    struct brood *brood;          /* the new one; NULL when idle */
    struct super_control control; /* the new one, until it is ready */
    uint64_t deadline_ms;
    bool again;        /* asked for during one: remembered once */
    bool refused;      /* the loader said no */
    struct buf text;   /* what it found, a problem a line */
    uint64_t retry_ms; /* a live loader died: try at this time; 0: no need */
    uint64_t retry_gap_ms;
    uint64_t last_number; /* of the last reload that ended, for `status` */
    bool last_ok;
};

struct super {
    const struct supervisor_options *options;
    const char *binary;
    int signal_fd;
    uint64_t now_ms; /* monotonic, read once a turn */
    uint64_t last_number;
    struct estate estate;
    struct sockets sockets;
    struct notify notify;
    struct family family;
    struct brood broods[BROODS_MAX];
    struct brood *live; /* NULL until the first has gone */
    struct super_control control;
    struct super_control retired; /* was told to go; until its socket closes */
    uint64_t control_retry_ms;    /* it died: start another then; 0: no need */
    uint64_t control_gap_ms;
    struct reload reload;
    uint64_t next_ticket_ms;
    uint64_t next_pet_ms;
    uint64_t worker_deaths;
    bool stopping;
    bool leaving; /* to end, and leave everybody for the next supervisor */
    bool told_ready;
    uint64_t stop_deadline_ms; /* control was told to go: killed beyond it */
    bool done;
    int exit_code;
};

/* reload.c: leads a new generation through its steps. */
void reload_begin(struct super *s);
void reload_fail(struct super *s, const char *why);
void reload_loader_said(struct super *s, struct brood *b,
                        const struct wire_in *in);
void reload_workers_ready(struct super *s, struct brood *b);
void reload_released(struct super *s);
void reload_taken(struct super *s); /* the new control is ready */
void reload_tick(struct super *s);

/* talk.c: what comes from loaders and control, and what control is told. */
void talk_to_loader(struct super *s, struct brood *b);
void talk_to_control(struct super *s, struct super_control *c);
/* Closes its socket; the process may live on. */
void control_close(struct super_control *c);
void control_tell(struct super *s, struct super_control *c, enum wire_kind kind,
                  uint64_t a, uint64_t b, span text);
/* Stats segments of every generation, and the state. */
void control_greet(struct super *s, struct super_control *c);
/* No process of this generation is left: its counts are to be kept. */
void control_tell_gone(struct super *s, const struct brood *b);
void control_tell_state(struct super *s);
/* It is gone: another is started in a while. */
void control_lost(struct super *s);

/* The oldest generation that is not finished. */
uint64_t super_oldest(const struct super *s);
