/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/cli/cli.h"

#include "proxy/cli/ask.h"
#include "proxy/cli/page.h"

#include <stdio.h>
#include <string.h>

static const char *
text_of(const json_t *object, const char *name)
{
    const char *s = json_string_value(json_object_get(object, name));

    return s ? s : "";
}

static void
print_endpoint(const json_t *e)
{
    const json_t *n = json_object_get(e, "under_way");
    bool is_there = json_is_true(json_object_get(e, "in_file"));
    char under_way[40] = "";

    if (json_is_integer(n))
        (void)snprintf(under_way, sizeof(under_way), " %6lld under way",
                       (long long)json_integer_value(n));
    page_line(4, "  %-40s %-10s%s%s", text_of(e, "url"),
              is_there ? text_of(e, "health") : "not in file", under_way,
              json_is_true(json_object_get(e, "drained")) ? "  DRAINED" : "");
}

static void
print_pool(const json_t *pool)
{
    const json_t *e;
    size_t i;

    page_line(4, "%s (revision %lld)", text_of(pool, "pool"),
              (long long)json_integer_value(json_object_get(pool, "revision")));
    json_array_foreach(json_object_get(pool, "endpoints"), i, e)
    {
        print_endpoint(e);
    }
}

static void
print_would(const json_t *would)
{
    bool is = json_is_true(json_object_get(would, "drained"));
    bool was = json_is_true(json_object_get(would, "was_drained"));

    page_line(4, "%s of %s %s %s (nothing was changed)",
              text_of(would, "endpoint"), text_of(would, "pool"),
              is == was ? "is" : "would be", is ? "drained" : "in use");
}

static void
print_answer(const struct ask *ask)
{
    const json_t *pools = json_object_get(ask->answer.body, "pools"), *pool;
    size_t i;

    if (ask->as_json)
        ask_print_json(ask);
    else if (json_is_true(json_object_get(ask->answer.body, "dry_run")))
        print_would(ask->answer.body);
    else if (!pools)
        print_pool(ask->answer.body);
    json_array_foreach(ask->as_json ? NULL : pools, i, pool)
    {
        print_pool(pool);
    }
}

static int
show(struct ask *ask)
{
    int code = ask_daemon(ask, "endpoint");

    if (code == CLI_OK)
        print_answer(ask);
    return code;
}

/* How a change is told. */
struct telling {
    const char *reason;
    const char *if_match;
    bool last;
    bool dry;
};

static int
tell(struct ask *ask, const char *endpoint, const struct telling *t)
{
    char key[ASK_KEY_CHARS];

    if (!t->reason) {
        fprintf(stderr, "stile endpoint: say why, with --reason TEXT; it is "
                        "kept in the journal\n");
        return CLI_USAGE;
    }
    json_t *body =
        json_pack("{s:s, s:s, s:b, s:b}", "endpoint", endpoint, "reason",
                  t->reason, "last", t->last, "dry_run", t->dry);
    if (!body) {
        fprintf(stderr, "stile endpoint: endpoint and reason are UTF-8 text\n");
        return CLI_USAGE;
    }
    ask->request.method = "POST";
    ask->request.body = body;
    ask->request.if_match = t->if_match;
    ask_once(ask, key);
    int code = show(ask);
    ask->request.key = NULL;
    json_decref(body);
    return code;
}

/* "/v1/endpoints/blue/drain"; NULL: the name is too long. */
static const char *
path_of(struct arena *a, const char *pool, const char *verb)
{
    const char *path = a ? client_path(a, "/v1/endpoints/", pool) : NULL;

    return path && verb ? arena_fmt(a, "%s/%s", path, verb).at : path;
}

static int
ask_words(struct ask *ask, struct arena *a, char **words, size_t n,
          const struct telling *t)
{
    bool lists = n == 0 || (n <= 2 && strcmp(words[0], "list") == 0);
    bool tells = n == 3 && (strcmp(words[0], "drain") == 0 ||
                            strcmp(words[0], "undrain") == 0);

    if (!lists && !tells) {
        fprintf(stderr, "stile endpoint: list [POOL], drain POOL ENDPOINT or "
                        "undrain POOL ENDPOINT; see --help\n");
        return CLI_USAGE;
    }
    ask->request.path =
        n < 2 ? "/v1/endpoints" : path_of(a, words[1], tells ? words[0] : NULL);
    if (!ask->request.path) {
        fprintf(stderr, "stile endpoint: the name is too long\n");
        return CLI_USAGE;
    }
    return tells ? tell(ask, words[2], t) : show(ask);
}

int
cmd_endpoint(int argc, char **argv)
{
    struct ask ask = ASK_PRESET;
    struct telling t = {.if_match = "*"};
    const struct option options[] = {
        {'r', OPTION_TEXT, "reason", "TEXT", &t.reason,
         "why; needed to drain and undrain"},
        {0, OPTION_TEXT, "if-match", "REVISION", &t.if_match,
         "only if the pool is still at this revision"},
        {0, OPTION_FLAG, "last", NULL, &t.last,
         "drain even the last one in use of its pool"},
        {'n', OPTION_FLAG, "dry-run", NULL, &t.dry,
         "say what it would come to; change nothing"},
        ASK_OPTIONS(ask),
    };
    const struct command_usage usage = {
        .name = "endpoint",
        .operands = "[list [POOL] | drain POOL ENDPOINT | undrain POOL "
                    "ENDPOINT]",
        .summary = "show endpoints, take one out of use, take it back",
        .text =
            "Without words, or with list, the endpoints of all pools or of "
            "one, and how many requests\nare under way at each. drain sends "
            "no new request to ENDPOINT (its URL, as the\nconfiguration has "
            "it): what is under way ends there, its connections are closed, "
            "and a\nWebSocket lasts until either side ends it. It is durable "
            "before the command returns and\nholds across reloads and "
            "restarts until undrain.\n",
        .options = options,
        .n_options = COUNT(options),
        .examples =
            "  stile endpoint list blue\n"
            "  stile endpoint drain blue http://10.0.0.8:8080 --reason "
            "\"new kernel\"\n"
            "  stile endpoint undrain blue http://10.0.0.8:8080 --reason "
            "\"it is back\"\n",
    };
    char **operands;
    size_t n;
    int code;

    if (!options_read(&usage, argc, argv, &operands, &n, &code))
        return code;
    struct arena *a = arena_new(65536);
    code = ask_words(&ask, a, operands, n, &t);
    ask_fini(&ask);
    arena_free(&a);
    return code;
}
