/* SPDX-License-Identifier: Apache-2.0 */
/*
 * token: a new token for the admin API, and what the configuration keeps of it.
 */
#include "proxy/cli/cli.h"

#include "certs/digest.h"
#include "proxy/base/hex.h"

#include <stdio.h>
#include <string.h>

#define SECRET_BYTES ((size_t)32) /* 256 bits: nobody guesses it */
#define PREFIX       "stile_"

static void
make(bool as_json)
{
    char text[sizeof(PREFIX) + 2 * SECRET_BYTES] = PREFIX;
    char hash[DIGEST_SHA256_HEX];
    uint8_t secret[SECRET_BYTES];

    digest_random(secret, sizeof(secret));
    hex_put(secret, sizeof(secret), text + strlen(PREFIX));
    digest_sha256_hex(span_str(text), hash);
    if (as_json)
        printf("{\"token\": \"%s\", \"sha256\": \"sha256:%s\"}\n", text, hash);
    else
        printf("token    %s\nkept as  sha256:%s\n", text, hash);
}

int
cmd_token(int argc, char **argv)
{
    bool as_json = false;
    const struct option options[] = {
        {0, OPTION_FLAG, "json", NULL, &as_json, "as JSON"},
    };
    const struct command_usage usage = {
        .name = "token",
        .operands = "new",
        .summary = "make a token for the admin API",
        .text =
            "Prints a new token (256 bits), for whoever is to use it, and its "
            "SHA-256, for `tokens` of a\nuser in the configuration. It is "
            "printed this once and kept nowhere. Who comes with it says\n"
            "`Authorization: Bearer TOKEN`; a reload makes it known.\n",
        .options = options,
        .n_options = COUNT(options),
        .examples = "  stile token new\n",
    };
    char **operands;
    size_t n;
    int code;

    if (!options_read(&usage, argc, argv, &operands, &n, &code))
        return code;
    if (n != 1 || strcmp(operands[0], "new") != 0) {
        fprintf(stderr, "stile token: say `stile token new`; see --help\n");
        return CLI_USAGE;
    }
    make(as_json);
    return CLI_OK;
}
