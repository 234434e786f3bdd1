/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report: what a rollback leaves: why, whom it met, and what is to be mended.
 */
#include "proxy/cli/cli.h"

#include "proxy/cli/ask.h"
#include "proxy/cli/repair.h"
#include "proxy/cli/report_print.h"

#include <stdio.h>

struct reporting {
    struct ask ask;
    struct arena *arena;
    const char *name;
    const char *run; /* NULL: the newest */
    bool writes;
    bool repair;
};

typedef bool (*page_fn)(void *arg, const json_t *writes);

static const char *
path_of(struct reporting *r, const char *what, const char *query)
{
    span whole = arena_fmt(r->arena, "%s/%s", r->name, what);
    const char *path =
        whole.at ? client_path(r->arena, "/v1/rollouts/", whole.at) : NULL;
    span all = arena_fmt(r->arena, "%s%s", path ? path : "", query);

    return path ? all.at : NULL;
}

/* Every page of the list that belongs to this report. */
static int
each_page(struct reporting *r, const json_t *report, page_fn fn, void *arg)
{
    json_int_t run = json_integer_value(json_object_get(report, "run"));
    json_int_t from = json_integer_value(
        json_object_get(json_object_get(report, "exposure"), "from"));
    struct ask ask = {.request = r->ask.request};

    for (;;) {
        span query = arena_fmt(r->arena, "?run=%lld&from=%lld", (long long)run,
                               (long long)from);
        ask.request.path = query.at ? path_of(r, "writes", query.at) : NULL;
        if (!ask.request.path)
            return CLI_REFUSED;
        int code = ask_daemon(&ask, "report");
        const json_t *next = json_object_get(ask.answer.body, "next");
        bool is_taken = code != CLI_OK ||
                        fn(arg, json_object_get(ask.answer.body, "writes"));
        bool is_last =
            !json_is_integer(next) || json_integer_value(next) <= from;
        from = json_integer_value(next);
        ask_fini(&ask);
        ask.answer = (struct client_answer){0};
        arena_reset(r->arena);
        if (!is_taken)
            fprintf(stderr, "stile report: more than can be kept\n");
        if (code != CLI_OK || !is_taken || is_last)
            return is_taken ? code : CLI_REFUSED;
    }
}

static bool
print_page(void *arg, const json_t *writes)
{
    const struct reporting *r = arg;
    const json_t *one;
    size_t i;

    json_array_foreach(writes, i, one)
    {
        if (r->ask.as_json) {
            ask_put_json_line(one);
        } else {
            report_print_write(one);
        }
    }
    return true;
}

static bool
take_page(void *arg, const json_t *writes)
{
    return repair_take(arg, writes);
}

static const char *
text_of(const json_t *object, const char *name)
{
    const char *s = json_string_value(json_object_get(object, name));

    return s ? s : "";
}

static int
print_repair(struct reporting *r, const json_t *report)
{
    const json_t *repair = json_object_get(report, "repair");
    struct repair_routes *routes = repair_routes_new(
        text_of(repair, "api"),
        text_of(json_object_get(repair, "canary"), "version"),
        text_of(json_object_get(repair, "baseline"), "version"));
    struct repair *steps = routes ? repair_new(routes) : NULL;
    int code = steps ? each_page(r, report, take_page, steps) : CLI_REFUSED;

    if (code == CLI_OK && r->ask.as_json)
        ask_put_json(repair_json(steps));
    else if (code == CLI_OK)
        repair_print(steps, report);
    repair_free(&steps);
    repair_routes_free(&routes);
    return code;
}

static int
run(struct reporting *r)
{
    span query = r->run ? arena_fmt(r->arena, "?run=%s", r->run) : SPAN("");

    r->ask.request.path = path_of(r, "report", query.at ? query.at : "");
    if (!r->ask.request.path) {
        fprintf(stderr, "stile report: the name is too long\n");
        return CLI_USAGE;
    }
    int code = ask_daemon(&r->ask, "report");
    const json_t *report = r->ask.answer.body;
    if (code != CLI_OK)
        return code;
    if (r->writes)
        return each_page(r, report, print_page, r);
    if (r->repair)
        return print_repair(r, report);
    if (r->ask.as_json)
        ask_print_json(&r->ask);
    else
        report_print(report);
    return CLI_OK;
}

int
cmd_report(int argc, char **argv)
{
    struct reporting r = {.ask = ASK_PRESET};
    const struct option options[] = {
        {0, OPTION_TEXT, "run", "N", &r.run,
         "of this run; without it the newest report"},
        {0, OPTION_FLAG, "writes", NULL, &r.writes,
         "every write that the canary did or may have done, a line each"},
        {0, OPTION_FLAG, "repair", NULL, &r.repair,
         "a repair plan: a program for sh, to be read and run"},
        ASK_OPTIONS(r.ask),
    };
    const struct command_usage usage = {
        .name = "report",
        .operands = "ROLLOUT",
        .summary = "what a rollback leaves: why, whom it met, what to mend",
        .text =
            "Says what broke first, how soon it was seen and halted, whom it "
            "met, what was written on the\ncanary meanwhile, and what was not "
            "the cause. A cause that was not looked at is `unknown`.\n\n"
            "--repair prints a program for sh that brings what was written on "
            "the canary to the baseline.\nEach step checks its precondition "
            "and finds nothing to do when it is run again.\n\n"
            "Exits 3 if there is no report: nothing was taken back, or its "
            "last answers are waited for.\n",
        .options = options,
        .n_options = COUNT(options),
        .examples = "  stile report ios-orders\n"
                    "  stile report ios-orders --writes\n"
                    "  stile report ios-orders --repair >repair.sh; less "
                    "repair.sh; DRY=yes sh repair.sh\n",
    };
    char **operands;
    size_t n;
    int code;

    if (!options_read(&usage, argc, argv, &operands, &n, &code))
        return code;
    if (n != 1 || (r.writes && r.repair)) {
        fprintf(stderr, "stile report: one ROLLOUT, and at most one of "
                        "--writes and --repair\n");
        return CLI_USAGE;
    }
    r.name = operands[0];
    if (!(r.arena = arena_new(65536))) {
        fprintf(stderr, "stile report: no memory\n");
        return CLI_REFUSED;
    }
    code = run(&r);
    ask_fini(&r.ask);
    arena_free(&r.arena);
    return code;
}
