/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bodies: documents of one shape each, no two with the same content, and the change
 * files that they are translated with.
 */
#pragma once

#include "proxy/base/arena.h"
#include "proxy/base/buf.h"

#define BENCH_ROOM ((size_t)1024 * 1024 * 1024)

struct bench_shape {
    const char *name;
    const char *type;  /* in the API */
    const char *place; /* of it in the body; NULL: the body is one */
    void (*add)(struct buf *b, unsigned *seed);
};

/* Edited at one key in about 60 bytes; small ones; sparsely edited; the same, printed
 * with white space. */
extern const struct bench_shape bench_orders;
extern const struct bench_shape bench_order;
extern const struct bench_shape bench_repos;
extern const struct bench_shape bench_charges;

/* A document of at least `bytes`, or one record if the shape has no place. */
void bench_fill(struct buf *b, const struct bench_shape *shape, size_t bytes,
                unsigned *seed);

/* The API with `n_versions` versions, at least 2; NULL: it does not load. */
struct lens_api;
const struct lens_api *bench_api(struct arena *a, size_t n_versions);
