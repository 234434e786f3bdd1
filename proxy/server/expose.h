/* SPDX-License-Identifier: Apache-2.0 */
/*
 * expose: what a rollout's canary was sent, for whoever has to mend it after a rollback.
 *
 * Counts go to the cells of the gates segment, which outlive the worker. A write (a method that is not safe)
 * that was done, or may have been, is a line of the exposure file besides: method, path, hash of the subject,
 * time, never a body or a header but `Location`. The line is handed to the kernel before the client hears that it
 * was done; one that could not be is counted, so a list that is not whole says so. Nothing is told of what is no
 * rollout's, of mirrored requests, and of a rollout that has nobody on the canary.
 *
 * A halt, of the run or of a cell, is a line as well, on the disk before anything else is done: were every process to die before control
 * has journalled it, the run would go on at its stored weight.
 */
#pragma once

#include "proxy/observe/segments.h"
#include "proxy/server/exchange.h"

/* The file is full for us beyond this; it is cut by nobody but its owner. */
#define EXPOSURE_BYTES_MAX ((uint64_t)1 << 30)

/* The pool is about to be sent the head. */
void expose_sent(struct exchange *x);

/* The pool's answer is there, or will never be. A second call does nothing. */
void expose_told(struct exchange *x);

/* The run was halted by this worker; one of its cells was. */
void expose_halt(struct exchange *x, uint32_t run, uint32_t cell,
                 const char *reason);
void expose_cell_halt(struct exchange *x, struct cell_latch latch,
                      uint32_t cell);
