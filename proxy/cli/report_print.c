/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/cli/report_print.h"

#include "proxy/base/quantity.h"
#include "proxy/base/span.h"
#include "proxy/cli/page.h"
#include "proxy/cli/rollout_print.h"
#include "routing/rollout/plan.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#define INDENT 14 /* "  LABEL       " */

static long long
number_of(const json_t *object, const char *name)
{
    return (long long)json_integer_value(json_object_get(object, name));
}

static void PRINTF(2, 3) say(const char *label, const char *fmt, ...)
{
    char text[4096];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    page_line(INDENT, "  %-11s %s", label, text);
}

static void
time_text(long long ms, char *out, size_t size)
{
    time_t s = (time_t)(ms / 1000);
    struct tm t;
    char text[32];

    (void)gmtime_r(&s, &t);
    (void)strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &t);
    (void)snprintf(out, size, "%s.%03uZ", text, (unsigned)(ms % 1000));
}

static void
print_cause(const json_t *report)
{
    const json_t *cause = json_object_get(report, "cause");
    char share[16];

    quantity_share_text((uint32_t)number_of(report, "weight_ppm"), share,
                        sizeof(share));
    page_line(INDENT, "rollout %s, run %lld: taken back from %s, in step %lld",
              rollout_text(report, "rollout"), number_of(report, "run"), share,
              number_of(report, "step"));
    say("cause", "%s", rollout_text(cause, "says"));
    say("", "gate %s, journalled by %s", rollout_text(cause, "gate"),
        rollout_text(cause, "by"));
}

static void
print_moment(const json_t *times, const char *name, const char *label)
{
    char text[40];

    if (!json_is_integer(json_object_get(times, name)))
        return;
    time_text(number_of(times, name), text, sizeof(text));
    say(label, "%s", text);
}

static void
print_times(const json_t *report)
{
    const json_t *times = json_object_get(report, "times");
    const json_t *detect = json_object_get(times, "to_detect_ms");
    long long late =
        number_of(json_object_get(report, "exposure"), "after_halt");

    print_moment(times, "began_ms", "began");
    print_moment(times, "first_error_ms", "first error");
    print_moment(times, "halted_ms", "halted");
    if (json_is_integer(detect))
        say("to detect",
            "%lld ms, from the canary's first error to the one that decided",
            (long long)json_integer_value(detect));
    if (late)
        say("to halt",
            "%lld ms: so long after it a request still began there, "
            "the last of %lld",
            number_of(times, "to_halt_ms"), late);
    else
        say("to halt", "at once: no request began on the canary after it");
}

static void
print_exposure(const json_t *report)
{
    const json_t *e = json_object_get(report, "exposure"), *cell;
    long long untold = number_of(e, "untold"),
              unlisted = number_of(e, "unlisted");
    size_t i;

    say("exposure", "about %lld subjects, %lld requests, %lld errors",
        number_of(e, "subjects"), number_of(e, "requests"),
        number_of(e, "errors"));
    json_array_foreach(json_object_get(e, "cells"), i, cell)
    {
        say("", "%s: %lld subjects, %lld requests, %lld errors, %lld writes",
            rollout_text(cell, "cell"), number_of(cell, "subjects"),
            number_of(cell, "requests"), number_of(cell, "errors"),
            number_of(cell, "writes") + number_of(cell, "doubtful"));
    }
    say("writes", "%lld done, %lld doubtful (no answer, or 5xx)",
        number_of(e, "writes"), number_of(e, "doubtful"));
    if (untold + unlisted)
        say("",
            "%lld more are NOT in the list: of %lld nothing is known, %lld "
            "could not be noted",
            untold + unlisted, untold, unlisted);
}

static void
print_forced(const json_t *report)
{
    const json_t *glass = json_object_get(report, "break_glass");

    if (!glass)
        return;
    say("forced", "%s to step %lld by %s: %s", rollout_text(glass, "event"),
        number_of(glass, "step"), rollout_text(glass, "actor"),
        rollout_text(glass, "reason"));
    say("", "over %s", rollout_text(glass, "skipped"));
}

static void
print_halted(const json_t *report)
{
    const json_t *cell;
    size_t i;

    json_array_foreach(json_object_get(report, "halted_cells"), i, cell)
    {
        char time[40] = "after the last tick";
        if (json_is_integer(json_object_get(cell, "at_ms")))
            time_text(number_of(cell, "at_ms"), time, sizeof(time));
        say(i ? "" : "cells", "%s: halted alone, by %s, %s",
            rollout_text(cell, "cell"), rollout_text(cell, "gate"), time);
    }
}

static void
print_others(const json_t *report)
{
    const json_t *one;
    size_t i;

    json_array_foreach(json_object_get(report, "not_the_cause"), i, one)
    {
        const char *verdict = rollout_text(one, "verdict");
        say(i == 0 || !span_is(span_str(verdict), "not") ? verdict : "not",
            "%s: %s", rollout_text(one, "what"), rollout_text(one, "says"));
    }
}

static void
print_samples(const json_t *report)
{
    const json_t *s;
    size_t i;

    json_array_foreach(json_object_get(report, "samples"), i, s)
    {
        say("sample", "%s %s, %s -> %s, pool %lld, client %lld, %.3g ms, %s",
            rollout_text(s, "method"), rollout_text(s, "route"),
            rollout_text(s, "version_from"), rollout_text(s, "version_to"),
            number_of(s, "pool_status"), number_of(s, "status"),
            (double)number_of(s, "total_us") / 1000,
            rollout_text(s, "endpoint"));
        say("", "stile explain %s", rollout_text(s, "id"));
    }
}

void
report_print(const json_t *report)
{
    const json_t *line;
    size_t i;

    print_cause(report);
    print_times(report);
    print_forced(report);
    print_halted(report);
    print_exposure(report);
    print_others(report);
    print_samples(report);
    json_array_foreach(json_object_get(report, "next"), i, line)
    {
        say(i ? "" : "next", "%s", json_string_value(line));
    }
}

void
report_print_write(const json_t *write)
{
    char time[40];
    long long status = number_of(write, "status");

    time_text(number_of(write, "time_ms"), time, sizeof(time));
    page_line(INDENT, "%s  %-6s %3lld  %s  %s", time,
              rollout_text(write, "method"), status,
              rollout_text(write, "subject"), rollout_text(write, "path"));
}
