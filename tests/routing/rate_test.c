/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/test.h"

#include "routing/rate.h"

#define SETS   ((size_t)4)
#define SECOND ((uint64_t)1000000)

static const struct rate_rule rule = {.every_us = SECOND, .burst = 3};

static unsigned
passes(struct rate_table *t, uint64_t key, uint64_t now_us, unsigned asks)
{
    unsigned n = 0;
    uint64_t wait_us;

    while (asks--)
        n += rate_take(t, &rule, key, now_us, &wait_us);
    return n;
}

TEST(a_full_bucket_lets_its_burst_pass_and_then_one_at_a_time)
{
    _Atomic uint64_t words[SETS * RATE_WAYS] = {0};
    struct rate_table t = {words, SETS};
    uint64_t key = 0x1234000000000001, wait_us = 0, now = 50 * SECOND;

    assert_int_equal(passes(&t, key, now, 10), 3);
    assert_false(rate_take(&t, &rule, key, now, &wait_us));
    assert_int_equal(wait_us, SECOND);
    assert_false(rate_take(&t, &rule, key, now + SECOND - 1, &wait_us));
    assert_int_equal(wait_us, 1);
    assert_true(rate_take(&t, &rule, key, now + SECOND, &wait_us));
    assert_false(rate_take(&t, &rule, key, now + SECOND, &wait_us));
    assert_int_equal(passes(&t, key, now + 100 * SECOND, 10), 3);
}

TEST(over_any_time_no_more_pass_than_the_rate_and_one_burst)
{
    _Atomic uint64_t words[SETS * RATE_WAYS] = {0};
    struct rate_table t = {words, SETS};
    uint64_t seed = 3, now = SECOND, begin = now, wait_us;
    unsigned n = 0;

    for (int i = 0; i < 100000; i++) {
        now += test_random(&seed) % (SECOND / 5);
        n += rate_take(&t, &rule, 42, now, &wait_us);
    }
    uint64_t seconds = (now - begin) / SECOND;
    assert_in_range(n, seconds, seconds + rule.burst + 1);
}

TEST(owners_have_buckets_of_their_own)
{
    _Atomic uint64_t words[SETS * RATE_WAYS] = {0};
    struct rate_table t = {words, SETS};

    /* As many as one set has room for. */
    for (uint64_t i = 1; i <= RATE_WAYS; i++)
        assert_int_equal(passes(&t, i << 48, SECOND, 5), 3);
    for (uint64_t i = 1; i <= RATE_WAYS; i++)
        assert_int_equal(passes(&t, i << 48, SECOND, 5), 0);
}

TEST(who_finds_no_room_takes_the_fullest_buckets_and_nobody_is_held_for_it)
{
    _Atomic uint64_t words[SETS * RATE_WAYS] = {0};
    struct rate_table t = {words, SETS};
    uint64_t wait_us;

    for (uint64_t i = 1; i <= RATE_WAYS; i++)
        assert_int_equal(passes(&t, i << 48, SECOND, i == 1 ? 1 : 3),
                         i == 1 ? 1 : 3);
    assert_true(rate_take(&t, &rule, (uint64_t)99 << 48, SECOND, &wait_us));
    for (uint64_t i = 2; i <= RATE_WAYS; i++)
        assert_int_equal(passes(&t, i << 48, SECOND, 1), 0);
}
