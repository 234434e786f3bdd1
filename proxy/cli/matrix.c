/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/cli/matrix.h"

#include "proxy/cli/page.h"
#include "translators/lens/lens.h"

#include <stdio.h>

#define MATRIX_BYTES ((size_t)256 << 20)

const struct lens_version *
matrix_client(const struct matrix_cell *c)
{
    return &c->pool->api->lens->versions[c->client];
}

span
matrix_pool_version(const struct matrix_cell *c)
{
    return c->pool->api->lens->versions[c->pool->version].label;
}

/* ------------------------------------------------------------------ what cases prove */

/* The proofs of each api, by its index; NULL: no memory. */
static struct cases_proof **
prove_all(struct matrix *m, struct problems *problems)
{
    const struct generation *g = m->gen;
    struct cases_proof **proofs =
        arena_array(m->arena, g->n_apis + 1, sizeof(struct cases_proof *));

    for (size_t i = 0; proofs && i < g->n_apis; i++) {
        struct cases_tally tally = {.proof = cases_proof_new(m->arena)};
        if (!tally.proof ||
            cases_run(m->arena, g->apis[i].lens, problems, &tally) == ERR_LIMIT)
            return NULL;
        proofs[i] = tally.proof;
        m->n_cases += tally.n_cases;
    }
    return proofs;
}

static void
judge(struct matrix *m, struct cases_proof *const *proofs,
      const struct gen_pool *pool)
{
    const struct lens_api *api = pool->api->lens;
    size_t which = (size_t)(pool->api - m->gen->apis);

    for (size_t v = 0; v < api->n_versions; v++) {
        if (api->versions[v].internal)
            continue;
        struct matrix_cell *c = &m->cells[m->n++];
        c->pool = pool;
        c->client = v;
        c->verdict =
            cases_verdict_of(proofs[which], api, v, (size_t)pool->version,
                             c->why, sizeof(c->why));
    }
}

static bool
judge_all(struct matrix *m, struct problems *problems)
{
    const struct generation *g = m->gen;
    struct cases_proof **proofs = prove_all(m, problems);
    size_t room = 1;

    for (size_t i = 0; i < g->n_pools; i++)
        room += g->pools[i].api ? g->pools[i].api->lens->n_versions : 0;
    m->cells = proofs ? arena_array(m->arena, room, sizeof(*m->cells)) : NULL;
    for (size_t i = 0; m->cells && i < g->n_pools; i++)
        if (g->pools[i].api && g->pools[i].version >= 0)
            judge(m, proofs, &g->pools[i]);
    return m->cells != NULL;
}

/* ---------------------------------------------------------------- what traffic says */

static uint64_t
number(const json_t *object, const char *name)
{
    json_int_t n = json_integer_value(json_object_get(object, name));

    return n < 0 ? 0 : (uint64_t)n;
}

static bool
is_of(const struct matrix_cell *c, const json_t *pair)
{
    const char *api = json_string_value(json_object_get(pair, "api"));
    const char *client = json_string_value(json_object_get(pair, "client"));
    const char *version = json_string_value(json_object_get(pair, "version"));

    return api && client && version && span_is(c->pool->api->name, api) &&
           span_is(matrix_client(c)->label, client) &&
           span_is(matrix_pool_version(c), version);
}

static void
take_traffic(struct matrix_cell *c, const json_t *pair)
{
    c->has_traffic = true;
    c->requests = number(pair, "requests");
    c->requests_failed = number(pair, "requests_failed");
    c->answers = number(pair, "answers");
    c->answers_failed = number(pair, "answers_failed");
    if (c->answers_failed == 0)
        return;
    c->verdict = CASES_NO;
    (void)snprintf(
        c->why, sizeof(c->why), "%llu answers of %llu could not be translated",
        (unsigned long long)c->answers_failed, (unsigned long long)c->answers);
}

static int
ask_traffic(struct matrix *m, struct ask *ask, const char *command)
{
    const json_t *pair;
    size_t i;

    ask->request.path = "/v1/traffic";
    int code = ask_daemon(ask, command);
    if (code != CLI_OK)
        return code;
    json_array_foreach(json_object_get(ask->answer.body, "traffic"), i, pair)
    {
        for (size_t k = 0; k < m->n; k++)
            if (is_of(&m->cells[k], pair))
                take_traffic(&m->cells[k], pair);
    }
    return CLI_OK;
}

/* --------------------------------------------------------------------------- both */

static void
print_problems(const struct problems *problems)
{
    struct buf b;

    buf_init(&b, MATRIX_BYTES);
    problems_print(problems, &b);
    fwrite(buf_len(&b) ? buf_span(&b).at : "", 1, buf_len(&b), stderr);
    buf_fini(&b);
}

int
matrix_open(struct matrix *m, const char *path, struct ask *ask, bool live,
            const char *command)
{
    struct problems problems;

    *m = (struct matrix){.arena = arena_new(MATRIX_BYTES)};
    if (!m->arena) {
        fprintf(stderr, "stile %s: no memory\n", command);
        return CLI_REFUSED;
    }
    problems_init(&problems, m->arena);
    if (generation_load(path, NULL, &problems, &m->gen)) {
        problems_sort(&problems);
        print_problems(&problems);
        return CLI_REFUSED;
    }
    if (!judge_all(m, &problems)) {
        fprintf(stderr, "stile %s: the cases take more memory than they may\n",
                command);
        return CLI_REFUSED;
    }
    return live ? ask_traffic(m, ask, command) : CLI_OK;
}

void
matrix_close(struct matrix *m)
{
    generation_free(&m->gen);
    arena_free(&m->arena);
}

void
matrix_print_cell(const struct matrix_cell *c)
{
    span client = matrix_client(c)->label, pool = c->pool->name;

    page_line(4, "%.*s for clients at %.*s: %s", SPAN_FMT(pool),
              SPAN_FMT(client), cases_verdict_word(c->verdict));
    page_line(4, "    %s", c->why);
    if (c->has_traffic)
        page_line(
            4,
            "    traffic: %llu requests and %llu answers; refused %llu, failed "
            "%llu",
            (unsigned long long)c->requests, (unsigned long long)c->answers,
            (unsigned long long)c->requests_failed,
            (unsigned long long)c->answers_failed);
}

json_t *
matrix_json(const struct matrix_cell *c)
{
    span client = matrix_client(c)->label, version = matrix_pool_version(c);
    json_t *json = json_pack(
        "{s:s%, s:s%, s:s%, s:s%, s:s, s:s}", "api", c->pool->api->name.at,
        c->pool->api->name.len, "client", client.at, client.len, "pool",
        c->pool->name.at, c->pool->name.len, "version", version.at, version.len,
        "verdict", cases_verdict_word(c->verdict), "why", c->why);

    if (json && c->has_traffic)
        (void)json_object_set_new(
            json, "traffic",
            json_pack("{s:I, s:I, s:I, s:I}", "requests",
                      (json_int_t)c->requests, "requests_failed",
                      (json_int_t)c->requests_failed, "answers",
                      (json_int_t)c->answers, "answers_failed",
                      (json_int_t)c->answers_failed));
    return json;
}

int
matrix_code(enum cases_verdict verdict)
{
    switch (verdict) {
    case CASES_YES:
        return CLI_OK;
    case CASES_NO:
        return CLI_REFUSED;
    case CASES_UNKNOWN:
        return CLI_UNKNOWN;
    }
    return CLI_UNKNOWN;
}
