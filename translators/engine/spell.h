/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spell: what stands in one form, written in the other; for documents that come as
 * JSON and go as MessagePack, or the other way round. The room's own.
 *
 * There nothing is copied: every token is written as it is met, and what the
 * machine holds to be copied already (`copied`) goes along with it.
 */
#pragma once

#include "translators/engine/work.h"

#include "translators/msgpack/token.h"

/* The first byte that is not UTF-8, or NULL; of a part of a text that is in pieces. 32
 * bytes may be read of a whole one. */
const char *engine_find_bad_part(const char *p, size_t n);

static inline const char *
engine_find_bad(const char *p, size_t n)
{
    uint64_t high = 0;
    uint64_t w;
    size_t i = 0;
    for (; i + 8 <= n; i += 8) {
        memcpy(&w, p + i, sizeof(w));
        high |= w;
    }
    if (n > i) {
        memcpy(&w, p + i, sizeof(w));
        high |= w & (((uint64_t)1 << (8 * (n - i))) - 1);
    }
    if (LIKELY(!(high & 0x8080808080808080)))
        return NULL;
    return engine_find_bad_part(p, n);
}

/* ---- JSON ------------------------------------------------------------------------ */

MUST_CHECK static inline bool
engine_spell_byte(struct engine *m, char c)
{
    if (UNLIKELY((size_t)(m->o_end - m->o) < 1 + ENGINE_SLACK) &&
        !engine_grow(m, 1))
        return false;
    *m->o++ = c;
    return true;
}

/* A text that is all there, and UTF-8; a part of one, without quotes. */
MUST_CHECK bool engine_spell_text(struct engine *m, span text);
MUST_CHECK bool engine_spell_part(struct engine *m, span text);

/* A key with its colon, and the comma before it if its object has others: one that
 * came, or one of the program. */
MUST_CHECK bool engine_spell_key(struct engine *m, bool has_others, span text);
MUST_CHECK bool engine_spell_to(struct engine *m, bool has_others, span to);

/* A scalar that is no text, if it `is_written`; any must have a form in JSON. */
MUST_CHECK bool engine_spell_scalar(struct engine *m, const char *p,
                                    bool is_written);

/* What follows a value in a list or map of which nothing is known: a separator, or a
 * bracket if it was the last. */
static inline char
engine_spell_behind(const struct engine *m, size_t depth)
{
    uint64_t left = m->lefts[depth];
    if (left == 0)
        return m->kinds[depth] ? '}' : ']';
    return m->kinds[depth] && left % 2 ? ':' : ',';
}

/* ---- MessagePack ----------------------------------------------------------------- */

/* A text of JSON from its quote to behind the other one; any scalar. */
MUST_CHECK bool engine_pack_text(struct engine *m, const char *p, const char *q,
                                 bool escaped);
MUST_CHECK bool engine_pack_token(struct engine *m, const char *p,
                                  const char *q, bool escaped);

/* ---- a scalar that was read, as JSON spells it ----------------------------------- */

/* In the form that is written. */
MUST_CHECK bool engine_spell_read(struct engine *m, span json, const char *p);
