/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wording: places, terms and guards of a normal form, for people.
 */
#include "translators/compose/print.h"

#include "translators/json/tree.h"

/* NOLINTBEGIN(misc-no-recursion): as deep as places and terms */

static void
print_find(const struct lens_find *find, struct buf *to)
{
    buf_str(to, find->kind == LENS_LACKS ? "!" : "");
    for (size_t i = 0; i < find->member.n; i++)
        buf_fmt(to, "%s%.*s", i ? "/" : "",
                SPAN_FMT(find->member.steps[i].key));
    if (find->kind != LENS_EQUALS)
        return;
    buf_byte(to, '=');
    json_print(find->value, to);
}

/* One element of a list, as the language has it. */
void
print_step(const struct lens_step *step, struct buf *to)
{
    if (step->kind == LENS_INDEX)
        buf_fmt(to, "[%zu]", step->index);
    else if (step->kind != LENS_FIND)
        buf_str(to, step->kind == LENS_LAST ? "[last]" : "[only]");
    else
        buf_byte(to, '[');
    for (size_t i = 0; i < step->n_finds; i++) {
        buf_str(to, i ? ", " : "");
        print_find(&step->finds[i], to);
    }
    if (step->kind == LENS_FIND)
        buf_byte(to, ']');
}

void
normal_place(const struct normal *n, uint32_t source, struct buf *to)
{
    const struct source *s = &n->sources[source];
    if (s->kind == SOURCE_ROOT) {
        buf_byte(to, '.');
        return;
    }
    if (n->sources[s->parent].kind != SOURCE_ROOT) {
        normal_place(n, s->parent, to);
        buf_byte(to, '/');
    }
    if (s->kind == SOURCE_EACH)
        buf_byte(to, '*');
    else if (s->kind == SOURCE_ELEMENT)
        print_step(s->step, to);
    else
        buf_add(to, s->key);
}

/* ---- terms ---------------------------------------------------------------------- */

static span
form_word(enum lens_form_kind kind)
{
    switch (kind) {
#define X(name, group, spelling, parameter)                                    \
    case LENS_AS_##name:                                                       \
        return SPAN(spelling);
        LENS_FORMS(X)
#undef X
    }
    return SPAN("form");
}

static void
print_form(struct printing *p, const struct lens_form *form)
{
    buf_add(p->b, form_word(form->kind));
    if (form->kind == LENS_AS_DECIMAL || form->kind == LENS_AS_MINOR)
        buf_fmt(p->b, "(%u)", form->digits);
}

static void
print_enum(struct printing *p, const struct lens_symbols *s)
{
    buf_str(p->b, "{");
    for (size_t i = 0; i < s->n_rows; i++) {
        buf_str(p->b, i ? ", " : "");
        json_print(s->rows[i].from, p->b);
        buf_str(p->b, ": ");
        if (s->rows[i].to)
            json_print(s->rows[i].to, p->b);
        else
            buf_str(p->b, "hide");
    }
    if (s->unlisted == LENS_UNLISTED_FAIL)
        buf_str(p->b, ", other: fail");
    if (s->unlisted == LENS_UNLISTED_IS && s->image) {
        buf_str(p->b, ", other: ");
        json_print(s->image, p->b);
    }
    buf_str(p->b, "}");
}

static void
print_common(struct printing *p, const struct term *t)
{
    static const char *const words[] = {
        [LENS_UNEQUAL_FAIL] = "",       [LENS_UNEQUAL_NULL] = "",
        [LENS_UNEQUAL_FIRST] = "first", [LENS_UNEQUAL_MIN] = "least",
        [LENS_UNEQUAL_MAX] = "most",    [LENS_UNEQUAL_SUM] = "sum",
        [LENS_UNEQUAL_KEEP] = ""};
    buf_str(p->b, "the same ");
    if (words[t->n][0])
        buf_fmt(p->b, "or the %s ", words[t->n]);
    buf_str(p->b, "of ");
    print_term(p, t->of);
}

void
print_term(struct printing *p, uint32_t term)
{
    const struct term *t = &p->n->terms[term];
    switch (t->kind) {
    case TERM_SOURCE:
        normal_place(p->n, t->source, p->b);
        return;
    case TERM_COUNT:
        buf_str(p->b, "how many ");
        print_term(p, t->of);
        return;
    case TERM_KEY:
        buf_str(p->b, "key of ");
        normal_place(p->n, t->source, p->b);
        return;
    case TERM_CONST:
        json_print(t->value, p->b);
        return;
    case TERM_ENUM:
        print_term(p, t->of);
        buf_str(p->b, " by ");
        print_enum(p, t->symbols);
        return;
    case TERM_FORM:
        print_term(p, t->of);
        buf_str(p->b, " as ");
        print_form(p, t->from);
        buf_str(p->b, " > ");
        print_form(p, t->to);
        return;
    case TERM_WRAP:
        buf_str(p->b, "[");
        print_term(p, t->of);
        buf_str(p->b, "]");
        return;
    case TERM_PICK:
        buf_str(p->b, t->pick == LENS_PICK_LAST ? "last of " : "first of ");
        print_term(p, t->of);
        return;
    case TERM_JOIN:
        for (size_t i = 0; i < t->n_parts; i++) {
            buf_str(p->b, i ? " . " : "");
            if (t->parts[i].term == NORMAL_NONE)
                buf_fmt(p->b, "\"%.*s\"", SPAN_FMT(t->parts[i].text));
            else
                print_term(p, t->parts[i].term);
        }
        return;
    case TERM_FIRST:
        for (size_t i = 0; i < t->n_parts; i++) {
            buf_str(p->b, i ? " or " : "");
            if (t->parts[i].term != NORMAL_NONE)
                print_term(p, t->parts[i].term);
        }
        return;
    case TERM_PART:
        buf_fmt(p->b, "{%.*s} of ", SPAN_FMT(t->pattern->names[t->n]));
        print_term(p, t->of);
        buf_fmt(p->b, " as \"%.*s\"", SPAN_FMT(t->pattern->text));
        return;
    case TERM_TEXT:
        buf_fmt(p->b, "\"%.*s\" of ", SPAN_FMT(t->pattern->text));
        for (size_t i = 0; i < t->n_parts; i++) {
            buf_str(p->b, i ? ", " : "");
            print_term(p, t->parts[i].term);
        }
        return;
    case TERM_COMMON:
        print_common(p, t);
        return;
    case TERM_TREE:
        buf_str(p->b, "(");
        print_node(p, t->tree, SPAN("."), true);
        buf_str(p->b, ")");
        return;
    }
}

/* ---- guards ------------------------------------------------------------------------ */

static const char *
type_word(enum atom_kind kind)
{
    switch (kind) {
    case ATOM_NULL:
        return "null";
    case ATOM_OBJECT:
        return "object";
    case ATOM_LIST:
        return "list";
    case ATOM_STRING:
        return "string";
    case ATOM_NUMBER:
        return "number";
    case ATOM_INTEGER:
        return "integer";
    case ATOM_TRUE:
        return "true";
    case ATOM_OUTSIDE:
        return "outside its form";
    case ATOM_RESPELT:
        return "spelt otherwise";
    case ATOM_UNCLEAN:
        return "no clean text";
    case ATOM_EMPTY:
        return "empty";
    case ATOM_SEVERAL:
        return "several";
    case ATOM_SOME:
        return "there";
    case ATOM_UNEQUAL:
        return "unequal";
    case ATOM_UNREADABLE:
        return "no clean texts";
    default: /* is no word alone */
        return NULL;
    }
}

static void
print_literal(struct printing *p, const struct literal *l)
{
    const struct atom *a = &p->n->atoms[l->atom];
    const char *word = type_word(a->kind);
    const char *is = l->holds ? " is " : " is not ";
    if (word) {
        print_term(p, a->term);
        buf_fmt(p->b, "%s%s", is, word);
        return;
    }
    switch (a->kind) {
    case ATOM_REQUEST:
        buf_str(p->b, l->holds ? "request" : "answer");
        return;
    case ATOM_REPLACES:
        buf_fmt(p->b, "%sa whole document is replaced", l->holds ? "" : "not ");
        return;
    case ATOM_NEVER_ERASES:
        buf_fmt(p->b, "%sthe route says refuse", l->holds ? "" : "not ");
        return;
    case ATOM_FACT:
        buf_fmt(p->b, "%.*s%s%.*s", SPAN_FMT(a->fact->name), is,
                SPAN_FMT(a->fact->value));
        return;
    case ATOM_PRESENT:
        normal_place(p->n, a->source, p->b);
        buf_fmt(p->b, "%sthere", is);
        return;
    case ATOM_DOUBLED:
        normal_place(p->n, a->source, p->b);
        buf_fmt(p->b, "%stwice", is);
        return;
    case ATOM_ANY_DOUBLED:
        buf_fmt(p->b, "%s key of ", l->holds ? "some" : "no");
        normal_place(p->n, a->source, p->b);
        buf_str(p->b, " is twice");
        return;
    case ATOM_OTHERS:
        normal_place(p->n, a->source, p->b);
        buf_fmt(p->b, " has %s members", l->holds ? "other" : "no other");
        return;
    case ATOM_UNKNOWN:
        buf_str(p->b, "key of ");
        normal_place(p->n, a->source, p->b);
        buf_fmt(p->b, "%snone by name", is);
        return;
    case ATOM_ANY:
    case ATOM_BEFORE:
    case ATOM_BEHIND:
        buf_fmt(p->b, "%s %s", l->holds ? "some" : "no",
                a->kind == ATOM_ANY      ? ""
                : a->kind == ATOM_BEFORE ? "earlier "
                                         : "later ");
        normal_place(p->n, a->source, p->b);
        buf_str(p->b, " is such");
        return;
    case ATOM_TWICE:
    case ATOM_EARLIER:
        print_term(p, a->term);
        buf_fmt(p->b, "%s%s", is,
                a->kind == ATOM_TWICE ? "twice" : "that of an earlier one");
        return;
    case ATOM_MERGED:
        print_term(p, a->term);
        buf_fmt(p->b, "%sthat of an earlier one of another ", is);
        print_term(p, a->other);
        return;
    case ATOM_EQUALS:
        print_term(p, a->term);
        buf_str(p->b, l->holds ? " = " : " != ");
        json_print(a->value, p->b);
        return;
    case ATOM_SAME:
        print_term(p, a->term);
        buf_str(p->b, l->holds ? " = " : " != ");
        print_term(p, a->other);
        return;
    case ATOM_STARTS:
        print_term(p, a->term);
        buf_fmt(p->b, " %s with \"%.*s\"", l->holds ? "starts" : "starts not",
                SPAN_FMT(a->text));
        return;
    case ATOM_BEYOND:
        print_term(p, a->term);
        buf_fmt(p->b, " has %s than %zu", l->holds ? "more" : "no more", a->n);
        return;
    case ATOM_LINES:
        print_term(p, a->term);
        buf_fmt(p->b, "%sof %zu lines", is, a->n);
        return;
    default: /* a word: above */
        return;
    }
}

static uint32_t
literal_source(const struct normal *n, const struct literal *l)
{
    const struct atom *a = &n->atoms[l->atom];
    switch (a->kind) {
    case ATOM_PRESENT:
        return a->source;
    case ATOM_NULL:
    case ATOM_OBJECT:
    case ATOM_LIST:
    case ATOM_STRING:
    case ATOM_NUMBER:
    case ATOM_EQUALS:
        return n->terms[a->term].kind == TERM_SOURCE ? n->terms[a->term].source
                                                     : NORMAL_NONE;
    default:
        return NORMAL_NONE;
    }
}

static bool
is_above(const struct normal *n, uint32_t above, uint32_t below)
{
    while (below != NORMAL_NONE && below != above)
        below = n->sources[below].parent;
    return below == above;
}

/* Said already by another: that what a later one asks of is there and an object; and
 * of one value what it is not, where it is said what it is. */
static bool
is_said(const struct printing *p, size_t at, size_t n)
{
    const struct literal *l = &p->path[at];
    enum atom_kind kind = p->n->atoms[l->atom].kind;
    uint32_t source = literal_source(p->n, l);
    if (source == NORMAL_NONE)
        return false;
    for (size_t i = 0; i < n; i++) {
        uint32_t other = literal_source(p->n, &p->path[i]);
        if (i == at || other == NORMAL_NONE || !p->path[i].holds)
            continue;
        bool tells = p->n->atoms[p->path[i].atom].kind != ATOM_PRESENT;
        if (other == source && (i > at || (!l->holds && tells)))
            return true;
        if (l->holds && (kind == ATOM_PRESENT || kind == ATOM_OBJECT) &&
            is_above(p->n, source, other) && other != source)
            return true;
    }
    return false;
}

/* Where `granted` is at hand it is there, and what it is in is an object, or for an
 * element a list: which way goes on. False: the atom asks something else. */
static bool
is_granted(const struct printing *p, const struct guard_node *node, guard *next)
{
    const struct atom *a = &p->n->atoms[node->atom];
    struct literal l = {node->atom, true};
    uint32_t about = literal_source(p->n, &l);
    if (p->granted == NORMAL_NONE || about == NORMAL_NONE ||
        !is_above(p->n, about, p->granted))
        return false;
    bool above = about != p->granted;
    bool of_element = false;
    for (uint32_t s = p->granted; s != about; s = p->n->sources[s].parent)
        of_element = p->n->sources[s].kind == SOURCE_EACH;
    *next = node->yes;
    if (a->kind == ATOM_PRESENT)
        return true;
    if (above &&
        (a->kind == ATOM_NULL || (a->kind == ATOM_OBJECT && of_element)))
        *next = node->no;
    return above;
}

static void
print_way(struct printing *p, size_t n)
{
    bool first = true;
    if (p->n_ways == WAYS_MAX)
        buf_str(p->b, " or ...");
    if (p->n_ways++ >= WAYS_MAX)
        return;
    buf_str(p->b, p->n_ways > 1 ? " or " : "");
    for (size_t i = 0; i < n; i++) {
        if (is_said(p, i, n))
            continue;
        buf_str(p->b, first ? "" : ", ");
        print_literal(p, &p->path[i]);
        first = false;
    }
}

/* All ways through `g` that end as `end` says. */
static void
print_ways(struct printing *p, guard g, guard end, size_t n)
{
    if (p->n_ways > WAYS_MAX)
        return;
    if (g <= GUARD_ALWAYS || n == LITERALS_MAX) {
        if (g == end)
            print_way(p, n);
        return;
    }
    const struct guard_node *node = &p->n->guards[g];
    guard next = GUARD_NEVER;
    if (is_granted(p, node, &next)) {
        print_ways(p, next, end, n);
        return;
    }
    p->path[n] = (struct literal){node->atom, true};
    print_ways(p, node->yes, end, n + 1);
    p->path[n].holds = false;
    print_ways(p, node->no, end, n + 1);
}

static size_t
count_ways(const struct printing *p, guard g, guard end)
{
    if (g <= GUARD_ALWAYS)
        return g == end;
    const struct guard_node *node = &p->n->guards[g];
    guard next = GUARD_NEVER;
    if (is_granted(p, node, &next))
        return count_ways(p, next, end);
    size_t n = count_ways(p, node->yes, end);
    return n > WAYS_MAX ? n : n + count_ways(p, node->no, end);
}

/* Says no more than that this source is there? */
bool
print_is_presence(struct printing *p, guard g, uint32_t source)
{
    p->granted = source;
    return count_ways(p, g, GUARD_NEVER) == 0;
}

/* `source`: what is at hand, of which it need not be said that it is there. */
void
print_guard(struct printing *p, guard g, uint32_t source)
{
    if (print_is_presence(p, g, source))
        return;
    size_t yes = count_ways(p, g, GUARD_ALWAYS);
    size_t no = count_ways(p, g, GUARD_NEVER);
    p->n_ways = 0;
    buf_str(p->b, no < yes ? "  unless " : "  when ");
    print_ways(p, g, no < yes ? GUARD_NEVER : GUARD_ALWAYS, 0);
}
/* NOLINTEND(misc-no-recursion) */
