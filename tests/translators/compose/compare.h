/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compare: one document through a normal form and through the reference, step
 * after step.
 */
#pragma once

#include "tests/translators/compose/interpret.h"
#include "tests/translators/reference/bench.h"

struct tally {
    size_t documents;
    size_t again;
    size_t refused;
};

/* The normal form of a chain; fails the test if there is no room. */
const struct normal *composed(struct arena *a, const struct lens_api *api,
                              size_t type, size_t from, size_t to);

/* Notices of two that ran one document: where they differ. */
span notices_differ(struct arena *a, struct interpreted *is,
                    const struct reference_report *should);

/* Where the two differ; empty: they do not. */
span compare(struct arena *a, const struct normal *n, size_t type,
             bool is_request, span body, struct tally *t);
