/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chains: random APIs of the class that is planned, documents for them, and a
 * document through plan and reference at once.
 */
#pragma once

#include "translators/plan/plan.h"
#include "translators/reference/reference.h"

#include <stdint.h>

#define CHAIN_ROOM ((size_t)256 * 1024 * 1024)

/* An API of 2 to `versions_max` versions; NULL if what was made up does not load. */
const struct lens_api *chain_api(struct arena *a, uint64_t *seed,
                                 size_t versions_max);

/* A document of type Doc; `wild` ones have bytes that do not belong there. */
span chain_document(struct arena *a, uint64_t *seed, bool wild);

struct chain_result {
    bool planned;    /* there is a program */
    bool done;       /* and it did not go aside */
    bool fails;      /* the reference refuses the document */
    span difference; /* empty: they agree */
};

/* Both ways, and the plan again with the body cut into single bytes. */
struct chain_result chain_compare(struct arena *a, const struct lens_api *api,
                                  const struct plan *plan, size_t from,
                                  size_t to, bool is_request, span body);
