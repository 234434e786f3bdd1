/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/cli/cli.h"

#include "proxy/cli/ask.h"
#include "proxy/cli/rollout_print.h"

#include <stdio.h>
#include <string.h>

struct tailing {
    struct ask ask;
    const char *lines;
    bool follows;
};

static void
print_one(const struct tailing *t, const json_t *revision)
{
    if (t->ask.as_json)
        ask_put_json_line(revision);
    else
        revision_print(revision);
}

static bool
print_event(void *arg, const struct feed_event *ev)
{
    const struct tailing *t = arg;
    json_t *revision =
        ev->data.len ? json_loadb(ev->data.at, ev->data.len, 0, NULL) : NULL;

    if (revision)
        print_one(t, revision);
    json_decref(revision);
    return fflush(stdout) == 0; /* nobody reads it any more */
}

/* On from the newest that was printed, so that none is missed in between. */
static int
follow(struct tailing *t, const json_t *list)
{
    const json_t *newest = json_object_get(json_array_get(list, 0), "revision");
    char path[64];

    (void)snprintf(path, sizeof(path), "/v1/events?beat_ms=1000&after=%lld",
                   (long long)json_integer_value(newest));
    (void)fflush(stdout);
    return ask_events(&t->ask, "audit", path, print_event, t);
}

/* Oldest first, as a journal is read. */
static int
tail(struct tailing *t)
{
    struct ask *ask = &t->ask;
    uint64_t lines;
    char path[64];

    if (!span_to_u64(span_str(t->lines), &lines)) {
        fprintf(stderr, "stile audit: --lines is a number\n");
        return CLI_USAGE;
    }
    (void)snprintf(path, sizeof(path), "/v1/revisions?limit=%llu",
                   (unsigned long long)lines);
    ask->request.path = path;
    int code = ask_daemon(ask, "audit");
    const json_t *list = json_object_get(ask->answer.body, "revisions");

    if (code != CLI_OK)
        return code;
    if (ask->as_json && !t->follows) {
        ask_print_json(ask);
        return CLI_OK;
    }
    for (size_t i = json_array_size(list); i > 0; i--)
        print_one(t, json_array_get(list, i - 1));
    return t->follows ? follow(t, list) : CLI_OK;
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
    struct tailing t = {.ask = ASK_PRESET, .lines = "20"};
    const struct option options[] = {
        {'n', OPTION_TEXT, "lines", "N", &t.lines,
         "tail: so many revisions (20; 500 at most)"},
        {'f', OPTION_FLAG, "follow", NULL, &t.follows,
         "tail: and each that comes, until it is interrupted"},
        ASK_OPTIONS(t.ask),
    };
    const struct command_usage usage = {
        .name = "audit",
        .operands = "tail|verify",
        .summary = "the journal: its end, and whether it is whole",
        .text = "tail prints the last revisions, the newest last; with "
                "--follow and --json each is a line.\nverify walks the whole "
                "chain: every entry carries the SHA-256 of the one before, so "
                "an\nedited byte is found and named.\n",
        .options = options,
        .n_options = COUNT(options),
        .examples = "  stile audit tail --follow\n  stile audit verify\n",
    };
    char **operands;
    size_t n;
    int code;

    if (!options_read(&usage, argc, argv, &operands, &n, &code))
        return code;
    if (n == 1 && strcmp(operands[0], "tail") == 0) {
        code = tail(&t);
    } else if (n == 1 && strcmp(operands[0], "verify") == 0) {
        code = verify(&t.ask);
    } else {
        fprintf(stderr, "stile audit: tail or verify; see --help\n");
        code = CLI_USAGE;
    }
    ask_fini(&t.ask);
    return code;
}
