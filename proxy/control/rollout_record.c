/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/control/rollout_record.h"

#include "proxy/base/version.h"
#include "proxy/control/rollout_cells.h"
#include "proxy/control/rollout_watch.h"

#include <stdio.h>
#include <stdlib.h>

void
rollout_kind(const char *event, bool breaks_glass, char out[ROLLOUT_KIND_MAX])
{
    (void)snprintf(out, ROLLOUT_KIND_MAX, "rollout.%s%s",
                   breaks_glass ? "break_glass." : "", event);
}

span
rollout_record_name(const struct rollout *r)
{
    return r->gen->canary.slot_name;
}

static json_t *
approvals_json(const struct rollout *r)
{
    json_t *list = json_array();

    for (size_t i = 0; i < r->n_approvals; i++)
        (void)json_array_append_new(
            list, json_pack("{s:s, s:I, s:I}", "actor", r->approvals[i].actor,
                            "run", (json_int_t)r->approvals[i].run, "step",
                            (json_int_t)r->approvals[i].step));
    return list;
}

/* A text that was cut in the middle of a letter is no JSON text. */
static json_t *
words(const char *text)
{
    json_t *json = json_string(text);

    return json ? json : json_string("(not UTF-8)");
}

static json_t *
story_json(const struct rollout_story *story)
{
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:o, s:o, s:o}", "began_ms",
                     (json_int_t)story->began_ms, "baseline_n",
                     (json_int_t)story->baseline_n, "exposed_from",
                     (json_int_t)story->exposed_from, "halted_ms",
                     (json_int_t)story->halted_ms, "halted_ppm",
                     (json_int_t)story->halted_ppm, "halted_by",
                     words(story->halted_by), "cause", words(story->cause),
                     "lost", words(story->lost));
}

/* NULL, which is left out: it never began. */
static json_t *
builds_json(const struct rollout_builds *b)
{
    json_t *list = b->era ? json_array() : NULL;
    char hash[24];

    for (size_t i = 0; list && i < b->known.n; i++) {
        (void)snprintf(hash, sizeof(hash), "%016llx",
                       (unsigned long long)b->known.at[i].hash);
        (void)json_array_append_new(
            list, json_pack("{s:s, s:o}", "hash", hash, "name",
                            words(b->known.at[i].text)));
    }
    if (!list)
        return NULL;
    return json_pack("{s:I, s:I, s:o}", "era", (json_int_t)b->era, "cleared",
                     (json_int_t)b->cleared, "known", list);
}

json_t *
rollout_forced_json(const struct rollout_forced *f)
{
    if (f->n == 0)
        return NULL;
    return json_pack(
        "{s:I, s:s, s:o, s:o, s:o, s:I, s:I, s:I, s:o}", "n", (json_int_t)f->n,
        "event", f->event, "actor", words(f->actor), "reason", words(f->reason),
        "skipped", words(f->skipped), "at_ms", (json_int_t)f->at_ms, "run",
        (json_int_t)f->run, "step", (json_int_t)f->step, "acknowledged_by",
        f->acknowledged_by[0] ? words(f->acknowledged_by) : json_null());
}

char *
rollout_record_text(const struct generation *gen, const struct rollout *r,
                    const struct store_weight *w, const char *event,
                    json_t *report)
{
    const struct machine *m = &r->machine;
    char shape[24];

    (void)snprintf(shape, sizeof(shape), "%016llx",
                   (unsigned long long)r->gen->shape);
    json_t *json = json_pack(
        "{" STORE_WEIGHT_MEMBERS ", s:s%, s:s, s:s, s:I, s:I, s:I, s:I, s:s, "
        "s:o, s:o, s:o*, s:o*, s:o*, s:o*, s:o*, s:I, s:s, s:o*}",
        "slot", w->slot, "weight_ppm", (json_int_t)w->weight_ppm, "run",
        (json_int_t)w->run, "file_ppm", (json_int_t)w->file_ppm, "rollout",
        r->gen->name.at, r->gen->name.len, "event", event, "state",
        machine_state_word(m->state), "step", (json_int_t)m->step + 1,
        "since_ms", (json_int_t)m->since_ms, "latest_ms",
        (json_int_t)m->latest_ms, "base_answers", (json_int_t)m->base_answers,
        "plan", shape, "approvals", approvals_json(r), "story",
        story_json(&r->story), "break_glass", rollout_forced_json(&r->forced),
        "builds", builds_json(&r->builds), "cells", rollout_cells_json(r),
        "watched", rollout_watch_json(r), "evidence", rollout_evidence(r),
        "generation", (json_int_t)gen->number, "version", version_number(),
        "report", report);
    char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;

    json_decref(json);
    return text;
}

static uint64_t
member(const json_t *json, const char *name)
{
    json_int_t n = json_integer_value(json_object_get(json, name));

    return n < 0 ? 0 : (uint64_t)n;
}

static void
read_approvals(struct rollout *r, const json_t *list)
{
    const json_t *one;
    size_t i;

    r->n_approvals = 0;
    json_array_foreach(list, i, one)
    {
        const char *actor = json_string_value(json_object_get(one, "actor"));
        if (r->n_approvals == ROLLOUT_APPROVALS || !actor)
            return;
        struct rollout_approval *a = &r->approvals[r->n_approvals++];
        (void)snprintf(a->actor, sizeof(a->actor), "%s", actor);
        a->run = (uint32_t)member(one, "run");
        a->step = (uint32_t)member(one, "step");
    }
}

static void
read_word(const json_t *json, const char *name, char *out, size_t size)
{
    const char *text = json_string_value(json_object_get(json, name));

    (void)snprintf(out, size, "%s", text ? text : "");
}

static void
read_story(struct rollout_story *story, const json_t *json)
{
    *story = (struct rollout_story){
        .began_ms = member(json, "began_ms"),
        .baseline_n = (uint32_t)member(json, "baseline_n"),
        .exposed_from = member(json, "exposed_from"),
        .halted_ms = member(json, "halted_ms"),
        .halted_ppm = (uint32_t)member(json, "halted_ppm")};
    read_word(json, "halted_by", story->halted_by, sizeof(story->halted_by));
    read_word(json, "cause", story->cause, sizeof(story->cause));
    read_word(json, "lost", story->lost, sizeof(story->lost));
}

static void
read_forced(struct rollout_forced *f, const json_t *json)
{
    *f = (struct rollout_forced){.n = (uint32_t)member(json, "n"),
                                 .run = (uint32_t)member(json, "run"),
                                 .step = (uint32_t)member(json, "step"),
                                 .at_ms = member(json, "at_ms")};
    read_word(json, "event", f->event, sizeof(f->event));
    read_word(json, "actor", f->actor, sizeof(f->actor));
    read_word(json, "reason", f->reason, sizeof(f->reason));
    read_word(json, "skipped", f->skipped, sizeof(f->skipped));
    read_word(json, "acknowledged_by", f->acknowledged_by,
              sizeof(f->acknowledged_by));
}

static void
read_builds(struct rollout_builds *b, const json_t *json)
{
    const json_t *one;
    size_t i;

    *b = (struct rollout_builds){.era = (uint32_t)member(json, "era"),
                                 .cleared = (uint32_t)member(json, "cleared")};
    json_array_foreach(json_object_get(json, "known"), i, one)
    {
        const char *hash = json_string_value(json_object_get(one, "hash"));
        if (b->known.n == BUILDS_MAX || !hash)
            return;
        struct build *to = &b->known.at[b->known.n++];
        to->hash = strtoull(hash, NULL, 16);
        read_word(one, "name", to->text, sizeof(to->text));
    }
}

bool
rollout_record_read(struct rollout *r, const struct store_record *record)
{
    json_t *json = json_loadb(record->json.at, record->json.len, 0, NULL);
    span state = span_str(json_string_value(json_object_get(json, "state")));
    span plan = span_str(json_string_value(json_object_get(json, "plan")));
    uint64_t step = member(json, "step");
    uint32_t last = r->gen->plan.n_steps;
    char shape[24];

    r->machine = (struct machine){.step = (uint32_t)(step < 1      ? 1
                                                     : step > last ? last
                                                                   : step) -
                                          1,
                                  .run = (uint32_t)member(json, "run"),
                                  .since_ms = member(json, "since_ms"),
                                  .latest_ms = member(json, "latest_ms"),
                                  .base_answers = member(json, "base_answers")};
    r->revision = record->revision;
    (void)machine_state_of(state, &r->machine.state);
    read_approvals(r, json_object_get(json, "approvals"));
    read_story(&r->story, json_object_get(json, "story"));
    read_forced(&r->forced, json_object_get(json, "break_glass"));
    read_builds(&r->builds, json_object_get(json, "builds"));
    rollout_cells_read(r, json_object_get(json, "cells"));
    rollout_watch_read(r, json_object_get(json, "watched"));
    (void)snprintf(shape, sizeof(shape), "%016llx",
                   (unsigned long long)r->gen->shape);
    bool same = span_is(plan, shape);
    json_decref(json);
    return same;
}
