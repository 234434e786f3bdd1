/* SPDX-License-Identifier: Apache-2.0 */
/* What is wrong with a description of detection is found when it is built. */
#include "routing/detect.h"

#include "tests/routing/shop.h"
#include "tests/test.h"

struct found {
    size_t n_errors, n_warnings;
    struct detect_finding first;
};

static void
on_finding(void *ctx, const struct detect_finding *f)
{
    struct found *found = ctx;

    if (found->n_errors + found->n_warnings == 0)
        found->first = *f;
    found->n_errors += f->is_error;
    found->n_warnings += !f->is_error;
}

TEST(a_fault_in_a_source_names_the_source_and_the_item)
{
    static const struct detect_client unknown[] = {
        {SPAN("ios"), SPAN("<4"), SPAN("v1")},
        {SPAN("ios"), SPAN(">=4"), SPAN("v9")}};
    static const struct detect_client internal[] = {
        {SPAN("ios"), SPAN("<4"), SPAN("v2a")}};
    static const struct detect_client overlap[] = {
        {SPAN("ios"), SPAN("<=4.0"), SPAN("v1")},
        {SPAN("android"), SPAN("<9"), SPAN("v1")},
        {SPAN("iOS"), SPAN(">=4.0"), SPAN("v2")}};
    static const struct detect_client gap[] = {
        {SPAN("ios"), SPAN(">=5 <6"), SPAN("v2")},
        {SPAN("ios"), SPAN("<4"), SPAN("v1")},
        {SPAN("ios"), SPAN(">=6 <7"), SPAN("v2")}};
    static const struct detect_client range[] = {
        {SPAN("ios"), SPAN("4.0"), SPAN("v1")}};
    static const struct detect_pin twice[] = {{SPAN("aa"), SPAN("v1")},
                                              {SPAN("aa"), SPAN("v2")}};
    static const struct {
        struct detect_source source;
        bool is_error;
        int item;
        const char *says;
    } cases[] = {
        {{.kind = DETECT_HEADER, .text = SPAN("Api Version")},
         true,
         -1,
         "no name of a header"},
        {{.kind = DETECT_MEDIA, .text = SPAN("application/vnd.shop+json")},
         true,
         -1,
         "{version}"},
        {{.kind = DETECT_MEDIA, .text = SPAN("{version}")},
         true,
         -1,
         "media type with {version}"},
        {{.kind = DETECT_MEDIA_PARAM, .text = SPAN("")},
         true,
         -1,
         "no name of a parameter"},
        {{.kind = DETECT_QUERY}, true, -1, "parameter's name"},
        {{.kind = DETECT_PATH, .text = SPAN("/apis/")},
         true,
         -1,
         "segment {version}"},
        {{.kind = DETECT_PATH, .text = SPAN("/a*/{version}/")},
         true,
         -1,
         "path template"},
        {{.kind = DETECT_PIN, .text = SPAN("Authorization")},
         true,
         -1,
         "header:NAME, cookie:NAME or certificate"},
        {{.kind = DETECT_PIN,
          .text = SPAN("cookie:a"),
          .pins = twice,
          .n_pins = 2},
         true,
         1,
         "twice"},
        {{.kind = DETECT_CLIENT, .text = SPAN("X")}, true, -1, "needs builds"},
        {{.kind = DETECT_CLIENT,
          .text = SPAN("X"),
          .clients = unknown,
          .n_clients = 2},
         true,
         1,
         "\"v9\" is not a version; there are v1, v2, v3"},
        {{.kind = DETECT_CLIENT,
          .text = SPAN("X"),
          .clients = internal,
          .n_clients = 1},
         true,
         0,
         "internal"},
        {{.kind = DETECT_CLIENT,
          .text = SPAN("X"),
          .clients = overlap,
          .n_clients = 3},
         true,
         2,
         "that of rule 1"},
        {{.kind = DETECT_CLIENT,
          .text = SPAN("X"),
          .clients = range,
          .n_clients = 1},
         true,
         0,
         "not a range"},
        {{.kind = DETECT_CLIENT,
          .text = SPAN("X"),
          .clients = gap,
          .n_clients = 3},
         false,
         1,
         "no rule speaks for"},
    };
    struct arena *a = arena_new(1 << 20);

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct detect_source sources[] = {shop_sources[0], cases[i].source};
        struct detect_spec spec = shop;
        struct found found = {0};
        const struct detect *d = NULL;
        struct err e = {0};

        spec.sources = sources;
        spec.n_sources = 2;
        enum err_code code = detect_build(a, &spec, on_finding, &found, &d, &e);
        if (code != (cases[i].is_error ? ERR_INVALID : OK) ||
            (d != NULL) == cases[i].is_error ||
            found.n_errors != cases[i].is_error ||
            found.n_warnings == cases[i].is_error || found.first.source != 1 ||
            found.first.item != cases[i].item ||
            !strstr(found.first.text, cases[i].says))
            fail_msg("case %zu: %d, %zu errors, source %d item %d: %s", i, code,
                     found.n_errors, found.first.source, found.first.item,
                     found.first.text);
    }
    arena_free(&a);
}

TEST(faults_of_versions_are_all_found)
{
    static const struct detect_version versions[] = {
        {SPAN("v1"),
         {0},
         DETECT_NO_DATE,
         DAY_2026_12_31,
         DAY_2024_01_15,
         false}, /* ends before it is deprecated */
        {SPAN("v 2"),
         {0},
         DETECT_NO_DATE,
         DETECT_NO_DATE,
         DETECT_NO_DATE,
         false},
        {SPAN("v1"), SPAN("a>b"), DETECT_NO_DATE, DETECT_NO_DATE,
         DETECT_NO_DATE, false}, /* twice, and its link */
        {SPAN("/v"),
         {0},
         DETECT_NO_DATE,
         DETECT_NO_DATE,
         DETECT_NO_DATE,
         false},
        {SPAN("a/b"),
         {0},
         DETECT_NO_DATE,
         DETECT_NO_DATE,
         DETECT_NO_DATE,
         false}, /* in a media type */
    };
    struct detect_spec spec = {.versions = versions,
                               .n_versions = 5,
                               .sources = shop_sources + 1,
                               .n_sources = 1,
                               .missing = SPAN("v7"),
                               .echo = SPAN("a:b")};
    struct arena *a = arena_new(1 << 20);
    struct found found = {0};
    const struct detect *d = NULL;
    struct err e;

    assert_int_equal(detect_build(a, &spec, on_finding, &found, &d, &e),
                     ERR_INVALID);
    /* 5 above, "a/b", "v 2" and "/v" in a media type, missing and echo. */
    assert_int_equal(found.n_errors, 5 + 3 + 2);
    assert_int_equal(found.first.version, 0);
    assert_non_null(strstr(e.text, "before it is deprecated"));
    assert_null(d);
    arena_free(&a);
}

TEST(an_api_that_would_refuse_everything_is_refused)
{
    struct detect_spec spec = {.versions = shop_versions, .n_versions = 4};
    struct arena *a = arena_new(1 << 20);
    const struct detect *d = NULL;

    assert_int_equal(detect_build(a, &spec, NULL, NULL, &d, NULL), ERR_INVALID);
    spec.missing = SPAN("v1");
    assert_int_equal(detect_build(a, &spec, NULL, NULL, &d, NULL), OK);
    arena_free(&a);
}

TEST(detection_is_built_whole_or_refused_when_memory_ends)
{
    for (size_t n = 1;; n++) {
        struct arena *a = arena_new(1 << 20);
        const struct detect *d = NULL;

        arena_fail_after(n);
        enum err_code code = detect_build(a, &shop, NULL, NULL, &d, NULL);
        arena_fail_after(0);
        arena_free(&a);
        if (code == OK) {
            assert_true(n > 30);
            break;
        }
        assert_int_equal(code, ERR_LIMIT);
        assert_null(d);
    }
}
