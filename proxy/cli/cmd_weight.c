/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/cli/cli.h"

#include "proxy/base/quantity.h"
#include "proxy/cli/ask.h"
#include "proxy/cli/page.h"

#include <stdio.h>

#define HANG ((size_t)4)

static const char *
text_of(const json_t *object, const char *name)
{
    const char *s = json_string_value(json_object_get(object, name));

    return s ? s : "";
}

static void
print_weight(const json_t *w)
{
    char effective[16], file[16];

    quantity_share_text(
        (uint32_t)json_integer_value(json_object_get(w, "effective_ppm")),
        effective, sizeof(effective));
    quantity_share_text(
        (uint32_t)json_integer_value(json_object_get(w, "file_ppm")), file,
        sizeof(file));
    page_line(HANG, "%-24s %9s  %s -> %s  (file %s, revision %lld%s)",
              text_of(w, "route"), effective, text_of(w, "pool"),
              text_of(w, "canary"), file,
              (long long)json_integer_value(json_object_get(w, "revision")),
              json_is_true(json_object_get(w, "halted")) ? ", HALTED" : "");
}

static void
print_answer(const struct ask *ask)
{
    const json_t *list = json_object_get(ask->answer.body, "weights");
    const json_t *w;
    size_t i;

    if (ask->as_json) {
        ask_print_json(ask);
        return;
    }
    if (json_is_true(json_object_get(ask->answer.body, "dry_run"))) {
        page_line(HANG, "%s would be at %s (nothing was changed)",
                  text_of(ask->answer.body, "route"),
                  text_of(ask->answer.body, "weight"));
        return;
    }
    if (!list) {
        print_weight(ask->answer.body);
        return;
    }
    json_array_foreach(list, i, w)
    {
        print_weight(w);
    }
    if (json_array_size(list) == 0)
        puts("no route has a canary");
}

static int
show(struct ask *ask)
{
    int code = ask_daemon(ask, "weight");

    if (code == CLI_OK)
        print_answer(ask);
    return code;
}

static int
move(struct ask *ask, const char *share, const char *reason,
     const char *if_match, bool dry)
{
    char key[ASK_KEY_CHARS];
    uint32_t ppm;
    json_t *body;
    int code;

    if (!quantity_share(span_str(share), &ppm)) {
        page_error("stile weight: `%s` is no share; write 12.5%%, 100ppm or 0",
                   share);
        return CLI_USAGE;
    }
    if (!reason) {
        fprintf(stderr, "stile weight: say why, with --reason TEXT; it is kept "
                        "in the journal\n");
        return CLI_USAGE;
    }
    body = json_pack("{s:I, s:s, s:b}", "weight", (json_int_t)ppm, "reason",
                     reason, "dry_run", dry);
    if (!body) {
        fprintf(stderr, "stile weight: the reason is no UTF-8 text\n");
        return CLI_USAGE;
    }
    ask->request.method = "PUT";
    ask->request.body = body;
    ask->request.if_match = if_match;
    ask_once(ask, key);
    code = show(ask);
    ask->request.key = NULL;
    json_decref(body);
    return code;
}

int
cmd_weight(int argc, char **argv)
{
    struct ask ask = ASK_PRESET;
    const char *reason = NULL, *if_match = "*";
    bool dry = false;
    const struct option options[] = {
        {'r', OPTION_TEXT, "reason", "TEXT", &reason,
         "why; needed to move a weight"},
        {0, OPTION_TEXT, "if-match", "REVISION", &if_match,
         "only if the weight is still at this revision"},
        {'n', OPTION_FLAG, "dry-run", NULL, &dry,
         "say what it would come to; change nothing"},
        ASK_OPTIONS(ask),
    };
    const struct command_usage usage = {
        .name = "weight",
        .operands = "[ROUTE [SHARE]]",
        .summary = "show or move the canary's share of a route",
        .text =
            "Without words, every route that has a canary; with a ROUTE, that "
            "one; with a SHARE\n(12.5%, 100ppm, 0), moves it. Who is on the "
            "canary stays there while it grows. The new\nweight is durable "
            "before the command returns, every worker uses it at once, and it "
            "is\nkept across reloads and restarts until the file says "
            "something new.\n",
        .options = options,
        .n_options = COUNT(options),
        .examples = "  stile weight\n"
                    "  stile weight orders 1% --reason \"first step\"\n",
    };
    char **operands;
    size_t n;
    int code;

    if (!options_read(&usage, argc, argv, &operands, &n, &code))
        return code;
    if (n > 2) {
        fprintf(stderr, "stile weight: ROUTE and SHARE, and here are %zu\n", n);
        return CLI_USAGE;
    }

    struct arena *a = arena_new(65536);
    ask.request.path = n == 0 ? "/v1/weights"
                       : a    ? client_path(a, "/v1/weights/", operands[0])
                              : NULL;
    if (!ask.request.path) {
        fprintf(stderr, "stile weight: the name is too long\n");
        code = CLI_USAGE;
    } else {
        code = n == 2 ? move(&ask, operands[1], reason, if_match, dry)
                      : show(&ask);
    }
    ask_fini(&ask);
    arena_free(&a);
    return code;
}
