/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ask: a command's question to the running proxy, and its failure in words.
 */
#pragma once

#include "proxy/cli/cli.h"
#include "proxy/control/client.h"

struct ask {
    struct client_request request;
    struct client_answer answer;
    bool as_json;
};

#define ASK_PRESET                                                             \
    {                                                                          \
        .request = {.socket = CLI_SOCKET_PRESET, .method = "GET" }             \
    }

#define ASK_KEY_CHARS 33 /* with NUL */

/*
 * A change has a key of its own, made here for all tries of this one command, so
 * that it is made once. It lives in `room`.
 */
void ask_once(struct ask *ask, char room[ASK_KEY_CHARS]);

/* The options that every such command has. */
#define ASK_OPTIONS(ask)                                                       \
    {                                                                          \
        's',                                                                   \
        OPTION_TEXT,                                                           \
        "socket",                                                              \
        "PATH",                                                                \
        &(ask).request.socket,                                                 \
        "the admin socket (" CLI_SOCKET_PRESET ")"},                           \
    {                                                                          \
        0, OPTION_FLAG, "json", NULL, &(ask).as_json, "the answer as JSON"     \
    }

/*
 * Ask; a failure is printed to stderr as "stile COMMAND: ...". CLI_OK: a 2xx
 * answer. CLI_REFUSED: another one. CLI_UNKNOWN: nobody answered, or 404.
 */
int ask_daemon(struct ask *ask, const char *command);

/*
 * Watch the journal until `fn` is satisfied: each event, and each second without
 * one an event that has no data. The codes are ask_daemon's.
 */
int ask_events(const struct ask *ask, const char *command, const char *path,
               feed_fn fn, void *arg);

void ask_print_json(const struct ask *ask);

/* The same of what the command itself made; `json` is taken. */
void ask_put_json(json_t *json);

/* One of many, a line each. */
void ask_put_json_line(const json_t *json);

void ask_fini(struct ask *ask);
