/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/base/template.h"

#include <assert.h>

/* ---- segments of a path ---- */

bool
template_next(span *path, span *segment)
{
    if (path->len == 0 || path->at[0] != '/')
        return false;
    *path = span_skip(*path, 1);

    ssize_t slash = span_find(*path, '/');
    size_t len = slash < 0 ? path->len : (size_t)slash;

    *segment = span_take(*path, len);
    *path = span_skip(*path, len);
    return true;
}

static int
hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* The byte at s[*i], decoded; *i goes past it. -1: a broken code. */
static int
decoded_byte(span s, size_t *i)
{
    char c = s.at[(*i)++];

    if (c != '%')
        return (unsigned char)c;
    if (s.len - *i < 2 || hex(s.at[*i]) < 0 || hex(s.at[*i + 1]) < 0)
        return -1;
    *i += 2;
    return hex(s.at[*i - 2]) * 16 + hex(s.at[*i - 1]);
}

bool
template_decode(span s, char *out, size_t room, size_t *out_len)
{
    size_t n = 0;

    for (size_t i = 0; i < s.len;) {
        int byte = decoded_byte(s, &i);

        if (byte < 0 || n == room)
            return false;
        out[n++] = (char)byte;
    }
    *out_len = n;
    return true;
}

static bool
segment_is(span segment, span plain)
{
    char bytes[TEMPLATE_LITERAL_MAX];
    size_t len;

    if (span_find(segment, '%') < 0)
        return span_eq(segment, plain);
    return template_decode(segment, bytes, sizeof(bytes), &len) &&
           span_eq(span_of(bytes, len), plain);
}

/* ---- building ---- */

static bool
is_name(span s)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.at[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!letter && !(c >= '0' && c <= '9') && c != '_' && c != '-')
            return false;
    }
    return s.len > 0;
}

static bool
is_doubled(const struct template_segment *segments, size_t n, span name)
{
    for (size_t i = 0; i < n; i++)
        if (segments[i].kind != TEMPLATE_LITERAL &&
            span_eq(segments[i].text, name))
            return true;
    return false;
}

static enum err_code
literal_build(struct arena *a, span text, size_t offset,
              struct template_segment *out, struct err *e)
{
    char bytes[TEMPLATE_LITERAL_MAX];
    size_t len;

    for (size_t i = 0; i < text.len; i++)
        if (text.at[i] <= ' ' || text.at[i] > '~' ||
            strchr("*{}?#", text.at[i]))
            return err_at(e, ERR_INVALID, offset + i,
                          "a path template has {name} for a whole segment and "
                          "/** at its end; any other of * { } ? #, spaces and "
                          "what is not ASCII is written as a percent code");
    if (text.len > 3 * sizeof(bytes) ||
        !template_decode(text, bytes, sizeof(bytes), &len))
        return err_at(e, ERR_INVALID, offset,
                      "the segment \"%.*s\" is too long or has a broken "
                      "percent code",
                      SPAN_FMT(text));
    if (span_is(span_of(bytes, len), ".") || span_is(span_of(bytes, len), ".."))
        return err_at(e, ERR_INVALID, offset,
                      "no request has a segment \"%.*s\": dot segments are "
                      "refused",
                      SPAN_FMT(text));
    *out = (struct template_segment){TEMPLATE_LITERAL, text, {0}};
    if (!span_dup(a, span_of(bytes, len), &out->plain))
        return err_set(e, ERR_LIMIT, "no room for a path template");
    return OK;
}

/* The i-th segment, `text`, which stands at `offset`. */
static enum err_code
segment_build(struct arena *a, struct template *t, span text, size_t offset,
              struct template_segment *segments, struct err *e)
{
    size_t i = t->n_segments;
    bool braces =
        text.len >= 2 && text.at[0] == '{' && text.at[text.len - 1] == '}';
    bool is_last = text.at + text.len == t->text.at + t->text.len;

    if (span_is(text, "**") && is_last) {
        segments[i] = (struct template_segment){TEMPLATE_REST, text, {0}};
        return OK;
    }
    if (text.len == 0 && !is_last)
        return err_at(e, ERR_INVALID, offset, "an empty segment: //");
    if (!braces)
        return literal_build(a, text, offset, &segments[i], e);

    span name = span_take(span_skip(text, 1), text.len - 2);
    if (!is_name(name))
        return err_at(e, ERR_INVALID, offset,
                      "a name in braces has letters, digits, - and _ alone");
    if (is_doubled(segments, i, name))
        return err_at(e, ERR_INVALID, offset, "{%.*s} stands here twice",
                      SPAN_FMT(name));
    bool is_version = t->n_labels > 0 && span_is(name, "version");
    segments[i] = (struct template_segment){
        is_version ? TEMPLATE_VERSION : TEMPLATE_CAPTURE, name, {0}};
    return OK;
}

static size_t
slashes(span s)
{
    size_t n = 0;

    for (size_t i = 0; i < s.len; i++)
        n += s.at[i] == '/';
    return n;
}

static bool
label_is_before(span a, span b)
{
    size_t in_a = slashes(a), in_b = slashes(b);

    return in_a != in_b ? in_a > in_b : a.len > b.len;
}

static enum err_code
labels_build(struct arena *a, const span *labels, size_t n, struct template *t,
             struct err *e)
{
    struct template_label *sorted = arena_array(a, n, sizeof(*sorted));

    if (!sorted)
        return err_set(e, ERR_LIMIT, "no room for a path template");
    for (size_t i = 0; i < n; i++) {
        struct template_label label = {.index = i};
        size_t at = i;

        if (labels[i].len == 0 || labels[i].len > TEMPLATE_LITERAL_MAX ||
            span_starts(labels[i], SPAN("/")) ||
            span_ends(labels[i], SPAN("/")))
            return err_set(e, ERR_INVALID,
                           "a version's label has 1 to %d bytes and no slash "
                           "at its ends",
                           TEMPLATE_LITERAL_MAX);
        if (!span_dup(a, labels[i], &label.text))
            return err_set(e, ERR_LIMIT, "no room for a path template");
        for (; at > 0 && label_is_before(label.text, sorted[at - 1].text); at--)
            sorted[at] = sorted[at - 1];
        sorted[at] = label;
    }
    t->labels = sorted;
    t->n_labels = n;
    return OK;
}

static enum err_code
segments_build(struct arena *a, struct template *t, struct err *e)
{
    size_t n = slashes(t->text), n_captures = 0;
    span rest = t->text, text;

    if (n > TEMPLATE_SEGMENTS_MAX)
        return err_set(e, ERR_LIMIT, "a path template has at most %d segments",
                       TEMPLATE_SEGMENTS_MAX);
    struct template_segment *segments = arena_array(a, n, sizeof(*segments));
    if (!segments)
        return err_set(e, ERR_LIMIT, "no room for a path template");

    while (template_next(&rest, &text)) {
        size_t offset = (size_t)(text.at - t->text.at);
        enum err_code code = segment_build(a, t, text, offset, segments, e);
        if (code)
            return code;
        n_captures += segments[t->n_segments].kind == TEMPLATE_CAPTURE ||
                      segments[t->n_segments].kind == TEMPLATE_VERSION;
        t->n_segments++;
    }
    if (n_captures > TEMPLATE_CAPTURES_MAX)
        return err_set(e, ERR_LIMIT, "a path template has at most %d names",
                       TEMPLATE_CAPTURES_MAX);
    t->segments = segments;
    return OK;
}

enum err_code
template_build(struct arena *a, span text, const span *labels, size_t n_labels,
               const struct template **out, struct err *e)
{
    if (text.len == 0 || text.at[0] != '/')
        return err_set(e, ERR_INVALID, "a path begins with /");

    struct template *t = arena_alloc(a, sizeof(*t));
    if (!t || !span_dup(a, text, &t->text))
        return err_set(e, ERR_LIMIT, "no room for a path template");

    enum err_code code =
        n_labels ? labels_build(a, labels, n_labels, t, e) : OK;
    if (!code)
        code = segments_build(a, t, e);
    if (!code)
        *out = t;
    return code;
}

/* ---- matching ---- */

static bool
take_label(span *path, span label)
{
    span segment;

    for (;;) {
        span part = span_cut(&label, '/');

        if (!template_next(path, &segment) || !segment_is(segment, part))
            return false;
        if (label.len == 0)
            return true;
    }
}

static void
capture(struct template_match *m, span name, span value)
{
    m->captures[m->n_captures++] = (struct template_capture){name, value};
}

/* One segment of the template against the front of `path`. */
static bool
take_segment(const struct template_segment *s,
             const struct template_label *label, span *path,
             struct template_match *m)
{
    span before = *path, segment;

    switch (s->kind) {
    case TEMPLATE_LITERAL:
        return template_next(path, &segment) && segment_is(segment, s->plain);
    case TEMPLATE_CAPTURE:
        if (!template_next(path, &segment) || segment.len == 0)
            return false;
        capture(m, s->text, segment);
        return true;
    case TEMPLATE_VERSION:
        if (!take_label(path, label->text))
            return false;
        m->label = (int)label->index;
        capture(m, s->text, span_of(before.at + 1, before.len - path->len - 1));
        return true;
    case TEMPLATE_REST:
        m->rest = path->len ? span_skip(*path, 1) : (span){0};
        *path = (span){0};
        return true;
    }
    return false;
}

static bool
fits(const struct template *t, const struct template_label *label, span path,
     struct template_match *m)
{
    m->n_captures = 0;
    m->rest = (span){0};
    m->label = -1;
    for (size_t i = 0; i < t->n_segments; i++)
        if (!take_segment(&t->segments[i], label, &path, m))
            return false;
    return path.len == 0;
}

static bool
has_version(const struct template *t)
{
    for (size_t i = 0; i < t->n_segments; i++)
        if (t->segments[i].kind == TEMPLATE_VERSION)
            return true;
    return false;
}

bool
template_matches(const struct template *t, span path,
                 struct template_match *out)
{
    struct template_match m;
    struct template_match *into = out ? out : &m;

    if (path.len == 0 || path.at[0] != '/')
        return false;
    if (!has_version(t))
        return fits(t, NULL, path, into);
    for (size_t i = 0; i < t->n_labels; i++)
        if (fits(t, &t->labels[i], path, into))
            return true;
    return false;
}

/* ---- order ---- */

static int
rank(const struct template *t, size_t i)
{
    if (i >= t->n_segments)
        return 3; /* the path ends here */
    switch (t->segments[i].kind) {
    case TEMPLATE_LITERAL:
        return 0;
    case TEMPLATE_VERSION:
        return 1;
    case TEMPLATE_CAPTURE:
        return 2;
    case TEMPLATE_REST:
        return 4;
    }
    return 0;
}

int
template_compare(const struct template *a, const struct template *b)
{
    for (size_t i = 0; i < a->n_segments || i < b->n_segments; i++)
        if (rank(a, i) != rank(b, i))
            return rank(a, i) - rank(b, i);
    return 0;
}

/* ---- templates beside each other ---- */

static bool
segments_overlap(const struct template_segment *a,
                 const struct template_segment *b)
{
    if (a->kind == TEMPLATE_LITERAL && b->kind == TEMPLATE_LITERAL)
        return span_eq(a->plain, b->plain);
    if (a->kind == TEMPLATE_LITERAL)
        return a->plain.len > 0;
    return b->kind != TEMPLATE_LITERAL || b->plain.len > 0;
}

/* From segment `i` of `a` and `j` of `b`. A {version} stands once in a template, so
 * this goes two levels deep at most. */
/* NOLINTBEGIN(misc-no-recursion) */
static bool
overlaps_from(const struct template *a, size_t i, const struct template *b,
              size_t j)
{
    for (;; i++, j++) {
        const struct template_segment *s = &a->segments[i];
        const struct template_segment *t = &b->segments[j];
        bool a_ends = i == a->n_segments;
        bool b_ends = j == b->n_segments;

        if ((!a_ends && s->kind == TEMPLATE_REST) ||
            (!b_ends && t->kind == TEMPLATE_REST))
            return true;
        if (a_ends || b_ends)
            return a_ends && b_ends;
        if (s->kind == TEMPLATE_VERSION)
            for (size_t k = j + 2; k <= b->n_segments; k++)
                if (overlaps_from(a, i + 1, b, k))
                    return true;
        if (t->kind == TEMPLATE_VERSION)
            for (size_t k = i + 2; k <= a->n_segments; k++)
                if (overlaps_from(a, k, b, j + 1))
                    return true;
        if (!segments_overlap(s, t))
            return false;
    }
}
/* NOLINTEND(misc-no-recursion) */

bool
template_overlaps(const struct template *a, const struct template *b)
{
    return overlaps_from(a, 0, b, 0);
}

static bool
segment_covers(const struct template_segment *a,
               const struct template_segment *b)
{
    switch (a->kind) {
    case TEMPLATE_LITERAL:
        return b->kind == TEMPLATE_LITERAL && span_eq(a->plain, b->plain);
    case TEMPLATE_CAPTURE:
        return b->kind == TEMPLATE_CAPTURE ||
               (b->kind == TEMPLATE_LITERAL && b->plain.len > 0);
    case TEMPLATE_VERSION:
        return b->kind == TEMPLATE_VERSION;
    case TEMPLATE_REST:
        break;
    }
    return false;
}

bool
template_covers(const struct template *a, const struct template *b)
{
    for (size_t i = 0;; i++) {
        if (i < a->n_segments && a->segments[i].kind == TEMPLATE_REST)
            return true;
        if (i == a->n_segments || i == b->n_segments)
            return a->n_segments == b->n_segments;
        if (!segment_covers(&a->segments[i], &b->segments[i]))
            return false;
    }
}

/* ---- the way back ---- */

span
template_captured(const struct template_match *m, span name)
{
    for (size_t i = 0; i < m->n_captures; i++)
        if (span_eq(m->captures[i].name, name))
            return m->captures[i].value;
    return (span){0};
}

bool
template_fills(const struct template *t, const struct template_match *m)
{
    for (size_t i = 0; i < t->n_segments; i++) {
        enum template_kind kind = t->segments[i].kind;
        if ((kind == TEMPLATE_CAPTURE || kind == TEMPLATE_VERSION) &&
            template_captured(m, t->segments[i].text).len == 0)
            return false;
    }
    return true;
}

void
template_expand(const struct template *t, const struct template_match *m,
                struct buf *out)
{
    for (size_t i = 0; i < t->n_segments; i++) {
        const struct template_segment *s = &t->segments[i];

        switch (s->kind) {
        case TEMPLATE_LITERAL:
            buf_byte(out, '/');
            buf_add(out, s->text);
            break;
        case TEMPLATE_CAPTURE:
        case TEMPLATE_VERSION:
            buf_byte(out, '/');
            buf_add(out, template_captured(m, s->text));
            break;
        case TEMPLATE_REST:
            /* A rest that is null was no slash; "/a/" leaves an empty one. */
            if (m->rest.at)
                buf_byte(out, '/');
            buf_add(out, m->rest);
            break;
        }
    }
}
