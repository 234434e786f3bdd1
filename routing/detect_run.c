/* SPDX-License-Identifier: Apache-2.0 */
/* detect_run: the sources asked, one after another. */
#include "routing/detect.h"

#include "routing/detect_parts.h"
#include "routing/media.h"

#include <assert.h>

/* What one source says: everything in it must be the same version. */
struct voice {
    bool speaks;
    bool differs;
    bool by_date;
    int version; /* DETECT_NONE: none of ours */
    span text;
    span other; /* what differs */
};

static void
say(struct voice *v, int version, span text, bool by_date)
{
    if (!v->speaks)
        *v = (struct voice){true, false, by_date, version, text, {0}};
    else if (version != v->version ||
             (version < 0 && !span_eq(text, v->text))) {
        v->differs = true;
        v->other = text;
    }
}

/* ---- the sources ---- */

static void
ask_header(const struct detect *d, const struct detect_way *w,
           const struct facts *f, struct voice *v)
{
    span value;

    for (size_t i = 0; f->field(f->message, w->name, i, &value); i++) {
        while (value.len > 0) {
            span text = span_trim(span_cut(&value, ','));
            int version = detect_labelled(d, text, false);
            int32_t date = 0;
            bool by_date = version < 0 && date_parse(text, &date);

            if (by_date)
                version = detect_dated(d, date);
            if (text.len > 0)
                say(v, version, text, by_date);
        }
    }
}

/* What one element of a media field says of the version. */
static bool
media_label(const struct detect *d, const struct detect_way *w,
            const struct media *m, span *text, int *version)
{
    span params = m->params, name, value;

    if (w->kind == DETECT_MEDIA) {
        if (!detect_media_label(w, m->type, text))
            return false;
        *version = detect_labelled(d, *text, true);
        return true;
    }
    while (media_next_param(&params, &name, &value)) {
        if (!span_eq_nocase(name, w->name) || value.len == 0)
            continue;
        *text = value;
        *version = DETECT_NONE;
        for (size_t i = 0; i < d->n_versions; i++)
            if (!d->versions[i].is_internal &&
                media_value_is(value, d->versions[i].label))
                *version = (int)i;
        return true;
    }
    return false;
}

/*
 * Accept: a choice; the best known range speaks, an unknown one if it must. A
 * field whose quotes do not end can be read in two ways, and says nothing.
 */
static void
ask_accept(const struct detect *d, const struct detect_way *w,
           const struct facts *f, struct voice *v)
{
    unsigned best = 0;
    int version, best_version = DETECT_NONE;
    span list, text, best_text = {0};

    for (size_t i = 0; f->field(f->message, SPAN("accept"), i, &list); i++) {
        struct media m;
        if (!media_is_whole(list, false))
            continue;
        while (media_next(&list, &m)) {
            unsigned weight = media_weight(&m);
            if (weight == 0 || !media_label(d, w, &m, &text, &version))
                continue;
            bool known_now = version >= 0, known_then = best_version >= 0;
            if (known_now != known_then ? known_now : weight > best) {
                best = weight;
                best_version = version;
                best_text = text;
            }
        }
    }
    if (best > 0)
        say(v, best_version, best_text, false);
}

static void
ask_media(const struct detect *d, const struct detect_way *w,
          const struct facts *f, struct voice *v)
{
    span list, text;
    int version;

    ask_accept(d, w, f, v);
    for (size_t i = 0; f->field(f->message, SPAN("content-type"), i, &list);
         i++) {
        struct media m;
        if (!media_is_whole(list, false))
            continue;
        while (media_next(&list, &m))
            if (media_label(d, w, &m, &text, &version))
                say(v, version, text, false);
    }
}

/* "ios/7.11.2 (iPhone)": the platform, and the build up to a separator. */
static bool
client_parse(span text, span *platform, struct semver *build)
{
    size_t i = 0, n = 0;

    while (i < text.len && text.at[i] != '/' && text.at[i] != ' ')
        i++;
    *platform = span_take(text, i);
    if (i == text.len)
        return false;
    text = span_trim(span_skip(text, i + 1));
    while (n < text.len && !strchr(" ;,(", text.at[n]))
        n++;
    return semver_parse(span_take(text, n), build);
}

static void
ask_client(const struct detect_way *w, const struct facts *f, struct voice *v)
{
    struct semver build;
    span value, platform;

    for (size_t i = 0; f->field(f->message, w->name, i, &value); i++) {
        value = span_trim(value);
        if (!client_parse(value, &platform, &build))
            continue;
        for (size_t r = 0; r < w->n_rules; r++)
            if (span_eq_nocase(w->rules[r].platform, platform) &&
                semver_in(&w->rules[r].range, &build))
                say(v, w->rules[r].version, value, false);
    }
}

static void
ask_query(const struct detect *d, const struct detect_way *w,
          const struct facts *f, struct voice *v)
{
    span value;

    for (size_t i = 0; facts_query(f->query, w->name, i, &value); i++) {
        int version = DETECT_NONE;
        for (size_t k = 0; k < d->n_versions; k++)
            if (!d->versions[k].is_internal &&
                facts_query_is(value, d->versions[k].label))
                version = (int)k;
        if (value.len > 0)
            say(v, version, value, false);
    }
}

static void
ask_path(const struct detect *d, const struct detect_way *w,
         const struct facts *f, struct voice *v)
{
    struct template_match m;

    if (template_matches(w->path, f->path, &m)) {
        int version = m.label;
        if (d->versions[version].is_internal)
            version = DETECT_NONE;
        say(v, version, template_captured(&m, SPAN("version")), false);
        return;
    }
    /* A version of ours on another path says nothing; another one is unknown. */
    if (!template_matches(w->start, f->path, NULL) &&
        template_matches(w->any, f->path, &m))
        say(v, DETECT_NONE, template_captured(&m, SPAN("version")), false);
}

static void
ask_pin(const struct detect *d, const struct detect_way *w,
        const struct facts *f, struct voice *v)
{
    char hex[DETECT_HASH_MAX];
    span key;

    if (!subject_ask(&w->key, f, &key))
        return;
    d->hash(key, hex);

    const struct detect_told *t = map_get(&w->pins, span_str(hex));
    if (t) /* what was said is a secret: the label stands for it */
        say(v, (int)(t - d->versions), t->label, false);
}

static void
ask(const struct detect *d, const struct detect_way *w, const struct facts *f,
    struct voice *v)
{
    switch (w->kind) {
    case DETECT_HEADER:
        ask_header(d, w, f, v);
        break;
    case DETECT_MEDIA:
    case DETECT_MEDIA_PARAM:
        ask_media(d, w, f, v);
        break;
    case DETECT_CLIENT:
        ask_client(w, f, v);
        break;
    case DETECT_QUERY:
        ask_query(d, w, f, v);
        break;
    case DETECT_PATH:
        ask_path(d, w, f, v);
        break;
    case DETECT_PIN:
        ask_pin(d, w, f, v);
        break;
    case DETECT_BODY:
        break; /* asked by the caller, answered by detect_body */
    }
}

/* ---- the order ---- */

static bool
is_preflight(const struct facts *f)
{
    span value;

    return span_is(f->method, "OPTIONS") &&
           f->field(f->message, SPAN("origin"), 0, &value) &&
           f->field(f->message, SPAN("access-control-request-method"), 0,
                    &value);
}

/* Take down what source `i` said; false: it is decided. */
static bool
take(const struct detect *d, size_t i, const struct voice *v,
     struct detect_result *out)
{
    if (out->source >= 0 && !v->differs && v->version == out->version)
        return true;
    if (out->source >= 0 || v->differs) {
        /* Two sources, or one with itself. */
        bool is_first = out->source < 0;
        out->outcome = DETECT_CONFLICT;
        out->version = DETECT_NONE;
        out->other_source = (int)i;
        out->other_text = is_first ? v->other : v->text;
        if (!is_first)
            return false;
    }
    out->source = (int)i;
    out->kind = d->ways[i].kind;
    out->text = v->text;
    out->by_date = v->by_date;
    if (v->differs)
        return false;
    out->version = v->version;
    out->outcome = v->version < 0 ? DETECT_UNKNOWN : DETECT_SPOKEN;
    return v->version >= 0 && d->agree;
}

static void
ask_from(const struct detect *d, const struct facts *f, size_t i,
         struct detect_result *out)
{
    for (; i < d->n_ways; i++) {
        struct voice v = {0};

        if ((int)i == d->body && f->has_body && out->source < 0) {
            out->outcome = DETECT_NEEDS_BODY;
            out->source = (int)i;
            out->kind = DETECT_BODY;
            return;
        }
        ask(d, &d->ways[i], f, &v);
        if (v.speaks && !take(d, i, &v, out))
            return;
    }
    if (out->source >= 0)
        return;
    out->version = d->missing;
    out->outcome = d->missing < 0 ? DETECT_MISSING : DETECT_ASSUMED;
}

static const struct detect_result nothing_yet = {
    .version = DETECT_NONE, .source = DETECT_NONE, .other_source = DETECT_NONE};

void
detect_run(const struct detect *d, const struct facts *f,
           struct detect_result *out)
{
    *out = nothing_yet;
    if (is_preflight(f))
        out->outcome = DETECT_PREFLIGHT;
    else
        ask_from(d, f, 0, out);
}

void
detect_body(const struct detect *d, const struct facts *f, int version,
            span text, struct detect_result *out)
{
    struct voice v = {.speaks = true, .version = version, .text = text};

    assert(d->body >= 0); /* it was asked for */
    *out = nothing_yet;
    if (version >= 0 && text.len == 0)
        v.text = d->versions[version].label;
    if (version >= 0 && d->versions[version].is_internal)
        v.version = DETECT_NONE;
    bool is_silent = version < 0 && text.len == 0;
    if (is_silent || take(d, (size_t)d->body, &v, out))
        ask_from(d, f, (size_t)d->body + 1, out);
}
