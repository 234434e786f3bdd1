/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench: a small API out of a few lines, and values of its types translated
 * through the reference, without messages around them.
 */
#pragma once

#include "translators/json/tree.h"
#include "translators/lens/lens.h"
#include "translators/reference/reference.h"

#include "tests/test.h"

#define BENCH_ROOM ((size_t)256 * 1024 * 1024)

/*
 * An API of n_changes + 1 versions v1, v2, ... with these types (the lines below
 * `types:`), each change being the blocks of one table. NULL, after saying why
 * with `what` (if not NULL) before it, if it does not load.
 */
const struct lens_api *bench_api(struct arena *a, span types,
                                 const span *changes, size_t n_changes,
                                 const char *what);

struct bench_result {
    enum err_code code;
    span text; /* what came out */
    struct reference_report report;
};

/* Translate one value of a type; depth as by default. */
struct bench_result bench_run(struct arena *a, const struct lens_api *api,
                              size_t type, size_t from, size_t to,
                              bool is_request, span in);

/* The kinds of its notices, in order, as "lossy defaulted"; each of n counts once. */
span bench_notices(struct arena *a, const struct bench_result *r);
