/* SPDX-License-Identifier: Apache-2.0 */
/*
 * matrix: every client version against every pool.
 */
#include "proxy/cli/cli.h"

#include "proxy/cli/matrix.h"
#include "proxy/cli/page.h"
#include "translators/lens/lens.h"

#include <stdio.h>

/* ---------------------------------------------------------------------- as a table */

static size_t
width_of(const struct gen_pool *pool)
{
    size_t n =
        pool->name.len + 1 + pool->api->lens->versions[pool->version].label.len;

    return n < 8 ? 8 : n; /* "unknown" */
}

static size_t
label_width(const struct gen_api *api)
{
    size_t most = api->name.len;

    for (size_t i = 0; i < api->lens->n_versions; i++)
        if (api->lens->versions[i].label.len > most)
            most = api->lens->versions[i].label.len;
    return most;
}

static const struct matrix_cell *
cell_at(const struct matrix *m, const struct gen_pool *pool, size_t client)
{
    for (size_t i = 0; i < m->n; i++)
        if (m->cells[i].pool == pool && m->cells[i].client == client)
            return &m->cells[i];
    return NULL;
}

/* Is this a column of the api's table? */
static bool
is_column(const struct gen_pool *pool, const struct gen_api *api)
{
    return pool->api == api && pool->version >= 0;
}

static void
print_row(const struct matrix *m, const struct gen_api *api, size_t client,
          size_t width)
{
    printf("%-*.*s", (int)width, SPAN_FMT(api->lens->versions[client].label));
    for (size_t i = 0; i < m->gen->n_pools; i++) {
        const struct gen_pool *pool = &m->gen->pools[i];
        const struct matrix_cell *c =
            is_column(pool, api) ? cell_at(m, pool, client) : NULL;
        if (c)
            printf("  %-*s", (int)width_of(pool),
                   cases_verdict_word(c->verdict));
    }
    putchar('\n');
}

static void
print_table(const struct matrix *m, const struct gen_api *api)
{
    size_t width = label_width(api), all = width;

    for (size_t i = 0; i < m->gen->n_pools; i++)
        if (is_column(&m->gen->pools[i], api))
            all += 2 + width_of(&m->gen->pools[i]);
    if (all > PAGE_COLUMNS || all == width) /* the cells are told below */
        return;
    printf("%-*.*s", (int)width, SPAN_FMT(api->name));
    for (size_t i = 0; i < m->gen->n_pools; i++) {
        const struct gen_pool *pool = &m->gen->pools[i];
        if (!is_column(pool, api))
            continue;
        span version = api->lens->versions[pool->version].label;
        printf("  %.*s %-*.*s", SPAN_FMT(pool->name),
               (int)(width_of(pool) - pool->name.len - 1), SPAN_FMT(version));
    }
    putchar('\n');
    for (size_t v = 0; v < api->lens->n_versions; v++)
        if (!api->lens->versions[v].internal)
            print_row(m, api, v, width);
    putchar('\n');
}

static void
print_all(const struct matrix *m, bool live)
{
    for (size_t i = 0; i < m->gen->n_apis; i++)
        print_table(m, &m->gen->apis[i]);
    for (size_t i = 0; i < m->n; i++)
        if (m->cells[i].verdict != CASES_YES || m->cells[i].has_traffic)
            matrix_print_cell(&m->cells[i]);
    printf("%zu cases were tried%s\n", m->n_cases,
           live ? "" : "; traffic was not asked (--live)");
}

static void
print_json(const struct matrix *m)
{
    json_t *list = json_array();

    for (size_t i = 0; i < m->n; i++)
        (void)json_array_append_new(list, matrix_json(&m->cells[i]));
    ask_put_json(json_pack("{s:o, s:I}", "matrix", list, "cases",
                           (json_int_t)m->n_cases));
}

/* The worst of them: 0 yes, 1 no, 3 unknown. */
static int
verdict_of(const struct matrix *m)
{
    int code = CLI_OK;

    for (size_t i = 0; i < m->n; i++)
        if (m->cells[i].verdict == CASES_NO)
            return matrix_code(CASES_NO);
        else if (m->cells[i].verdict != CASES_YES)
            code = matrix_code(m->cells[i].verdict);
    return code;
}

int
cmd_matrix(int argc, char **argv)
{
    struct ask ask = ASK_PRESET;
    bool live = false;
    const struct option options[] = {
        {0, OPTION_FLAG, "live", NULL, &live,
         "also what the running proxy counted"},
        ASK_OPTIONS(ask),
    };
    const struct command_usage usage = {
        .name = "matrix",
        .operands = "[FILE]",
        .summary = "say which client versions each pool can serve",
        .text =
            "For each client version and pool: yes, no or unknown. Yes is "
            "proven: every change between the\ntwo is shown by a case beside "
            "the api that holds (see `stile check`), upwards and "
            "downwards.\nNo "
            "is a case that does not hold, or, with --live, an answer that "
            "could not be translated. All\nelse is unknown.\n\n"
            "Exits 0 if all are yes, 1 if one is no, 3 if one is unknown.\n",
        .options = options,
        .n_options = COUNT(options),
        .examples = "  stile matrix config/examples/shop/stile.yaml\n"
                    "  stile matrix --live\n",
    };
    char **operands;
    size_t n;
    int code;
    struct matrix m;

    if (!options_read(&usage, argc, argv, &operands, &n, &code))
        return code;
    if (n > 1) {
        fprintf(stderr, "stile matrix: one FILE, and here are %zu\n", n);
        return CLI_USAGE;
    }
    code = matrix_open(&m, n ? operands[0] : CLI_CONFIG_PRESET, &ask, live,
                       "matrix");
    if (code == CLI_OK) {
        if (ask.as_json)
            print_json(&m);
        else
            print_all(&m, live);
        code = verdict_of(&m);
    }
    matrix_close(&m);
    ask_fini(&ask);
    return code;
}
