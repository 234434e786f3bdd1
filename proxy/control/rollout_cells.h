/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rollout_cells: cells of a rollout that are halted while the rest goes on.
 *
 * Three places know of one: the word that the worker set, the record in the store, and the worker's line in the exposure
 * file, should every process die in between. The word is obeyed at once; the record follows; nothing but a reopening
 * that stands in the journal opens it. A record names its cells by what they are of, since another configuration may
 * count them otherwise: then each of its cells that has requests of a halted one is halted.
 */
#pragma once

#include "proxy/control/rollouts.h"

/* All its cells; those that a latch halts in the run it is in: a bit each. */
uint32_t rollout_cells_all(const struct rollout *r);
uint32_t rollout_cells_latched(const struct rollout *r);

/* How many have nobody on the canary though their rollout is live. */
uint32_t rollout_cells_halted_n(const struct rollout *r);

/* An edge turns `r` into `next`: what halted the cells that it halts, and when. */
void rollout_cells_turn(const struct rollout *r, const struct rollout_ask *ask,
                        struct rollout *next);

/* The words say no less than the record: a cell that was reopened is judged from nothing. */
void rollout_cells_show(const struct rollout *r);

/* Control's own gate broke in this cell. */
void rollout_cells_halt(const struct rollout *r, uint32_t cell,
                        enum latch_reason reason);

/* A line of the exposure file: a halt that nobody lived to journal. */
struct exposures_halt;
void rollout_cells_restore(const struct rollout *r,
                           const struct exposures_halt *halt);

/* Which of them are called so ("orders, v2, ios"; empty: all that are halted). 0: none. */
uint32_t rollout_cells_called(const struct rollout *r, span text);

/* What halted this one; NULL: it is not halted. */
const char *rollout_cells_gate(const struct rollout *r, uint32_t cell);

/* "errors: orders, v2, ios; burst: ..." of these; `size` >= 32. */
void rollout_cells_text(const struct rollout *r, uint32_t cells, char *out,
                        size_t size);

/* For the record, and back into `r`; for people. NULL: no memory, or none are halted or were. */
MUST_CHECK json_t *rollout_cells_json(const struct rollout *r);
void rollout_cells_read(struct rollout *r, const json_t *list);
MUST_CHECK json_t *rollout_cells_view(const struct rollout *r);
