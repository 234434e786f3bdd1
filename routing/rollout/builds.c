/* SPDX-License-Identifier: Apache-2.0 */
#include "routing/rollout/builds.h"

#include "proxy/base/hash.h"

static uint64_t
load(const _Atomic uint64_t *word)
{
    return atomic_load_explicit(word, memory_order_relaxed);
}

static void
store(_Atomic uint64_t *word, uint64_t value)
{
    atomic_store_explicit(word, value, memory_order_relaxed);
}

/* The build's words, or those of a free place; NULL: all are others'. */
static _Atomic uint64_t *
place_of(_Atomic uint64_t *words, uint64_t hash)
{
    for (size_t i = 0; i < BUILDS_MAX; i++)
        if (load(&words[BUILDS_AT + i * BUILD_WORDS]) == hash)
            return words + BUILDS_AT + i * BUILD_WORDS;
    for (size_t i = 0; i < BUILDS_MAX; i++) {
        _Atomic uint64_t *at = words + BUILDS_AT + i * BUILD_WORDS;
        uint64_t was = load(&at[BUILD_HASH]);
        if (was == 0 &&
            atomic_compare_exchange_strong(&at[BUILD_HASH], &was, hash))
            return at;
        if (was == hash)
            return at;
    }
    return NULL;
}

static void
put_text(_Atomic uint64_t *to, const char text[BUILDS_TEXT])
{
    for (size_t i = 0; i < BUILDS_TEXT / 8; i++) {
        uint64_t word;
        memcpy(&word, text + i * 8, sizeof(word));
        store(&to[i], word);
    }
}

void
builds_saw(_Atomic uint64_t *words, span name)
{
    uint64_t hash = hash64(name), era = load(&words[BUILDS_ERA]);
    char text[BUILDS_TEXT] = "";
    _Atomic uint64_t *at;

    if (name.len == 0)
        return;
    at = place_of(words, hash ? hash : 1);
    if (!at) {
        store(&words[BUILDS_MANY], era);
        return;
    }
    if (atomic_load_explicit(&at[BUILD_ERA], memory_order_acquire) == era)
        return;
    /* Whoever died after he had taken the place has left no name: it is written anew in each era. */
    memcpy(text, name.at, name.len < BUILDS_TEXT ? name.len : BUILDS_TEXT - 1);
    put_text(&at[BUILD_TEXT], text);
    atomic_store_explicit(&at[BUILD_ERA], era, memory_order_release);
}

void
builds_begin(_Atomic uint64_t *words, uint32_t era, const struct builds *known)
{
    store(&words[BUILDS_MANY], 0);
    for (size_t i = 0; i < BUILDS_MAX; i++) {
        _Atomic uint64_t *at = words + BUILDS_AT + i * BUILD_WORDS;
        store(&at[BUILD_ERA], 0);
        if (i < known->n)
            put_text(&at[BUILD_TEXT], known->at[i].text);
        store(&at[BUILD_HASH], i < known->n ? known->at[i].hash : 0);
    }
    atomic_store_explicit(&words[BUILDS_ERA], era, memory_order_release);
}

uint32_t
builds_era(const _Atomic uint64_t *words)
{
    return (uint32_t)load(&words[BUILDS_ERA]);
}

void
builds_read(const _Atomic uint64_t *words, struct builds *out)
{
    uint64_t era = load(&words[BUILDS_ERA]);

    *out = (struct builds){0};
    for (size_t i = 0; i < BUILDS_MAX; i++) {
        const _Atomic uint64_t *at = words + BUILDS_AT + i * BUILD_WORDS;
        struct build *b = &out->at[out->n];
        b->hash = load(&at[BUILD_HASH]);
        if (b->hash == 0)
            continue;
        b->answers =
            era > 0 &&
            atomic_load_explicit(&at[BUILD_ERA], memory_order_acquire) == era;
        for (size_t w = 0; w < BUILDS_TEXT / 8; w++) {
            uint64_t word = load(&at[BUILD_TEXT + w]);
            memcpy(b->text + w * 8, &word, sizeof(word));
        }
        b->text[BUILDS_TEXT - 1] = '\0';
        out->n++;
    }
}

bool
builds_are_many(const _Atomic uint64_t *words)
{
    uint64_t era = load(&words[BUILDS_ERA]);

    return era > 0 && load(&words[BUILDS_MANY]) == era;
}

bool
builds_have(const struct builds *all, uint64_t hash)
{
    for (size_t i = 0; i < all->n; i++)
        if (all->at[i].hash == hash)
            return true;
    return false;
}
