/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_last: `weights.last`, a small file beside the store with its weights.
 *
 * Replaced whole after each revision; read only to see that the store has lost
 * nothing, and when the store is damaged. It carries its own SHA-256; the one
 * before it is kept as `weights.last.old`.
 */
#pragma once

#include "proxy/control/store.h"

struct store_last {
    uint64_t sequence;              /* the revision it was written after */
    uint8_t hash[STORE_HASH_BYTES]; /* of that entry */
    struct store_weight *weights;   /* store_last_fini */
    size_t n_weights;
};

/*
 * Write, fsync, rename, fsync the directory. ERR_IO: the file there is the one
 * before.
 */
MUST_CHECK enum err_code
store_last_write(int dir_fd, const struct store_last *last, struct err *e);

/*
 * Read it, or the one before if it is damaged. ERR_NOT_FOUND: there is none.
 * ERR_INVALID: there is one and none is whole.
 */
MUST_CHECK enum err_code store_last_read(int dir_fd, struct store_last *out,
                                         struct err *e);

void store_last_fini(struct store_last *last);
