/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/control/shadow_view.h"

static json_t *
text(span s)
{
    json_t *json = json_stringn(s.at ? s.at : "", s.len);

    return json ? json : json_string("(a text that is not UTF-8)");
}

static const char *
verdict_word(enum shadow_verdict v)
{
    switch (v) {
    case SHADOW_UNKNOWN:
        return "unknown";
    case SHADOW_CLEAN:
        return "clean";
    case SHADOW_DIFFERS:
        return "differs";
    }
    return "unknown";
}

/* Of the baseline with itself, and of the canary with the baseline. */
static json_t *
pair(uint64_t noise, uint64_t raw)
{
    return json_pack("{s:I, s:I}", "noise", (json_int_t)noise, "raw",
                     (json_int_t)raw);
}

static json_t *
head_of(const struct gen_route *route, const struct shadow *s)
{
    const struct gen_canary *canary = gen_route_shadow(route);
    size_t n_new = 0;
    enum shadow_verdict verdict = shadow_verdict(s, &n_new);

    return json_pack(
        "{s:o, s:o, s:o, s:s, s:I, s:I, s:I, s:o, s:o}", "route",
        text(route->name), "pool", text(route->pool->name), "canary",
        text(canary->pool->name), "verdict", verdict_word(verdict),
        "new_differences", (json_int_t)n_new, "share_ppm",
        (json_int_t)canary->shadow->share_ppm, "answers_needed",
        (json_int_t)canary->shadow->answers_min, "compared",
        pair(shadow_compared(s, SHADOW_NOISE), shadow_compared(s, SHADOW_RAW)),
        "skipped",
        pair(shadow_skipped(s, SHADOW_NOISE), shadow_skipped(s, SHADOW_RAW)));
}

static json_t *
difference(const struct shadow_row *r)
{
    return json_pack("{s:o, s:s, s:b, s:o, s:o, s:o}", "place", text(r->place),
                     "kind", shadow_kind_word(r->kind), "new", r->is_new,
                     "answers",
                     pair(r->answers[SHADOW_NOISE], r->answers[SHADOW_RAW]),
                     "baseline", text(r->baseline), "canary", text(r->other));
}

json_t *
shadow_view(const struct gen_route *route, const struct shadow *counts)
{
    json_t *json = head_of(route, counts);
    json_t *rows = json_array();
    struct shadow_row r;
    bool ok = json && rows;

    for (size_t i = 0; ok && shadow_row(counts, i, &r); i++)
        ok = json_array_append_new(rows, difference(&r)) == 0;
    if (ok &&
        json_object_set_new(json, "differences", json_incref(rows)) == 0) {
        json_decref(rows);
        return json;
    }
    json_decref(rows);
    json_decref(json);
    return NULL;
}

json_t *
shadow_view_all(const struct shadows *s)
{
    json_t *list = json_array();

    for (size_t i = 0; s->by_route && i < s->gen->n_routes; i++)
        if (s->by_route[i] &&
            json_array_append_new(
                list, head_of(&s->gen->routes[i], s->by_route[i])) != 0) {
            json_decref(list);
            return NULL;
        }
    return json_pack("{s:o}", "shadows", list);
}
