/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/control/api.h"

#include "proxy/base/quantity.h"
#include "proxy/control/api_call.h"
#include "proxy/control/api_view.h"
#include "proxy/control/shadow_view.h"
#include "proxy/control/view_traffic.h"
#include "proxy/http/media.h"
#include "proxy/http/query.h"
#include "proxy/http/target.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#define ARENA_BYTES   ((size_t)256 * 1024)
#define REVISIONS     50u
#define REVISIONS_MAX 500u

typedef void (*call_fn)(struct call *c);

/* --------------------------------------------------------------------- answers */

static bool
dump(struct api_answer *out, json_t *json)
{
    char *text = json ? json_dumps(json, JSON_INDENT(2)) : NULL;

    json_decref(json);
    if (!text)
        return false;
    buf_str(out->body, text);
    buf_byte(out->body, '\n');
    free(text);
    return true;
}

void
call_answer(struct api_answer *out, int status, json_t *json)
{
    out->status = status;
    out->content_type = "application/json";
    if (!dump(out, json))
        api_problem(out, 500, "no memory for the answer");
}

/* Takes `problems`, a list or NULL. */
static void
problem(struct api_answer *out, int status, const char *detail,
        json_t *problems)
{
    span title = http_reason(status);
    json_t *json = json_pack(
        "{s:s, s:s%, s:i, s:s, s:o*}", "type", "about:blank", "title", title.at,
        title.len, "status", status, "detail", detail, "problems", problems);

    out->status = status;
    out->content_type = "application/problem+json";
    out->etag[0] = '\0';
    buf_clear(out->body);
    if (!dump(out, json))
        buf_fmt(out->body, "{\"status\": %d}\n", status);
}

void
api_problem(struct api_answer *out, int status, const char *fmt, ...)
{
    char detail[ERR_TEXT_MAX + 256];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(detail, sizeof(detail), fmt, args);
    va_end(args);
    /* A text cut in the middle of a letter is no JSON text. */
    json_t *whole = json_string(detail);
    problem(out, status, whole ? detail : "(a text that is not UTF-8)", NULL);
    json_decref(whole);
}

int
call_status_of(enum err_code code)
{
    switch (code) {
    case ERR_CONFLICT:
        return 409;
    case ERR_INVALID:
    case ERR_LIMIT:
        return 400;
    case ERR_NOT_FOUND:
        return 404;
    case ERR_IO:
    case ERR_UNSUPPORTED:
    case ERR_INTERNAL:
    case OK:
        return 500;
    }
    return 500;
}

/* ---------------------------------------------------------------------- reading */

static void
get_status(struct call *c)
{
    call_answer(c->out, 200, view_status(c->control, c->request->now_ms));
}

bool
call_number(struct call *c, const char *name, uint64_t missing, uint64_t *out)
{
    span value;
    enum err_code code =
        query_get(c->arena, c->request->head->query, span_str(name), &value);

    *out = missing;
    if (code == ERR_NOT_FOUND)
        return true;
    if (code == OK && span_to_u64(value, out))
        return true;
    api_problem(c->out, 400, "'%s' is not a number", name);
    return false;
}

static void
get_revisions(struct call *c)
{
    struct err e;
    uint64_t before, limit;

    if (!call_number(c, "before", 0, &before) ||
        !call_number(c, "limit", REVISIONS, &limit))
        return;
    if (limit == 0 || limit > REVISIONS_MAX) {
        api_problem(c->out, 400, "'limit' is from 1 to %u", REVISIONS_MAX);
        return;
    }
    json_t *json = view_revisions(c->control, before, (size_t)limit, &e);
    if (json)
        call_answer(c->out, 200, json);
    else
        api_problem(c->out, call_status_of(e.code), "%s", e.text);
}

static void
get_explain(struct call *c)
{
    struct record record;

    if (records_find(c->control->records, c->rest, &record))
        call_answer(c->out, 200, view_record(&record));
    else
        api_problem(c->out, 404,
                    "no record of request '%.*s': the last %u are kept, until "
                    "`stile run` ends",
                    SPAN_FMT(c->rest), RECORDS_KEPT);
}

static void
get_traffic(struct call *c)
{
    call_answer(c->out, 200, view_traffic(c->control));
}

static void
get_shadows(struct call *c)
{
    call_answer(c->out, 200, shadow_view_all(&c->control->shadows));
}

static void
get_shadow(struct call *c)
{
    const struct gen_route *route = NULL;
    const struct shadow *counts =
        shadows_find(&c->control->shadows, c->rest, &route);

    if (counts)
        call_answer(c->out, 200, shadow_view(route, counts));
    else
        api_problem(c->out, 404, "no route called '%.*s' mirrors requests",
                    SPAN_FMT(c->rest));
}

/* ---------------------------------------------------------------------- writing */

json_t *
call_body(struct call *c, const char *const *members, size_t n)
{
    json_error_t e;
    const char *name;
    json_t *value;
    span body = c->request->body;
    json_t *json = json_loadb(body.at ? body.at : "", body.len,
                              JSON_REJECT_DUPLICATES, &e);

    if (!json_is_object(json)) {
        api_problem(c->out, 400, "the body is no JSON object%s%s",
                    json ? "" : ": ", json ? "" : e.text);
        json_decref(json);
        return NULL;
    }
    json_object_foreach(json, name, value)
    {
        bool known = false;
        for (size_t i = 0; i < n; i++)
            known |= strcmp(name, members[i]) == 0;
        if (!known) {
            api_problem(c->out, 400, "the body has no member '%s'", name);
            json_decref(json);
            return NULL;
        }
    }
    return json;
}

bool
call_reason(struct call *c, const json_t *json, span *reason)
{
    *reason = span_str(json_string_value(json_object_get(json, "reason")));
    if (span_trim(*reason).len > 0 && reason->len <= STORE_TEXT_MAX)
        return true;
    api_problem(c->out, 400, "'reason' says why, in 1 to %d bytes",
                STORE_TEXT_MAX);
    return false;
}

bool
call_if_match(struct call *c, bool *expects, uint64_t *expected)
{
    span value = head_value(c->request->head, FIELD_IF_MATCH);

    if (!head_find(c->request->head, FIELD_IF_MATCH)) {
        api_problem(c->out, 428,
                    "a write needs If-Match: the revision that was read, or *");
        return false;
    }
    *expects = !span_is(value, "*");
    *expected = 0;
    if (!*expects)
        return true;
    if (value.len >= 2 && span_starts(value, SPAN("\"")) &&
        span_ends(value, SPAN("\"")))
        value = span_take(span_skip(value, 1), value.len - 2);
    if (span_to_u64(value, expected))
        return true;
    api_problem(c->out, 400, "If-Match is a revision like \"17\", or *");
    return false;
}

static void
post_reload(struct call *c)
{
    struct control *control = c->control;
    json_t *json = call_body(c, NULL, 0);

    if (!json)
        return;
    json_decref(json);
    if (control->is_reloading || control->reload_caller)
        api_problem(c->out, 409, "a reload is running; ask again");
    else if (!control->has_supervisor)
        api_problem(c->out, 503,
                    "the supervisor is gone: start `stile run` again");
    else
        c->out->later = true;
}

void
api_reloaded(const struct control *c, struct api_answer *out)
{
    const struct verdict *v = &c->verdict;
    json_t *problems = json_array();
    span rest = v->said;

    while (rest.len > 0) {
        span line = span_cut(&rest, '\n');
        if (line.len)
            (void)json_array_append_new(problems,
                                        json_stringn(line.at, line.len));
    }
    if (v->ok)
        call_answer(out, 200,
                    json_pack("{s:I, s:o*}", "generation",
                              (json_int_t)v->generation, "problems", problems));
    else
        problem(out, 422,
                "the new configuration was refused; the running one "
                "serves on",
                problems);
}

/* ---------------------------------------------------------------------- routing */

static void
get_verify(struct call *c)
{
    struct err e;

    if (store_verify(c->control->store, &e))
        api_problem(c->out, 409, "%s", e.text);
    else
        call_answer(c->out, 200,
                    json_pack("{s:b, s:I}", "whole", 1, "revision",
                              (json_int_t)store_sequence(c->control->store)));
}

/* X(name for the metric, method, path, takes a rest, who may, what) */
#define CALLS(X)                                                               \
    X("openapi", METHOD_GET, "/openapi.json", false, BY_ALL, get_openapi)      \
    X("status", METHOD_GET, "/v1/status", false, BY_ALL, get_status)           \
    X("weights", METHOD_GET, "/v1/weights", false, BY_ALL, get_weights)        \
    X("weight", METHOD_GET, "/v1/weights/", true, BY_ALL, get_weight)          \
    X("weight_set", METHOD_PUT, "/v1/weights/", true, BY_OPERATORS,            \
      put_weight)                                                              \
    X("endpoints", METHOD_GET, "/v1/endpoints", false, BY_ALL, get_endpoints)  \
    X("pool_endpoints", METHOD_GET, "/v1/endpoints/", true, BY_ALL,            \
      get_pool_endpoints)                                                      \
    X("endpoint_do", METHOD_POST, "/v1/endpoints/", true, BY_OPERATORS,        \
      post_endpoints)                                                          \
    X("revisions", METHOD_GET, "/v1/revisions", false, BY_ALL, get_revisions)  \
    X("events", METHOD_GET, "/v1/events", false, BY_ALL, get_events)           \
    X("snapshot", METHOD_GET, "/v1/snapshots/", true, BY_ALL, get_snapshot)    \
    X("snapshot_restore", METHOD_POST, "/v1/snapshots/", true, BY_OPERATORS,   \
      post_snapshot)                                                           \
    X("verify", METHOD_GET, "/v1/audit/verify", false, BY_ALL, get_verify)     \
    X("rollouts", METHOD_GET, "/v1/rollouts", false, BY_ALL, get_rollouts)     \
    X("rollout", METHOD_GET, "/v1/rollouts/", true, BY_ALL, get_rollout)       \
    X("rollout_do", METHOD_POST, "/v1/rollouts/", true, BY_WRITERS,            \
      post_rollout)                                                            \
    X("reload", METHOD_POST, "/v1/reload", false, BY_OPERATORS, post_reload)   \
    X("explain", METHOD_GET, "/v1/explain/", true, BY_ALL, get_explain)        \
    X("traffic", METHOD_GET, "/v1/traffic", false, BY_ALL, get_traffic)        \
    X("shadows", METHOD_GET, "/v1/shadow", false, BY_ALL, get_shadows)         \
    X("shadow", METHOD_GET, "/v1/shadow/", true, BY_ALL, get_shadow)

enum call_by {
    BY_ALL, /* to look */
    BY_OPERATORS,
    BY_WRITERS, /* operators and approvers: what is asked says which */
};

static const struct route {
    const char *name;
    const char *path;
    call_fn fn;
    enum method method;
    bool takes_rest;
    enum call_by by;
} routes[] = {
#define X(name, method, path, rest, by, fn) {name, path, fn, method, rest, by},
    CALLS(X)
#undef X
};

bool
api_route(size_t i, struct api_route *out)
{
    if (i >= COUNT(routes))
        return false;
    *out = (struct api_route){.call = routes[i].name,
                              .path = routes[i].path,
                              .method = routes[i].method,
                              .takes_rest = routes[i].takes_rest};
    return true;
}

static bool
matches(const struct route *r, span path)
{
    if (!r->takes_rest)
        return span_is(path, r->path);
    return span_starts(path, span_str(r->path)) && path.len > strlen(r->path);
}

/* "PUT, GET" for a path that is there, "" for one that is not. */
static const char *
allowed(struct call *c, span path)
{
    span methods = {0};

    for (size_t i = 0; i < COUNT(routes); i++)
        if (matches(&routes[i], path))
            methods = arena_fmt(c->arena, "%.*s%s%.*s", SPAN_FMT(methods),
                                methods.len ? ", " : "",
                                SPAN_FMT(method_token(routes[i].method)));
    return methods.len ? methods.at : "";
}

static void
no_route(struct call *c, span path)
{
    const char *methods = allowed(c, path);

    if (methods[0] == '\0') {
        api_problem(c->out, 404,
                    "there is no such call: docs/admin-api.md "
                    "has them");
        return;
    }
    (void)snprintf(c->out->allow, sizeof(c->out->allow), "%s", methods);
    api_problem(c->out, 405, "this is for %s", methods);
}

/* May this caller write, and in this form? False: answered. */
static bool
may_write(struct call *c, enum call_by by)
{
    struct media media;
    span type = head_value(c->request->head, FIELD_CONTENT_TYPE);
    bool may = c->request->who->is_operator ||
               (by == BY_WRITERS && c->request->who->is_approver);

    if (!may) {
        api_problem(c->out, 403,
                    "%s may look and not change: that is for an operator (root "
                    "and the service's user are, unless `admin.users` says "
                    "otherwise)",
                    c->request->who->actor);
        return false;
    }
    if (!media_parse(type, &media) || !media_is(&media, "application/json")) {
        api_problem(c->out, 415, "a write's Content-Type is application/json");
        return false;
    }
    return true;
}

static void
dispatch(struct call *c)
{
    const struct http_head *head = c->request->head;
    const struct route *route = NULL;

    for (size_t i = 0; i < COUNT(routes) && !route; i++)
        if (matches(&routes[i], head->path) && routes[i].method == head->method)
            route = &routes[i];
    if (!route) {
        no_route(c, head->path);
        return;
    }
    c->out->call = route->name;
    if (route->by != BY_ALL && !may_write(c, route->by))
        return;
    if (route->takes_rest &&
        pct_decode(c->arena, span_skip(head->path, strlen(route->path)), false,
                   &c->rest)) {
        api_problem(c->out, 500, "no memory for the path");
        return;
    }
    route->fn(c);
}

void
api_answer(struct control *control, const struct api_request *r,
           struct api_answer *out)
{
    struct call c = {.control = control,
                     .request = r,
                     .out = out,
                     .arena = arena_new(ARENA_BYTES)};

    out->later = out->streams = false;
    out->retry_after_s = 0;
    out->etag[0] = '\0';
    out->allow[0] = '\0';
    out->call = "other";
    if (c.arena)
        dispatch(&c);
    else
        api_problem(out, 500, "no memory for the request");
    arena_free(&c.arena);
}
