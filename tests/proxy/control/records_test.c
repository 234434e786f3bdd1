/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/control/records.h"
#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>

static struct records *
fresh(void)
{
    struct records *r = calloc(1, sizeof(*r));

    assert_non_null(r);
    return r;
}

/* Record `i`, with a text of so many bytes. */
static void
put(struct records *r, size_t i, size_t text)
{
    static char problem[RECORD_TEXT_MAX];
    char id[32];
    struct buf b;
    struct record record = {.worker = i, .status = 200, .route = SPAN("x")};

    (void)snprintf(id, sizeof(id), "request-%zu", i);
    memset(problem, 'p', sizeof(problem));
    record.id = span_str(id);
    record.problem = record.notice = record.changes = record.endpoint =
        span_of(problem, text);
    buf_init(&b, RECORD_DATAGRAM_MAX);
    assert_true(record_put(&b, &record));
    assert_int_equal(records_take(r, buf_span(&b)), 1);
    buf_fini(&b);
}

static bool
has(const struct records *r, size_t i)
{
    char id[32];
    struct record out;

    (void)snprintf(id, sizeof(id), "request-%zu", i);
    if (!records_find(r, span_str(id), &out))
        return false;
    assert_int_equal(out.worker, i);
    assert_span(out.route, "x");
    return true;
}

TEST(the_last_ten_thousand_records_are_found_and_no_older_one)
{
    struct records *r = fresh();

    assert_false(has(r, 1));
    for (size_t i = 0; i < RECORDS_KEPT + 5; i++)
        put(r, i, 20);
    assert_false(has(r, 4));
    assert_true(has(r, 5));
    assert_true(has(r, 10004));
    free(r);
}

TEST(of_long_records_the_newest_are_found_and_none_that_was_overwritten)
{
    struct records *r = fresh();
    size_t n = (size_t)3 * RECORDS_KEPT, found = 0;

    for (size_t i = 0; i < n; i++)
        put(r, i, i % 7 ? RECORD_TEXT_MAX : i % RECORD_TEXT_MAX);
    for (size_t i = n; i-- > 0;) {
        if (!has(r, i))
            break;
        found++;
    }
    assert_true(found > RECORDS_KEPT / 2);
    for (size_t i = 0; i < n - found; i++)
        if (has(r, i))
            fail_msg("%zu is there, though %zu is not", i, n - found - 1);
    free(r);
}

TEST(what_is_no_record_is_dropped_and_the_ones_before_it_kept)
{
    struct records *r = fresh();
    struct record record = {.id = SPAN("a")}, out;
    struct buf b;

    buf_init(&b, RECORD_DATAGRAM_MAX);
    assert_true(record_put(&b, &record));
    buf_str(&b, "and then some text that is none");
    assert_int_equal(records_take(r, buf_span(&b)), 1);
    assert_true(records_find(r, SPAN("a"), &out));
    assert_int_equal(records_take(r, (span){0}), 0);
    buf_fini(&b);
    free(r);
}

/* Whatever a control that died in the middle of it left there. */
TEST(rubbish_in_the_segment_is_not_found_and_not_tripped_over)
{
    struct records *r = fresh();
    uint64_t seed = 7;

    for (int round = 0; round < 2000; round++) {
        for (size_t i = 0; i < 20; i++)
            put(r, i, 100);
        uint64_t *words = (uint64_t *)(void *)r;
        size_t at = sizeof(r->head) / 8 + test_random(&seed) % 64;
        words[at] = test_random(&seed);
        r->sequence %=
            (uint64_t)3 * RECORDS_KEPT; /* it is stored in one piece */
        r->bytes[test_random(&seed) % 4096] ^= 0x40;
        for (size_t i = 0; i < 20; i++) {
            struct record out; /* its facts may be what was put there */
            char id[32];

            (void)snprintf(id, sizeof(id), "request-%zu", i);
            if (records_find(r, span_str(id), &out))
                assert_span(out.id, id);
        }
        put(r, 20, 100);
        assert_true(has(r, 20));
    }
    free(r);
}
