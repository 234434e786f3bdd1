/* SPDX-License-Identifier: Apache-2.0 */
#include "translators/reference/pointers.h"

#include "proxy/base/hash.h"

/* The slot of the key, or the free one where it belongs. */
static size_t
slot_of(const struct pointers *p, const void *at, size_t with)
{
    uintptr_t key[2] = {(uintptr_t)at, with};
    size_t i = hash64(span_of((const char *)key, sizeof(key)));
    for (;; i++) { /* ends: a quarter of the slots is free */
        const struct pointer_slot *s = &p->slots[i & (p->room - 1)];
        if (!s->at || (s->at == at && s->with == with))
            return i & (p->room - 1);
    }
}

static bool
grow(struct run *r, struct pointers *p)
{
    struct pointers more = {.room = p->room ? p->room * 2 : 16};
    more.slots = arena_array(r->scratch, more.room, sizeof(*more.slots));
    if (!more.slots)
        return run_full(r);
    for (size_t i = 0; i < p->room; i++)
        if (p->slots[i].at)
            more.slots[slot_of(&more, p->slots[i].at, p->slots[i].with)] =
                p->slots[i];
    more.n = p->n;
    *p = more;
    return true;
}

bool
pointers_put(struct run *r, struct pointers *p, const void *at, size_t with,
             size_t value, bool *was)
{
    if (p->n * 4 >= p->room * 3 && !grow(r, p))
        return false;
    struct pointer_slot *s = &p->slots[slot_of(p, at, with)];
    *was = s->at != NULL;
    if (*was)
        return true;
    *s = (struct pointer_slot){at, with, value};
    p->n++;
    return true;
}

size_t
pointers_get(const struct pointers *p, const void *at, size_t with)
{
    if (!p->room)
        return SIZE_MAX;
    const struct pointer_slot *s = &p->slots[slot_of(p, at, with)];
    return s->at ? s->value : SIZE_MAX;
}
