/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_chain: the chain of hashes through a store's journal; for the store's
 * own files alone.
 */
#pragma once

#include "proxy/base/buf.h"
#include "proxy/control/store_inside.h"

#define STORE_ENTRY_MAX (4 * STORE_TEXT_MAX + 2 * STORE_JSON_MAX + 256)

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
