/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/test.h"

#include "proxy/base/problem.h"

#define ROOM ((size_t)1024 * 1024)

static span
printed(struct arena *a, const struct problems *p)
{
    struct buf b;
    span out;

    buf_init(&b, ROOM);
    problems_print(p, &b);
    assert_true(span_dup(a, buf_span(&b), &out));
    buf_fini(&b);
    return out;
}

TEST(problems_print_in_the_order_of_their_places_with_their_remedies)
{
    struct arena *a = arena_new(ROOM);
    struct problems p;

    problems_init(&p, a);
    assert_true(problems_none(&p));
    problem_add(&p, SPAN("b.yaml"), 1, 1, "first of b");
    problem_add(&p, SPAN("a.yaml"), 10, 2, "`%s` is named twice", "x");
    problem_remedy(&p, "remove %d of them", 1);
    problem_add(&p, SPAN("a.yaml"), 9, 30, "earlier line");
    problem_add(&p, SPAN("a.yaml"), 10, 1, "earlier column");
    problem_add(&p, SPAN("a.yaml"), 10, 2, "same place, said later");
    problem_add(&p, SPAN("a.yaml"), 0, 0, "the file as a whole");
    assert_false(problems_none(&p));
    problems_sort(&p);
    assert_span(printed(a, &p), "a.yaml: the file as a whole\n"
                                "a.yaml:9:30: earlier line\n"
                                "a.yaml:10:1: earlier column\n"
                                "a.yaml:10:2: `x` is named twice; remove 1 of "
                                "them\n"
                                "a.yaml:10:2: same place, said later\n"
                                "b.yaml:1:1: first of b\n");
    arena_free(&a);
}

TEST(a_warning_is_told_and_is_no_error)
{
    struct arena *a = arena_new(ROOM);
    struct problems p;

    problems_init(&p, a);
    problem_warn(&p, SPAN("a.yaml"), 3, 1, "`%s` may be meant so", "x");
    problem_remedy(&p, "say it");
    assert_true(problems_none(&p));
    assert_int_equal(p.warnings, 1);
    assert_span(printed(a, &p),
                "a.yaml:3:1: warning: `x` may be meant so; say it\n");
    problem_add(&p, SPAN("a.yaml"), 2, 1, "wrong");
    problem_remedy(&p, "mend it");
    problems_sort(&p);
    assert_false(problems_none(&p));
    assert_int_equal(p.total, 1);
    assert_span(printed(a, &p),
                "a.yaml:2:1: wrong; mend it\n"
                "a.yaml:3:1: warning: `x` may be meant so; say it\n");
    arena_free(&a);
}

TEST(warnings_leave_room_for_errors)
{
    struct arena *a = arena_new(ROOM);
    struct problems p;

    problems_init(&p, a);
    p.max = 4;
    for (size_t i = 0; i < 10; i++) {
        problem_warn(&p, SPAN("f"), i + 1, 1, "w");
        problem_remedy(&p, "r%zu", i);
    }
    for (size_t i = 0; i < 4; i++)
        problem_add(&p, SPAN("f"), 20 + i, 1, "p");
    problem_remedy(&p, "of one that was not kept");
    assert_span(printed(a, &p), "f:1:1: warning: w; r0\nf:20:1: p\n"
                                "f:21:1: p\nf:22:1: p\nand 10 more\n");
    arena_free(&a);
}

TEST(what_does_not_fit_in_the_list_is_counted)
{
    struct arena *a = arena_new(ROOM);
    struct problems p;

    problems_init(&p, a);
    p.max = 2;
    for (size_t i = 1; i <= 5; i++) {
        problem_add(&p, SPAN("f"), i, 1, "p");
        problem_remedy(&p, "r%zu", i);
    }
    assert_int_equal(p.total, 5);
    assert_span(printed(a, &p), "f:1:1: p; r1\nf:2:1: p; r2\nand 3 more\n");
    arena_free(&a);
}

TEST(a_problem_counts_even_when_no_memory_is_left)
{
    struct arena *a = arena_new(ROOM);
    struct problems p;

    problems_init(&p, a);
    arena_fail_after(1);
    problem_add(&p, SPAN("f"), 1, 1, "p");
    problem_remedy(&p, "r");
    arena_fail_after(0);
    assert_false(problems_none(&p));
    assert_int_equal(p.n, 0);

    arena_fail_after(2);
    problem_add(&p, SPAN("f"), 1, 1, "p");
    arena_fail_after(0);
    assert_int_equal(p.n, 1);
    assert_true(p.at[0].text.len > 0);
    arena_free(&a);
}
