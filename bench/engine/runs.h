/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runs: one pass over all bodies of a job, by each way of doing it.
 */
#pragma once

#include "bench/engine/bodies.h"
#include "translators/engine/engine.h"
#include "translators/plan/plan.h"
#include "translators/reference/reference.h"

#define BENCH_BODIES_MAX 1024

struct bench_job {
    const char *name;
    const struct plan_entry *entry; /* NULL: nothing is known, bytes pass */
    const struct engine_program *program; /* then this is run */
    struct engine_program over_packed;    /* the same over MessagePack */
    struct reference_chain chain;
    struct arena *arena;      /* reset for each body */
    struct engine_pool *pool; /* of machines, as a worker has one */
    struct buf out;
    size_t n;
    size_t bytes; /* of all bodies */
    span bodies[BENCH_BODIES_MAX];
    span packed[BENCH_BODIES_MAX]; /* the same as MessagePack */
};

/* Each returns false if it cannot do it. */
bool bench_copy(struct bench_job *job);
bool bench_plan(struct bench_job *job);       /* the body in one piece */
bool bench_plan_plain(struct bench_job *job); /* the same, in plain C */
bool bench_plan_avx2(struct bench_job *job);  /* if there is that */
bool bench_plan_16384(struct bench_job *job); /* in pieces, output taken */
bool bench_plan_1460(struct bench_job *job);
bool bench_packed(struct bench_job *job); /* `packed`, in one piece */
bool bench_packed_1460(struct bench_job *job);
/* The one comes and the other goes, with the edits, in one pass. */
bool bench_packed_to_json(struct bench_job *job);
bool bench_json_to_packed(struct bench_job *job);
bool bench_unpack(struct bench_job *job); /* `packed` as JSON: no edits */
bool bench_repack(struct bench_job *job); /* JSON as MessagePack: no edits */
bool bench_reference(struct bench_job *job);
bool bench_jansson(struct bench_job *job); /* load and dump: no edits */
bool bench_msgpack(struct bench_job *job); /* unpack and pack of `packed` */

/* Programs between all versions of 200 changes and two pools, both ways: how many there
 * are; 0: it failed (programs.c). */
size_t bench_programs(void);

/* job->packed, in `a`. */
MUST_CHECK bool bench_pack(struct arena *a, struct bench_job *job);
