/* SPDX-License-Identifier: Apache-2.0 */
/*
 * builds: which builds of a canary have answered, in words that processes share.
 *
 * A worker that meets a build puts it in, at most once in an era; control begins an era with each step and says which
 * builds are known by then. What is known and does not answer in a whole era is forgotten: its successor was judged,
 * it was not. A build's name is its pool's word, of which the first 47 bytes are kept to be shown; all of it is
 * compared, by its hash.
 */
#pragma once

#include "proxy/base/span.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define BUILDS_MAX  8u  /* at a time: more name no build */
#define BUILDS_TEXT 48u /* with NUL */

enum build_word {
    BUILD_HASH,
    BUILD_ERA, /* the last in which it answered */
    BUILD_TEXT,
    BUILD_WORDS = BUILD_TEXT + BUILDS_TEXT / 8
};

enum builds_word {
    BUILDS_ERA,
    BUILDS_MANY, /* the era in which there was no room for another */
    BUILDS_AT,
    BUILDS_WORDS = BUILDS_AT + BUILDS_MAX * BUILD_WORDS
};

struct build {
    uint64_t hash;
    char text[BUILDS_TEXT];
    bool answers; /* it has, in this era */
};

/* So many, and which. */
struct builds {
    size_t n;
    struct build at[BUILDS_MAX];
};

/* A worker: the pool's answer names this build. One look if it is known. */
void builds_saw(_Atomic uint64_t *words, span name);

/* Control: another era begins, in which these are known. */
void builds_begin(_Atomic uint64_t *words, uint32_t era,
                  const struct builds *known);
uint32_t builds_era(const _Atomic uint64_t *words);

/* All that are there. */
void builds_read(const _Atomic uint64_t *words, struct builds *out);

/* Was there no room for another in this era? */
bool builds_are_many(const _Atomic uint64_t *words);

/* Is this one among them? */
bool builds_have(const struct builds *all, uint64_t hash);
