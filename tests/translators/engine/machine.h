/* SPDX-License-Identifier: Apache-2.0 */
/*
 * machine: a document through a program at every level and in every cut, and
 * what must be the same each time.
 */
#pragma once

#include "translators/engine/engine.h"

#define ROOM ((size_t)64 * 1024 * 1024)

struct ran {
    enum engine_verdict verdict;
    struct engine_fault fault;
    span out;     /* in the arena; after a failure what had been written */
    span pointer; /* of the fault */
    size_t told[8];
    span told_at[8];
};

/*
 * Whole, in plain C. A value that goes again becomes two in a list; it vanishes where
 * it says "gone", and has no answer where it says "bad".
 */
struct ran run_whole(struct arena *a, const struct engine_program *p,
                     span body);

/* At `level`, `n` bytes a piece; the output is taken after each if `takes`. */
struct ran run_cut(struct arena *a, const struct engine_program *p,
                   enum engine_level level, span body, size_t n, bool takes);

/* The same of one that comes in the form that the program does not write. */
struct ran run_crossing(struct arena *a, const struct engine_program *p,
                        enum engine_level level, span body, size_t n);

/* By a machine of the pool. */
struct ran run_pooled(struct arena *a, struct engine_pool *pool,
                      const struct engine_program *p, enum engine_level level,
                      span body, size_t n);

/* All levels and many cuts agree with the whole in plain C; that is returned. And
 * the same program over MessagePack, and where one becomes the other, says the same of
 * the same document. */
struct ran run_all(struct arena *a, const struct engine_program *p, span body);
