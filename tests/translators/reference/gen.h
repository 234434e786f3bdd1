/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gen: tables and documents out of dice, for laws.
 *
 * Tables are made of arrows over few names, so that they meet; one that the
 * checker refuses is thrown away. Documents are grown from the places that a
 * loaded lens names, with values its arrows read, and then spoiled: deleted,
 * emptied, retyped, nulled, strangers planted at names the arrows use.
 */
#pragma once

#include "tests/translators/reference/bench.h"

struct gen {
    uint64_t seed;
    bool exact;  /* only arrows whose losses always give a notice */
    bool marked; /* a document may say its version, at `ver` */
    bool named;  /* none that takes whatever it does not name */
    bool lists;  /* several lists and one, sorted lists, too */
    bool sets;   /* open sets that one version alone has, too */
    span told; /* gen_api: the types and changes of the last one, to be shown */
};

/* From 0 to n - 1. */
size_t gen_pick(struct gen *g, size_t n);

/* An API of two or three versions that loads; NULL after too many that did not. */
const struct lens_api *gen_api(struct gen *g, struct arena *a);

/* A document of the first type at a version, spoiled `spoils` times. */
span gen_document(struct gen *g, struct arena *a, const struct lens_api *api,
                  size_t version, size_t spoils);
