/* SPDX-License-Identifier: Apache-2.0 */
/*
 * orphan: a process whose supervisor died tells the next one what it holds.
 *
 * A loader and its control hold all that a supervisor does: segments, sockets,
 * logs. So whichever of them is left brings it home; a worker whose loader is
 * dead, too, brings only itself, to be told when to drain.
 */
#pragma once

#include "proxy/super/children.h"

/*
 * Look for the next supervisor and tell it everything, as `role` (a worker: with
 * its index). A socket to it, yours; -1: there is none yet. Never waits.
 */
int orphan_come_home(const struct children *c, enum home_role role,
                     unsigned index);

/* In a worker, before the sandbox: sockets for as many homes as it may ever need. */
void orphan_make_sockets(void);
