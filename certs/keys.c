/* SPDX-License-Identifier: Apache-2.0 */
#include "certs/keys.h"

#include <openssl/crypto.h>

#include <stddef.h>
#include <sys/mman.h>

#define ROOM  ((size_t)1 << 20)
#define LEAST ((size_t)16)
#define ONE   ((size_t)64 * 1024) /* a key, and what reading it takes */

static void *room;

bool
keys_open(void)
{
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
    return !room || mlock2(room, ROOM, MLOCK_ONFAULT) == 0;
}

bool
keys_have_room(void)
{
    return !room || CRYPTO_secure_used() + ONE <= ROOM;
}
