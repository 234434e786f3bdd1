/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check: the very code that the proxy loads with, and what it has to say.
 */
#include "proxy/cli/cli.h"

#include "config/generation.h"
#include "proxy/base/quantity.h"
#include "proxy/cli/composing.h"
#include "translators/cases/cases.h"
#include "translators/lens/report.h"
#include "translators/patch/patch.h"

#include <stdio.h>
#include <sys/stat.h>

#define CHECK_BYTES ((size_t)256 << 20)

struct checking {
    struct arena *arena;
    struct problems problems;
    struct cases_tally cases;
    bool as_json;
    bool is_strict; /* a warning is as bad as an error */
};

static void
print_problems(const struct checking *c)
{
    struct buf b;

    buf_init(&b, CHECK_BYTES);
    problems_print(&c->problems, &b);
    fwrite(buf_span(&b).at, 1, buf_len(&b), stdout);
    if (c->problems.total)
        printf("%zu problem%s", c->problems.total,
               c->problems.total == 1 ? "" : "s");
    if (c->problems.warnings)
        printf("%s%zu warning%s", c->problems.total ? ", " : "",
               c->problems.warnings, c->problems.warnings == 1 ? "" : "s");
    putchar('\n');
    buf_fini(&b);
}

static void
print_problems_json(const struct checking *c)
{
    printf("\"problems\": [");
    for (size_t i = 0; i < c->problems.n; i++) {
        const struct problem *p = &c->problems.at[i];

        printf("%s\n  {\"file\": ", i ? "," : "");
        cli_print_json_text(p->file);
        printf(", \"line\": %zu, \"column\": %zu, \"text\": ", p->line,
               p->column);
        cli_print_json_text(p->text);
        printf(", \"remedy\": ");
        cli_print_json_text(p->remedy);
        printf(", \"severity\": \"%s\"}", p->is_warning ? "warning" : "error");
    }
    printf("], \"total\": %zu, \"warnings\": %zu", c->problems.total,
           c->problems.warnings);
}

static const char *const loss_words[] = {
#define X(name, words) words,
    LENS_LOSSES(X)
#undef X
};

/* What a message of one side may not have. */
static void
print_reserved_json(const struct lens_report *r, enum lens_side side,
                    const char *name)
{
    printf("\"%s\": [", name);
    for (size_t i = 0; i < r->n_reserved[side]; i++) {
        printf("%s", i ? ", " : "");
        cli_print_json_text(r->reserved[side][i].text);
    }
    putchar(']');
}

static void
print_report_json(const struct lens_api *api, const struct lens_report *r)
{
    static const char *const classes[] = {"S", "D", "B"};

    printf("\n    {\"type\": ");
    cli_print_json_text(api->types[r->type].name);
    printf(", \"older\": ");
    cli_print_json_text(api->versions[r->older].label);
    printf(", \"newer\": ");
    cli_print_json_text(api->versions[r->newer].label);
    printf(", \"arrows\": %zu, \"class\": \"%s\", \"held\": ", r->n_arrows,
           classes[r->class]);
    cli_print_json_text(r->held.text);
    printf(", \"cost\": ");
    cli_print_json_text(r->cost);
    printf(", \"messagepack\": ");
    cli_print_json_text(r->packed);
    printf(", \"guarantee\": \"%s\", \"losses\": [",
           lens_guarantee_word(r->keeps));
    for (size_t i = 0; i < r->n_losses; i++) {
        const struct lens_loss *loss = &r->losses[i];

        printf("%s{\"what\": ", i ? ", " : "");
        cli_print_json_text(loss->what);
        printf(", \"kind\": \"%s\"", loss_words[loss->kind]);
        if (loss->origin.change) {
            printf(", \"file\": ");
            cli_print_json_text(loss->origin.change->file);
            printf(", \"line\": %u", loss->origin.line);
        }
        putchar('}');
    }
    printf("], \"reserved\": {");
    print_reserved_json(r, LENS_OLDER, "older");
    printf(", ");
    print_reserved_json(r, LENS_NEWER, "newer");
    printf("}}");
}

static void
print_change_json(const struct checking *c, const struct lens_api *api,
                  const struct lens_change *change)
{
    enum lens_guarantee keeps = change->guarantee;

    (void)!lens_keeps_of(c->arena, api, change, &keeps);
    printf("\n    {\"change\": ");
    cli_print_json_text(change->name);
    printf(", \"unused\": %s",
           lens_change_is_unused(api, change) ? "true" : "false");
    printf(", \"claims\": \"%s\", \"holds\": \"%s\", \"file\": ",
           lens_guarantee_word(change->guarantee), lens_guarantee_word(keeps));
    cli_print_json_text(change->file);
    printf(", \"line\": %u}", change->line);
}

/* ---- patches that fall back ---- */

typedef void (*gap_fn)(const struct lens_api *api, size_t type, size_t from,
                       size_t to, const struct patch_gap *gap, bool first);

static void
print_gap(const struct lens_api *api, size_t type, size_t from, size_t to,
          const struct patch_gap *gap, bool first)
{
    if (first)
        printf("%.*s: members that a merge patch cannot change without the "
               "stored document (422)\n",
               SPAN_FMT(api->name));
    printf("  %.*s  %.*s -> %.*s  %s %.*s: %.*s",
           SPAN_FMT(api->types[type].name), SPAN_FMT(api->versions[from].label),
           SPAN_FMT(api->versions[to].label), gap->if_erased ? "remove" : "set",
           SPAN_FMT(gap->place), SPAN_FMT(gap->why));
    if (gap->change.len)
        printf("   %.*s:%u", SPAN_FMT(gap->file), gap->line);
    putchar('\n');
}

static void
print_gap_json(const struct lens_api *api, size_t type, size_t from, size_t to,
               const struct patch_gap *gap, bool first)
{
    printf("%s\n    {\"type\": ", first ? "" : ",");
    cli_print_json_text(api->types[type].name);
    printf(", \"from\": ");
    cli_print_json_text(api->versions[from].label);
    printf(", \"to\": ");
    cli_print_json_text(api->versions[to].label);
    printf(", \"place\": ");
    cli_print_json_text(gap->place);
    printf(", \"does\": \"%s\", \"why\": ", gap->if_erased ? "remove" : "set");
    cli_print_json_text(gap->why);
    printf(", \"file\": ");
    cli_print_json_text(gap->file);
    printf(", \"line\": %u}", gap->line);
}

static void
each_gap(const struct checking *c, const struct lens_api *api, gap_fn fn)
{
    bool first = true;

    for (size_t t = 0; t < api->n_types; t++)
        for (size_t v = 0; v + 1 < api->n_versions; v++)
            for (int up = 1; up >= 0; up--) {
                const struct patch_gap *gaps;
                size_t n;
                size_t from = up ? v : v + 1, to = up ? v + 1 : v;

                if (patch_gaps(c->arena, api, t, from, to, &gaps, &n))
                    continue;
                for (size_t i = 0; i < n; i++, first = false)
                    fn(api, t, from, to, &gaps[i], first);
            }
}

static void
print_declared_json(const struct lens_api *api, size_t table,
                    const struct lens_declared *d)
{
    printf("\n    {\"kind\": \"%s\", \"at\": ", lens_declared_word(d->kind));
    cli_print_json_text(d->at);
    printf(", \"older\": ");
    cli_print_json_text(api->versions[table].label);
    printf(", \"newer\": ");
    cli_print_json_text(api->versions[table + 1].label);
    printf(", \"note\": ");
    cli_print_json_text(d->note);
    printf(", \"ack\": ");
    cli_print_json_text(d->ack);
    printf(", \"refused\": %s, \"file\": ", d->fails ? "true" : "false");
    cli_print_json_text(d->origin.change->file);
    printf(", \"line\": %u}", d->origin.line);
}

static void
print_api_json(const struct checking *c, const struct lens_api *api)
{
    struct lens_report r;
    struct composing *weights = composing_all(c->arena, api);
    bool first = true;

    printf("\n  {\"api\": ");
    cli_print_json_text(api->name);
    printf(", \"pairs\": [");
    for (size_t t = 0; t < api->n_types; t++)
        for (size_t v = 0; v + 1 < api->n_versions; v++) {
            if (lens_report_of(c->arena, api, t, v, v + 1, &r) ||
                r.n_arrows == 0)
                continue;
            composing_weigh(weights, &r);
            if (!first)
                putchar(',');
            first = false;
            print_report_json(api, &r);
        }
    printf("], \"declared\": [");
    first = true;
    for (size_t v = 0; v + 1 < api->n_versions; v++)
        for (size_t i = 0; i < api->tables[v].n_declared; i++) {
            if (!first)
                putchar(',');
            first = false;
            print_declared_json(api, v, &api->tables[v].declared[i]);
        }
    printf("], \"changes\": [");
    for (size_t i = 0; i < api->n_changes; i++) {
        printf("%s", i ? "," : "");
        print_change_json(c, api, &api->changes[i]);
    }
    printf("], \"patches\": [");
    each_gap(c, api, print_gap_json);
    printf("]}");
}

static void
print_api(const struct checking *c, const struct lens_api *api)
{
    struct buf b;

    buf_init(&b, CHECK_BYTES);
    if (lens_report_all(c->arena, api, composing_weigh,
                        composing_all(c->arena, api), &b))
        printf("%.*s: too big to report on\n", SPAN_FMT(api->name));
    fwrite(buf_len(&b) ? buf_span(&b).at : "", 1, buf_len(&b), stdout);
    buf_fini(&b);
    each_gap(c, api, print_gap);
}

static int
finish(const struct checking *c, const struct lens_api *const *apis,
       size_t n_apis)
{
    bool failed =
        c->problems.total > 0 || (c->is_strict && c->problems.warnings > 0);

    if (c->as_json) {
        printf("{\"ok\": %s, ", failed ? "false" : "true");
        print_problems_json(c);
        printf(", \"apis\": [");
    } else if (c->problems.total || c->problems.warnings) {
        print_problems(c);
    }
    for (size_t i = 0; !failed && i < n_apis; i++) {
        if (c->as_json && i)
            putchar(',');
        if (c->as_json)
            print_api_json(c, apis[i]);
        else
            print_api(c, apis[i]);
    }
    if (c->as_json)
        printf("], \"cases\": %zu}\n", c->cases.n_cases);
    else if (!failed && c->cases.n_cases)
        printf("%zu case%s\nok\n", c->cases.n_cases,
               c->cases.n_cases == 1 ? " holds" : "s hold");
    else if (!failed)
        puts("ok");
    return failed ? CLI_REFUSED : CLI_OK;
}

/* The cases beside an api that would load. */
static void
try_cases(struct checking *c, const struct lens_api *api)
{
    if (cases_run(c->arena, api, &c->problems, &c->cases) == ERR_LIMIT)
        problem_add(&c->problems, api->file, 0, 0,
                    "its cases take more memory than a check may");
}

static int
check_api(struct checking *c, const char *path)
{
    const struct lens_api *api = NULL;

    if (lens_load(c->arena, path, &c->problems, &api))
        api = NULL;
    if (api)
        try_cases(c, api);
    problems_sort(&c->problems);
    return finish(c, &api, api ? 1 : 0);
}

static int
check_config(struct checking *c, const char *path)
{
    struct generation *g = NULL;
    const struct lens_api **apis;
    int code;

    if (generation_load(path, NULL, &c->problems, &g))
        return finish(c, NULL, 0);
    apis = arena_array(c->arena, g->n_apis, sizeof(const void *));
    for (size_t i = 0; apis && i < g->n_apis; i++)
        apis[i] = g->apis[i].lens;
    for (size_t i = 0; apis && i < g->n_apis; i++)
        try_cases(c, apis[i]);
    problems_sort(&c->problems);
    code = finish(c, apis, apis ? g->n_apis : 0);
    generation_free(&g);
    return code;
}

static bool
is_api(const char *path)
{
    struct stat st;
    span s = span_str(path);

    return (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) ||
           span_ends(s, SPAN("api.yaml"));
}

static void
print_defaults(void)
{
    puts("limits:");
#define X(name, preset, most, counted, doc)                                    \
    printf("  %-20s %10llu  # %s; at most %llu\n", #name ":",                  \
           (unsigned long long)(preset), doc, (unsigned long long)(most));
    GEN_LIMITS(X)
#undef X
    puts(
        "# Words ending in _ms are written without it, as a duration: "
        "`head: 10s`.\n"
        "# How often one was reached is in stile_limits_total{limit=\"NAME\"}, "
        "but for\n"
        "# those that are a part of another one:");
#define X(name, preset, most, counted, doc)                                    \
    if (!(counted))                                                            \
        puts("#   " #name);
    GEN_LIMITS(X)
#undef X
    puts("# Of a route, in `timeouts:`, counted by these names as well:");
#define X(name, preset, doc)                                                   \
    printf("#   %-18s %10u  # %s\n", #name ":", (unsigned)(preset), doc);
    GEN_TIMEOUTS(X)
#undef X
}

int
cmd_check(int argc, char **argv)
{
    struct checking c = {.as_json = false};
    bool defaults = false;
    const struct option options[] = {
        {0, OPTION_FLAG, "json", NULL, &c.as_json, "as JSON"},
        {0, OPTION_FLAG, "strict", NULL, &c.is_strict,
         "take a warning for an error"},
        {0, OPTION_FLAG, "defaults", NULL, &defaults,
         "print every limit with its default"},
    };
    const struct command_usage usage = {
        .name = "check",
        .operands = "[FILE]",
        .summary = "check a configuration and say all that is wrong",
        .text =
            "Reads a configuration (" CLI_CONFIG_PRESET
            " unless named), its change files and certificates,\nwith the "
            "very code that the proxy loads with, and prints every finding "
            "with file,\nline, column and what to do. A folder with an "
            "api.yaml is checked by itself. The cases beside\nan api are "
            "translated, and one that does not come out so is a finding. Where "
            "all is well\nit says of each type and pair of versions what is "
            "exact and what is lost.\n\n"
            "A warning (builds of a client that no rule speaks for) is loaded "
            "all the same.\n\n"
            "Exits 0 if it would load and every case holds, 1 if not.\n",
        .options = options,
        .n_options = COUNT(options),
        .examples = "  stile check stile.yaml\n"
                    "  stile check --json config/examples/shop\n",
    };
    char **operands;
    size_t n;
    int code;

    if (!options_read(&usage, argc, argv, &operands, &n, &code))
        return code;
    if (n > 1) {
        fprintf(stderr, "stile check: one FILE, and here are %zu\n", n);
        return CLI_USAGE;
    }
    if (defaults) {
        print_defaults();
        return CLI_OK;
    }

    const char *path = n ? operands[0] : CLI_CONFIG_PRESET;
    if (!(c.arena = arena_new(CHECK_BYTES))) {
        fprintf(stderr, "stile check: no memory\n");
        return CLI_REFUSED;
    }
    problems_init(&c.problems, c.arena);
    code = is_api(path) ? check_api(&c, path) : check_config(&c, path);
    arena_free(&c.arena);
    return code;
}
