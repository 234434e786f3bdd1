/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The API's own description (OpenAPI 3.1), made from tables. A test walks it:
 * each call of the router is in it, and each path in it answers.
 */
#include "proxy/control/api_call.h"

#include <string.h>

enum body { NONE, EMPTY, REASON, FORWARD, CELL, WEIGHT, DRAIN };

/* What a viewer may look at: X(call of the router, path, query, what it tells) */
#define LOOKS(X)                                                               \
    X("openapi", "/openapi.json", "", "this document")                         \
    X("status", "/v1/status", "", "what the processes do now")                 \
    X("weights", "/v1/weights", "", "all weights")                             \
    X("weight", "/v1/weights/{slot}", "", "one weight")                        \
    X("endpoints", "/v1/endpoints", "", "the endpoints of all pools")          \
    X("pool_endpoints", "/v1/endpoints/{pool}", "", "those of one pool")       \
    X("revisions", "/v1/revisions", "before,limit",                            \
      "the journal, newest first")                                             \
    X("events", "/v1/events", "after,beat_ms",                                 \
      "the journal as it grows, as server-sent events")                        \
    X("snapshot", "/v1/snapshots/{revision}", "", "what held at a revision")   \
    X("verify", "/v1/audit/verify", "", "is the journal whole")                \
    X("rollouts", "/v1/rollouts", "", "all rollouts")                          \
    X("rollout", "/v1/rollouts/{rollout}", "", "one rollout")                  \
    X("rollout", "/v1/rollouts/{rollout}/history", "", "the edges it took")    \
    X("rollout", "/v1/rollouts/{rollout}/evidence", "", "what was counted")    \
    X("rollout", "/v1/rollouts/{rollout}/report", "run",                       \
      "what a rollback left")                                                  \
    X("rollout", "/v1/rollouts/{rollout}/writes", "run,from",                  \
      "writes that the canary did or may have done")                           \
    X("explain", "/v1/explain/{request}", "",                                  \
      "what was decided of one of the last requests")                          \
    X("traffic", "/v1/traffic", "",                                            \
      "what messages between each two versions came to")                       \
    X("shadows", "/v1/shadow", "", "routes that mirror requests")              \
    X("shadow", "/v1/shadow/{route}", "", "what the canary answers otherwise")

/* X(call of the router, method, path, who, body, what it does) */
#define WRITES(X)                                                              \
    X("weight_set", "put", "/v1/weights/{slot}", "operator", WEIGHT,           \
      "move a weight")                                                         \
    X("endpoint_do", "post", "/v1/endpoints/{pool}/drain", "operator", DRAIN,  \
      "take an endpoint out of use")                                           \
    X("endpoint_do", "post", "/v1/endpoints/{pool}/undrain", "operator",       \
      DRAIN, "take it back into use")                                          \
    X("snapshot_restore", "post", "/v1/snapshots/{revision}", "operator",      \
      REASON, "put the weights of a revision back")                            \
    X("reload", "post", "/v1/reload", "operator", EMPTY,                       \
      "load the configuration anew")

/* What a rollout is told: X(word, who, body, what it does) */
#define TELLS(X)                                                               \
    X("shadow", "operator", REASON, "begin to compare")                        \
    X("start", "operator", FORWARD, "to the first step")                       \
    X("pause", "operator", REASON, "stay at this weight")                      \
    X("resume", "operator", REASON, "the step's hold begins anew")             \
    X("promote", "operator", FORWARD, "to the next step now")                  \
    X("flip", "operator", FORWARD, "everybody to the canary now")              \
    X("reopen", "operator", CELL,                                              \
      "a cell that was halted is on the canary again; without it all are")     \
    X("abort", "operator", REASON, "nobody is on the canary from now on")      \
    X("rollback", "operator", REASON, "everybody to the baseline")             \
    X("withdraw", "operator", REASON, "give it up before it began")            \
    X("again", "operator", REASON, "a new run, from the draft")                \
    X("approve", "approver", REASON,                                           \
      "one approval of the start, or of the step it is in")                    \
    X("acknowledge", "operator or approver", REASON,                           \
      "the broken glass was seen")

static const struct operation {
    const char *call;
    const char *method;
    const char *path;
    const char *who;
    enum body body;
    const char *query;
    const char *summary;
} operations[] = {
#define X(call, path, query, what)                                             \
    {call, "get", path, "viewer", NONE, query, what},
    LOOKS(X)
#undef X
#define X(call, method, path, who, body, what)                                 \
    {call, method, path, who, body, "", what},
        WRITES(X)
#undef X
#define X(word, who, body, what)                                               \
    {"rollout_do", "post", "/v1/rollouts/{rollout}/" word, who, body, "", what},
            TELLS(X)
#undef X
};

/* Appends; without memory it is left out, and the answer is then asked for. */
static void
add_parameter(json_t *list, span name, const char *in, const char *type,
              bool required)
{
    (void)json_array_append_new(list, json_pack("{s:s%, s:s, s:b, s:{s:s}}",
                                                "name", name.at, name.len, "in",
                                                in, "required", required,
                                                "schema", "type", type));
}

static json_t *
parameters_of(const struct operation *o)
{
    json_t *list = json_array();
    span path = span_str(o->path), query = span_str(o->query);

    while (span_find(path, '{') >= 0) {
        (void)span_cut(&path, '{');
        add_parameter(list, span_cut(&path, '}'), "path", "string", true);
    }
    while (query.len)
        add_parameter(list, span_cut(&query, ','), "query", "integer", false);
    if (strcmp(o->call, "events") == 0)
        add_parameter(list, SPAN("Last-Event-ID"), "header", "integer", false);
    if (o->body >= REASON) {
        add_parameter(list, SPAN("If-Match"), "header", "string", true);
        add_parameter(list, SPAN("Idempotency-Key"), "header", "string", false);
    }
    return list;
}

static json_t *
body_of(enum body body)
{
    static const char *const names[] = {
        [EMPTY] = "#/components/schemas/Empty",
        [REASON] = "#/components/schemas/Reason",
        [FORWARD] = "#/components/schemas/Forward",
        [CELL] = "#/components/schemas/Cell",
        [WEIGHT] = "#/components/schemas/Move",
        [DRAIN] = "#/components/schemas/Drain"};

    if (body == NONE)
        return NULL;
    return json_pack("{s:b, s:{s:{s:{s:s}}}}", "required", 1, "content",
                     "application/json", "schema", "$ref", names[body]);
}

static json_t *
operation_of(const struct operation *o)
{
    const char *media = strcmp(o->call, "events") == 0 ? "text/event-stream"
                                                       : "application/json";

    return json_pack(
        "{s:s, s:s, s:s, s:o, s:o*, s:{s:{s:s, s:{s:{}}}, s:{s:s}}}", "summary",
        o->summary, "x-call", o->call, "x-role", o->who, "parameters",
        parameters_of(o), "requestBody", body_of(o->body), "responses", "200",
        "description", o->summary, "content", media, "default", "$ref",
        "#/components/responses/Problem");
}

static json_t *
paths(void)
{
    json_t *all = json_object();

    for (size_t i = 0; i < COUNT(operations); i++) {
        const struct operation *o = &operations[i];
        json_t *path = json_object_get(all, o->path);
        if (!path) {
            (void)json_object_set_new(all, o->path, json_object());
            path = json_object_get(all, o->path);
        }
        (void)json_object_set_new(path, o->method, operation_of(o));
    }
    return all;
}

/* "weight" is a share ("12.5%") or parts per million. */
static const char components[] =
    "{\"securitySchemes\": {"
    "\"token\": {\"type\": \"http\", \"scheme\": \"bearer\"},"
    "\"certificate\": {\"type\": \"mutualTLS\"}},"
    "\"responses\": {\"Problem\": {\"description\": \"why not (RFC 9457)\","
    "\"content\": {\"application/problem+json\": {\"schema\": "
    "{\"$ref\": \"#/components/schemas/Problem\"}}}}},"
    "\"schemas\": {"
    "\"Problem\": {\"type\": \"object\", \"required\": [\"status\"],"
    "\"properties\": {\"type\": {\"type\": \"string\"},"
    "\"title\": {\"type\": \"string\"}, \"status\": {\"type\": \"integer\"},"
    "\"detail\": {\"type\": \"string\"}, \"problems\": {\"type\": \"array\","
    "\"items\": {\"type\": \"string\"}}}},"
    "\"Empty\": {\"type\": \"object\", \"additionalProperties\": false},"
    "\"Reason\": {\"type\": \"object\", \"required\": [\"reason\"],"
    "\"additionalProperties\": false, \"properties\": {\"reason\": "
    "{\"type\": \"string\", \"minLength\": 1, \"maxLength\": 1024},"
    "\"dry_run\": {\"type\": \"boolean\"}}},"
    "\"Forward\": {\"type\": \"object\", \"required\": [\"reason\"],"
    "\"additionalProperties\": false, \"properties\": {\"reason\": "
    "{\"type\": \"string\", \"minLength\": 1, \"maxLength\": 1024},"
    "\"dry_run\": {\"type\": \"boolean\"},"
    "\"break_glass\": {\"type\": \"boolean\"},"
    "\"no_way_back\": {\"type\": \"boolean\"},"
    "\"without_halted\": {\"type\": \"boolean\"}}},"
    "\"Cell\": {\"type\": \"object\", \"required\": [\"reason\"],"
    "\"additionalProperties\": false, \"properties\": {\"reason\": "
    "{\"type\": \"string\", \"minLength\": 1, \"maxLength\": 1024},"
    "\"dry_run\": {\"type\": \"boolean\"},"
    "\"cell\": {\"type\": \"string\", \"minLength\": 1}}},"
    "\"Move\": {\"type\": \"object\", \"required\": [\"weight\", \"reason\"],"
    "\"additionalProperties\": false, \"properties\": {\"weight\": {\"type\": "
    "[\"string\", \"integer\"], \"minimum\": 0, \"maximum\": 1000000},"
    "\"reason\": {\"type\": \"string\", \"minLength\": 1, \"maxLength\": 1024},"
    "\"dry_run\": {\"type\": \"boolean\"}}},"
    "\"Drain\": {\"type\": \"object\", \"required\": [\"endpoint\", "
    "\"reason\"], \"additionalProperties\": false, \"properties\": "
    "{\"endpoint\": {\"type\": \"string\"},"
    "\"reason\": {\"type\": \"string\", \"minLength\": 1, \"maxLength\": 1024},"
    "\"last\": {\"type\": \"boolean\"},"
    "\"dry_run\": {\"type\": \"boolean\"}}}}}";

void
get_openapi(struct call *c)
{
    json_t *parts = json_loads(components, 0, NULL);

    call_answer(
        c->out, 200,
        json_pack("{s:s, s:{s:s, s:s, s:s}, s:[{s:[]}, {s:[]}], s:o, s:o}",
                  "openapi", "3.1.0", "info", "title", "Stile, admin API",
                  "version", STILE_VERSION, "description",
                  "On a Unix socket (the kernel says who asks) and over TLS.",
                  "security", "token", "certificate", "paths", paths(),
                  "components", parts));
}
