/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tickets segment: three TLS ticket keys under a sequence lock.
 */
#include "proxy/observe/segments.h"

#define READ_TRIES 1000
#define KEY_WORDS  ((size_t)TICKET_BYTES / 8)
#define WORDS      (TICKET_KEYS * KEY_WORDS)

static_assert(TICKET_BYTES % 8 == 0, "keys are copied by words");
static_assert(sizeof(((struct ticket_keys *)0)->key) == WORDS * 8, "layout");

bool
tickets_read(const struct tickets *t, struct ticket_keys *out)
{
    uint64_t words[WORDS];

    for (int try = 0; try < READ_TRIES; try++) {
        uint64_t before = tickets_version(t);
        if (before & 1)
            continue;
        for (size_t i = 0; i < WORDS; i++)
            words[i] = atomic_load_explicit(&t->words[i], memory_order_relaxed);
        atomic_thread_fence(memory_order_acquire);
        if (atomic_load_explicit(&t->sequence, memory_order_relaxed) != before)
            continue;
        out->version = before;
        memcpy(out->key, words, sizeof(words));
        return true;
    }
    return false;
}

void
tickets_rotate(struct tickets *t, const uint8_t key[TICKET_BYTES])
{
    uint64_t sequence = atomic_load(&t->sequence) | 1;
    uint64_t first[KEY_WORDS];

    memcpy(first, key, TICKET_BYTES);
    atomic_store_explicit(&t->sequence, sequence, memory_order_relaxed);
    atomic_thread_fence(memory_order_release);
    for (size_t i = WORDS; i-- > KEY_WORDS;)
        atomic_store_explicit(&t->words[i], t->words[i - KEY_WORDS],
                              memory_order_relaxed);
    for (size_t i = 0; i < KEY_WORDS; i++)
        atomic_store_explicit(&t->words[i], first[i], memory_order_relaxed);
    atomic_store_explicit(&t->sequence, sequence + 1, memory_order_release);
    explicit_bzero(first, sizeof(first));
}
