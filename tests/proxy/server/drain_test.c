/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/server/drain.h"

#include "tests/test.h"

/* How many of those who ask all the time were told by then. */
static size_t
told_by(size_t n, uint64_t most_ms, uint64_t ms)
{
    struct drain_pace p;
    size_t told = 0;

    drain_pace_init(&p, 7000, n, most_ms);
    for (uint64_t at = 0; at <= ms; at++)
        while (told < n && drain_pace_takes(&p, 7000 + at))
            told++;
    return told;
}

TEST(the_first_is_told_to_go_at_once_and_the_others_one_after_the_other)
{
    assert_int_equal(told_by(100, 15000, 0), 1);
    assert_int_equal(told_by(100, 15000, 19), 1);
    assert_int_equal(told_by(100, 15000, 20), 2);
    assert_int_equal(told_by(100, 15000, 1000), 51);
    assert_int_equal(told_by(100, 15000, 2000), 100);
}

TEST(many_go_faster_so_that_half_of_the_time_is_enough_for_all)
{
    assert_int_equal(told_by(30000, 15000, 0), 1);
    assert_int_equal(told_by(30000, 15000, 7500), 15001);
    assert_int_equal(told_by(30000, 15000, 15000), 30000);
}

TEST(who_asks_late_finds_that_it_is_his_turn)
{
    struct drain_pace p;

    drain_pace_init(&p, 7000, 3, 15000);
    for (int i = 0; i < 3; i++)
        assert_true(drain_pace_takes(&p, 9000));
}

TEST(nobody_or_no_time_is_no_reason_to_wait)
{
    struct drain_pace p;

    drain_pace_init(&p, 7000, 0, 15000);
    assert_true(drain_pace_takes(&p, 7000));
    drain_pace_init(&p, 7000, 9, 0);
    for (int i = 0; i < 9; i++)
        assert_true(drain_pace_takes(&p, 7000));
}
