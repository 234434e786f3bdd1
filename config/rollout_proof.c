/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rollout_proof: what the cases of an api say of a rollout: who may be sent to its canary, and who could not come back.
 *
 * They are tried once for each api, in memory of their own: a rollout that does not ask for proof is not refused for the
 * want of it, nor for its cases' size.
 */
#include "config/rollout_reading.h"

#include "translators/cases/cases.h"
#include "translators/cases/proof.h"
#include "translators/lens/lens.h"

#define PROOF_BYTES ((size_t)256 << 20)

/* NULL: there is no memory for them. */
static const struct cases_proof *
proof_of(struct loader *l, const struct gen_api *api)
{
    struct loader_proof *kept = &l->proofs[api - l->g->apis];
    struct cases_tally tally = {0};
    struct problems own;

    if (kept->was_tried)
        return kept->proof;
    kept->was_tried = true;
    kept->arena = arena_new(PROOF_BYTES);
    if (!kept->arena || !(tally.proof = cases_proof_new(kept->arena)))
        return NULL;
    /* A case that does not hold is `stile check`'s to refuse; here it is a verdict. */
    problems_init(&own, kept->arena);
    if (cases_run(kept->arena, api->lens, &own, &tally) != ERR_LIMIT)
        kept->proof = tally.proof;
    return kept->proof;
}

/* The worst of what cases say of each version that clients speak, against the canary's pool. */
static void
judge_matrix(struct rollout_reading *reading, const struct cases_proof *proof)
{
    struct gen_require *require = &reading->r->require;
    const struct gen_pool *pool = reading->r->canary.pool;
    const struct lens_api *api = pool->api->lens;
    char why[256];

    require->verdict = CASES_YES;
    for (size_t v = 0; v < api->n_versions; v++) {
        enum cases_verdict verdict = cases_verdict_of(
            proof, api, v, (size_t)pool->version, why, sizeof(why));
        if (api->versions[v].internal || verdict == CASES_YES ||
            require->verdict == CASES_NO)
            continue;
        require->verdict = verdict;
        require->why = arena_fmt(
            reading->l->g->arena, "clients at %.*s: %s, %s",
            SPAN_FMT(api->versions[v].label), cases_verdict_word(verdict), why);
    }
}

/* Which clients the baseline could not serve again, if they were sent back to it. */
static void
judge_way_back(struct rollout_reading *reading, const struct cases_proof *proof)
{
    struct gen_rollout *r = reading->r;
    const struct lens_api *api = r->canary.pool->api->lens;
    char why[256];
    bool *lost = reader_array(&reading->l->r, reading->node, api->n_versions,
                              sizeof(*lost));

    for (size_t v = 0; lost && r->baseline->version >= 0 && v < api->n_versions;
         v++)
        lost[v] = !api->versions[v].internal &&
                  cases_verdict_of(proof, api, v, (size_t)r->baseline->version,
                                   why, sizeof(why)) == CASES_NO;
    r->lost = lost;
}

/* What was asked for is not so. */
static void
warn_unproven(struct rollout_reading *reading)
{
    struct reader *r = &reading->l->r;

    problem_warn(r->problems, reading->node->file, reading->node->line,
                 reading->node->column,
                 "it would not start: `require: matrix`; %.*s",
                 SPAN_FMT(reading->r->require.why));
    problem_remedy(r->problems,
                   "write cases that show it; `stile matrix` lists what lacks");
}

void
rollout_prove(struct rollout_reading *reading)
{
    const struct gen_pool *pool = reading->r->canary.pool;
    bool is_asked = reading->r->require.matrix;
    bool has_api = pool->api && pool->api->lens && pool->version >= 0;
    const struct cases_proof *proof =
        has_api ? proof_of(reading->l, pool->api) : NULL;

    if (is_asked && !has_api)
        yaml_problem(reading->l->r.problems, reading->node,
                     "`require: matrix`, and the canary speaks no api");
    else if (is_asked && !proof)
        yaml_problem(reading->l->r.problems, reading->node,
                     "the cases take more memory than a load may");
    if (!proof)
        return;
    judge_way_back(reading, proof);
    if (!is_asked)
        return;
    judge_matrix(reading, proof);
    if (reading->r->require.verdict != CASES_YES)
        warn_unproven(reading);
}

void
rollout_proofs_free(struct loader *l)
{
    for (size_t i = 0; l->proofs && i < l->g->n_apis; i++)
        arena_free(&l->proofs[i].arena);
}
