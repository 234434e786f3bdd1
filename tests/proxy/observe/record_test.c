/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/observe/record.h"
#include "tests/test.h"

static struct record
sample(void)
{
    return (struct record){
        .time_ms = 1764032462004,
        .status = 200,
        .bucket = 999999,
        .id = SPAN("0af7651916cd43dd8448eb211c80319c"),
        .route = SPAN("orders"),
        .version_from = SPAN("v1"),
        .version_to = SPAN("v3"),
        .changes = SPAN("2026-01-01-names,2026-02-01-money"),
    };
}

static void
assert_same(const struct record *a, const struct record *b)
{
#define X(name, doc) assert_int_equal(a->name, b->name);
    RECORD_NUMBERS(X)
#undef X
#define X(name, doc) assert_true(span_eq(a->name, b->name));
    RECORD_TEXTS(X)
#undef X
}

TEST(records_come_out_of_a_datagram_as_they_went_in)
{
    struct buf b;
    struct record r = sample(), out;
    size_t n = 0;

    buf_init(&b, RECORD_DATAGRAM_MAX);
    while (record_put(&b, &r)) {
        n++;
        r.worker = n;
    }
    assert_true(n >= 10);
    assert_false(buf_failed(&b));
    r = sample();
    span s = buf_span(&b);
    for (size_t i = 0; i < n; i++) {
        r.worker = i;
        assert_true(record_take(&s, &out));
        assert_same(&r, &out);
    }
    assert_int_equal(s.len, 0);
    assert_false(record_take(&s, &out));
    buf_fini(&b);
}

TEST(a_record_of_endless_texts_is_cut_to_the_limit)
{
    static char text[8000];
    struct buf b;
    struct record r = sample(), out;

    memset(text, 'x', sizeof(text));
#define X(name, doc) r.name = span_of(text, sizeof(text));
    RECORD_TEXTS(X)
#undef X
    buf_init(&b, RECORD_DATAGRAM_MAX);
    assert_true(record_put(&b, &r));
    assert_int_equal(buf_len(&b), RECORD_BYTES_MAX);
    span s = buf_span(&b);
    assert_true(record_take(&s, &out));
    assert_int_equal(out.id.len, RECORD_TEXT_MAX);
    assert_int_equal(out.problem.len, 0);
    buf_fini(&b);
}

/* Any byte changed, any cut: an answer or nothing, never a read outside. The
 * copy is exactly as long as what is read, so that ASan sees a step over. */
TEST(hostile_datagrams_are_read_within_their_bounds)
{
    struct buf b;
    struct record r = sample(), out;
    uint64_t seed = 7;

    buf_init(&b, RECORD_DATAGRAM_MAX);
    assert_true(record_put(&b, &r));
    assert_true(record_put(&b, &r));
    for (size_t i = 0; i < 20000; i++) {
        size_t len = test_random(&seed) % (buf_len(&b) + 1);
        char *copy = malloc(len + 1);
        assert_non_null(copy);
        span packed = buf_span(&b);
        for (size_t k = 0; packed.at && k < len; k++)
            copy[k] = packed.at[k];
        for (size_t k = test_random(&seed) % 3; k > 0 && len > 0; k--)
            copy[test_random(&seed) % len] = (char)test_random(&seed);
        copy = realloc(copy, len ? len : 1);
        assert_non_null(copy);
        span s = span_of(copy, len);
        while (record_take(&s, &out))
            assert_true(out.problem.at + out.problem.len <= copy + len);
        assert_int_equal(s.len, 0);
        free(copy);
    }
    buf_fini(&b);
}

TEST(a_cut_record_is_no_record)
{
    struct buf b;
    struct record r = sample(), out;

    buf_init(&b, RECORD_DATAGRAM_MAX);
    assert_true(record_put(&b, &r));
    for (size_t len = 0; len < buf_len(&b); len++) {
        span s = span_take(buf_span(&b), len);
        assert_false(record_take(&s, &out));
    }
    buf_fini(&b);
}
