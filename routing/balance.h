/* SPDX-License-Identifier: Apache-2.0 */
/*
 * balance: which endpoint of a pool a request goes to.
 *
 * Two healthy ones are drawn and the one with fewer requests under way is
 * taken (p2c, least request); or one after the other; or by a key, so that a
 * key stays where it is for as long as its endpoint is there. The dice are
 * arguments.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define BALANCE_NONE     (-1)
#define BALANCE_WORDS(n) (((n) + 63) / 64)

/*
 * One of `n` endpoints: `active[i]` requests are under way at endpoint i, which
 * may be picked if bit i of `healthy` (BALANCE_WORDS(n) words, bit i%64 of word
 * i/64) is set. BALANCE_NONE: none is. To pick another one for a retry, clear
 * the bit of the first. Equal counts: the first drawn.
 */
int balance_pick(const uint32_t *active, const uint64_t *healthy, size_t n,
                 uint32_t dice_a, uint32_t dice_b);

/* The next healthy one after `last` (BALANCE_NONE at first), around. */
int balance_next(const uint64_t *healthy, size_t n, int last);

/*
 * Whose mark, mixed with `key`, is the highest (rendezvous hashing): one that
 * comes or goes moves its own keys alone. `marks[i]` is a hash of endpoint i's
 * name.
 */
int balance_by_key(const uint64_t *marks, const uint64_t *healthy, size_t n,
                   uint64_t key);
