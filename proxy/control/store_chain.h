/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_chain: what a store is inside, and the chain of hashes through its
 * journal; for store.c and store_chain.c alone.
 */
#pragma once

#include "proxy/base/buf.h"
#include "proxy/control/store_last.h"
#include "proxy/control/store_sql.h"

#define STORE_ENTRY_MAX (4 * STORE_TEXT_MAX + 2 * STORE_JSON_MAX + 256)

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

/* SHA-256 of all that an entry says; `room` to work in. False: too long. */
MUST_CHECK bool store_entry_hash(struct buf *room,
                                 const struct store_revision *r,
                                 uint8_t out[STORE_HASH_BYTES]);

/*
 * From the first entry to the last: each knows the one before, and weights and
 * records are what was journalled. `last` is what weights.last says, or NULL.
 * ERR_INVALID: the sentence names the first entry that is not so.
 */
MUST_CHECK enum err_code
store_chain_walk(struct store *s, const struct store_last *last, struct err *e);
