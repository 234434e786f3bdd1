/* SPDX-License-Identifier: Apache-2.0 */
#include "routing/route.h"

#include "tests/test.h"

static const struct route_table *
built(struct arena *a, const struct route_spec *specs, size_t n)
{
    const struct route_table *t = NULL;
    struct err e = {0};
    size_t which = 99;

    if (route_build(a, specs, n, &t, &which, &e))
        fail_msg("route %zu: %s", which, e.text);
    return t;
}

static int
find(const struct route_table *t, const char *method, const char *host,
     const char *path)
{
    struct route_request r = {0, span_str(host), span_str(method),
                              span_str(path)};

    return route_find(t, &r, NULL);
}

#define ROUTE(h, p)                                                            \
    {                                                                          \
        .host = SPAN(h), .path = SPAN(p)                                       \
    }

static const span get[] = {{"GET", 3}};
static const span put_post[] = {{"PUT", 3}, {"POST", 4}};

TEST(the_most_specific_route_is_taken_host_before_path_before_method)
{
    static const struct route_spec specs[] = {
        ROUTE("*", "/**"),
        ROUTE("*", "/orders/**"),
        ROUTE("*", "/orders/{id}"),
        {.host = SPAN("*"),
         .path = SPAN("/orders/{id}"),
         .methods = put_post,
         .n_methods = 2},
        ROUTE("*", "/orders/new"),
        ROUTE("shop.example", "/a/**"),
        ROUTE("*.example", "/**"),
        ROUTE("*.shop.example", "/a/{x}/c"),
        ROUTE("", "/orders"),
        ROUTE("*", "/{any}/new"),
    };
    static const struct {
        const char *method, *host, *path;
        int route;
    } cases[] = {
        {"GET", "x", "/", 0},
        {"GET", "x", "/orders", 8},
        {"GET", "x", "/orders/", 1},
        {"GET", "x", "/orders/7", 2},
        {"POST", "x", "/orders/7", 3},
        {"PUT", "x", "/orders/7", 3},
        {"PATCH", "x", "/orders/7", 2},
        {"GET", "x", "/orders/7/lines", 1},
        {"GET", "x", "/orders/new", 4},
        {"GET", "x", "/%6frders/n%65w", 4},
        {"GET", "x", "/other/new", 9},
        {"GET", "x", "/other/old", 0},
        {"GET", "shop.example", "/a/b", 5},
        {"GET", "SHOP.example.:8080", "/a/b", 5},
        {"GET", "shop.example", "/orders/new", 6}, /* *.example is before * */
        {"GET", "x.shop.example", "/a/b/c", 7},
        {"GET", "x.y.shop.example", "/a/b/c", 7},
        {"GET", "x.shop.example", "/a/b", 6},
        {"GET", "example", "/orders/new", 4}, /* *.example needs a label */
        {"GET", ".example", "/orders/new", 4},
        {"GET", "", "/orders/new", 4},
        {"GET", "x", "", ROUTE_NONE},
        {"OPTIONS", "x", "*", ROUTE_NONE},
    };
    struct arena *a = arena_new(1 << 20);
    const struct route_table *t = built(a, specs, COUNT(specs));

    for (size_t i = 0; i < COUNT(cases); i++) {
        int route = find(t, cases[i].method, cases[i].host, cases[i].path);
        if (route != cases[i].route)
            fail_msg("%s %s %s took route %d, not %d", cases[i].method,
                     cases[i].host, cases[i].path, route, cases[i].route);
    }
    arena_free(&a);
}

TEST(the_order_in_the_file_settles_what_is_left)
{
    static const struct route_spec specs[] = {
        {.path = SPAN("/a/{x}"), .methods = put_post, .n_methods = 2},
        {.path = SPAN("/a/{y}"), .methods = get, .n_methods = 1},
        ROUTE("", "/a/{z}"),
    };
    struct arena *a = arena_new(1 << 20);
    const struct route_table *t = built(a, specs, COUNT(specs));

    assert_int_equal(find(t, "POST", "h", "/a/1"), 0);
    assert_int_equal(find(t, "GET", "h", "/a/1"), 1);
    assert_int_equal(find(t, "HEAD", "h", "/a/1"), 1); /* GET stands for it */
    assert_int_equal(find(t, "DELETE", "h", "/a/1"), 2);
    arena_free(&a);
}

TEST(without_a_route_that_fits_there_is_none)
{
    static const struct route_spec specs[] = {
        {.host = SPAN("shop.example"),
         .path = SPAN("/a"),
         .methods = get,
         .n_methods = 1},
    };
    struct arena *a = arena_new(1 << 20);
    const struct route_table *t = built(a, specs, 1),
                             *empty = built(a, NULL, 0);

    assert_int_equal(find(t, "GET", "shop.example", "/a"), 0);
    assert_int_equal(find(t, "GET", "shop.example", "/b"), ROUTE_NONE);
    assert_int_equal(find(t, "PUT", "shop.example", "/a"), ROUTE_NONE);
    assert_int_equal(find(t, "get", "shop.example", "/a"), ROUTE_NONE);
    assert_int_equal(find(t, "GET", "other.example", "/a"), ROUTE_NONE);
    assert_int_equal(find(empty, "GET", "shop.example", "/a"), ROUTE_NONE);
    arena_free(&a);
}

TEST(a_route_that_names_its_scheme_is_not_walked_around_by_one_that_does_not)
{
    static const struct route_spec specs[] = {
        {.host = SPAN("h"), .path = SPAN("/x")},
        {.path = SPAN("/**"), .scheme = ROUTE_HTTP},
        {.path = SPAN("/acme/**"), .scheme = ROUTE_HTTP},
        {.path = SPAN("/y"), .scheme = ROUTE_HTTPS},
    };
    static const struct {
        const char *path;
        int route;
        bool is_https;
    } cases[] = {{"/x", 1, false},      {"/x", 0, true},
                 {"/acme/1", 2, false}, {"/acme/1", ROUTE_NONE, true},
                 {"/y", 3, true},       {"/y", 1, false}};
    struct arena *a = arena_new(1 << 20);
    const struct route_table *t = built(a, specs, COUNT(specs));

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct route_request r = {cases[i].is_https, SPAN("h"), SPAN("GET"),
                                  span_str(cases[i].path)};
        assert_int_equal(route_find(t, &r, NULL), cases[i].route);
    }
    arena_free(&a);
}

TEST(a_version_in_a_route_is_one_of_the_labels)
{
    static const span labels[] = {{"networking.k8s.io/v1", 20},
                                  {"extensions/v1beta1", 18}};
    static const struct route_spec specs[] = {
        {.path = SPAN("/apis/{version}/namespaces/{ns}/ingresses"),
         .labels = labels,
         .n_labels = 2},
        {.path = SPAN("/apis/{version}/**"), .labels = labels, .n_labels = 2},
        ROUTE("", "/apis/**"),
        ROUTE("", "/apis/extensions/v1beta1/namespaces/x/{kind}"),
    };
    struct arena *a = arena_new(1 << 20);
    const struct route_table *t = built(a, specs, COUNT(specs));
    struct template_match m;
    struct route_request r = {
        0, SPAN("h"), SPAN("GET"),
        SPAN("/apis/networking.k8s.io/v1/namespaces/x/ingresses")};

    assert_int_equal(route_find(t, &r, &m), 0);
    assert_span(template_captured(&m, SPAN("version")), "networking.k8s.io/v1");
    assert_span(template_captured(&m, SPAN("ns")), "x");
    assert_int_equal(m.label, 0);
    assert_int_equal(find(t, "GET", "h", "/apis/extensions/v1beta1/x"), 1);
    assert_int_equal(find(t, "GET", "h", "/apis/apps/v1/x"), 2);
    /* A literal is more specific than the label that says the same. */
    assert_int_equal(
        find(t, "GET", "h", "/apis/extensions/v1beta1/namespaces/x/ingresses"),
        3);
    arena_free(&a);
}

TEST(a_route_that_nothing_can_reach_is_refused)
{
    static const struct route_spec cases[][2] = {
        {ROUTE("*", "/a/{x}"), ROUTE("", "/a/{y}")},
        {ROUTE("Shop.example", "/a"), ROUTE("shop.EXAMPLE", "/%61")},
        {ROUTE("", ""), ROUTE("*", "/**")},
        {{.path = SPAN("/a"), .methods = put_post, .n_methods = 2},
         {.path = SPAN("/a"), .methods = put_post + 1, .n_methods = 1}},
        {{.path = SPAN("/a"), .scheme = ROUTE_HTTPS},
         {.path = SPAN("/a"), .scheme = ROUTE_HTTPS}},
    };
    struct arena *a = arena_new(1 << 20);

    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct route_table *t = NULL;
        struct err e = {0};
        size_t which = 99;

        if (route_build(a, cases[i], 2, &t, &which, &e) != ERR_INVALID ||
            which != 1)
            fail_msg("case %zu: %d, route %zu", i, e.code, which);
        assert_null(t);
    }
    arena_free(&a);
}

TEST(a_bad_host_or_path_names_its_route)
{
    static const char *const hosts[] = {"a:80", "*x",  "a.*",  "a..",     ".a",
                                        "*.",   "a b", "**.a", "http://a"};
    struct arena *a = arena_new(1 << 20);
    const struct route_table *t = NULL;
    size_t which = 99;

    for (size_t i = 0; i < COUNT(hosts); i++) {
        struct route_spec specs[] = {ROUTE("", "/"),
                                     {.host = span_str(hosts[i])}};
        which = 99;
        if (route_build(a, specs, 2, &t, &which, NULL) != ERR_INVALID ||
            which != 1)
            fail_msg("%s was taken", hosts[i]);
    }
    struct route_spec specs[] = {ROUTE("[::1]", "/"), ROUTE("", "/a*")};
    assert_int_equal(route_build(a, specs, 2, &t, &which, NULL), ERR_INVALID);
    assert_int_equal(which, 1);
    assert_int_equal(route_build(a, specs, 1, &t, &which, NULL), OK);
    assert_int_equal(find(t, "GET", "[::1]:443", "/"), 0);
    arena_free(&a);
}

TEST(hosts_and_paths_longer_than_any_name_fit_the_widest_route)
{
    static const struct route_spec specs[] = {
        ROUTE("*", "/**"), ROUTE("*.a", "/**"), ROUTE("*", "/{x}/{y}")};
    struct arena *a = arena_new(1 << 20);
    const struct route_table *t = built(a, specs, COUNT(specs));
    struct buf b;

    buf_init(&b, 1 << 16);
    for (int i = 0; i < 4000; i++)
        buf_str(&b, "/x");
    struct route_request r = {0, SPAN("h"), SPAN("GET"), buf_span(&b)};
    assert_int_equal(route_find(t, &r, NULL), 0);
    r.host = buf_span(&b);
    assert_int_equal(route_find(t, &r, NULL), 0);
    buf_fini(&b);
    arena_free(&a);
}

/* Every route against the path, and the best by definition. */
static int
find_slowly(struct arena *a, const struct route_spec *specs, size_t n,
            span path)
{
    const struct template *best = NULL;
    int found = ROUTE_NONE;

    for (size_t i = 0; i < n; i++) {
        const struct template *t = NULL;
        assert_int_equal(template_build(a, specs[i].path, specs[i].labels,
                                        specs[i].n_labels, &t, NULL),
                         OK);
        if (!template_matches(t, path, NULL))
            continue;
        if (!best || template_compare(t, best) < 0) {
            best = t;
            found = (int)i;
        }
    }
    return found;
}

static span
random_path(struct arena *a, uint64_t *seed, bool is_template)
{
    static const char *const parts[] = {"/a",  "/b",   "/c",
                                        "/v1", "/{x}", "/{version}"};
    size_t n = 1 + test_random(seed) % 4, braces = 0;
    span path = {0};

    for (size_t i = 0; i < n; i++) {
        size_t k = test_random(seed) % (is_template ? 6 : 4);
        const char *part = parts[k];
        if (k == 5 && braces++)
            part = "/b";
        path = k == 4 ? arena_fmt(a, "%.*s/{x%zu}", SPAN_FMT(path), i)
                      : arena_fmt(a, "%.*s%s", SPAN_FMT(path), part);
    }
    if (is_template && test_random(seed) % 3 == 0)
        path = arena_fmt(a, "%.*s/**", SPAN_FMT(path));
    return path;
}

static span
methods(struct arena *a, const struct route_table *t, bool is_https,
        const char *host, const char *path, size_t max)
{
    struct route_request r = {is_https, span_str(host), SPAN("LOCK"),
                              span_str(path)};
    span found[16], text = {0};

    assert_int_equal(route_find(t, &r, NULL), ROUTE_NONE);
    size_t n = route_methods(t, &r, found, max);
    for (size_t i = 0; i < n; i++)
        text = arena_fmt(a, "%.*s%s%.*s", SPAN_FMT(text), i ? " " : "",
                         SPAN_FMT(found[i]));
    return text;
}

TEST(what_a_path_takes_is_told_over_all_routes_that_fit_it)
{
    static const span odd[] = {{"PURGE", 5}, {"PUT", 3}};
    const struct route_spec specs[] = {
        {.host = SPAN("shop.example"),
         .path = SPAN("/orders/{id}"),
         .methods = get,
         .n_methods = 1},
        {.host = SPAN("*.example"),
         .path = SPAN("/orders/**"),
         .methods = odd,
         .n_methods = 2,
         .scheme = ROUTE_HTTP},
        {.path = SPAN("/orders/7"), .methods = put_post, .n_methods = 2},
        {.path = SPAN("/free"), .methods = put_post, .n_methods = 2},
    };
    static const struct {
        bool is_https;
        const char *host, *path, *methods;
        size_t max;
    } cases[] = {
        {false, "shop.example", "/orders/8", "PURGE PUT GET HEAD", 16},
        {true, "shop.example", "/orders/8", "GET HEAD", 16},
        {false, "shop.example", "/orders/7", "PURGE PUT GET HEAD POST", 16},
        {false, "shop.example", "/orders/7", "PURGE PUT GET", 3},
        {false, "a.example", "/orders/7", "PURGE PUT POST", 16},
        {false, "x", "/orders/7", "PUT POST", 16},
        {false, "x", "/orders/8", "", 16},
        {false, "x", "/", "", 16},
        {false, "x", "*", "", 16},
    };
    struct arena *a = arena_new(1 << 20);
    const struct route_table *t = built(a, specs, COUNT(specs));

    for (size_t i = 0; i < COUNT(cases); i++) {
        span told = methods(a, t, cases[i].is_https, cases[i].host,
                            cases[i].path, cases[i].max);
        assert_span(told, cases[i].methods);
    }
    arena_free(&a);
}

TEST(the_trie_finds_what_trying_every_route_finds)
{
    static const span labels[] = {{"v1", 2}, {"a/v1", 4}, {"a", 1}};
    uint64_t seed = 42;

    for (int round = 0; round < 300; round++) {
        struct arena *a = arena_new(1 << 22);
        struct route_spec specs[12];
        const struct route_table *t = NULL;
        size_t n = 0;

        for (int i = 0; i < 12; i++) {
            specs[n] = (struct route_spec){.path = random_path(a, &seed, true),
                                           .labels = labels,
                                           .n_labels = COUNT(labels)};
            if (route_build(a, specs, n + 1, &t, NULL, NULL) == OK)
                n++;
        }
        t = built(a, specs, n);
        for (int i = 0; i < 40; i++) {
            span path = random_path(a, &seed, false);
            struct route_request r = {0, SPAN("h"), SPAN("GET"), path};
            int fast = route_find(t, &r, NULL);
            int slow = find_slowly(a, specs, n, path);
            if (fast != slow)
                fail_msg("%.*s: route %d, not %d", SPAN_FMT(path), fast, slow);
        }
        arena_free(&a);
    }
}

TEST(routes_are_built_whole_or_refused_when_memory_ends)
{
    static const span labels[] = {{"v1", 2}, {"x/v2", 4}};
    static const struct route_spec specs[] = {
        {.host = SPAN("a.b"),
         .path = SPAN("/{version}/{id}"),
         .methods = get,
         .n_methods = 1,
         .labels = labels,
         .n_labels = 2},
        ROUTE("*.b", "/x/**"),
        ROUTE("*", "/y"),
    };

    for (size_t n = 1;; n++) {
        struct arena *a = arena_new(1 << 20);
        const struct route_table *t = NULL;

        arena_fail_after(n);
        enum err_code code =
            route_build(a, specs, COUNT(specs), &t, NULL, NULL);
        arena_fail_after(0);
        arena_free(&a);
        if (code == OK) {
            assert_true(n > 10);
            break;
        }
        assert_int_equal(code, ERR_LIMIT);
        assert_null(t);
    }
}
