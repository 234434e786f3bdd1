/* SPDX-License-Identifier: Apache-2.0 */
#include "routing/rollout/cell.h"

#include "tests/test.h"

#include <stdlib.h>

static const struct cell_law law = {.errors = {.ratio = 5, .alpha = 1e-4},
                                    .window_ms = 600000,
                                    .burst_errors = 20,
                                    .burst_ms = 1000,
                                    .translate = true};

static _Atomic uint64_t *
fresh(void)
{
    _Atomic uint64_t *cell = calloc(CELL_WORDS, sizeof(*cell));

    assert_non_null(cell);
    return cell;
}

static struct cell_event
event(uint64_t *seed, bool is_canary)
{
    uint64_t subject = test_random(seed);

    return (struct cell_event){.now_ms = 1000000,
                               .subject = subject,
                               .erring = subject,
                               .weight_ppm = 50000,
                               .is_canary = is_canary};
}

/* So many subjects come, as many of them to the canary as the weight says. */
static void
visits(_Atomic uint64_t *cell, uint64_t *seed, uint32_t n, uint32_t canary)
{
    for (uint32_t i = 0; i < n; i++) {
        struct cell_event v = event(seed, i < canary);
        cell_answer(cell, &law, &v, 1000);
    }
}

TEST(over_a_clean_baseline_it_halts_after_the_errors_that_rollouts_md_says)
{
    static const struct {
        uint32_t share_ppm, errors;
    } cases[] = {{10000, 6}, {50000, 7}, {250000, 11}};

    for (size_t i = 0; i < COUNT(cases); i++)
        assert_int_equal(cusum_to_halt(&law.errors, cases[i].share_ppm),
                         cases[i].errors);
    assert_int_equal(cusum_to_halt(&law.errors, 1000000), UINT32_MAX);
}

TEST(one_subject_halts_nothing_however_often_it_fails)
{
    _Atomic uint64_t *cell = fresh();
    uint64_t seed = 1;
    struct cell_event v = event(&seed, true);
    struct cell_view view;

    for (int i = 0; i < 100000; i++) {
        v.now_ms = 1000000 + (uint64_t)i; /* less than two windows */
        assert_int_equal(cell_error(cell, &law, &v), CELL_FINE);
    }
    cell_read(cell, &law, &view);
    assert_int_equal(view.arms[1].failed, 100000);
    assert_int_equal(view.arms[1].counted, 1);
    free(cell);
}

TEST(what_is_asked_is_no_run_s_and_what_was_sent_no_build_s)
{
    _Atomic uint64_t *cell = fresh();
    uint64_t seed = 12;
    struct cell_exposure sent = {0};

    for (uint32_t i = 0; i < 20; i++)
        cell_asked(cell, i);
    visits(cell, &seed, 10, 10);
    cell_expose(cell, 1);
    cell_restart(cell);
    assert_int_equal(cell_answers(cell, true), 0);
    cell_exposure_add(cell, &sent);
    assert_int_equal(sent.requests, 1);
    cell_clear(cell);
    sent = (struct cell_exposure){0};
    cell_exposure_add(cell, &sent);
    assert_int_equal(sent.requests, 0);
    assert_int_equal(cell_asked_n(cell), 20);
    free(cell);
}

TEST(who_meets_two_cells_is_one_visitor)
{
    static uint32_t bits[2][MARKS_WORDS];
    _Atomic uint64_t *a = fresh(), *b = fresh();
    uint64_t seed = 13, same = 13;

    visits(a, &seed, 1000, 100);
    visits(b, &same, 1000, 100);
    memset(bits, 0, sizeof(bits));
    cell_visitors(a, &law, 1000000, 50000, bits);
    cell_visitors(b, &law, 1000000, 50000, bits);
    assert_in_range(marks_count_set(bits[1]), 99, 101);
    assert_in_range(marks_count_set(bits[0]), 890, 910);
    /* Another weight is another count. */
    memset(bits, 0, sizeof(bits));
    cell_visitors(a, &law, 1000000, 250000, bits);
    assert_int_equal(marks_count_set(bits[0]) + marks_count_set(bits[1]), 0);
    free(a);
    free(b);
}

TEST(one_network_halts_nothing_however_many_subjects_it_makes_up)
{
    _Atomic uint64_t *cell = fresh();
    uint64_t seed = 11;

    visits(cell, &seed, 1000, 100);
    for (int i = 0; i < 200; i++) {
        struct cell_event v = event(&seed, true);
        v.erring = 42;
        assert_int_equal(cell_error(cell, &law, &v), CELL_FINE);
    }
    free(cell);
}

TEST(an_error_in_the_window_before_still_stands_for_its_subject)
{
    _Atomic uint64_t *cell = fresh();
    uint64_t seed = 1;
    struct cell_event v = event(&seed, true);
    struct cell_view view;
    static const struct {
        uint64_t now_ms, counted;
    } at[] = {{599999, 1}, {600000, 1}, {1199999, 1}, {1200000, 2}};

    for (size_t i = 0; i < COUNT(at); i++) {
        v.now_ms = at[i].now_ms;
        assert_int_equal(cell_error(cell, &law, &v), CELL_FINE);
        cell_read(cell, &law, &view);
        assert_int_equal(view.arms[1].counted, at[i].counted);
    }
    free(cell);
}

TEST(one_subject_or_two_halt_nothing_in_a_week_of_windows)
{
    _Atomic uint64_t *cell = fresh();
    uint64_t seed = 1;
    struct cell_event v[3] = {event(&seed, true), event(&seed, true),
                              event(&seed, true)};

    v[0].is_untranslated = true;
    for (uint64_t i = 0; i < 1000; i++)
        for (size_t j = 0; j < 2; j++) {
            v[j].now_ms = 1000000 + i * 600000;
            assert_int_equal(cell_error(cell, &law, &v[j]), CELL_FINE);
        }
    v[2].now_ms = v[1].now_ms;
    assert_int_equal(cell_error(cell, &law, &v[2]), CELL_ERRORS);
    free(cell);
}

TEST(who_erred_before_the_sum_was_zero_is_no_witness)
{
    _Atomic uint64_t *cell = fresh();
    uint64_t seed = 1;

    for (int i = 0; i < 50; i++) { /* an error of a stranger, many others' */
        struct cell_event e = event(&seed, true);
        assert_int_equal(cell_error(cell, &law, &e), CELL_FINE);
        for (int n = 0; n < 20; n++) {
            e = event(&seed, false);
            assert_int_equal(cell_error(cell, &law, &e), CELL_FINE);
        }
    }
    struct cell_event e = event(&seed, true);
    for (uint64_t i = 0; i < 1000; i++) {
        e.now_ms += 1200000;
        assert_int_equal(cell_error(cell, &law, &e), CELL_FINE);
    }
    free(cell);
}

/* Two million requests, of which so many are errors: 0.07 %, ROLLOUTS.md. */
TEST(false_halts_are_as_few_at_any_rate_of_errors)
{
    static const uint32_t shares[] = {10000, 50000, 250000};
    static const uint32_t errors[] = {200, 2000, 10000};
    uint64_t seed = 21;

    for (size_t k = 0; k < COUNT(shares) * COUNT(errors); k++) {
        uint32_t halts = 0, share = shares[k % 3];
        for (int run = 0; run < 300; run++) {
            _Atomic uint64_t word = 0;
            bool halted = false;
            for (uint32_t i = 0; i < errors[k / 3] && !halted; i++)
                halted = cusum_add(&word, &law.errors, share,
                                   test_random(&seed) % 1000000 < share, NULL);
            halts += halted;
        }
        /* 0.21 expected at most; four or more have a chance of 1 in 10 000. */
        assert_true(halts < 4);
    }
}

TEST(different_subjects_halt_it_with_the_share_that_was_seen)
{
    _Atomic uint64_t *cell = fresh();
    uint64_t seed = 3;
    int n = 0;

    visits(cell, &seed, 10000, 500);
    for (enum cell_verdict v = CELL_FINE; v == CELL_FINE; n++) {
        struct cell_event e = event(&seed, true);
        v = cell_error(cell, &law, &e);
        assert_true(n < 20);
        if (v != CELL_FINE)
            assert_int_equal(v, CELL_ERRORS);
    }
    assert_int_equal(n, 7);
    free(cell);
}

TEST(what_strikes_both_arms_leaves_the_sum_low)
{
    _Atomic uint64_t *cell = fresh();
    uint64_t seed = 5;

    visits(cell, &seed, 20000, 1000);
    for (int i = 0; i < 20000; i++) {
        struct cell_event e = event(&seed, test_random(&seed) % 20 == 0);
        e.now_ms += (uint64_t)i; /* a thousand a second */
        assert_int_equal(cell_error(cell, &law, &e), CELL_FINE);
    }
    free(cell);
}

TEST(where_all_are_on_the_canary_only_a_burst_says_something)
{
    _Atomic uint64_t *cell = fresh();
    uint64_t seed = 6;

    for (int i = 1; i <= 20; i++) {
        struct cell_event e = event(&seed, true);
        e.weight_ppm = 1000000;
        e.now_ms += (uint64_t)i;
        assert_int_equal(cell_error(cell, &law, &e),
                         i < 20 ? CELL_FINE : CELL_BURSTS);
    }
    free(cell);
}

TEST(a_worker_whose_clock_is_behind_forgets_no_errors)
{
    _Atomic uint64_t *cell = fresh();
    uint64_t seed = 6;

    visits(cell, &seed, 2000, 100);
    for (int i = 0; i < 400; i++) { /* an outage behind both, at this time */
        struct cell_event e = event(&seed, i % 20 == 0);
        e.now_ms += 2000;
        assert_int_equal(cell_error(cell, &law, &e), CELL_FINE);
    }
    struct cell_event late = event(&seed, false);
    assert_int_equal(cell_error(cell, &law, &late), CELL_FINE);
    struct cell_event e = event(&seed, true);
    e.now_ms += 2000;
    assert_int_equal(cell_error(cell, &law, &e), CELL_FINE);
    free(cell);
}

/* Whatever the clock says: spans are told apart by 24 bits of it. */
TEST(errors_that_are_spread_are_no_burst)
{
    static const uint64_t clocks[] = {0, 12000000000, 16777210000,
                                      1764000000000};

    for (size_t k = 0; k < COUNT(clocks); k++) {
        _Atomic uint64_t *cell = fresh();
        uint64_t seed = 6;
        for (int i = 0; i < 2000; i++) {
            struct cell_event e = event(&seed, true);
            e.weight_ppm = 1000000;
            /* 18 in any two seconds */
            e.now_ms = clocks[k] + (uint64_t)i * 110;
            assert_int_equal(cell_error(cell, &law, &e), CELL_FINE);
        }
        free(cell);
    }
}

TEST(two_subjects_whose_answers_cannot_be_translated_halt)
{
    _Atomic uint64_t *cell = fresh();
    uint64_t seed = 8;
    struct cell_event a = event(&seed, true), b = event(&seed, true);

    a.is_untranslated = b.is_untranslated = true;
    assert_int_equal(cell_error(cell, &law, &a), CELL_FINE);
    assert_int_equal(cell_error(cell, &law, &a), CELL_FINE);
    assert_int_equal(cell_error(cell, &law, &b), CELL_UNTRANSLATED);
    free(cell);
}

TEST(the_share_is_of_those_who_came_and_not_of_the_weight)
{
    _Atomic uint64_t *cell = fresh();
    uint64_t seed = 9;
    struct cell_view view;

    /* 5 % are asked for; of these few, a quarter is on the canary. */
    visits(cell, &seed, 400, 100);
    struct cell_event e = event(&seed, false);
    assert_int_equal(cell_error(cell, &law, &e), CELL_FINE);
    cell_read(cell, &law, &view);
    assert_in_range(view.share_ppm, 220000, 260000);
    free(cell);
}

TEST(marks_count_what_was_put_in)
{
    _Atomic uint64_t *words = calloc(MARKS_WORDS, sizeof(*words));
    uint64_t seed = 11;

    for (uint32_t n = 1; n <= 50000; n++) {
        uint64_t subject = test_random(&seed);
        (void)marks_put(words, 3, subject);
        assert_false(marks_put(words, 3, subject));
        assert_true(marks_has(words, 3, subject));
        if (n == 10 || n == 1000 || n == 50000)
            assert_in_range(marks_count(words, 3), n - n / 50, n + n / 50);
    }
    /* Another time finds them empty, and nobody cleared them. */
    assert_int_equal(marks_count(words, 4), 0);
    assert_true(marks_put(words, 4, 1));
    for (uint32_t n = 0; n < 1000000; n++)
        (void)marks_put(words, 4, test_random(&seed));
    assert_int_equal(marks_count(words, 4), UINT32_MAX);
    free(words);
}

TEST(counts_are_added_up_over_the_workers)
{
    _Atomic uint64_t *cell = fresh();
    uint64_t seed = 12;
    struct cell_view view;

    for (uint32_t i = 0; i < 100; i++) {
        struct cell_event v = event(&seed, i % 4 == 0);
        v.stripe = i;
        cell_answer(cell, &law, &v, 3000);
        cell_answer(cell, &law, &v, 90000); /* a subject is timed once */
    }
    cell_read(cell, &law, &view);
    assert_int_equal(view.arms[0].answers, 150);
    assert_int_equal(view.arms[1].answers, 50);
    assert_int_equal(view.arms[1].times[sketch_bucket(3000)], 25);
    assert_int_equal(view.arms[1].times[sketch_bucket(90000)], 0);
    cell_clear(cell);
    for (size_t i = 0; i < CELL_WORDS; i++)
        assert_int_equal(cell[i], 0);
    free(cell);
}

/* ---------------------------------------------------------------------- sketch */

TEST(a_bucket_is_as_wide_as_a_sixteenth_of_its_time)
{
    uint64_t seed = 2;

    assert_int_equal(sketch_bucket(0), 0);
    assert_int_equal(sketch_bucket(UINT64_MAX), SKETCH_BUCKETS - 1);
    for (int i = 0; i < 100000; i++) {
        uint64_t us = test_random(&seed) >> (test_random(&seed) % 64);
        uint32_t b = sketch_bucket(us);
        assert_true(b < SKETCH_BUCKETS);
        assert_true(sketch_from_us(b) <= us);
        if (b == 0 || b == SKETCH_BUCKETS - 1)
            continue;
        assert_true(us < sketch_from_us(b + 1));
        assert_true(sketch_from_us(b + 1) - sketch_from_us(b) <=
                    sketch_from_us(b) / 16);
    }
}

static const struct sketch_law slow = {
    .quantile = 0.99, .max_ratio = 1.25, .min_samples = 500, .alpha = 1e-4};

/* Times between 1 and 2 ms, one in fifty of them ten times as long. */
static void
times(uint64_t out[SKETCH_BUCKETS], uint64_t *seed, int n, double factor)
{
    memset(out, 0, SKETCH_BUCKETS * sizeof(*out));
    for (int i = 0; i < n; i++) {
        double us = 1000 + (double)(test_random(seed) % 1000);
        if (test_random(seed) % 50 == 0)
            us *= 10;
        out[sketch_bucket((uint64_t)(us * factor))]++;
    }
}

TEST(a_slow_canary_is_told_from_an_equal_one)
{
    uint64_t canary[SKETCH_BUCKETS], baseline[SKETCH_BUCKETS], seed = 4;
    struct sketch_judgement j;

    times(baseline, &seed, 20000, 1);
    for (int i = 0; i < 300; i++) {
        times(canary, &seed, 3000, 1);
        sketch_judge(&slow, canary, baseline, &j);
        assert_int_equal(j.verdict, SKETCH_FINE);
    }
    times(canary, &seed, 5000, 2);
    sketch_judge(&slow, canary, baseline, &j);
    assert_int_equal(j.verdict, SKETCH_SLOWER);
    assert_true(j.canary_us > j.baseline_us);
    times(canary, &seed, 3000, 0.5);
    sketch_judge(&slow, canary, baseline, &j);
    assert_int_equal(j.verdict, SKETCH_FINE);
}

TEST(too_few_answers_are_no_judgement)
{
    uint64_t canary[SKETCH_BUCKETS], baseline[SKETCH_BUCKETS], seed = 4;
    struct sketch_judgement j;

    times(baseline, &seed, 20000, 1);
    times(canary, &seed, 499, 100);
    sketch_judge(&slow, canary, baseline, &j);
    assert_int_equal(j.verdict, SKETCH_NO_DATA);
    times(baseline, &seed, 0, 1);
    times(canary, &seed, 5000, 1);
    sketch_judge(&slow, canary, baseline, &j);
    assert_int_equal(j.verdict, SKETCH_NO_DATA);
}
