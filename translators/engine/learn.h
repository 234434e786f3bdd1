/* SPDX-License-Identifier: Apache-2.0 */
/*
 * learn: which key followed which. The room's own.
 *
 * The objects of a list mostly have the same keys in the same order. So from the
 * third element on the machine keeps, for each key of an object with a state, how it
 * stood there and which key came next; a key that is the expected one, byte for byte
 * with its quotes and colon, needs no more looking up. One that is left out is
 * stepped over. There is room for so many keys and no more: where they are other
 * ones each time it fills, and they are looked up as before.
 */
#pragma once

#include "translators/engine/program.h"

#define LEARNT_AFTER 2 /* elements: a short list is not worth it */
#define LEARNT_KEYS  64
#define LEARNT_HEADS 8
#define LEARNT_TEXT  32 /* a longer key is looked up */

/* A key, where it was met. The loop does not learn: only the walk does. */
struct engine_learnt {
    char text[LEARNT_TEXT];
    struct engine_learnt *next;
    const struct engine_entry *entry;
    const struct engine_key *key;
    uint64_t mask; /* of what of the text is the key's, the colon included */
    uint8_t len;   /* of the key with its quotes */
    uint8_t way;   /* the entry's; without one it stays */
    bool is_plain; /* it stays, its key as it came, and nobody asks if it did */
};

struct engine_lesson {
    struct engine_learnt none; /* no key stands so; its own next */
    size_t n_keys;
    size_t n_heads;
    const struct engine_state *states[LEARNT_HEADS];
    struct engine_learnt heads[LEARNT_HEADS]; /* before the first of a state */
    struct engine_learnt keys[LEARNT_KEYS];
};
