/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/cli/ask.h"

#include <stdio.h>

int
ask_daemon(struct ask *ask, const char *command)
{
    struct err e;

    if (client_ask(&ask->request, &ask->answer, &e)) {
        fprintf(stderr, "stile %s: %s\n", command, e.text);
        return CLI_UNKNOWN;
    }
    if (ask->answer.status >= 200 && ask->answer.status < 300)
        return CLI_OK;
    fprintf(stderr, "stile %s: %s\n", command,
            client_answer_says(&ask->answer));
    return ask->answer.status == 404 ? CLI_UNKNOWN : CLI_REFUSED;
}

void
ask_print_json(const struct ask *ask)
{
    if (ask->answer.body)
        json_dumpf(ask->answer.body, stdout, JSON_INDENT(2));
    putchar('\n');
}

void
ask_fini(struct ask *ask)
{
    client_answer_fini(&ask->answer);
}
