/* SPDX-License-Identifier: Apache-2.0 */
#include "translators/compose/later.h"

#include "proxy/base/buf.h"
#include "translators/json/text.h"
#include "translators/reference/form.h"

/* NOLINTBEGIN(misc-no-recursion): as deep as terms and guards, which the compiler made */

struct work {
    const struct later *l;
    const struct engine_noted *noted;
    struct arena *scratch;
    struct json **inputs; /* that were looked at */
    bool bad;             /* something could not be worked out: go aside */
};

static struct json *value_of(struct work *w, uint32_t term);

/* What came; of a container nothing is known but that it is an object. */
static struct json *
input(struct work *w, uint32_t i)
{
    const struct engine_noted *n = &w->noted[i];
    struct json *out = w->inputs[i];
    struct err e;
    if (out)
        return out;
    if (n->scalar.len && json_parse(w->scratch, n->scalar, 1, &out, &e) != OK)
        w->bad = true;
    if (!n->scalar.len && n->is_seen) {
        out = json_new_object(w->scratch);
        w->bad = w->bad || !out;
    }
    w->inputs[i] = out;
    return out;
}

/* ---- guards ------------------------------------------------------------------- */

static bool
is_integer(const struct json *v)
{
    for (size_t i = 0; i < v->text.len; i++)
        if (span_find(SPAN(".eE"), v->text.at[i]) >= 0)
            return false;
    return true;
}

static size_t
lines_of(span text)
{
    size_t n = 1;
    for (size_t i = 0; i < text.len; i++)
        n += text.at[i] == '\n';
    return n;
}

static struct json *
convert(struct work *w, const struct later_term *t, bool *respelt)
{
    struct run r = {.arena = w->scratch,
                    .scratch = w->scratch,
                    .api = w->l->api,
                    .depth_max = JSON_DEPTH_DEFAULT};
    struct json *of = value_of(w, t->of);
    struct json *out = NULL;
    *respelt = false;
    if (!of || form_convert(&r, t->from, t->to, of, &out, respelt) != FORM_DONE)
        return NULL;
    return out;
}

/* A form that is asked of something that is not there is asked for nothing. */
static bool
form_holds(struct work *w, const struct later_atom *a)
{
    const struct later_term *t = &w->l->terms[a->term];
    bool respelt = false;
    if (t->kind != TERM_FORM)
        return !value_of(w, a->term);
    if (!value_of(w, t->of))
        return false;
    bool done = convert(w, t, &respelt) != NULL;
    return a->kind == ATOM_OUTSIDE ? !done : done && respelt;
}

static bool
value_holds(struct work *w, const struct later_atom *a)
{
    const struct json *v = value_of(w, a->term);
    if (!v)
        return false;
    switch (a->kind) {
    case ATOM_NULL:
        return v->kind == JSON_NULL;
    case ATOM_OBJECT:
        return v->kind == JSON_OBJECT;
    case ATOM_LIST:
        return v->kind == JSON_LIST;
    case ATOM_STRING:
        return v->kind == JSON_TEXT;
    case ATOM_NUMBER:
        return v->kind == JSON_NUMBER;
    case ATOM_INTEGER:
        return v->kind == JSON_NUMBER && is_integer(v);
    case ATOM_TRUE:
        return v->kind == JSON_BOOL && v->truth;
    case ATOM_EQUALS:
        return json_alike(v, a->value);
    case ATOM_STARTS:
        return v->kind == JSON_TEXT && span_starts(v->text, a->text);
    case ATOM_LINES:
        return v->kind == JSON_TEXT && lines_of(v->text) == a->n;
    case ATOM_SAME: {
        const struct json *other = value_of(w, a->other);
        return other && json_alike(v, other);
    }
    default: /* the compiler lets no other through */
        w->bad = true;
        return false;
    }
}

static bool
atom_holds(struct work *w, const struct later_atom *a)
{
    switch (a->kind) {
    case ATOM_PRESENT:
        return w->noted[a->input].scalar.len || w->noted[a->input].is_seen;
    case ATOM_OUTSIDE:
    case ATOM_RESPELT:
        return form_holds(w, a);
    default:
        return value_holds(w, a);
    }
}

static bool
holds(struct work *w, uint32_t g)
{
    while (g > 1) {
        const struct later_guard *node = &w->l->guards[g - 2];
        g = atom_holds(w, &w->l->atoms[node->atom]) ? node->yes : node->no;
    }
    return g == 1;
}

/* ---- terms ------------------------------------------------------------------------ */

static struct json *
copied(struct work *w, const struct json *v)
{
    struct json *out = v ? json_clone(w->scratch, v) : NULL;
    w->bad = w->bad || (v && !out);
    return out;
}

static struct json *
image(struct work *w, const struct later_term *t)
{
    struct json *of = value_of(w, t->of);
    for (size_t i = 0; of && i < t->symbols.n_rows; i++)
        if (json_alike(of, t->symbols.rows[i].from))
            return copied(w, t->symbols.rows[i].to);
    return of && t->symbols.unlisted == LENS_UNLISTED_IS
               ? copied(w, t->symbols.image)
               : of;
}

static struct json *
text_node(struct work *w, span text)
{
    struct json *out = json_new_text(w->scratch, text);
    w->bad = w->bad || !out;
    return out;
}

static struct json *
joined(struct work *w, const struct later_term *t)
{
    struct buf b;
    span text = {0};
    buf_init(&b, arena_limit(w->scratch));
    for (size_t i = 0; i < t->n_parts; i++) {
        const struct later_part *p = &t->parts[i];
        const struct json *v =
            p->term == NORMAL_NONE ? NULL : value_of(w, p->term);
        if (p->term == NORMAL_NONE)
            buf_add(&b, p->text);
        else if (v && v->kind == JSON_BOOL)
            buf_str(&b, v->truth ? "true" : "false");
        else if (v && (v->kind == JSON_TEXT || v->kind == JSON_NUMBER))
            buf_add(&b, v->text);
    }
    bool ok = !buf_failed(&b) && span_dup(w->scratch, buf_span(&b), &text);
    buf_fini(&b);
    w->bad = w->bad || !ok;
    return ok ? text_node(w, text) : NULL;
}

/* A part of a text, or the text of parts; NULL: there is none. */
static struct json *
patterned(struct work *w, const struct later_term *t)
{
    struct run r = {.arena = w->scratch, .scratch = w->scratch};
    span *parts =
        arena_array(w->scratch, t->pattern->n_names + 1, sizeof(*parts));
    span text = {0};
    bool fits = false;
    if (!parts) {
        w->bad = true;
        return NULL;
    }
    if (t->kind == TERM_PART) {
        const struct json *of = value_of(w, t->of);
        if (!of || of->kind != JSON_TEXT)
            return NULL;
        w->bad =
            w->bad || !pattern_match(&r, t->pattern, of->text, parts, &fits);
        return fits ? text_node(w, parts[t->n]) : NULL;
    }
    for (size_t i = 0; i < t->n_parts; i++) {
        const struct json *part = value_of(w, t->parts[i].term);
        if (!part || part->kind != JSON_TEXT)
            return NULL;
        parts[i] = part->text;
    }
    w->bad = w->bad || !pattern_join(&r, t->pattern, parts, &text, &fits);
    return fits ? text_node(w, text) : NULL;
}

static struct json *
value_of(struct work *w, uint32_t term)
{
    const struct later_term *t = &w->l->terms[term];
    bool respelt = false;
    switch (t->kind) {
    case TERM_SOURCE:
        return input(w, t->input);
    case TERM_CONST:
        return copied(w, t->value);
    case TERM_ENUM:
        return image(w, t);
    case TERM_FORM:
        return convert(w, t, &respelt);
    case TERM_JOIN:
        return joined(w, t);
    case TERM_PART:
    case TERM_TEXT:
        return patterned(w, t);
    case TERM_FIRST:
        for (size_t i = 0; i < t->n_parts; i++)
            if (holds(w, t->parts[i].when))
                return value_of(w, t->parts[i].term);
        return NULL;
    case TERM_WRAP:
    case TERM_PICK:
    case TERM_TREE:
    case TERM_COMMON:
    case TERM_KEY:
        break;
    }
    w->bad = true;
    return NULL;
}

enum engine_formed
later_run(const void *arg, const struct engine_noted *noted,
          struct arena *scratch, struct buf *out)
{
    const struct later *l = arg;
    struct work w = {.l = l, .noted = noted, .scratch = scratch};
    w.inputs = arena_array(scratch, l->n_inputs + 1, sizeof(struct json *));
    if (!w.inputs)
        return ENGINE_OUTSIDE;
    if (l->n_alts == 0) {
        bool is = holds(&w, l->when);
        return w.bad || (is && l->fails) ? ENGINE_OUTSIDE
               : is                      ? ENGINE_RESPELT
                                         : ENGINE_FORMED;
    }
    for (size_t i = 0; i < l->n_alts; i++) {
        if (!holds(&w, l->alts[i].when))
            continue;
        const struct json *v = value_of(&w, l->alts[i].term);
        if (!v || w.bad)
            return ENGINE_OUTSIDE;
        json_print(v, out);
        return ENGINE_FORMED;
    }
    return w.bad ? ENGINE_OUTSIDE : ENGINE_FORMED;
}
/* NOLINTEND(misc-no-recursion) */
