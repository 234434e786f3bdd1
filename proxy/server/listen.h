/* SPDX-License-Identifier: Apache-2.0 */
/*
 * listen: the listening sockets of this worker.
 *
 * It never stops accepting while it serves, since the kernel goes on choosing
 * it: beyond the limit of connections, or without descriptors, a client is
 * answered 503 or closed.
 */
#pragma once

#include "proxy/server/loop.h"

struct worker;

struct listener {
    struct worker *worker;
    struct watch watch;
    size_t index; /* into generation.listeners */
    uint32_t accepted_cell;
};

/* Watch all of env's sockets; false if there is no memory. */
MUST_CHECK bool listen_begin(struct worker *w);

/* Accept no more; the sockets stay open. */
void listen_end(struct worker *w);
