/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/observe/mirrored.h"

#include "tests/test.h"

static const struct mirrored head = {1, 0, SPAN("orders")};
static const struct mirrored_difference one = {
    2, SPAN("/lines/*/sku"), SPAN("string of 4 bytes"), SPAN("number")};

static void
make(struct buf *b)
{
    buf_init(b, MIRRORED_DATAGRAM_MAX);
    mirrored_begin(b, &head);
}

TEST(what_was_found_arrives_as_it_was)
{
    struct mirrored m;
    struct mirrored_difference d;
    struct buf b;

    make(&b);
    assert_true(mirrored_add(&b, &one));
    mirrored_others(&b, 3);
    span s = buf_span(&b);
    assert_true(mirrored_take(&s, &m));
    assert_int_equal(m.pair, 1);
    assert_int_equal(m.is_skipped, 0);
    assert_span(m.route, "orders");
    assert_true(mirrored_next(&s, &d));
    assert_int_equal(d.kind, 2);
    assert_span(d.place, "/lines/*/sku");
    assert_span(d.baseline, "string of 4 bytes");
    assert_span(d.other, "number");
    assert_true(mirrored_next(&s, &d));
    assert_int_equal(d.kind, 3);
    assert_span(d.place, "others");
    assert_false(mirrored_next(&s, &d));
    assert_int_equal(s.len, 0);
    buf_fini(&b);
}

TEST(what_has_no_room_is_told_as_others)
{
    struct mirrored m;
    struct mirrored_difference d;
    struct buf b;
    size_t put = 0, taken = 0;

    make(&b);
    while (mirrored_add(&b, &one))
        put++;
    mirrored_others(&b, 2);
    assert_false(buf_failed(&b));
    assert_true(put > 100);
    span s = buf_span(&b);
    assert_true(mirrored_take(&s, &m));
    while (mirrored_next(&s, &d))
        taken++;
    assert_int_equal(taken, put + 1);
    assert_span(d.place, "others");
    buf_fini(&b);
}

TEST(a_cut_or_foreign_datagram_is_none_and_reads_nothing_beyond_its_end)
{
    struct arena *a = arena_new((size_t)16 << 20);
    struct mirrored m;
    struct mirrored_difference d;
    struct buf b;
    uint64_t seed = 7;

    make(&b);
    assert_true(mirrored_add(&b, &one));
    for (size_t n = 0; n < buf_len(&b); n++) {
        span cut = {0};
        assert_true(span_dup(a, span_take(buf_span(&b), n), &cut));
        if (mirrored_take(&cut, &m))
            assert_false(mirrored_next(&cut, &d));
    }
    for (int i = 0; i < 2000; i++) {
        size_t n = buf_len(&b);
        char *bytes = arena_str(a, buf_span(&b));
        assert_non_null(bytes);
        assert_true(n > 0);
        bytes[n ? test_random(&seed) % n : 0] = (char)test_random(&seed);
        span s = span_of(bytes, n);
        if (mirrored_take(&s, &m))
            while (mirrored_next(&s, &d))
                assert_true(d.place.len <= MIRRORED_TEXT_MAX);
    }
    arena_free(&a);
    buf_fini(&b);
}
