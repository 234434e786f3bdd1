/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/cli/cli.h"

#include "proxy/base/version.h"

#include <stdio.h>

int
cmd_version(int argc, char **argv)
{
    bool as_json = false;
    const struct option options[] = {
        {0, OPTION_FLAG, "json", NULL, &as_json, "as JSON"}};
    const struct command_usage usage = {
        .name = "version",
        .operands = "",
        .summary = "say which build this is",
        .text = "Prints the version and the compiler of this build.\n",
        .options = options,
        .n_options = COUNT(options),
    };
    char **operands;
    size_t n;
    int code;

    if (!options_read(&usage, argc, argv, &operands, &n, &code))
        return code;
    if (as_json)
        printf("{\"version\": \"%s\", \"compiler\": \"%s\"}\n",
               version_number(), version_compiler());
    else
        printf("stile %s (%s)\n", version_number(), version_compiler());
    return CLI_OK;
}
