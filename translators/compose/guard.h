/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guard: when something holds, as a function of tests on the document.
 *
 * A guard is a node of an ordered decision diagram: two guards that mean the
 * same are the same number, so contradictions cancel and what absorbs another
 * swallows it without being asked. Atoms are numbered by whoever makes them; the
 * lower number is asked first.
 */
#pragma once

#include "proxy/base/arena.h"

typedef uint32_t guard;

#define GUARD_NEVER  0u
#define GUARD_ALWAYS 1u

/* What a guard above the two asks. */
struct guard_node {
    uint32_t atom;
    guard yes; /* what is left to ask if the atom holds */
    guard no;
};

struct guard_cell; /* of the cache */

struct guards {
    struct arena *arena;
    struct guard_node *at; /* by guard; the first two ask nothing */
    size_t n;
    size_t room;
    uint32_t *slots; /* 1 + guard, by hash */
    size_t n_slots;  /* a power of two */
    struct guard_cell *cache;
    bool full; /* too many, or no memory: all that was answered since is void */
};

/* False: the arena is full. */
MUST_CHECK bool guards_init(struct guards *g, struct arena *a);

/* The guard that asks this atom alone. */
guard guard_of(struct guards *g, uint32_t atom);

/* If the atom holds then `yes` else `no`, which ask no atom up to this one. */
guard guard_if(struct guards *g, uint32_t atom, guard yes, guard no);

/* If the first holds then the second else the third. */
guard guard_choose(struct guards *g, guard x, guard y, guard z);

guard guard_not(struct guards *g, guard x);
guard guard_and(struct guards *g, guard x, guard y);
guard guard_or(struct guards *g, guard x, guard y);

/* x and not y. */
guard guard_without(struct guards *g, guard x, guard y);

/* Whenever x holds, does y? */
bool guard_implies(struct guards *g, guard x, guard y);
