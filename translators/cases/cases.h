/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cases: examples beside the changes, and whether they hold.
 *
 * A case is a document (or a whole message) at one version and the same one at
 * another. It is translated by the very translator that a proxy uses, and what
 * comes out is compared with what stands in the file; where the two part first
 * is said with the file's line and a pointer. docs/language.md, "Cases", says
 * what a file may hold.
 */
#pragma once

#include "proxy/base/arena.h"
#include "proxy/base/err.h"
#include "proxy/base/problem.h"

struct lens_api;    /* translators/lens/lens.h */
struct translator;  /* translators/translation.h */
struct cases_proof; /* translators/cases/proof.h */

/* How much was tried. */
struct cases_tally {
    size_t n_files;
    size_t n_cases;
    struct cases_proof *proof; /* proof.h; NULL: nobody asks */
};

/*
 * Read cases/ *.yaml beside the api's file and try every case. A file that is
 * none, and a case that does not hold, is a problem; with one among them the
 * answer is ERR_INVALID. No such folder: nothing to try, and OK. ERR_LIMIT: `a`
 * is full. `tally` is counted up.
 */
MUST_CHECK enum err_code cases_run(struct arena *a, const struct lens_api *api,
                                   struct problems *problems,
                                   struct cases_tally *tally);

/* The same for one file's bytes; `file` names it and, as `text`, is borrowed. */
MUST_CHECK enum err_code cases_run_text(struct arena *a,
                                        const struct lens_api *api,
                                        const struct translator *t, span file,
                                        span text, struct problems *problems,
                                        struct cases_tally *tally);
