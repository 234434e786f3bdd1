/* SPDX-License-Identifier: Apache-2.0 */
/*
 * forms: what is done with a scalar that forms of the language read, as a
 * function for the machine.
 *
 * A later change may drop what an earlier one reads, replace it, or cancel the
 * form: the checks and notices of that form stand, so every form that one of
 * them asks about is run, whatever is written in the end.
 */
#include "translators/compose/lowering.h"

#include "proxy/base/buf.h"
#include "translators/reference/form.h"

#define FORMS_MAX 4 /* of one scalar; a chain that has more goes `again` */

/* In the order in which they read: each reads the scalar, or what one before it wrote. */
struct forms {
    struct lens_form from[FORMS_MAX];
    struct lens_form to[FORMS_MAX];
    size_t of[FORMS_MAX]; /* the one before, + 1; 0: the scalar */
    size_t n;
    size_t written; /* what comes out, + 1; 0: the scalar, or `constant` */
    span constant;
    bool tells;  /* the notes are told in any case */
    bool wraps;  /* what comes out stands in a list; null is an empty one */
    bool passes; /* what the one form does not read stays as it came */
    const struct lens_api *api;
};

static enum engine_formed
run_forms(const void *arg, span scalar, struct arena *scratch, struct buf *out)
{
    const struct forms *f = arg;
    struct run r = {.arena = scratch,
                    .scratch = scratch,
                    .api = f->api,
                    .depth_max = JSON_DEPTH_DEFAULT,
                    .goes_packed = true}; /* bytes are carried */
    struct json *value[FORMS_MAX + 1] = {NULL};
    struct err e;
    bool bent = f->tells;
    if (f->n && json_parse(scratch, scalar, 1, &value[0], &e) != OK)
        return ENGINE_OUTSIDE;
    for (size_t i = 0; i < f->n; i++) {
        bool respelt = false;
        enum form_result done =
            form_convert(&r, &f->from[i], &f->to[i], value[f->of[i]],
                         &value[i + 1], &respelt);
        if (done == FORM_OUTSIDE && f->passes)
            return ENGINE_AS_IT_IS;
        if (done != FORM_DONE)
            return ENGINE_OUTSIDE;
        bent = bent || respelt;
    }
    buf_str(out, f->wraps ? "[" : "");
    size_t at = buf_len(out);
    if (f->written)
        json_print(value[f->written], out);
    else
        buf_add(out, f->constant.len ? f->constant : scalar);
    if (f->wraps && span_is(span_skip(buf_span(out), at), "null"))
        buf_truncate(out, at);
    buf_str(out, f->wraps ? "]" : "");
    return bent ? ENGINE_RESPELT : ENGINE_FORMED;
}

/* ---- which forms ------------------------------------------------------------ */

struct wanted {
    struct lowering *l;
    uint32_t source;
    uint32_t terms[FORMS_MAX];
    struct forms *forms;
};

/* Those of one scalar that is written as one. */
static bool
is_of_scalars(enum lens_form_kind kind)
{
    return kind != LENS_AS_JSON && kind != LENS_AS_JSON_TEXT &&
           kind != LENS_AS_KEYS && kind != LENS_AS_PATTERN;
}

/* NOLINTBEGIN(misc-no-recursion): as deep as a term is made of terms, and a guard asks
 * atoms */

/* The place of a term among the forms, + 1; 0: it is the scalar itself. */
static bool
want_term(struct wanted *w, uint32_t term, size_t *out)
{
    const struct term *t = &w->l->c->terms[term];
    struct forms *f = w->forms;
    size_t of = 0;
    *out = 0;
    if (t->kind == TERM_SOURCE && t->source == w->source)
        return true;
    for (size_t i = 0; i < f->n; i++)
        if (w->terms[i] == term) {
            *out = i + 1;
            return true;
        }
    if (t->kind != TERM_FORM || !is_of_scalars(t->from->kind) ||
        !is_of_scalars(t->to->kind))
        return lower_stop(w->l, "a form of more than one scalar");
    if (!want_term(w, t->of, &of))
        return false;
    if (f->n == FORMS_MAX)
        return lower_stop(w->l, "too many forms of one value");
    w->terms[f->n] = term;
    f->from[f->n] = *t->from;
    f->to[f->n] = *t->to;
    f->of[f->n] = of;
    *out = ++f->n;
    return true;
}

static bool
want_guard(struct wanted *w, guard g)
{
    if (g <= GUARD_ALWAYS)
        return true;
    const struct guard_node node = w->l->c->guards.at[g];
    const struct atom *a = &w->l->c->atoms[node.atom];
    size_t at = 0;
    if ((a->kind == ATOM_OUTSIDE || a->kind == ATOM_RESPELT) &&
        class_bottom(w->l, a->term) == w->source && !want_term(w, a->term, &at))
        return false;
    return want_guard(w, node.yes) && want_guard(w, node.no);
}
/* NOLINTEND(misc-no-recursion) */

/* ---- what is told ----------------------------------------------------------- */

/* What becomes of a scalar that some form does not read: it fails, or stays. */
static bool
is_outside(struct lowering *l, const struct form_of *what, struct forms *f)
{
    f->passes = what->passes;
    return f->n == 0 || what->fails || (what->passes && f->n == 1) ||
           lower_stop(l, "a form of what goes where it fails");
}

/* Which forms read what came, and which writes what goes, as bytes. */
static bool
find_bytes(struct lowering *l, const struct forms *f, struct engine_form *out)
{
    size_t n_first = 0, n_bytes = 0;
    for (size_t i = 0; i < f->n; i++) {
        n_first += f->of[i] == 0;
        n_bytes += f->of[i] == 0 && f->from[i].kind == LENS_AS_BIN;
    }
    out->reads_bytes = n_bytes > 0;
    out->writes_bytes = f->written && f->to[f->written - 1].kind == LENS_AS_BIN;
    if (n_bytes && n_bytes < n_first)
        return lower_stop(l, "bytes that are read as something else, too");
    return !f->wraps || !(out->reads_bytes || out->writes_bytes) ||
           lower_stop(l, "bytes that become a list of them");
}

/* The notices of a scalar that is spelt otherwise: `notes`, where they are told. The
 * others have `n` of their own, always. */
static bool
find_notes(struct wanted *w, struct value_class k, const uint16_t *always,
           size_t n, struct engine_notes *notes)
{
    struct lowering *l = w->l;
    const struct spot_of *s = &l->spots[k.source];
    uint16_t *bent = arena_array(l->c->a, s->notices.n + 1, sizeof(*bent));
    size_t n_bent = 0;
    if (!bent)
        return lower_no_room(l);
    k.form = FORM_BENT;
    for (size_t i = 0; i < s->notices.n; i++) {
        enum truth is = class_truth(l, l->notice_when[s->notices.at[i]], &k);
        if (is == IS_OPEN)
            return lower_stop(l, "a form whose notices wait");
        if (is == IS_ALWAYS)
            bent[n_bent++] = s->notices.at[i];
    }
    bool same = n_bent == n && memcmp(bent, always, n * sizeof(*bent)) == 0;
    /* One set of notes has room, and of several forms nobody says which was bent. */
    if (!same && (n || w->forms->n > 1))
        return lower_stop(l, "a form of what is told anyway");
    w->forms->tells = n > 0;
    return lower_notes(l, bent, n_bent, notes);
}

bool
lower_form(struct lowering *l, const struct value_class *k,
           const struct form_of *what, struct engine_form *out)
{
    const struct spot_of *s = &l->spots[k->source];
    struct forms *f = arena_alloc(l->to, sizeof(*f));
    struct wanted w = {.l = l, .source = k->source, .forms = f};
    if (!f)
        return lower_no_room(l);
    *f = (struct forms){.api = l->n->api};
    for (size_t i = 0; i < s->checks.n; i++)
        if (!want_guard(&w, l->check_when[s->checks.at[i]]))
            return false;
    for (size_t i = 0; i < s->notices.n; i++)
        if (!want_guard(&w, l->notice_when[s->notices.at[i]]))
            return false;
    uint32_t term = what->term;
    if (term != NORMAL_NONE && l->c->terms[term].kind == TERM_WRAP) {
        f->wraps = true;
        term = l->c->terms[term].of;
    }
    if (term != NORMAL_NONE && !want_term(&w, term, &f->written))
        return false;
    if (what->constant &&
        !lower_text(l, (span){0}, what->constant, &f->constant))
        return false;
    out->fn = run_forms;
    out->arg = f;
    return find_bytes(l, f, out) && is_outside(l, what, f) &&
           find_notes(&w, *k, what->notices, what->n_notices, &out->notes);
}
