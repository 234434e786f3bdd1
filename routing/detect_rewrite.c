/* SPDX-License-Identifier: Apache-2.0 */
/*
 * detect_rewrite: a head's words for one version exchanged for another's.
 *
 * On the way in whatever a source says becomes the pool's version; on the way
 * out only what says the pool's version becomes the client's. Parts are
 * exchanged where they stand; all around them is copied as it came.
 */
#include "routing/detect.h"

#include "routing/detect_parts.h"
#include "routing/media.h"

#include <assert.h>

#define TEXT_MAX (1u << 20) /* bytes of one rewritten field, path or query */

struct rewriter {
    const struct detect *d;
    struct arena *a;
    facts_field_fn field;
    const void *message;
    int from; /* exchange this version alone; DETECT_NONE: whatever is said */
    int to;
    bool by_date;
    bool is_full; /* the arena, or TEXT_MAX */
    struct buf b; /* what is being written */
    struct detect_field *fields;
    size_t n_fields;
};

/* ---- pieces ---- */

/* Give what was written since the last call a place of its own. */
static span
written(struct rewriter *r)
{
    span s = {0};

    if (buf_failed(&r->b) || !span_dup(r->a, buf_span(&r->b), &s))
        r->is_full = true;
    buf_clear(&r->b);
    return s;
}

/* Write what lies from `*at` up to `part`, and go past `part`. */
static void
copy_up_to(struct rewriter *r, const char **at, span part)
{
    buf_add(&r->b, span_of(*at, (size_t)(part.at - *at)));
    *at = part.at + part.len;
}

static void
copy_rest(struct rewriter *r, const char *at, span whole)
{
    buf_add(&r->b, span_of(at, (size_t)(whole.at + whole.len - at)));
}

static span
to_label(const struct rewriter *r)
{
    return r->d->versions[r->to].label;
}

/* ---- fields ---- */

static struct detect_field *
field_of(struct rewriter *r, span name)
{
    for (size_t i = 0; i < r->n_fields; i++)
        if (span_eq_nocase(r->fields[i].name, name))
            return &r->fields[i];
    return NULL;
}

static void
field_set(struct rewriter *r, span name, span value)
{
    struct detect_field *f = field_of(r, name);

    if (!f)
        f = &r->fields[r->n_fields++];
    *f = (struct detect_field){name, value};
}

/*
 * The value as it stands: rewritten already, or all of them in one list. One
 * whose quotes do not end says nothing (detect_run), and would swallow those
 * after it: it is left out of the list.
 */
static bool
field_get(struct rewriter *r, span name, bool angles, span *value)
{
    const struct detect_field *f = field_of(r, name);
    span more;

    if (f) {
        *value = f->value;
        return true;
    }
    if (!r->field(r->message, name, 0, value))
        return false;
    *value = span_trim(*value);
    if (!r->field(r->message, name, 1, &more))
        return media_is_whole(*value, angles);
    for (size_t i = 0; r->field(r->message, name, i, &more); i++) {
        if (!media_is_whole(more, angles))
            continue;
        if (buf_len(&r->b) > 0)
            buf_str(&r->b, ", ");
        buf_add(&r->b, span_trim(more));
    }
    *value = written(r);
    return true;
}

/* ---- header ---- */

/* Does one element of a header source's field have to go? */
static bool
header_says(const struct rewriter *r, span text, bool *by_date)
{
    const struct detect_told *from = &r->d->versions[r->from < 0 ? 0 : r->from];
    int32_t date;

    if (text.len == 0)
        return false;
    if (r->from < 0) {
        *by_date = detect_find(r->d, text) < 0 && date_parse(text, &date);
        return true;
    }
    *by_date = r->by_date;
    return span_eq(text, from->label) || span_eq(text, from->date_text);
}

static void
rewrite_header(struct rewriter *r, const struct detect_way *w)
{
    const struct detect_told *to = &r->d->versions[r->to];
    bool by_date = false, says = false;
    span value;

    if (field_of(r, w->name))
        return; /* two sources of one name */
    for (size_t i = 0; r->field(r->message, w->name, i, &value); i++)
        while (value.len > 0 && !says)
            says = header_says(r, span_trim(span_cut(&value, ',')), &by_date);
    if (says)
        field_set(r, w->name,
                  by_date && to->date_text.len ? to->date_text : to->label);
}

/* ---- media types ---- */

static bool
is_from(const struct rewriter *r, span label)
{
    return r->from < 0 || span_eq_nocase(r->d->versions[r->from].label, label);
}

/* The part of an element that says the version, if it has to be exchanged. */
static bool
media_part(const struct rewriter *r, const struct detect_way *w,
           const struct media *m, span *part)
{
    span params = m->params, name;

    if (media_weight(m) == 0)
        return false; /* refused by the client: it stays as refused */
    if (w->kind == DETECT_MEDIA)
        return detect_media_label(w, m->type, part) && is_from(r, *part);
    while (media_next_param(&params, &name, part))
        if (span_eq_nocase(name, w->name) && part->len > 0)
            return r->from < 0 ||
                   media_value_is(*part, r->d->versions[r->from].label);
    return false;
}

static void
write_media(struct rewriter *r, const struct detect_way *w)
{
    bool quoted = w->kind == DETECT_MEDIA_PARAM && !media_is_token(to_label(r));

    if (quoted)
        buf_byte(&r->b, '"');
    buf_add(&r->b, to_label(r));
    if (quoted)
        buf_byte(&r->b, '"');
}

static void
rewrite_media(struct rewriter *r, const struct detect_way *w, span name)
{
    bool changed = false;
    struct media m;
    span value, part;

    if (!field_get(r, name, false, &value))
        return;
    const char *at = value.at;
    span list = value;
    while (media_next(&list, &m)) {
        if (!media_part(r, w, &m, &part))
            continue;
        copy_up_to(r, &at, part);
        write_media(r, w);
        changed = true;
    }
    if (!changed)
        return;
    copy_rest(r, at, value);
    field_set(r, name, written(r));
}

/* ---- query and path ---- */

static void
write_query_label(struct rewriter *r)
{
    span label = to_label(r);

    for (size_t i = 0; i < label.len; i++) {
        if (label.at[i] == '+') /* which is a space there */
            buf_str(&r->b, "%2B");
        else
            buf_byte(&r->b, label.at[i]);
    }
}

static span
rewrite_query(struct rewriter *r, const struct detect_way *w, span query)
{
    const char *at = query.at;
    span value;
    bool changed = false;

    for (size_t i = 0; facts_query(query, w->name, i, &value); i++) {
        if (value.len == 0 ||
            (r->from >= 0 &&
             !facts_query_is(value, r->d->versions[r->from].label)))
            continue;
        copy_up_to(r, &at, value);
        write_query_label(r);
        changed = true;
    }
    if (!changed)
        return query;
    copy_rest(r, at, query);
    return written(r);
}

static span
rewrite_path(struct rewriter *r, const struct detect_way *w, span path)
{
    struct template_match m;

    if (!template_matches(w->path, path, &m) ||
        (r->from >= 0 && m.label != r->from))
        return path;

    const char *at = path.at;
    copy_up_to(r, &at, template_captured(&m, SPAN("version")));
    buf_add(&r->b, to_label(r));
    copy_rest(r, at, path);
    return written(r);
}

/* All query and path sources, on both parts. */
static void
rewrite_target(struct rewriter *r, span *path, span *query)
{
    for (size_t i = 0; i < r->d->n_ways; i++) {
        const struct detect_way *w = &r->d->ways[i];
        if (w->kind == DETECT_PATH)
            *path = rewrite_path(r, w, *path);
        if (w->kind == DETECT_QUERY)
            *query = rewrite_query(r, w, *query);
    }
}

/* ---- URIs ---- */

/* Where the scheme of an absolute URI ends (past its ':'), or 0. */
static size_t
scheme_end(span uri)
{
    for (size_t i = 0; i < uri.len; i++) {
        if (uri.at[i] == ':')
            return i + 1;
        if (strchr("/?#", uri.at[i]))
            return 0; /* a NUL is found, too */
    }
    return 0;
}

static bool
is_ours(const struct detect_answer *answer, span authority)
{
    for (size_t i = 0; i < answer->n_authorities; i++)
        if (authority.len > 0 &&
            span_eq_nocase(answer->authorities[i], authority))
            return true;
    return false;
}

/* The length of what comes before the first of these characters. */
static size_t
until(span s, const char *ends)
{
    size_t n = 0;

    while (n < s.len && !strchr(ends, s.at[n]))
        n++;
    return n;
}

/*
 * Find path and query of a URI reference that may be ours (RFC 3986 §3);
 * false: it leads elsewhere.
 */
static bool
uri_parts(const struct detect_answer *answer, span uri, span *path, span *query)
{
    size_t scheme = scheme_end(uri);
    span rest = span_skip(uri, scheme);

    if (scheme > 0 && !span_eq_nocase(span_take(uri, scheme), SPAN("http:")) &&
        !span_eq_nocase(span_take(uri, scheme), SPAN("https:")))
        return false;
    if (span_starts(rest, SPAN("//"))) {
        rest = span_skip(rest, 2);
        size_t n = until(rest, "/?#");
        if (!is_ours(answer, span_take(rest, n)))
            return false;
        rest = span_skip(rest, n);
    }
    *path = span_take(rest, until(rest, "?#"));
    rest = span_skip(rest, path->len);
    *query = span_take(rest, 0);
    if (span_starts(rest, SPAN("?"))) {
        rest = span_skip(rest, 1);
        *query = span_take(rest, until(rest, "#"));
    }
    return true;
}

/* The URI with its parts exchanged; itself if none is. */
static span
rewrite_uri(struct rewriter *r, const struct detect_answer *answer, span uri)
{
    span path, query;

    if (!uri_parts(answer, uri, &path, &query))
        return uri;

    span new_path = path, new_query = query;
    rewrite_target(r, &new_path, &new_query);
    if (new_path.at == path.at && new_query.at == query.at)
        return uri;

    const char *at = uri.at;
    copy_up_to(r, &at, path);
    buf_add(&r->b, new_path);
    copy_up_to(r, &at, query);
    buf_add(&r->b, new_query);
    copy_rest(r, at, uri);
    return written(r);
}

static void
rewrite_location(struct rewriter *r, const struct detect_answer *answer,
                 span name)
{
    span value;

    if (!r->field(r->message, name, 0, &value))
        return;

    span uri = span_trim(value);
    span changed = rewrite_uri(r, answer, uri);
    if (changed.at != uri.at)
        field_set(r, name, changed);
}

/* The target of one link, `<uri>; rel=…`: what is between the angles. */
static bool
link_target(span link, span *uri)
{
    link = span_trim(link);
    if (!span_starts(link, SPAN("<")) || span_find(link, '>') < 0)
        return false;
    *uri = span_take(span_skip(link, 1), (size_t)span_find(link, '>') - 1);
    return true;
}

static void
rewrite_links(struct rewriter *r, const struct detect_answer *answer)
{
    span value, uri;

    if (!field_get(r, SPAN("Link"), true, &value))
        return;

    /* In two passes, as a URI is written in the same buf as the field. */
    size_t n = 0;
    for (span list = value; list.len > 0; n++)
        (void)media_cut(&list, ',', true);
    span *targets = arena_array(r->a, n, sizeof(*targets));
    if (!targets) {
        r->is_full = true;
        return;
    }
    bool changed = false;
    n = 0;
    for (span list = value; list.len > 0; n++) {
        if (!link_target(media_cut(&list, ',', true), &uri))
            continue;
        targets[n] = rewrite_uri(r, answer, uri);
        changed = changed || targets[n].at != uri.at;
    }
    if (!changed)
        return;

    const char *at = value.at;
    n = 0;
    for (span list = value; list.len > 0; n++) {
        if (!link_target(media_cut(&list, ',', true), &uri))
            continue;
        copy_up_to(r, &at, uri);
        buf_add(&r->b, targets[n]);
    }
    copy_rest(r, at, value);
    field_set(r, SPAN("Link"), written(r));
}

/* ---- whole heads ---- */

static void
rewrite_fields(struct rewriter *r)
{
    for (size_t i = 0; i < r->d->n_ways; i++) {
        const struct detect_way *w = &r->d->ways[i];

        switch (w->kind) {
        case DETECT_HEADER:
            rewrite_header(r, w);
            break;
        case DETECT_MEDIA:
        case DETECT_MEDIA_PARAM:
            if (r->from < 0)
                rewrite_media(r, w, SPAN("Accept"));
            rewrite_media(r, w, SPAN("Content-Type"));
            break;
        case DETECT_CLIENT:
        case DETECT_QUERY:
        case DETECT_PATH:
        case DETECT_PIN:
        case DETECT_BODY:
            break;
        }
    }
}

/* Accept, Content-Type, Location, Content-Location, Link and one a source. */
static enum err_code
start(struct rewriter *r, struct err *e)
{
    size_t n = r->d->n_ways + 5;

    assert(r->to >= 0 && (size_t)r->to < r->d->n_versions);
    assert(r->from < (int)r->d->n_versions);
    buf_init(&r->b, TEXT_MAX);
    r->fields = arena_array(r->a, n, sizeof(*r->fields));
    return r->fields ? OK : err_set(e, ERR_LIMIT, "no room to rewrite a head");
}

static enum err_code
finish(struct rewriter *r, struct detect_rewrite *out, struct err *e)
{
    buf_fini(&r->b);
    if (r->is_full)
        return err_set(e, ERR_LIMIT, "no room to rewrite a head");
    out->fields = r->fields;
    out->n_fields = r->n_fields;
    return OK;
}

enum err_code
detect_rewrite_request(const struct detect *d, struct arena *a,
                       const struct facts *f, int to,
                       struct detect_rewrite *out, struct err *e)
{
    struct rewriter r = {.d = d,
                         .a = a,
                         .field = f->field,
                         .message = f->message,
                         .from = DETECT_NONE,
                         .to = to};
    enum err_code code = start(&r, e);

    if (code)
        return code;
    *out = (struct detect_rewrite){.path = f->path, .query = f->query};
    rewrite_fields(&r);
    rewrite_target(&r, &out->path, &out->query);
    return finish(&r, out, e);
}

enum err_code
detect_rewrite_answer(const struct detect *d, struct arena *a,
                      const struct detect_answer *answer, int from, int to,
                      struct detect_rewrite *out, struct err *e)
{
    struct rewriter r = {.d = d,
                         .a = a,
                         .field = answer->field,
                         .message = answer->message,
                         .from = from,
                         .to = to,
                         .by_date = answer->by_date};
    enum err_code code = start(&r, e);

    assert(from >= 0);
    if (code)
        return code;
    *out = (struct detect_rewrite){0};
    rewrite_fields(&r);
    rewrite_location(&r, answer, SPAN("Location"));
    rewrite_location(&r, answer, SPAN("Content-Location"));
    rewrite_links(&r, answer);
    return finish(&r, out, e);
}
