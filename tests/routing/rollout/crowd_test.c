/* SPDX-License-Identifier: Apache-2.0 */
#include "routing/rollout/crowd.h"

#include "tests/test.h"

static uint64_t
count(const _Atomic uint64_t *words)
{
    struct crowd_sum sum = {0};

    crowd_add(&sum, words);
    return crowd_count(&sum);
}

/* Five standard deviations of 1.04 / sqrt(4096). */
static void
assert_about(uint64_t is, uint64_t ought)
{
    uint64_t off = is > ought ? is - ought : ought - is;

    if (off * 100 > ought * 8 + 100)
        fail_msg("%llu is far from %llu", (unsigned long long)is,
                 (unsigned long long)ought);
}

TEST(a_crowd_of_any_size_is_known_within_some_percent)
{
    static const uint64_t sizes[] = {0,    1,     3,      20,     300,
                                     5000, 11000, 100000, 3000000};

    for (size_t i = 0; i < COUNT(sizes); i++) {
        _Atomic uint64_t words[CROWD_WORDS] = {0};
        uint64_t seed = i + 1;
        for (uint64_t n = 0; n < sizes[i]; n++)
            crowd_put(words, test_random(&seed));
        if (sizes[i] <= 3)
            assert_int_equal(count(words), sizes[i]);
        else
            assert_about(count(words), sizes[i]);
    }
}

TEST(who_comes_again_is_counted_once)
{
    _Atomic uint64_t words[CROWD_WORDS] = {0};

    for (int round = 0; round < 50; round++) {
        uint64_t seed = 7;
        for (int n = 0; n < 100; n++)
            crowd_put(words, test_random(&seed));
    }
    assert_about(count(words), 100);
}

TEST(two_crowds_together_count_whom_they_share_once)
{
    _Atomic uint64_t a[CROWD_WORDS] = {0}, b[CROWD_WORDS] = {0};
    struct crowd_sum sum = {0};
    uint64_t seed = 9;

    for (int n = 0; n < 3000; n++) {
        uint64_t one = test_random(&seed);
        if (n < 2000)
            crowd_put(a, one);
        if (n >= 1000)
            crowd_put(b, one);
    }
    crowd_add(&sum, a);
    crowd_add(&sum, b);
    assert_about(crowd_count(&sum), 3000);
}

TEST(no_hash_is_beyond_a_register)
{
    _Atomic uint64_t words[CROWD_WORDS] = {0};

    crowd_put(words, 0); /* no bit to draw from at all */
    crowd_put(words, UINT64_MAX);
    assert_int_equal(count(words), 2);
}
