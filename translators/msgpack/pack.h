/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pack: a JSON document as MessagePack.
 *
 * The JSON must be good (the machine's output, the reference's): it is not checked
 * again. A list's or map's head says how many it has, which JSON tells at its end,
 * so the document is held until then; what comes out has the shortest heads and
 * whole numbers. Texts are decoded; half a surrogate pair is refused (unless it
 * carries something: json/carried.h), and so is a number that MessagePack cannot say (number.h).
 */
#pragma once

#include "proxy/base/arena.h"
#include "proxy/base/buf.h"

struct pack; /* one document on its way; in the arena it was made in */

/* `held_max` bytes of it are held at most. NULL: `a` is full. */
MUST_CHECK struct pack *pack_new(struct arena *a, size_t held_max);

/* Said before the first byte: what is carried becomes what it was. No text of the JSON may
 * come from somebody who could spell it so. */
void pack_carries(struct pack *k);

enum pack_verdict {
    PACK_OK,
    PACK_NO_FORM, /* MessagePack has none for this */
    PACK_TOO_LONG /* more than may be held */
};

/* More of the document. A failure is final. */
MUST_CHECK enum pack_verdict pack_feed(struct pack *k, span json);

/* It has ended: append it to `out`, which may fail. */
MUST_CHECK enum pack_verdict pack_end(struct pack *k, struct buf *out);

/* Bytes of memory that it keeps, beside its arena's. */
size_t pack_held_bytes(const struct pack *k);

/* After a failure: what was wrong, in words, and where in the JSON (RFC 6901). */
const char *pack_words(const struct pack *k);
void pack_pointer(const struct pack *k, struct buf *out);
