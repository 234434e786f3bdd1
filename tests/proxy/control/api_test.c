/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/control/api.h"
#include "proxy/control/api_view.h"
#include "proxy/control/observe.h"
#include "tests/proxy/control/house.h"
#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* One request as the caller wrote it, and what came. */
struct asked {
    const char *method;
    const char *path; /* with its query */
    const char *if_match;
    const char *key;  /* NULL for none */
    const char *type; /* NULL for none */
    const char *body; /* NULL for none */
    bool viewer;
};

struct got {
    int status;
    char etag[32];
    char allow[32];
    bool later;
    char content_type[64];
    const char *call;
    json_t *json; /* got_fini */
};

static void
make_head(struct http_head *head, struct arena *a, const struct asked *q)
{
    head_init(head, a);
    head->method_token = span_str(q->method);
    head->method = method_of(head->method_token);
    span query = span_str(q->path);
    head->path = span_cut(&query, '?');
    head->query = query;
    if (q->if_match)
        assert_int_equal(
            head_add(head, SPAN("If-Match"), span_str(q->if_match)), OK);
    if (q->key)
        assert_int_equal(
            head_add(head, SPAN("Idempotency-Key"), span_str(q->key)), OK);
    if (q->type)
        assert_int_equal(
            head_add(head, SPAN("Content-Type"), span_str(q->type)), OK);
}

static struct got
ask(struct control *c, const struct asked *q)
{
    struct arena *a = arena_new(1u << 20);
    struct http_head head;
    struct buf body;
    struct got got;

    make_head(&head, a, q);
    buf_init(&body, 1u << 20);
    struct who who = {.actor = "uid:7", .is_operator = !q->viewer};
    struct api_request r = {.head = &head,
                            .body = span_str(q->body),
                            .who = &who,
                            .wall_ms = 1764032462004,
                            .now_ms = 1000};
    struct api_answer out = {.body = &body};
    api_answer(c, &r, &out);
    got = (struct got){
        .status = out.status, .later = out.later, .call = out.call};
    memcpy(got.etag, out.etag, sizeof(got.etag));
    memcpy(got.allow, out.allow, sizeof(got.allow));
    if (!out.later && !out.streams) {
        (void)snprintf(got.content_type, sizeof(got.content_type), "%s",
                       out.content_type);
        got.json = json_loadb(buf_span(&body).at, buf_len(&body), 0, NULL);
        assert_non_null(got.json);
    }
    buf_fini(&body);
    arena_free(&a);
    return got;
}

static void
got_fini(struct got *g)
{
    json_decref(g->json);
    g->json = NULL;
}

static const char *
text(const struct got *g, const char *name)
{
    const char *s = json_string_value(json_object_get(g->json, name));

    return s ? s : "";
}

static json_int_t
number(const struct got *g, const char *name)
{
    return json_integer_value(json_object_get(g->json, name));
}

#define JSON "application/json"

TEST(a_weight_moves_durably_and_in_the_segment_before_the_answer)
{
    struct house h;
    struct control c;

    house_make(&h, 0, 1);
    house_control(&h, &c);
    struct got g =
        ask(&c, &(struct asked){.method = "PUT",
                                .path = "/v1/weights/route/orders",
                                .if_match = "\"1\"",
                                .type = "application/json; charset=utf-8",
                                .body = "{\"weight\": \"12.5%\", "
                                        "\"reason\": \"first step\"}"});
    assert_int_equal(g.status, 200);
    assert_string_equal(g.etag, "\"2\"");
    assert_int_equal(number(&g, "weight_ppm"), 125000);
    assert_int_equal(number(&g, "effective_ppm"), 125000);
    assert_int_equal(number(&g, "file_ppm"), 0);
    assert_string_equal(text(&g, "weight"), "12.5%");
    assert_string_equal(text(&g, "canary"), "green");
    got_fini(&g);
    assert_int_equal(weights_get(h.weights, 0).ppm, 125000);
    assert_int_equal(store_weight(c.store, SPAN("route/orders"))->weight_ppm,
                     125000);

    g = ask(&c, &(struct asked){.method = "GET", .path = "/v1/revisions"});
    const json_t *first =
        json_array_get(json_object_get(g.json, "revisions"), 0);
    assert_string_equal(json_string_value(json_object_get(first, "actor")),
                        "uid:7");
    assert_string_equal(json_string_value(json_object_get(first, "reason")),
                        "first step");
    assert_string_equal(json_string_value(json_object_get(first, "time")),
                        "2025-11-25T01:01:02.004Z");
    assert_int_equal(json_integer_value(json_object_get(
                         json_object_get(first, "after"), "weight_ppm")),
                     125000);
    got_fini(&g);
    house_control_end(&c);
    house_remove(&h);
}

static struct got
put_orders(struct control *c, const char *body)
{
    return ask(c, &(struct asked){.method = "PUT",
                                  .path = "/v1/weights/orders",
                                  .if_match = "*",
                                  .type = JSON,
                                  .body = body});
}

static struct got
restore(struct control *c, const char *path, const char *if_match)
{
    return ask(c, &(struct asked){.method = "POST",
                                  .path = path,
                                  .if_match = if_match,
                                  .type = JSON,
                                  .body = "{\"reason\": \"too soon\"}"});
}

TEST(a_revision_is_a_snapshot_that_can_be_put_back)
{
    struct house h;
    struct control c;

    house_make(&h, 0, 1);
    house_control(&h, &c);
    struct got g = put_orders(&c, "{\"weight\": 100, \"reason\": \"a\"}");
    got_fini(&g);
    g = put_orders(&c, "{\"weight\": 200, \"reason\": \"b\"}");
    got_fini(&g);

    g = ask(&c, &(struct asked){.method = "GET", .path = "/v1/snapshots/2"});
    const json_t *was =
        json_object_get(json_object_get(g.json, "slots"), "route/orders");
    assert_int_equal(g.status, 200);
    assert_int_equal(json_integer_value(json_object_get(was, "weight_ppm")),
                     100);
    got_fini(&g);
    g = restore(&c, "/v1/snapshots/2", "\"2\"");
    assert_int_equal(g.status, 412);
    got_fini(&g);
    assert_int_equal(weights_get(h.weights, 0).ppm, 200);
    g = restore(&c, "/v1/snapshots/2", "\"3\"");
    assert_int_equal(g.status, 200);
    assert_int_equal(number(&g, "revision"), 4);
    assert_int_equal(json_array_size(json_object_get(g.json, "moved")), 1);
    got_fini(&g);
    assert_int_equal(weights_get(h.weights, 0).ppm, 100);
    assert_int_equal(store_weight(c.store, SPAN("route/orders"))->weight_ppm,
                     100);
    /* And again: it is as it was, so nothing is written. */
    g = restore(&c, "/v1/snapshots/2", "*");
    assert_int_equal(g.status, 200);
    assert_int_equal(number(&g, "revision"), 4);
    got_fini(&g);
    g = ask(&c, &(struct asked){.method = "GET", .path = "/v1/snapshots/5"});
    assert_int_equal(g.status, 404);
    got_fini(&g);
    g = ask(&c, &(struct asked){.method = "GET", .path = "/v1/audit/verify"});
    assert_int_equal(g.status, 200);
    got_fini(&g);
    house_control_end(&c);
    house_remove(&h);
}

TEST(a_snapshot_is_put_back_once_under_one_key)
{
    static const struct asked back = {.method = "POST",
                                      .path = "/v1/snapshots/2",
                                      .if_match = "\"3\"",
                                      .key = "k-1",
                                      .type = JSON,
                                      .body = "{\"reason\": \"x\"}"};
    struct asked other = back;
    struct house h;
    struct control c;

    house_make(&h, 0, 1);
    house_control(&h, &c);
    struct got g = put_orders(&c, "{\"weight\": 100, \"reason\": \"a\"}");
    got_fini(&g);
    g = put_orders(&c, "{\"weight\": 200, \"reason\": \"b\"}");
    got_fini(&g);
    g = ask(&c, &back);
    assert_int_equal(g.status, 200);
    assert_int_equal(number(&g, "revision"), 4);
    got_fini(&g);
    g = put_orders(&c, "{\"weight\": 300, \"reason\": \"c\"}");
    got_fini(&g);
    /* The answer was lost, and it is asked for again: somebody's 300 stays. */
    g = ask(&c, &back);
    assert_int_equal(g.status, 200);
    assert_int_equal(number(&g, "revision"), 5);
    assert_int_equal(json_array_size(json_object_get(g.json, "moved")), 0);
    got_fini(&g);
    assert_int_equal(weights_get(h.weights, 0).ppm, 300);
    other.path = "/v1/snapshots/3";
    g = ask(&c, &other); /* the key is another snapshot's */
    assert_int_equal(g.status, 409);
    got_fini(&g);
    house_control_end(&c);
    house_remove(&h);
}

#define PUT_ORDERS .method = "PUT", .path = "/v1/weights/orders"
#define GOOD       .body = "{\"weight\": 5, \"reason\": \"x\"}"

static const struct {
    const char *claim;
    struct asked asked;
    int status;
    const char *says;
} refused[] = {
    {"no such call", {.method = "GET", .path = "/v1/nothing"}, 404, "no such"},
    {"no call at all", {.method = "GET", .path = "/"}, 404, ""},
    {"a slot without a name",
     {.method = "GET", .path = "/v1/weights/"},
     404,
     ""},
    {"another slot",
     {.method = "GET", .path = "/v1/weights/route/rest"},
     404,
     "'route/rest'"},
    {"another method",
     {.method = "DELETE", .path = "/v1/weights/orders"},
     405,
     "GET, PUT"},
    {"reload by GET", {.method = "GET", .path = "/v1/reload"}, 405, "POST"},
    {"a viewer",
     {PUT_ORDERS, GOOD, .if_match = "*", .type = JSON, .viewer = true},
     403,
     "uid:7 may look"},
    {"a viewer's reload",
     {.method = "POST",
      .path = "/v1/reload",
      .type = JSON,
      .body = "{}",
      .viewer = true},
     403,
     ""},
    {"no type", {PUT_ORDERS, GOOD, .if_match = "*"}, 415, ""},
    {"a form's type",
     {PUT_ORDERS, GOOD, .if_match = "*", .type = "text/plain"},
     415,
     ""},
    {"no If-Match", {PUT_ORDERS, GOOD, .type = JSON}, 428, "If-Match"},
    {"an old revision",
     {PUT_ORDERS, GOOD, .type = JSON, .if_match = "\"0\""},
     412,
     "at revision 1, not 0"},
    {"a newer revision",
     {PUT_ORDERS, GOOD, .type = JSON, .if_match = "2"},
     412,
     ""},
    {"a weak tag",
     {PUT_ORDERS, GOOD, .type = JSON, .if_match = "W/\"1\""},
     400,
     "If-Match"},
    {"no body", {PUT_ORDERS, .type = JSON, .if_match = "*"}, 400, "no JSON"},
    {"a list",
     {PUT_ORDERS, .type = JSON, .if_match = "*", .body = "[]"},
     400,
     "no JSON object"},
    {"no reason",
     {PUT_ORDERS, .type = JSON, .if_match = "*", .body = "{\"weight\": 5}"},
     400,
     "'reason'"},
    {"an empty reason",
     {PUT_ORDERS, .type = JSON, .if_match = "*",
      .body = "{\"weight\": 5, \"reason\": \" \"}"},
     400,
     "'reason'"},
    {"too much",
     {PUT_ORDERS, .type = JSON, .if_match = "*",
      .body = "{\"weight\": 1000001, \"reason\": \"x\"}"},
     400,
     "'weight'"},
    {"less than nothing",
     {PUT_ORDERS, .type = JSON, .if_match = "*",
      .body = "{\"weight\": -1, \"reason\": \"x\"}"},
     400,
     "'weight'"},
    {"a fraction of a part",
     {PUT_ORDERS, .type = JSON, .if_match = "*",
      .body = "{\"weight\": 0.5, \"reason\": \"x\"}"},
     400,
     "'weight'"},
    {"over all",
     {PUT_ORDERS, .type = JSON, .if_match = "*",
      .body = "{\"weight\": \"101%\", \"reason\": \"x\"}"},
     400,
     "'weight'"},
    {"another member",
     {PUT_ORDERS, .type = JSON, .if_match = "*",
      .body = "{\"weight\": 5, \"reason\": \"x\", \"force\": true}"},
     400,
     "'force'"},
    {"a member twice",
     {PUT_ORDERS, .type = JSON, .if_match = "*",
      .body = "{\"weight\": 5, \"weight\": 6, \"reason\": \"x\"}"},
     400,
     ""},
    {"a NUL in the reason",
     {PUT_ORDERS, .type = JSON, .if_match = "*",
      .body = "{\"weight\": 5, \"reason\": \"a\\u0000b\"}"},
     400,
     ""},
    {"revisions from a word",
     {.method = "GET", .path = "/v1/revisions?before=x"},
     400,
     "'before'"},
    {"too many revisions",
     {.method = "GET", .path = "/v1/revisions?limit=501"},
     400,
     "'limit'"},
    {"events from a word",
     {.method = "GET", .path = "/v1/events?after=x"},
     400,
     "'after'"},
    {"events of another journal",
     {.method = "GET", .path = "/v1/events?after=99"},
     412,
     "another"},
    {"events with a beat of no time",
     {.method = "GET", .path = "/v1/events?beat_ms=1"},
     400,
     "'beat_ms'"},
    {"a request nobody knows",
     {.method = "GET", .path = "/v1/explain/%00%ff\""},
     404,
     ""},
};

TEST(what_is_refused_is_a_problem_document_and_changes_nothing)
{
    struct house h;
    struct control c;

    house_make(&h, 70000, 1);
    house_control(&h, &c);
    for (size_t i = 0; i < COUNT(refused); i++) {
        struct got g = ask(&c, &refused[i].asked);
        if (g.status != refused[i].status ||
            !strstr(text(&g, "detail"), refused[i].says))
            fail_msg("%s: %d %s", refused[i].claim, g.status,
                     text(&g, "detail"));
        assert_int_equal(number(&g, "status"), g.status);
        assert_string_equal(g.content_type, "application/problem+json");
        got_fini(&g);
    }
    assert_int_equal(store_sequence(c.store), 1);
    assert_int_equal(weights_get(h.weights, 0).ppm, 70000);
    house_control_end(&c);
    house_remove(&h);
}

TEST(a_store_that_refuses_says_so_to_who_would_change_it)
{
    struct house h;
    struct control c;

    house_make(&h, 70000, 1);
    house_control(&h, &c);
    house_control_end(&c);
    files_flip(files_path(&h.files, "stile.db"), 0);
    house_control(&h, &c);
    struct got g = ask(
        &c, &(struct asked){PUT_ORDERS, GOOD, .type = JSON, .if_match = "1"});
    assert_int_equal(g.status, 409);
    assert_non_null(strstr(text(&g, "detail"), "changes are refused"));
    got_fini(&g);
    g = ask(&c, &(struct asked){.method = "GET", .path = "/v1/status"});
    assert_int_equal(g.status, 200);
    assert_true(json_is_string(
        json_object_get(json_object_get(g.json, "store"), "refuses")));
    got_fini(&g);
    house_control_end(&c);
    house_remove(&h);
}

TEST(a_reload_is_answered_when_the_verdict_is_in)
{
    struct house h;
    struct control c;
    struct asked reload = {
        .method = "POST", .path = "/v1/reload", .type = JSON, .body = "{}"};
    struct buf body;

    house_make(&h, 0, 1);
    house_control(&h, &c);
    struct got g = ask(&c, &reload);
    assert_true(g.later);
    c.reload_caller = 1;
    g = ask(&c, &reload);
    assert_int_equal(g.status, 409);
    got_fini(&g);
    c.reload_caller = 0;
    c.has_supervisor = false;
    g = ask(&c, &reload);
    assert_int_equal(g.status, 503);
    got_fini(&g);

    c.verdict = (struct verdict){
        .known = true,
        .generation = 4,
        .said = SPAN("a.yaml:1:2: no\nb.yaml:3:4: neither\n\xff\n")};
    buf_init(&body, 1u << 16);
    struct api_answer out = {.body = &body};
    api_reloaded(&c, &out);
    assert_int_equal(out.status, 422);
    json_t *json = json_loadb(buf_span(&body).at, buf_len(&body), 0, NULL);
    const json_t *problems = json_object_get(json, "problems");
    assert_string_equal(json_string_value(json_array_get(problems, 1)),
                        "b.yaml:3:4: neither");
    json_decref(json);
    c.verdict.ok = true;
    buf_clear(&body);
    api_reloaded(&c, &out);
    assert_int_equal(out.status, 200);
    buf_fini(&body);
    house_control_end(&c);
    house_remove(&h);
}

TEST(explain_tells_what_a_worker_recorded_whatever_it_sent)
{
    struct house h;
    struct control c;
    struct buf b;
    struct record r = {.id = SPAN("0af7651916cd43dd8448eb211c80319c"),
                       .route = SPAN("orders"),
                       .status = 200,
                       .bucket = 123456,
                       .version_from = SPAN("v1"),
                       .problem = SPAN("\xff\xfe")};

    house_make(&h, 0, 1);
    house_control(&h, &c);
    buf_init(&b, RECORD_DATAGRAM_MAX);
    assert_true(record_put(&b, &r));
    assert_int_equal(records_take(c.records, buf_span(&b)), 1);
    buf_fini(&b);
    struct got g = ask(
        &c,
        &(struct asked){.method = "GET",
                        .path = "/v1/explain/0af7651916cd43dd8448eb211c80319c",
                        .viewer = true});
    assert_int_equal(g.status, 200);
    assert_string_equal(text(&g, "route"), "orders");
    assert_string_equal(text(&g, "version_from"), "v1");
    assert_int_equal(number(&g, "bucket"), 123456);
    got_fini(&g);
    house_control_end(&c);
    house_remove(&h);
}

/* Every allocation of jansson's and of the arenas fails once. */
static long allocations_left = -1;

static void *
failing_malloc(size_t n)
{
    if (allocations_left > 0)
        allocations_left--;
    return allocations_left == 0 ? NULL : malloc(n);
}

TEST(an_allocation_that_fails_is_an_answer_with_500_or_400_and_no_leak)
{
    static const struct asked questions[] = {
        {.method = "GET", .path = "/v1/status"},
        {.method = "GET", .path = "/v1/weights"},
        {.method = "GET", .path = "/v1/revisions?limit=3"},
        {.method = "GET", .path = "/v1/nothing"},
    };
    struct house h;
    struct control c;

    house_make(&h, 0, 1);
    house_control(&h, &c);
    json_set_alloc_funcs(failing_malloc, free);
    for (size_t i = 0; i < COUNT(questions); i++) {
        bool failed = true;
        for (long n = 1; failed; n++) {
            struct arena *a = arena_new(1u << 20);
            struct http_head head;
            struct buf body;
            make_head(&head, a, &questions[i]);
            buf_init(&body, 1u << 20);
            struct who who = {.actor = "uid:7"};
            struct api_request r = {.head = &head, .who = &who};
            struct api_answer out = {.body = &body};
            allocations_left = n;
            api_answer(&c, &r, &out);
            failed = allocations_left == 0;
            allocations_left = -1;
            assert_true(buf_len(&body) > 0);
            assert_true(out.status >= 200 && out.status <= 500);
            buf_fini(&body);
            arena_free(&a);
        }
    }
    json_set_alloc_funcs(malloc, free);
    house_control_end(&c);
    house_remove(&h);
}

/* ------------------------------------------------------------ its description */

/* A path of the document with something in each place. */
static void
fill_in(const char *path, char *out, size_t size)
{
    size_t n = 0;

    for (; *path && n + 8 < size; path++) {
        if (*path != '{') {
            out[n++] = *path;
            continue;
        }
        n += (size_t)snprintf(out + n, size - n, "orders");
        path = strchr(path, '}');
    }
    out[n] = '\0';
}

static void
assert_answers(struct control *c, const char *path, const char *method,
               const json_t *operation)
{
    char filled[128], verb[8];
    size_t i;

    fill_in(path, filled, sizeof(filled));
    for (i = 0; method[i]; i++)
        verb[i] = (char)(method[i] - 'a' + 'A');
    verb[i] = '\0';
    struct got g =
        ask(c, &(struct asked){
                   .method = verb, .path = filled, .type = JSON, .body = "{}"});
    if (strcmp(g.call,
               json_string_value(json_object_get(operation, "x-call"))) != 0 ||
        g.status == 405)
        fail_msg("%s %s: %d, %s", verb, filled, g.status, g.call);
    got_fini(&g);
}

static bool
describes(json_t *paths, const struct api_route *r)
{
    const char *path, *method;
    json_t *methods, *operation;

    json_object_foreach(paths, path, methods)
    {
        json_object_foreach(methods, method, operation)
        {
            bool is_path = r->takes_rest
                               ? strncmp(path, r->path, strlen(r->path)) == 0
                               : strcmp(path, r->path) == 0;
            if (is_path &&
                strcmp(json_string_value(json_object_get(operation, "x-call")),
                       r->call) == 0)
                return true;
        }
    }
    return false;
}

TEST(each_call_of_the_router_is_described_and_each_path_of_it_answers)
{
    struct house h;
    struct control c;
    struct api_route r;
    const char *path, *method;
    json_t *methods, *operation;
    size_t n = 0;

    house_make(&h, 0, 1);
    house_control(&h, &c);
    struct got g =
        ask(&c, &(struct asked){.method = "GET", .path = "/openapi.json"});
    assert_int_equal(g.status, 200);
    assert_string_equal(text(&g, "openapi"), "3.1.0");
    json_t *paths = json_object_get(g.json, "paths");
    json_object_foreach(paths, path, methods)
    {
        json_object_foreach(methods, method, operation)
        {
            assert_answers(&c, path, method, operation);
            n++;
        }
    }
    assert_true(n > 25);
    for (size_t i = 0; api_route(i, &r); i++)
        if (!describes(paths, &r))
            fail_msg("%s is not described", r.call);
    got_fini(&g);
    house_control_end(&c);
    house_remove(&h);
}

/* ------------------------------------------------------------------ observe */

static const struct {
    const char *method;
    const char *host;
    const char *path;
    int status;
} looks[] = {
    {"GET", "localhost", "/healthz", 200},
    {"HEAD", "localhost", "/healthz", 200},
    {"GET", "127.0.0.1", "/metrics", 200},
    {"GET", "[::1]", "/healthz", 200},
    {"GET", "[2001:db8::7]", "/healthz", 200},
    {"GET", "192.0.2.8", "/metrics", 200},        /* a load balancer's probe */
    {"GET", "observe.internal", "/healthz", 200}, /* the configured one */
    {"GET", NULL, "/healthz", 200},               /* the machine's */
    {"GET", "evil.example", "/healthz", 421},
    {"GET", "192.0.2.8.evil.example", "/metrics", 421},
    {"GET", "192.0.2", "/metrics", 421},
    {"GET", "[192.0.2.8]", "/metrics", 421},
    {"GET", "", "/metrics", 421},
    {"GET", "localhost", "/readyz", 503}, /* there are no workers */
    {"GET", "localhost", "/v1/status", 404},
    {"GET", "localhost", "/", 404},
    {"POST", "localhost", "/healthz", 405},
    {"DELETE", "localhost", "/metrics", 405},
};

TEST(observe_answers_three_pages_to_its_own_names_alone)
{
    struct house h;
    struct control c;
    char machine[256];

    assert_int_equal(gethostname(machine, sizeof(machine)), 0);
    house_make(&h, 0, 1);
    h.gen.observe.host = SPAN("observe.internal");
    house_control(&h, &c);
    for (size_t i = 0; i < COUNT(looks); i++) {
        struct arena *a = arena_new(1u << 20);
        struct http_head head;
        struct buf body;
        make_head(
            &head, a,
            &(struct asked){.method = looks[i].method, .path = looks[i].path});
        head.host = span_str(looks[i].host ? looks[i].host : machine);
        buf_init(&body, 16u << 20);
        struct observe_answer out = {.body = &body};
        observe_answer(&c, &head, 1000, &out);
        if (out.status != looks[i].status)
            fail_msg("%s %s of '%s': %d", looks[i].method, looks[i].path,
                     looks[i].host, out.status);
        buf_fini(&body);
        arena_free(&a);
    }
    house_control_end(&c);
    house_remove(&h);
}

TEST(metrics_are_the_sum_of_workers_and_totals_and_never_go_back)
{
    struct house h;
    struct control c;
    struct metrics *m;
    struct err e;
    int fd;
    void *at;

    house_make(&h, 250000, 1);
    house_control(&h, &c);
    assert_int_equal(segment_create(SEGMENT_STATS, &fd, &e), OK);
    assert_int_equal(segment_map(SEGMENT_STATS, fd, &at, &e), OK);
    assert_int_equal(metrics_open(h.arena, at, &m, &e), OK);
    metrics_count(m, METRIC_UPSTREAM_RETRIES, 7, SPAN("blue"));
    assert_int_equal(crew_add(&c.crew, 1, 0, fd, &e), OK);
    for (int folded = 0; folded < 2; folded++) {
        struct arena *a = arena_new(1u << 20);
        struct http_head head;
        struct buf body;
        make_head(&head, a,
                  &(struct asked){.method = "GET", .path = "/metrics"});
        head.host = SPAN("localhost");
        buf_init(&body, 16u << 20);
        struct observe_answer out = {.body = &body};
        observe_answer(&c, &head, 1000, &out);
        buf_byte(&body, '\0');
        const char *page = buf_span(&body).at ? buf_span(&body).at : "";
        assert_non_null(
            strstr(page, "stile_upstream_retries_total{pool=\"blue\"} 7\n"));
        assert_non_null(
            strstr(page, "stile_weight_ppm{slot=\"route/orders\"} 250000\n"));
        buf_fini(&body);
        arena_free(&a);
        crew_fold(&c.crew, 1, c.metrics);
        assert_int_equal(c.crew.n, 0);
    }
    segment_unmap(SEGMENT_STATS, at);
    close(fd);
    house_control_end(&c);
    house_remove(&h);
}

TEST(a_silent_worker_is_said_to_be_not_ready)
{
    struct house h;
    struct control c;
    struct err e;
    char room[128];
    int fd;
    void *at;

    house_make(&h, 0, 1);
    house_control(&h, &c);
    assert_int_equal(segment_create(SEGMENT_STATS, &fd, &e), OK);
    assert_int_equal(segment_map(SEGMENT_STATS, fd, &at, &e), OK);
    assert_int_equal(crew_add(&c.crew, 1, 3, fd, &e), OK);
    assert_non_null(crew_not_ready(&c.crew, 1, 10000, room, sizeof(room)));
    stats_beat(at, 9000);
    assert_null(crew_not_ready(&c.crew, 1, 10000, room, sizeof(room)));
    assert_non_null(
        strstr(crew_not_ready(&c.crew, 1, 14001, room, sizeof(room)),
               "worker 3 is silent"));
    assert_non_null(crew_not_ready(&c.crew, 2, 10000, room, sizeof(room)));
    segment_unmap(SEGMENT_STATS, at);
    close(fd);
    house_control_end(&c);
    house_remove(&h);
}

TEST(workers_that_may_not_accept_yet_are_not_ready)
{
    static const struct {
        const char *state;
        bool ready;
    } cases[] = {
        {"loading", false},  {"ready", false},   {"live", true},
        {"draining", false}, {"folding", false},
    };
    struct house h;
    struct control c;
    struct err e;
    char room[128];
    int fd;
    void *at;

    house_make(&h, 0, 1);
    house_control(&h, &c);
    assert_int_equal(segment_create(SEGMENT_STATS, &fd, &e), OK);
    assert_int_equal(segment_map(SEGMENT_STATS, fd, &at, &e), OK);
    assert_int_equal(crew_add(&c.crew, c.gen->number, 0, fd, &e), OK);
    stats_beat(at, 9000);
    for (size_t i = 0; i < COUNT(cases); i++) {
        c.processes = json_pack(
            "{s:[{s:I,s:s},{s:I,s:s}]}", "generations", "number",
            (json_int_t)c.gen->number + 1, "state", "loading", "number",
            (json_int_t)c.gen->number, "state", cases[i].state);
        const char *why = view_not_ready(&c, 9001, room, sizeof(room));
        if (!why != cases[i].ready)
            fail_msg("%s: %s", cases[i].state, why ? why : "ready");
        json_decref(c.processes);
        c.processes = NULL;
    }
    assert_non_null(view_not_ready(&c, 9001, room, sizeof(room)));
    c.has_supervisor = false; /* it was there once: workers serve on */
    assert_null(view_not_ready(&c, 9001, room, sizeof(room)));
    segment_unmap(SEGMENT_STATS, at);
    close(fd);
    house_control_end(&c);
    house_remove(&h);
}
