/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The calls about what was left by a rollback: its report, and the writes made on the canary.
 */
#include "proxy/control/api_call.h"

#include "proxy/control/exposures.h"
#include "proxy/control/rollout_record.h"

#include <stdio.h>

#define SCAN_MAX 100000u /* revisions looked through for a report */

struct finding {
    span slot;
    uint64_t run; /* 0: the newest */
    json_t *report;
};

static bool
is_it(const struct finding *f, const json_t *after, const json_t *report)
{
    const char *slot = json_string_value(json_object_get(after, "slot"));
    json_int_t run = json_integer_value(json_object_get(report, "run"));

    return report && slot && span_is(f->slot, slot) &&
           (f->run == 0 || run == (json_int_t)f->run);
}

static bool
keep_report(void *arg, const struct store_revision *r)
{
    struct finding *f = arg;

    if (!span_is(r->kind, "rollout.report"))
        return true;
    json_t *after = json_loadb(r->after.at, r->after.len, 0, NULL);
    json_t *report = json_object_get(after, "report");
    if (is_it(f, after, report)) {
        f->report = json_incref(report);
        (void)json_object_set_new(report, "revision",
                                  json_integer((json_int_t)r->sequence));
        (void)json_object_set_new(report, "reported_ms",
                                  json_integer((json_int_t)r->time_ms));
    }
    json_decref(after);
    return !f->report;
}

/* NULL: answered. */
static json_t *
find_report(struct call *c, const struct rollout *r)
{
    struct finding f = {.slot = rollout_record_name(r)};
    struct err e;

    if (!call_number(c, "run", 0, &f.run))
        return NULL;
    if (store_revisions(c->control->store, 0, SCAN_MAX, keep_report, &f, &e)) {
        json_decref(f.report);
        api_problem(c->out, call_status_of(e.code), "%s", e.text);
        return NULL;
    }
    if (!f.report)
        api_problem(c->out, 404,
                    "there is no such report: rollout '%.*s' is %s, in run %u",
                    SPAN_FMT(r->gen->name),
                    machine_state_word(r->machine.state), r->machine.run);
    return f.report;
}

void
get_report(struct call *c, const struct rollout *r)
{
    json_t *report = find_report(c, r);

    if (report)
        call_answer(c->out, 200, report);
}

void
get_writes(struct call *c, const struct rollout *r)
{
    struct exposures_page page;
    uint64_t from, run;
    struct err e;

    if (!call_number(c, "from", r->story.exposed_from, &from) ||
        !call_number(c, "run", r->machine.run, &run))
        return;
    if (from > INT64_MAX || run > UINT32_MAX) {
        api_problem(c->out, 400, "there is no such place in the file");
        return;
    }
    if (exposures_read(c->control->gen->state_dir.at, r->gen->name,
                       (uint32_t)run, from, &page, &e)) {
        api_problem(c->out, call_status_of(e.code), "%s", e.text);
        return;
    }
    call_answer(c->out, 200,
                json_pack("{s:o, s:o}", "writes", page.writes, "next",
                          page.is_last ? json_null()
                                       : json_integer((json_int_t)page.next)));
}
