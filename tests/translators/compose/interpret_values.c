/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/translators/compose/interpret_frame.h"

#include "tests/test.h"
#include "tests/translators/compose/several.h"
#include "translators/reference/form.h"

/* NOLINTBEGIN(misc-no-recursion): as deep as a document */

/* ---- elements that a step finds -------------------------------------------------- */

static bool
passes(const struct json *element, const struct lens_step *step, bool *fails)
{
    if (element->kind != JSON_OBJECT)
        return false;
    for (size_t i = 0; i < step->n_finds; i++) {
        const struct lens_find *find = &step->finds[i];
        const struct json *v = element;
        for (size_t k = 0; v && k < find->member.n; k++) {
            span key = find->member.steps[k].key;
            *fails =
                *fails || (v->kind == JSON_OBJECT && json_duplicate_of(v, key));
            v = v->kind == JSON_OBJECT ? json_get(v, key) : NULL;
        }
        if (find->kind == LENS_EQUALS && v && v->kind == JSON_TEXT)
            *fails = *fails || !json_text_is_clean(v);
        bool is =
            v && (find->kind != LENS_EQUALS || json_alike(v, find->value));
        if (is == (find->kind == LENS_LACKS))
            return false;
    }
    return true;
}

/* The element, or NULL; *fails: there are two, or a member that is asked is doubled. */
struct json *
frame_found(const struct json *list, const struct lens_step *step, bool *fails)
{
    struct json *out = NULL;
    if (list->kind != JSON_LIST)
        return NULL;
    if (step->kind == LENS_INDEX)
        return step->index < list->n ? list->members[step->index].value : NULL;
    if (step->kind != LENS_FIND && list->n)
        return list->members[step->kind == LENS_LAST ? list->n - 1 : 0].value;
    for (size_t i = 0; i < list->n; i++) {
        if (!passes(list->members[i].value, step, fails))
            continue;
        *fails = *fails || out;
        out = out ? out : list->members[i].value;
    }
    return out;
}

struct json *
frame_source(const struct frame *f, uint32_t source)
{
    const struct source *s = &f->n->sources[source];
    if (s->kind == SOURCE_ROOT)
        return source == f->state->source ? f->root : NULL;
    if (s->kind == SOURCE_EACH)
        return f->at[source];
    const struct json *host = frame_source(f, s->parent);
    if (s->kind == SOURCE_ELEMENT) {
        bool fails = false;
        return host ? frame_found(host, s->step, &fails) : NULL;
    }
    return host ? json_get(host, s->key) : NULL;
}

bool
frame_knows(const struct frame *f, uint32_t source, size_t n, span key)
{
    const struct source *s = &f->n->sources[source];
    for (size_t i = 0; i < n && i < s->n_kids; i++)
        if (span_eq(f->n->sources[s->kids[i]].key, key))
            return true;
    return false;
}

/* The member at hand of what an EACH is in. */
static const struct json_member *
member_at_hand(const struct frame *f, uint32_t each)
{
    const struct json *host = frame_source(f, f->n->sources[each].parent);
    for (size_t i = 0; host && json_is_container(host) && i < host->n; i++)
        if (host->members[i].value == f->at[each])
            return &host->members[i];
    return NULL;
}

/* ---- atoms ------------------------------------------------------------------------ */

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

static enum form_result
convert(struct frame *f, const struct term *t, struct json *value,
        struct json **out, bool *respelt)
{
    struct run r = {.arena = f->a,
                    .scratch = f->a,
                    .api = f->n->api,
                    .depth_max = f->facts->depth_max};
    struct json *copy = json_clone(f->a, value);
    assert_non_null(copy);
    enum form_result done =
        form_convert(&r, t->from, t->to, copy, out, respelt);
    return done;
}

static bool
form_atom(struct frame *f, const struct atom *atom)
{
    const struct term *t = &f->n->terms[atom->term];
    if (t->kind != TERM_FORM)
        return !frame_value(f, atom->term);
    struct json *of = frame_value(f, t->of);
    struct json *out = NULL;
    bool respelt = false;
    if (!of)
        return false;
    switch (convert(f, t, of, &out, &respelt)) {
    case FORM_DONE:
        return atom->kind == ATOM_RESPELT && respelt;
    case FORM_OUTSIDE:
    case FORM_FAILED:
        return atom->kind == ATOM_OUTSIDE;
    }
    return false;
}

static bool
source_atom(struct frame *f, const struct atom *atom)
{
    const struct source *s = &f->n->sources[atom->source];
    struct json *v = NULL;
    switch (atom->kind) {
    case ATOM_PRESENT:
        return frame_source(f, atom->source) != NULL;
    case ATOM_DOUBLED:
        v = frame_source(f, s->parent);
        if (s->kind == SOURCE_ELEMENT) {
            bool fails = false;
            return v && (frame_found(v, s->step, &fails), fails);
        }
        return v && json_duplicate_of(v, s->key);
    case ATOM_ANY_DOUBLED:
        v = frame_source(f, atom->source);
        return v && json_first_duplicate(v) != JSON_NONE;
    case ATOM_OTHERS:
        v = frame_source(f, atom->source);
        for (size_t i = 0; v && v->kind == JSON_OBJECT && i < v->n; i++)
            if (!frame_knows(f, atom->source, atom->n, v->members[i].key))
                return true;
        return false;
    default:
        fail();
    }
    return false;
}

/* What `of` is in every element; *unequal, *unclean: see several.h. */
static struct json *
common(struct frame *f, const struct term *t, bool *unequal, bool *unclean)
{
    const struct json *host = frame_source(f, f->n->sources[t->source].parent);
    struct json *was = f->at[t->source];
    struct json *out = NULL;
    size_t n = host && json_is_container(host) ? host->n : 0;
    struct json **values = arena_array(f->a, n + 1, sizeof(struct json *));
    for (size_t i = 0; i < n; i++) {
        f->at[t->source] = host->members[i].value;
        values[i] = frame_value(f, t->of);
    }
    f->at[t->source] = was;
    *unclean = false;
    *unequal = several_unequal(f->a, values, n, (enum lens_unequal)t->n, &out,
                               unclean);
    return out;
}

static bool
common_atom(struct frame *f, const struct atom *atom)
{
    bool unequal = false, unclean = false;
    struct json *v = common(f, &f->n->terms[atom->term], &unequal, &unclean);
    if (atom->kind == ATOM_SOME)
        return v || unequal;
    return atom->kind == ATOM_UNEQUAL ? unequal : unclean;
}

static bool
term_atom(struct frame *f, const struct atom *atom)
{
    struct json *v = frame_value(f, atom->term);
    if (!v)
        return false;
    switch (atom->kind) {
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
        return json_alike(v, atom->value);
    case ATOM_STARTS:
        return v->kind == JSON_TEXT && span_starts(v->text, atom->text);
    case ATOM_LINES:
        return v->kind == JSON_TEXT && lines_of(v->text) == atom->n;
    case ATOM_SAME: {
        struct json *other = frame_value(f, atom->other);
        return other && json_alike(v, other);
    }
    case ATOM_UNCLEAN:
        return v->kind == JSON_TEXT && !json_text_is_clean(v);
    case ATOM_EMPTY:
        return v->kind == JSON_LIST && v->n == 0;
    case ATOM_SEVERAL:
        return v->kind == JSON_LIST && v->n > 1;
    case ATOM_BEYOND:
        return v->kind == JSON_LIST && v->n > atom->n;
    default:
        fail();
    }
    return false;
}

/* Is an element before `end` the same as one that comes before it, or as `key`? */
static bool
is_met(struct frame *f, const struct atom *atom, const struct json *end,
       const struct json *key)
{
    uint32_t each = atom->source;
    const struct json *host = frame_source(f, f->n->sources[each].parent);
    struct json *was = f->at[each];
    bool met = false;
    for (size_t i = 0; host && json_is_container(host) && i < host->n; i++) {
        if (host->members[i].value == end)
            break;
        f->at[each] = host->members[i].value;
        if (!frame_holds(f, (guard)atom->n))
            continue;
        struct json *own = frame_value(f, atom->term);
        met = met || (key ? own && json_alike(own, key)
                          : is_met(f, atom, f->at[each], own));
    }
    f->at[each] = was;
    return met;
}

/* For some element, before or behind the one at hand if that is asked. */
static bool
is_any(struct frame *f, const struct atom *atom)
{
    bool behind = atom->kind == ATOM_BEHIND;
    bool counts = !behind;
    uint32_t each = atom->source;
    const struct json *host = frame_source(f, f->n->sources[each].parent);
    struct json *was = f->at[each];
    bool any = false;
    for (size_t i = 0; host && json_is_container(host) && i < host->n; i++) {
        bool here = host->members[i].value == was;
        f->at[each] = host->members[i].value;
        counts = counts && !(here && atom->kind == ATOM_BEFORE);
        any = any || (counts && frame_holds(f, (guard)atom->n));
        counts = counts || (here && behind);
    }
    f->at[each] = was;
    return any;
}

static bool
is_merged(struct frame *f, const struct atom *atom)
{
    uint32_t each = atom->source;
    const struct json *host = frame_source(f, f->n->sources[each].parent);
    struct json *was = f->at[each];
    const struct json *key = frame_value(f, atom->term);
    const struct json *came = frame_value(f, atom->other);
    bool merged = false;
    assert_true(host && key && came);
    for (size_t i = host->n; i-- > 0;) { /* the first of them counts */
        f->at[each] = host->members[i].value;
        if (frame_holds(f, (guard)atom->n) &&
            json_alike(frame_value(f, atom->term), key))
            merged = !json_alike(frame_value(f, atom->other), came);
    }
    f->at[each] = was;
    return merged;
}

static bool
element_atom(struct frame *f, const struct atom *atom)
{
    if (atom->kind == ATOM_ANY || atom->kind == ATOM_BEFORE ||
        atom->kind == ATOM_BEHIND)
        return is_any(f, atom);
    if (atom->kind == ATOM_TWICE)
        return is_met(f, atom, NULL, NULL);
    if (atom->kind == ATOM_MERGED)
        return is_merged(f, atom);
    const struct json_member *m = member_at_hand(f, atom->source);
    if (!m)
        return false;
    if (atom->kind == ATOM_UNKNOWN)
        return !frame_knows(
            f, f->n->sources[atom->source].parent,
            f->n->sources[atom->source].of_object ? SIZE_MAX : atom->n, m->key);
    return is_met(f, atom, m->value, frame_value(f, atom->term));
}

static bool
atom_holds(struct frame *f, const struct atom *atom)
{
    const struct reference_facts *facts = f->facts;
    switch (atom->kind) {
    case ATOM_REQUEST:
        return facts->is_request;
    case ATOM_REPLACES:
        return facts->is_request && facts->replaces && !facts->may_erase;
    case ATOM_NEVER_ERASES:
        return facts->never_erase;
    case ATOM_FACT:
        return span_eq(span_is(atom->fact->name, "platform") ? facts->platform
                                                             : facts->method,
                       atom->fact->value);
    case ATOM_PRESENT:
    case ATOM_DOUBLED:
    case ATOM_ANY_DOUBLED:
    case ATOM_OTHERS:
        return source_atom(f, atom);
    case ATOM_UNKNOWN:
    case ATOM_ANY:
    case ATOM_BEFORE:
    case ATOM_BEHIND:
    case ATOM_TWICE:
    case ATOM_EARLIER:
    case ATOM_MERGED:
        return element_atom(f, atom);
    case ATOM_OUTSIDE:
    case ATOM_RESPELT:
        return form_atom(f, atom);
    case ATOM_SOME:
    case ATOM_UNEQUAL:
    case ATOM_UNREADABLE:
        return common_atom(f, atom);
    default:
        return term_atom(f, atom);
    }
}

bool
frame_holds(struct frame *f, guard g)
{
    while (g > GUARD_ALWAYS) {
        const struct guard_node *node = &f->n->guards[g];
        g = atom_holds(f, &f->n->atoms[node->atom]) ? node->yes : node->no;
    }
    return g == GUARD_ALWAYS;
}

/* ---- terms ---------------------------------------------------------------------------- */

static const struct json *
enum_image(const struct lens_symbols *s, const struct json *v)
{
    for (size_t i = 0; i < s->n_rows; i++)
        if (json_alike(v, s->rows[i].from))
            return s->rows[i].to;
    return s->unlisted == LENS_UNLISTED_IS ? s->image : v;
}

static struct json *
join(struct frame *f, const struct term *t)
{
    struct buf b;
    buf_init(&b, 1 << 20);
    for (size_t i = 0; i < t->n_parts; i++) {
        const struct term_part *p = &t->parts[i];
        struct json *v =
            p->term == NORMAL_NONE ? NULL : frame_value(f, p->term);
        if (p->term == NORMAL_NONE)
            buf_add(&b, p->text);
        else if (v && v->kind == JSON_BOOL)
            buf_str(&b, v->truth ? "true" : "false");
        else if (v && (v->kind == JSON_TEXT || v->kind == JSON_NUMBER))
            buf_add(&b, v->text);
    }
    struct json *out = json_new_text(f->a, buf_span(&b));
    buf_fini(&b);
    return out;
}

static struct json *
form_value(struct frame *f, const struct term *t)
{
    struct json *of = frame_value(f, t->of);
    struct json *out = NULL;
    bool respelt = false;
    if (!of || convert(f, t, of, &out, &respelt) != FORM_DONE)
        return NULL;
    return out;
}

static struct json *
text_value(struct frame *f, const struct term *t)
{
    struct json **parts =
        arena_array(f->a, t->n_parts + 1, sizeof(struct json *));
    for (size_t i = 0; i < t->n_parts; i++)
        parts[i] = frame_value(f, t->parts[i].term);
    return several_text(f->a, t->pattern, parts);
}

static struct json *
wrapped(struct frame *f, const struct term *t)
{
    struct json *of = frame_value(f, t->of);
    struct json *out = json_new_list(f->a);
    if (of && of->kind != JSON_NULL)
        assert_true(json_list_append(f->a, out, json_clone(f->a, of)));
    return out;
}

static struct json *
picked(struct frame *f, const struct term *t)
{
    struct json *of = frame_value(f, t->of);
    if (!of || of->kind != JSON_LIST || of->n == 0)
        return NULL;
    return of->members[t->pick == LENS_PICK_LAST ? of->n - 1 : 0].value;
}

static struct json *
tree_value(struct frame *f, const struct normal_node *tree)
{
    bool quiet = f->quiet;
    f->quiet = true;
    struct json *out = frame_emit(f, tree);
    f->quiet = quiet;
    return out;
}

/* The value of a term where the document has one, else NULL. */
struct json *
frame_value(struct frame *f, uint32_t term)
{
    const struct term *t = &f->n->terms[term];
    struct json *of = NULL;
    switch (t->kind) {
    case TERM_SOURCE:
        return frame_source(f, t->source);
    case TERM_COUNT:
        of = frame_value(f, t->of);
        return of && json_is_container(of)
                   ? json_new_number(f->a, arena_fmt(f->a, "%zu", of->n))
                   : NULL;
    case TERM_KEY: {
        const struct json_member *m = member_at_hand(f, t->source);
        return m ? json_new_text(f->a, m->key) : NULL;
    }
    case TERM_CONST:
        return json_clone(f->a, t->value);
    case TERM_ENUM: {
        of = frame_value(f, t->of);
        const struct json *image = of ? enum_image(t->symbols, of) : NULL;
        return image ? json_clone(f->a, image) : NULL;
    }
    case TERM_FORM:
        return form_value(f, t);
    case TERM_WRAP:
        return wrapped(f, t);
    case TERM_PICK:
        return picked(f, t);
    case TERM_JOIN:
        return join(f, t);
    case TERM_TREE:
        return tree_value(f, t->tree);
    case TERM_FIRST:
        for (size_t i = 0; i < t->n_parts; i++)
            if (t->parts[i].term != NORMAL_NONE &&
                frame_holds(f, t->parts[i].when))
                return frame_value(f, t->parts[i].term);
        return NULL;
    case TERM_PART:
        return several_part(f->a, t->pattern, frame_value(f, t->of), t->n);
    case TERM_TEXT:
        return text_value(f, t);
    case TERM_COMMON: {
        bool unequal = false, unclean = false;
        return common(f, t, &unequal, &unclean);
    }
    }
    return NULL;
}

/* NOLINTEND(misc-no-recursion) */
