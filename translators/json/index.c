/* SPDX-License-Identifier: Apache-2.0 */
#include "translators/json/index.h"

#include "proxy/base/hash.h"

#include <assert.h>

#define INDEX_FROM ((size_t)16) /* members; below, a scan is as fast */

struct json_index {
    uint32_t *slots; /* 1 + position of a key's first member; 0 is free */
    size_t n_slots;  /* a power of two, at least twice the object's room */
    size_t taken;    /* of them, those of former keys too */
    bool fresh;
    bool doubled; /* a key has two members; only right while fresh */
};

bool
json_index_fit(struct arena *a, struct json *object)
{
    struct json_index *x = object->index;
    size_t n_slots = INDEX_FROM * 4;

    if (object->kind != JSON_OBJECT || object->room <= INDEX_FROM)
        return true;
    if (object->room > UINT32_MAX / 4)
        return false;
    while (n_slots < object->room * 2)
        n_slots *= 2;
    if (x && x->n_slots >= n_slots)
        return true;
    if (!x)
        x = arena_alloc(a, sizeof(*x));
    uint32_t *slots = arena_array(a, n_slots, sizeof(*slots));
    if (!x || !slots)
        return false;
    *x = (struct json_index){.slots = slots, .n_slots = n_slots};
    object->index = x;
    return true;
}

static uint32_t *
slot_of(const struct json *object, span key)
{
    const struct json_index *x = object->index;
    /* Seeded by an address, so that a peer cannot choose keys that collide. */
    size_t i = hash64_seeded(key, (uintptr_t)x) & (x->n_slots - 1);

    /* Ends: a quarter of the slots is free (json_index_renamed). */
    while (x->slots[i] && !span_eq(object->members[x->slots[i] - 1].key, key))
        i = (i + 1) & (x->n_slots - 1);
    return &x->slots[i];
}

static void
enter(const struct json *object, size_t at)
{
    uint32_t *slot = slot_of(object, object->members[at].key);

    if (*slot) {
        object->index->doubled = true;
        return;
    }
    *slot = (uint32_t)(at + 1);
    object->index->taken++;
}

static void
refresh(const struct json *object)
{
    struct json_index *x = object->index;

    if (x->fresh)
        return;
    memset(x->slots, 0, x->n_slots * sizeof(*x->slots));
    x->doubled = false;
    x->taken = 0;
    for (size_t i = 0; i < object->n; i++)
        enter(object, i);
    x->fresh = true;
}

void
json_index_stale(struct json *object)
{
    if (object->kind == JSON_OBJECT && object->index)
        object->index->fresh = false;
}

void
json_index_appended(struct json *object)
{
    if (object->kind == JSON_OBJECT && object->index && object->index->fresh)
        enter(object, object->n - 1);
}

/* The slot of its former key leads to a member that does not have it: nobody's. */
void
json_index_renamed(struct json *object, size_t at)
{
    struct json_index *x = object->index;

    if (object->kind != JSON_OBJECT || !x || !x->fresh)
        return;
    if (!x->doubled && (x->taken + 1) * 4 < x->n_slots * 3)
        enter(object, at);
    x->fresh = !x->doubled && (x->taken + 1) * 4 < x->n_slots * 3;
}

static size_t
scan(const struct json *object, size_t from, span key)
{
    for (size_t i = from; i < object->n; i++) {
        if (span_eq(object->members[i].key, key))
            return i;
    }
    return JSON_NONE;
}

size_t
json_find(const struct json *object, span key)
{
    if (object->kind != JSON_OBJECT)
        return JSON_NONE;
    if (object->n <= INDEX_FROM)
        return scan(object, 0, key);
    assert(object->index);
    refresh(object);

    uint32_t slot = *slot_of(object, key);
    return slot ? slot - 1 : JSON_NONE;
}

struct json *
json_get(const struct json *object, span key)
{
    size_t at = json_find(object, key);

    return at == JSON_NONE ? NULL : object->members[at].value;
}

struct json *
json_duplicate_of(const struct json *object, span key)
{
    size_t first = json_find(object, key);

    if (first == JSON_NONE)
        return NULL;
    if (object->n > INDEX_FROM && !object->index->doubled)
        return NULL;

    size_t second = scan(object, first + 1, key);
    return second == JSON_NONE ? NULL : object->members[second].value;
}

size_t
json_first_duplicate(const struct json *object)
{
    if (object->kind != JSON_OBJECT)
        return JSON_NONE;
    for (size_t i = 0; i < object->n; i++) {
        if (json_find(object, object->members[i].key) < i)
            return i;
    }
    return JSON_NONE;
}
