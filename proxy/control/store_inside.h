/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_inside: what a store is, for the files that it is made of: store (opened
 * and asked), store_tables (what it holds in memory), store_commit (changed),
 * store_chain (its journal walked).
 */
#pragma once

#include "proxy/control/store.h"
#include "proxy/control/store_last.h"
#include "proxy/control/store_sql.h"

struct store {
    int dir_fd;
    int lock_fd;
    struct sql *sql; /* NULL when damaged */
    bool refuses;
    char why[ERR_TEXT_MAX + 128];
    uint64_t sequence; /* of the newest entry */
    uint8_t hash[STORE_HASH_BYTES];
    struct store_weight *weights; /* by slot, in bytewise order */
    size_t n_weights;
    size_t room;
    struct store_record *records; /* each owns its text */
    size_t n_records;
    size_t records_room;
};

/* From now on changes are refused, and why; the first reason stays. */
void store_refuse(struct store *s, const char *remedy, const struct err *e);

/* Room for `n` more; false: no memory, or too many. */
MUST_CHECK bool store_weights_reserve(struct store *s, size_t n);
MUST_CHECK bool store_records_reserve(struct store *s, size_t n);

/* Room was reserved, and `text` becomes the store's: what is durable is never missing here. */
void store_weights_put(struct store *s, const struct store_weight *w);
void store_records_put(struct store *s, span name, uint64_t revision,
                       char *text, size_t len);

/* A copy that is never NULL but for the want of memory; the caller's. */
MUST_CHECK char *store_text_copy(span s);

/* One row of the database (store_sql.h); `arg` is the store. */
bool store_weights_load_one(void *arg, const struct store_weight *w);
bool store_records_load_one(void *arg, span name, uint64_t revision, span json);
void store_records_free(struct store *s);
