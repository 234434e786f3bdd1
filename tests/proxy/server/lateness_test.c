/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/server/lateness.h"

#include "tests/test.h"

#define MS ((uint64_t)1000)

/* What comes at `at_ms` has waited `waited_ms`. */
static bool
is_too_much(struct lateness *l, uint64_t at_ms, uint64_t waited_ms)
{
    return lateness_is_too_much(l, at_ms * MS, (at_ms - waited_ms) * MS);
}

TEST(a_burst_is_served_however_late_if_it_passes_within_the_interval)
{
    struct lateness l;

    lateness_init(&l, 20);
    for (uint64_t at = 1000; at < 1099; at++)
        assert_false(is_too_much(&l, at, 60));
    assert_false(is_too_much(&l, 1099, 19));
    for (uint64_t at = 1100; at < 1200; at++)
        assert_false(is_too_much(&l, at, 60));
}

TEST(a_queue_that_stands_for_the_interval_is_cut_to_a_quarter_of_the_mark)
{
    struct lateness l;

    lateness_init(&l, 20);
    for (uint64_t at = 1000; at < 1100; at++)
        assert_false(is_too_much(&l, at, 20));
    assert_true(is_too_much(&l, 1100, 20));
    assert_true(is_too_much(&l, 1101, 5));
    assert_false(is_too_much(&l, 1102, 4));
    assert_true(is_too_much(&l, 1103, 5));
}

TEST(nobody_is_refused_any_more_once_nobody_was_for_an_interval)
{
    struct lateness l;

    lateness_init(&l, 20);
    for (uint64_t at = 1000; at <= 1100; at++)
        (void)is_too_much(&l, at, 30);
    assert_true(l.refuses);
    for (uint64_t at = 1101; at < 1200; at++)
        assert_false(is_too_much(&l, at, 4));
    assert_true(is_too_much(&l, 1199, 5));
    assert_false(is_too_much(&l, 1298, 4));
    assert_true(l.refuses);
    assert_false(is_too_much(&l, 1299, 4));
    assert_false(l.refuses);
    assert_false(is_too_much(&l, 1300, 60)); /* a burst is one again */
}

TEST(without_a_mark_nobody_is_ever_refused)
{
    struct lateness l;

    lateness_init(&l, 0);
    for (uint64_t at = 10000; at < 20000; at += 50)
        assert_false(is_too_much(&l, at, 9000));
}
