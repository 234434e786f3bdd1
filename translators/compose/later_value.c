/* SPDX-License-Identifier: Apache-2.0 */
/*
 * later_value: what came at a source, and what a term makes of it.
 */
#include "translators/compose/later.h"

#include "proxy/base/buf.h"
#include "translators/reference/each.h"
#include "translators/reference/form.h"

/* NOLINTBEGIN(misc-no-recursion): as deep as terms, which the compiler made */

/* ---- what came ------------------------------------------------------------------- */

static struct json *
input(struct later_work *w, uint32_t i)
{
    struct json *out = w->inputs[i];
    struct err e;
    if (!out && w->noted[i].len &&
        json_parse(w->scratch, w->noted[i], JSON_DEPTH_MAX, &out, &e) != OK)
        w->bad = true;
    w->inputs[i] = out;
    return out;
}

static bool
passes(const struct json *element, const struct lens_find *find, bool *fails)
{
    const struct json *v = element;
    for (size_t k = 0; v && k < find->member.n; k++) {
        span key = find->member.steps[k].key;
        *fails =
            *fails || (v->kind == JSON_OBJECT && json_duplicate_of(v, key));
        v = json_get(v, key);
    }
    bool asks_text = find->kind == LENS_EQUALS && v && v->kind == JSON_TEXT;
    *fails = *fails || (asks_text && !json_text_is_clean(v));
    bool is = v && (find->kind != LENS_EQUALS || json_alike(v, find->value));
    return is != (find->kind == LENS_LACKS);
}

static bool
is_looked_for(const struct json *element, const struct lens_step *step,
              bool *fails)
{
    if (element->kind != JSON_OBJECT)
        return false;
    for (size_t i = 0; i < step->n_finds; i++)
        if (!passes(element, &step->finds[i], fails))
            return false;
    return true;
}

struct json *
later_found(const struct json *list, const struct lens_step *step, bool *fails)
{
    struct json *out = NULL;
    if (list->kind != JSON_LIST)
        return NULL;
    if (step->kind == LENS_INDEX)
        return step->index < list->n ? list->members[step->index].value : NULL;
    if (step->kind != LENS_FIND && list->n)
        return list->members[step->kind == LENS_LAST ? list->n - 1 : 0].value;
    for (size_t i = 0; i < list->n; i++) {
        if (!is_looked_for(list->members[i].value, step, fails))
            continue;
        *fails = *fails || out;
        out = out ? out : list->members[i].value;
    }
    return out;
}

struct json *
later_host(struct later_work *w, uint32_t source)
{
    uint32_t parent = w->l->sources[source].parent;
    return parent == LATER_NONE ? w->root : later_came(w, parent);
}

struct json *
later_came(struct later_work *w, uint32_t source)
{
    const struct later_source *s = &w->l->sources[source];
    bool fails = false;
    if (s->input != LATER_NONE)
        return input(w, s->input);
    if (s->kind == SOURCE_EACH)
        return w->at[source];
    if (s->kind == SOURCE_ROOT)
        return w->root;
    const struct json *host = later_host(w, source);
    if (!host)
        return NULL;
    return s->kind == SOURCE_ELEMENT ? later_found(host, s->step, &fails)
                                     : json_get(host, s->key);
}

const struct json_member *
later_at_hand(struct later_work *w, uint32_t each)
{
    const struct json *host = later_host(w, each);
    for (size_t i = 0; host && json_is_container(host) && i < host->n; i++)
        if (host->members[i].value == w->at[each])
            return &host->members[i];
    return NULL;
}

bool
later_is_known(span key, const span *keys, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (span_eq(keys[i], key))
            return true;
    return false;
}

/* ---- terms ------------------------------------------------------------------------ */

static struct json *
copied(struct later_work *w, const struct json *v)
{
    return v ? later_made(w, json_clone(w->scratch, v)) : NULL;
}

static struct json *
image(struct later_work *w, const struct later_term *t)
{
    struct json *of = later_value(w, t->of);
    for (size_t i = 0; of && i < t->symbols.n_rows; i++)
        if (json_alike(of, t->symbols.rows[i].from))
            return copied(w, t->symbols.rows[i].to);
    return of && t->symbols.unlisted == LENS_UNLISTED_IS
               ? copied(w, t->symbols.image)
               : of;
}

static struct json *
convert(struct later_work *w, const struct later_term *t, bool *respelt)
{
    struct run r = {.arena = w->scratch,
                    .scratch = w->scratch,
                    .api = w->l->api,
                    .depth_max = JSON_DEPTH_DEFAULT};
    struct json *of = copied(w, later_value(w, t->of));
    struct json *out = NULL;
    *respelt = false;
    if (!of)
        return NULL;
    enum form_result done = form_convert(&r, t->from, t->to, of, &out, respelt);
    w->bad = w->bad || done == FORM_FAILED;
    return done == FORM_DONE ? out : NULL;
}

bool
later_form(struct later_work *w, const struct later_term *t, bool *respelt)
{
    return convert(w, t, respelt) != NULL;
}

static struct json *
joined(struct later_work *w, const struct later_term *t)
{
    struct buf b;
    span text = {0};
    buf_init(&b, arena_limit(w->scratch));
    for (size_t i = 0; i < t->n_parts; i++) {
        const struct later_part *p = &t->parts[i];
        const struct json *v =
            p->term == NORMAL_NONE ? NULL : later_value(w, p->term);
        if (p->term == NORMAL_NONE)
            buf_add(&b, p->text);
        else if (v && v->kind == JSON_BOOL)
            buf_str(&b, v->truth ? "true" : "false");
        else if (v && (v->kind == JSON_TEXT || v->kind == JSON_NUMBER))
            buf_add(&b, v->text);
    }
    bool ok = !buf_failed(&b) && span_dup(w->scratch, buf_span(&b), &text);
    buf_fini(&b);
    return later_made(w, ok ? json_new_text(w->scratch, text) : NULL);
}

static struct json *
part(struct later_work *w, const struct later_term *t)
{
    struct run r = {.arena = w->scratch, .scratch = w->scratch};
    span *parts =
        arena_array(w->scratch, t->pattern->n_names + 1, sizeof(*parts));
    const struct json *of = later_value(w, t->of);
    bool fits = false;
    if (!of || of->kind != JSON_TEXT)
        return NULL;
    w->bad = w->bad || !parts ||
             !pattern_match(&r, t->pattern, of->text, parts, &fits);
    return fits && !w->bad
               ? later_made(w, json_new_text(w->scratch, parts[t->n]))
               : NULL;
}

static struct json *
text_of_parts(struct later_work *w, const struct later_term *t)
{
    struct run r = {.arena = w->scratch, .scratch = w->scratch};
    span *parts =
        arena_array(w->scratch, t->pattern->n_names + 1, sizeof(*parts));
    span text = {0};
    bool fits = false;
    if (!later_made(w, (void *)parts))
        return NULL;
    for (size_t i = 0; i < t->n_parts; i++) {
        const struct json *of = later_value(w, t->parts[i].term);
        if (!of || of->kind != JSON_TEXT)
            return NULL;
        parts[i] = of->text;
    }
    w->bad = w->bad || !pattern_join(&r, t->pattern, parts, &text, &fits);
    return fits && !w->bad ? later_made(w, json_new_text(w->scratch, text))
                           : NULL;
}

static struct json *
wrapped(struct later_work *w, const struct later_term *t)
{
    const struct json *of = later_value(w, t->of);
    struct json *out = later_made(w, json_new_list(w->scratch));
    struct json *element = of && of->kind != JSON_NULL ? copied(w, of) : NULL;
    if (out && element)
        w->bad = w->bad || !json_list_append(w->scratch, out, element);
    return out;
}

static struct json *
picked(struct later_work *w, const struct later_term *t)
{
    const struct json *of = later_value(w, t->of);
    if (!of || of->kind != JSON_LIST || of->n == 0)
        return NULL;
    return of->members[t->pick == LENS_PICK_LAST ? of->n - 1 : 0].value;
}

/* Is the value of all elements the same, as far as they have it? *first is the first;
 * *unclean: two that are compared are no texts. */
static bool
all_same(struct json *const *values, size_t n, struct json **first,
         bool *unclean)
{
    bool all = true;
    *first = NULL;
    for (size_t i = 0; i < n; i++) {
        const struct json *v = values[i];
        if (v && !*first) {
            *first = values[i];
            all = i == 0;
            continue;
        }
        all = all && v && json_alike(*first, v);
        if (*first && v && (*first)->kind == JSON_TEXT && v->kind == JSON_TEXT)
            *unclean = *unclean || !json_text_is_clean(*first) ||
                       !json_text_is_clean(v);
    }
    return all || !*first;
}

struct json *
later_common(struct later_work *w, const struct later_term *t, bool *unequal,
             bool *unclean)
{
    enum lens_unequal how = (enum lens_unequal)t->n;
    struct json *first = NULL;
    const struct json *host = later_host(w, t->source);
    struct json *was = w->at[t->source];
    size_t n = host && json_is_container(host) ? host->n : 0;
    struct json **values =
        arena_array(w->scratch, n + 1, sizeof(struct json *));
    if (!values) {
        w->bad = true;
        return NULL;
    }
    for (size_t i = 0; i < n; i++) {
        w->at[t->source] = host->members[i].value;
        values[i] = later_value(w, t->of);
    }
    w->at[t->source] = was;
    *unequal = !all_same(values, n, &first, unclean);
    bool is_made = how == LENS_UNEQUAL_MIN || how == LENS_UNEQUAL_MAX ||
                   how == LENS_UNEQUAL_SUM;
    return *unequal && is_made ? each_of(w->scratch, values, n, how) : first;
}

static struct json *
counted(struct later_work *w, const struct later_term *t)
{
    const struct json *of = later_value(w, t->of);
    if (!of || !json_is_container(of))
        return NULL;
    span n = arena_fmt(w->scratch, "%zu", of->n);
    return later_made(w, n.at ? json_new_number(w->scratch, n) : NULL);
}

static struct json *
key_at_hand(struct later_work *w, const struct later_term *t)
{
    const struct json_member *m = later_at_hand(w, t->source);
    return m ? later_made(w, json_new_text(w->scratch, m->key)) : NULL;
}

/* It is asked for its value: nothing is told. */
static struct json *
tree(struct later_work *w, const struct later_term *t)
{
    size_t *told = w->told;
    w->told = NULL;
    struct json *out = later_emit(w, t->tree);
    w->told = told;
    return out;
}

struct json *
later_value(struct later_work *w, uint32_t term)
{
    const struct later_term *t = &w->l->terms[term];
    bool ignored[2] = {false, false};
    switch (t->kind) {
    case TERM_SOURCE:
        return later_came(w, t->source);
    case TERM_CONST:
        return copied(w, t->value);
    case TERM_ENUM:
        return image(w, t);
    case TERM_FORM:
        return convert(w, t, &ignored[0]);
    case TERM_WRAP:
        return wrapped(w, t);
    case TERM_PICK:
        return picked(w, t);
    case TERM_JOIN:
        return joined(w, t);
    case TERM_PART:
        return part(w, t);
    case TERM_TEXT:
        return text_of_parts(w, t);
    case TERM_TREE:
        return tree(w, t);
    case TERM_FIRST:
        for (size_t i = 0; i < t->n_parts; i++)
            if (later_holds(w, t->parts[i].when))
                return later_value(w, t->parts[i].term);
        return NULL;
    case TERM_COMMON:
        return later_common(w, t, &ignored[0], &ignored[1]);
    case TERM_COUNT:
        return counted(w, t);
    case TERM_KEY:
        return key_at_hand(w, t);
    }
    return NULL;
}
/* NOLINTEND(misc-no-recursion) */
