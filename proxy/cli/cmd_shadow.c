/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shadow: where the canary's answers to mirrored requests differ from the baseline's.
 */
#include "proxy/cli/ask.h"
#include "proxy/cli/page.h"

#include <inttypes.h>
#include <stdio.h>

#define HANG   ((size_t)4)
#define PLACES 22 /* behind what is counted */

static const char *
text_of(const json_t *json, const char *name)
{
    const char *s = json_string_value(json_object_get(json, name));

    return s ? s : "";
}

static int64_t
number_of(const json_t *json, const char *name)
{
    return json_integer_value(json_object_get(json, name));
}

static int64_t
pair_of(const json_t *json, const char *name, const char *which)
{
    return number_of(json_object_get(json, name), which);
}

/* "orders: differs, 2 new differences in 120 answers (noise measured in 120; 1 skipped)" */
static void
print_head(const json_t *s)
{
    const char *verdict = text_of(s, "verdict");
    int64_t new = number_of(s, "new_differences");

    if (strcmp(verdict, "differs") == 0)
        page_line(HANG, "%s  %s, %" PRId64 " new difference%s",
                  text_of(s, "route"), verdict, new, new == 1 ? "" : "s");
    else
        page_line(HANG, "%s  %s", text_of(s, "route"), verdict);
    page_line(HANG,
              "  %s against %s: %" PRId64
              " answers compared, noise measured on %" PRId64 ", %" PRId64
              " needed of each; %" PRId64 " skipped",
              text_of(s, "canary"), text_of(s, "pool"),
              pair_of(s, "compared", "raw"), pair_of(s, "compared", "noise"),
              number_of(s, "answers_needed"), pair_of(s, "skipped", "raw"));
}

static void
print_difference(const json_t *d)
{
    page_line(PLACES, "  %s %6" PRId64 " %6" PRId64 "  %-8s %s",
              json_is_true(json_object_get(d, "new")) ? "new" : "   ",
              pair_of(d, "answers", "raw"), pair_of(d, "answers", "noise"),
              text_of(d, "kind"), text_of(d, "place"));
    page_line(PLACES, "  %18s  %s -> %s", "", text_of(d, "baseline"),
              text_of(d, "canary"));
}

static void
print_route(const json_t *s, bool all)
{
    const json_t *d;
    size_t i, n = 0;

    print_head(s);
    json_array_foreach(json_object_get(s, "differences"), i, d)
    {
        if (!all && !json_is_true(json_object_get(d, "new")))
            continue;
        if (n++ == 0)
            printf("         raw  noise\n");
        print_difference(d);
    }
}

/* Clean is 0; what differs is 1; what is not known is 3. */
static int
code_of(const json_t *s)
{
    const char *verdict = text_of(s, "verdict");

    if (strcmp(verdict, "clean") == 0)
        return CLI_OK;
    return strcmp(verdict, "differs") == 0 ? CLI_REFUSED : CLI_UNKNOWN;
}

static int
show(struct ask *ask, const char *route, bool all)
{
    const json_t *body = ask->answer.body, *s;
    const json_t *list = json_object_get(body, "shadows");
    int code = CLI_OK;
    size_t i;

    if (ask->as_json)
        ask_print_json(ask);
    if (route) {
        if (!ask->as_json)
            print_route(body, all);
        return code_of(body);
    }
    if (!ask->as_json && json_array_size(list) == 0)
        printf("no route mirrors requests: say `shadow: {share: 1%%}` at a "
               "canary\n");
    json_array_foreach(list, i, s)
    {
        if (!ask->as_json)
            print_head(s);
        if (code != CLI_REFUSED && code_of(s) != CLI_OK)
            code = code_of(s);
    }
    return code;
}

int
cmd_shadow(int argc, char **argv)
{
    struct ask ask = ASK_PRESET;
    bool all = false;
    const struct option options[] = {
        {'a', OPTION_FLAG, "all", NULL, &all,
         "also what is no more than noise"},
        ASK_OPTIONS(ask),
    };
    const struct command_usage usage = {
        .name = "shadow",
        .operands = "[ROUTE]",
        .summary = "where the canary answers otherwise",
        .text =
            "Where a canary has `shadow: {share: 1%}`, that share of the safe "
            "requests which the baseline\nserved is asked of the canary's pool "
            "as well, and of the baseline once more. All answers\nare brought "
            "to the client's version and compared place by place: what differs "
            "between\nbaseline and baseline is noise, what differs more often "
            "between canary and baseline is new.\nValues are never shown, only "
            "their types and lengths. A reload begins the counts anew.\n\n"
            "Exits 0 if nothing is new, 1 if something is, 3 if too little was "
            "compared to say.\n",
        .options = options,
        .n_options = COUNT(options),
        .examples = "  stile shadow\n  stile shadow orders --all\n",
    };
    struct arena *a = arena_new((size_t)1 << 20);
    char **operands;
    size_t n;
    int code;

    if (a && !options_read(&usage, argc, argv, &operands, &n, &code)) {
        arena_free(&a);
        return code;
    }
    if (!a || n > 1) {
        fprintf(stderr, "stile shadow: at most one ROUTE; see stile shadow "
                        "--help\n");
        arena_free(&a);
        return CLI_USAGE;
    }
    const char *route = n ? operands[0] : NULL;
    ask.request.path =
        route ? client_path(a, "/v1/shadow/", route) : "/v1/shadow";
    code = ask.request.path ? ask_daemon(&ask, "shadow") : CLI_USAGE;
    if (code == CLI_OK)
        code = show(&ask, route, all);
    ask_fini(&ask);
    arena_free(&a);
    return code;
}
