/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/control/weights.h"
#include "tests/test.h"

/* Stored (weight, run, file it replaced) or nothing; the file's value; verdict. */
static const struct {
    const char *claim;
    bool stored;
    uint32_t weight, run, was_file;
    uint32_t file;
    enum weight_verdict verdict;
    uint32_t holds, run_then;
} cases[] = {
    {"never seen", false, 0, 0, 0, 50000, WEIGHT_NEW, 50000, 1},
    {"never seen, at nothing", false, 0, 0, 0, 0, WEIGHT_NEW, 0, 1},
    {"moved, file as it was", true, 125000, 1, 0, 0, WEIGHT_KEEP, 125000, 1},
    {"moved to nothing stays so", true, 0, 1, 50000, 50000, WEIGHT_KEEP, 0, 1},
    {"never moved, file as it was", true, 7, 1, 7, 7, WEIGHT_KEEP, 7, 1},
    {"file changed", true, 125000, 1, 0, 500000, WEIGHT_FILE, 500000, 1},
    {"file changed to where it stands", true, 125000, 1, 0, 125000, WEIGHT_FILE,
     125000, 1},
    {"file taken back to nothing", true, 900000, 2, 100000, 0, WEIGHT_FILE, 0,
     2},
    {"the run goes on", true, 1000000, 9, 0, 0, WEIGHT_KEEP, 1000000, 9},
};

TEST(a_moved_weight_holds_until_the_file_says_something_new)
{
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct store_weight stored = {.slot = "route/orders",
                                      .weight_ppm = cases[i].weight,
                                      .run = cases[i].run,
                                      .file_ppm = cases[i].was_file,
                                      .revision = 3};
        struct weight_file file = {SPAN("route/orders"), cases[i].file};
        struct weight_action a;

        weights_reconcile(&stored, cases[i].stored ? 1 : 0, &file, 1, &a);
        if (a.verdict != cases[i].verdict || a.weight_ppm != cases[i].holds ||
            a.run != cases[i].run_then || a.file_ppm != cases[i].file)
            fail_msg("%s: %s, %u ppm, run %u", cases[i].claim,
                     weight_verdict_word(a.verdict), a.weight_ppm, a.run);
    }
}

TEST(slots_are_told_apart_and_those_of_the_store_alone_are_left_alone)
{
    struct store_weight stored[] = {
        {.slot = "route/a", .weight_ppm = 1, .run = 1, .file_ppm = 0},
        {.slot = "route/b", .weight_ppm = 2, .run = 1, .file_ppm = 0},
    };
    struct weight_file file[] = {{SPAN("route/b"), 0}, {SPAN("route/c"), 5}};
    struct weight_action a[2];

    weights_reconcile(stored, 2, file, 2, a);
    assert_int_equal(a[0].verdict, WEIGHT_KEEP);
    assert_int_equal(a[0].weight_ppm, 2);
    assert_int_equal(a[1].verdict, WEIGHT_NEW);
    assert_span(a[1].slot, "route/c");
}

/* Doing what the actions say, and asking again: nothing is left to do. */
TEST(reconciling_twice_is_reconciling_once)
{
    uint64_t seed = 11;

    for (size_t i = 0; i < 10000; i++) {
        struct store_weight w = {.slot = "s", .run = 1, .revision = 1};
        struct weight_file file = {SPAN("s"),
                                   (uint32_t)(test_random(&seed) % 3)};
        struct weight_action a, b;

        w.weight_ppm = (uint32_t)(test_random(&seed) % 3);
        w.file_ppm = (uint32_t)(test_random(&seed) % 3);
        weights_reconcile(&w, test_random(&seed) % 2, &file, 1, &a);
        w.weight_ppm = a.weight_ppm;
        w.file_ppm = a.file_ppm;
        w.run = a.run;
        weights_reconcile(&w, 1, &file, 1, &b);
        assert_int_equal(b.verdict, WEIGHT_KEEP);
        assert_int_equal(b.weight_ppm, a.weight_ppm);
    }
}
