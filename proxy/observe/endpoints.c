/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The endpoints segment: addresses under a sequence lock, health beside it.
 */
#include "proxy/observe/segments.h"

#include "proxy/base/hash.h"

#include <stdio.h>

#define READ_TRIES                                                             \
    1000 /* a write is some forty stores; more is a dead writer */
#define WORDS (sizeof(struct endpoint_address) / 8)

void
endpoints_name(span pool, span url, char out[ENDPOINT_NAME_MAX])
{
    char tail[24] = "";
    size_t room = ENDPOINT_NAME_MAX - 1;

    memset(out, 0, ENDPOINT_NAME_MAX);
    /* Too long for a slot: cut, and told apart by the hash of the whole. */
    if (pool.len + 1 + url.len > room) {
        snprintf(tail, sizeof(tail), "#%016lx",
                 (unsigned long)hash64_pair(pool, url));
        room -= strlen(tail);
    }
    pool = span_take(pool, room / 2);
    url = span_take(url, room - pool.len - 1);
    snprintf(out, ENDPOINT_NAME_MAX, "%.*s|%.*s%s", (int)pool.len,
             pool.at ? pool.at : "", (int)url.len, url.at ? url.at : "", tail);
}

static bool
is_live(const struct endpoint_slot *slot)
{
    return atomic_load_explicit(&slot->live, memory_order_acquire) != 0;
}

uint32_t
endpoints_find(const struct endpoints *s, const char *name)
{
    for (uint32_t i = 0; i < ENDPOINTS_SLOTS; i++)
        if (is_live(&s->slots[i]) &&
            strncmp(s->slots[i].name, name, ENDPOINT_NAME_MAX) == 0)
            return i;
    return SEGMENT_NO_SLOT;
}

/* The words of one slot, which may be torn: the caller checks the sequence. */
static void
copy_out(const struct endpoint_slot *slot, struct endpoint_view *out)
{
    uint64_t words[ENDPOINT_ADDRESSES * WORDS];
    uint64_t n = atomic_load_explicit(&slot->n_addresses, memory_order_relaxed);

    for (size_t i = 0; i < COUNT(words); i++)
        words[i] =
            atomic_load_explicit(&slot->addresses[i], memory_order_relaxed);
    memcpy(out->addresses, words, sizeof(words));
    out->n = n < ENDPOINT_ADDRESSES ? (uint32_t)n : ENDPOINT_ADDRESSES;
    out->health = (enum endpoint_health)atomic_load_explicit(
        &slot->health, memory_order_relaxed);
}

bool
endpoints_read(const struct endpoints *s, uint32_t index,
               struct endpoint_view *out)
{
    assert(index < ENDPOINTS_SLOTS);
    const struct endpoint_slot *slot = &s->slots[index];

    if (!is_live(slot))
        return false;
    for (int try = 0; try < READ_TRIES; try++) {
        uint64_t before =
            atomic_load_explicit(&slot->sequence, memory_order_acquire);
        if (before & 1)
            continue;
        copy_out(slot, out);
        atomic_thread_fence(memory_order_acquire);
        if (atomic_load_explicit(&slot->sequence, memory_order_relaxed) ==
            before)
            return true;
    }
    return false;
}

static void
changed(struct endpoints *s)
{
    atomic_fetch_add_explicit(&s->version, 1, memory_order_release);
}

void
endpoints_set_addresses(struct endpoints *s, uint32_t index,
                        const struct endpoint_address *addresses, size_t n)
{
    assert(index < ENDPOINTS_SLOTS);
    struct endpoint_slot *slot = &s->slots[index];
    struct endpoint_address all[ENDPOINT_ADDRESSES] = {0};
    uint64_t words[ENDPOINT_ADDRESSES * WORDS];
    /* A writer that died left it odd: one more step of two is even again. */
    uint64_t sequence = atomic_load(&slot->sequence) | 1;

    n = n < ENDPOINT_ADDRESSES ? n : ENDPOINT_ADDRESSES;
    if (n)
        memcpy(all, addresses, n * sizeof(*addresses));
    memcpy(words, all, sizeof(words));
    atomic_store_explicit(&slot->sequence, sequence, memory_order_relaxed);
    atomic_thread_fence(memory_order_release);
    for (size_t w = 0; w < COUNT(words); w++)
        atomic_store_explicit(&slot->addresses[w], words[w],
                              memory_order_relaxed);
    atomic_store_explicit(&slot->n_addresses, n, memory_order_relaxed);
    atomic_store_explicit(&slot->sequence, sequence + 1, memory_order_release);
    changed(s);
}

void
endpoints_set_health(struct endpoints *s, uint32_t index,
                     enum endpoint_health health)
{
    assert(index < ENDPOINTS_SLOTS);
    atomic_store_explicit(&s->slots[index].health, (uint32_t)health,
                          memory_order_release);
    changed(s);
}

static uint32_t
make(struct endpoints *s, const char *name)
{
    for (uint32_t i = 0; i < ENDPOINTS_SLOTS; i++) {
        struct endpoint_slot *slot = &s->slots[i];
        if (is_live(slot))
            continue;
        memset(slot->name, 0, sizeof(slot->name));
        memcpy(slot->name, name, strnlen(name, ENDPOINT_NAME_MAX - 1));
        endpoints_set_addresses(s, i, NULL, 0);
        endpoints_set_health(s, i, HEALTH_UNKNOWN);
        atomic_store_explicit(&slot->live, 1, memory_order_release);
        changed(s);
        return i;
    }
    return SEGMENT_NO_SLOT;
}

enum err_code
endpoints_claim(struct endpoints *s, const char *name, uint64_t generation,
                uint32_t *slot, struct err *e)
{
    *slot = endpoints_find(s, name);
    if (*slot == SEGMENT_NO_SLOT)
        *slot = make(s, name);
    if (*slot == SEGMENT_NO_SLOT)
        return err_set(e, ERR_LIMIT, "all %u places for endpoints are in use",
                       ENDPOINTS_SLOTS);
    atomic_store(&s->slots[*slot].generation, generation);
    return OK;
}

void
endpoints_sweep(struct endpoints *s, uint64_t oldest_alive)
{
    for (uint32_t i = 0; i < ENDPOINTS_SLOTS; i++) {
        struct endpoint_slot *slot = &s->slots[i];
        if (is_live(slot) && atomic_load(&slot->generation) < oldest_alive)
            atomic_store_explicit(&slot->live, 0, memory_order_release);
    }
}

const char *
endpoint_health_name(enum endpoint_health health)
{
    static const char *const names[] = {
#define X(name, text) text,
        ENDPOINT_HEALTHS(X)
#undef X
    };

    return (size_t)health < COUNT(names) ? names[health] : "unknown";
}
