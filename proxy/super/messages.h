/* SPDX-License-Identifier: Apache-2.0 */
/*
 * messages: what supervisor and loader number in their messages (wire.h).
 *
 * A loader may be newer than its supervisor: members are only ever added at the
 * end, and a change of meaning is a new WIRE_VERSION.
 */
#pragma once

#include "proxy/observe/wire.h"

/* The descriptors that come with WIRE_HELLO, in this order. */
enum hello_fd {
    HELLO_WEIGHTS,
    HELLO_WEIGHTS_READ,
    HELLO_LATCHES,
    HELLO_ENDPOINTS,
    HELLO_ENDPOINTS_READ,
    HELLO_TICKETS_READ,
    HELLO_TOTALS,
    HELLO_REPORT_SEND,
    HELLO_REPORT_RECEIVE,
    HELLO_LOG,
    HELLO_RECORDS,
    HELLO_LEAST, /* without these a loader cannot be; the next came later */
    HELLO_FAMILY = HELLO_LEAST, /* the mark of home.h */
    HELLO_TICKETS,              /* to write; no worker has it */
    HELLO_GATES,                /* what rollouts count */
    HELLO_FDS
};

/* Who comes home (WIRE_HOME), in the low byte of b; then flags and a number. */
enum home_role {
    HOME_LOADER,
    HOME_CONTROL,
    HOME_WORKER, /* its loader is dead, too */
    HOME_ROLES
};

#define HOME_ROLE(b)   ((b)&0xff)
#define HOME_DRAINS    0x100u      /* it was told to drain */
#define HOME_INDEX(b)  ((b) >> 16) /* of a worker */
#define HOME_AT(index) ((uint64_t)(index) << 16)

/* What an asked-for socket is for. The text of WANT_SOCKETS is its sockaddr. */
enum socket_use {
    SOCKET_CLIENTS, /* one per worker slot; it listens when the generation goes */
    SOCKET_CONTROL, /* one, control's, observe or admin; listens at once */
    SOCKET_ADMIN,   /* one Unix socket, 0660 */
    SOCKET_USES
};

#define WORKERS_MAX WIRE_FDS_MAX /* of one generation */

/* How long each part of a start or reload may take. */
#define LOAD_MS    120000 /* reading, checking and compiling */
#define READY_MS   30000  /* a worker from its fork to WIRE_READY */
#define RELEASE_MS 10000  /* the old control to give up its lock */
#define TAKE_MS    35000  /* the new control to take over */
#define LATE_MS    5000   /* a drained worker beyond its deadline */
