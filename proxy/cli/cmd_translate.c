/* SPDX-License-Identifier: Apache-2.0 */
/*
 * translate: libstile on standard input. What is translated here goes through
 * stile.h and nothing else.
 */
#include "proxy/cli/cli.h"

#include "proxy/base/arena.h"
#include "proxy/cli/translating.h"

#include <stdio.h>

#define DOCUMENT_MAX ((size_t)256 << 20)
#define ARENA_MAX    ((size_t)8 << 30)

struct translate_words {
    const char *api, *from, *to, *type, *message, *patch, *file;
    bool trace;
};

static struct stile_api *
load(const char *path)
{
    struct stile_findings *found = NULL;
    struct stile_api *api = stile_api_load(path, &found);

    if (!api)
        fputs(found ? stile_findings_text(found)
                    : "stile translate: no memory\n",
              stderr);
    stile_findings_free(&found);
    return api;
}

static bool
find_version(const struct stile_api *api, const char *label, size_t *out)
{
    if (stile_api_find_version(api, label, out))
        return true;
    fprintf(stderr, "stile translate: api %s has no version `%s`; it has",
            stile_api_name(api), label);
    for (size_t i = 0; i < stile_api_n_versions(api); i++)
        fprintf(stderr, " %s", stile_api_version(api, i));
    fputc('\n', stderr);
    return false;
}

static bool
has_type(const struct stile_api *api, const char *name)
{
    if (stile_api_has_type(api, name))
        return true;
    fprintf(stderr, "stile translate: api %s has no type `%s`; it has",
            stile_api_name(api), name);
    for (size_t i = 0; i < stile_api_n_types(api); i++)
        fprintf(stderr, " %s", stile_api_type(api, i));
    fputc('\n', stderr);
    return false;
}

/*
 * "request GET /orders/1?a=b", "GET /orders/1" (an answer, 200) or "404 GET
 * /orders/1" into a message and its head. False: it is none of these.
 */
static bool
read_message(struct arena *a, span text, struct stile_message *m,
             struct stile_head *head)
{
    span rest = text;
    span word = span_cut(&rest, ' ');
    uint64_t status = 200;

    *m = (struct stile_message){.side = STILE_ANSWER};
    if (span_is(word, "request")) {
        m->side = STILE_REQUEST;
        word = span_cut(&rest, ' ');
    } else if (word.len && word.at[0] >= '1' && word.at[0] <= '9') {
        if (!span_to_u64(word, &status) || status < 100 || status > 599)
            return false;
        word = span_cut(&rest, ' ');
    }
    bool is_good = word.len > 0 && rest.len > 0 && rest.at[0] == '/' &&
                   span_find(rest, ' ') < 0;
    bool has_query = span_find(rest, '?') >= 0;
    m->status = (unsigned)status;
    m->method = head->method = arena_str(a, word);
    m->path = head->path = arena_str(a, span_cut(&rest, '?'));
    head->status = m->side == STILE_ANSWER ? m->status : 0;
    head->query = has_query ? arena_str(a, rest) : NULL;
    return is_good && m->method && m->path && (head->query || !has_query);
}

static void
print_step(void *arg, const struct stile_step *step)
{
    FILE *to = arg;

    if (strcmp(step->from, step->to) == 0)
        fprintf(to, "-- %s, as it came\n", step->from);
    else
        fprintf(to, "-- %s -> %s\n", step->from, step->to);
    for (size_t i = 0; i < step->n_touches; i++) {
        const struct stile_touch *t = &step->touches[i];

        fprintf(to, "   %s %s", t->what, t->place);
        if (t->n > 1)
            fprintf(to, " (%zu times)", t->n);
        if (t->change[0])
            fprintf(to, "   %s, %s:%u", t->change, t->file, t->line);
        fputc('\n', to);
    }
    fwrite(step->document, 1, step->document_len, to);
    fputc('\n', to);
}

/* What is read is a patch: then the message is a request. */
static bool
make_patch(const char *word, struct stile_message *m)
{
    m->side = STILE_REQUEST;
    m->status = 0;
    if (!m->method)
        m->method = "PATCH";
    if (strcmp(word, "merge") == 0)
        m->media = "application/merge-patch+json";
    else if (strcmp(word, "json") == 0)
        m->media = "application/json-patch+json";
    else
        return false;
    return true;
}

static int
open_translation(const struct stile_api *api, struct arena *a,
                 const struct translate_words *w, struct stile_head *head,
                 struct stile_translation **t)
{
    static const struct stile_limits limits = {.bytes_max = DOCUMENT_MAX,
                                               .memory_max = ARENA_MAX};
    struct stile_message m = {.side = STILE_ANSWER, .status = 200};
    struct stile_error e;
    size_t from, to;

    if (!find_version(api, w->from, &from) || !find_version(api, w->to, &to) ||
        (w->type && !has_type(api, w->type)))
        return CLI_USAGE;
    if (w->message && !read_message(a, span_str(w->message), &m, head)) {
        fprintf(stderr,
                "stile translate: `%s` is no message; write \"GET /orders/1\", "
                "\"404 GET /orders/1\" or \"request PUT /orders/1\"\n",
                w->message);
        return CLI_USAGE;
    }
    if (w->patch && !make_patch(w->patch, &m)) {
        fprintf(stderr,
                "stile translate: `%s` is no kind of patch; write merge (RFC "
                "7396) or json (RFC 6902)\n",
                w->patch);
        return CLI_USAGE;
    }
    m.type = w->type;
    if (stile_translation_open(api, &m, from, to, &limits, t, &e) == STILE_OK)
        return CLI_OK;
    fprintf(stderr, "stile translate: %s\n", e.text);
    return CLI_REFUSED;
}

/* As the proxy does: what cannot change comes out byte for byte. */
static void
print_output(const struct stile_translation *t)
{
    size_t len;
    const char *out = stile_translation_output(t, &len);

    fwrite(out, 1, len, stdout);
    if (stile_translation_has_body(t) && !stile_translation_is_stream(t))
        putchar('\n');
}

static int
translate_with(const struct stile_api *api, struct arena *a,
               const struct translate_words *w)
{
    struct stile_translation *t = NULL;
    struct stile_head head = {0};
    struct err e;
    span document;
    int code = open_translation(api, a, w, &head, &t);

    if (code != CLI_OK)
        return code;
    if (cli_read(a, w->file, DOCUMENT_MAX, &document, &e)) {
        fprintf(stderr, "stile translate: %s\n", e.text);
        stile_translation_free(&t);
        return CLI_REFUSED;
    }
    if (w->trace && !stile_translation_has_body(t))
        fprintf(stderr, "-- nothing changes: the bytes pass\n");
    else if (w->trace)
        stile_translation_trace(t, print_step, stderr);
    code = translating_run("translate", t, &head, document);
    if (code == CLI_OK)
        print_output(t);
    stile_translation_free(&t);
    return code;
}

static int
translate(const struct translate_words *w)
{
    struct stile_api *api = load(w->api);
    struct arena *a = api ? arena_new(ARENA_MAX) : NULL;
    int code = CLI_REFUSED;

    if (a)
        code = translate_with(api, a, w);
    else if (api)
        fprintf(stderr, "stile translate: no memory\n");
    arena_free(&a);
    stile_api_free(&api);
    return code;
}

int
cmd_translate(int argc, char **argv)
{
    struct translate_words w = {.file = "-"};
    const struct option options[] = {
        {'a', OPTION_TEXT, "api", "FOLDER", &w.api,
         "where api.yaml and changes/ are"},
        {'f', OPTION_TEXT, "from", "VERSION", &w.from,
         "what the document speaks"},
        {'t', OPTION_TEXT, "to", "VERSION", &w.to, "what it is to speak"},
        {0, OPTION_TEXT, "type", "TYPE", &w.type,
         "it is one value of this type"},
        {'m', OPTION_TEXT, "message", "MESSAGE", &w.message,
         "it is the body of this message"},
        {0, OPTION_TEXT, "patch", "KIND", &w.patch,
         "it is a patch: merge (RFC 7396) or json (RFC 6902)"},
        {0, OPTION_FLAG, "trace", NULL, &w.trace,
         "print every version on the way, and what each change did"},
    };
    const struct command_usage usage = {
        .name = "translate",
        .operands = "[FILE]",
        .summary = "translate a document between two versions",
        .text =
            "Reads a document from FILE or standard input, at one version of "
            "an API, and writes it at\nanother, through every change file "
            "between. Say which type it is, or of which message\nit is the "
            "body: \"GET /orders/1\" is an answer, \"request PUT /orders/1\" a "
            "request (some\nrules differ), \"404 GET /orders/1\" an error. "
            "Notices and the trace go to standard error.\n\nExits 0 when it is "
            "translated whole, 1 when it cannot be; nothing is written then.\n",
        .options = options,
        .n_options = COUNT(options),
        .examples =
            "  echo '{\"id\": \"o-1\", \"customer\": \"42\"}' |\n"
            "    stile translate -a config/examples/shop -f v1 -t v3 --type "
            "Order --trace\n",
    };
    char **operands;
    size_t n;
    int code;

    if (!options_read(&usage, argc, argv, &operands, &n, &code))
        return code;
    if (!w.api || !w.from || !w.to || !!w.type == !!w.message || n > 1) {
        fprintf(stderr, "stile translate: needs --api, --from, --to, one of "
                        "--type and --message, and one FILE at most; see "
                        "stile translate --help\n");
        return CLI_USAGE;
    }
    if (n)
        w.file = operands[0];
    return translate(&w);
}
