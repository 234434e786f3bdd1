/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/control/records.h"

#include "proxy/base/hash.h"

#include <stdlib.h>

struct kept {
    uint64_t hash; /* of its id */
    char *bytes;   /* packed, as it came; NULL: a free place */
    size_t len;
};

struct records {
    struct kept kept[RECORDS_KEPT];
    size_t next; /* where the next one goes */
};

struct records *
records_new(void)
{
    return calloc(1, sizeof(struct records));
}

void
records_free(struct records **r)
{
    if (!*r)
        return;
    for (size_t i = 0; i < RECORDS_KEPT; i++)
        free((*r)->kept[i].bytes);
    free(*r);
    *r = NULL;
}

/* Without memory it is one that was dropped. */
static void
keep(struct records *r, span packed, span id)
{
    char *bytes = malloc(packed.len);
    struct kept *k = &r->kept[r->next];

    if (!bytes)
        return;
    memcpy(bytes, packed.at, packed.len);
    free(k->bytes);
    *k = (struct kept){hash64(id), bytes, packed.len};
    r->next = (r->next + 1) % RECORDS_KEPT;
}

size_t
records_take(struct records *r, span datagram)
{
    struct record record;
    size_t n = 0;

    for (span at = datagram; record_take(&datagram, &record); at = datagram) {
        size_t left = datagram.len;
        keep(r, span_take(at, at.len - left), record.id);
        n++;
    }
    return n;
}

bool
records_find(const struct records *r, span id, struct record *out)
{
    uint64_t hash = hash64(id);

    for (size_t i = 1; i <= RECORDS_KEPT; i++) {
        const struct kept *k =
            &r->kept[(r->next + RECORDS_KEPT - i) % RECORDS_KEPT];
        span packed = span_of(k->bytes, k->len);
        if (!k->bytes)
            return false;
        if (k->hash == hash && record_take(&packed, out) &&
            span_eq(out->id, id))
            return true;
    }
    return false;
}
