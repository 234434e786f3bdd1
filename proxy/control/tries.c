/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/control/tries.h"

#include <string.h>

static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255};

/* Whom it counts for: an IPv4 address, an IPv6 network. */
static void
whom(const uint8_t address[16], uint8_t out[16])
{
    bool is_v4 = memcmp(address, mapped, sizeof(mapped)) == 0;

    memset(out, 0, 16);
    memcpy(out, address, is_v4 ? 16 : 8);
}

static uint64_t
newest_ms(const struct tries_place *p)
{
    return p->at_ms[(p->n - 1) % TRIES_MAX];
}

uint64_t
tries_wait_ms(const struct tries *t, const uint8_t address[16], uint64_t now_ms)
{
    uint8_t key[16];

    whom(address, key);
    for (size_t i = 0; i < TRIES_PLACES; i++) {
        const struct tries_place *p = &t->places[i];
        if (p->n < TRIES_MAX || memcmp(p->address, key, sizeof(key)) != 0)
            continue;
        uint64_t oldest_ms = p->at_ms[p->n % TRIES_MAX];
        return now_ms - oldest_ms < TRIES_MS ? oldest_ms + TRIES_MS - now_ms
                                             : 0;
    }
    return 0;
}

void
tries_wrong(struct tries *t, const uint8_t address[16], uint64_t now_ms)
{
    struct tries_place *place = &t->places[0];
    uint8_t key[16];

    whom(address, key);
    for (size_t i = 0; i < TRIES_PLACES; i++) {
        struct tries_place *p = &t->places[i];
        if (p->n && memcmp(p->address, key, sizeof(key)) == 0) {
            place = p;
            break;
        }
        if (place->n && (!p->n || newest_ms(p) < newest_ms(place)))
            place = p;
    }
    if (place->n == 0 || memcmp(place->address, key, sizeof(key)) != 0) {
        *place = (struct tries_place){0};
        memcpy(place->address, key, sizeof(key));
    }
    place->at_ms[place->n % TRIES_MAX] = now_ms;
    /* Counted so that it never turns over to "nobody's". */
    place->n = place->n < UINT32_MAX - TRIES_MAX ? place->n + 1
                                                 : place->n + 1 - TRIES_MAX;
}
