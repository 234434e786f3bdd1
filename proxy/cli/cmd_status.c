/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/cli/cli.h"

#include "proxy/base/quantity.h"
#include "proxy/cli/ask.h"
#include "proxy/cli/page.h"
#include "proxy/cli/rollout_print.h"

#include <stdio.h>

#define HANG ((size_t)4)

static const char *
text_of(const json_t *object, const char *name, const char *otherwise)
{
    const char *s = json_string_value(json_object_get(object, name));

    return s && s[0] ? s : otherwise;
}

static long long
number_of(const json_t *object, const char *name)
{
    return (long long)json_integer_value(json_object_get(object, name));
}

static void
print_head(const json_t *s)
{
    const json_t *generation = json_object_get(s, "generation");
    const json_t *store = json_object_get(s, "store");
    const json_t *reload = json_object_get(s, "reload");
    const char *refuses = json_string_value(json_object_get(store, "refuses"));

    page_line(HANG, "stile %s, pid %lld, %s", text_of(s, "version", "?"),
              number_of(s, "pid"),
              json_is_true(json_object_get(s, "ready")) ? "ready"
                                                        : "NOT READY");
    page_line(HANG, "generation %lld of %s, store at revision %lld",
              number_of(generation, "number"), text_of(generation, "file", "?"),
              number_of(store, "revision"));
    if (refuses)
        page_line(HANG, "CHANGES ARE REFUSED: %s", refuses);
    if (json_is_false(json_object_get(reload, "ok")))
        page_line(HANG, "the last reload was refused: %s",
                  text_of(reload, "said", "?"));
}

static void
print_workers(const json_t *workers)
{
    const json_t *w;
    size_t i;

    puts("\nworkers");
    json_array_foreach(workers, i, w)
    {
        page_line(HANG,
                  "  %-3lld pid %-8lld generation %-4lld heartbeat %lld ms ago",
                  number_of(w, "worker"), number_of(w, "pid"),
                  number_of(w, "generation"), number_of(w, "heartbeat_ms"));
    }
}

static void
print_pools(const json_t *pools)
{
    const json_t *p, *e;
    size_t i, j;

    puts("\npools");
    json_array_foreach(pools, i, p)
    {
        page_line(HANG, "  %-16s %s %s", text_of(p, "name", "?"),
                  text_of(p, "api", "plain"), text_of(p, "version", ""));
        json_array_foreach(json_object_get(p, "endpoints"), j, e)
        {
            page_line(2 * HANG, "    %-36s %-10s %s%s", text_of(e, "url", "?"),
                      text_of(e, "health", "?"),
                      json_is_true(json_object_get(e, "drained")) ? "DRAINED "
                                                                  : "",
                      text_of(e, "said", ""));
        }
    }
}

static void
print_route(const json_t *r)
{
    const json_t *canary = json_object_get(r, "canary");
    const char *name = text_of(r, "name", "?"), *pool = text_of(r, "pool", "?");
    const char *api = text_of(r, "api", "plain");
    char share[16];

    if (!json_is_object(canary)) {
        page_line(HANG, "  %-24s %-10s %s", name, api, pool);
        return;
    }
    quantity_share_text((uint32_t)number_of(canary, "effective_ppm"), share,
                        sizeof(share));
    page_line(HANG, "  %-24s %-10s %s -> %s at %s%s", name, api, pool,
              text_of(canary, "canary", "?"), share,
              json_is_true(json_object_get(canary, "halted")) ? " HALTED" : "");
}

static void
print_routes(const json_t *routes)
{
    const json_t *r;
    size_t i;

    puts("\nroutes");
    json_array_foreach(routes, i, r)
    {
        print_route(r);
    }
}

static void
print_rollouts(const json_t *rollouts)
{
    const json_t *r;
    size_t i;

    if (json_array_size(rollouts))
        puts("\nrollouts");
    json_array_foreach(rollouts, i, r)
    {
        char line[ROLLOUT_LINE_MAX];
        rollout_line(r, line);
        page_line(HANG, "  %-24s %s", text_of(r, "name", "?"), line);
        rollout_print_halted(json_object_get(r, "halted_cells"), 24);
    }
}

int
cmd_status(int argc, char **argv)
{
    struct ask ask = ASK_PRESET;
    const struct option options[] = {ASK_OPTIONS(ask)};
    const struct command_usage usage = {
        .name = "status",
        .operands = "",
        .summary = "say what the processes do now",
        .text = "What is applied, not what was asked for: generation, workers "
                "and their heartbeats, pools\nand the health of their "
                "endpoints, routes and the weights in use, rollouts and what "
                "they wait for.\n\nExits 0 if it is "
                "ready, 1 if it is not, 3 if nobody runs.\n",
        .options = options,
        .n_options = COUNT(options),
    };
    char **operands;
    size_t n;
    int code;

    if (!options_read(&usage, argc, argv, &operands, &n, &code))
        return code;
    ask.request.path = "/v1/status";
    code = ask_daemon(&ask, "status");
    if (code == CLI_OK) {
        const json_t *s = ask.answer.body;

        if (ask.as_json) {
            ask_print_json(&ask);
        } else {
            print_head(s);
            print_workers(json_object_get(s, "workers"));
            print_pools(json_object_get(s, "pools"));
            print_routes(json_object_get(s, "routes"));
            print_rollouts(json_object_get(s, "rollouts"));
        }
        if (!json_is_true(json_object_get(s, "ready")))
            code = CLI_REFUSED;
    }
    ask_fini(&ask);
    return code;
}
