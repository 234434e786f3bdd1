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

#define LEARNT_AFTER 2  /* elements: a short list is not worth it */
#define LEARNT_KEYS  36 /* a machine fits into 16 KiB */
#define LEARNT_HEADS 8
#define LEARNT_TEXT  32 /* a longer key is looked up */

#define ENGINE_UNUSUAL ((uint64_t)1 << 63) /* no seen bit of what is usual */

/* A key, where it was met. The loop does not learn: only the walk does. */
struct engine_learnt {
    char text[LEARNT_TEXT];
    const char *to; /* what goes out for it; as many bytes may be read */
    struct engine_learnt *next;
    const struct engine_entry *entry;
    const struct engine_key *key;
    /* Over MessagePack: where keys of the object begin that it may hold; of the objects
     * in the list that it may. NULL: it holds none that is light. */
    struct engine_learnt *object;
    struct engine_learnt *elements;
    uint64_t mask;  /* of what of the text is the key's, the colon included */
    uint64_t seen;  /* the entry's */
    uint64_t stops; /* the same, and ENGINE_UNUSUAL if it is not usual */
    uint8_t len;    /* of the key with its quotes */
    uint8_t to_len; /* of `to` */
    uint8_t way;    /* the entry's; without one it stays */
    uint8_t word;   /* the entry's */
    uint8_t size;   /* of its value, if that is no text, as it was last */
    bool is_plain; /* it stays, its key as it came, and nobody asks if it did */
    bool
        is_light; /* before the first: when the object ends nothing is to be done */
    bool is_usual; /* it stays, and of the seen bits it is in the first word */
};

struct engine_lesson {
    struct engine_learnt none; /* no key stands so; its own next */
    size_t n_keys;
    size_t n_heads;
    const struct engine_state *states[LEARNT_HEADS];
    struct engine_learnt heads[LEARNT_HEADS]; /* before the first of a state */
    struct engine_learnt keys[LEARNT_KEYS];
};
