/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crowd: about how many different subjects there were, however many, in words that processes share.
 *
 * HyperLogLog (Flajolet et al. 2007) with 4096 registers of a byte, eight a word: within 1.6 % of what is so
 * (one standard deviation), and nearly exact below a few hundred. A register only grows, so who comes again
 * writes nothing, and nobody is ever counted twice. Subjects come as hashes.
 */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#define CROWD_REGISTERS 4096u
#define CROWD_WORDS     (CROWD_REGISTERS / 8)

/* One load if the subject changes nothing. */
void crowd_put(_Atomic uint64_t *words, uint64_t subject);

/* What several crowds have together; zeroed by whoever begins. */
struct crowd_sum {
    uint8_t registers[CROWD_REGISTERS];
};

/* Add one; a subject that is in both counts once. */
void crowd_add(struct crowd_sum *sum, const _Atomic uint64_t *words);

uint64_t crowd_count(const struct crowd_sum *sum);
