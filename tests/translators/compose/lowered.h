/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lowered: one document through the machine by a lowered chain, and through the
 * reference, step after step.
 */
#pragma once

#include "tests/translators/compose/compare.h"
#include "translators/compose/lower.h"

struct lowered_count {
    size_t chains;
    size_t lowered;
    size_t documents;
    size_t refused; /* by the reference */
    size_t done;    /* by the machine: it did not go aside */
};

/* The program of the first type's chain. */
void lowered_chain(struct arena *a, const struct lens_api *api, size_t from,
                   size_t to, bool is_request, struct lowered *out);

/* Where the two differ, in one piece or cut by the dice; empty: they do not, or the
 * machine went aside. Counts in `c` but chains. */
span lowered_compare(struct arena *a, const struct lens_api *api,
                     const struct lowered *l, size_t from, size_t to,
                     bool is_request, span body, uint64_t *seed,
                     struct lowered_count *c);
