/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rollout_gates: what may halt a rollout, and hours in which nobody is moved.
 */
#include "config/loader.h"

#include "proxy/base/quantity.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ZONES "/usr/share/zoneinfo"

/* ROLLOUTS.md's, and a window in which a subject's errors are one. */
void
rollout_gates_preset(struct rollout_plan *plan)
{
    plan->cell = (struct cell_law){.errors = {.ratio = 5, .alpha = 1e-4},
                                   .window_ms = 600000,
                                   .translate = true};
    plan->latency = (struct sketch_law){
        .quantile = 0.99, .max_ratio = 1.25, .min_samples = 500, .alpha = 1e-4};
}

/* "1e-4", "1.25": a number between these, neither included. */
static void
read_number(struct reader *r, const struct yaml *value, double above,
            double below, double *out)
{
    char room[32], *rest;
    span text;

    if (!reader_text(r, value, &text))
        return;
    if (text.len > 0 && text.len < sizeof(room)) {
        memcpy(room, text.at, text.len);
        room[text.len] = '\0';
        double n = strtod(room, &rest);
        if (*rest == '\0' && n > above && n < below) {
            *out = n;
            return;
        }
    }
    yaml_problem(r->problems, value, "`%.*s` is no number between %g and %g",
                 SPAN_FMT(text), above, below);
}

static void
read_ratio(struct reader *r, const struct yaml *value, void *self)
{
    read_number(r, value, 1, 1000,
                &((struct rollout_plan *)self)->cell.errors.ratio);
}

static void
read_alpha(struct reader *r, const struct yaml *value, void *self)
{
    struct rollout_plan *plan = self;

    read_number(r, value, 1e-12, 0.01, &plan->cell.errors.alpha);
    plan->latency.alpha = plan->cell.errors.alpha;
}

static void
read_errors(struct reader *r, const struct yaml *value, void *self)
{
    static const struct reader_word words[] = {{"ratio", read_ratio, false},
                                               {"alpha", read_alpha, false}};

    ((struct rollout_plan *)self)->has_errors = true;
    reader_map(r, value, "`errors`", words, COUNT(words), self);
}

static void
read_quantile(struct reader *r, const struct yaml *value, void *self)
{
    read_number(r, value, 0.1, 1,
                &((struct rollout_plan *)self)->latency.quantile);
}

static void
read_max_ratio(struct reader *r, const struct yaml *value, void *self)
{
    read_number(r, value, 1, 100,
                &((struct rollout_plan *)self)->latency.max_ratio);
}

static void
read_min_samples(struct reader *r, const struct yaml *value, void *self)
{
    reader_count(r, value, 1000000000,
                 &((struct rollout_plan *)self)->latency.min_samples);
}

static void
read_latency(struct reader *r, const struct yaml *value, void *self)
{
    static const struct reader_word words[] = {
        {"quantile", read_quantile, false},
        {"max_ratio", read_max_ratio, false},
        {"min_samples", read_min_samples, false}};

    ((struct rollout_plan *)self)->has_latency = true;
    reader_map(r, value, "`latency`", words, COUNT(words), self);
}

static void
read_max_rate(struct reader *r, const struct yaml *value, void *self)
{
    reader_share(r, value, &((struct rollout_plan *)self)->cell.translate_ppm);
}

static void
read_translate(struct reader *r, const struct yaml *value, void *self)
{
    static const struct reader_word words[] = {
        {"max_rate", read_max_rate, true}};

    reader_map(r, value, "`translate`", words, COUNT(words), self);
}

static void
read_burst_errors(struct reader *r, const struct yaml *value, void *self)
{
    uint64_t n;

    if (!reader_count(r, value, 1000000, &n))
        return;
    ((struct rollout_plan *)self)->cell.burst_errors = (uint32_t)n;
    if (n < CELL_WITNESS_N)
        yaml_problem(r->problems, value,
                     "fewer than %u errors are no burst: one subject could "
                     "halt it",
                     CELL_WITNESS_N);
}

static void
read_within(struct reader *r, const struct yaml *value, void *self)
{
    struct rollout_plan *plan = self;

    if (reader_ms(r, value, &plan->cell.burst_ms) && plan->cell.burst_ms == 0)
        yaml_problem(r->problems, value, "`within` is some time");
}

static void
read_burst(struct reader *r, const struct yaml *value, void *self)
{
    static const struct reader_word words[] = {
        {"errors", read_burst_errors, true}, {"within", read_within, true}};

    reader_map(r, value, "`burst`", words, COUNT(words), self);
}

static void
read_window(struct reader *r, const struct yaml *value, void *self)
{
    struct rollout_plan *plan = self;

    if (reader_ms(r, value, &plan->cell.window_ms) &&
        plan->cell.window_ms < 1000)
        yaml_problem(r->problems, value,
                     "a window of less than a second counts one subject's "
                     "errors again and again");
}

static void
read_distinct(struct reader *r, const struct yaml *value, void *self)
{
    span text;

    if (!reader_text(r, value, &text))
        return;
    ((struct rollout_plan *)self)->by_network = span_is(text, "network");
    if (!span_is(text, "network") && !span_is(text, "subject"))
        yaml_problem(r->problems, value, "`%.*s` is not subject or network",
                     SPAN_FMT(text));
}

static void
read_halt(struct reader *r, const struct yaml *value, void *self)
{
    span text;

    if (!reader_text(r, value, &text))
        return;
    ((struct rollout_plan *)self)->halts_cell = span_is(text, "cell");
    if (!span_is(text, "cell") && !span_is(text, "rollout"))
        yaml_problem(r->problems, value, "`%.*s` is not cell or rollout",
                     SPAN_FMT(text));
}

/* A gate that nobody judges would pass: so it is refused, not ignored. */
static void
refuse_contract(struct reader *r, const struct yaml *value, void *self)
{
    (void)self;
    yaml_problem(r->problems, value,
                 "there is no gate `contract` yet, and one that is not judged "
                 "would always pass");
    problem_remedy(r->problems, "take it away");
}

void
load_rollout_gates(struct loader *l, const struct yaml *node,
                   struct rollout_plan *plan)
{
    static const struct reader_word words[] = {
        {"errors", read_errors, false},
        {"latency", read_latency, false},
        {"translate", read_translate, false},
        {"burst", read_burst, false},
        {"window", read_window, false},
        {"distinct", read_distinct, false},
        {"halt", read_halt, false},
        {"contract", refuse_contract, false}};

    reader_map(&l->r, node, "`gates`", words, COUNT(words), plan);
    if (plan->has_errors)
        return;
    yaml_problem(l->r.problems, node, "the gate `errors` is missing");
    problem_remedy(l->r.problems, "add `errors: {ratio: 5, alpha: 1e-4}`");
}

/* -------------------------------------------------------------------- windows */

/* What the system knows of this place. */
static bool
find_zone(struct reader *r, span name, struct zone *out, struct err *e)
{
    span path = arena_fmt(r->arena, ZONES "/%.*s", SPAN_FMT(name));
    int fd = path.at ? open(path.at, O_RDONLY | O_CLOEXEC | O_NONBLOCK) : -1;

    if (fd < 0)
        return err_set(e, ERR_NOT_FOUND, "%.*s: %s", SPAN_FMT(path),
                       strerror(errno)) == OK;
    char *room = malloc(ZONE_FILE_MAX + 1);
    ssize_t n = room ? read(fd, room, ZONE_FILE_MAX + 1) : -1;
    enum err_code code =
        zone_parse(r->arena, span_of(room, n > 0 ? (size_t)n : 0), out, e);
    free(room);
    close(fd);
    return code == OK;
}

static void
read_zone(struct reader *r, const struct yaml *value, void *self)
{
    struct zone *zone = &((struct rollout_plan *)self)->zone;
    struct err e = {.text = "no zone is called so"};
    span text;

    if (!reader_text(r, value, &text) || zone_fixed(text, zone) ||
        (zone_is_name(text) && find_zone(r, text, zone, &e)))
        return;
    yaml_problem(r->problems, value, "`%.*s` is no zone: %s", SPAN_FMT(text),
                 e.text);
    problem_remedy(r->problems, "say UTC, a distance like +02:00, or a place "
                                "like Europe/Berlin (package tzdata)");
}

static void
read_forbid(struct reader *r, const struct yaml *value, void *self)
{
    struct rollout_plan *plan = self;
    span text;

    if (!reader_is_list(r, value, "`forbid`"))
        return;
    struct window *windows = reader_array(r, value, value->n, sizeof(*windows));
    for (size_t i = 0; windows && i < value->n; i++) {
        if (!reader_text(r, value->items[i], &text) ||
            window_parse(text, &windows[i]))
            continue;
        yaml_problem(r->problems, value->items[i], "`%.*s` is no window",
                     SPAN_FMT(text));
        problem_remedy(r->problems, "write it like Fri 16:00 - Mon 08:00");
    }
    plan->forbidden = windows;
    plan->n_forbidden = windows ? (uint32_t)value->n : 0;
}

void
load_rollout_windows(struct loader *l, const struct yaml *node,
                     struct rollout_plan *plan)
{
    static const struct reader_word words[] = {{"forbid", read_forbid, true},
                                               {"zone", read_zone, false}};

    reader_map(&l->r, node, "`windows`", words, COUNT(words), plan);
}
