/* SPDX-License-Identifier: Apache-2.0 */
/*
 * map: names to things, built once, looked up often.
 *
 * It lives in an arena and keys are borrowed: they must live as long. There is
 * no removal. Entries can be walked in the order in which they were put.
 */
#pragma once

#include "proxy/base/arena.h"

struct map_entry {
    span key;
    void *value;
};

struct map {
    struct arena *arena;
    struct map_entry *entries; /* in order of map_put */
    uint32_t *slots;           /* 1 + index into entries; 0 is free */
    size_t n;
    size_t n_slots; /* a power of two, or 0 */
};

void map_init(struct map *m, struct arena *a);

/*
 * Put `value` (not NULL) under `key`. False at the arena's limit. If the key is
 * there already its value stays and *was (if not NULL) is set to it, else NULL.
 */
MUST_CHECK bool map_put(struct map *m, span key, void *value, void **was);

/* The value under `key`, or NULL. */
void *map_get(const struct map *m, span key);

/*
 * The key nearest to `word` (edit distance at most 2, and less than its length),
 * for "did you mean": an empty span if none is near.
 */
span map_nearest(const struct map *m, span word);

/* How many edits (insert, delete, replace, swap) lie between two words; at most 255. */
unsigned edit_distance(span a, span b);
