/* SPDX-License-Identifier: Apache-2.0 */
/*
 * explain: what is done with a request and why, from the code that does it.
 *
 * A request id asks the running proxy for the record of what it decided. A
 * request that is described, or stands in a file, is decided here by
 * server/decide and translated hop by hop, with the weights that the running
 * proxy uses, or the file's if nobody runs.
 */
#include "proxy/cli/cli.h"

#include "config/generation.h"
#include "proxy/cli/ask.h"
#include "proxy/cli/described.h"
#include "proxy/cli/translating.h"
#include "proxy/server/decide.h"

#include <stdio.h>
#include <time.h>

#define EXPLAIN_BYTES ((size_t)8 << 30)
#define BODY_MAX      ((size_t)64 << 20)

struct explaining {
    struct arena *arena;
    struct ask ask;
    const char *config, *body, *raw;
    struct option_list fields;
    struct generation *gen;
    json_t *weights; /* of the running proxy; NULL: nobody runs */
    struct described request;
};

/* ---- a request that was ---- */

static void
print_record(json_t *record)
{
    const char *name;
    json_t *value;

    json_object_foreach(record, name, value)
    {
        if (json_is_string(value) && json_string_length(value) == 0)
            continue;
        printf("%-16s ", name);
        if (json_is_string(value))
            printf("%s\n", json_string_value(value));
        else {
            json_dumpf(value, stdout, JSON_ENCODE_ANY | JSON_COMPACT);
            putchar('\n');
        }
    }
}

static int
explain_id(struct explaining *x, const char *id)
{
    int code;

    x->ask.request.path = client_path(x->arena, "/v1/explain/", id);
    if (!x->ask.request.path)
        return CLI_USAGE;
    code = ask_daemon(&x->ask, "explain");
    if (code == CLI_OK && x->ask.as_json)
        ask_print_json(&x->ask);
    else if (code == CLI_OK)
        print_record(x->ask.answer.body);
    return code;
}

/* ---- a request that might be ---- */

static uint32_t
weight_in_force(void *live, const struct gen_route *route)
{
    const struct explaining *x = live;
    const json_t *w;
    size_t i;

    json_array_foreach(json_object_get(x->weights, "weights"), i, w)
    {
        const char *slot = json_string_value(json_object_get(w, "slot"));

        if (slot && span_is(route->canary->slot_name, slot))
            return (uint32_t)json_integer_value(
                json_object_get(w, "effective_ppm"));
    }
    return route->canary->weight_ppm;
}

static bool
pool_is_up(void *live, const struct gen_pool *pool)
{
    (void)live;
    (void)pool;
    return true; /* what a described request would meet is not known */
}

static void
ask_weights(struct explaining *x)
{
    struct client_request r = x->ask.request;
    struct client_answer answer;
    struct err e;

    if (strcmp(r.socket, CLI_SOCKET_PRESET) == 0)
        r.socket = x->gen->admin_socket.at; /* NUL-terminated, as all paths */
    r.path = "/v1/weights";
    if (client_ask(&r, &answer, &e))
        return;
    if (answer.status == 200)
        x->weights = json_incref(answer.body);
    client_answer_fini(&answer);
}

static void
print_version(const struct decision *d)
{
    const struct detect *detect = d->api->detect;

    printf("api       %.*s\n", SPAN_FMT(d->api->name));
    printf("version   ");
    switch (d->detect.outcome) {
    case DETECT_SPOKEN:
        printf("%.*s, from %s `%.*s`\n",
               SPAN_FMT(detect_label(detect, d->client)),
               detect_kind_name(d->detect.kind), SPAN_FMT(d->detect.text));
        break;
    case DETECT_ASSUMED:
        printf("%.*s, assumed: nothing spoke\n",
               SPAN_FMT(detect_label(detect, d->client)));
        break;
    case DETECT_MISSING:
    case DETECT_UNKNOWN:
    case DETECT_CONFLICT:
    case DETECT_NEEDS_BODY:
        printf("refused with 400 (%s); known are %.*s\n",
               detect_outcome_name(d->detect.outcome),
               SPAN_FMT(detect_known(detect)));
        break;
    case DETECT_PREFLIGHT:
        printf("none: a CORS preflight\n");
        break;
    }
}

static void
print_pool(const struct decision *d)
{
    if (d->route->canary)
        printf("split     %s; bucket %u of 1000000, weight %u\n",
               arm_word(d->arm), d->bucket, d->weight_ppm);
    printf("pool      %.*s", SPAN_FMT(d->pool->name));
    if (d->pool->version >= 0)
        printf(", speaks %.*s",
               SPAN_FMT(detect_label(d->pool->api->detect, d->pool->version)));
    putchar('\n');
}

static int
print_translation(struct explaining *x, const struct decide_case *c,
                  const struct decision *d)
{
    const struct translating t = {.arena = x->arena,
                                  .api = d->api->lens,
                                  .translator = d->api->translator,
                                  .trace = true};
    const struct program *p;
    struct message m;
    struct buf out;
    struct err e;

    decide_message(c, d, &m);
    switch (translator_program(t.translator, x->arena, &m, (size_t)d->client,
                               (size_t)d->pool->version, &p, &e)) {
    case PROGRAM_PASS:
        printf("request   passes as it came\n");
        return CLI_OK;
    case PROGRAM_UNSUPPORTED:
        printf("request   refused with 415: %s\n", e.text);
        return CLI_OK;
    case PROGRAM_TRANSLATE:
        break;
    }
    if (!program_has_body(p) || x->request.body.len == 0) {
        printf("request   its head is translated; it has no body to show\n");
        return CLI_OK;
    }
    printf("request   its body is translated:\n");
    fflush(stdout);
    buf_init(&out, BODY_MAX);
    int code = translating_run(&t, "explain", p, x->request.body, &out);
    buf_fini(&out);
    return code;
}

static int
decide(struct explaining *x)
{
    const struct decide_case c = {
        .gen = x->gen,
        .head = x->request.head,
        .now_s = (int64_t)time(NULL),
        .weight_ppm = weight_in_force,
        .pool_is_up = pool_is_up,
        .live = x,
    };
    struct decision d = {0};

    if (!decide_route(&c, &d)) {
        puts("route     none: 404");
        return CLI_OK;
    }
    printf("route     %.*s\n", SPAN_FMT(d.route->name));
    if (d.api) {
        decide_version(&c, &d);
        if (d.detect.outcome == DETECT_NEEDS_BODY)
            (void)decide_marker(&c, x->arena, x->request.body, true, &d);
        print_version(&d);
        if (d.client < 0 && d.api)
            return CLI_OK;
    }
    if (d.notice.is_gone) {
        puts("answer    410: past its sunset");
        return CLI_OK;
    }
    decide_pool(&c, &d);
    print_pool(&d);
    if (d.write_refused) {
        puts("answer    409: the route refuses writes by older versions");
        return CLI_OK;
    }
    if (!d.translates) {
        puts("request   passes as it came");
        return CLI_OK;
    }
    return print_translation(x, &c, &d);
}

static int
load(struct explaining *x)
{
    struct problems problems;
    struct buf b;

    problems_init(&problems, x->arena);
    if (generation_load(x->config, NULL, &problems, &x->gen) == OK)
        return CLI_OK;
    buf_init(&b, BODY_MAX);
    problems_print(&problems, &b);
    fwrite(buf_len(&b) ? buf_span(&b).at : "", 1, buf_len(&b), stderr);
    buf_fini(&b);
    return CLI_REFUSED;
}

static int
explain_request(struct explaining *x, const char *method, const char *target)
{
    struct err e = {0};
    span text = {0};
    enum err_code failed = OK;
    int code;

    if (x->raw)
        failed = cli_read(x->arena, x->raw, BODY_MAX, &text, &e);
    else if (x->body && x->body[0] == '@')
        failed = cli_read(x->arena, x->body + 1, BODY_MAX, &text, &e);
    else
        text = span_str(x->body);
    if (!failed)
        failed = x->raw ? described_read(x->arena, text, &x->request, &e)
                        : described_make(x->arena, method, target, &x->fields,
                                         text, &x->request, &e);
    if (failed) {
        fprintf(stderr, "stile explain: %s\n", e.text);
        return CLI_REFUSED;
    }
    if ((code = load(x)) != CLI_OK)
        return code;
    ask_weights(x);
    code = decide(x);
    json_decref(x->weights);
    generation_free(&x->gen);
    return code;
}

int
cmd_explain(int argc, char **argv)
{
    struct explaining x = {.ask = ASK_PRESET, .config = CLI_CONFIG_PRESET};
    const struct option options[] = {
        {'c', OPTION_TEXT, "config", "FILE", &x.config,
         "decide by this configuration (" CLI_CONFIG_PRESET ")"},
        {'H', OPTION_LIST, "header", "\"NAME: VALUE\"", &x.fields,
         "a field of the request; may be repeated"},
        {'d', OPTION_TEXT, "body", "TEXT", &x.body,
         "its body, or @FILE to read it"},
        {0, OPTION_TEXT, "raw", "FILE", &x.raw,
         "the whole request stands in FILE, as HTTP/1.1"},
        ASK_OPTIONS(x.ask),
    };
    const struct command_usage usage = {
        .name = "explain",
        .operands = "REQUEST-ID | METHOD TARGET",
        .summary = "say what is done with a request, and why",
        .text =
            "With a request id (field X-Request-ID of an answer, or the access "
            "log), what the running\nproxy decided: version and its source, "
            "route, bucket, pool, changes applied, times. It\nremembers the "
            "last 10 000.\n\nWith a method and a target, or --raw, what would "
            "be done with such a request, decided by\nthe same code, and its "
            "body hop by hop. Weights are those in force, or the file's if\n"
            "nobody runs.\n",
        .options = options,
        .n_options = COUNT(options),
        .examples = "  stile explain 01JDG2V4\n"
                    "  stile explain -c stile.yaml -H 'Api-Version: v1' GET "
                    "/orders/1\n"
                    "  stile explain PUT /orders/1 -d @order.json\n",
    };
    char **operands;
    size_t n;
    int code;

    if (!options_read(&usage, argc, argv, &operands, &n, &code))
        return code;
    if (n != (x.raw ? 0u : 1u) && (n != 2 || x.raw)) {
        fprintf(stderr, "stile explain: a REQUEST-ID, or METHOD and TARGET, or "
                        "--raw FILE; see stile explain --help\n");
        return CLI_USAGE;
    }
    if (!(x.arena = arena_new(EXPLAIN_BYTES))) {
        fprintf(stderr, "stile explain: no memory\n");
        return CLI_REFUSED;
    }
    code = n == 1 ? explain_id(&x, operands[0])
                  : explain_request(&x, n ? operands[0] : NULL,
                                    n ? operands[1] : NULL);
    ask_fini(&x.ask);
    arena_free(&x.arena);
    return code;
}
