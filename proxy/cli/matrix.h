/* SPDX-License-Identifier: Apache-2.0 */
/*
 * matrix: which client version each pool can serve: what cases prove, and what traffic has refuted.
 *
 * Yes is what cases have shown, change by change and both ways, and no answer of live traffic has contradicted.
 * What nobody has shown is unknown, whatever traffic there was: it says nothing of the types that did not come.
 */
#pragma once

#include "config/generation.h"
#include "proxy/cli/ask.h"
#include "translators/cases/proof.h"

#define MATRIX_WHY_MAX 512

struct matrix_cell {
    const struct gen_pool *pool;
    size_t client; /* index into the versions of the pool's api */
    enum cases_verdict verdict;
    char why[MATRIX_WHY_MAX];
    /* Of live traffic; has_traffic is false if nobody asked, or none came. */
    bool has_traffic;
    uint64_t requests, requests_failed;
    uint64_t answers, answers_failed;
};

struct matrix {
    struct arena *arena;
    struct generation *gen;
    struct matrix_cell *cells; /* pool by pool, older clients first */
    size_t n;
    size_t n_cases;
};

/*
 * Load the configuration, try the cases of its apis, and if `live`, ask the daemon at `ask`'s socket for its
 * traffic. CLI_OK, or a sentence was printed to stderr and the exit code is returned. Close it in any case.
 */
int matrix_open(struct matrix *m, const char *path, struct ask *ask, bool live,
                const char *command);
void matrix_close(struct matrix *m);

const struct lens_version *matrix_client(const struct matrix_cell *c);
span matrix_pool_version(const struct matrix_cell *c);

/* "green for clients at v1: unknown", why, and the traffic. */
void matrix_print_cell(const struct matrix_cell *c);
json_t *matrix_json(const struct matrix_cell *c);

/* The exit code: 0 yes, 1 no, 3 unknown, which is never told as yes. */
int matrix_code(enum cases_verdict verdict);
