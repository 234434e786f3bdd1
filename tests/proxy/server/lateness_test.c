/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/server/lateness.h"

#include "tests/test.h"

#define MS ((uint64_t)1000)

/* What comes at `at_ms` has waited `waited_ms`. */
static bool
is_too_much(struct lateness *l, uint64_t at_ms, uint64_t waited_ms)
{
    return lateness_is_too_much(l, at_ms * MS, (at_ms - waited_ms) * MS, 0);
}

TEST(a_burst_is_served_however_late_if_it_passes_within_the_interval)
{
    struct lateness l;

    lateness_init(&l, 40);
    for (uint64_t at = 1000; at < 1199; at++)
        assert_false(is_too_much(&l, at, 150));
    assert_false(is_too_much(&l, 1199, 39));
    for (uint64_t at = 1200; at < 1400; at++)
        assert_false(is_too_much(&l, at, 150));
}

TEST(a_queue_that_stands_for_the_interval_is_cut_to_a_quarter_of_the_mark)
{
    struct lateness l;

    lateness_init(&l, 40);
    for (uint64_t at = 1000; at < 1200; at++)
        assert_false(is_too_much(&l, at, 40));
    assert_true(is_too_much(&l, 1200, 40));
    assert_true(is_too_much(&l, 1201, 10));
    assert_false(is_too_much(&l, 1202, 9));
    assert_true(is_too_much(&l, 1203, 10));
}

TEST(nobody_is_refused_any_more_once_nobody_was_for_an_interval)
{
    struct lateness l;

    lateness_init(&l, 40);
    for (uint64_t at = 1000; at <= 1200; at++)
        (void)is_too_much(&l, at, 150);
    assert_true(l.refuses);
    for (uint64_t at = 1201; at < 1400; at++)
        assert_false(is_too_much(&l, at, 9));
    assert_true(is_too_much(&l, 1399, 10));
    assert_false(is_too_much(&l, 1598, 9));
    assert_true(l.refuses);
    assert_false(is_too_much(&l, 1599, 9));
    assert_false(l.refuses);
    assert_false(is_too_much(&l, 1600, 150)); /* a burst is one again */
}

TEST(no_queue_stands_where_there_was_nothing_to_do)
{
    struct lateness l;

    lateness_init(&l, 40);
    for (uint64_t at = 1000; at < 4000; at += 90)
        assert_false(lateness_is_too_much(&l, at * MS, (at - 150) * MS,
                                          (at - 160) * MS));
    for (uint64_t at = 4000; at <= 4200; at++)
        (void)is_too_much(&l, at, 150);
    assert_true(l.refuses);
    assert_false(lateness_is_too_much(&l, 4202 * MS, 4172 * MS, 4201 * MS));
    assert_false(l.refuses);
}
