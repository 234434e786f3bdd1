/* SPDX-License-Identifier: Apache-2.0 */
/*
 * drain: how a worker ends without losing a request.
 *
 * It accepts no more. An h2 client gets GOAWAY in two steps. An idle h1
 * connection is not closed at once, since a request may be on its way and a
 * POST cannot be sent again: it answers one more with `Connection: close`, or
 * meets its idle time-out, or the deadline. A tunnel is told Close 1001 then, and
 * has a little longer to close.
 *
 * Not all are told to go at once: they come back to the next worker, and all
 * their handshakes in one moment would keep everybody waiting. One goes every
 * twenty milliseconds (h2: two or three at each tick of the loop), more of many,
 * so that half of the time is enough for all; who is not told yet is served as
 * ever.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct worker;

struct drain_pace {
    uint64_t since_ms;
    uint64_t over_ms; /* all have been told by then */
    size_t n, n_told;
};

/* `n` connections are to go within `most_ms`. */
void drain_pace_init(struct drain_pace *p, uint64_t now_ms, size_t n,
                     uint64_t most_ms);

/* May another one be told to go now? Then it has been counted. */
bool drain_pace_takes(struct drain_pace *p, uint64_t now_ms);

/* The worker drains, and it is the turn of one that asks: tell it to go. */
bool drain_tells(struct worker *w);

/* Has it all ended? Then stop the loop. Asked after each batch of events. */
void drain_look(struct worker *w);
