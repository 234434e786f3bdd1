/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/cli/cli.h"

#include "proxy/cli/ask.h"
#include "proxy/cli/rollout_print.h"

#include <stdio.h>
#include <string.h>

/* Oldest first, as a journal is read. */
static int
tail(struct ask *ask)
{
    ask->request.path = "/v1/revisions?limit=20";
    int code = ask_daemon(ask, "audit");
    const json_t *list = json_object_get(ask->answer.body, "revisions");

    if (code != CLI_OK)
        return code;
    if (ask->as_json) {
        ask_print_json(ask);
        return CLI_OK;
    }
    for (size_t i = json_array_size(list); i > 0; i--)
        revision_print(json_array_get(list, i - 1));
    return CLI_OK;
}

static int
verify(struct ask *ask)
{
    ask->request.path = "/v1/audit/verify";
    int code = ask_daemon(ask, "audit");

    if (code != CLI_OK)
        return code;
    if (ask->as_json)
        ask_print_json(ask);
    else
        printf("the journal is whole: %lld revisions, each knows the one "
               "before\n",
               (long long)json_integer_value(
                   json_object_get(ask->answer.body, "revision")));
    return CLI_OK;
}

int
cmd_audit(int argc, char **argv)
{
    struct ask ask = ASK_PRESET;
    const struct option options[] = {ASK_OPTIONS(ask)};
    const struct command_usage usage = {
        .name = "audit",
        .operands = "tail|verify",
        .summary = "the journal: its end, and whether it is whole",
        .text = "tail prints the last 20 revisions, the newest last. verify "
                "walks the whole chain: every\nentry carries the SHA-256 of "
                "the one before, so an edited byte is found and named.\n",
        .options = options,
        .n_options = COUNT(options),
        .examples = "  stile audit tail\n  stile audit verify\n",
    };
    char **operands;
    size_t n;
    int code;

    if (!options_read(&usage, argc, argv, &operands, &n, &code))
        return code;
    if (n == 1 && strcmp(operands[0], "tail") == 0) {
        code = tail(&ask);
    } else if (n == 1 && strcmp(operands[0], "verify") == 0) {
        code = verify(&ask);
    } else {
        fprintf(stderr, "stile audit: tail or verify; see --help\n");
        code = CLI_USAGE;
    }
    ask_fini(&ask);
    return code;
}
