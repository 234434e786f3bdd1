/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/control/rollout_report.h"

#include "proxy/control/exposures.h"
#include "proxy/control/records.h"
#include "proxy/control/rollout_cells.h"
#include "proxy/control/rollout_record.h"
#include "translators/lens/lens.h"

#include <stdio.h>
#include <stdlib.h>

#define SAMPLES_MAX 3u
#define NO_CELL     UINT32_MAX

/* All that is asked while it is made. */
struct telling {
    const struct rollouts *all;
    const struct rollout *r;
    enum latch_reason gate; /* LATCH_NONE: no gate broke, a person spoke */
    uint32_t cell;          /* whose; NO_CELL: none */
};

static json_t *
number(uint64_t n)
{
    return json_integer((json_int_t)(n > INT64_MAX ? INT64_MAX : n));
}

static json_t *
text(span s)
{
    json_t *json = json_stringn(s.at ? s.at : "", s.len);

    return json ? json : json_string("(not UTF-8)");
}

static json_t *
time_or_null(uint64_t ms)
{
    return ms ? number(ms) : json_null();
}

/* ------------------------------------------------------------------- the cause */

/* The latency gate is judged by control, so its halt has no worker's latch. */
static void
find_cause(struct telling *t)
{
    uint64_t cause = atomic_load(&t->r->place->cause);
    struct latch latch = latches_get(t->all->latches, t->r->slot);
    bool is_latched = latch.run == t->r->machine.run;

    t->cell = NO_CELL;
    if (is_latched && latch.reason != LATCH_OPERATOR) {
        t->gate = latch.reason;
        if (cause >> 32)
            t->cell = (uint32_t)(cause >> 32) - 1;
    } else if (span_is(span_str(t->r->story.halted_by), "control")) {
        t->gate = LATCH_LATENCY;
        if (t->r->is_slower)
            t->cell = t->r->slow_cell;
    }
}

static json_t *
cause_of(const struct telling *t)
{
    const struct rollout_story *story = &t->r->story;
    char cell[160] = "";

    if (t->cell != NO_CELL)
        gen_rollout_cell_text(t->r->gen, t->cell, cell, sizeof(cell));
    return json_pack(
        "{s:s, s:o, s:o, s:o}", "gate",
        t->gate == LATCH_NONE ? "operator" : latch_reason_name(t->gate), "cell",
        text(span_str(cell)), "says", text(span_str(story->cause)), "by",
        text(span_str(story->halted_by)));
}

/* ----------------------------------------------------------------- how soon */

static json_t *
times_of(const struct telling *t, const struct cell_exposure *sum)
{
    const struct rollout_story *story = &t->r->story;
    uint64_t error_ms = atomic_load(&t->r->place->error_ms);
    bool is_seen = error_ms && story->halted_ms >= error_ms;

    return json_pack(
        "{s:o, s:o, s:o, s:o, s:o}", "began_ms", time_or_null(story->began_ms),
        "first_error_ms", time_or_null(error_ms), "halted_ms",
        time_or_null(story->halted_ms), "to_detect_ms",
        is_seen ? number(story->halted_ms - error_ms) : json_null(),
        "to_halt_ms", number(sum->late_ms));
}

/* ------------------------------------------------------------------- exposure */

static uint64_t
errors_of(const struct rollout *r, uint32_t i)
{
    struct cell_view v;

    cell_read(r->place->cells[i], &r->gen->plan.cell, &v);
    return v.arms[1].failed;
}

static json_t *
cell_exposure(const struct rollout *r, uint32_t i)
{
    struct cell_exposure e = {0};
    char name[160];

    cell_exposure_add(r->place->cells[i], &e);
    if (e.requests == 0)
        return NULL;
    gen_rollout_cell_text(r->gen, i, name, sizeof(name));
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "cell",
                     text(span_str(name)), "subjects",
                     number(crowd_count(&e.crowd)), "requests",
                     number(e.requests), "errors", number(errors_of(r, i)),
                     "writes", number(e.writes[CELL_WRITE_DONE]), "doubtful",
                     number(e.writes[CELL_WRITE_DOUBTFUL]));
}

/* Sent, and nothing is known of them: on their way still, or of a worker that died. */
static uint64_t
untold(const struct cell_exposure *sum)
{
    uint64_t told = sum->writes[CELL_WRITE_DONE] +
                    sum->writes[CELL_WRITE_DOUBTFUL] +
                    sum->writes[CELL_WRITE_REFUSED];
    uint64_t sent = sum->writes[CELL_WRITE_SENT];

    return sent > told ? sent - told : 0;
}

static json_t *
exposure_of(const struct telling *t, const struct cell_exposure *sum)
{
    json_t *cells = json_array();
    uint64_t errors = 0;

    for (uint32_t i = 0; i < rollout_cells_n(t->r); i++) {
        json_t *one = cell_exposure(t->r, i);
        if (one)
            (void)json_array_append_new(cells, one);
        errors += errors_of(t->r, i);
    }
    return json_pack(
        "{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "subjects",
        number(crowd_count(&sum->crowd)), "requests", number(sum->requests),
        "errors", number(errors), "after_halt", number(sum->late), "writes",
        number(sum->writes[CELL_WRITE_DONE]), "doubtful",
        number(sum->writes[CELL_WRITE_DOUBTFUL]), "untold", number(untold(sum)),
        "unlisted", number(sum->writes[CELL_WRITE_UNLISTED]), "from",
        number(t->r->story.exposed_from), "to",
        number(exposures_end(t->all->gen->state_dir.at)), "cells", cells);
}

/* -------------------------------------------------------------- what it was not */

static void
rule_out(json_t *list, const char *what, bool is_known, const char *says)
{
    (void)json_array_append_new(list, json_pack("{s:s, s:s, s:o}", "what", what,
                                                "verdict",
                                                is_known ? "not" : "unknown",
                                                "says", text(span_str(says))));
}

/* The cell whose sum came nearest to its bound, but for the one that broke it. */
static void
rule_out_errors(const struct telling *t, json_t *list)
{
    double most = -1, bound = 0;
    uint32_t where = 0;
    char says[256], name[160];

    for (uint32_t i = 0; i < rollout_cells_n(t->r); i++) {
        struct cell_view v;
        if (t->gate == LATCH_ERRORS && i == t->cell)
            continue;
        cell_read(t->r->place->cells[i], &t->r->gen->plan.cell, &v);
        double sum = (double)v.sum.sum / CUSUM_ONE;
        if (v.arms[1].answers == 0 || sum <= most)
            continue;
        most = sum;
        bound = (double)v.sum.bound / CUSUM_ONE;
        where = i;
    }
    if (most < 0) {
        if (t->gate != LATCH_ERRORS)
            rule_out(list, "errors", false, "the canary answered nobody");
        return;
    }
    gen_rollout_cell_text(t->r->gen, where, name, sizeof(name));
    (void)snprintf(says, sizeof(says),
                   "those of the canary add up to %.2f of %.2f at most, in %s",
                   most, bound, name);
    rule_out(list, t->gate == LATCH_ERRORS ? "errors elsewhere" : "errors",
             most < bound, says);
}

/* Was it an outage behind both arms? */
static void
rule_out_baseline(const struct telling *t, json_t *list)
{
    uint64_t answers[2] = {0}, failed[2] = {0};
    char says[256];

    for (uint32_t i = 0; i < rollout_cells_n(t->r); i++) {
        struct cell_view v;
        cell_read(t->r->place->cells[i], &t->r->gen->plan.cell, &v);
        for (int arm = 0; arm < 2; arm++) {
            answers[arm] += v.arms[arm].answers;
            failed[arm] += v.arms[arm].failed;
        }
    }
    /* a/b < c/d without a division: what nobody asked says nothing. */
    bool is_known = answers[0] > 0 && answers[1] > 0 && failed[1] > 0 &&
                    (double)failed[0] * (double)answers[1] <
                        (double)failed[1] * (double)answers[0];
    (void)snprintf(
        says, sizeof(says),
        "the baseline failed %llu of %llu answers, the canary %llu "
        "of %llu",
        (unsigned long long)failed[0], (unsigned long long)answers[0],
        (unsigned long long)failed[1], (unsigned long long)answers[1]);
    rule_out(list, "an outage behind both", is_known, says);
}

static void
rule_out_latency(const struct telling *t, json_t *list)
{
    const struct rollout_plan *plan = &t->r->gen->plan;
    bool is_fine = false, is_known = true;

    if (t->gate == LATCH_LATENCY)
        return;
    if (!plan->has_latency) {
        rule_out(list, "latency", false, "no gate was asked to judge it");
        return;
    }
    for (uint32_t i = 0; i < rollout_cells_n(t->r); i++) {
        struct cell_view v;
        struct sketch_judgement j;
        cell_read(t->r->place->cells[i], &plan->cell, &v);
        sketch_judge(&plan->latency, v.arms[1].times, v.arms[0].times, &j);
        is_fine |= j.verdict == SKETCH_FINE;
        is_known &= j.verdict != SKETCH_SLOWER;
    }
    rule_out(list, "latency", is_fine && is_known,
             !is_known ? "the canary was slower as well"
             : is_fine ? "where enough was measured the canary is as quick"
                       : "too little was measured");
}

static void
rule_out_translation(const struct telling *t, json_t *list)
{
    uint64_t n = 0;
    char says[128];

    if (t->gate == LATCH_TRANSLATE)
        return;
    for (uint32_t i = 0; i < rollout_cells_n(t->r); i++) {
        struct cell_view v;
        cell_read(t->r->place->cells[i], &t->r->gen->plan.cell, &v);
        n += v.untranslated;
    }
    (void)snprintf(says, sizeof(says),
                   "%llu answers of the canary could not be translated",
                   (unsigned long long)n);
    rule_out(list, "translation", n == 0, says);
}

static json_t *
not_the_cause(const struct telling *t)
{
    json_t *list = json_array();

    rule_out_errors(t, list);
    if (t->gate == LATCH_ERRORS || t->gate == LATCH_BURST)
        rule_out_baseline(t, list);
    rule_out_latency(t, list);
    rule_out_translation(t, list);
    return list;
}

/* --------------------------------------------------------------------- samples */

static bool
is_of(const struct rollout *r, const struct record *record)
{
    bool is_mine = false;

    for (size_t i = 0; i < r->gen->n_routes; i++)
        is_mine |= span_eq(r->gen->routes[i]->name, record->route);
    return is_mine && record->canary && record->time_ms >= r->story.began_ms &&
           (record->pool_status >= 500 || record->status >= 500);
}

/* Facts of a request and its answer: no path, no field, no body. */
static json_t *
sample_of(const struct record *record)
{
    return json_pack(
        "{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "id",
        text(record->id), "time_ms", number(record->time_ms), "method",
        text(record->method), "route", text(record->route), "platform",
        text(record->platform), "version_from", text(record->version_from),
        "version_to", text(record->version_to), "endpoint",
        text(record->endpoint), "pool_status", number(record->pool_status),
        "status", number(record->status), "total_us", number(record->total_us),
        "problem", text(record->problem));
}

/* The last of the canary's requests that failed, newest first. */
static json_t *
samples_of(const struct telling *t)
{
    json_t *list = json_array();
    struct record record;

    for (uint64_t i = 0; t->all->records && i < RECORDS_KEPT &&
                         json_array_size(list) < SAMPLES_MAX;
         i++)
        if (records_nth(t->all->records, i, &record) && is_of(t->r, &record))
            (void)json_array_append_new(list, sample_of(&record));
    return list;
}

/* ------------------------------------------------------------- what is to be done */

static json_t *
endpoints_of(const struct gen_pool *pool)
{
    json_t *list = json_array();

    for (size_t i = 0; i < pool->n_endpoints; i++)
        (void)json_array_append_new(list, text(pool->endpoints[i].url));
    return list;
}

static json_t *
pool_of(const struct gen_pool *pool)
{
    span version = {0};

    if (pool->api && pool->api->lens && pool->version >= 0)
        version = pool->api->lens->versions[pool->version].label;
    return json_pack("{s:o, s:o, s:o}", "pool", text(pool->name), "version",
                     text(version), "endpoints", endpoints_of(pool));
}

/* Where a repair reads, what it translates with, and where it writes. */
static json_t *
repair_of(const struct gen_rollout *r)
{
    const struct gen_api *api = r->canary.pool->api;

    return json_pack("{s:o, s:o, s:o}", "api",
                     api && api->lens ? text(api->lens->file) : json_null(),
                     "canary", pool_of(r->canary.pool), "baseline",
                     pool_of(r->baseline));
}

static json_t *
next_of(const struct telling *t, const struct cell_exposure *sum)
{
    const struct gen_rollout *r = t->r->gen;
    uint64_t writes = sum->writes[CELL_WRITE_DONE] +
                      sum->writes[CELL_WRITE_DOUBTFUL] + untold(sum);
    json_t *list = json_array();
    char line[256];

    if (writes) {
        (void)snprintf(line, sizeof(line),
                       "mend %llu writes: stile report %.*s --repair",
                       (unsigned long long)writes, SPAN_FMT(r->name));
        (void)json_array_append_new(list, text(span_str(line)));
    }
    (void)snprintf(line, sizeof(line),
                   "fix pool %.*s, then: stile rollout again %.*s --reason ...",
                   SPAN_FMT(r->canary.pool->name), SPAN_FMT(r->name));
    (void)json_array_append_new(list, text(span_str(line)));
    return list;
}

json_t *
rollout_report(const struct rollouts *all, const struct rollout *r)
{
    struct telling t = {.all = all, .r = r};
    struct cell_exposure *sum = calloc(1, sizeof(*sum));

    if (!sum)
        return NULL;
    find_cause(&t);
    for (uint32_t i = 0; i < rollout_cells_n(r); i++)
        cell_exposure_add(r->place->cells[i], sum);
    json_t *json = json_pack(
        "{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o*, s:o*}",
        "rollout", text(r->gen->name), "run", number(r->machine.run), "step",
        number(r->machine.step + 1), "weight_ppm", number(r->story.halted_ppm),
        "cause", cause_of(&t), "times", times_of(&t, sum), "exposure",
        exposure_of(&t, sum), "not_the_cause", not_the_cause(&t), "samples",
        samples_of(&t), "next", next_of(&t, sum), "repair", repair_of(r->gen),
        "break_glass",
        r->forced.run == r->machine.run ? rollout_forced_json(&r->forced)
                                        : NULL,
        "halted_cells", rollout_cells_view(r));
    free(sum);
    return json;
}
