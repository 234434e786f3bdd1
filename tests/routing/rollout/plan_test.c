/* SPDX-License-Identifier: Apache-2.0 */
#include "routing/rollout/plan.h"

#include "tests/test.h"

static struct rollout_step steps[2];

static struct rollout_plan
two_steps(void)
{
    steps[0] = (struct rollout_step){.weight_ppm = 10000,
                                     .hold_ms = 3600000,
                                     .min_requests = 2000,
                                     .at_most_ms = 86400000};
    steps[1] = (struct rollout_step){.weight_ppm = 1000000, .hold_ms = 1};
    return (struct rollout_plan){.steps = steps, .n_steps = 2};
}

TEST(a_step_that_goes_nowhere_is_refused)
{
    struct rollout_plan p = two_steps();
    struct err e;

    assert_int_equal(plan_check(&p, &e), OK);
    steps[1].weight_ppm = 10000;
    assert_int_equal(plan_check(&p, &e), ERR_INVALID);
    steps[1].weight_ppm = 1000001;
    assert_int_equal(plan_check(&p, &e), ERR_INVALID);
    p = two_steps();
    steps[0].weight_ppm = 0;
    assert_int_equal(plan_check(&p, &e), ERR_INVALID);
    p = two_steps();
    p.n_steps = 0;
    assert_int_equal(plan_check(&p, &e), ERR_INVALID);
    p = two_steps();
    steps[0].at_most_ms = 1;
    assert_int_equal(plan_check(&p, &e), ERR_INVALID);
}

TEST(a_plan_that_cannot_conclude_shows_its_arithmetic)
{
    struct rollout_plan p = two_steps();
    struct err e;

    /* ROLLOUTS.md: 0.9 a minute at 1 %. */
    assert_int_equal(plan_step_concludes(&p, 0, 129600, &e), ERR_INVALID);
    assert_string_equal(e.text,
                        "step 1 cannot conclude: it needs 2000 canary "
                        "requests; 0.9 a minute at 1% make that 37 h, more "
                        "than `at_most` 24 h");
    assert_int_equal(plan_step_concludes(&p, 0, 0, &e), ERR_INVALID);
    assert_non_null(strstr(e.text, "for ever"));
    assert_int_equal(plan_step_concludes(&p, 0, 200000, &e), OK);
    assert_int_equal(plan_step_takes_ms(&p, 0, 200000), 86400000);
    assert_int_equal(plan_step_takes_ms(&p, 0, 20000000000), 3600000);
}

TEST(windows_that_leave_no_hour_are_refused)
{
    struct window w[2];
    struct rollout_plan p = two_steps();

    assert_true(window_parse(SPAN("Mon 00:00 - Fri 00:00"), &w[0]));
    assert_true(window_parse(SPAN("Fri 00:00 - Mon 00:00"), &w[1]));
    p.forbidden = w;
    p.n_forbidden = 1;
    assert_int_equal(plan_check(&p, NULL), OK);
    p.n_forbidden = 2;
    assert_int_equal(plan_check(&p, NULL), ERR_INVALID);
}

TEST(a_window_is_in_its_zone_and_may_go_over_the_week)
{
    /* 2026-11-27, a Friday, 16:00 UTC. */
    static const uint64_t friday = UINT64_C(1795795200000);
    static const struct {
        const char *text, *zone;
        int64_t minutes; /* from then */
        bool holds;
    } cases[] = {
        {"Fri 16:00 - Mon 08:00", "Z", -1, false},
        {"Fri 16:00 - Mon 08:00", "Z", 0, true},
        {"Fri 16:00 - Mon 08:00", "Z", 3839, true},
        {"Fri 16:00 - Mon 08:00", "Z", 3840, false},
        {"Fri 16:00 - Mon 08:00", "+02:00", -121, false},
        {"Fri 16:00 - Mon 08:00", "+02:00", -120, true},
        {"Fri 16:00 - Mon 08:00", "-05:00", 299, false},
        {"Fri 16:00 - Mon 08:00", "-05:00", 300, true},
        {"Sun 23:00 - Mon 01:00", "Z", 2 * 1440 + 420, true},
        {"Sun 23:00 - Mon 01:00", "Z", 2 * 1440 + 540, false},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct window w;
        struct zone zone;
        uint64_t at = (uint64_t)((int64_t)friday + cases[i].minutes * 60000);
        assert_true(window_parse(span_str(cases[i].text), &w));
        assert_true(zone_fixed(span_str(cases[i].zone), &zone));
        assert_int_equal(window_holds(&w, at, &zone), cases[i].holds);
        if (!cases[i].holds)
            continue;
        uint64_t end = window_ends_ms(&w, at, &zone);
        assert_true(end > at);
        assert_false(window_holds(&w, end, &zone));
        assert_true(window_holds(&w, end - 1, &zone));
    }
}

TEST(what_is_no_window_is_refused)
{
    static const char *const bad[] = {
        "",
        "Fri 16:00",
        "Fri 16:00 - Fri 16:00",
        "Fri 24:00 - Mon 08:00",
        "Fry 16:00 - Mon 08:00",
        "Fri 16:60 - Mon 08:00",
        "Fri 16.00 - Mon 08:00",
        "Fri 16:00 - Mon 08:00 - Tue 08:00",
        "onT 16:00 - Mon 08:00",
    };
    static const char *const zones[] = {"", "Berlin", "+2", "+15:00", "02:00"};
    struct window w;
    struct zone zone;

    for (size_t i = 0; i < COUNT(bad); i++)
        assert_false(window_parse(span_str(bad[i]), &w));
    for (size_t i = 0; i < COUNT(zones); i++)
        assert_false(zone_fixed(span_str(zones[i]), &zone));
}
