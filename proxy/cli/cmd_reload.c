/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/cli/cli.h"

#include "proxy/cli/ask.h"

#include <stdio.h>

static void
print_problems(const json_t *body)
{
    const json_t *problems = json_object_get(body, "problems");
    const json_t *line;
    size_t i;

    json_array_foreach(problems, i, line)
    {
        if (json_is_string(line))
            fprintf(stderr, "%s\n", json_string_value(line));
    }
}

int
cmd_reload(int argc, char **argv)
{
    struct ask ask = ASK_PRESET;
    const struct option options[] = {ASK_OPTIONS(ask)};
    const struct command_usage usage = {
        .name = "reload",
        .operands = "",
        .summary = "load the configuration anew",
        .text =
            "Asks the running proxy to load its configuration again, with the "
            "binary that is on disk\nnow. Returns when the new workers serve "
            "and the old ones drain, or with the list of\nall that is wrong; "
            "then nothing has changed. So does SIGHUP, to the log.\n\n"
            "Exits 0 when the new configuration serves, 1 if it was refused, 3 "
            "if nobody runs.\n",
        .options = options,
        .n_options = COUNT(options),
    };
    char **operands;
    size_t n;
    int code;

    if (!options_read(&usage, argc, argv, &operands, &n, &code))
        return code;

    json_t *empty = json_object();
    ask.request.method = "POST";
    ask.request.path = "/v1/reload";
    ask.request.body = empty;
    ask.request.timeout_ms = 120000;
    code = ask_daemon(&ask, "reload");
    if (code == CLI_OK && ask.as_json)
        ask_print_json(&ask);
    else if (code == CLI_OK) {
        printf("generation %lld serves\n",
               (long long)json_integer_value(
                   json_object_get(ask.answer.body, "generation")));
        print_problems(ask.answer.body); /* warnings */
    } else if (ask.answer.body)
        print_problems(ask.answer.body);
    ask_fini(&ask);
    json_decref(empty);
    return code;
}
