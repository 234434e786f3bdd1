/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/cli/cli.h"

#include "proxy/base/quantity.h"
#include "proxy/cli/ask.h"
#include "proxy/cli/page.h"
#include "proxy/cli/rollout_print.h"

#include <stdio.h>
#include <string.h>

#define HANG ((size_t)4)

/* Every revision is one: the newest first, as one looks for where it was well. */
static int
list(struct ask *ask)
{
    ask->request.path = "/v1/revisions?limit=50";
    int code = ask_daemon(ask, "snapshot");
    const json_t *revision;
    size_t i;

    if (code != CLI_OK)
        return code;
    if (ask->as_json) {
        ask_print_json(ask);
        return CLI_OK;
    }
    json_array_foreach(json_object_get(ask->answer.body, "revisions"), i,
                       revision)
    {
        revision_print(revision);
    }
    return CLI_OK;
}

static void
share_of(const json_t *slot, char out[32])
{
    const json_t *ppm = json_object_get(slot, "weight_ppm");

    (void)snprintf(out, 32, "-");
    if (json_is_integer(ppm))
        quantity_share_text((uint32_t)json_integer_value(ppm), out, 32);
}

static void
print_slot(const char *name, const json_t *slot)
{
    char share[32];

    share_of(slot, share);
    if (json_object_get(slot, "state"))
        page_line(HANG, "%-32s %9s  %s, step %lld", name, share,
                  rollout_text(slot, "state"),
                  (long long)json_integer_value(json_object_get(slot, "step")));
    else
        page_line(HANG, "%-32s %9s", name, share);
}

/* The revision that a path ends with; an answer of the daemon, whatever it is. */
static int
read_at(struct ask *ask, struct arena *a, const char *revision)
{
    client_answer_fini(&ask->answer);
    ask->request.path = client_path(a, "/v1/snapshots/", revision);
    if (ask->request.path)
        return ask_daemon(ask, "snapshot");
    page_error("stile snapshot: `%s` is no revision", revision);
    return CLI_USAGE;
}

static int
show(struct ask *ask, struct arena *a, const char *revision)
{
    int code = read_at(ask, a, revision);
    const char *name;
    json_t *slot;

    if (code != CLI_OK)
        return code;
    if (ask->as_json) {
        ask_print_json(ask);
        return CLI_OK;
    }
    json_object_foreach(json_object_get(ask->answer.body, "slots"), name, slot)
    {
        print_slot(name, slot);
    }
    return CLI_OK;
}

/* The number of the newest revision, as text. */
static int
newest(struct ask *ask, char out[32])
{
    client_answer_fini(&ask->answer);
    ask->request.path = "/v1/revisions?limit=1";
    int code = ask_daemon(ask, "snapshot");

    if (code != CLI_OK)
        return code;
    const json_t *first =
        json_array_get(json_object_get(ask->answer.body, "revisions"), 0);
    (void)snprintf(
        out, 32, "%lld",
        (long long)json_integer_value(json_object_get(first, "revision")));
    return CLI_OK;
}

static bool
same(const json_t *a, const json_t *b, const char *member)
{
    const json_t *x = json_object_get(a, member);
    const json_t *y = json_object_get(b, member);

    return (!x && !y) || json_equal(x, y);
}

static void
print_change(json_t *changes, const char *name, const json_t *was,
             const json_t *is, bool as_json)
{
    char from[32], to[32];

    if (same(was, is, "weight_ppm") && same(was, is, "state") &&
        same(was, is, "step"))
        return;
    if (as_json) {
        (void)json_array_append_new(changes,
                                    json_pack("{s:s, s:O?, s:O?}", "slot", name,
                                              "before", was, "after", is));
        return;
    }
    share_of(was, from);
    share_of(is, to);
    if (json_object_get(is, "state"))
        page_line(HANG, "%-32s %9s -> %s  (%s -> %s, step %lld)", name, from,
                  to, was ? rollout_text(was, "state") : "not begun",
                  rollout_text(is, "state"),
                  (long long)json_integer_value(json_object_get(is, "step")));
    else
        page_line(HANG, "%-32s %9s -> %s", name, from, to);
}

/* What moved from one revision to another; the newest unless told. */
static int
diff(struct ask *ask, struct arena *a, const char *from, const char *to)
{
    char last[32];
    const char *name;
    json_t *slot, *changes = json_array();
    int code = read_at(ask, a, from);
    json_t *was = json_incref(json_object_get(ask->answer.body, "slots"));

    if (code == CLI_OK && !to)
        code = newest(ask, last);
    if (code == CLI_OK)
        code = read_at(ask, a, to ? to : last);
    json_t *is = json_object_get(ask->answer.body, "slots");
    if (code == CLI_OK) {
        json_object_foreach(is, name, slot)
        {
            print_change(changes, name, json_object_get(was, name), slot,
                         ask->as_json);
        }
        json_object_foreach(was, name, slot)
        {
            if (!json_object_get(is, name))
                print_change(changes, name, slot, NULL, ask->as_json);
        }
    }
    if (code == CLI_OK && ask->as_json)
        ask_put_json(json_incref(changes));
    json_decref(was);
    json_decref(changes);
    return code;
}

static void
print_restored(const json_t *answer)
{
    bool dry = json_is_true(json_object_get(answer, "dry_run"));
    const json_t *one;
    size_t i;

    json_array_foreach(json_object_get(answer, "moved"), i, one)
    {
        char was[32], is[32];
        quantity_share_text(
            (uint32_t)json_integer_value(json_object_get(one, "was_ppm")), was,
            sizeof(was));
        share_of(one, is);
        page_line(HANG, "%-32s %9s -> %s", rollout_text(one, "slot"), was, is);
    }
    if (i == 0)
        puts("every weight is as it was then: nothing was moved");
    else if (dry)
        puts("so it would be; nothing was changed");
    json_array_foreach(json_object_get(answer, "left"), i, one)
    {
        page_line(HANG, "%-32s left as it is: %s", rollout_text(one, "slot"),
                  rollout_text(one, "why"));
    }
}

static int
restore(struct ask *ask, struct arena *a, const char *revision,
        const char *reason, const char *if_match, bool dry)
{
    const char *said = dry && !reason ? "dry run" : reason;
    json_t *body =
        said ? json_pack("{s:s, s:b}", "reason", said, "dry_run", dry) : NULL;
    char key[ASK_KEY_CHARS];

    if (!body) {
        fprintf(stderr, "stile snapshot: say why, with --reason TEXT; it is "
                        "kept in the journal\n");
        return CLI_USAGE;
    }
    ask->request.method = "POST";
    ask->request.body = body;
    ask->request.if_match = if_match;
    ask_once(ask, key);
    int code = read_at(ask, a, revision);
    ask->request.key = NULL;
    if (code == CLI_OK && ask->as_json)
        ask_print_json(ask);
    else if (code == CLI_OK)
        print_restored(ask->answer.body);
    json_decref(body);
    return code;
}

int
cmd_snapshot(int argc, char **argv)
{
    struct ask ask = ASK_PRESET;
    const char *reason = NULL, *if_match = "*";
    bool dry = false;
    const struct option options[] = {
        {'r', OPTION_TEXT, "reason", "TEXT", &reason, "why; needed to restore"},
        {0, OPTION_TEXT, "if-match", "REVISION", &if_match,
         "restore only if this is still the newest revision"},
        {'n', OPTION_FLAG, "dry-run", NULL, &dry,
         "say what it would come to; change nothing"},
        ASK_OPTIONS(ask),
    };
    const struct command_usage usage = {
        .name = "snapshot",
        .operands = "list | show N | diff N [M] | restore N",
        .summary = "what held at a revision, and putting weights back",
        .text =
            "Every revision of the journal is a snapshot: list prints the "
            "last 50, show what each slot\nwas at one, diff what moved from "
            "one to another (to now, unless told). restore moves every\n"
            "route's weight back to what it was, all at once or none; a "
            "rollout is left where it is and\nnamed, as only its own edges "
            "move it (stile rollout).\n",
        .options = options,
        .n_options = COUNT(options),
        .examples =
            "  stile snapshot diff 17\n"
            "  stile snapshot restore 17 --reason \"as before lunch\"\n",
    };
    char **words;
    size_t n;
    int code;

    if (!options_read(&usage, argc, argv, &words, &n, &code))
        return code;
    struct arena *a = arena_new(65536);
    if (!a) {
        fprintf(stderr, "stile snapshot: no memory\n");
        code = CLI_REFUSED;
    } else if (n == 1 && strcmp(words[0], "list") == 0) {
        code = list(&ask);
    } else if (n == 2 && strcmp(words[0], "show") == 0) {
        code = show(&ask, a, words[1]);
    } else if ((n == 2 || n == 3) && strcmp(words[0], "diff") == 0) {
        code = diff(&ask, a, words[1], n == 3 ? words[2] : NULL);
    } else if (n == 2 && strcmp(words[0], "restore") == 0) {
        code = restore(&ask, a, words[1], reason, if_match, dry);
    } else {
        fprintf(stderr, "stile snapshot: list, show N, diff N [M] or restore "
                        "N; see --help\n");
        code = CLI_USAGE;
    }
    ask_fini(&ask);
    arena_free(&a);
    return code;
}
