/* SPDX-License-Identifier: Apache-2.0 */
/*
 * message: which messages a line of `types:` or `http:` speaks of.
 *
 *   [request | answer] (METHOD | *) /path      status 4xx 422 [media]
 *   event order.*
 *
 * Ours to decide, for LANGUAGE.md leaves it open: METHOD /path types requests
 * and answers with a 2xx status. An error has another body than what was asked
 * for; `status` gives it a type.
 */
#include "proxy/base/template.h"
#include "translators/lens/build.h"

#define STATUSES_MAX 64

static bool
wrong(struct lens_builder *b, const struct yaml *node, span text,
      const char *what, const char *remedy)
{
    yaml_problem(b->problems, node, "`%.*s` %s", SPAN_FMT(span_take(text, 200)),
                 what);
    problem_remedy(b->problems, "%s", remedy);
    return false;
}

static span
word(span *rest)
{
    *rest = span_trim(*rest);
    return span_cut(rest, ' ');
}

/* ---- status ---- */

/* "4xx" is 4, "422" is 422, else 0. */
static uint16_t
status_of(span w)
{
    uint64_t n = 0;
    if (w.len != 3 || w.at[0] < '1' || w.at[0] > '5')
        return 0;
    if (w.at[1] == 'x' && w.at[2] == 'x')
        return (uint16_t)(w.at[0] - '0');
    return span_to_u64(w, &n) ? (uint16_t)n : 0;
}

static bool
read_media(struct lens_builder *b, span w, struct lens_message *out)
{
    char *lower = lens_array(b, w.len, 1);
    if (!lower)
        return false;
    for (size_t i = 0; i < w.len; i++) {
        char c = w.at[i];
        lower[i] = (char)(c >= 'A' && c <= 'Z' ? c + 'a' - 'A' : c);
    }
    out->media = span_of(lower, w.len);
    return true;
}

static bool
read_statuses(struct lens_builder *b, const struct yaml *node, span text,
              span rest, struct lens_message *out)
{
    uint16_t *all = lens_array(b, STATUSES_MAX, sizeof(*all));
    if (!all)
        return false;
    out->ways = LENS_ANSWER;
    out->statuses = all;
    while (rest.len > 0) {
        span w = word(&rest);
        uint16_t status = status_of(w);
        if (status && out->n_statuses < STATUSES_MAX) {
            all[out->n_statuses++] = status;
            continue;
        }
        if (span_find(w, '/') <= 0 || rest.len > 0)
            return wrong(b, node, text, "has something that is no status",
                         "write status 4xx 422 application/json");
        if (!read_media(b, w, out))
            return false;
    }
    if (out->n_statuses == 0)
        return wrong(b, node, text, "names no status", "write status 4xx 5xx");
    return true;
}

/* ---- method and path ---- */

static bool
is_method(span w)
{
    for (size_t i = 0; i < w.len; i++)
        if (w.at[i] < 'A' || w.at[i] > 'Z')
            return false;
    return w.len > 0;
}

static bool
read_path(struct lens_builder *b, const struct yaml *node, span text, span path,
          struct lens_message *out)
{
    const struct lens_api *api = b->api;
    span *labels = lens_array(b, api->n_versions, sizeof(*labels));
    if (!labels)
        return false;
    for (size_t i = 0; i < api->n_versions; i++)
        labels[i] = api->versions[i].label;

    struct err e = {0};
    enum err_code code =
        template_build(b->arena, path, labels, api->n_versions, &out->path, &e);
    if (code == OK)
        return true;
    yaml_problem(b->problems, node, "`%.*s`: %s", SPAN_FMT(text), e.text);
    problem_remedy(b->problems, "write /orders/{id}");
    return false;
}

/* ---- events ---- */

static bool
read_event(struct lens_builder *b, const struct yaml *node, span text,
           span name, struct lens_message *out)
{
    name = span_trim(name);
    out->ways = LENS_ANSWER;
    out->is_event = true;
    out->is_event_prefix = span_ends(name, SPAN("*"));
    out->event = span_take(name, name.len - out->is_event_prefix);
    if (name.len > 0 && span_find(name, ' ') < 0 &&
        span_find(out->event, '*') < 0)
        return true;
    return wrong(b, node, text, "names no event",
                 "write event order.paid, or event order.* for all that begin "
                 "so");
}

bool
lens_message_read(struct lens_builder *b, const struct yaml *node, span text,
                  struct lens_message *out)
{
    span rest = span_trim(text);
    *out =
        (struct lens_message){.text = text, .ways = LENS_REQUEST | LENS_ANSWER};
    span w = word(&rest);
    if (span_is(w, "event"))
        return read_event(b, node, text, rest, out);
    if (span_is(w, "status"))
        return read_statuses(b, node, text, rest, out);
    if (span_is(w, "request") || span_is(w, "answer")) {
        out->ways = span_is(w, "request") ? LENS_REQUEST : LENS_ANSWER;
        w = word(&rest);
    }

    rest = span_trim(rest);
    if (!is_method(w) && !span_is(w, "*"))
        return wrong(b, node, text, "names no message",
                     "write GET /orders/{id}, * /orders, status 4xx, or event "
                     "order.paid");
    if (is_method(w))
        out->method = w;
    if (rest.len == 0 || rest.at[0] != '/' || span_find(rest, ' ') >= 0)
        return wrong(b, node, text, "has no path behind its method",
                     "write GET /orders/{id}");
    return read_path(b, node, text, rest, out);
}

/* ---- asking ---- */

static bool
status_fits(const struct lens_message *m, unsigned status)
{
    for (size_t i = 0; i < m->n_statuses; i++)
        if (m->statuses[i] == status || m->statuses[i] == status / 100)
            return true;
    return false;
}

static bool
line_fits(const struct lens_message *m, const struct lens_occasion *o)
{
    unsigned way = o->is_answer ? LENS_ANSWER : LENS_REQUEST;
    if (!(m->ways & way))
        return false;
    if (m->method.len > 0 && !span_eq(m->method, o->method))
        return false;
    return !m->path || template_matches(m->path, o->path, NULL);
}

/* What an event without a name is called (WHATWG HTML §9.2.6). */
#define EVENT_UNNAMED SPAN("message")

static bool
event_fits(const struct lens_message *m, span name)
{
    if (name.len == 0)
        name = EVENT_UNNAMED;
    return m->is_event_prefix ? span_starts(name, m->event)
                              : span_eq(name, m->event);
}

bool
lens_message_fits(const struct lens_message *m, const struct lens_occasion *o)
{
    if (m->is_event)
        return o->is_event && o->is_answer && event_fits(m, o->event);
    if (o->is_event && o->event.len > 0 && !span_eq(o->event, EVENT_UNNAMED))
        return false;
    if (!line_fits(m, o))
        return false;
    if (m->n_statuses == 0)
        return !o->is_answer || o->status / 100 == 2;
    return status_fits(m, o->status) &&
           (m->media.len == 0 || span_eq_nocase(m->media, o->media));
}

/* ---- could one message be of both? ---- */

static bool
segments_clash(const struct template *a, const struct template *b)
{
    for (size_t i = 0; i < a->n_segments && i < b->n_segments; i++) {
        const struct template_segment *x = &a->segments[i];
        const struct template_segment *y = &b->segments[i];
        /* From the first that may take several segments on, nothing is known. */
        if (x->kind == TEMPLATE_VERSION || x->kind == TEMPLATE_REST ||
            y->kind == TEMPLATE_VERSION || y->kind == TEMPLATE_REST)
            return false;
        if (x->kind == TEMPLATE_LITERAL && y->kind == TEMPLATE_LITERAL &&
            !span_eq(x->plain, y->plain))
            return true;
    }
    return a->n_segments != b->n_segments;
}

bool
lens_message_may_meet(const struct lens_message *a,
                      const struct lens_message *b)
{
    if (!(a->ways & b->ways))
        return false;
    if (a->method.len > 0 && b->method.len > 0 &&
        !span_eq(a->method, b->method))
        return false;
    return !a->path || !b->path || !segments_clash(a->path, b->path);
}
