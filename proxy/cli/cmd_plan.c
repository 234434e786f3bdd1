/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan: what becomes of a type between two versions, one instruction a line.
 */
#include "proxy/cli/cli.h"

#include "proxy/base/problem.h"
#include "proxy/cli/composing.h"

#include <stdio.h>

#define PLAN_BYTES ((size_t)1 << 30)

struct planning {
    struct arena *arena;
    const struct lens_api *api;
    const char *type;
    bool as_json;
};

static bool
load(struct planning *p, const char *path)
{
    struct problems problems;
    struct buf b;

    problems_init(&problems, p->arena);
    if (lens_load(p->arena, path, &problems, &p->api) == OK)
        return true;
    problems_sort(&problems);
    buf_init(&b, PLAN_BYTES);
    problems_print(&problems, &b);
    fwrite(buf_len(&b) ? buf_span(&b).at : "", 1, buf_len(&b), stderr);
    buf_fini(&b);
    return false;
}

static int
version_of(const struct planning *p, const char *label)
{
    int v = lens_version_of(p->api, span_str(label));

    if (v >= 0)
        return v;
    fprintf(stderr, "stile plan: api %.*s has no version `%s`; it has",
            SPAN_FMT(p->api->name), label);
    for (size_t i = 0; i < p->api->n_versions; i++)
        fprintf(stderr, " %.*s", SPAN_FMT(p->api->versions[i].label));
    fputc('\n', stderr);
    return -1;
}

static int
type_of(const struct planning *p)
{
    int type = lens_type_of(p->api, span_str(p->type));

    if (type >= 0)
        return type;
    fprintf(stderr, "stile plan: api %.*s has no type `%s`; it has",
            SPAN_FMT(p->api->name), p->type);
    for (size_t i = 0; i < p->api->n_types; i++)
        fprintf(stderr, " %.*s", SPAN_FMT(p->api->types[i].name));
    fputc('\n', stderr);
    return -1;
}

static void
print_lines(span text)
{
    bool first = true;

    while (text.len) {
        span line = span_cut(&text, '\n');

        printf("%s\n    ", first ? "" : ",");
        cli_print_json_text(line);
        first = false;
    }
}

/* Values that go through the versions one after another. */
static void
print_agains(const struct planning *p, const struct lowered *l)
{
    printf(", \"again\": [");
    for (size_t i = 0; i < (l->why ? l->whole != NULL : l->n_agains); i++) {
        const struct lower_again *again = l->why ? l->whole : l->agains[i];
        const struct lens_origin *origin = again->origin;

        printf("%s{\"place\": ", i ? ", " : "");
        cli_print_json_text(again->place.len ? again->place : SPAN("."));
        printf(", \"type\": ");
        cli_print_json_text(p->api->types[again->type].name);
        printf(", \"from\": ");
        cli_print_json_text(p->api->versions[again->from].label);
        printf(", \"to\": ");
        cli_print_json_text(p->api->versions[again->to].label);
        printf(", \"why\": ");
        cli_print_json_text(span_str(again->why));
        if (origin && origin->change) {
            printf(", \"file\": ");
            cli_print_json_text(origin->change->file);
            printf(", \"line\": %u", origin->line);
        }
        putchar('}');
    }
    putchar(']');
}

static void
print_json(const struct planning *p, const struct composed *k, span cost,
           span program)
{
    static const char *const classes[] = {"S", "D", "B"};
    const struct normal *n = k->normal;

    printf("\n  {\"type\": ");
    cli_print_json_text(span_str(p->type));
    printf(", \"from\": ");
    cli_print_json_text(p->api->versions[n->from].label);
    printf(", \"to\": ");
    cli_print_json_text(p->api->versions[n->to].label);
    printf(", \"class\": \"%s\", \"states\": %zu", classes[composed_class(k)],
           n->n_states);
    print_agains(p, composed_worse(k));
    printf(", \"cost\": ");
    cli_print_json_text(cost);
    printf(", \"messagepack\": \"%s\"", composing_packed_words[k->packed]);
    printf(", \"program\": [");
    print_lines(program);
    printf("]}");
}

/* One direction. */
static int
print_way(const struct planning *p, size_t type, size_t from, size_t to)
{
    struct composed k = {0};
    struct err e;
    struct buf cost, program;
    int code = CLI_OK;

    if (composing_of(p->arena, p->api, type, from, to, &k, &e)) {
        fprintf(stderr, "stile plan: %s\n", e.text);
        return CLI_REFUSED;
    }
    buf_init(&cost, PLAN_BYTES);
    buf_init(&program, PLAN_BYTES);
    composing_say(&k, &cost);
    normal_print(k.normal, &program);
    if (buf_failed(&cost) || buf_failed(&program)) {
        fprintf(stderr, "stile plan: no memory\n");
        code = CLI_REFUSED;
    } else if (p->as_json) {
        print_json(p, &k, buf_span(&cost), buf_span(&program));
    } else {
        printf("%s  %.*s -> %.*s: %.*s; MessagePack: %s\n", p->type,
               SPAN_FMT(p->api->versions[from].label),
               SPAN_FMT(p->api->versions[to].label), SPAN_FMT(buf_span(&cost)),
               composing_packed_words[k.packed]);
        fwrite(buf_span(&program).at, 1, buf_len(&program), stdout);
    }
    buf_fini(&program);
    buf_fini(&cost);
    return code;
}

static int
plan(struct planning *p, char **words)
{
    int from, to, type, code;

    if (!load(p, words[0]))
        return CLI_REFUSED;
    from = version_of(p, words[1]);
    to = from < 0 ? -1 : version_of(p, words[2]);
    type = to < 0 ? -1 : type_of(p);
    if (type < 0)
        return CLI_USAGE;
    if (from == to) {
        fprintf(stderr, "stile plan: nothing happens from %s to itself\n",
                words[1]);
        return CLI_USAGE;
    }
    if (p->as_json)
        putchar('[');
    code = print_way(p, (size_t)type, (size_t)from, (size_t)to);
    if (code == CLI_OK)
        fputs(p->as_json ? "," : "\n", stdout);
    if (code == CLI_OK)
        code = print_way(p, (size_t)type, (size_t)to, (size_t)from);
    if (p->as_json)
        puts("\n]");
    return code;
}

int
cmd_plan(int argc, char **argv)
{
    struct planning p = {0};
    const struct option options[] = {
        {0, OPTION_TEXT, "type", "TYPE", &p.type, "which type"},
        {0, OPTION_FLAG, "json", NULL, &p.as_json, "as JSON"},
    };
    const struct command_usage usage = {
        .name = "plan",
        .operands = "API FROM TO",
        .summary = "show what becomes of a type between two versions",
        .text =
            "Composes the changes between two versions of the API in the "
            "folder API, and prints what they\ncome to, there and back: for "
            "each place of a type what stands there at the end, where it "
            "came\nfrom, and when; then what is told, and what is refused. All "
            "is said of the document as it came,\nhowever many versions lie "
            "between. The class says what is held back while a document "
            "streams:\nS nothing, D a value, B a list or an object with lists. "
            "`again` names what does not compose:\nsuch objects are held, each "
            "by itself, and go through the versions one after another, and\n"
            "nothing else does.\n",
        .options = options,
        .n_options = COUNT(options),
        .examples = "  stile plan config/examples/shop --type Order v1 v3\n",
    };
    char **operands;
    size_t n;
    int code;

    if (!options_read(&usage, argc, argv, &operands, &n, &code))
        return code;
    if (n != 3 || !p.type) {
        fprintf(stderr, "stile plan: needs API, FROM, TO and --type; see stile "
                        "plan --help\n");
        return CLI_USAGE;
    }
    if (!(p.arena = arena_new(PLAN_BYTES))) {
        fprintf(stderr, "stile plan: no memory\n");
        return CLI_REFUSED;
    }
    code = plan(&p, operands);
    arena_free(&p.arena);
    return code;
}
