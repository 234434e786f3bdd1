/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/translators/compose/interpret.h"

#include "tests/test.h"
#include "tests/translators/compose/several.h"
#include "translators/reference/form.h"

/* NOLINTBEGIN(misc-no-recursion): as deep as a document */

/* One object of one state. */
struct frame {
    struct arena *a;
    const struct normal *n;
    const struct reference_facts *facts;
    const struct normal_state *state;
    struct json *root;
    struct json **at; /* by source: the element at hand */
    struct interpreted *out;
    bool quiet; /* nothing is told: it is asked for a value */
};

static struct json *run_state(const struct frame *outer,
                              const struct normal_state *s, struct json *value);
static struct json *emit(struct frame *f, const struct normal_node *node);
static struct json *value_of(struct frame *f, uint32_t term);

void
interpret_tell(struct arena *a, struct interpreted *out,
               const struct translation_notice *notice)
{
    for (size_t i = 0; i < out->n_notices; i++) {
        struct translation_notice *known = &out->notices[i];
        if (known->kind == notice->kind && known->line == notice->line &&
            span_eq(known->change, notice->change)) {
            known->n += notice->n;
            return;
        }
    }
    if (out->n_notices == out->room_notices) {
        size_t more = out->room_notices * 2 + 8;
        out->notices = arena_grow(a, out->notices, out->n_notices, more,
                                  sizeof(*out->notices));
        assert_non_null(out->notices);
        out->room_notices = more;
    }
    out->notices[out->n_notices++] = *notice;
}

/* ---- sources ------------------------------------------------------------------- */

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
static struct json *
found(const struct json *list, const struct lens_step *step, bool *fails)
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

static struct json *
source_value(const struct frame *f, uint32_t source)
{
    const struct source *s = &f->n->sources[source];
    if (s->kind == SOURCE_ROOT)
        return source == f->state->source ? f->root : NULL;
    if (s->kind == SOURCE_EACH)
        return f->at[source];
    const struct json *host = source_value(f, s->parent);
    if (s->kind == SOURCE_ELEMENT) {
        bool fails = false;
        return host ? found(host, s->step, &fails) : NULL;
    }
    return host ? json_get(host, s->key) : NULL;
}

static bool
is_known(const struct frame *f, uint32_t source, size_t n, span key)
{
    const struct source *s = &f->n->sources[source];
    for (size_t i = 0; i < n; i++)
        if (span_eq(f->n->sources[s->kids[i]].key, key))
            return true;
    return false;
}

/* The member at hand of what an EACH is in. */
static const struct json_member *
member_at_hand(const struct frame *f, uint32_t each)
{
    const struct json *host = source_value(f, f->n->sources[each].parent);
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
        return !value_of(f, atom->term);
    struct json *of = value_of(f, t->of);
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
        return source_value(f, atom->source) != NULL;
    case ATOM_DOUBLED:
        v = source_value(f, s->parent);
        if (s->kind == SOURCE_ELEMENT) {
            bool fails = false;
            return v && (found(v, s->step, &fails), fails);
        }
        return v && json_duplicate_of(v, s->key);
    case ATOM_ANY_DOUBLED:
        v = source_value(f, atom->source);
        return v && json_first_duplicate(v) != JSON_NONE;
    case ATOM_OTHERS:
        v = source_value(f, atom->source);
        for (size_t i = 0; v && v->kind == JSON_OBJECT && i < v->n; i++)
            if (!is_known(f, atom->source, atom->n, v->members[i].key))
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
    const struct json *host = source_value(f, f->n->sources[t->source].parent);
    struct json *was = f->at[t->source];
    struct json *out = NULL;
    size_t n = host && json_is_container(host) ? host->n : 0;
    struct json **values = arena_array(f->a, n + 1, sizeof(struct json *));
    for (size_t i = 0; i < n; i++) {
        f->at[t->source] = host->members[i].value;
        values[i] = value_of(f, t->of);
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
    struct json *v = value_of(f, atom->term);
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
        struct json *other = value_of(f, atom->other);
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

static bool holds(struct frame *f, guard g);

/* Is an element before `end` the same as one that comes before it, or as `key`? */
static bool
is_met(struct frame *f, const struct atom *atom, const struct json *end,
       const struct json *key)
{
    uint32_t each = atom->source;
    const struct json *host = source_value(f, f->n->sources[each].parent);
    struct json *was = f->at[each];
    bool met = false;
    for (size_t i = 0; host && json_is_container(host) && i < host->n; i++) {
        if (host->members[i].value == end)
            break;
        f->at[each] = host->members[i].value;
        if (!holds(f, (guard)atom->n))
            continue;
        struct json *own = value_of(f, atom->term);
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
    const struct json *host = source_value(f, f->n->sources[each].parent);
    struct json *was = f->at[each];
    bool any = false;
    for (size_t i = 0; host && json_is_container(host) && i < host->n; i++) {
        bool here = host->members[i].value == was;
        f->at[each] = host->members[i].value;
        counts = counts && !(here && atom->kind == ATOM_BEFORE);
        any = any || (counts && holds(f, (guard)atom->n));
        counts = counts || (here && behind);
    }
    f->at[each] = was;
    return any;
}

static bool
element_atom(struct frame *f, const struct atom *atom)
{
    if (atom->kind == ATOM_ANY || atom->kind == ATOM_BEFORE ||
        atom->kind == ATOM_BEHIND)
        return is_any(f, atom);
    if (atom->kind == ATOM_TWICE)
        return is_met(f, atom, NULL, NULL);
    const struct json_member *m = member_at_hand(f, atom->source);
    if (!m)
        return false;
    if (atom->kind == ATOM_UNKNOWN)
        return !is_known(f, f->n->sources[atom->source].parent, atom->n,
                         m->key);
    return is_met(f, atom, m->value, value_of(f, atom->term));
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

static bool
holds(struct frame *f, guard g)
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
        struct json *v = p->term == NORMAL_NONE ? NULL : value_of(f, p->term);
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
    struct json *of = value_of(f, t->of);
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
        parts[i] = value_of(f, t->parts[i].term);
    return several_text(f->a, t->pattern, parts);
}

static struct json *
wrapped(struct frame *f, const struct term *t)
{
    struct json *of = value_of(f, t->of);
    struct json *out = json_new_list(f->a);
    if (of && of->kind != JSON_NULL)
        assert_true(json_list_append(f->a, out, json_clone(f->a, of)));
    return out;
}

static struct json *
picked(struct frame *f, const struct term *t)
{
    struct json *of = value_of(f, t->of);
    if (!of || of->kind != JSON_LIST || of->n == 0)
        return NULL;
    return of->members[t->pick == LENS_PICK_LAST ? of->n - 1 : 0].value;
}

static struct json *
tree_value(struct frame *f, const struct normal_node *tree)
{
    bool quiet = f->quiet;
    f->quiet = true;
    struct json *out = emit(f, tree);
    f->quiet = quiet;
    return out;
}

/* The value of a term where the document has one, else NULL. */
static struct json *
value_of(struct frame *f, uint32_t term)
{
    const struct term *t = &f->n->terms[term];
    struct json *of = NULL;
    switch (t->kind) {
    case TERM_SOURCE:
        return source_value(f, t->source);
    case TERM_COUNT:
        of = value_of(f, t->of);
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
        of = value_of(f, t->of);
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
            if (t->parts[i].term != NORMAL_NONE && holds(f, t->parts[i].when))
                return value_of(f, t->parts[i].term);
        return NULL;
    case TERM_PART:
        return several_part(f->a, t->pattern, value_of(f, t->of), t->n);
    case TERM_TEXT:
        return text_value(f, t);
    case TERM_COMMON: {
        bool unequal = false, unclean = false;
        return common(f, t, &unequal, &unclean);
    }
    }
    return NULL;
}

/* ---- what stands where -------------------------------------------------------------------- */

static const struct normal_alt *
alternative(struct frame *f, const struct normal_node *node)
{
    const struct normal_alt *found = NULL;
    for (size_t i = 0; i < node->n_alts; i++) {
        if (!holds(f, node->alts[i].when))
            continue;
        if (found)
            f->out->broken = "two alternatives hold at once";
        found = &node->alts[i];
    }
    return found;
}

static bool
goes_before(const struct normal_order *a, const struct normal_order *b)
{
    if (a->step != b->step)
        return a->step < b->step;
    int by_name = span_cmp(a->change, b->change);
    if (by_name)
        return by_name < 0;
    return a->arrow != b->arrow ? a->arrow < b->arrow : a->nth < b->nth;
}

static void
append(struct frame *f, struct json *object, const struct normal_node *kid)
{
    struct json *value = emit(f, kid);
    if (value && object->kind == JSON_LIST)
        assert_true(json_list_append(f->a, object, value));
    else if (value)
        assert_true(json_append(f->a, object, kid->key, value));
}

/* Those that came in, in their order. */
static void
arrivals(struct frame *f, const struct normal_node *node, bool made,
         struct json *out)
{
    const struct normal_alt *last = NULL;
    for (;;) {
        const struct normal_node *next = NULL;
        const struct normal_alt *found = NULL;
        for (size_t i = 0; i < node->n_kids; i++) {
            if (node->kids[i]->is_each)
                continue;
            const struct normal_alt *alt = alternative(f, node->kids[i]);
            if (!alt || (!made && alt->order.step == 0) ||
                (last && !goes_before(&last->order, &alt->order)))
                continue;
            if (!found || goes_before(&alt->order, &found->order)) {
                found = alt;
                next = node->kids[i];
            }
        }
        if (!next)
            return;
        append(f, out, next);
        last = found;
    }
}

static const struct normal_node *
kid_in_slot(struct frame *f, const struct normal_node *node, uint32_t slot)
{
    for (size_t i = 0; i < node->n_kids; i++) {
        const struct normal_alt *alt = alternative(f, node->kids[i]);
        if (alt && alt->order.step == 0 && alt->order.slot == slot)
            return node->kids[i];
    }
    return NULL;
}

static struct json *
emit_elements(struct frame *f, const struct normal_node *each,
              const struct json *value)
{
    bool is_list = value->kind == JSON_LIST;
    struct json *out = is_list ? json_new_list(f->a) : json_new_object(f->a);
    struct json *was = each->each == NORMAL_NONE ? NULL : f->at[each->each];
    for (size_t i = 0; i < value->n; i++) {
        if (each->each != NORMAL_NONE)
            f->at[each->each] = value->members[i].value;
        struct json *element = emit(f, each);
        if (element && is_list)
            assert_true(json_list_append(f->a, out, element));
        else if (element)
            assert_true(json_append(f->a, out, value->members[i].key, element));
    }
    if (each->each != NORMAL_NONE)
        f->at[each->each] = was;
    return out;
}

/* A list of which one element is known. */
static struct json *
emit_element(struct frame *f, const struct normal_node *kid,
             const struct json *list)
{
    bool fails = false;
    if (list->kind != JSON_LIST)
        return json_clone(f->a, list);
    const struct json *at = found(list, kid->element, &fails);
    struct json *out = json_new_list(f->a);
    struct json *element = emit(f, kid);
    for (size_t i = 0; i < list->n; i++) {
        struct json *one = list->members[i].value;
        one = one == at ? element : json_clone(f->a, one);
        if (one)
            assert_true(json_list_append(f->a, out, one));
    }
    if (!at && element)
        assert_true(json_list_append(f->a, out, element));
    return out;
}

static struct json *
emit_source(struct frame *f, const struct normal_node *node,
            const struct normal_alt *alt)
{
    struct json *value = source_value(f, alt->source);
    if (!value) {
        f->out->broken = "what should be there is not";
        return NULL;
    }
    if (!json_is_container(value) || node->n_kids == 0)
        return json_clone(f->a, value);
    if (node->kids[0]->is_each)
        return emit_elements(f, node->kids[0], value);
    if (node->kids[0]->element)
        return emit_element(f, node->kids[0], value);
    if (value->kind != JSON_OBJECT)
        return json_clone(f->a, value);
    struct json *out = json_new_object(f->a);
    const struct source *s = &f->n->sources[alt->source];
    size_t known = alt->known == NORMAL_NONE ? s->n_kids : alt->known;
    for (size_t i = 0; i < value->n; i++) {
        const struct json_member *m = &value->members[i];
        /* One that is doubled and was not refused is nobody's: it passes. */
        if (!is_known(f, alt->source, known, m->key) ||
            json_duplicate_of(value, m->key)) {
            assert_true(
                json_append(f->a, out, m->key, json_clone(f->a, m->value)));
            continue;
        }
        for (size_t k = 0; k < known; k++) {
            if (!span_eq(f->n->sources[s->kids[k]].key, m->key))
                continue;
            const struct normal_node *kid = kid_in_slot(f, node, s->kids[k]);
            if (kid)
                append(f, out, kid);
        }
    }
    arrivals(f, node, false, out);
    return out;
}

static void
add_turned(struct frame *f, const struct normal_node *kid, bool is_list,
           struct json *out)
{
    struct json *value = emit(f, kid);
    if (!value)
        return;
    if (is_list) {
        assert_true(json_list_append(f->a, out, value));
        return;
    }
    struct json *key =
        kid->is_each ? value_of(f, kid->keyed) : json_new_text(f->a, kid->key);
    if (key && key->kind == JSON_TEXT)
        assert_true(json_append(f->a, out, key->text, value));
    else
        f->out->broken = "a member has no key";
}

/* A list that became a map, or a map that became a list. */
static struct json *
emit_turned(struct frame *f, const struct normal_node *node,
            const struct normal_alt *alt)
{
    struct json *out =
        alt->is_list ? json_new_list(f->a) : json_new_object(f->a);
    const struct normal_node *each = node->kids[0];
    struct json *host =
        alt->source == NORMAL_NONE ? NULL : source_value(f, alt->source);
    struct json *was = host ? f->at[each->each] : NULL;
    for (size_t i = 0; host && i < host->n; i++) {
        f->at[each->each] = host->members[i].value;
        add_turned(f, each, alt->is_list, out);
        for (size_t k = 1; k < node->n_kids; k++) {
            const struct normal_alt *one = alternative(f, node->kids[k]);
            if (one && one->order.step == 0 &&
                source_value(f, one->order.slot) == host->members[i].value)
                add_turned(f, node->kids[k], alt->is_list, out);
        }
    }
    if (host)
        f->at[each->each] = was;
    arrivals(f, node, host == NULL, out);
    return out;
}

static struct json *
emit(struct frame *f, const struct normal_node *node)
{
    const struct normal_alt *alt = alternative(f, node);
    struct json *out = NULL;
    if (!alt)
        return NULL;
    switch (alt->kind) {
    case ALT_SOURCE:
        out = emit_source(f, node, alt);
        break;
    case ALT_TERM: {
        struct json *value = value_of(f, alt->term);
        out = value ? json_clone(f->a, value) : NULL;
        break;
    }
    case ALT_MADE:
        if (alt->turned) {
            out = emit_turned(f, node, alt);
            break;
        }
        if (alt->is_list) {
            struct json *element = emit(f, node->kids[0]);
            out = json_new_list(f->a);
            if (element)
                assert_true(json_list_append(f->a, out, element));
            break;
        }
        out = json_new_object(f->a);
        arrivals(f, node, true, out);
        break;
    }
    if (!out) {
        f->out->broken = "a value could not be made";
        return NULL;
    }
    if (node->state && out->kind == JSON_OBJECT)
        out = run_state(f, node->state, out);
    return out;
}

/* ---- for each ------------------------------------------------------------------------------- */

typedef void (*scope_fn)(struct frame *f, const void *arg);

static void for_each(struct frame *f, uint32_t scope, scope_fn fn,
                     const void *arg);

struct inside {
    uint32_t each;
    scope_fn fn;
    const void *arg;
};

static void
run_inside(struct frame *f, const void *arg)
{
    const struct inside *in = arg;
    struct json *host = source_value(f, f->n->sources[in->each].parent);
    struct json *was = f->at[in->each];
    for (size_t i = 0; host && json_is_container(host) && i < host->n; i++) {
        f->at[in->each] = host->members[i].value;
        in->fn(f, in->arg);
    }
    f->at[in->each] = was;
}

static void
for_each(struct frame *f, uint32_t scope, scope_fn fn, const void *arg)
{
    const struct source *s = &f->n->sources[scope];
    if (s->kind == SOURCE_ROOT) {
        fn(f, arg);
        return;
    }
    struct inside in = {scope, fn, arg};
    for_each(f, f->n->sources[s->parent].scope, run_inside, &in);
}

static void
check(struct frame *f, const void *arg)
{
    const struct normal_check *k = arg;
    if (!f->out->refused && holds(f, k->when))
        f->out->refused = k->what;
}

static void
tell(struct frame *f, const void *arg)
{
    const struct normal_notice *k = arg;
    if (!holds(f, k->when))
        return;
    struct translation_notice n = {.kind = k->kind,
                                   .change = k->origin->change->name,
                                   .line = k->origin->line,
                                   .n = 1};
    interpret_tell(f->a, f->out, &n);
}

static void
let_go(struct frame *f, const void *arg)
{
    const struct normal_gone *gone = arg;
    (void)emit(f, gone->node);
}

/* ---- again ------------------------------------------------------------------------------------ */

static struct json *
run_again(const struct frame *f, const struct normal_state *s,
          struct json *value)
{
    const struct lens_api *api = f->n->api;
    const struct lens_site site = {.type = s->type};
    const struct lens_site *const list[] = {&site};
    struct reference_sites *sites =
        arena_array(f->a, api->n_versions, sizeof(*sites));
    struct reference_chain chain = {
        .api = api, .from = s->first, .to = s->last, .sites = sites};
    struct reference_report report = {0};
    struct buf in, text;
    span body = {0};
    struct json *out = NULL;
    struct err e;
    for (size_t v = 0; v < api->n_versions; v++)
        sites[v] = (struct reference_sites){list, 1};
    buf_init(&in, 1 << 26);
    buf_init(&text, 1 << 26);
    json_print(value, &in);
    f->out->n_again++;
    if (reference_body(f->a, &chain, f->facts, buf_span(&in), &text, &report) !=
        OK)
        f->out->refused = "again";
    else if (!span_dup(f->a, buf_span(&text), &body) ||
             json_parse(f->a, body, JSON_DEPTH_MAX, &out, &e) != OK)
        f->out->broken = "what the reference wrote is no JSON";
    for (size_t i = 0; !f->quiet && i < report.n_notices; i++)
        interpret_tell(f->a, f->out, &report.notices[i]);
    buf_fini(&in);
    buf_fini(&text);
    return out;
}

static struct json *
run_state(const struct frame *outer, const struct normal_state *s,
          struct json *value)
{
    struct frame f = *outer;
    if (s->stop.why)
        return run_again(outer, s, value);
    f.state = s;
    f.root = value;
    f.at = arena_array(f.a, f.n->n_sources, sizeof(struct json *));
    assert_non_null(f.at);
    for (size_t i = 0; i < s->n_checks; i++)
        for_each(&f, s->checks[i].scope, check, &s->checks[i]);
    if (f.out->refused)
        return NULL;
    for (size_t i = 0; !f.quiet && i < s->n_notices; i++)
        for_each(&f, s->notices[i].scope, tell, &s->notices[i]);
    for (size_t i = 0; !f.quiet && i < s->n_gone; i++)
        for_each(&f, s->gone[i].scope, let_go, &s->gone[i]);
    return emit(&f, s->root);
}

void
interpret(struct arena *a, const struct normal *n,
          const struct reference_facts *facts, struct json *document,
          struct interpreted *out)
{
    struct frame f = {.a = a, .n = n, .facts = facts, .out = out};
    out->document = document;
    if (document->kind == JSON_OBJECT)
        out->document = run_state(&f, n->root, document);
}
/* NOLINTEND(misc-no-recursion) */
