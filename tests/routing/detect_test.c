/* SPDX-License-Identifier: Apache-2.0 */
#include "routing/detect.h"

#include "tests/routing/request.h"
#include "tests/routing/shop.h"
#include "tests/test.h"

static const struct detect *
built(struct arena *a, const struct detect_spec *spec)
{
    const struct detect *d = NULL;
    struct err e = {0};

    if (detect_build(a, spec, NULL, NULL, &d, &e))
        fail_msg("%s", e.text);
    return d;
}

/* A request in a line: fields, then path with its query. */
struct sent {
    const char *fields[3];
    const char *path;
    const char *query;
};

static struct facts
facts_of(const struct sent *s)
{
    return (struct facts){.method = SPAN("GET"),
                          .path = span_str(s->path ? s->path : "/orders"),
                          .query = span_str(s->query),
                          .field = request_field,
                          .message = s->fields};
}

TEST(the_first_source_that_speaks_decides)
{
    static const struct {
        struct sent sent;
        int outcome, version, source;
        const char *text;
    } cases[] = {
        /* header: a label */
        {{.fields = {"api-version: v2"}}, DETECT_SPOKEN, V2, BY_HEADER, "v2"},
        {{.fields = {"Api-Version:  v3\t"}},
         DETECT_SPOKEN,
         V3,
         BY_HEADER,
         "v3"},
        {{.fields = {"Api-Version: V3"}}, DETECT_UNKNOWN, -1, BY_HEADER, "V3"},
        {{.fields = {"Api-Version: v2a"}},
         DETECT_UNKNOWN,
         -1,
         BY_HEADER,
         "v2a"},
        {{.fields = {"Api-Version: "}}, DETECT_ASSUMED, V1, -1, ""},
        {{.fields = {"Api-Version: v2, v2"}},
         DETECT_SPOKEN,
         V2,
         BY_HEADER,
         "v2"},
        {{.fields = {"Api-Version: v2", "Api-Version:v2"}},
         DETECT_SPOKEN,
         V2,
         BY_HEADER,
         "v2"},
        {{.fields = {"Api-Version: v2", "Api-Version:v3"}},
         DETECT_CONFLICT,
         -1,
         BY_HEADER,
         "v2"},
        {{.fields = {"Api-Version: v2,zz"}},
         DETECT_CONFLICT,
         -1,
         BY_HEADER,
         "v2"},
        {{.fields = {"Api-Version: aa,zz"}},
         DETECT_CONFLICT,
         -1,
         BY_HEADER,
         "aa"},
        /* header: a date */
        {{.fields = {"Api-Version: 2024-01-15"}},
         DETECT_SPOKEN,
         V1,
         BY_HEADER,
         "2024-01-15"},
        {{.fields = {"Api-Version: 2025-02-28"}},
         DETECT_SPOKEN,
         V1,
         BY_HEADER,
         "2025-02-28"},
        {{.fields = {"Api-Version: 2025-03-01"}},
         DETECT_SPOKEN,
         V2,
         BY_HEADER,
         "2025-03-01"},
        {{.fields = {"Api-Version: 2031-01-01"}},
         DETECT_SPOKEN,
         V3,
         BY_HEADER,
         "2031-01-01"},
        {{.fields = {"Api-Version: 2024-01-14"}},
         DETECT_UNKNOWN,
         -1,
         BY_HEADER,
         "2024-01-14"},
        {{.fields = {"Api-Version: 2025-13-01"}},
         DETECT_UNKNOWN,
         -1,
         BY_HEADER,
         "2025-13-01"},
        /* media */
        {{.fields = {"Accept: application/vnd.shop.v2+json"}},
         DETECT_SPOKEN,
         V2,
         BY_MEDIA,
         "v2"},
        {{.fields = {"Accept: text/html, Application/VND.shop.V2+JSON;q=0.1"}},
         DETECT_SPOKEN,
         V2,
         BY_MEDIA,
         "V2"},
        {{.fields = {"Accept: application/vnd.shop.v1+json;q=0.5,"
                     "application/vnd.shop.v3+json;q=0.6"}},
         DETECT_SPOKEN,
         V3,
         BY_MEDIA,
         "v3"},
        {{.fields = {"Accept: application/vnd.shop.v9+json",
                     "Accept: application/vnd.shop.v1+json;q=0.5"}},
         DETECT_SPOKEN,
         V1,
         BY_MEDIA,
         "v1"}, /* the best known one */
        {{.fields = {"Accept: application/vnd.shop.v9+json"}},
         DETECT_UNKNOWN,
         -1,
         BY_MEDIA,
         "v9"},
        {{.fields = {"Accept: application/vnd.shop.v2+json;q=0"}},
         DETECT_ASSUMED,
         V1,
         -1,
         ""},
        {{.fields = {"Accept: application/vnd.shop.+json"}},
         DETECT_ASSUMED,
         V1,
         -1,
         ""},
        {{.fields = {"Accept: */*"}}, DETECT_ASSUMED, V1, -1, ""},
        {{.fields =
              {"Content-Type: application/vnd.shop.v3+json; charset=utf-8"}},
         DETECT_SPOKEN,
         V3,
         BY_MEDIA,
         "v3"},
        {{.fields = {"Content-Type: application/vnd.shop.v3+json",
                     "Accept: application/vnd.shop.v3+json"}},
         DETECT_SPOKEN,
         V3,
         BY_MEDIA,
         "v3"},
        {{.fields = {"Content-Type: application/vnd.shop.v3+json",
                     "Accept: application/vnd.shop.v2+json"}},
         DETECT_CONFLICT,
         -1,
         BY_MEDIA,
         "v2"},
        /* media_param */
        {{.fields = {"Content-Type: application/json; version=v2"}},
         DETECT_SPOKEN,
         V2,
         BY_PARAM,
         "v2"},
        {{.fields = {"Accept: application/json; Version=\"v2\""}},
         DETECT_SPOKEN,
         V2,
         BY_PARAM,
         "\"v2\""},
        {{.fields = {"Accept: application/json; version=v2a"}},
         DETECT_UNKNOWN,
         -1,
         BY_PARAM,
         "v2a"},
        /* client */
        {{.fields = {"X-Client: ios/3.9.1"}},
         DETECT_SPOKEN,
         V1,
         BY_CLIENT,
         "ios/3.9.1"},
        {{.fields = {"X-Client: iOS 7.11.2 (iPhone)"}},
         DETECT_SPOKEN,
         V2,
         BY_CLIENT,
         "iOS 7.11.2 (iPhone)"},
        {{.fields = {"X-Client: ios/7.12.0-beta"}},
         DETECT_SPOKEN,
         V2,
         BY_CLIENT,
         "ios/7.12.0-beta"},
        {{.fields = {"X-Client: ios/7.12"}}, DETECT_ASSUMED, V1, -1, ""},
        {{.fields = {"X-Client: web/1.0"}}, DETECT_ASSUMED, V1, -1, ""},
        {{.fields = {"X-Client: ios/x"}}, DETECT_ASSUMED, V1, -1, ""},
        {{.fields = {"X-Client: ios"}}, DETECT_ASSUMED, V1, -1, ""},
        {{.fields = {"X-Client: ios/3.0", "X-Client: ios/5.0"}},
         DETECT_CONFLICT,
         -1,
         BY_CLIENT,
         "ios/3.0"},
        /* query */
        {{.query = "a=1&api%5Fversion=v%32"},
         DETECT_SPOKEN,
         V2,
         BY_QUERY,
         "v%32"},
        {{.query = "api_version="}, DETECT_ASSUMED, V1, -1, ""},
        {{.query = "api_version=2025-03-01"},
         DETECT_UNKNOWN,
         -1,
         BY_QUERY,
         "2025-03-01"},
        {{.query = "api_version=v1&api_version=v2"},
         DETECT_CONFLICT,
         -1,
         BY_QUERY,
         "v1"},
        /* path */
        {{.path = "/apis/v2/orders"}, DETECT_SPOKEN, V2, BY_PATH, "v2"},
        {{.path = "/apis/v2"}, DETECT_SPOKEN, V2, BY_PATH, "v2"},
        {{.path = "/%61pis/%762/x"}, DETECT_SPOKEN, V2, BY_PATH, "%762"},
        {{.path = "/apis/v2a/orders"}, DETECT_UNKNOWN, -1, BY_PATH, "v2a"},
        {{.path = "/apis/v9/orders"}, DETECT_UNKNOWN, -1, BY_PATH, "v9"},
        {{.path = "/apis"}, DETECT_ASSUMED, V1, -1, ""},
        {{.path = "/apis/"}, DETECT_ASSUMED, V1, -1, ""},
        /* pin: what was said is a secret, the label stands for it */
        {{.fields = {"Authorization: token1"}},
         DETECT_SPOKEN,
         V2,
         BY_PIN,
         "v2"},
        {{.fields = {"Authorization: token2"}}, DETECT_ASSUMED, V1, -1, ""},
        /* the order */
        {{.fields = {"Api-Version: v3", "X-Client: ios/3.0"},
          "/apis/v2/x",
          "api_version=v1"},
         DETECT_SPOKEN,
         V3,
         BY_HEADER,
         "v3"},
        {{.fields = {"X-Client: ios/3.0"}, "/apis/v2/x", "api_version=v2"},
         DETECT_SPOKEN,
         V1,
         BY_CLIENT,
         "ios/3.0"},
        {{.fields = {"Api-Version: v9"}, "/apis/v2/x", NULL},
         DETECT_UNKNOWN,
         -1,
         BY_HEADER,
         "v9"}, /* and not the next source */
    };
    struct arena *a = arena_new(1 << 20);
    const struct detect *d = built(a, &shop);

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct facts f = facts_of(&cases[i].sent);
        struct detect_result r;

        detect_run(d, &f, &r);
        if ((int)r.outcome != cases[i].outcome ||
            r.version != cases[i].version || r.source != cases[i].source ||
            !span_is(r.text, cases[i].text))
            fail_msg("case %zu: %s, version %d, source %d, \"%.*s\"", i,
                     detect_outcome_name(r.outcome), r.version, r.source,
                     SPAN_FMT(r.text));
        if (r.source >= 0)
            assert_int_equal(r.kind, shop_sources[r.source].kind);
    }
    arena_free(&a);
}

TEST(a_pin_goes_by_header_cookie_or_the_name_of_a_certificate)
{
    static const struct {
        const char *key, *field, *certificate;
        int version;
        const char *vary;
    } cases[] = {
        {"header:X-Key", "X-Key: token1", "", V2, "X-Key"},
        {"cookie:sid", "Cookie: a=b; sid=token1", "", V2, "Cookie"},
        {"certificate", "Host: h", "token1", V2, ""},
        {"certificate", "Host: h", "token2", V1, ""},
        {"certificate", "certificate: token1", "", V1, ""},
    };
    struct arena *a = arena_new(1 << 20);

    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct detect_source source = {.kind = DETECT_PIN,
                                             .text = span_str(cases[i].key),
                                             .pins = shop_pins,
                                             .n_pins = COUNT(shop_pins)};
        struct detect_spec spec = shop;
        struct sent sent = {.fields = {cases[i].field}};
        struct facts f = facts_of(&sent);
        struct detect_result r;

        spec.sources = &source;
        spec.n_sources = 1;
        f.certificate = span_str(cases[i].certificate);
        const struct detect *d = built(a, &spec);
        detect_run(d, &f, &r);
        if (r.version != cases[i].version ||
            !span_is(detect_vary(d, &r), cases[i].vary))
            fail_msg("case %zu: version %d, vary \"%.*s\"", i, r.version,
                     SPAN_FMT(detect_vary(d, &r)));
    }
    arena_free(&a);
}

TEST(a_date_is_told_from_a_label)
{
    static const struct detect_version versions[] = {
        {SPAN("2022-11-28"),
         {0},
         DETECT_NO_DATE,
         DETECT_NO_DATE,
         DETECT_NO_DATE,
         false},
        {SPAN("2026-03-10"),
         {0},
         DETECT_NO_DATE,
         DETECT_NO_DATE,
         DETECT_NO_DATE,
         false},
    };
    struct detect_spec spec = {.versions = versions,
                               .n_versions = 2,
                               .sources = shop_sources,
                               .n_sources = 1};
    struct arena *a = arena_new(1 << 20);
    struct facts by_label = REQUEST("Api-Version: 2022-11-28");
    struct facts by_date = REQUEST("Api-Version: 2022-11-29");
    struct detect_result r;

    detect_run(built(a, &shop), &by_date, &r);
    assert_int_equal(r.outcome, DETECT_UNKNOWN);
    assert_true(r.by_date);
    /* Labels that look like dates are labels; without dates none fits one. */
    const struct detect *d = built(a, &spec);
    detect_run(d, &by_label, &r);
    assert_int_equal(r.outcome, DETECT_SPOKEN);
    assert_false(r.by_date);
    detect_run(d, &by_date, &r);
    assert_int_equal(r.outcome, DETECT_UNKNOWN);
    arena_free(&a);
}

TEST(without_a_word_and_missing_refuse_it_is_missing)
{
    struct arena *a = arena_new(1 << 20);
    struct detect_spec spec = shop;
    struct facts f = REQUEST("Host: h");
    struct detect_result r;

    spec.missing = (span){0};
    detect_run(built(a, &spec), &f, &r);
    assert_int_equal(r.outcome, DETECT_MISSING);
    assert_int_equal(r.version, DETECT_NONE);
    arena_free(&a);
}

TEST(sources_that_must_agree_and_do_not_are_a_conflict)
{
    struct arena *a = arena_new(1 << 20);
    struct detect_spec spec = shop;
    struct facts same = REQUEST("Api-Version: v2", "X-Client: ios/5.0");
    struct facts differ = REQUEST("Api-Version: v2", "X-Client: ios/3.0");
    struct facts unknown = REQUEST("Api-Version: v2");
    struct detect_result r;

    spec.agree = true;
    const struct detect *d = built(a, &spec);
    detect_run(d, &same, &r);
    assert_int_equal(r.outcome, DETECT_SPOKEN);
    assert_int_equal(r.version, V2);
    assert_int_equal(r.source, BY_HEADER);
    detect_run(d, &differ, &r);
    assert_int_equal(r.outcome, DETECT_CONFLICT);
    assert_int_equal(r.version, DETECT_NONE);
    assert_int_equal(r.source, BY_HEADER);
    assert_span(r.text, "v2");
    assert_int_equal(r.other_source, BY_CLIENT);
    assert_span(r.other_text, "ios/3.0");
    unknown.query = SPAN("api_version=v9");
    detect_run(d, &unknown, &r);
    assert_int_equal(r.outcome, DETECT_CONFLICT);
    assert_int_equal(r.other_source, BY_QUERY);
    /* Without `agree` the first wins. */
    detect_run(built(a, &shop), &differ, &r);
    assert_int_equal(r.version, V2);
    arena_free(&a);
}

TEST(a_body_is_asked_for_only_when_nothing_before_it_spoke)
{
    struct arena *a = arena_new(1 << 20);
    const struct detect *d = built(a, &shop);
    struct facts silent = REQUEST("Host: h"),
                 spoken = REQUEST("Api-Version: v2");
    struct detect_result r;

    silent.has_body = spoken.has_body = true;
    detect_run(d, &spoken, &r);
    assert_int_equal(r.outcome, DETECT_SPOKEN);
    detect_run(d, &silent, &r);
    assert_int_equal(r.outcome, DETECT_NEEDS_BODY);
    assert_int_equal(r.source, BY_BODY);
    assert_int_equal(r.version, DETECT_NONE);

    detect_body(d, &silent, V3, (span){0}, &r);
    assert_int_equal(r.outcome, DETECT_SPOKEN);
    assert_int_equal(r.version, V3);
    assert_int_equal(r.kind, DETECT_BODY);
    assert_span(r.text, "v3");
    detect_body(d, &silent, V2A, (span){0}, &r);
    assert_int_equal(r.outcome, DETECT_UNKNOWN);
    detect_body(d, &silent, DETECT_NONE, SPAN("\"v9\""), &r);
    assert_int_equal(r.outcome, DETECT_UNKNOWN);
    assert_span(r.text, "\"v9\"");
    detect_body(d, &silent, DETECT_NONE, (span){0}, &r);
    assert_int_equal(r.outcome, DETECT_ASSUMED);
    assert_int_equal(r.version, V1);
    arena_free(&a);
}

TEST(without_a_marker_the_sources_after_the_body_are_asked)
{
    static const struct detect_source sources[] = {
        {.kind = DETECT_BODY},
        {.kind = DETECT_HEADER, .text = SPAN("Api-Version")},
    };
    struct arena *a = arena_new(1 << 20);
    struct detect_spec spec = shop;
    struct facts f = REQUEST("Api-Version: v2");
    struct detect_result r;

    spec.sources = sources;
    spec.n_sources = 2;
    spec.agree = true;
    const struct detect *d = built(a, &spec);
    detect_run(d, &f, &r); /* no body: it says nothing */
    assert_int_equal(r.version, V2);
    f.has_body = true;
    detect_run(d, &f, &r);
    assert_int_equal(r.outcome, DETECT_NEEDS_BODY);
    detect_body(d, &f, DETECT_NONE, (span){0}, &r);
    assert_int_equal(r.version, V2);
    assert_int_equal(r.source, 1);
    detect_body(d, &f, V3, (span){0}, &r);
    assert_int_equal(r.outcome, DETECT_CONFLICT);
    arena_free(&a);
}

TEST(a_preflight_has_no_version)
{
    struct arena *a = arena_new(1 << 20);
    const struct detect *d = built(a, &shop);
    struct facts preflight = REQUEST("Origin: https://x", "Api-Version: v9",
                                     "Access-Control-Request-Method: PUT");
    struct facts plain = REQUEST("Origin: https://x", "Api-Version: v9");
    struct detect_result r;

    preflight.method = plain.method = SPAN("OPTIONS");
    detect_run(d, &preflight, &r);
    assert_int_equal(r.outcome, DETECT_PREFLIGHT);
    assert_int_equal(detect_vary(d, &r).len, 0);
    detect_run(d, &plain, &r);
    assert_int_equal(r.outcome, DETECT_UNKNOWN);
    preflight.method = SPAN("GET");
    detect_run(d, &preflight, &r);
    assert_int_equal(r.outcome, DETECT_UNKNOWN);
    arena_free(&a);
}

TEST(vary_names_what_was_looked_at_until_one_decided)
{
    static const struct {
        struct sent sent;
        const char *vary;
    } cases[] = {
        {{.fields = {"Api-Version: v2"}}, "Api-Version"},
        {{.fields = {"Accept: application/vnd.shop.v2+json"}},
         "Api-Version, Accept, Content-Type"},
        {{.fields = {"X-Client: ios/1"}},
         "Api-Version, Accept, Content-Type, X-Client"},
        {{.path = "/apis/v2"}, "Api-Version, Accept, Content-Type, X-Client"},
        {{.fields = {"Host: h"}},
         "Api-Version, Accept, Content-Type, X-Client, Authorization"},
    };
    struct arena *a = arena_new(1 << 20);
    struct detect_spec spec = shop;
    struct detect_result r;

    const struct detect *d = built(a, &spec);
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct facts f = facts_of(&cases[i].sent);
        detect_run(d, &f, &r);
        assert_span(detect_vary(d, &r), cases[i].vary);
    }
    spec.agree = true;
    d = built(a, &spec);
    struct facts f = facts_of(&cases[0].sent);
    detect_run(d, &f, &r);
    assert_span(detect_vary(d, &r),
                "Api-Version, Accept, Content-Type, X-Client, Authorization");
    arena_free(&a);
}

TEST(a_deprecated_version_says_so_and_is_gone_past_its_sunset)
{
    static const int64_t sunset_s = (int64_t)DAY_2026_12_31 * 86400;
    struct arena *a = arena_new(1 << 20);
    const struct detect *d = built(a, &shop);
    struct detect_notice n;

    detect_notice(d, V1, sunset_s - 1, &n);
    assert_false(n.is_gone);
    assert_span(n.deprecation, "@1748736000");
    assert_span(n.sunset, "Thu, 31 Dec 2026 00:00:00 GMT");
    assert_span(n.link, "<https://dev.example/v1>; rel=\"deprecation sunset\"");
    detect_notice(d, V1, sunset_s, &n);
    assert_true(n.is_gone);
    detect_notice(d, V2, sunset_s, &n);
    assert_false(n.is_gone);
    assert_int_equal(n.deprecation.len + n.sunset.len + n.link.len, 0);
    arena_free(&a);
}

TEST(names_and_words_are_those_of_the_spec)
{
    struct arena *a = arena_new(1 << 20);
    const struct detect *d = built(a, &shop);

    assert_span(detect_known(d), "v1, v2, v3");
    assert_span(detect_echo(d), "Api-Version");
    assert_span(detect_label(d, V2A), "v2a");
    assert_int_equal(detect_find(d, SPAN("v2a")), V2A);
    assert_int_equal(detect_find(d, SPAN("v9")), DETECT_NONE);
    assert_string_equal(detect_kind_name(DETECT_MEDIA_PARAM), "media_param");
    assert_string_equal(detect_outcome_name(DETECT_NEEDS_BODY), "NEEDS_BODY");
    arena_free(&a);
}

TEST(labels_with_slashes_are_found_in_paths)
{
    static const struct detect_version versions[] = {
        {SPAN("extensions/v1beta1"),
         {0},
         DETECT_NO_DATE,
         DETECT_NO_DATE,
         DETECT_NO_DATE,
         false},
        {SPAN("networking.k8s.io/v1beta1"),
         {0},
         DETECT_NO_DATE,
         DETECT_NO_DATE,
         DETECT_NO_DATE,
         false},
        {SPAN("networking.k8s.io/v1"),
         {0},
         DETECT_NO_DATE,
         DETECT_NO_DATE,
         DETECT_NO_DATE,
         false},
    };
    static const struct detect_source sources[] = {
        {.kind = DETECT_PATH, .text = SPAN("/apis/{version}/namespaces/{ns}")},
    };
    static const struct {
        const char *path;
        int outcome, version;
        const char *text;
    } cases[] = {
        {"/apis/networking.k8s.io/v1/namespaces/x/ingresses", DETECT_SPOKEN, 2,
         "networking.k8s.io/v1"},
        {"/apis/extensions/v1beta1/namespaces/x", DETECT_SPOKEN, 0,
         "extensions/v1beta1"},
        /* Ours, and not under this source: it says nothing. */
        {"/apis/networking.k8s.io/v1/ingresses", DETECT_MISSING, -1, ""},
        {"/apis/apps/v1/namespaces/x", DETECT_UNKNOWN, -1, "apps"},
    };
    struct detect_spec spec = {.versions = versions,
                               .n_versions = 3,
                               .sources = sources,
                               .n_sources = 1};
    struct arena *a = arena_new(1 << 20);
    const struct detect *d = built(a, &spec);

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct facts f = REQUEST("Host: h");
        struct detect_result r;

        f.path = span_str(cases[i].path);
        detect_run(d, &f, &r);
        if ((int)r.outcome != cases[i].outcome || r.version != cases[i].version)
            fail_msg("%s: %s %d", cases[i].path, detect_outcome_name(r.outcome),
                     r.version);
        assert_span(r.text, cases[i].text);
    }
    arena_free(&a);
}

TEST(a_pool_is_told_in_a_header_what_the_request_cannot_say)
{
    static const struct {
        struct sent sent;
        const char *field;
    } cases[] = {
        {{.fields = {"X-Other: 1"}}, "Api-Version"},
        {{.fields = {"X-Client: ios/3.0"}}, "Api-Version"},
        {{.fields = {"Api-Version: v2"}}, ""},
        {{.query = "api_version=v2"}, ""},
    };
    struct arena *a = arena_new(1 << 20);
    const struct detect *d = built(a, &shop);

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct facts f = facts_of(&cases[i].sent);
        struct detect_result r;

        detect_run(d, &f, &r);
        assert_span(detect_spoken_field(d, &r), cases[i].field);
    }
    arena_free(&a);
}
