/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/server/pace.h"
#include "tests/test.h"

static const struct pace_rules rules = {
    .still_ms = 10000, .rate = 1024, .window_ms = 30000};

TEST(a_peer_that_takes_nothing_is_still_after_its_time)
{
    struct pace p;

    pace_begin(&p, 1000, 500);
    assert_int_equal(pace_look(&p, 10999, 500, &rules), PACE_WELL);
    assert_int_equal(pace_look(&p, 11000, 500, &rules), PACE_STILL);
    pace_begin(&p, 1000, 500);
    assert_int_equal(pace_look(&p, 10999, 501, &rules), PACE_WELL);
    assert_int_equal(pace_look(&p, 20998, 501, &rules), PACE_WELL);
    assert_int_equal(pace_look(&p, 20999, 501, &rules), PACE_STILL);
}

/* Takes `step` bytes every five seconds: how often it was told to be slow. */
static unsigned
told_slow(uint64_t step, const struct pace_rules *r, unsigned seconds)
{
    struct pace p;
    uint64_t bytes = 7;
    unsigned n = 0;

    pace_begin(&p, 0, bytes);
    for (uint64_t t = 5000; t <= seconds * (uint64_t)1000; t += 5000) {
        enum pace_is is = pace_look(&p, t, bytes += step, r);
        assert_int_not_equal(is, PACE_STILL);
        n += is == PACE_SLOW;
    }
    return n;
}

TEST(a_peer_is_slow_below_the_rate_and_not_at_it)
{
    struct pace_rules none = rules;

    none.rate = 0;
    assert_int_equal(told_slow((uint64_t)5 * 1024 - 1, &rules, 29), 0);
    assert_int_equal(told_slow((uint64_t)5 * 1024 - 1, &rules, 30), 1);
    assert_int_equal(told_slow((uint64_t)5 * 1024 - 1, &rules, 90), 3);
    assert_int_equal(told_slow((uint64_t)5 * 1024, &rules, 900), 0);
    assert_int_equal(told_slow(1, &none, 900), 0);
}

TEST(what_was_taken_before_excuses_nothing_later)
{
    struct pace p;

    pace_begin(&p, 0, 0);
    assert_int_equal(pace_look(&p, 30000, 100 << 20, &rules), PACE_WELL);
    assert_int_equal(pace_look(&p, 39999, (100 << 20) + 1, &rules), PACE_WELL);
    assert_int_equal(pace_look(&p, 49998, (100 << 20) + 2, &rules), PACE_WELL);
    assert_int_equal(pace_look(&p, 60000, (100 << 20) + 3, &rules), PACE_SLOW);
}

TEST(due_is_the_first_moment_that_a_look_can_tell)
{
    struct pace p;
    struct pace_rules quick = {.still_ms = 900, .rate = 1, .window_ms = 400};

    pace_begin(&p, 100, 0);
    assert_int_equal(pace_due_ms(&p, &rules), 10100);
    assert_int_equal(pace_due_ms(&p, &quick), 500);
    quick.rate = 0;
    assert_int_equal(pace_due_ms(&p, &quick), 1000);
    pace_note(&p, 300, 0);
    assert_int_equal(pace_due_ms(&p, &quick), 1000);
    pace_note(&p, 300, 1);
    assert_int_equal(pace_due_ms(&p, &quick), 1200);
}
