/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/control/records.h"
#include "tests/test.h"

#include <stdio.h>

static void
put(struct records *r, size_t i)
{
    char id[32];
    struct buf b;
    struct record record = {.worker = i, .status = 200, .route = SPAN("x")};

    (void)snprintf(id, sizeof(id), "request-%zu", i);
    record.id = span_str(id);
    buf_init(&b, RECORD_DATAGRAM_MAX);
    assert_true(record_put(&b, &record));
    assert_int_equal(records_take(r, buf_span(&b)), 1);
    buf_fini(&b);
}

TEST(the_last_ten_thousand_records_are_found_and_no_older_one)
{
    struct records *r = records_new();
    struct record out;

    assert_non_null(r);
    assert_false(records_find(r, SPAN("request-1"), &out));
    for (size_t i = 0; i < RECORDS_KEPT + 5; i++)
        put(r, i);
    assert_false(records_find(r, SPAN("request-4"), &out));
    assert_true(records_find(r, SPAN("request-5"), &out));
    assert_int_equal(out.worker, 5);
    assert_true(records_find(r, SPAN("request-10004"), &out));
    assert_span(out.route, "x");
    records_free(&r);
}

TEST(what_is_no_record_is_dropped_and_the_ones_before_it_kept)
{
    struct records *r = records_new();
    struct record record = {.id = SPAN("a")}, out;
    struct buf b;

    buf_init(&b, RECORD_DATAGRAM_MAX);
    assert_true(record_put(&b, &record));
    buf_str(&b, "and then some text that is none");
    assert_int_equal(records_take(r, buf_span(&b)), 1);
    assert_true(records_find(r, SPAN("a"), &out));
    assert_int_equal(records_take(r, (span){0}), 0);
    buf_fini(&b);
    records_free(&r);
}
