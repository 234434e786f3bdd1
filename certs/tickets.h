/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tickets: the keys that session tickets are sealed with.
 *
 * Three of them, newest first, in memory that somebody else writes (the
 * supervisor, every 12 h) while we read: the newest seals, all open, and a
 * ticket under an older one is renewed. A newest key of zeros means that there
 * are none yet: no ticket is given out.
 */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#define CERTS_TICKET_KEYS  3
#define CERTS_TICKET_BYTES 80 /* name 16, HMAC-SHA-256 key 32, AES-256 key 32 */

/* Lives as long as the contexts that were loaded with it. */
struct certs_tickets {
    const unsigned char *keys; /* CERTS_TICKET_KEYS * CERTS_TICKET_BYTES */
    /*
     * The writer's count: odd while it writes, raised by one before and after
     * (a sequence lock, as in the tickets segment). NULL: the keys never change.
     */
    const _Atomic uint64_t *sequence;
};
