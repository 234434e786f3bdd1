/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run: a patch for a value of a type, translated without messages around it, and
 * law 7 asked of it and of a document.
 */
#pragma once

#include "tests/translators/patch/apply.h"
#include "tests/translators/reference/gen.h"
#include "translators/patch/patch.h"

struct run_way {
    const struct lens_api *api;
    size_t type;
    size_t from;
    size_t to;
    struct patch_options options;
    enum { RUN_ASKS, RUN_LOSES, RUN_REFUSES } write; /* the route's `write:` */
};

struct bench_result run_patch(struct arena *a, const struct run_way *w,
                              span patch);

enum run_law {
    LAW_HOLDS,
    LAW_BROKEN,
    LAW_VOID /* the patch does not apply, or a document has no image */
};

/*
 * Is up(p(x)) what up(p)(up(x)) is, empty objects and the order of members aside?
 * `carried` is up(p). Where the law is broken `one` and `two` are both sides.
 */
enum run_law run_commutes(struct arena *a, const struct run_way *w, span patch,
                          span carried, span x, span *one, span *two);

struct json *run_parse(struct arena *a, span text);
span run_print(struct arena *a, const struct json *node);
