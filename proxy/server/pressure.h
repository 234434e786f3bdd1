/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pressure: what a worker does when its memory runs out.
 *
 * `limits.memory` is what its heap may hold. From `memory_high_percent` of it on
 * new requests are answered 503; from `memory_full_percent` on new connections
 * are, and idle ones are closed. What is under way goes on: it has limits of its own, and it is what gives memory back.
 * The heap itself is asked, since it alone knows what all of it costs.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct worker;

struct pressure {
    size_t max;  /* bytes; never 0 */
    size_t high; /* the marks below it */
    size_t full;
    size_t used;      /* when the heap was last asked */
    uint64_t look_ms; /* when it is asked next */
};

/* From the configuration, or a share of the machine's memory. */
void pressure_init(struct worker *w);

/* After a batch of events: ask the heap, if it is time to. */
void pressure_look(struct worker *w);

bool pressure_is_high(const struct worker *w); /* no more requests */
bool pressure_is_full(const struct worker *w); /* no more connections */
