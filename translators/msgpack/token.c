/* SPDX-License-Identifier: Apache-2.0 */
#include "translators/msgpack/token.h"

#include <assert.h>

/* clang-format off */
#define ALONE(kind, len)         {MSGPACK_##kind, len, 0, 0}
#define SAYS(kind, extra, width) {MSGPACK_##kind, 1 + (width) + (extra), width, 0}
#define SIXTEEN(first, kind)                                                   \
    [(first) + 0] = {MSGPACK_##kind, 1, 0, 0},                                 \
    [(first) + 1] = {MSGPACK_##kind, 1, 0, 1},                                 \
    [(first) + 2] = {MSGPACK_##kind, 1, 0, 2},                                 \
    [(first) + 3] = {MSGPACK_##kind, 1, 0, 3},                                 \
    [(first) + 4] = {MSGPACK_##kind, 1, 0, 4},                                 \
    [(first) + 5] = {MSGPACK_##kind, 1, 0, 5},                                 \
    [(first) + 6] = {MSGPACK_##kind, 1, 0, 6},                                 \
    [(first) + 7] = {MSGPACK_##kind, 1, 0, 7},                                 \
    [(first) + 8] = {MSGPACK_##kind, 1, 0, 8},                                 \
    [(first) + 9] = {MSGPACK_##kind, 1, 0, 9},                                 \
    [(first) + 10] = {MSGPACK_##kind, 1, 0, 10},                               \
    [(first) + 11] = {MSGPACK_##kind, 1, 0, 11},                               \
    [(first) + 12] = {MSGPACK_##kind, 1, 0, 12},                               \
    [(first) + 13] = {MSGPACK_##kind, 1, 0, 13},                               \
    [(first) + 14] = {MSGPACK_##kind, 1, 0, 14},                               \
    [(first) + 15] = {MSGPACK_##kind, 1, 0, 15}
#define LONG_TEXT(first, n) [first] = {MSGPACK_TEXT, 1, 0, n}
#define FOUR_TEXTS(first, n)                                                   \
    LONG_TEXT(first, n), LONG_TEXT((first) + 1, (n) + 1),                      \
    LONG_TEXT((first) + 2, (n) + 2), LONG_TEXT((first) + 3, (n) + 3)

const struct msgpack_head msgpack_heads[256] = {
    [0x00 ... 0x7F] = ALONE(UINT, 1),
    SIXTEEN(0x80, MAP),
    SIXTEEN(0x90, LIST),
    SIXTEEN(0xA0, TEXT),
    FOUR_TEXTS(0xB0, 16), FOUR_TEXTS(0xB4, 20), FOUR_TEXTS(0xB8, 24), FOUR_TEXTS(0xBC, 28),
    [0xC0] = ALONE(NIL, 1),
    [0xC1] = ALONE(BAD, 1),
    [0xC2 ... 0xC3] = ALONE(BOOL, 1),
    [0xC4] = SAYS(BYTES, 0, 1), [0xC5] = SAYS(BYTES, 0, 2), [0xC6] = SAYS(BYTES, 0, 4),
    [0xC7] = SAYS(EXT, 1, 1), [0xC8] = SAYS(EXT, 1, 2), [0xC9] = SAYS(EXT, 1, 4),
    [0xCA] = ALONE(FLOAT, 5), [0xCB] = ALONE(FLOAT, 9),
    [0xCC] = ALONE(UINT, 2), [0xCD] = ALONE(UINT, 3), [0xCE] = ALONE(UINT, 5), [0xCF] = ALONE(UINT, 9),
    [0xD0] = ALONE(INT, 2), [0xD1] = ALONE(INT, 3), [0xD2] = ALONE(INT, 5), [0xD3] = ALONE(INT, 9),
    [0xD4] = {MSGPACK_EXT, 2, 0, 1}, [0xD5] = {MSGPACK_EXT, 2, 0, 2}, [0xD6] = {MSGPACK_EXT, 2, 0, 4},
    [0xD7] = {MSGPACK_EXT, 2, 0, 8}, [0xD8] = {MSGPACK_EXT, 2, 0, 16},
    [0xD9] = SAYS(TEXT, 0, 1), [0xDA] = SAYS(TEXT, 0, 2), [0xDB] = SAYS(TEXT, 0, 4),
    [0xDC] = SAYS(LIST, 0, 2), [0xDD] = SAYS(LIST, 0, 4),
    [0xDE] = SAYS(MAP, 0, 2), [0xDF] = SAYS(MAP, 0, 4),
    [0xE0 ... 0xFF] = ALONE(INT, 1),
};
/* clang-format on */

uint64_t
msgpack_uint(const char *at)
{
    const struct msgpack_head *h = msgpack_head_of(at);
    return h->len == 1 ? (unsigned char)*at
                       : msgpack_big_endian(at + 1, h->len - 1u);
}

int64_t
msgpack_int(const char *at)
{
    const struct msgpack_head *h = msgpack_head_of(at);
    if (h->len == 1)
        return (signed char)*at;
    unsigned unused = 64 - 8 * (h->len - 1u);
    uint64_t n = msgpack_big_endian(at + 1, h->len - 1u) << unused;
    return (int64_t)n >> unused; /* the sign comes along */
}

double
msgpack_float(const char *at)
{
    double d;
    float f;
    uint64_t bits = msgpack_big_endian(at + 1, msgpack_head_of(at)->len - 1u);
    uint32_t half = (uint32_t)bits;
    if (msgpack_head_of(at)->len == 5) {
        memcpy(&f, &half, sizeof(f));
        return (double)f;
    }
    memcpy(&d, &bits, sizeof(d));
    return d;
}

/* ---- writing -------------------------------------------------------------------- */

static size_t
put(char *to, unsigned char first, unsigned width, uint64_t n)
{
    *to++ = (char)first;
    for (unsigned i = width; i-- > 0;)
        *to++ = (char)(n >> (8 * i));
    return 1 + width;
}

size_t
msgpack_put_head(char *to, enum msgpack_kind kind, uint32_t n)
{
    bool is_counted = kind == MSGPACK_LIST || kind == MSGPACK_MAP;
    if (is_counted) {
        size_t len = n <= MSGPACK_SMALL ? 1 : n <= UINT16_MAX ? 3 : 5;
        msgpack_put_wide(to, kind, len, n);
        return len;
    }
    if (kind == MSGPACK_TEXT && n < 32)
        return put(to, (unsigned char)(0xA0 | n), 0, 0);
    unsigned char first = kind == MSGPACK_TEXT ? 0xD9 : 0xC4;
    if (n <= UINT8_MAX)
        return put(to, first, 1, n);
    if (n <= UINT16_MAX)
        return put(to, first + 1, 2, n);
    return put(to, first + 2, 4, n);
}

size_t
msgpack_put_ext(char *to, uint32_t n)
{
    for (unsigned log = 0; log < 5; log++)
        if (n == 1u << log)
            return put(to, (unsigned char)(0xD4 + log), 0, 0);
    unsigned width = n <= UINT8_MAX ? 1 : n <= UINT16_MAX ? 2 : 4;
    return put(to,
               (unsigned char)(width == 1   ? 0xC7
                               : width == 2 ? 0xC8
                                            : 0xC9),
               width, n);
}

void
msgpack_put_wide(char *to, enum msgpack_kind kind, size_t len, uint32_t n)
{
    bool is_map = kind == MSGPACK_MAP;
    assert(len == 5 || (len == 3 ? n <= UINT16_MAX : n <= MSGPACK_SMALL));
    if (len == 1)
        *to = (char)((is_map ? 0x80 : 0x90) | n);
    else
        put(to, (unsigned char)((is_map ? 0xDE : 0xDC) + (len == 5)),
            (unsigned)len - 1, n);
}

size_t
msgpack_put_uint(char *to, uint64_t n)
{
    if (n < 128)
        return put(to, (unsigned char)n, 0, 0);
    if (n <= UINT8_MAX)
        return put(to, 0xCC, 1, n);
    if (n <= UINT16_MAX)
        return put(to, 0xCD, 2, n);
    if (n <= UINT32_MAX)
        return put(to, 0xCE, 4, n);
    return put(to, 0xCF, 8, n);
}

size_t
msgpack_put_int(char *to, int64_t n)
{
    if (n >= 0)
        return msgpack_put_uint(to, (uint64_t)n);
    if (n >= -32)
        return put(to, (unsigned char)n, 0, 0);
    if (n >= INT8_MIN)
        return put(to, 0xD0, 1, (uint64_t)n);
    if (n >= INT16_MIN)
        return put(to, 0xD1, 2, (uint64_t)n);
    if (n >= INT32_MIN)
        return put(to, 0xD2, 4, (uint64_t)n);
    return put(to, 0xD3, 8, (uint64_t)n);
}

size_t
msgpack_put_float(char *to, double d)
{
    uint64_t bits;
    memcpy(&bits, &d, sizeof(bits));
    return put(to, 0xCB, 8, bits);
}
