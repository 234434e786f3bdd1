/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/cli/rollout_print.h"

#include "proxy/base/quantity.h"
#include "proxy/cli/page.h"
#include "routing/rollout/plan.h"

#include <stdio.h>
#include <string.h>

#define HANG  ((size_t)4)
#define FACTS 13 /* behind "  NAME       " */

const char *
rollout_text(const json_t *object, const char *name)
{
    const char *s = json_string_value(json_object_get(object, name));

    return s ? s : "";
}

static long long
number_of(const json_t *object, const char *name)
{
    return (long long)json_integer_value(json_object_get(object, name));
}

void
rollout_line(const json_t *r, char out[ROLLOUT_LINE_MAX])
{
    const char *cause = rollout_text(r, "cause"), *waits;
    size_t halted = json_array_size(json_object_get(r, "halted_cells"));
    char cells[48] = "";
    const json_t *glass = json_object_get(r, "break_glass");
    bool is_shown =
        glass && json_is_null(json_object_get(glass, "acknowledged_by"));

    waits = cause[0] ? cause : rollout_text(r, "waits");
    if (strcmp(waits, "nothing") == 0)
        waits = "";
    if (halted)
        (void)snprintf(cells, sizeof(cells), "%s%zu %s HALTED",
                       waits[0] ? "  " : "", halted,
                       halted == 1 ? "CELL" : "CELLS");
    (void)snprintf(
        out, ROLLOUT_LINE_MAX, "%-12s step %lld of %zu  %8s  %s%s%s%s%s",
        rollout_text(r, "state"), number_of(r, "step"),
        json_array_size(json_object_get(r, "steps")), rollout_text(r, "weight"),
        waits, cells, is_shown && (waits[0] || halted) ? "  " : "",
        is_shown ? "GLASS BROKEN: " : "",
        is_shown ? rollout_text(glass, "actor") : "");
}

void
rollout_print_line(const json_t *r)
{
    char line[ROLLOUT_LINE_MAX];

    rollout_line(r, line);
    page_line(HANG, "%-20s %s", rollout_text(r, "name"), line);
}

void
rollout_print_list(const json_t *answer)
{
    const json_t *list = json_object_get(answer, "rollouts"), *r;
    size_t i;

    json_array_foreach(list, i, r)
    {
        rollout_print_line(r);
    }
    if (json_array_size(list) == 0)
        puts("the configuration has no rollout");
}

static void
print_fact(const json_t *object, const char *name)
{
    const char *text = rollout_text(object, name);

    if (text[0])
        page_line(FACTS, "  %-10s %s", name, text);
}

/* "1.2% of 812 subjects; chance allows 0.4% to 1.6%" */
static void
print_observed(const json_t *o)
{
    char is[16], low[16], high[16];

    if (!o)
        return;
    quantity_share_text((uint32_t)number_of(o, "share_ppm"), is, sizeof(is));
    quantity_share_text((uint32_t)number_of(o, "low_ppm"), low, sizeof(low));
    quantity_share_text((uint32_t)number_of(o, "high_ppm"), high, sizeof(high));
    printf("  %-10s %s of %lld subjects; chance allows %s to %s\n", "observed",
           is, number_of(o, "subjects"), low, high);
}

static void
print_watch(const json_t *list)
{
    const json_t *one;
    size_t i;

    json_array_foreach(list, i, one)
    {
        const json_t *value = json_object_get(one, "value");
        printf("  %-10s %s", i ? "" : "watch", rollout_text(one, "name"));
        if (json_is_integer(json_object_get(one, "step")))
            printf(": %lld in this step, %lld in all\n", number_of(one, "step"),
                   number_of(one, "value"));
        else if (json_is_integer(value))
            printf(": %lld\n", (long long)json_integer_value(value));
        else
            printf(" (%s)\n", rollout_text(one, "kind"));
    }
}

static void
print_forced(const json_t *glass)
{
    const char *by = rollout_text(glass, "acknowledged_by");

    if (!glass)
        return;
    page_line(FACTS, "  %-10s %s to step %lld by %s: %s", "forced",
              rollout_text(glass, "event"), number_of(glass, "step"),
              rollout_text(glass, "actor"), rollout_text(glass, "reason"));
    page_line(FACTS, "  %-10s over %s%s%s", "",
              rollout_text(glass, "skipped")[0] ? rollout_text(glass, "skipped")
                                                : "nothing",
              by[0] ? "; acknowledged by " : "; nobody has acknowledged it",
              by);
}

void
rollout_print_halted(const json_t *list, size_t width)
{
    const json_t *cell;
    size_t i;

    json_array_foreach(list, i, cell)
    {
        page_line(width + 3, "  %-*s %s: by %s", (int)width, i ? "" : "halted",
                  rollout_text(cell, "cell"), rollout_text(cell, "gate"));
    }
}

void
rollout_print_whole(const json_t *r)
{
    static const char *const facts[] = {"change", "why", "owner", "guarantee",
                                        "backout"};
    const json_t *approval, *build;
    size_t i;

    rollout_print_line(r);
    for (i = 0; i < sizeof(facts) / sizeof(facts[0]); i++)
        print_fact(json_object_get(r, "manifest"), facts[i]);
    page_line(FACTS,
              "  %-10s %s -> %s, run %lld, revision %lld, %lld canary answers, "
              "%lld in this step",
              "pools", rollout_text(r, "baseline"), rollout_text(r, "canary"),
              number_of(r, "run"), number_of(r, "revision"),
              number_of(r, "canary_answers"), number_of(r, "step_answers"));
    json_array_foreach(json_object_get(r, "approvals"), i, approval)
    {
        page_line(FACTS, "  %-10s %s, step %lld", "approved",
                  rollout_text(approval, "actor"), number_of(approval, "step"));
    }
    print_observed(json_object_get(r, "observed"));
    print_watch(json_object_get(json_object_get(r, "manifest"), "watch"));
    json_array_foreach(json_object_get(r, "builds"), i, build)
    {
        printf("  %-10s %s\n", i ? "" : "builds", json_string_value(build));
    }
    rollout_print_halted(json_object_get(r, "halted_cells"), 10);
    print_forced(json_object_get(r, "break_glass"));
}

static void
print_step(const json_t *s, size_t i, bool is_here)
{
    const json_t *halts = json_object_get(s, "halts_after");
    const json_t *takes = json_object_get(s, "takes_ms");
    char hold[24], expected[24] = "", errors[48] = "";

    plan_duration_text((uint64_t)number_of(s, "hold_ms"), hold, sizeof(hold));
    if (json_is_integer(takes))
        plan_duration_text((uint64_t)json_integer_value(takes), expected,
                           sizeof(expected));
    if (json_is_integer(halts))
        (void)snprintf(errors, sizeof(errors), " halts after %lld errors",
                       (long long)json_integer_value(halts));
    page_line(HANG, "%c %4zu %8s  hold %-8s %8lld requests  %-9s%s%s",
              is_here ? '>' : ' ', i + 1, rollout_text(s, "weight"), hold,
              number_of(s, "min_requests"), expected, errors,
              json_is_true(json_object_get(s, "approve")) ? ", approval" : "");
}

/* Where the times are from: "400000 requests a day (live, over 36 h)". */
static void
print_traffic(const json_t *t)
{
    const json_t *cell;
    char over[24];
    size_t i;

    if (!json_is_integer(json_object_get(t, "requests_a_day"))) {
        puts("  nobody came yet, and `requests_a_day` is not said");
        return;
    }
    printf("  %lld requests a day (%s", number_of(t, "requests_a_day"),
           rollout_text(t, "source"));
    plan_duration_text((uint64_t)number_of(t, "over_ms"), over, sizeof(over));
    if (json_is_integer(json_object_get(t, "over_ms")))
        printf(", over %s", over);
    puts(")");
    json_array_foreach(json_object_get(t, "cells"), i, cell)
    {
        printf("    %-40s %12lld a day\n", rollout_text(cell, "cell"),
               number_of(cell, "requests_a_day"));
    }
}

void
rollout_print_plan(const json_t *r)
{
    const json_t *s;
    size_t i;

    rollout_print_line(r);
    print_traffic(json_object_get(r, "traffic"));
    json_array_foreach(json_object_get(r, "steps"), i, s)
    {
        print_step(s, i, (long long)i + 1 == number_of(r, "step"));
    }
}

void
revision_print(const json_t *revision)
{
    page_line(2 * HANG, "%6lld  %s  %-18s %s: %s",
              number_of(revision, "revision"), rollout_text(revision, "time"),
              rollout_text(revision, "kind"), rollout_text(revision, "actor"),
              rollout_text(revision, "reason"));
}

void
rollout_print_history(const json_t *answer)
{
    const json_t *list = json_object_get(answer, "revisions"), *r;
    size_t i;

    json_array_foreach(list, i, r)
    {
        const json_t *after = json_object_get(r, "after");
        char share[16];
        revision_print(r);
        quantity_share_text((uint32_t)number_of(after, "weight_ppm"), share,
                            sizeof(share));
        page_line(2 * HANG, "        %s, step %lld, %s",
                  rollout_text(after, "state"), number_of(after, "step"),
                  share);
    }
    if (json_array_size(list) == 0)
        puts("it took no edge yet");
}

static void
print_arm(const char *name, const json_t *arm)
{
    const json_t *us = json_object_get(arm, "quantile_us");
    char slow[48] = "";

    if (json_is_integer(us))
        (void)snprintf(slow, sizeof(slow), ", slow ones take %.3g ms",
                       (double)json_integer_value(us) / 1000);
    page_line(2 * HANG, "    %-9s %9lld answers %7lld errors, %lld counted%s",
              name, number_of(arm, "answers"), number_of(arm, "errors"),
              number_of(arm, "errors_counted"), slow);
}

void
rollout_print_evidence(const json_t *answer)
{
    const json_t *list = json_object_get(answer, "evidence"), *cell;
    size_t i;

    json_array_foreach(list, i, cell)
    {
        const char *gate = rollout_text(cell, "halted");
        page_line(HANG, "%s: %s%s%ssum %.2f of %.2f, %.4g %% of subjects",
                  rollout_text(cell, "cell"), gate[0] ? "HALTED by " : "", gate,
                  gate[0] ? ", " : "",
                  json_number_value(json_object_get(cell, "sum")),
                  json_number_value(json_object_get(cell, "bound")),
                  (double)number_of(cell, "share_ppm") / 10000);
        print_arm("baseline", json_object_get(cell, "baseline"));
        print_arm("canary", json_object_get(cell, "canary"));
    }
    if (json_array_size(list) == 0)
        puts("nothing was counted yet");
}
