/* SPDX-License-Identifier: Apache-2.0 */
/*
 * held: what the bodies that are rewritten hold of the worker's memory, together.
 *
 * Each has a limit of its own (held_request, held_answer); all of them may take
 * `held_percent` of `limits.memory`. A body that would grow beyond what is left is
 * refused, never passed on untranslated. One that holds no more than any stream may
 * buffer (stream_high) is not: a few large bodies shut out no small ones.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct exchange;
struct problem_doc;
struct translate;

/* Bytes that one way's translation holds, its output included. */
size_t held_by(const struct translate *tr);

/* Note what x's bodies hold by now, whenever that may have changed. */
void held_note(struct exchange *x);

/* The same; false: x may hold no more, of which `own` bytes are the way's that grew. */
bool held_fits(struct exchange *x, size_t own);

/* Nothing of it is held any more. */
void held_end(struct exchange *x);

/* How the client is told: 413 of its own body, 502 of the pool's. */
struct problem_doc held_problem(bool is_answer);

/* Is it this that `p` tells? Then nobody's document is to blame. */
bool held_is_told(const struct problem_doc *p);
