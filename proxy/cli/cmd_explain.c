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
#include "proxy/cli/page.h"
#include "proxy/cli/translating.h"
#include "proxy/server/decide.h"
#include "translators/libstile/api.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define EXPLAIN_BYTES ((size_t)8 << 30)
#define BODY_MAX      ((size_t)64 << 20)
#define KNOWN         17 /* behind "NAME             " */

struct explaining {
    struct arena *arena;
    struct ask ask;
    const char *config, *body, *raw;
    struct option_list fields;
    struct generation *gen;
    json_t *weights; /* of the running proxy; NULL: nobody runs */
    json_t *rollouts;
    json_t *known; /* of a described request: printed at the end */
    json_t *steps; /* a member of it */
    struct described request;
    bool is_https; /* its target says so */
};

/* ---- for people ---- */

static void
print_step(const json_t *step)
{
    const char *from = json_string_value(json_object_get(step, "from"));
    const char *to = json_string_value(json_object_get(step, "to"));

    if (strcmp(from, to) == 0)
        page_line(3, "-- %s, as it came", from);
    else
        page_line(3, "-- %s -> %s", from, to);

    const json_t *touch;
    size_t i;
    json_array_foreach(json_object_get(step, "touches"), i, touch)
    {
        page_line(
            6, "   %s %s   %s, %s:%lld",
            json_string_value(json_object_get(touch, "what")),
            json_string_value(json_object_get(touch, "place")),
            json_string_value(json_object_get(touch, "change")),
            json_string_value(json_object_get(touch, "file")),
            (long long)json_integer_value(json_object_get(touch, "line")));
    }
    printf("%s\n", json_string_value(json_object_get(step, "document")));
}

/* What is known, a line each; an empty text is not worth one. */
static void
print_known(json_t *known)
{
    const char *name;
    json_t *value;
    size_t i;

    json_object_foreach(known, name, value)
    {
        if (json_is_array(value)) {
            const json_t *step;

            json_array_foreach(value, i, step)
            {
                print_step(step);
            }
        } else if (!json_is_string(value)) {
            char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
            page_line(KNOWN, "%-16s %s", name, text ? text : "");
            free(text);
        } else if (json_string_length(value)) {
            page_line(KNOWN, "%-16s %s", name, json_string_value(value));
        }
    }
}

/* ---- a request that was ---- */

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
        print_known(x->ask.answer.body);
    return code;
}

/* ---- a request that might be ---- */

static uint32_t
weight_in_force(void *live, const struct gen_canary *canary)
{
    const struct explaining *x = live;
    const json_t *w;
    size_t i;

    json_array_foreach(json_object_get(x->weights, "weights"), i, w)
    {
        const char *slot = json_string_value(json_object_get(w, "slot"));

        if (slot && span_is(canary->slot_name, slot))
            return (uint32_t)json_integer_value(
                json_object_get(w, "effective_ppm"));
    }
    return canary->weight_ppm;
}

/* The cells that `rollout` says are halted. */
static bool
has_halted(const json_t *rollout, const char *cell)
{
    const json_t *one;
    size_t i;

    json_array_foreach(json_object_get(rollout, "halted_cells"), i, one)
    {
        if (strcmp(json_string_value(json_object_get(one, "cell")), cell) == 0)
            return true;
    }
    return false;
}

static bool
cell_is_halted(void *live, const struct gen_rollout *r, uint32_t cell)
{
    const struct explaining *x = live;
    const json_t *one;
    char name[160];
    size_t i;

    gen_rollout_cell_text(r, cell, name, sizeof(name));
    json_array_foreach(json_object_get(x->rollouts, "rollouts"), i, one)
    {
        const char *of = json_string_value(json_object_get(one, "name"));
        if (of && span_is(r->name, of))
            return has_halted(one, name);
    }
    return false;
}

static bool
pool_is_up(void *live, const struct gen_pool *pool)
{
    (void)live;
    (void)pool;
    return true; /* what a described request would meet is not known */
}

/* What the running proxy says; NULL: nobody runs. */
static json_t *
ask_running(const struct explaining *x, const char *path)
{
    struct client_request r = x->ask.request;
    struct client_answer answer;
    json_t *body = NULL;
    struct err e;

    if (strcmp(r.socket, CLI_SOCKET_PRESET) == 0)
        r.socket = x->gen->admin_socket.at; /* NUL-terminated, as all paths */
    r.path = path;
    if (client_ask(&r, &answer, &e))
        return NULL;
    if (answer.status == 200)
        body = json_incref(answer.body);
    client_answer_fini(&answer);
    return body;
}

static void
know(struct explaining *x, const char *name, span text)
{
    json_object_set_new(x->known, name,
                        json_stringn(text.len ? text.at : "", text.len));
}

static void
know_number(struct explaining *x, const char *name, uint64_t n)
{
    json_object_set_new(x->known, name, json_integer((json_int_t)n));
}

static void
know_version(struct explaining *x, const struct decision *d)
{
    const struct detect *detect = d->api->detect;

    know(x, "api", d->api->name);
    know(x, "detected", span_str(detect_outcome_name(d->detect.outcome)));
    if (d->client >= 0)
        know(x, "version", detect_label(detect, d->client));
    if (d->detect.outcome == DETECT_SPOKEN) {
        know(x, "version_source", span_str(detect_kind_name(d->detect.kind)));
        know(x, "version_text", d->detect.text);
    }
    if (d->client < 0 && d->detect.outcome != DETECT_PREFLIGHT) {
        know(x, "answer", SPAN("400"));
        know(x, "known", detect_known(detect));
    }
}

static void
know_pool(struct explaining *x, const struct decision *d)
{
    const struct gen_rollout *rollout = d->canary ? d->canary->rollout : NULL;

    if (d->canary) {
        know(x, "split", span_str(arm_word(d->arm)));
        know_number(x, "bucket", d->bucket);
        know_number(x, "weight_ppm", d->weight_ppm);
        if (rollout) {
            char cell[160];
            gen_rollout_cell_text(rollout, d->cell, cell, sizeof(cell));
            know(x, "rollout", rollout->name);
            know(x, "cell", span_str(cell));
            know_number(x, "cell_halted", d->arm == ARM_HALTED);
            know_number(x, "step", plan_step_at(&rollout->plan, d->weight_ppm));
        }
    }
    know(x, "pool", d->pool->name);
    if (d->pool->version >= 0)
        know(x, "pool_version",
             detect_label(d->pool->api->detect, d->pool->version));
}

static void
know_step(void *arg, const struct stile_step *step)
{
    struct explaining *x = arg;
    json_t *touches = json_array();

    for (size_t i = 0; i < step->n_touches; i++) {
        const struct stile_touch *t = &step->touches[i];

        json_array_append_new(
            touches,
            json_pack("{s:s,s:o,s:o,s:o,s:I,s:I}", "what", t->what, "place",
                      json_string(t->place), "change", json_string(t->change),
                      "file", json_string(t->file), "line", (json_int_t)t->line,
                      "n", (json_int_t)t->n));
    }
    json_array_append_new(
        x->steps, json_pack("{s:s,s:s,s:o,s:o}", "from", step->from, "to",
                            step->to, "touches", touches, "document",
                            json_stringn(step->document, step->document_len)));
}

/* A message in the words of stile.h; false without room. */
static bool
say_message(struct arena *a, const struct message *m, struct stile_message *out)
{
    *out = (struct stile_message){
        .side = STILE_REQUEST,
        .method = arena_str(a, m->method),
        .path = arena_str(a, m->path),
        .media = arena_str(a, m->media),
        .platform = arena_str(a, m->platform),
        .whole = m->whole,
        .strict = m->strict,
    };
    return out->method && out->path && out->media && out->platform;
}

static int
know_body(struct explaining *x, const struct stile_message *m,
          struct stile_translation *t)
{
    const struct http_head *h = x->request.head;
    const struct stile_head head = {
        .method = m->method,
        .path = m->path,
        .query = h->has_query ? arena_str(x->arena, h->query) : NULL};
    span body = x->request.body;

    if (stile_translation_passes(t)) {
        know(x, "request", SPAN("passes as it came"));
        return CLI_OK;
    }
    if (!stile_translation_has_body(t) || body.len == 0) {
        know(x, "request", SPAN("its head is translated"));
        return CLI_OK;
    }
    know(x, "request", SPAN("its body is translated"));
    know(x, "body", span_str(stile_translation_body_word(t)));
    x->steps = json_array();
    json_object_set_new(x->known, "steps", x->steps);
    stile_translation_trace(t, know_step, x);
    return translating_run("explain", t, &head, body);
}

static int
know_translation(struct explaining *x, const struct decide_case *c,
                 const struct decision *d)
{
    const struct stile_api api = {.lens = d->api->lens,
                                  .translator = d->api->translator};
    struct stile_translation *t = NULL;
    struct stile_message said;
    struct stile_error e;
    struct message m;

    decide_message(c, d, &m);
    if (!say_message(x->arena, &m, &said))
        return CLI_REFUSED;
    enum stile_code refused = stile_translation_open(
        &api, &said, (size_t)d->client, (size_t)d->pool->version, NULL, &t, &e);
    if (refused) {
        know(x, "answer",
             refused == STILE_GONE       ? SPAN("410")
             : refused == STILE_NO_ROUTE ? SPAN("404")
             : refused == STILE_UNMET    ? SPAN("501")
                                         : SPAN("415"));
        know(x, "reason", span_str(e.text));
        return CLI_OK;
    }
    int code = know_body(x, &said, t);
    stile_translation_free(&t);
    return code;
}

/* By its target, or where there is no other way in. */
static bool
is_https(const struct explaining *x)
{
    for (size_t i = 0; i < x->gen->n_listeners; i++)
        if (!x->gen->listeners[i].tls)
            return x->is_https;
    return true;
}

static int
decide(struct explaining *x)
{
    const struct decide_case c = {
        .gen = x->gen,
        .head = x->request.head,
        .is_https = is_https(x),
        .now_s = (int64_t)time(NULL),
        .weight_ppm = weight_in_force,
        .cell_is_halted = cell_is_halted,
        .pool_is_up = pool_is_up,
        .live = x,
    };
    struct decision d = {0};

    if (!decide_route(&c, &d)) {
        span allowed = decide_allowed(&c, x->arena);
        know(x, "answer", allowed.len ? SPAN("405") : SPAN("404"));
        know(x, "reason",
             allowed.len ? SPAN("no route takes its method")
                         : SPAN("no route takes it"));
        if (allowed.len)
            know(x, "allow", allowed);
        return CLI_OK;
    }
    know(x, "route", d.route->name);
    if (d.api) {
        const struct gen_api *api = d.api;

        decide_version(&c, &d);
        if (d.detect.outcome == DETECT_NEEDS_BODY)
            (void)decide_marker(&c, x->arena, x->request.body, true, &d);
        d.api = api; /* a preflight has none, and is told of all the same */
        know_version(x, &d);
        if (d.client < 0 && d.detect.outcome != DETECT_PREFLIGHT)
            return CLI_OK;
    }
    if (d.notice.is_gone) {
        know(x, "answer", SPAN("410"));
        know(x, "reason", SPAN("past its sunset"));
        return CLI_OK;
    }
    decide_pool(&c, &d);
    know_pool(x, &d);
    if (d.write_refused) {
        know(x, "answer", SPAN("409"));
        know(x, "reason", SPAN("the route refuses writes by this version"));
        return CLI_OK;
    }
    if (d.translates)
        return know_translation(x, &c, &d);
    know(x, "request", SPAN("passes as it came"));
    return CLI_OK;
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
    x->is_https = target && span_starts(span_str(target), SPAN("https://"));
    x->weights = ask_running(x, "/v1/weights");
    x->rollouts = ask_running(x, "/v1/rollouts");
    x->known = json_object();
    code = decide(x);
    if (x->ask.as_json) {
        json_dumpf(x->known, stdout, JSON_INDENT(2));
        putchar('\n');
    } else {
        print_known(x->known);
    }
    json_decref(x->known);
    json_decref(x->weights);
    json_decref(x->rollouts);
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
