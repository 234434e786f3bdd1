/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/test.h"

#include "proxy/base/arena.h"
#include "proxy/base/buf.h"
#include "proxy/base/err.h"
#include "proxy/base/hash.h"
#include "proxy/base/map.h"
#include "proxy/base/span.h"

TEST(cutting_a_span_gives_what_is_before_and_leaves_what_is_after)
{
    span s = SPAN("a=b=c");

    assert_span(span_cut(&s, '='), "a");
    assert_span(s, "b=c");
    assert_span(span_cut(&s, ';'), "b=c");
    assert_int_equal(s.len, 0);
}

TEST(a_number_too_big_or_not_all_digits_is_no_number)
{
    uint64_t n;

    assert_true(span_to_u64(SPAN("18446744073709551615"), &n));
    assert_true(n == UINT64_MAX);
    assert_false(span_to_u64(SPAN("18446744073709551616"), &n));
    assert_false(span_to_u64(SPAN(""), &n));
    assert_false(span_to_u64(SPAN("+1"), &n));
    assert_false(span_to_u64(SPAN("1 "), &n));
}

TEST(an_arena_at_its_limit_answers_null_and_stays_usable)
{
    struct arena *a = arena_new(100);

    assert_non_null(arena_alloc(a, 60));
    assert_null(arena_alloc(a, 60));
    assert_non_null(arena_alloc(a, 40));
    assert_null(arena_alloc(a, 1));
    arena_reset(a);
    assert_non_null(arena_alloc(a, 100));
    arena_free(&a);
    assert_null(a);
}

TEST(what_lasts_stays_where_it_is_when_it_goes_on_to_large_pages)
{
    struct arena *a = arena_new_lasting((size_t)8 << 20);
    size_t n = ((size_t)8 << 20) / 1000;
    unsigned char **at = calloc(n, sizeof(*at));

    assert_non_null(at);
    for (size_t i = 0; i < n; i++) {
        at[i] = arena_alloc(a, 1000);
        assert_non_null(at[i]);
        assert_int_equal((uintptr_t)at[i] % _Alignof(max_align_t), 0);
        memset(at[i], (int)(i % 251), 1000);
    }
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < 1000; k++)
            assert_int_equal(at[i][k], i % 251);
    assert_null(arena_alloc(a, 1000)); /* the limit is the same */
    arena_free(&a);
    free(at);

    a = arena_new_lasting(SIZE_MAX);
    assert_non_null(arena_alloc(a, (size_t)1 << 20));
    assert_null(arena_room(a, SIZE_MAX - ((size_t)3 << 19)));
    assert_non_null(arena_alloc(a, (size_t)3 << 20)); /* more than a page */
    arena_free(&a);
}

TEST(an_arena_refuses_a_product_that_overflows)
{
    struct arena *a = arena_new(SIZE_MAX);

    assert_null(arena_array(a, SIZE_MAX / 2, 3));
    arena_free(&a);
}

static void
note(void *p)
{
    char *order = p;

    order[strlen(order)] = (char)('1' + (int)strlen(order));
}

TEST(what_was_deferred_runs_once_when_the_arena_ends)
{
    char order[8] = "";
    struct arena *a = arena_new(1000);

    assert_true(arena_defer(a, note, order));
    assert_true(arena_defer(a, note, order));
    arena_reset(a);
    assert_string_equal(order, "12");
    arena_free(&a);
    assert_string_equal(order, "12");
}

TEST(a_buf_is_what_was_added_less_what_was_consumed)
{
    struct buf b;
    char want[4096];
    size_t n = 0, gone = 0;
    uint64_t seed = 1;

    buf_init(&b, 1 << 20);
    for (int i = 0; i < 200; i++) {
        size_t k = test_random(&seed) % 20;

        for (size_t j = 0; j < k; j++)
            buf_byte(&b, want[n++] = (char)test_random(&seed));
        size_t c = test_random(&seed) % 16;
        if (c > buf_len(&b))
            c = buf_len(&b);
        buf_consume(&b, c);
        gone += c;
        assert_int_equal(buf_len(&b), n - gone);
        if (n > gone)
            assert_memory_equal(buf_span(&b).at, want + gone, n - gone);
    }
    buf_fini(&b);
}

TEST(a_buf_remembers_that_its_limit_was_reached)
{
    struct buf b;

    buf_init(&b, 4);
    buf_str(&b, "abc");
    buf_str(&b, "de");
    buf_str(&b, "f");
    assert_true(buf_failed(&b));
    assert_span(buf_span(&b), "abc");
    buf_clear(&b);
    buf_u64(&b, 1234);
    assert_false(buf_failed(&b));
    assert_span(buf_span(&b), "1234");
    buf_fini(&b);
}

TEST(a_map_finds_what_was_put_and_keeps_the_first)
{
    struct arena *a = arena_new(1 << 20);
    struct map m;
    void *was;

    map_init(&m, a);
    assert_null(map_get(&m, SPAN("x")));
    for (int i = 0; i < 1000; i++) {
        span key = arena_fmt(a, "key%d", i);

        assert_true(map_put(&m, key, arena_str(a, key), NULL));
    }
    assert_string_equal(map_get(&m, SPAN("key777")), "key777");
    assert_true(map_put(&m, SPAN("key5"), a, &was));
    assert_string_equal(was, "key5");
    assert_int_equal(m.n, 1000);
    assert_span(m.entries[999].key, "key999");
    arena_free(&a);
}

TEST(the_nearest_word_is_found_and_a_far_one_is_not)
{
    struct arena *a = arena_new(1 << 16);
    struct map m;

    map_init(&m, a);
    assert_true(map_put(&m, SPAN("absent"), a, NULL));
    assert_true(map_put(&m, SPAN("older"), a, NULL));
    assert_span(map_nearest(&m, SPAN("absnet")), "absent");
    assert_span(map_nearest(&m, SPAN("oldr")), "older");
    assert_int_equal(map_nearest(&m, SPAN("newer")).len, 0);
    arena_free(&a);
}

TEST(a_pair_hashes_alike_however_long_and_never_runs_together)
{
    char text[2000];

    memset(text, 'x', sizeof(text));
    assert_true(hash64_pair(SPAN("ab"), SPAN("c")) !=
                hash64_pair(SPAN("a"), SPAN("bc")));
    for (size_t n = 0; n < 1400; n += 7) {
        text[n] = '\0';
        assert_true(hash64_pair(span_of(text, n), span_of(text + n + 1, 300)) ==
                    hash64(span_of(text, n + 301)));
        text[n] = 'x';
    }
}

TEST(wrapping_puts_the_place_before_the_sentence)
{
    struct err e;

    assert_int_equal(err_at(&e, ERR_INVALID, 7, "no %s", "good"), ERR_INVALID);
    assert_int_equal(err_wrap(&e, "file:%d", 3), ERR_INVALID);
    assert_string_equal(e.text, "file:3: no good");
    assert_int_equal(e.offset, 7);
}
