/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The admin API as a function: what is asked, what is answered, and what has
 * changed by then.
 */
#include "proxy/control/api.h"

#include "proxy/control/api_view.h"
#include "tests/proxy/control/asking.h"
#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>

TEST(a_weight_moves_durably_and_in_the_segment_before_the_answer)
{
    struct house h;
    struct control c;

    house_make(&h, 0, 1);
    house_control(&h, &c);
    struct got g = asked_answer(
        &c, &(struct asked){.method = "PUT",
                            .path = "/v1/weights/route/orders",
                            .if_match = "\"1\"",
                            .type = "application/json; charset=utf-8",
                            .body = "{\"weight\": \"12.5%\", "
                                    "\"reason\": \"first step\"}"});
    assert_int_equal(g.status, 200);
    assert_string_equal(g.etag, "\"2\"");
    assert_int_equal(got_number(&g, "weight_ppm"), 125000);
    assert_int_equal(got_number(&g, "effective_ppm"), 125000);
    assert_int_equal(got_number(&g, "file_ppm"), 0);
    assert_string_equal(got_text(&g, "weight"), "12.5%");
    assert_string_equal(got_text(&g, "canary"), "green");
    got_fini(&g);
    assert_int_equal(weights_get(h.weights, 0).ppm, 125000);
    assert_int_equal(store_weight(c.store, SPAN("route/orders"))->weight_ppm,
                     125000);

    g = asked_answer(&c,
                     &(struct asked){.method = "GET", .path = "/v1/revisions"});
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
    return asked_answer(c, &(struct asked){.method = "PUT",
                                           .path = "/v1/weights/orders",
                                           .if_match = "*",
                                           .type = JSON,
                                           .body = body});
}

static struct got
restore(struct control *c, const char *path, const char *if_match)
{
    return asked_answer(c,
                        &(struct asked){.method = "POST",
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

    g = asked_answer(
        &c, &(struct asked){.method = "GET", .path = "/v1/snapshots/2"});
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
    assert_int_equal(got_number(&g, "revision"), 4);
    assert_int_equal(json_array_size(json_object_get(g.json, "moved")), 1);
    got_fini(&g);
    assert_int_equal(weights_get(h.weights, 0).ppm, 100);
    assert_int_equal(store_weight(c.store, SPAN("route/orders"))->weight_ppm,
                     100);
    /* And again: it is as it was, so nothing is written. */
    g = restore(&c, "/v1/snapshots/2", "*");
    assert_int_equal(g.status, 200);
    assert_int_equal(got_number(&g, "revision"), 4);
    got_fini(&g);
    g = asked_answer(
        &c, &(struct asked){.method = "GET", .path = "/v1/snapshots/5"});
    assert_int_equal(g.status, 404);
    got_fini(&g);
    g = asked_answer(
        &c, &(struct asked){.method = "GET", .path = "/v1/audit/verify"});
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
    g = asked_answer(&c, &back);
    assert_int_equal(g.status, 200);
    assert_int_equal(got_number(&g, "revision"), 4);
    got_fini(&g);
    g = put_orders(&c, "{\"weight\": 300, \"reason\": \"c\"}");
    got_fini(&g);
    /* The answer was lost, and it is asked for again: somebody's 300 stays. */
    g = asked_answer(&c, &back);
    assert_int_equal(g.status, 200);
    assert_int_equal(got_number(&g, "revision"), 5);
    assert_int_equal(json_array_size(json_object_get(g.json, "moved")), 0);
    got_fini(&g);
    assert_int_equal(weights_get(h.weights, 0).ppm, 300);
    other.path = "/v1/snapshots/3";
    g = asked_answer(&c, &other); /* the key is another snapshot's */
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
        struct got g = asked_answer(&c, &refused[i].asked);
        if (g.status != refused[i].status ||
            !strstr(got_text(&g, "detail"), refused[i].says))
            fail_msg("%s: %d %s", refused[i].claim, g.status,
                     got_text(&g, "detail"));
        assert_int_equal(got_number(&g, "status"), g.status);
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
    struct got g = asked_answer(
        &c, &(struct asked){PUT_ORDERS, GOOD, .type = JSON, .if_match = "1"});
    assert_int_equal(g.status, 409);
    assert_non_null(strstr(got_text(&g, "detail"), "changes are refused"));
    got_fini(&g);
    g = asked_answer(&c,
                     &(struct asked){.method = "GET", .path = "/v1/status"});
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
    struct got g = asked_answer(&c, &reload);
    assert_true(g.later);
    c.reload_caller = 1;
    g = asked_answer(&c, &reload);
    assert_int_equal(g.status, 409);
    got_fini(&g);
    c.reload_caller = 0;
    c.has_supervisor = false;
    g = asked_answer(&c, &reload);
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
    struct got g = asked_answer(
        &c,
        &(struct asked){.method = "GET",
                        .path = "/v1/explain/0af7651916cd43dd8448eb211c80319c",
                        .viewer = true});
    assert_int_equal(g.status, 200);
    assert_string_equal(got_text(&g, "route"), "orders");
    assert_string_equal(got_text(&g, "version_from"), "v1");
    assert_int_equal(got_number(&g, "bucket"), 123456);
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
            asked_head(&head, a, &questions[i]);
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
