/* SPDX-License-Identifier: Apache-2.0 */
/*
 * packed_token: short values and keys of MessagePack, told by a look at them.
 */
#pragma once

#include "translators/engine/lookup.h"
#include "translators/engine/scan.h"
#include "translators/engine/work.h"

#include "translators/msgpack/token.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

/* The shape of a value; 0: JSON has none. */
static const uint8_t shapes[] = {
    [MSGPACK_NIL] = ENGINE_NULL,     [MSGPACK_BOOL] = ENGINE_BOOL,
    [MSGPACK_UINT] = ENGINE_NUMBER,  [MSGPACK_INT] = ENGINE_NUMBER,
    [MSGPACK_FLOAT] = ENGINE_NUMBER, [MSGPACK_TEXT] = ENGINE_TEXT,
    [MSGPACK_LIST] = ENGINE_LIST,    [MSGPACK_MAP] = ENGINE_OBJECT,
};

/* How long a scalar is whose first byte says so, and whether it is a text; 0: it is
 * looked at. */
#define IS_TEXT 0x80
/* clang-format off */
#define TEXTS(first, n)                                                        \
    [first] = IS_TEXT | (n), [(first) + 1] = IS_TEXT | ((n) + 1),              \
    [(first) + 2] = IS_TEXT | ((n) + 2), [(first) + 3] = IS_TEXT | ((n) + 3),  \
    [(first) + 4] = IS_TEXT | ((n) + 4), [(first) + 5] = IS_TEXT | ((n) + 5),  \
    [(first) + 6] = IS_TEXT | ((n) + 6), [(first) + 7] = IS_TEXT | ((n) + 7)
static const uint8_t sizes[256] = {
    [0x00 ... 0x7F] = 1, [0xC0] = 1, [0xC2] = 1, [0xC3] = 1, [0xE0 ... 0xFF] = 1,
    TEXTS(0xA0, 1), TEXTS(0xA8, 9), TEXTS(0xB0, 17), TEXTS(0xB8, 25),
    [0xCA] = 5, [0xCB] = 9, [0xCC] = 2, [0xCD] = 3, [0xCE] = 5, [0xCF] = 9,
    [0xD0] = 2, [0xD1] = 3, [0xD2] = 5, [0xD3] = 9,
};
/* clang-format on */

#define SHORT_MAX 33 /* bytes that are looked at of a short scalar, or a key */

/* The top bits of 32 bytes. */
static inline uint32_t
tops_of(const char *p)
{
#if defined(__SSE2__)
    const __m128i *at = (const void *)p;
    return (uint32_t)_mm_movemask_epi8(_mm_loadu_si128(at)) |
           (uint32_t)_mm_movemask_epi8(_mm_loadu_si128(at + 1)) << 16;
#else
    uint32_t tops = 0;
    for (unsigned i = 0; i < 32; i += 8)
        tops |= (uint32_t)((engine_load(p + i) & 0x8080808080808080) *
                               0x0002040810204081 >>
                           56)
                << i;
    return tops;
#endif
}

/* Behind a scalar that is copied whatever it is, or NULL: it must be looked at. */
static inline const char *
short_scalar(const char *p)
{
    unsigned size = sizes[(unsigned char)*p];
    if (size & IS_TEXT) {
        size -= IS_TEXT;
        if (UNLIKELY(tops_of(p + 1) << 1 << (32 - size)))
            return NULL;
    }
    return size ? p + size : NULL;
}

/* Is it the key that stands at `p`, where 32 bytes may be read? */
static inline bool
is_there(const struct engine_learnt *l, const char *p)
{
#if defined(__SSE2__)
    const __m128i *at = (const void *)p;
    const __m128i *text = (const void *)l->text;
    __m128i low = _mm_cmpeq_epi8(_mm_loadu_si128(at), _mm_loadu_si128(text));
    __m128i high =
        _mm_cmpeq_epi8(_mm_loadu_si128(at + 1), _mm_loadu_si128(text + 1));
    uint64_t same = (uint32_t)_mm_movemask_epi8(low) |
                    (uint64_t)_mm_movemask_epi8(high) << 16;
    return !(~same & l->mask);
#else
    return l->len && memcmp(p, l->text, l->len) == 0;
#endif
}

/* The key that followed last time, or the one behind that, if it stands at `p`. */
static inline struct engine_learnt *
expected(const struct engine_frame *f, const char *p)
{
    struct engine_learnt *l = f->learnt->next;
    if (LIKELY(is_there(l, p)))
        return l;
    l = l->next;
    return is_there(l, p) ? l : NULL;
}
