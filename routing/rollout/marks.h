/* SPDX-License-Identifier: Apache-2.0 */
/*
 * marks: a set of subjects for a while, in words that processes share.
 *
 * 64 Ki bits, 32 a word beside the tag of the time they belong to: a word with
 * another tag is an empty one, so a new window begins without anybody clearing
 * the old. Two subjects on one bit are one subject: then something is counted
 * once too seldom, never twice.
 */
#pragma once

#include "proxy/base/span.h"

#include <stdatomic.h>
#include <stdint.h>

#define MARKS_WORDS 2048u
#define MARKS_BITS  (MARKS_WORDS * 32u)

/* Put the subject in. True if it was not there. One load if it was. */
bool marks_put(_Atomic uint64_t *words, uint32_t tag, uint64_t subject);

bool marks_has(const _Atomic uint64_t *words, uint32_t tag, uint64_t subject);

/*
 * About how many subjects were put in: by the bits that are still free (linear
 * counting), within 1 % up to 100 000. UINT32_MAX if almost none is free.
 */
uint32_t marks_count(const _Atomic uint64_t *words, uint32_t tag);

/* Add them to a set of nobody else's, and count such a set likewise. */
void marks_add(const _Atomic uint64_t *words, uint32_t tag,
               uint32_t set[MARKS_WORDS]);
uint32_t marks_count_set(const uint32_t set[MARKS_WORDS]);
