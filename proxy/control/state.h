/* SPDX-License-Identifier: Apache-2.0 */
/*
 * state: all that control knows, in one place for those who answer.
 *
 * control.c makes and changes it; api.c and observe.c read it, and change it
 * only through slots and the store.
 */
#pragma once

#include "config/generation.h"
#include "proxy/control/backends.h"
#include "proxy/control/crew.h"
#include "proxy/control/events.h"
#include "proxy/control/records.h"
#include "proxy/control/rollouts.h"
#include "proxy/control/shadows.h"
#include "proxy/control/slots.h"
#include "proxy/control/store.h"

#include <jansson.h>

#define RELOAD_SAID_MAX 32768u /* bytes of a verdict's problems that are kept */

/* How the last reload ended. */
struct verdict {
    bool known;
    bool ok;
    uint64_t generation;
    span said; /* a problem a line; in `room` */
    char room[RELOAD_SAID_MAX];
};

struct control {
    const struct generation *gen;
    struct store *store;
    struct slots slots;
    struct rollouts rollouts;
    struct backends backends;
    struct events events;
    struct crew crew;
    struct records *records; /* a segment: they outlive us */
    struct shadows shadows;
    struct metrics *metrics; /* control's own, and the totals */
    struct stats *totals;    /* the segment behind them */
    struct verdict verdict;
    json_t *processes; /* the supervisor's account of them; NULL: none came */
    uint64_t deaths;   /* of workers, by the supervisor */
    bool has_supervisor;
    bool is_reloading;      /* by the supervisor's account */
    uint64_t reload_caller; /* who waits for one, by the door's id; 0: nobody */
};
