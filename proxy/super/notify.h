/* SPDX-License-Identifier: Apache-2.0 */
/*
 * notify: what systemd is told (sd_notify(3)), by hand: one datagram each.
 */
#pragma once

#include <stdint.h>

struct notify {
    int fd;               /* -1: nobody wants to know */
    uint64_t watchdog_ms; /* 0: no watchdog; else pet it twice in this time */
};

/* From NOTIFY_SOCKET and WATCHDOG_USEC, which children will not see. */
void notify_open(struct notify *n);
void notify_close(struct notify *n);

/* "READY=1"; nothing happens if nobody listens. */
void notify_say(const struct notify *n, const char *state);
