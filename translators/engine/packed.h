/* SPDX-License-Identifier: Apache-2.0 */
/*
 * packed: a program as the machine runs it over MessagePack.
 *
 * The same states, entries, ops and slots with the same numbers, and every text
 * that is written in MessagePack instead of JSON: made once, when the program is.
 * What is compared (rows, tests, `same`) and what forms read and write stays JSON:
 * the machine spells a scalar that it must read as JSON would.
 *
 * The head of a map or list says how many follow. Where that may change the object
 * is held until it ends (its head is a hole); an object whose members only change
 * their keys and values streams. engine_packed_holds says what is held.
 */
#pragma once

#include "translators/engine/program.h"

struct engine_packer; /* programs of one graph of states, copied each once */

/* Copies go to `a`; what is needed meanwhile lives in `scratch`. NULL: full. */
MUST_CHECK struct engine_packer *engine_packer_new(struct arena *a,
                                                   struct arena *scratch);

/* `program` over MessagePack. A text that MessagePack cannot say becomes a fault
 * (ENGINE_NONE). False: an arena is full. */
MUST_CHECK bool engine_pack(struct engine_packer *k,
                            const struct engine_program *program,
                            struct engine_program *out);

/* What is held of a document, beside what waits, as its counts are not known. */
enum engine_packed_held {
    ENGINE_PACKED_NOTHING,
    ENGINE_PACKED_PARTS, /* objects or lists in it, each until it ends */
    ENGINE_PACKED_WHOLE  /* all of it */
};

/* Of the one program that this packer has made. */
enum engine_packed_held
engine_packed_holds(const struct engine_packer *k,
                    const struct engine_program *packed);

/*
 * A scalar of JSON, or one whole value, as MessagePack, appended to `out`, which may
 * fail. False: it cannot be said, or `scratch` is full.
 */
MUST_CHECK bool engine_pack_value(struct arena *scratch, span json,
                                  struct buf *out);
bool engine_pack_scalar(span json, struct buf *out);
