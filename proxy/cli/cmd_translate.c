/* SPDX-License-Identifier: Apache-2.0 */
/*
 * translate: the library on standard input.
 */
#include "proxy/cli/cli.h"

#include "proxy/base/buf.h"
#include "proxy/base/problem.h"
#include "proxy/cli/translating.h"

#include <stdio.h>

#define DOCUMENT_MAX ((size_t)256 << 20)
#define ARENA_MAX    ((size_t)8 << 30)

struct translate_words {
    const char *api, *from, *to, *type, *message, *file;
};

static bool
load(struct translating *t, const char *path)
{
    struct problems problems;
    struct err e;
    struct buf b;

    problems_init(&problems, t->arena);
    if (lens_load(t->arena, path, &problems, &t->api) == OK) {
        if (translator_build(t->arena, t->api, &t->translator, &e) == OK)
            return true;
        fprintf(stderr, "stile translate: %s\n", e.text);
        return false;
    }
    problems_sort(&problems);
    buf_init(&b, DOCUMENT_MAX);
    problems_print(&problems, &b);
    fwrite(buf_span(&b).at, 1, buf_len(&b), stderr);
    buf_fini(&b);
    return false;
}

static int
version_of(const struct translating *t, const char *label)
{
    int v = lens_version_of(t->api, span_str(label));

    if (v >= 0)
        return v;
    fprintf(stderr, "stile translate: api %.*s has no version `%s`; it has",
            SPAN_FMT(t->api->name), label);
    for (size_t i = 0; i < t->api->n_versions; i++)
        fprintf(stderr, " %.*s", SPAN_FMT(t->api->versions[i].label));
    fputc('\n', stderr);
    return -1;
}

static bool
has_type(const struct translating *t, const char *name)
{
    if (lens_type_of(t->api, span_str(name)) >= 0)
        return true;
    fprintf(stderr, "stile translate: api %.*s has no type `%s`; it has",
            SPAN_FMT(t->api->name), name);
    for (size_t i = 0; i < t->api->n_types; i++)
        fprintf(stderr, " %.*s", SPAN_FMT(t->api->types[i].name));
    fputc('\n', stderr);
    return false;
}

/* CLI_OK with *p NULL: nothing changes between the two. */
static int
find_program(struct translating *t, const struct translate_words *w,
             const struct program **p)
{
    struct message m = {.side = MESSAGE_ANSWER, .status = 200};
    struct err e;
    int from = version_of(t, w->from), to = version_of(t, w->to);
    enum program_need need;

    *p = NULL;
    if (from < 0 || to < 0 || (w->type && !has_type(t, w->type)))
        return CLI_USAGE;
    if (w->message && !translating_message(span_str(w->message), &m)) {
        fprintf(stderr,
                "stile translate: `%s` is no message; write \"GET /orders/1\", "
                "\"404 GET /orders/1\" or \"request PUT /orders/1\"\n",
                w->message);
        return CLI_USAGE;
    }
    t->head.method = m.method;
    t->head.status = m.status;
    t->head.query = m.path;
    t->head.has_query = span_find(m.path, '?') >= 0;
    t->head.path = m.path = span_cut(&t->head.query, '?');
    need = w->type ? translator_program_of_type(t->translator, t->arena,
                                                span_str(w->type), &m,
                                                (size_t)from, (size_t)to, p, &e)
                   : translator_program(t->translator, t->arena, &m,
                                        (size_t)from, (size_t)to, p, &e);
    if (need != PROGRAM_PASS && need != PROGRAM_TRANSLATE) {
        fprintf(stderr, "stile translate: %s\n", e.text);
        return CLI_REFUSED;
    }
    if (need == PROGRAM_PASS || !program_has_body(*p))
        *p = NULL;
    return CLI_OK;
}

static int
translate(struct translating *t, const struct translate_words *w)
{
    const struct program *p;
    struct err e;
    span document;
    struct buf out;
    int code;

    if (!load(t, w->api))
        return CLI_REFUSED;
    if ((code = find_program(t, w, &p)) != CLI_OK)
        return code;
    if (cli_read(t->arena, w->file, DOCUMENT_MAX, &document, &e)) {
        fprintf(stderr, "stile translate: %s\n", e.text);
        return CLI_REFUSED;
    }
    if (!p) {
        /* As the proxy does: untouched, byte for byte. */
        fwrite(document.len ? document.at : "", 1, document.len, stdout);
        if (t->trace)
            fprintf(stderr, "-- nothing changes: the bytes pass\n");
        return CLI_OK;
    }
    buf_init(&out, SIZE_MAX / 2);
    code = translating_run(t, "translate", p, document, &out);
    if (code == CLI_OK) {
        fwrite(buf_len(&out) ? buf_span(&out).at : "", 1, buf_len(&out),
               stdout);
        putchar('\n');
    }
    buf_fini(&out);
    return code;
}

int
cmd_translate(int argc, char **argv)
{
    struct translating t = {.trace_arg = stderr};
    bool trace = false;
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
        {0, OPTION_FLAG, "trace", NULL, &trace,
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
    if (trace)
        t.trace = translating_print_step;
    if (!(t.arena = arena_new(ARENA_MAX))) {
        fprintf(stderr, "stile translate: no memory\n");
        return CLI_REFUSED;
    }
    code = translate(&t, &w);
    arena_free(&t.arena);
    return code;
}
