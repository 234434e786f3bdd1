/* SPDX-License-Identifier: Apache-2.0 */
/*
 * drain: how a worker ends without losing a request.
 *
 * It accepts no more. An h2 client gets GOAWAY in two steps. An idle h1
 * connection is not closed at once, since a request may be on its way and a
 * POST cannot be sent again: it answers one more with `Connection: close`, or
 * meets its idle time-out, or the deadline. A tunnel is told Close 1001 then, and
 * has a little longer to close.
 */
#pragma once

struct worker;

/* Has it all ended? Then stop the loop. Asked after each batch of events. */
void drain_look(struct worker *w);
