/* SPDX-License-Identifier: Apache-2.0 */
#include "translators/libstile/stile.h"

#include "proxy/base/arena.h"
#include "tests/test.h"

static const char api_yaml[] =
    "api: shop\n"
    "versions: {v1: {}, v2: {}}\n"
    "detect: [body]\n"
    "missing: v1\n"
    "unknown: refuse\n"
    "types:\n"
    "  Order: {at: [\"* /orders/{id}\", \"* /orders\"], marker: schema}\n";
static const char change_yaml[] =
    "change: first\n"
    "from: v1\n"
    "to: v2\n"
    "manifest: {title: t, owner: o, guarantee: none}\n"
    "Order:\n"
    "  map: {note: {to: notes, as: one <> list, rest: lose}, z: {order: by k}, "
    "customer: customer_id, cents: {to: total, as: minor(2) <> "
    "decimal(2)}}\n"
    "  drop: {legacy: {down: absent, write: ignore}}\n"
    "http:\n"
    "  GET /orders: {map: {query/cust: query/customer}}\n"
    "  POST /orders/{id}/pay: {to: POST /payments, map: {path/id: "
    "body/order_id}}\n"
    "  POST /orders: {map: {status: {enum: {422: 451}, newer: {422: 422}}, "
    "header/X-Req: header/Request-Id}}\n";

static struct stile_text
text(const char *name, const char *bytes)
{
    return (struct stile_text){name, bytes, strlen(bytes)};
}

static struct stile_api *
shop(void)
{
    struct stile_text api = text("api.yaml", api_yaml);
    struct stile_text change = text("changes/1.yaml", change_yaml);
    struct stile_findings *found = NULL;
    struct stile_api *out = stile_api_load_texts(&api, &change, 1, &found);
    if (!out)
        fail_msg("%s", stile_findings_text(found));
    assert_null(found);
    return out;
}

static const struct stile_message order = {.side = STILE_REQUEST,
                                           .type = "Order"};

static struct stile_translation *
begin(const struct stile_api *api, const struct stile_message *m, size_t from,
      size_t to)
{
    struct stile_translation *t = NULL;
    struct stile_error e;
    if (stile_translation_open(api, m, from, to, NULL, &t, &e))
        fail_msg("%s", e.text);
    return t;
}

static void
check(struct stile_translation *t, const char *in, const char *out)
{
    size_t len;
    assert_int_equal(stile_translation_feed(t, in, strlen(in)), STILE_OK);
    assert_int_equal(stile_translation_end(t), STILE_OK);
    const char *is = stile_translation_output(t, &len);
    assert_span(span_of(is, len), out);
    assert_int_equal(stile_translation_fault(t)->code, STILE_OK);
}

TEST(an_api_tells_its_versions_and_types)
{
    struct stile_api *api = shop();
    size_t v = 9;
    assert_string_equal(stile_api_name(api), "shop");
    assert_int_equal(stile_api_n_versions(api), 2);
    assert_string_equal(stile_api_version(api, 1), "v2");
    assert_string_equal(stile_api_version(api, 2), "");
    assert_true(stile_api_find_version(api, "v2", &v));
    assert_int_equal(v, 1);
    assert_false(stile_api_find_version(api, "v3", &v));
    assert_int_equal(stile_api_n_types(api), 1);
    assert_string_equal(stile_api_type(api, 0), "Order");
    assert_true(stile_api_has_type(api, "Order"));
    assert_false(stile_api_has_type(api, "Ordr"));
    assert_string_equal(stile_version(), "0.1.0");
    stile_api_free(&api);
    assert_null(api);
    stile_api_free(&api);
}

TEST(what_is_wrong_in_files_is_told_with_its_place)
{
    struct stile_text api = text("api.yaml", api_yaml);
    struct stile_text change = text("changes/1.yaml", "change: first\n");
    struct stile_findings *found = NULL;
    assert_null(stile_api_load_texts(&api, &change, 1, &found));
    assert_true(stile_findings_n(found) >= 3);
    const struct stile_finding *f = stile_findings_at(found, 0);
    assert_string_equal(f->file, "changes/1.yaml");
    assert_int_equal(f->line, 1);
    assert_true(f->column == 1 && f->text[0] && f->remedy[0]);
    assert_true(strstr(stile_findings_text(found), "changes/1.yaml:1:1: "));
    stile_findings_free(&found);
    assert_null(found);
    assert_null(stile_api_load_texts(&api, &change, 1, NULL));
    assert_null(stile_api_load("/nowhere", &found));
    assert_int_equal(stile_findings_n(found), 1);
    stile_findings_free(&found);
    stile_findings_free(&found);
    assert_int_equal(stile_findings_n(NULL), 0);
}

TEST(a_folder_is_read_as_the_proxy_reads_it)
{
    struct stile_findings *found = NULL;
    struct stile_api *api =
        stile_api_load(STILE_SOURCE "/config/examples/shop", &found);
    assert_non_null(api);
    assert_string_equal(stile_api_version(api, 0), "v1");
    stile_api_free(&api);
}

TEST(a_document_goes_up_and_comes_down)
{
    struct stile_api *api = shop();
    struct stile_translation *t = begin(api, &order, 0, 1);
    assert_false(stile_translation_passes(t));
    assert_false(stile_translation_is_stream(t));
    check(t, "{\"customer\":1,\"cents\":1299}",
          "{\"customer_id\":1,\"total\":\"12.99\"}");
    stile_translation_free(&t);
    assert_null(t);
    t = begin(api, &order, 1, 0);
    check(t, "{\"customer_id\":1,\"total\":\"12.99\"}",
          "{\"customer\":1,\"cents\":1299}");
    stile_translation_free(&t);
    stile_translation_free(&t);
    stile_api_free(&api);
}

TEST(what_cannot_change_passes_byte_for_byte)
{
    struct stile_api *api = shop();
    struct stile_translation *t = begin(api, &order, 1, 1);
    assert_true(stile_translation_passes(t));
    check(t, " {\"customer\" : 1}", " {\"customer\" : 1}");
    stile_translation_free(&t);
    /* Its head changes, and its body has no type. */
    const struct stile_message m = {.side = STILE_REQUEST,
                                    .method = "POST",
                                    .path = "/orders",
                                    .media = "text/plain"};
    t = begin(api, &m, 0, 1);
    check(t, "customer", "customer");
    stile_translation_free(&t);
    stile_api_free(&api);
}

TEST(a_stream_comes_out_record_by_record)
{
    struct stile_api *api = shop();
    const struct stile_message m = {.side = STILE_REQUEST,
                                    .method = "POST",
                                    .path = "/orders",
                                    .media = "application/x-ndjson"};
    struct stile_translation *t = begin(api, &m, 0, 1);
    size_t len;
    assert_true(stile_translation_is_stream(t));
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(stile_translation_feed(t, "{\"customer\":1}\n{", 16),
                         STILE_OK);
        const char *out = stile_translation_output(t, &len);
        assert_span(span_of(out, len), "{\"customer_id\":1}\n");
        stile_translation_taken(t, len);
        (void)stile_translation_output(t, &len);
        assert_int_equal(len, 0);
        assert_int_equal(stile_translation_feed(t, "}\n", 2), STILE_OK);
        stile_translation_taken(t, 1000);
    }
    assert_int_equal(stile_translation_end(t), STILE_OK);
    stile_translation_free(&t);
    stile_api_free(&api);
}

TEST(a_failure_says_where_and_by_which_change_and_stays)
{
    struct stile_api *api = shop();
    struct stile_translation *t = begin(api, &order, 0, 1);
    static const char bad[] = "{\"cents\":\"x\"}";
    assert_int_equal(stile_translation_feed(t, bad, strlen(bad)), STILE_OK);
    assert_int_equal(stile_translation_end(t), STILE_INVALID);
    const struct stile_fault *f = stile_translation_fault(t);
    assert_string_equal(f->pointer, "/cents");
    assert_string_equal(f->change, "first");
    assert_string_equal(f->file, "changes/1.yaml");
    assert_int_equal(f->line, 6);
    assert_string_equal(f->from, "v1");
    assert_string_equal(f->to, "v2");
    assert_true(f->text[0] && f->status == 422);
    assert_int_equal(stile_translation_feed(t, "{}", 2), STILE_INVALID);
    assert_int_equal(stile_translation_end(t), STILE_INVALID);
    stile_translation_free(&t);
    stile_api_free(&api);
}

TEST(what_there_is_not_is_refused_before_any_byte)
{
    static const struct {
        struct stile_message m;
        size_t to;
        enum stile_code code;
    } cases[] = {
        {{.type = "Ordr"}, 1, STILE_NOT_FOUND},
        {{.type = "Order"}, 2, STILE_NOT_FOUND},
        {{.side = STILE_ANSWER,
          .method = "PUT",
          .path = "/orders/1",
          .status = 200,
          .media = "application/merge-patch+json"},
         1,
         STILE_UNSUPPORTED},
    };
    struct stile_api *api = shop();
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct stile_translation *t = NULL;
        struct stile_error e = {0};
        assert_int_equal(stile_translation_open(api, &cases[i].m, 0,
                                                cases[i].to, NULL, &t, &e),
                         cases[i].code);
        assert_null(t);
        assert_true(e.code == cases[i].code && e.text[0]);
    }
    stile_api_free(&api);
}

TEST(limits_hold)
{
    struct stile_api *api = shop();
    static const struct {
        struct stile_limits limits;
        bool fits;
    } cases[] = {{{.bytes_max = 14}, false},
                 {{.bytes_max = 15}, true},
                 {{.depth_max = 1}, false},
                 {{.depth_max = 2}, true}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct stile_translation *t = NULL;
        struct stile_error e;
        assert_int_equal(
            stile_translation_open(api, &order, 0, 1, &cases[i].limits, &t, &e),
            STILE_OK);
        enum stile_code code =
            stile_translation_feed(t, "{\"legacy\":[1]}\n", 15);
        code = code ? code : stile_translation_end(t);
        assert_int_equal(code, cases[i].fits ? STILE_OK : STILE_LIMIT);
        stile_translation_free(&t);
    }
    stile_api_free(&api);
}

TEST(notices_tell_what_was_lost)
{
    struct stile_api *api = shop();
    struct stile_translation *t = begin(api, &order, 0, 1);
    struct stile_notice n;
    check(t, "{\"legacy\":1}", "{}");
    assert_int_equal(stile_translation_n_notices(t), 1);
    assert_true(stile_translation_notice(t, 0, &n));
    assert_string_equal(n.kind, "lossy");
    assert_string_equal(n.change, "first");
    assert_string_equal(n.pointer, "/legacy");
    assert_int_equal(n.n, 1);
    assert_false(stile_translation_notice(t, 1, &n));
    stile_translation_free(&t);
    stile_api_free(&api);
}

TEST(a_head_is_translated_and_what_no_change_names_stays)
{
    struct stile_api *api = shop();
    const struct stile_message get = {
        .side = STILE_REQUEST, .method = "GET", .path = "/orders"};
    const struct stile_message post = {.side = STILE_ANSWER,
                                       .method = "POST",
                                       .path = "/orders",
                                       .status = 422};
    const struct stile_field fields[] = {{"X-Req", "r1"}, {"Other", "o"}};
    struct stile_head in = {.query = "a=1&cust=7"};
    struct stile_head out;
    struct stile_translation *t = begin(api, &get, 0, 1);
    assert_int_equal(stile_translation_head(t, &in, &out), STILE_OK);
    assert_string_equal(out.query, "a=1&customer=7");
    stile_translation_free(&t);
    in = (struct stile_head){.status = 422, .fields = fields, .n_fields = 2};
    t = begin(api, &post, 0, 1);
    assert_int_equal(stile_translation_head(t, &in, &out), STILE_OK);
    assert_int_equal(out.status, 451);
    assert_null(out.query);
    assert_int_equal(out.n_fields, 2);
    bool has = false;
    for (size_t i = 0; i < out.n_fields; i++)
        has = has || (strcasecmp(out.fields[i].name, "request-id") == 0 &&
                      strcmp(out.fields[i].value, "r1") == 0);
    assert_true(has);
    stile_translation_free(&t);
    stile_api_free(&api);
}

TEST(a_head_that_moves_into_the_body_is_known_at_the_end)
{
    struct stile_api *api = shop();
    const struct stile_message pay = {
        .side = STILE_REQUEST, .method = "POST", .path = "/orders/7/pay"};
    const struct stile_head in = {.query = "a=1"};
    struct stile_head out;
    struct stile_translation *t = begin(api, &pay, 0, 1);
    assert_true(stile_translation_is_joint(t));
    assert_int_equal(stile_translation_head(t, &in, &out), STILE_OK);
    check(t, "{}", "{\"order_id\":\"7\"}");
    assert_int_equal(stile_translation_new_head(t, &out), STILE_OK);
    assert_string_equal(out.path, "/payments");
    assert_string_equal(out.query, "a=1");
    stile_translation_free(&t);
    t = begin(api, &pay, 0, 1); /* nobody tells the head */
    check(t, "{}", "{\"order_id\":\"7\"}");
    stile_translation_free(&t);
    stile_api_free(&api);
}

static void
count_step(void *arg, const struct stile_step *step)
{
    size_t *n = arg;
    assert_true(step->document_len == strlen(step->document));
    if (*n == 0)
        assert_string_equal(step->document, "{\"customer\":1}");
    else
        assert_true(step->n_touches > 0 && step->touches[0].what[0]);
    ++*n;
}

TEST(a_trace_tells_the_document_and_each_step)
{
    struct stile_api *api = shop();
    struct stile_translation *t = begin(api, &order, 0, 1);
    size_t n = 0;
    stile_translation_trace(t, count_step, &n);
    check(t, "{\"customer\":1}", "{\"customer_id\":1}");
    assert_int_equal(n, 2);
    stile_translation_free(&t);
    stile_api_free(&api);
}

TEST(a_body_tells_its_version)
{
    struct stile_api *api = shop();
    const struct stile_message m = {
        .side = STILE_REQUEST, .method = "PUT", .path = "/orders/1"};
    static const char body[] = "{\"schema\":\"v2\"}";
    size_t v = 0;
    assert_int_equal(stile_api_marker(api, &m, body, 5, false, &v),
                     STILE_SEEN_MORE);
    assert_int_equal(stile_api_marker(api, &m, body, strlen(body), true, &v),
                     STILE_SEEN_VERSION);
    assert_int_equal(v, 1);
    assert_int_equal(stile_api_marker(api, &m, "{}", 2, true, &v),
                     STILE_SEEN_NONE);
    assert_int_equal(
        stile_api_marker(api, &m, "{\"schema\":\"v7\"}", 15, true, &v),
        STILE_SEEN_UNKNOWN);
    stile_api_free(&api);
}

/* All of it with the n-th allocation failing: an error, never an end. */
static bool
survives(size_t n)
{
    struct stile_text texts[] = {text("api.yaml", api_yaml),
                                 text("changes/1.yaml", change_yaml)};
    struct stile_findings *found = NULL;
    struct stile_translation *t = NULL;
    struct stile_error e;
    static const char body[] = "{\"customer\":1,\"legacy\":2}";
    enum stile_code code = STILE_LIMIT;
    arena_fail_after(n);
    struct stile_api *api =
        stile_api_load_texts(&texts[0], &texts[1], 1, &found);
    if (api)
        code = stile_translation_open(api, &order, 0, 1, NULL, &t, &e);
    if (!code)
        code = stile_translation_feed(t, body, strlen(body));
    if (!code)
        code = stile_translation_end(t);
    arena_fail_after(0);
    assert_true(code == STILE_OK || code == STILE_LIMIT);
    stile_translation_free(&t);
    stile_findings_free(&found);
    stile_api_free(&api);
    return code == STILE_OK;
}

TEST(without_memory_there_is_an_error_and_the_host_goes_on)
{
    size_t n = 1;
    while (!survives(n) && n < 20000)
        n++;
    assert_true(n > 100 && n < 20000);
}
