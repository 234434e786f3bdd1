/* SPDX-License-Identifier: Apache-2.0 */
/*
 * later_run: what guards say of what was noted, and what comes of it.
 */
#include "translators/compose/later.h"

/* NOLINTBEGIN(misc-no-recursion): as deep as terms and guards, which the compiler made */

/* ---- of one value ------------------------------------------------------------------ */

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

static bool
list_holds(const struct later_atom *a, const struct json *v)
{
    size_t beyond = a->kind == ATOM_SEVERAL ? 1 : a->n;
    if (v->kind != JSON_LIST)
        return false;
    return a->kind == ATOM_EMPTY ? v->n == 0 : v->n > beyond;
}

static bool
value_holds(struct later_work *w, const struct later_atom *a)
{
    const struct json *v = later_value(w, a->term);
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
    case ATOM_UNCLEAN:
        return v->kind == JSON_TEXT && !json_text_is_clean(v);
    case ATOM_EMPTY:
    case ATOM_SEVERAL:
    case ATOM_BEYOND:
        return list_holds(a, v);
    case ATOM_SAME: {
        const struct json *other = later_value(w, a->other);
        return other && json_alike(v, other);
    }
    default: /* the compiler lets no other through */
        w->bad = true;
        return false;
    }
}

/* A form that is asked of something that is not there is asked for nothing. */
static bool
form_holds(struct later_work *w, const struct later_atom *a)
{
    const struct later_term *t = &w->l->terms[a->term];
    bool respelt = false;
    if (t->kind != TERM_FORM)
        return !later_value(w, a->term);
    if (!later_value(w, t->of))
        return false;
    bool done = later_form(w, t, &respelt);
    return a->kind == ATOM_OUTSIDE ? !done : done && respelt;
}

static bool
common_holds(struct later_work *w, const struct later_atom *a)
{
    bool unequal = false, unclean = false;
    bool some =
        later_common(w, &w->l->terms[a->term], &unequal, &unclean) || unequal;
    return a->kind == ATOM_SOME      ? some
           : a->kind == ATOM_UNEQUAL ? unequal
                                     : unclean;
}

/* ---- of an object ------------------------------------------------------------------ */

static bool
doubled_holds(struct later_work *w, const struct later_atom *a)
{
    const struct later_source *s = &w->l->sources[a->source];
    const struct json *v =
        s->parent == LATER_NONE ? w->root : later_came(w, s->parent);
    bool fails = false;
    if (!v)
        return false;
    if (s->kind == SOURCE_ELEMENT)
        (void)later_found(v, s->step, &fails);
    else
        fails = json_duplicate_of(v, s->key) != NULL;
    return fails;
}

static bool
others_hold(struct later_work *w, const struct later_atom *a)
{
    const struct json *v = later_came(w, a->source);
    for (size_t i = 0; v && v->kind == JSON_OBJECT && i < v->n; i++)
        if (!later_is_known(v->members[i].key, a->keys, a->n_keys))
            return true;
    return false;
}

/* ---- of elements -------------------------------------------------------------------- */

static struct json *
host_of(struct later_work *w, uint32_t each)
{
    struct json *host = later_host(w, each);
    return host && json_is_container(host) ? host : NULL;
}

/* Is an element before `end` the same as one that comes before it, or as `key`? */
static bool
is_met(struct later_work *w, const struct later_atom *a, const struct json *end,
       const struct json *key)
{
    const struct json *host = host_of(w, a->source);
    struct json *was = w->at[a->source];
    bool met = false;
    for (size_t i = 0; host && !met && i < host->n; i++) {
        if (host->members[i].value == end)
            break;
        w->at[a->source] = host->members[i].value;
        if (!later_holds(w, a->guard))
            continue;
        const struct json *own = later_value(w, a->term);
        met = key ? own && json_alike(own, key)
                  : is_met(w, a, host->members[i].value, own);
    }
    w->at[a->source] = was;
    return met;
}

/* For some element, before or behind the one at hand if that is asked. */
static bool
is_any(struct later_work *w, const struct later_atom *a)
{
    const struct json *host = host_of(w, a->source);
    struct json *was = w->at[a->source];
    bool counts = a->kind != ATOM_BEHIND;
    bool any = false;
    for (size_t i = 0; host && !any && i < host->n; i++) {
        bool here = host->members[i].value == was;
        w->at[a->source] = host->members[i].value;
        counts = counts && !(here && a->kind == ATOM_BEFORE);
        any = counts && later_holds(w, a->guard);
        counts = counts || (here && a->kind == ATOM_BEHIND);
    }
    w->at[a->source] = was;
    return any;
}

/* Is the first of the elements that is as the one at hand by the one term not so by the
 * other? */
static bool
is_merged(struct later_work *w, const struct later_atom *a)
{
    const struct json *host = host_of(w, a->source);
    const struct json *key = later_value(w, a->term);
    const struct json *came = later_value(w, a->other);
    struct json *was = w->at[a->source];
    bool found = false, merged = false;
    for (size_t i = 0; host && key && came && !found && i < host->n; i++) {
        w->at[a->source] = host->members[i].value;
        if (!later_holds(w, a->guard))
            continue;
        const struct json *own = later_value(w, a->term);
        found = own && json_alike(own, key);
        const struct json *other = found ? later_value(w, a->other) : NULL;
        merged = found && !(other && json_alike(other, came));
    }
    w->at[a->source] = was;
    return merged;
}

static bool
member_holds(struct later_work *w, const struct later_atom *a)
{
    const struct json_member *m = later_at_hand(w, a->source);
    if (!m)
        return false;
    if (a->kind == ATOM_UNKNOWN)
        return !later_is_known(m->key, a->keys, a->n_keys);
    return is_met(w, a, m->value, later_value(w, a->term));
}

/* ---- guards ------------------------------------------------------------------------- */

static bool
atom_holds(struct later_work *w, const struct later_atom *a)
{
    const struct json *v = NULL;
    switch (a->kind) {
    case ATOM_PRESENT:
        return later_came(w, a->source) != NULL;
    case ATOM_OUTSIDE:
    case ATOM_RESPELT:
        return form_holds(w, a);
    case ATOM_SOME:
    case ATOM_UNEQUAL:
    case ATOM_UNREADABLE:
        return common_holds(w, a);
    case ATOM_DOUBLED:
        return doubled_holds(w, a);
    case ATOM_ANY_DOUBLED:
        v = later_came(w, a->source);
        return v && json_first_duplicate(v) != JSON_NONE;
    case ATOM_OTHERS:
        return others_hold(w, a);
    case ATOM_ANY:
    case ATOM_BEFORE:
    case ATOM_BEHIND:
        return is_any(w, a);
    case ATOM_TWICE:
        return is_met(w, a, NULL, NULL);
    case ATOM_UNKNOWN:
    case ATOM_EARLIER:
        return member_holds(w, a);
    case ATOM_MERGED:
        return is_merged(w, a);
    default:
        return value_holds(w, a);
    }
}

bool
later_holds(struct later_work *w, uint32_t g)
{
    while (g > 1) {
        const struct later_guard *node = &w->l->guards[g - 2];
        g = atom_holds(w, &w->l->atoms[node->atom]) ? node->yes : node->no;
    }
    return g == 1;
}

/* ---- all of it ---------------------------------------------------------------------- */

/* False: it fails. */
static bool
obeys(struct later_work *w, const struct later_rule *r, size_t n_each)
{
    if (n_each == r->n_each) {
        bool holds = later_holds(w, r->when);
        if (holds && !r->fails && w->told)
            w->told[r->note]++;
        return !(holds && r->fails);
    }
    uint32_t each = r->each[n_each];
    const struct json *host = host_of(w, each);
    bool ok = true;
    for (size_t i = 0; host && ok && i < host->n; i++) {
        w->at[each] = host->members[i].value;
        ok = obeys(w, r, n_each + 1);
    }
    w->at[each] = NULL;
    return ok;
}

/* What `l` says, of this object or of what was noted. */
static struct json *
run(struct later_work *w)
{
    const struct later *l = w->l;
    w->inputs = arena_array(w->scratch, l->n_inputs + 1, sizeof(struct json *));
    w->at = arena_array(w->scratch, l->n_sources + 1, sizeof(struct json *));
    w->bad = !w->inputs || !w->at;
    for (size_t i = 0; !w->bad && i < l->n_rules; i++)
        w->bad = !obeys(w, &l->rules[i], 0) || w->bad;
    return l->node && !w->bad ? later_emit(w, l->node) : NULL;
}

struct json *
later_state(struct later_work *w, const struct later *state,
            struct json *object)
{
    struct later_work inner = {
        .l = state, .scratch = w->scratch, .root = object, .told = w->told};
    struct json *out = run(&inner);
    w->bad = w->bad || inner.bad;
    return inner.bad ? NULL : out;
}

enum engine_formed
later_run(const void *arg, const span *noted, struct arena *scratch,
          struct buf *out, size_t *told)
{
    struct later_work w = {
        .l = arg, .noted = noted, .scratch = scratch, .told = told};
    const struct json *made = run(&w);
    if (w.bad)
        return ENGINE_OUTSIDE;
    if (made)
        json_print(made, out);
    return ENGINE_FORMED;
}
/* NOLINTEND(misc-no-recursion) */
