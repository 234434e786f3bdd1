/* SPDX-License-Identifier: Apache-2.0 */
#include "routing/detect.h"

#include "tests/routing/request.h"
#include "tests/routing/shop.h"
#include "tests/test.h"

static const struct detect *
built(struct arena *a)
{
    const struct detect *d = NULL;
    struct err e = {0};

    if (detect_build(a, &shop, NULL, NULL, &d, &e))
        fail_msg("%s", e.text);
    return d;
}

/* "Name: value" of each field, one a line, then the path and the query. */
static span
told(struct arena *a, const struct detect_rewrite *r)
{
    span s = {0};

    for (size_t i = 0; i < r->n_fields; i++)
        s = arena_fmt(a, "%.*s%.*s: %.*s\n", SPAN_FMT(s),
                      SPAN_FMT(r->fields[i].name),
                      SPAN_FMT(r->fields[i].value));
    return arena_fmt(a, "%.*s%.*s%s%.*s", SPAN_FMT(s), SPAN_FMT(r->path),
                     r->query.len ? "?" : "", SPAN_FMT(r->query));
}

TEST(on_the_way_in_all_that_names_a_version_names_the_pools)
{
    static const struct {
        const char *fields[4];
        const char *path, *query;
        int to;
        const char *told;
    } cases[] = {
        {{"Host: h", NULL}, "/orders", "a=1", V3, "/orders?a=1"},
        {{"api-version: v1", NULL}, "/o", "", V3, "Api-Version: v3\n/o"},
        {{"api-version: 2025-01-01", NULL},
         "/o",
         "",
         V3,
         "Api-Version: 2026-02-01\n/o"},
        {{"api-version: v1", "api-version: v1", NULL},
         "/o",
         "",
         V2,
         "Api-Version: v2\n/o"},
        {{"api-version: ", NULL}, "/o", "", V3, "/o"},
        {{"Accept: text/html;q=0.3, application/vnd.shop.v1+json ;q=0.9 ,*/*",
          NULL},
         "/o",
         "",
         V3,
         "Accept: text/html;q=0.3, application/vnd.shop.v3+json ;q=0.9 ,*/*\n"
         "/o"},
        {{"Accept: application/vnd.shop.v1+json",
          "Content-Type: Application/Vnd.shop.V1+json;charset=x", NULL},
         "/o",
         "",
         V3,
         "Accept: application/vnd.shop.v3+json\n"
         "Content-Type: Application/Vnd.shop.v3+json;charset=x\n/o"},
        {{"Accept: a/b", "accept: application/vnd.shop.v1+json", NULL},
         "/o",
         "",
         V3,
         "Accept: a/b, application/vnd.shop.v3+json\n/o"},
        {{"Accept: application/vnd.shop.v1+json,"
          "application/vnd.shop.v2+json;q=0",
          NULL},
         "/o",
         "",
         V3,
         "Accept: application/vnd.shop.v3+json,"
         "application/vnd.shop.v2+json;q=0\n/o"},
        {{"Content-Type: application/json; version=\"v1\"; x=y", NULL},
         "/o",
         "",
         V3,
         "Content-Type: application/json; version=v3; x=y\n/o"},
        /* One that would swallow the next is left out. */
        {{"Accept: a/\"b", "accept: application/vnd.shop.v1+json", NULL},
         "/o",
         "",
         V3,
         "Accept: application/vnd.shop.v3+json\n/o"},
        /* Two sources in one field. */
        {{"Accept: application/vnd.shop.v1+json;version=v1", NULL},
         "/o",
         "",
         V2,
         "Accept: application/vnd.shop.v2+json;version=v2\n/o"},
        {{"Host: h", NULL},
         "/apis/v1/orders/v1",
         "api_version=v1&v=v1",
         V3,
         "/apis/v3/orders/v1?api_version=v3&v=v1"},
        {{"Host: h", NULL},
         "/apis/%761",
         "x&api%5Fversion=v%31&y",
         V3,
         "/apis/v3?x&api%5Fversion=v3&y"},
        {{"Host: h", NULL},
         "/apis/v9/x",
         "api_version=",
         V3,
         "/apis/v9/x?api_version="},
        /* Not what decides alone: whatever speaks. */
        {{"Api-Version: v1", "X-Client: ios/3.0", NULL},
         "/apis/v2/x",
         "api_version=v3",
         V2,
         "Api-Version: v2\n/apis/v2/x?api_version=v2"},
    };
    struct arena *a = arena_new(1 << 20);
    const struct detect *d = built(a);

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct facts f = {.method = SPAN("GET"),
                          .path = span_str(cases[i].path),
                          .query = span_str(cases[i].query),
                          .field = request_field,
                          .message = cases[i].fields};
        struct detect_rewrite r;

        assert_int_equal(
            detect_rewrite_request(d, a, &f, cases[i].to, &r, NULL), OK);
        span got = told(a, &r);
        if (!span_is(got, cases[i].told))
            fail_msg("case %zu: %.*s", i, SPAN_FMT(got));
    }
    arena_free(&a);
}

TEST(on_the_way_out_what_names_the_pools_version_names_the_clients)
{
    static const span ours[] = {{"shop.example", 12}, {"10.0.0.1:9002", 13}};
    static const struct {
        const char *fields[4];
        bool by_date;
        const char *told;
    } cases[] = {
        {{"Content-Type: application/json", NULL}, false, ""},
        {{"Api-Version: v3", NULL}, false, "Api-Version: v1\n"},
        {{"Api-Version: v3", NULL}, true, "Api-Version: 2024-01-15\n"},
        {{"Api-Version: 2026-02-01", NULL}, true, "Api-Version: 2024-01-15\n"},
        {{"Api-Version: v2", NULL}, false, ""}, /* the pool's business */
        {{"Content-Type: application/vnd.shop.v3+json; a=b", NULL},
         false,
         "Content-Type: application/vnd.shop.v1+json; a=b\n"},
        {{"Content-Type: application/vnd.shop.v2+json", NULL}, false, ""},
        {{"Content-Type: application/json;version=v3", NULL},
         false,
         "Content-Type: application/json;version=v1\n"},
        {{"Accept: application/vnd.shop.v3+json", NULL}, false, ""},
        {{"Location: /apis/v3/orders/7?x=v3#v3", NULL},
         false,
         "Location: /apis/v1/orders/7?x=v3#v3\n"},
        {{"Location: /apis/v2/orders/7", NULL}, false, ""},
        {{"Location: https://SHOP.example/apis/v3/o?api_version=v3", NULL},
         false,
         "Location: https://SHOP.example/apis/v1/o?api_version=v1\n"},
        {{"Location: //10.0.0.1:9002/apis/v3/o", NULL},
         false,
         "Location: //10.0.0.1:9002/apis/v1/o\n"},
        {{"Location: https://other.example/apis/v3/o", NULL}, false, ""},
        {{"Location: https://shop.example@evil/apis/v3/o", NULL}, false, ""},
        {{"Location: ftp://shop.example/apis/v3/o", NULL}, false, ""},
        {{"Location: mailto:/apis/v3/o", NULL}, false, ""},
        {{"Location: ?page=2&api_version=v3", NULL},
         false,
         "Location: ?page=2&api_version=v1\n"},
        {{"Location: orders?api_version=v3", NULL},
         false,
         "Location: orders?api_version=v1\n"},
        {{"Content-Location: /apis/v3/o", NULL},
         false,
         "Content-Location: /apis/v1/o\n"},
        {{"Link: </apis/v3/o?p=2>; rel=\"next, <x>\", <https://o.example/v3>;"
          " rel=x,</apis/v3>",
          NULL},
         false,
         "Link: </apis/v1/o?p=2>; rel=\"next, <x>\", <https://o.example/v3>;"
         " rel=x,</apis/v1>\n"},
        {{"Link: </a,b>; rel=x", "Link: </apis/v3/a,b>", NULL},
         false,
         "Link: </a,b>; rel=x, </apis/v1/a,b>\n"},
        {{"Link: </apis/v3/o", NULL}, false, ""}, /* no end */
        {{"Location: ", "Link: ", NULL}, false, ""},
    };
    struct arena *a = arena_new(1 << 20);
    const struct detect *d = built(a);

    for (size_t i = 0; i < COUNT(cases); i++) {
        static const char *const empty[] = {NULL};
        struct detect_answer answer = {
            .field = request_field,
            .message = cases[i].fields[0] ? cases[i].fields : empty,
            .authorities = ours,
            .n_authorities = 2,
            .by_date = cases[i].by_date};
        struct detect_rewrite r;

        assert_int_equal(detect_rewrite_answer(d, a, &answer, V3, V1, &r, NULL),
                         OK);
        span got = told(a, &r);
        if (!span_is(got, cases[i].told))
            fail_msg("case %zu: %.*s", i, SPAN_FMT(got));
    }
    arena_free(&a);
}

TEST(a_rewritten_request_is_detected_as_the_pools_version)
{
    struct arena *a = arena_new(1 << 20);
    const struct detect *d = built(a);
    struct facts f = REQUEST(
        "Accept: application/vnd.shop.v1+json, application/json;version=v1");
    struct detect_rewrite r;
    struct detect_result result;

    f.path = SPAN("/apis/v1/x");
    f.query = SPAN("api_version=v1");
    assert_int_equal(detect_rewrite_request(d, a, &f, V3, &r, NULL), OK);

    char *line =
        arena_str(a, arena_fmt(a, "Accept: %.*s", SPAN_FMT(r.fields[0].value)));
    struct facts again = REQUEST(line);
    again.path = r.path;
    again.query = r.query;
    detect_run(d, &again, &result);
    assert_int_equal(result.outcome, DETECT_SPOKEN);
    assert_int_equal(result.version, V3);
    arena_free(&a);
}

TEST(a_label_that_is_no_token_is_quoted_and_a_plus_is_encoded)
{
    static const struct detect_version versions[] = {
        {SPAN("a"), {0}, DETECT_NO_DATE, DETECT_NO_DATE, DETECT_NO_DATE, false},
        {SPAN("b/1+x"),
         {0},
         DETECT_NO_DATE,
         DETECT_NO_DATE,
         DETECT_NO_DATE,
         false}};
    static const struct detect_source sources[] = {
        {.kind = DETECT_MEDIA_PARAM, .text = SPAN("v")},
        {.kind = DETECT_QUERY, .text = SPAN("v")}};
    struct detect_spec spec = {.versions = versions,
                               .n_versions = 2,
                               .sources = sources,
                               .n_sources = 2};
    struct arena *a = arena_new(1 << 20);
    const struct detect *d = NULL;
    struct facts f = REQUEST("Accept: x/y;v=a");
    struct detect_rewrite r;
    struct detect_result result;

    assert_int_equal(detect_build(a, &spec, NULL, NULL, &d, NULL), OK);
    f.query = SPAN("v=a");
    assert_int_equal(detect_rewrite_request(d, a, &f, 1, &r, NULL), OK);
    assert_span(r.fields[0].value, "x/y;v=\"b/1+x\"");
    assert_span(r.query, "v=b/1%2Bx");

    struct facts again = REQUEST("Accept: x/y;v=\"b/1+x\"");
    detect_run(d, &again, &result);
    assert_int_equal(result.version, 1);
    again = REQUEST("Host: h");
    again.query = r.query;
    detect_run(d, &again, &result);
    assert_int_equal(result.version, 1);
    arena_free(&a);
}

TEST(a_head_is_rewritten_whole_or_refused_when_memory_ends)
{
    struct arena *a = arena_new(1 << 20);
    const struct detect *d = built(a);
    struct facts f = REQUEST("Api-Version: v1", "Accept: a/b",
                             "Accept: application/vnd.shop.v1+json");
    struct facts out = REQUEST("Link: </apis/v3/o>, </apis/v3/p>",
                               "Location: /apis/v3/o?api_version=v3");
    struct detect_answer answer = {.field = request_field,
                                   .message = out.message};

    f.path = SPAN("/apis/v1/x");
    f.query = SPAN("api_version=v1");
    for (int way = 0; way < 2; way++) {
        for (size_t n = 1;; n++) {
            struct arena *request = arena_new(1 << 16);
            struct detect_rewrite r;

            arena_fail_after(n);
            enum err_code code =
                way == 0 ? detect_rewrite_request(d, request, &f, V3, &r, NULL)
                         : detect_rewrite_answer(d, request, &answer, V3, V1,
                                                 &r, NULL);
            arena_fail_after(0);
            arena_free(&request);
            if (code == OK) {
                assert_true(n > 4);
                break;
            }
            assert_int_equal(code, ERR_LIMIT);
        }
    }
    arena_free(&a);
}
