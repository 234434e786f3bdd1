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

/* A number below `n`. */
uint64_t chain_dice(uint64_t *seed, uint64_t n);

/* An API of 2 to `versions_max` versions; NULL if what was made up does not load. */
const struct lens_api *chain_api(struct arena *a, uint64_t *seed,
                                 size_t versions_max);

/* A document of type Doc; `wild` ones have bytes that do not belong there. */
span chain_document(struct arena *a, uint64_t *seed, bool wild);

struct chain_result {
    bool planned;    /* there is a program */
    bool again;      /* in which values go again */
    bool done;       /* and it did not go aside */
    bool fails;      /* the reference refuses the document */
    span difference; /* empty: they agree */
};

/* By the reference, appended to `out`. */
MUST_CHECK enum err_code
chain_reference(struct arena *a, const struct lens_api *api, size_t from,
                size_t to, bool is_request, span body, struct buf *out,
                struct reference_report *report);

/* How two notices, or two documents of JSON, differ; empty: they do not. Where values
 * wait the members of an object may stand in another order. */
span chain_notices_differ(struct arena *a, const struct plan_run *run,
                          const struct reference_report *report);
span chain_documents_differ(struct arena *a, span is, span should, bool waits);

/* Both ways, and the plan again with the body cut into single bytes. */
struct chain_result chain_compare(struct arena *a, const struct lens_api *api,
                                  const struct plan *plan, size_t from,
                                  size_t to, bool is_request, span body);
