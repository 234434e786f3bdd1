/* SPDX-License-Identifier: Apache-2.0 */
/*
 * token: the heads of MessagePack values, read and written.
 *
 * A value begins with a head of 1 to 9 bytes. A scalar is its head alone; a
 * text, bytes and an extension are followed by as many bytes as the head says,
 * a list by as many values, a map by twice as many. What a head says is a claim
 * of the sender's: nothing may be allocated for it.
 *
 * Source: the MessagePack specification, "Formats" (all of them, 0xc1 is none).
 */
#pragma once

#include "proxy/base/span.h"

enum msgpack_kind {
    MSGPACK_BAD, /* 0xc1 */
    MSGPACK_NIL,
    MSGPACK_BOOL,
    MSGPACK_UINT,
    MSGPACK_INT,
    MSGPACK_FLOAT,
    MSGPACK_TEXT,
    MSGPACK_BYTES,
    MSGPACK_EXT,
    MSGPACK_LIST,
    MSGPACK_MAP
};

#define MSGPACK_HEAD_MAX 9
#define MSGPACK_SMALL    15 /* entries that a head of one byte can say */
#define MSGPACK_N_MAX    UINT32_MAX

/* What the first byte tells. */
struct msgpack_head {
    uint8_t kind;  /* enum msgpack_kind */
    uint8_t len;   /* bytes of the head */
    uint8_t width; /* bytes behind the first that say how much follows; 0: */
    uint8_t n;     /* then this much follows */
};
extern const struct msgpack_head msgpack_heads[256];

static inline const struct msgpack_head *
msgpack_head_of(const char *at)
{
    return &msgpack_heads[(unsigned char)*at];
}

/* A number of 1 to 8 bytes, the highest first. */
static inline uint64_t
msgpack_big_endian(const char *at, unsigned width)
{
    uint64_t n = 0;
    for (unsigned i = 0; i < width; i++)
        n = n << 8 | (unsigned char)at[i];
    return n;
}

/* Bytes, values or pairs that follow a head that is all there. */
static inline uint32_t
msgpack_follows(const struct msgpack_head *h, const char *at)
{
    return h->width ? (uint32_t)msgpack_big_endian(at + 1, h->width) : h->n;
}

/* The number of a UINT (then as it is), an INT (negative or not) or a FLOAT. */
uint64_t msgpack_uint(const char *at);
int64_t msgpack_int(const char *at);
double msgpack_float(const char *at);

/* ---- writing: at most MSGPACK_HEAD_MAX bytes to `to`; returns how many --------- */

/* The shortest head of a TEXT, LIST or MAP; of BYTES (0xc4 and on). */
size_t msgpack_put_head(char *to, enum msgpack_kind kind, uint32_t n);

/* The shortest head of an EXT of `n` bytes, without its type. */
size_t msgpack_put_ext(char *to, uint32_t n);

/* A head of `len` bytes (1, 3 or 5) of a LIST or MAP, which `n` must fit. */
void msgpack_put_wide(char *to, enum msgpack_kind kind, size_t len, uint32_t n);

/* The shortest spelling of a whole number; of eight bytes, a double. */
size_t msgpack_put_uint(char *to, uint64_t n);
size_t msgpack_put_int(char *to, int64_t n);
size_t msgpack_put_float(char *to, double d);
