/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/translators/lens/help.h"

#include <stdio.h>

/* One case of cases/bad.txt: "### kind", text, "---", problems. */
struct bad {
    span kind;
    span text;
    span expected;
};

static span
line(span *rest)
{
    return span_cut(rest, '\n');
}

/* Lines up to one that starts with `stop`, which stays. */
static span
until(span *rest, const char *stop)
{
    span start = *rest;
    while (rest->len > 0 && !span_starts(*rest, span_str(stop)))
        (void)line(rest);
    return span_take(start, start.len - rest->len);
}

static bool
next(span *rest, struct bad *out)
{
    (void)until(rest, "### ");
    if (rest->len == 0)
        return false;
    out->kind = span_skip(line(rest), 4);
    out->text = until(rest, "---\n");
    (void)line(rest);
    out->expected = until(rest, "### ");
    return true;
}

static span
actual(struct arena *a, const struct bad *c)
{
    if (span_is(c->kind, "api"))
        return problems_of(a, c->text, (span){0});
    span change = c->text;
    if (span_is(c->kind, "change"))
        change = arena_fmt(a, "%s%.*s", change_head, SPAN_FMT(c->text));
    return problems_of(a, span_str(shop_api), change);
}

TEST(a_bad_file_is_refused_with_its_place_and_a_remedy)
{
    struct arena *files = arena_new(ROOM);
    span rest =
        test_file(files, STILE_SOURCE "/tests/translators/lens/cases/bad.txt");
    struct bad c;
    size_t n = 0, n_wrong = 0;
    for (; next(&rest, &c); n++) {
        struct arena *a = arena_new(ROOM);
        span said = actual(a, &c);
        if (!span_eq(said, c.expected)) {
            print_error("%.*s\nexpected: %.*s\nactual:   %.*s\n",
                        SPAN_FMT(c.text), SPAN_FMT(c.expected), SPAN_FMT(said));
            n_wrong++;
        }
        arena_free(&a);
    }
    assert_int_equal(n_wrong, 0);
    assert_true(n >= 140);
    arena_free(&files);
}

TEST(all_that_is_wrong_in_a_file_is_said_at_once)
{
    struct arena *a = arena_new(ROOM);
    span change = arena_fmt(a, "%s%s", change_head,
                            "Order:\n"
                            "  map: {a: {too: b}, /c: d}\n"
                            "  drop: {e: {down: 1}}\n"
                            "Lin: {map: {a: b}}\n");

    assert_span(
        problems_of(a, span_str(shop_api), change),
        "changes/c.yaml:6:13: `too` is not a word of an arrow of `map`; did "
        "you mean `to`?\n"
        "changes/c.yaml:6:22: the place `/c` begins with a slash; write `a/b`, "
        "without it\n"
        "changes/c.yaml:7:10: `e` is gone in the newer version, and nothing "
        "says what becomes of it when an older client writes it; say `write: "
        "ignore`, `write: refuse`, `write: same` or `stash: place`\n"
        "changes/c.yaml:8:1: there is no type `Lin`; did you mean `Line`?\n");
    arena_free(&a);
}

static span
problems_of_two(struct arena *a, const char *first, const char *second)
{
    struct problems p;
    struct buf b;
    const struct lens_api *api = NULL;
    struct lens_text files[] = {
        {SPAN("changes/1.yaml"), span_str(first)},
        {SPAN("changes/2.yaml"), span_str(second)},
    };

    problems_init(&p, a);
    assert_int_equal(
        lens_load_text(a,
                       (struct lens_text){SPAN("api.yaml"), span_str(shop_api)},
                       files, COUNT(files), &p, &api),
        ERR_INVALID);
    buf_init(&b, ROOM);
    problems_sort(&p);
    problems_print(&p, &b);
    span out;
    assert_true(span_dup(a, buf_span(&b), &out));
    buf_fini(&b);
    return out;
}

TEST(two_files_that_name_one_place_are_both_named)
{
    struct arena *a = arena_new(ROOM);

    assert_span(
        problems_of_two(
            a,
            "change: a\nfrom: v1\nto: v2\nmanifest: {title: t, owner: o, "
            "guarantee: full}\nOrder: {map: {x: z}}\n",
            "change: b\nfrom: v1\nto: v2\nmanifest: {title: t, owner: o, "
            "guarantee: full}\nOrder: {map: {y: z}}\n"),
        "changes/2.yaml:5:15: `z` on the newer side is named twice: here, and "
        "by an arrow at changes/1.yaml:5:15; keep one of the two\n");
    arena_free(&a);
}

TEST(what_is_wrong_in_a_block_of_two_types_is_said_once)
{
    struct arena *a = arena_new(ROOM);
    span change = arena_fmt(a, "%s%s", change_head,
                            "\"Order, Line\": {drop: {x: {down: 1}}}\n");
    span said = problems_of(a, span_str(shop_api), change);

    assert_true(says(said, "`x` is gone"));
    assert_int_equal(span_find(said, '\n'), (ssize_t)said.len - 1);
    arena_free(&a);
}

TEST(a_name_stands_for_one_change)
{
    struct arena *a = arena_new(ROOM);
    const char *text = "change: a\nfrom: v1\nto: v2\nmanifest: {title: t, "
                       "owner: o, guarantee: full}\n";

    assert_span(problems_of_two(a, text, text),
                "changes/2.yaml:1:9: `a` is the name of a change already, in "
                "changes/1.yaml; give each change its own name\n");
    arena_free(&a);
}

TEST(a_file_that_is_not_there_is_a_problem)
{
    struct arena *a = arena_new(ROOM);
    struct problems p;
    const struct lens_api *api = NULL;

    problems_init(&p, a);
    assert_int_equal(lens_load(a, "no/such/api.yaml", &p, &api), ERR_IO);
    assert_null(api);
    assert_int_equal(p.n, 1);
    assert_span(p.at[0].file, "no/such/api.yaml");
    arena_free(&a);
}

TEST(what_is_kept_empty_is_no_value_in_the_other_version)
{
    struct arena *a = arena_new(ROOM);
    span change = arena_fmt(a, "%sOrder:\n  map: {a: {to: a/k, rest: lose}}\n",
                            change_head);
    assert_span(problems_of(a,
                            SPAN("api: x\nversions: {v1: {}, v2: {}}\ntypes: "
                                 "{Order: {at: POST /orders, keep: [a]}}\n"),
                            change),
                "changes/c.yaml:6:9: `a` stays when it is empty (`keep:`), and "
                "in the other version it is the value that it holds; leave it "
                "out of `keep:`\n");
    arena_free(&a);
}
