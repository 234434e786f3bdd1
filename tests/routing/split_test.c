/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ROLLOUTS.md, "What this must never do". Adding, renaming or removing pools
 * and rollouts cannot move anybody: a split knows its salt and nothing else.
 */
#include "routing/split.h"

#include "tests/test.h"

#include <math.h>

#define SUBJECTS 20000

static const struct split *
built(struct arena *a, const char *salt)
{
    const struct split *s = NULL;

    assert_int_equal(split_build(a, span_str(salt), &s, NULL), OK);
    return s;
}

static span
subject_text(size_t i, char room[32])
{
    return span_of(room, (size_t)snprintf(room, 32, "account-%zu", i));
}

TEST(a_split_without_salt_is_refused)
{
    struct arena *a = arena_new(1 << 16);
    const struct split *s = NULL;
    struct err e;

    assert_int_equal(split_build(a, SPAN(""), &s, &e), ERR_INVALID);
    assert_null(s);
    arena_free(&a);
}

TEST(the_bucket_is_the_one_that_rollouts_md_writes_down)
{
    /* From the formula, over salt, 0x00 and subject laid end to end. */
    static const struct {
        const char *salt, *subject;
        uint32_t bucket;
    } cases[] = {
        {"orders-2026", "account-1", 654276},
        {"orders-2026", "account-2", 567269},
        {"ios-orders-2026", "account-1", 73603},
        {"x", "", 650497},
        {"a salt much longer than the two hundred and forty bytes that XXH3 "
         "hashes in one go, which takes "
         "another way through its code, and so on and on, with "
         "some more words to fill the line until it is long enough for that "
         "other way, "
         "which begins at 241",
         "6f1c9a1e-6d0d-4a39-9d0c-0a8f7d0a3b11", 46985},
    };
    struct arena *a = arena_new(1 << 16);

    for (size_t i = 0; i < COUNT(cases); i++)
        assert_int_equal(
            split_bucket(built(a, cases[i].salt), span_str(cases[i].subject)),
            cases[i].bucket);
    arena_free(&a);
}

TEST(raising_the_weight_never_sends_a_subject_back)
{
    static const uint32_t weights[] = {0,      1,      100,    10000,    10001,
                                       250000, 500000, 999999, SPLIT_ALL};
    struct arena *a = arena_new(1 << 16);
    const struct split *s = built(a, "orders-2026");

    for (size_t i = 0; i < SUBJECTS; i++) {
        char room[32];
        span subject = subject_text(i, room);
        bool was = false;

        for (size_t w = 0; w < COUNT(weights); w++) {
            bool is = split_takes(s, weights[w], subject);
            assert_true(is || !was);
            was = is;
        }
    }
    arena_free(&a);
}

TEST(lowering_the_weight_takes_back_only_the_last_added)
{
    struct arena *a = arena_new(1 << 16);
    const struct split *s = built(a, "orders-2026");

    for (size_t i = 0; i < SUBJECTS; i++) {
        char room[32];
        span subject = subject_text(i, room);

        /* Up 1 % to 5 % and down to 2 %: who leaves joined above 2 %. */
        if (split_takes(s, 50000, subject) && !split_takes(s, 20000, subject)) {
            assert_true(split_bucket(s, subject) >= 20000);
            assert_false(split_takes(s, 10000, subject));
        }
        if (split_takes(s, 10000, subject))
            assert_true(split_takes(s, 20000, subject));
    }
    arena_free(&a);
}

TEST(weight_0_is_nobody_and_all_is_everybody)
{
    struct arena *a = arena_new(1 << 16);
    const struct split *s = built(a, "orders-2026");

    for (size_t i = 0; i < SUBJECTS; i++) {
        char room[32];
        span subject = subject_text(i, room);

        assert_false(split_takes(s, 0, subject));
        assert_true(split_takes(s, SPLIT_ALL, subject));
        assert_true(split_bucket(s, subject) < SPLIT_ALL);
    }
    arena_free(&a);
}

TEST(two_splits_of_one_salt_agree_and_the_weight_is_exact_at_the_edge)
{
    struct arena *a = arena_new(1 << 16);
    const struct split *s = built(a, "same"), *t = built(a, "same");

    for (size_t i = 0; i < 1000; i++) {
        char room[32];
        span subject = subject_text(i, room);
        uint32_t bucket = split_bucket(s, subject);

        assert_int_equal(bucket, split_bucket(t, subject));
        assert_false(split_takes(s, bucket, subject));
        assert_true(split_takes(s, bucket + 1, subject));
    }
    arena_free(&a);
}

TEST(the_share_stays_within_the_band_of_chance)
{
    static const uint32_t weights[] = {1000, 10000, 50000, 250000, 500000};
    static const char *const salts[] = {"a", "b", "orders-2026", "ios-2026"};
    struct arena *a = arena_new(1 << 16);

    for (size_t k = 0; k < COUNT(salts); k++) {
        const struct split *s = built(a, salts[k]);
        for (size_t w = 0; w < COUNT(weights); w++) {
            double p = weights[w] / 1e6, expected = SUBJECTS * p;
            double band = 4 * sqrt(SUBJECTS * p * (1 - p));
            size_t n = 0;

            for (size_t i = 0; i < SUBJECTS; i++) {
                char room[32];
                n += split_takes(s, weights[w], subject_text(i, room));
            }
            assert_true(fabs((double)n - expected) <= band);
        }
    }
    arena_free(&a);
}

TEST(buckets_are_spread_evenly)
{
    struct arena *a = arena_new(1 << 16);
    const struct split *s = built(a, "orders-2026");
    double cells[100] = {0}, chi = 0, expected = SUBJECTS / 100.0;

    for (size_t i = 0; i < SUBJECTS; i++) {
        char room[32];
        cells[split_bucket(s, subject_text(i, room)) / 10000] += 1;
    }
    for (size_t i = 0; i < COUNT(cells); i++)
        chi += (cells[i] - expected) * (cells[i] - expected) / expected;
    /* 99 degrees of freedom: above 149 or below 61 once in a thousand. */
    assert_true(chi > 61 && chi < 149);
    arena_free(&a);
}

TEST(another_salt_sends_other_subjects_first)
{
    struct arena *a = arena_new(1 << 16);
    const struct split *s = built(a, "orders-2026"),
                       *t = built(a, "orders-2027");
    double cells[10][10] = {{0}}, chi = 0, expected = SUBJECTS / 100.0;

    for (size_t i = 0; i < SUBJECTS; i++) {
        char room[32];
        span subject = subject_text(i, room);
        cells[split_bucket(s, subject) / 100000]
             [split_bucket(t, subject) / 100000] += 1;
    }
    for (size_t i = 0; i < 10; i++)
        for (size_t j = 0; j < 10; j++)
            chi +=
                (cells[i][j] - expected) * (cells[i][j] - expected) / expected;
    /* Independent: a table of 100 equal cells, chi square as above. */
    assert_true(chi > 61 && chi < 149);
    arena_free(&a);
}

TEST(salt_and_subject_cannot_run_into_each_other)
{
    struct arena *a = arena_new(1 << 16);

    assert_int_not_equal(split_bucket(built(a, "ab"), SPAN("c")),
                         split_bucket(built(a, "a"), SPAN("bc")));
    arena_free(&a);
}
