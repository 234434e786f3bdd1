/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/base/template.h"

#include "tests/test.h"

static const span k8s[] = {
    {"networking.k8s.io", 17}, /* a prefix of the others, to be outdone */
    {"networking.k8s.io/v1beta1", 25},
    {"networking.k8s.io/v1", 20},
};

static const struct template *
built(struct arena *a, const char *text, const span *labels, size_t n)
{
    const struct template *t = NULL;
    struct err e = {0};

    if (template_build(a, span_str(text), labels, n, &t, &e))
        fail_msg("%s: %s", text, e.text);
    return t;
}

TEST(a_template_fits_the_paths_of_its_shape_and_no_others)
{
    static const struct {
        const char *text, *path;
        bool fits;
    } cases[] = {
        {"/", "/", true},
        {"/", "/a", false},
        {"/orders", "/orders", true},
        {"/orders", "/orders/", false},
        {"/orders/", "/orders/", true},
        {"/orders", "/Orders", false},
        {"/orders", "/ordersx", false},
        {"/orders/{id}", "/orders/1", true},
        {"/orders/{id}", "/orders/", false},
        {"/orders/{id}", "/orders", false},
        {"/orders/{id}", "/orders/1/", false},
        {"/orders/{id}", "/orders/1/lines", false},
        {"/orders/{id}", "/orders/a%2Fb", true},
        {"/orders/{id}/lines", "/orders/a%2Flines", false},
        {"/orders", "/%6Frders", true},
        {"/orders", "/%6frder%73", true},
        {"/orders", "/%6", false},
        {"/orders", "/orders%00", false},
        {"/a%2Fb", "/a%2fb", true},
        {"/a%2Fb", "/a/b", false},
        {"/caf%C3%A9", "/caf%c3%a9", true},
        {"/**", "/", true},
        {"/**", "/a//b/", true},
        {"/**", "", false},
        {"/**", "*", false},
        {"/orders/**", "/orders", true},
        {"/orders/**", "/orders/", true},
        {"/orders/**", "/orders/1/2", true},
        {"/orders/**", "/ordersx", false},
        {"/{a}/{b}", "/x/y", true},
        {"/{a}/{b}", "//y", false},
        {"/{version}/x", "/anything/x", true}, /* no labels: a capture */
    };
    struct arena *a = arena_new(1 << 20);

    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct template *t = built(a, cases[i].text, NULL, 0);
        if (template_matches(t, span_str(cases[i].path), NULL) != cases[i].fits)
            fail_msg("%s against %s", cases[i].text, cases[i].path);
    }
    arena_free(&a);
}

TEST(captures_are_the_text_as_it_came)
{
    struct arena *a = arena_new(1 << 20);
    const struct template *t = built(a, "/o/{id}/{part}/**", NULL, 0);
    struct template_match m;

    assert_true(template_matches(t, SPAN("/o/a%2Fb/x/y/z?"), &m));
    assert_int_equal(m.n_captures, 2);
    assert_int_equal(m.label, -1);
    assert_span(template_captured(&m, SPAN("id")), "a%2Fb");
    assert_span(template_captured(&m, SPAN("part")), "x");
    assert_null(template_captured(&m, SPAN("other")).at);
    assert_span(m.rest, "y/z?");
    arena_free(&a);
}

TEST(version_takes_the_longest_label_that_lets_the_rest_fit)
{
    static const struct {
        const char *text, *path, *label;
    } cases[] = {
        {"/apis/{version}/ns/{ns}", "/apis/networking.k8s.io/v1/ns/x",
         "networking.k8s.io/v1"},
        {"/apis/{version}/ns/{ns}", "/apis/networking.k8s.io/v1beta1/ns/x",
         "networking.k8s.io/v1beta1"},
        {"/apis/{version}/ns/{ns}", "/apis/networking.k8s.io/ns/x",
         "networking.k8s.io"},
        {"/apis/{version}/{ns}", "/apis/networking.k8s.io/v1",
         "networking.k8s.io"}, /* the longer one leaves nothing for {ns} */
        {"/apis/{version}/**", "/apis/networking.k8s.io/v1",
         "networking.k8s.io/v1"},
        {"/apis/{version}/**", "/apis/networking%2Ek8s.io/v1/x",
         "networking%2Ek8s.io/v1"},
        {"/apis/{version}/**", "/apis/networking.k8s.io%2Fv1/x", NULL},
        {"/apis/{version}/**", "/apis/apps/v1/x", NULL},
        {"/apis/{version}/**", "/apis", NULL},
        {"/apis/{version}/**", "/apis/", NULL},
    };
    struct arena *a = arena_new(1 << 20);

    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct template *t = built(a, cases[i].text, k8s, COUNT(k8s));
        struct template_match m;
        bool fits = template_matches(t, span_str(cases[i].path), &m);

        if (fits != (cases[i].label != NULL))
            fail_msg("%s against %s", cases[i].text, cases[i].path);
        if (fits)
            assert_span(template_captured(&m, SPAN("version")), cases[i].label);
    }
    arena_free(&a);
}

TEST(the_index_of_a_label_is_the_callers)
{
    struct arena *a = arena_new(1 << 20);
    const struct template *t = built(a, "/{version}/**", k8s, COUNT(k8s));
    struct template_match m;

    assert_true(template_matches(t, SPAN("/networking.k8s.io/v1/x"), &m));
    assert_int_equal(m.label, 2);
    arena_free(&a);
}

TEST(a_template_with_a_fault_says_where)
{
    static const struct {
        const char *text;
        size_t offset;
    } cases[] = {
        {"", 0},
        {"orders", 0},
        {"/a/**/b", 3},
        {"/a*", 2},
        {"/{a}b", 1},
        {"/{}", 1},
        {"/{a b}", 1},
        {"/{a}/{a}", 5},
        {"/a//b", 3},
        {"/a?b", 2},
        {"/a b", 2},
        {"/%zz", 1},
        {"/a/../b", 3},
        {"/a/%2e%2E", 3},
        {"/caf\xc3\xa9", 4},
        {"/x/{version", 3},
    };
    struct arena *a = arena_new(1 << 20);

    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct template *t = NULL;
        struct err e = {0};

        if (template_build(a, span_str(cases[i].text), NULL, 0, &t, &e) !=
                ERR_INVALID ||
            e.offset != cases[i].offset)
            fail_msg("%s: code %d, offset %zu", cases[i].text, e.code,
                     e.offset);
    }
    arena_free(&a);
}

TEST(a_template_has_limits)
{
    struct arena *a = arena_new(1 << 20);
    const struct template *t = NULL;
    struct buf b;

    buf_init(&b, 4096);
    for (int i = 0; i <= TEMPLATE_SEGMENTS_MAX; i++)
        buf_str(&b, "/x");
    assert_int_equal(template_build(a, buf_span(&b), NULL, 0, &t, NULL),
                     ERR_LIMIT);
    buf_clear(&b);
    for (int i = 0; i <= TEMPLATE_CAPTURES_MAX; i++)
        buf_fmt(&b, "/{n%d}", i);
    assert_int_equal(template_build(a, buf_span(&b), NULL, 0, &t, NULL),
                     ERR_LIMIT);
    buf_clear(&b);
    buf_byte(&b, '/');
    for (int i = 0; i <= TEMPLATE_LITERAL_MAX; i++)
        buf_byte(&b, 'x');
    assert_int_equal(template_build(a, buf_span(&b), NULL, 0, &t, NULL),
                     ERR_INVALID);
    buf_fini(&b);
    arena_free(&a);
}

TEST(a_path_segment_longer_than_any_literal_matches_none)
{
    struct arena *a = arena_new(1 << 20);
    const struct template *t = built(a, "/x", NULL, 0);
    struct buf b;

    buf_init(&b, 4096);
    buf_byte(&b, '/');
    for (int i = 0; i <= TEMPLATE_LITERAL_MAX; i++)
        buf_str(&b, "%78");
    assert_false(template_matches(t, buf_span(&b), NULL));
    buf_fini(&b);
    arena_free(&a);
}

TEST(the_more_specific_template_comes_first)
{
    static const char *const order[] = {
        "/orders/new/x",  "/orders/new",  "/orders/new/**",
        "/orders/{id}/x", "/orders/{id}", "/orders/{id}/**",
        "/orders",        "/orders/**",   "/{any}/x",
        "/{any}",         "/**",
    };
    struct arena *a = arena_new(1 << 20);

    for (size_t i = 0; i < COUNT(order); i++) {
        for (size_t j = 0; j < COUNT(order); j++) {
            int c = template_compare(built(a, order[i], NULL, 0),
                                     built(a, order[j], NULL, 0));
            if ((i < j && c >= 0) || (i > j && c <= 0) || (i == j && c != 0))
                fail_msg("%s and %s compare as %d", order[i], order[j], c);
        }
    }
    arena_free(&a);
}

TEST(expanding_what_was_matched_gives_the_path_back)
{
    static const char *const cases[][2] = {
        {"/orders/{id}", "/orders/a%2Fb"},
        {"/orders/{id}/", "/orders/7/"},
        {"/orders/**", "/orders"},
        {"/orders/**", "/orders/"},
        {"/orders/**", "/orders/1//2/"},
        {"/**", "/"},
        {"/apis/{version}/ns/{ns}", "/apis/networking.k8s.io/v1/ns/x"},
    };
    struct arena *a = arena_new(1 << 20);

    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct template *t = built(a, cases[i][0], k8s, COUNT(k8s));
        struct template_match m;
        struct buf b;

        buf_init(&b, 4096);
        assert_true(template_matches(t, span_str(cases[i][1]), &m));
        assert_true(template_fills(t, &m));
        template_expand(t, &m, &b);
        assert_span(buf_span(&b), cases[i][1]);
        buf_fini(&b);
    }
    arena_free(&a);
}

TEST(captures_of_one_template_fill_another_by_name)
{
    struct arena *a = arena_new(1 << 20);
    const struct template *from = built(a, "/a/{x}/{y}", NULL, 0);
    const struct template *to = built(a, "/b/{y}/of/{x}", NULL, 0);
    const struct template *other = built(a, "/b/{z}", NULL, 0);
    struct template_match m;
    struct buf b;

    buf_init(&b, 4096);
    assert_true(template_matches(from, SPAN("/a/1/2"), &m));
    assert_true(template_fills(to, &m));
    assert_false(template_fills(other, &m));
    template_expand(to, &m, &b);
    assert_span(buf_span(&b), "/b/2/of/1");
    buf_fini(&b);
    arena_free(&a);
}

TEST(a_template_is_built_whole_or_refused_when_memory_ends)
{
    for (size_t n = 1;; n++) {
        struct arena *a = arena_new(1 << 20);
        const struct template *t = NULL;
        struct err e = {0};

        arena_fail_after(n);
        enum err_code code = template_build(a, SPAN("/a/{version}/{id}"), k8s,
                                            COUNT(k8s), &t, &e);
        arena_fail_after(0);
        arena_free(&a);
        if (code == OK) {
            assert_true(n > 3);
            break;
        }
        assert_int_equal(code, ERR_LIMIT);
        assert_null(t);
    }
}

TEST(templates_beside_each_other_overlap_and_cover)
{
    static const struct {
        const char *a;
        const char *b;
        bool overlaps; /* asked both ways */
        bool covers;
    } cases[] = {
        {"/orders/{id}", "/orders/{id}", true, true},
        {"/orders/{id}", "/orders/new", true, true},
        {"/orders/new", "/orders/{id}", true, false},
        {"/orders/{id}", "/orders", false, false},
        {"/orders/{id}", "/orders/", false, false},
        {"/orders/**", "/orders", true, true},
        {"/orders/**", "/orders/{id}/lines", true, true},
        {"/orders/{id}", "/orders/**", true, false},
        {"/orders/**", "/carts/{id}", false, false},
        {"/**", "/orders/**", true, true},
        {"/%6Frders/{id}", "/orders/1", true, true},
        {"/{a}/lines", "/orders/{id}", true, false},
        {"/{a}/lines", "/orders/carts", false, false},
        {"/apis/{version}/x", "/apis/{version}/x", true, true},
        {"/apis/{version}/x", "/apis/networking.k8s.io/v1/x", true, false},
        {"/apis/{version}/x", "/apis/{group}/{v}/x", true, false},
        {"/apis/{version}/x", "/apis/{group}/{v}/y", false, false},
        {"/apis/**", "/apis/{version}/x", true, true},
        {"/apis/{version}/{ns}", "/apis/{version}/x", true, true},
    };
    struct arena *a = arena_new(1 << 20);

    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct template *one = built(a, cases[i].a, k8s, COUNT(k8s));
        const struct template *two = built(a, cases[i].b, k8s, COUNT(k8s));
        if (template_overlaps(one, two) != cases[i].overlaps ||
            template_overlaps(two, one) != cases[i].overlaps ||
            template_covers(one, two) != cases[i].covers)
            fail_msg("%s beside %s", cases[i].a, cases[i].b);
    }
    arena_free(&a);
}
