/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proof: which arrows cases have shown to hold, each way.
 *
 * An arrow is proven up if a case that holds was touched by it on its way to the newer version, and down likewise:
 * a case that merely passes by an arrow (its member is not there, its guard does not hold) says nothing of it. What
 * is not proven is unknown, never wrong.
 */
#pragma once

#include "translators/cases/cases.h"
#include "translators/lens/lens.h"

struct cases_proof;

/* Nothing is proven; lives in `a`, which must outlive it. NULL at its limit. */
struct cases_proof *cases_proof_new(struct arena *a);

/* A case that does not hold stands between these two versions. */
bool cases_proof_refuted(const struct cases_proof *p, size_t older,
                         size_t newer);

/* What is known of the changes from versions[table] to the next. */
struct cases_step {
    size_t n_arrows;
    size_t n_up, n_down; /* of these, proven */
    /* The first in the order of the files that is not, and the way; NULL: all are. */
    const struct lens_origin *open;
    bool open_is_up;
};

void cases_step_of(const struct cases_proof *p, const struct lens_api *api,
                   size_t table, struct cases_step *out);

/* One cell of the compatibility matrix. What nobody has shown is unknown. */
#define CASES_VERDICTS(X)                                                      \
    X(CASES_UNKNOWN, "unknown")                                                \
    X(CASES_YES, "yes")                                                        \
    X(CASES_NO, "no")

enum cases_verdict {
#define X(id, word) id,
    CASES_VERDICTS(X)
#undef X
};

/*
 * Can a client of one version be served by a pool of another? YES: it is the same, or every change between the two
 * is proven both ways (requests go one, answers the other). NO: a case between them does not hold. `why` says what
 * the word rests on; `size` >= 256.
 */
enum cases_verdict cases_verdict_of(const struct cases_proof *p,
                                    const struct lens_api *api, size_t client,
                                    size_t pool, char *why, size_t size);
const char *cases_verdict_word(enum cases_verdict v);
