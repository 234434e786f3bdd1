/* SPDX-License-Identifier: Apache-2.0 */
#include "certs/keys.h"

#include <openssl/crypto.h>

#include <malloc.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define ROOM  ((size_t)1 << 20)
#define LEAST ((size_t)16)
#define ONE   ((size_t)64 * 1024) /* a key, and what reading it takes */

static void *room;
static bool wipes; /* what OpenSSL gives back */

/*
 * What a file of keys is decoded from passes through OpenSSL's ordinary memory, and
 * it does not clear all of it: so everything that it gives back is cleared while
 * keys are read. Who only signs need not: keys_lock ends it.
 */
static void *
take(size_t n, const char *file, int line)
{
    (void)file;
    (void)line;
    return n ? malloc(n) : NULL;
}

static void
give_back(void *p, const char *file, int line)
{
    (void)file;
    (void)line;
    if (p && wipes)
        OPENSSL_cleanse(p, malloc_usable_size(p));
    free(p);
}

static void *
resize(void *p, size_t n, const char *file, int line)
{
    if (!wipes)
        return realloc(p, n);
    void *to = take(n, file, line);
    size_t had = p ? malloc_usable_size(p) : 0;

    if (to && p)
        memcpy(to, p, had < n ? had : n);
    if (to || n == 0)
        give_back(p, file, line);
    return to;
}

bool
keys_open(void)
{
    /* Refused once OpenSSL has taken memory: then it is as it is. */
    wipes |= CRYPTO_set_mem_functions(take, resize, give_back) == 1;

    /* 2: it is there, and cannot be locked. */
    int how = room ? 1 : CRYPTO_secure_malloc_init(ROOM, LEAST);

    if (how == 0 || room)
        return room != NULL;
    /* Only a piece as big as all of it tells where it is. */
    room = OPENSSL_secure_malloc(ROOM);
    OPENSSL_secure_free(room);
    return room && how == 1;
}

bool
keys_lock(void)
{
    wipes = false;
    return !room || mlock2(room, ROOM, MLOCK_ONFAULT) == 0;
}

bool
keys_have_room(void)
{
    return !room || CRYPTO_secure_used() + ONE <= ROOM;
}
