/* SPDX-License-Identifier: Apache-2.0 */
/*
 * can-i: one cell of the matrix, as an exit code.
 */
#include "proxy/cli/cli.h"

#include "proxy/cli/matrix.h"
#include "proxy/cli/page.h"
#include "translators/lens/lens.h"

#include <stdio.h>

static const struct matrix_cell *
find(const struct matrix *m, const char *version, const char *pool)
{
    for (size_t i = 0; i < m->n; i++)
        if (span_is(matrix_client(&m->cells[i])->label, version) &&
            span_is(m->cells[i].pool->name, pool))
            return &m->cells[i];
    page_error("stile can-i: no pool `%s` with an api that has clients at `%s`",
               pool, version);
    return NULL;
}

int
cmd_can_i(int argc, char **argv)
{
    struct ask ask = ASK_PRESET;
    const char *config = CLI_CONFIG_PRESET;
    bool live = false;
    const struct option options[] = {
        {'c', OPTION_TEXT, "config", "FILE", &config,
         "the configuration (" CLI_CONFIG_PRESET ")"},
        {0, OPTION_FLAG, "live", NULL, &live,
         "also what the running proxy counted"},
        ASK_OPTIONS(ask),
    };
    const struct command_usage usage = {
        .name = "can-i",
        .operands = "VERSION POOL",
        .summary = "say whether a pool can serve clients of a version",
        .text = "One cell of `stile matrix`, with what the answer rests on.\n\n"
                "Exits 0 for yes, 1 for no, 3 for unknown.\n",
        .options = options,
        .n_options = COUNT(options),
        .examples =
            "  stile can-i v1 green -c config/examples/shop/stile.yaml\n",
    };
    char **operands;
    size_t n;
    int code;
    struct matrix m;

    if (!options_read(&usage, argc, argv, &operands, &n, &code))
        return code;
    if (n != 2) {
        fprintf(stderr, "stile can-i: a VERSION and a POOL; see --help\n");
        return CLI_USAGE;
    }
    code = matrix_open(&m, config, &ask, live, "can-i");
    if (code == CLI_OK) {
        const struct matrix_cell *c = find(&m, operands[0], operands[1]);
        if (c && ask.as_json)
            ask_put_json(matrix_json(c));
        else if (c)
            matrix_print_cell(c);
        code = c ? matrix_code(c->verdict) : CLI_USAGE;
    }
    matrix_close(&m);
    ask_fini(&ask);
    return code;
}
