/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of edges, walked at random: whatever happens in whatever order, a
 * rollout is in one step at a time, its weight is its state's, and from wherever
 * traffic is on the canary everybody can be brought back.
 */
#include "routing/rollout/advance.h"

#include "tests/test.h"

static const struct rollout_step steps[] = {
    {.weight_ppm = 10000,
     .hold_ms = 3600000,
     .min_requests = 2000,
     .at_most_ms = 86400000},
    {.weight_ppm = 50000, .hold_ms = 3600000, .min_requests = 2000},
    {.weight_ppm = 250000, .hold_ms = 14400000, .approve = true},
    {.weight_ppm = 1000000, .hold_ms = 1800000},
};

static const struct rollout_plan plan = {
    .steps = steps, .n_steps = COUNT(steps), .approvals_need = 2};

static const char *
word(enum machine_state s)
{
    return machine_state_word(s);
}

TEST(an_event_leads_from_a_state_to_one_other_at_most)
{
    size_t n;
    const struct machine_edge *e = machine_edges(&n);

    for (size_t i = 0; i < n; i++) {
        assert_ptr_equal(machine_edge(e[i].from, e[i].event), &e[i]);
        assert_true(e[i].by != 0);
    }
}

TEST(wherever_traffic_is_on_the_canary_it_can_be_taken_off)
{
    for (int s = 0; s <= ROLLOUT_WITHDRAWN; s++) {
        if (!machine_is_live((enum machine_state)s))
            continue;
        const struct machine_edge *halt =
            machine_edge((enum machine_state)s, EVENT_HALT);
        const struct machine_edge *back =
            machine_edge((enum machine_state)s, EVENT_ROLL_BACK);
        assert_non_null(halt);
        assert_non_null(back);
        assert_true(halt->by & BY_OPERATOR);
        assert_true(back->by & BY_OPERATOR);
        assert_false(machine_is_live(halt->to));
        assert_false(machine_is_live(back->to));
    }
}

TEST(a_worker_can_only_ever_retreat)
{
    size_t n;
    const struct machine_edge *e = machine_edges(&n);

    for (size_t i = 0; i < n; i++)
        if (e[i].by & BY_WORKER)
            assert_true(
                e[i].event == EVENT_HALT ||
                (e[i].event == EVENT_HALT_CELL && e[i].to == e[i].from));
}

TEST(a_state_is_read_back_by_its_word)
{
    for (int s = 0; s <= ROLLOUT_WITHDRAWN; s++) {
        enum machine_state back;
        assert_true(
            machine_state_of(span_str(word((enum machine_state)s)), &back));
        assert_int_equal(back, s);
    }
    enum machine_state none;
    assert_false(machine_state_of(SPAN("nowhere"), &none));
}

/* Cells are halted and opened by their own events alone, and one that is halted has nobody, whatever the weight. */
static void
check_cells(const struct machine *a, const struct machine *b,
            enum machine_event event)
{
    if (event == EVENT_HALT_CELL) {
        assert_int_equal(a->halted & ~b->halted, 0);
        assert_true(b->halted != a->halted && b->since_ms == a->since_ms &&
                    b->step == a->step && b->state == a->state);
    } else if (event == EVENT_REOPEN) {
        assert_int_equal(b->halted & ~a->halted, 0);
        assert_true(b->halted != a->halted && b->step == a->step);
    } else {
        assert_int_equal(b->halted, b->run == a->run ? a->halted : 0);
    }
    for (uint32_t i = 0; i < ROLLOUT_CELLS_MAX; i++) {
        bool was = a->halted >> i & 1, is = b->halted >> i & 1;
        if (is)
            assert_int_equal(machine_cell_weight(&plan, b, i), 0);
        if (b->run == a->run)
            assert_int_equal(b->opened[i], a->opened[i] + (was && !is));
    }
}

/* What must hold of one edge that was taken. */
static void
check_edge(const struct machine *a, const struct machine *b,
           enum machine_event event)
{
    uint32_t before = machine_weight(&plan, a),
             after = machine_weight(&plan, b);

    assert_true(b->step < plan.n_steps);
    assert_true(b->latest_ms >= a->latest_ms);
    assert_true(b->since_ms >= a->since_ms);
    if (event == EVENT_ADVANCE || event == EVENT_PROMOTE)
        assert_true(b->step == a->step + 1 ||
                    (b->state == ROLLOUT_DONE && b->step == a->step));
    if (b->run != a->run) {
        assert_int_equal(event, EVENT_AGAIN);
        assert_int_equal(b->run, a->run + 1);
        assert_int_equal(after, 0);
    }
    check_cells(a, b, event);
    assert_int_equal(machine_begins(a->state, event), after > 0 && !before);
    if (event == EVENT_FLIP) { /* the one word that goes to the end at once */
        assert_int_equal(b->step, plan.n_steps - 1);
        return;
    }
    if (after > before && before > 0) /* up, by one step and no more */
        assert_int_equal(after, plan.steps[a->step + 1].weight_ppm);
    if (after > 0 && before == 0) /* begun at step 1 */
        assert_true(event == EVENT_START && b->step == 0);
    if (after < before && after > 0)
        assert_int_equal(event, EVENT_REBUILD);
}

TEST(on_random_walks_it_goes_up_a_step_at_a_time_and_down_at_once)
{
    static const enum machine_actor by[] = {BY_CONTROL, BY_OPERATOR, BY_WORKER,
                                            BY_GLASS};
    uint64_t seed = 7;
    size_t taken = 0, refused = 0;

    for (int walk = 0; walk < 2000; walk++) {
        struct machine m = machine_new(1000);
        for (int i = 0; i < 300; i++) {
            uint64_t dice = test_random(&seed);
            struct machine next;
            struct machine_call call = {
                .event = (enum machine_event)(dice % (EVENT_AGAIN + 1)),
                .by = by[dice / 32 % 4],
                .wall_ms = dice / 128 % 100000, /* clocks jump, too */
                .canary_answers = dice / 128 % 5000,
                .cells = 1u << (dice >> 40 & 7),
            };
            const struct machine_edge *edge = machine_edge(m.state, call.event);
            enum err_code code = machine_apply(&plan, &m, &call, &next, NULL);
            if (code) {
                refused++;
                continue;
            }
            assert_non_null(edge);
            assert_true(edge->by & call.by);
            check_edge(&m, &next, call.event);
            m = next;
            taken++;
        }
    }
    assert_true(taken > 5000 && refused > 5000);
}

TEST(what_cannot_be_done_says_what_can)
{
    struct machine m = machine_new(0), out;
    struct machine_call call = {.event = EVENT_RESUME, .by = BY_OPERATOR};
    struct err e;

    assert_int_equal(machine_apply(&plan, &m, &call, &out, &e), ERR_CONFLICT);
    assert_string_equal(e.text, "a rollout that is draft cannot 'resume'; it "
                                "can: withdraw");
    call.event = EVENT_CHECK;
    assert_int_equal(machine_apply(&plan, &m, &call, &out, &e),
                     ERR_UNSUPPORTED);
}

TEST(what_nobody_approved_is_begun_by_who_breaks_the_glass_alone)
{
    struct machine m = machine_new(0), out;
    struct machine_call call = {.event = EVENT_START, .by = BY_OPERATOR};
    struct err e;

    m.state = ROLLOUT_CHECKED;
    assert_int_equal(machine_apply(&plan, &m, &call, &out, &e), ERR_CONFLICT);
    assert_string_equal(e.text, "a rollout that is checked cannot 'start' "
                                "unless the glass is broken; it can: withdraw");
    call.by = BY_GLASS;
    assert_int_equal(machine_apply(&plan, &m, &call, &out, &e), OK);
    assert_int_equal(machine_weight(&plan, &out), 10000);
}

TEST(the_glass_is_broken_to_go_forward_and_for_nothing_else)
{
    size_t n;
    const struct machine_edge *e = machine_edges(&n);

    for (size_t i = 0; i < n; i++)
        if (e[i].by & BY_GLASS)
            assert_true(e[i].event == EVENT_START ||
                        e[i].event == EVENT_PROMOTE ||
                        e[i].event == EVENT_FLIP);
}

/* What an edge passes over, as text. */
static const char *
lacks(const struct rollout_plan *p, const struct machine *m,
      const struct advance_facts *f, enum machine_event event, bool bars)
{
    static char text[512];
    struct advance all[ADVANCE_LACKS];
    size_t n = advance_lacks(p, m, f, event, all), used = 0;
    char one[96];

    text[0] = '\0';
    for (size_t i = 0; i < n; i++) {
        advance_text(&all[i], one, sizeof(one));
        if (!bars || advance_bars(all[i].wait))
            used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s",
                                     used ? "; " : "", one);
    }
    return text;
}

TEST(a_person_hurries_a_hold_and_passes_over_nobody_s_approval_nor_a_window)
{
    static const uint64_t friday = UINT64_C(1795798800000); /* 17:00 */
    struct window w;
    struct rollout_plan p = plan;
    struct machine m = {.state = ROLLOUT_STEP, .step = 0, .run = 1};
    struct advance_facts f = {.wall_ms = 1000, .canary_answers = 300};

    assert_true(window_parse(SPAN("Fri 16:00 - Mon 08:00"), &w));
    p.forbidden = &w;
    p.n_forbidden = 1;
    assert_string_equal(
        lacks(&p, &m, &f, EVENT_PROMOTE, false),
        "hold: 1000 ms of 60 min; no data: 300 of 2000 requests");
    assert_string_equal(lacks(&p, &m, &f, EVENT_PROMOTE, true), "");
    /* Step 3 is one that is agreed to: a flip would pass over it. */
    assert_string_equal(lacks(&p, &m, &f, EVENT_FLIP, true),
                        "approval: 0 of 2");
    m.step = 2;
    f.approvals = 1;
    assert_string_equal(lacks(&p, &m, &f, EVENT_PROMOTE, true),
                        "approval: 1 of 2");
    f.approvals = 2;
    assert_string_equal(lacks(&p, &m, &f, EVENT_PROMOTE, true), "");
    assert_string_equal(lacks(&p, &m, &f, EVENT_FLIP, true), "");
    f.wall_ms = friday;
    assert_string_equal(lacks(&p, &m, &f, EVENT_PROMOTE, true),
                        "window: 2.62 d until it opens");
    /* The end of the last step moves nobody. */
    m.step = 3;
    m.state = ROLLOUT_BAKING;
    assert_string_equal(lacks(&p, &m, &f, EVENT_PROMOTE, true), "");
    m = (struct machine){.state = ROLLOUT_CHECKED, .run = 1};
    f.approvals = 1;
    assert_string_equal(lacks(&p, &m, &f, EVENT_START, true),
                        "approval: 1 of 2; window: 2.62 d until it opens");
}

/* ------------------------------------------------------------ by itself, in time */

/* Ask and apply, as control does; the events taken, as text. */
static void
let_go(struct machine *m, struct advance_facts *f, struct advance *last)
{
    for (int i = 0; i < 20; i++) {
        struct machine next;
        advance_judge(&plan, m, f, last);
        if (!last->acts)
            return;
        struct machine_call call = {.event = last->event,
                                    .by = BY_CONTROL,
                                    .wall_ms = f->wall_ms,
                                    .canary_answers = f->canary_answers};
        assert_int_equal(machine_apply(&plan, m, &call, &next, NULL), OK);
        *m = next;
    }
    fail_msg("it does not come to rest");
}

/* One that was approved and started at `wall_ms`. */
static struct machine
started(uint64_t wall_ms)
{
    struct machine m = machine_new(wall_ms), next;
    struct advance_facts f = {
        .wall_ms = wall_ms, .approvals = 2, .baseline_is_up = true};
    struct advance a;
    struct machine_call start = {
        .event = EVENT_START, .by = BY_OPERATOR, .wall_ms = wall_ms};

    let_go(&m, &f, &a);
    assert_string_equal(word(m.state), "approved");
    assert_int_equal(a.wait, WAIT_START);
    assert_int_equal(machine_apply(&plan, &m, &start, &next, NULL), OK);
    assert_int_equal(machine_weight(&plan, &next), 10000);
    return next;
}

TEST(nothing_begins_before_enough_people_agreed)
{
    struct machine m = machine_new(0);
    struct advance_facts f = {.approvals = 1};
    struct advance a;

    let_go(&m, &f, &a);
    assert_string_equal(word(m.state), "checked");
    assert_int_equal(a.wait, WAIT_APPROVAL);
    assert_int_equal(a.have, 1);
    assert_int_equal(a.need, 2);
}

TEST(a_step_is_left_after_its_hold_with_its_requests)
{
    struct machine m = started(1000);
    struct advance_facts f = {.wall_ms = 1000 + 3599999,
                              .canary_answers = 5000,
                              .baseline_is_up = true};
    struct advance a;

    let_go(&m, &f, &a);
    assert_int_equal(a.wait, WAIT_HOLD);
    f.wall_ms++;
    let_go(&m, &f, &a);
    assert_int_equal(m.step, 1);
    assert_int_equal(machine_weight(&plan, &m), 50000);
    /* The next one counts from here: the 5000 are not its own. */
    f.wall_ms += 3600000;
    let_go(&m, &f, &a);
    assert_string_equal(word(m.state), "holding");
    assert_int_equal(a.wait, WAIT_NO_DATA);
    assert_int_equal(a.have, 0);
    f.canary_answers += 2000;
    let_go(&m, &f, &a);
    assert_int_equal(m.step, 2);
}

TEST(no_traffic_holds_and_at_last_pauses)
{
    struct machine m = started(0);
    struct advance_facts f = {.wall_ms = 7200000, .baseline_is_up = true};
    struct advance a;
    char text[96];

    let_go(&m, &f, &a);
    assert_string_equal(word(m.state), "holding");
    advance_text(&a, text, sizeof(text));
    assert_string_equal(text, "no data: 0 of 2000 requests");
    f.wall_ms = 86400000;
    let_go(&m, &f, &a);
    assert_string_equal(word(m.state), "paused");
    assert_int_equal(machine_weight(&plan, &m), 10000);
    assert_int_equal(a.wait, WAIT_OPERATOR);
}

TEST(a_clock_that_goes_back_shortens_no_hold)
{
    struct machine m = started(10000000);
    struct advance_facts f = {
        .wall_ms = 5, .canary_answers = 5000, .baseline_is_up = true};
    struct advance a;

    let_go(&m, &f, &a);
    assert_int_equal(a.wait, WAIT_HOLD);
    assert_int_equal(a.have, 0);
}

TEST(a_latch_beats_an_advance_that_is_due)
{
    struct machine m = started(0);
    struct advance_facts f = {.wall_ms = 3600000,
                              .canary_answers = 5000,
                              .is_halted = true,
                              .baseline_is_up = true};
    struct advance a;

    let_go(&m, &f, &a);
    assert_string_equal(word(m.state), "rolled_back");
    assert_int_equal(machine_weight(&plan, &m), 0);
    assert_int_equal(a.wait, WAIT_UNDER_WAY);
    f.wall_ms += ADVANCE_REPORT_MS;
    let_go(&m, &f, &a);
    assert_string_equal(word(m.state), "reported");
}

TEST(a_slow_canary_is_not_rolled_back_into_a_dead_baseline)
{
    struct machine m = started(0);
    struct advance_facts f = {.wall_ms = 5, .is_slower = true};
    struct advance a;

    let_go(&m, &f, &a);
    assert_string_equal(word(m.state), "rollback_blocked");
    assert_int_equal(machine_weight(&plan, &m), 10000);
    assert_int_equal(a.wait, WAIT_OPERATOR);
}

TEST(a_new_build_goes_back_to_the_first_step)
{
    struct machine m = started(0), next;
    struct machine_call promote = {.event = EVENT_PROMOTE, .by = BY_OPERATOR},
                        rebuild = {.event = EVENT_REBUILD, .by = BY_CONTROL};

    for (uint32_t weight = 1; weight < plan.n_steps; weight++) {
        assert_int_equal(machine_apply(&plan, &m, &promote, &next, NULL), OK);
        assert_int_equal(machine_weight(&plan, &next),
                         steps[weight].weight_ppm);
        m = next;
    }
    assert_string_equal(word(m.state), "baking");
    assert_int_equal(machine_apply(&plan, &m, &rebuild, &next, NULL), OK);
    assert_string_equal(word(next.state), "step");
    assert_int_equal(next.step, 0);
}

TEST(a_new_build_is_met_at_once_but_after_a_halt_and_wakes_nobody_who_paused)
{
    struct machine m = started(0), next;
    struct advance_facts f = {.wall_ms = 3600000,
                              .canary_answers = 5000,
                              .has_new_build = true,
                              .is_halted = true,
                              .baseline_is_up = true};
    struct machine_call rebuild = {.event = EVENT_REBUILD, .by = BY_CONTROL};
    struct advance a;

    advance_judge(&plan, &m, &f, &a);
    assert_true(a.acts && a.event == EVENT_HALT);
    f.is_halted = false;
    advance_judge(&plan, &m, &f, &a); /* an advance is due as well */
    assert_true(a.acts && a.event == EVENT_REBUILD);
    m.step = 2;
    m.state = ROLLOUT_PAUSED;
    advance_judge(&plan, &m, &f, &a);
    assert_true(a.acts && a.event == EVENT_REBUILD);
    assert_int_equal(machine_apply(&plan, &m, &rebuild, &next, NULL), OK);
    assert_string_equal(word(next.state), "paused");
    assert_int_equal(machine_weight(&plan, &next), 10000);
}

TEST(builds_that_cannot_be_told_apart_pause_it_and_say_so)
{
    struct machine m = started(0);
    struct advance_facts f = {.has_many_builds = true, .baseline_is_up = true};
    struct advance a;
    char text[96];

    advance_judge(&plan, &m, &f, &a);
    assert_true(a.acts && a.event == EVENT_PAUSE);
    advance_text(&a, text, sizeof(text));
    assert_string_equal(
        text, "builds: more than 8 answer, so `build_header` names none");
    let_go(&m, &f, &a);
    assert_string_equal(word(m.state), "paused");
    assert_int_equal(a.wait, WAIT_OPERATOR);
}

TEST(a_broken_gate_is_no_way_back_where_the_baseline_could_not_carry_it)
{
    struct machine m = started(0);
    struct advance_facts f = {.is_broken = true};
    struct advance a;

    let_go(&m, &f, &a);
    assert_string_equal(word(m.state), "rollback_blocked");
    assert_int_equal(machine_weight(&plan, &m), 10000);
    m = started(0);
    f.baseline_is_up = true;
    advance_judge(&plan, &m, &f, &a);
    assert_true(a.acts && a.event == EVENT_HALT);
}

TEST(cells_that_are_halted_stop_nobody_else_and_are_somebody_s_to_accept)
{
    struct machine m = started(0), next;
    struct advance_facts f = {.wall_ms = 3600000,
                              .canary_answers = 5000,
                              .cells = 15,
                              .latched = 2,
                              .baseline_is_up = true};
    struct machine_call call = {.event = EVENT_HALT_CELL, .by = BY_CONTROL};
    struct advance a;
    char text[96];

    /* First what a worker saw, and then the step that is due. */
    advance_judge(&plan, &m, &f, &a);
    assert_true(a.acts && a.event == EVENT_HALT_CELL && a.cells == 2);
    call.cells = a.cells;
    assert_int_equal(machine_apply(&plan, &m, &call, &next, NULL), OK);
    m = next;
    advance_judge(&plan, &m, &f, &a);
    assert_true(a.acts && a.event == EVENT_ADVANCE);
    assert_string_equal(lacks(&plan, &m, &f, EVENT_PROMOTE, true),
                        "cells: 1 halted, to reopen or to leave");
    m.step = 3;
    m.state = ROLLOUT_BAKING;
    m.since_ms = 0;
    advance_judge(&plan, &m, &f, &a);
    assert_false(a.acts);
    assert_int_equal(a.wait, WAIT_CELLS);
    advance_text(&a, text, sizeof(text));
    assert_string_equal(text, "cells: 1 halted, to reopen or to leave");
    m.halted = 15;
    advance_judge(&plan, &m, &f, &a);
    assert_true(a.acts && a.event == EVENT_HALT);
    /* A worker may be faster than the last edge. */
    m.halted = 0;
    m.state = ROLLOUT_DONE;
    advance_judge(&plan, &m, &f, &a);
    assert_true(a.acts && a.event == EVENT_HALT_CELL);
}

TEST(nobody_is_moved_in_a_forbidden_window)
{
    /* 2026-11-27 is a Friday; 17:00 UTC. */
    static const uint64_t friday = UINT64_C(1795798800000);
    struct window w;
    struct rollout_plan forbids = plan;
    struct machine m = started(friday - 3600000);
    struct advance_facts f = {
        .wall_ms = friday, .canary_answers = 9999, .baseline_is_up = true};
    struct advance a;

    assert_true(window_parse(SPAN("Fri 16:00 - Mon 08:00"), &w));
    forbids.forbidden = &w;
    forbids.n_forbidden = 1;
    m.state = ROLLOUT_HOLDING;
    advance_judge(&forbids, &m, &f, &a);
    assert_false(a.acts);
    assert_int_equal(a.wait, WAIT_WINDOW);
    assert_int_equal(a.need, (7 + 24 + 24 + 8) * 3600000ul);
    f.wall_ms += a.need;
    advance_judge(&forbids, &m, &f, &a);
    assert_true(a.acts && a.event == EVENT_ADVANCE);
}
