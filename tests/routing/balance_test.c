/* SPDX-License-Identifier: Apache-2.0 */
#include "routing/balance.h"

#include "tests/test.h"

static uint32_t
dice(uint64_t *seed)
{
    return (uint32_t)(test_random(seed) >> 32);
}

TEST(an_unhealthy_endpoint_is_never_picked)
{
    uint32_t active[130];
    uint64_t seed = 7, healthy[BALANCE_WORDS(130)];

    for (size_t round = 0; round < 20000; round++) {
        size_t n = 1 + test_random(&seed) % COUNT(active);
        bool any = false;

        for (size_t i = 0; i < COUNT(healthy); i++)
            healthy[i] = test_random(&seed) & (test_random(&seed) << 1);
        for (size_t i = 0; i < n; i++) {
            active[i] = dice(&seed) % 4;
            any = any || (healthy[i / 64] >> (i % 64) & 1);
        }
        int picked = balance_pick(active, healthy, n, dice(&seed), dice(&seed));
        if (!any) {
            assert_int_equal(picked, BALANCE_NONE);
            continue;
        }
        assert_in_range(picked, 0, n - 1);
        assert_true(healthy[picked / 64] >> (picked % 64) & 1);
    }
}

TEST(none_healthy_is_said)
{
    /* The bits past the last endpoint are nobody's. */
    assert_int_equal(
        balance_pick((uint32_t[]){0, 0}, (uint64_t[]){~3ULL}, 2, 1, 2),
        BALANCE_NONE);
    assert_int_equal(balance_pick(NULL, NULL, 0, 1, 2), BALANCE_NONE);
}

TEST(of_two_the_one_with_fewer_requests_is_always_taken)
{
    uint64_t seed = 3, healthy = 3;

    for (int i = 0; i < 1000; i++)
        assert_int_equal(balance_pick((uint32_t[]){5, 4}, &healthy, 2,
                                      dice(&seed), dice(&seed)),
                         1);
}

TEST(the_fullest_of_many_is_never_taken)
{
    uint32_t active[5] = {1, 1, 9, 1, 1};
    uint64_t seed = 3, healthy = 31;

    for (int i = 0; i < 10000; i++)
        assert_int_not_equal(
            balance_pick(active, &healthy, 5, dice(&seed), dice(&seed)), 2);
}

TEST(equal_endpoints_share_equally)
{
    uint32_t active[7] = {0};
    uint64_t seed = 11, healthy = 0x7f & ~8ULL;
    int n[7] = {0};

    for (int i = 0; i < 60000; i++)
        n[balance_pick(active, &healthy, 7, dice(&seed), dice(&seed))]++;
    for (int i = 0; i < 7; i++)
        if (i != 3)
            assert_in_range(n[i], 9600, 10400); /* 4 sigma are 365 */
    assert_int_equal(n[3], 0);
}

TEST(every_pair_is_drawn_equally_often)
{
    /* Counts rise with the index, so the lower one of a pair is taken: of the
     * six pairs of four, 3 have 0 as the lower, 2 have 1, 1 has 2. */
    uint32_t active[4] = {0, 1, 2, 3};
    uint64_t seed = 5, healthy = 15;
    int n[4] = {0};

    for (int i = 0; i < 60000; i++)
        n[balance_pick(active, &healthy, 4, dice(&seed), dice(&seed))]++;
    assert_in_range(n[0], 29500, 30500);
    assert_in_range(n[1], 19500, 20500);
    assert_in_range(n[2], 9600, 10400);
    assert_int_equal(n[3], 0);
}

TEST(the_next_is_the_next_healthy_one_around)
{
    uint64_t healthy[BALANCE_WORDS(130)] = {1u << 3 | 1u << 7, 0, 2};
    int last = BALANCE_NONE;
    static const int want[] = {3, 7, 129, 3, 7};

    for (size_t i = 0; i < COUNT(want); i++)
        assert_int_equal(last = balance_next(healthy, 130, last), want[i]);
    uint64_t none[BALANCE_WORDS(130)] = {0};
    assert_int_equal(balance_next(none, 130, 5), BALANCE_NONE);
}

TEST(a_key_moves_only_with_its_endpoint_and_keys_are_spread)
{
    uint64_t marks[20], healthy[1] = {(1u << 20) - 1}, seed = 5;
    unsigned counts[20] = {0}, moved = 0;

    for (size_t i = 0; i < COUNT(marks); i++)
        marks[i] = test_random(&seed);
    for (uint64_t key = 0; key < 20000; key++) {
        healthy[0] = (1u << 20) - 1;
        int before = balance_by_key(marks, healthy, 20, key);

        assert_in_range(before, 0, 19);
        counts[before]++;
        healthy[0] &= ~((uint64_t)1 << 11);
        int after = balance_by_key(marks, healthy, 20, key);
        assert_int_not_equal(after, 11);
        assert_true(after == before || before == 11);
        moved += after != before;
    }
    assert_int_equal(moved, counts[11]);
    for (size_t i = 0; i < COUNT(counts); i++)
        assert_in_range(counts[i], 800, 1200);
    healthy[0] = 0;
    assert_int_equal(balance_by_key(marks, healthy, 20, 1), BALANCE_NONE);
}
