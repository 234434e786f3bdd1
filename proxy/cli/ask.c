/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/cli/ask.h"

#include "certs/digest.h"
#include "proxy/base/hex.h"
#include "proxy/cli/page.h"

#include <stdio.h>

#define SILENCE_MS 10000u /* a daemon that watches for us says something */

static int
code_of(const struct client_answer *answer, const char *command)
{
    if (answer->status >= 200 && answer->status < 300)
        return CLI_OK;
    page_error("stile %s: %s", command, client_answer_says(answer));
    return answer->status == 404 ? CLI_UNKNOWN : CLI_REFUSED;
}

void
ask_once(struct ask *ask, char room[ASK_KEY_CHARS])
{
    uint8_t key[(ASK_KEY_CHARS - 1) / 2];

    digest_random(key, sizeof(key));
    hex_put(key, sizeof(key), room);
    ask->request.key = room;
}

int
ask_daemon(struct ask *ask, const char *command)
{
    struct err e;

    if (client_ask(&ask->request, &ask->answer, &e)) {
        page_error("stile %s: %s", command, e.text);
        return CLI_UNKNOWN;
    }
    return code_of(&ask->answer, command);
}

int
ask_events(const struct ask *ask, const char *command, const char *path,
           feed_fn fn, void *arg)
{
    struct client_request r = {.socket = ask->request.socket,
                               .method = "GET",
                               .path = path,
                               .timeout_ms = SILENCE_MS};
    struct client_answer answer;
    struct err e;

    if (client_watch(&r, fn, arg, &answer, &e)) {
        page_error("stile %s: %s", command, e.text);
        return CLI_UNKNOWN;
    }
    int code = answer.status ? code_of(&answer, command) : CLI_OK;
    client_answer_fini(&answer);
    return code;
}

void
ask_print_json(const struct ask *ask)
{
    ask_put_json(json_incref(ask->answer.body));
}

void
ask_put_json(json_t *json)
{
    if (json)
        (void)json_dumpf(json, stdout, JSON_INDENT(2));
    (void)putchar('\n');
    json_decref(json);
}

void
ask_put_json_line(const json_t *json)
{
    (void)json_dumpf(json, stdout, JSON_COMPACT);
    (void)putchar('\n');
}

void
ask_fini(struct ask *ask)
{
    client_answer_fini(&ask->answer);
}
