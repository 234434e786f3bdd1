/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The weights and latches segments: who holds a slot, and the run in it.
 */
#include "proxy/observe/segments.h"

static bool
is_live(const struct weight_slot *slot)
{
    return atomic_load_explicit(&slot->live, memory_order_acquire) != 0;
}

uint32_t
weights_find(const struct weights *w, span name)
{
    if (name.len == 0 || name.len >= SEGMENT_NAME_MAX)
        return SEGMENT_NO_SLOT;
    for (uint32_t i = 0; i < WEIGHTS_SLOTS; i++) {
        const struct weight_slot *slot = &w->slots[i];
        if (is_live(slot) && slot->name[name.len] == '\0' &&
            memcmp(slot->name, name.at, name.len) == 0)
            return i;
    }
    return SEGMENT_NO_SLOT;
}

static uint32_t
free_slot(const struct weights *w)
{
    for (uint32_t i = 0; i < WEIGHTS_SLOTS; i++)
        if (!is_live(&w->slots[i]))
            return i;
    return SEGMENT_NO_SLOT;
}

enum err_code
weights_claim(struct weights *w, struct latches *l, span name,
              uint64_t generation, uint32_t *slot, struct err *e)
{
    if (name.len == 0 || name.len >= SEGMENT_NAME_MAX)
        return err_set(e, ERR_INVALID, "a weight's name has 1 to %d bytes",
                       SEGMENT_NAME_MAX - 1);

    *slot = weights_find(w, name);
    if (*slot == SEGMENT_NO_SLOT) {
        *slot = free_slot(w);
        if (*slot == SEGMENT_NO_SLOT)
            return err_set(e, ERR_LIMIT, "all %u weights are in use",
                           WEIGHTS_SLOTS);
        struct weight_slot *s = &w->slots[*slot];
        memset(s->name, 0, sizeof(s->name));
        memcpy(s->name, name.at, name.len);
        weights_set(w, *slot, (struct weight){.ppm = 0, .run = 1});
        latches_clear(l, *slot); /* of who had the slot before */
        atomic_store_explicit(&s->live, 1, memory_order_release);
    }
    atomic_store_explicit(&w->slots[*slot].generation, generation,
                          memory_order_relaxed);
    return OK;
}

void
weights_sweep(struct weights *w, uint64_t oldest_alive)
{
    for (uint32_t i = 0; i < WEIGHTS_SLOTS; i++) {
        struct weight_slot *s = &w->slots[i];
        if (is_live(s) && atomic_load(&s->generation) < oldest_alive)
            atomic_store_explicit(&s->live, 0, memory_order_release);
    }
}

void
latches_set(struct latches *l, uint32_t slot, uint32_t run,
            enum latch_reason reason)
{
    assert(slot < WEIGHTS_SLOTS);
    uint64_t was = atomic_load(&l->words[slot]);
    uint64_t word = (uint64_t)run << 32 | (uint32_t)reason;

    /* Ends: another's success can only bring a later run, which stops us. */
    while ((uint32_t)(was >> 32) < run)
        if (atomic_compare_exchange_weak(&l->words[slot], &was, word))
            return;
}

void
latches_clear(struct latches *l, uint32_t slot)
{
    assert(slot < WEIGHTS_SLOTS);
    atomic_store(&l->words[slot], 0);
}

struct latch
latches_get(const struct latches *l, uint32_t slot)
{
    assert(slot < WEIGHTS_SLOTS);
    uint64_t word = atomic_load(&l->words[slot]);

    return (struct latch){(uint32_t)(word >> 32),
                          (enum latch_reason)(uint32_t)word};
}

static const char *const reason_names[] = {
#define X(name, text) text,
    LATCH_REASONS(X)
#undef X
};

const char *
latch_reason_name(enum latch_reason reason)
{
    return (size_t)reason < COUNT(reason_names) ? reason_names[reason]
                                                : "unknown";
}

enum latch_reason
latch_reason_of(span name)
{
    for (size_t i = 1; i < COUNT(reason_names); i++)
        if (span_is(name, reason_names[i]))
            return (enum latch_reason)i;
    return LATCH_ERRORS;
}
