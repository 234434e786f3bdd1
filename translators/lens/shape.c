/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shape: what a value must look like. Tests, `when:`, and the two sides of a
 * case.
 */
#include "translators/lens/build.h"

static const struct {
    const char *word;
    unsigned types;
} type_words[] = {
    {"absent", LENS_ABSENT}, {"present", LENS_PRESENT},
    {"null", LENS_NULL},     {"bool", LENS_BOOL},
    {"number", LENS_NUMBER}, {"integer", LENS_INTEGER},
    {"string", LENS_STRING}, {"object", LENS_OBJECT},
    {"list", LENS_LIST},
};

static const struct lens_words test_words =
    LENS_WORDS("a test", "is", "in", "not", "starts", "lines", "same");

/* A plain type word; quoted it would be a text. 0: it is none. */
static unsigned
type_word(const struct yaml *node)
{
    if (node->kind != YAML_SCALAR || node->style != YAML_PLAIN)
        return 0;
    for (size_t i = 0; i < COUNT(type_words); i++)
        if (span_is(node->text, type_words[i].word))
            return type_words[i].types;
    return 0;
}

static bool
is_dot(const struct yaml *node)
{
    return node->kind == YAML_SCALAR && node->style == YAML_PLAIN &&
           span_is(node->text, ".");
}

/* A map of tests has only test words as (unquoted) keys. */
static bool
is_tests(const struct yaml *node)
{
    if (node->kind != YAML_MAP || node->n == 0)
        return false;
    for (size_t i = 0; i < node->n; i++)
        if (lens_words_find(node->entries[i].key, &test_words) < 0)
            return false;
    return true;
}

/* `{is: X}` alone is a plain value that may look like a word. */
static const struct yaml *
spelt_out(const struct yaml *node)
{
    const struct yaml *is =
        node->kind == YAML_MAP && node->n == 1 ? yaml_get(node, "is") : NULL;
    return is && is->kind == YAML_SCALAR ? is : NULL;
}

/* ---- tests; `not` nests as deep as the file does ---- */
/* NOLINTBEGIN(misc-no-recursion) */

static bool tests_read(struct lens_builder *b, const struct yaml *node,
                       struct lens_vec *out);

static bool
one_value(struct lens_builder *b, const struct json *value,
          struct lens_test *out)
{
    const struct json **values = lens_array(b, 1, sizeof(struct json *));
    if (!value || !values)
        return false;
    values[0] = value;
    out->kind = LENS_TEST_IS;
    out->values = values;
    out->n_values = 1;
    return true;
}

static bool
read_in(struct lens_builder *b, const struct yaml *node, struct lens_test *out)
{
    if (node->kind != YAML_LIST || node->n == 0) {
        yaml_problem(b->problems, node, "`in` is a list of literals");
        problem_remedy(b->problems, "write {in: [a, b]}");
        return false;
    }
    const struct json **values = lens_array(b, node->n, sizeof(struct json *));
    if (!values)
        return false;
    for (size_t i = 0; i < node->n; i++)
        if (!(values[i] = lens_literal_any(b, node->items[i])))
            return false;
    out->kind = LENS_TEST_IN;
    out->values = values;
    out->n_values = node->n;
    return true;
}

static bool
read_not(struct lens_builder *b, const struct yaml *node, struct lens_test *out)
{
    struct lens_vec inner = {0};
    if (!tests_read(b, node, &inner))
        return false;
    out->kind = LENS_TEST_NOT;
    out->inner = inner.at;
    out->n_inner = inner.n;
    return true;
}

static bool
read_lines(struct lens_builder *b, const struct yaml *node,
           struct lens_test *out)
{
    uint64_t n = 0;
    if (node->kind != YAML_SCALAR || !span_to_u64(node->text, &n) || n == 0 ||
        n > UINT32_MAX) {
        yaml_problem(b->problems, node, "`lines` is a whole number from 1");
        problem_remedy(b->problems, "write {lines: 1}");
        return false;
    }
    out->kind = LENS_TEST_LINES;
    out->n = (size_t)n;
    return true;
}

static bool
worded_test(struct lens_builder *b, const struct yaml_entry *e,
            struct lens_test *out)
{
    span word = e->key->text;
    if (span_is(word, "is"))
        return one_value(b, lens_literal_any(b, e->value), out);
    if (span_is(word, "in"))
        return read_in(b, e->value, out);
    if (span_is(word, "not"))
        return read_not(b, e->value, out);
    if (span_is(word, "lines"))
        return read_lines(b, e->value, out);
    if (span_is(word, "same")) {
        out->kind = LENS_TEST_SAME;
        return lens_place_read(b, e->value, &out->place);
    }
    out->kind = LENS_TEST_STARTS;
    return lens_words_text(b, e->value, "`starts`", &out->text);
}

static bool
scalar_test(struct lens_builder *b, const struct yaml *node,
            struct lens_test *out)
{
    out->types = type_word(node);
    if (out->types) {
        out->kind = LENS_TEST_TYPE;
        return true;
    }
    return one_value(b, lens_literal_scalar(b, node, "a test"), out);
}

static bool
tests_read(struct lens_builder *b, const struct yaml *node,
           struct lens_vec *out)
{
    if (node->kind == YAML_LIST) {
        yaml_problem(b->problems, node, "a list is no test");
        problem_remedy(b->problems, "write {in: [a, b]} for one of several");
        return false;
    }
    if (node->kind == YAML_MAP && !lens_words_check(b, node, &test_words))
        return false;

    size_t n = node->kind == YAML_MAP ? node->n : 1;
    for (size_t i = 0; i < n; i++) {
        struct lens_test one = {0};
        if (node->kind == YAML_MAP ? !worded_test(b, &node->entries[i], &one)
                                   : !scalar_test(b, node, &one))
            return false;
        struct lens_test *slot = lens_vec_add(b, out, sizeof(one));
        if (!slot)
            return false;
        *slot = one;
    }
    return true;
}

/* NOLINTEND(misc-no-recursion) */

/* ---- conditions ---- */

static bool
no_stars(struct lens_builder *b, const struct yaml *node,
         const struct lens_place *place)
{
    if (lens_place_stars(place) == 0)
        return true;
    yaml_problem(b->problems, node,
                 "a test names one place, and `%.*s` is "
                 "many",
                 SPAN_FMT(place->text));
    problem_remedy(b->problems, "give the elements a type and test there");
    return false;
}

static bool
condition(struct lens_builder *b, const struct yaml_entry *e,
          const struct lens_place *place, struct lens_vec *out)
{
    struct lens_vec tests = {0};
    lens_literal_of_place(b, place);
    bool good = tests_read(b, e->value, &tests);
    lens_literal_typed(b);
    if (!good)
        return false;
    struct lens_condition *c = lens_vec_add(b, out, sizeof(*c));
    if (!c)
        return false;
    *c = (struct lens_condition){*place, tests.at, tests.n};
    return true;
}

bool
lens_shape_conditions(struct lens_builder *b, const struct yaml *node,
                      struct lens_shape *out)
{
    if (node->kind != YAML_MAP || node->n == 0) {
        yaml_problem(b->problems, node, "`when` is a map of places and tests");
        problem_remedy(b->problems, "write {kind: gift}");
        return false;
    }
    struct lens_vec all = {0};
    for (size_t i = 0; i < node->n; i++) {
        struct lens_place place;
        const struct yaml_entry *e = &node->entries[i];
        if (!lens_place_read(b, e->key, &place) ||
            !no_stars(b, e->key, &place) || !condition(b, e, &place, &all))
            return false;
    }
    out->said = true;
    out->conditions = all.at;
    out->n_conditions = all.n;
    return true;
}

/* `{older: {...}, newer: {...}}`; a place called `older` has a test beside it. */
static bool
says_sides(const struct yaml *node)
{
    if (node->kind != YAML_MAP || node->n == 0)
        return false;
    for (size_t i = 0; i < node->n; i++) {
        const struct yaml_entry *e = &node->entries[i];
        bool side =
            span_is(e->key->text, "older") || span_is(e->key->text, "newer");
        if (!side || e->value->kind != YAML_MAP || is_tests(e->value))
            return false;
    }
    return true;
}

bool
lens_shape_when(struct lens_builder *b, const struct yaml *node,
                struct lens_shape out[2])
{
    if (says_sides(node)) {
        const struct yaml *older = yaml_get(node, "older");
        const struct yaml *newer = yaml_get(node, "newer");
        return (!older || lens_shape_conditions(b, older, &out[LENS_OLDER])) &&
               (!newer || lens_shape_conditions(b, newer, &out[LENS_NEWER]));
    }
    if (!lens_shape_conditions(b, node, &out[LENS_OLDER]))
        return false;
    out[LENS_NEWER] = out[LENS_OLDER];
    return true;
}

/* ---- shapes of cases ---- */

static bool
is_pairing(const struct yaml *node)
{
    return node->kind == YAML_LIST;
}

static size_t
wider(struct lens_builder *b, const struct yaml *list, size_t width)
{
    if (!is_pairing(list) || list->n == width)
        return width;
    if (list->n == 0 || (width != 1 && list->n != 1)) {
        yaml_problem(b->problems, list,
                     "lists of constants pair by position, and this one has "
                     "%zu where another has %zu",
                     list->n, width);
        problem_remedy(b->problems, "make them equally long");
        return 0;
    }
    return width == 1 ? list->n : width;
}

size_t
lens_shape_width(struct lens_builder *b, const struct yaml *node)
{
    size_t width = wider(b, node, 1);
    if (node->kind != YAML_MAP || is_tests(node))
        return width;
    for (size_t i = 0; width && i < node->n; i++)
        width = wider(b, node->entries[i].value, width);
    return width;
}

static const struct yaml *
variant_of(const struct yaml *node, size_t variant)
{
    if (!is_pairing(node))
        return node;
    return node->items[variant < node->n ? variant : 0];
}

static bool
tag(struct lens_builder *b, const struct yaml *value,
    const struct lens_place *place, struct lens_vec *tags)
{
    const struct json *literal = lens_literal_scalar(b, value, "a tag");
    struct lens_tag *slot =
        literal ? lens_vec_add(b, tags, sizeof(*slot)) : NULL;
    if (!slot)
        return false;
    *slot = (struct lens_tag){*place, literal};
    return true;
}

static bool
inside(struct lens_builder *b, const struct yaml *at,
       const struct lens_place *place, struct lens_shape *out)
{
    if (out->has_inside) {
        yaml_problem(b->problems, at,
                     "the value sits at two places, `%.*s` "
                     "and `%.*s`",
                     SPAN_FMT(out->inside.text), SPAN_FMT(place->text));
        problem_remedy(b->problems, "write `.` once");
        return false;
    }
    out->has_inside = true;
    out->inside = *place;
    return true;
}

static bool
object_entry(struct lens_builder *b, const struct yaml_entry *e, size_t variant,
             struct lens_shape *out, struct lens_vec vecs[2])
{
    struct lens_place place;
    if (!lens_place_read(b, e->key, &place) || !no_stars(b, e->key, &place))
        return false;
    const struct yaml *value = variant_of(e->value, variant);
    if (spelt_out(value))
        return tag(b, spelt_out(value), &place, &vecs[1]);
    if (is_dot(value))
        return inside(b, value, &place, out);
    unsigned types = type_word(value);
    if ((types && types != LENS_NULL) || value->kind == YAML_MAP) {
        struct yaml_entry one = {e->key, value};
        return condition(b, &one, &place, &vecs[0]);
    }
    return tag(b, value, &place, &vecs[1]);
}

static bool
object_shape(struct lens_builder *b, const struct yaml *node, size_t variant,
             struct lens_shape *out)
{
    struct lens_vec vecs[2] = {{0}, {0}}; /* conditions, tags */
    out->types = LENS_OBJECT;
    for (size_t i = 0; i < node->n; i++)
        if (!object_entry(b, &node->entries[i], variant, out, vecs))
            return false;
    out->conditions = vecs[0].at;
    out->n_conditions = vecs[0].n;
    out->tags = vecs[1].at;
    out->n_tags = vecs[1].n;
    return true;
}

static bool
tested_shape(struct lens_builder *b, const struct yaml *node,
             struct lens_shape *out)
{
    struct lens_vec all = {0};
    struct yaml_entry e = {node, node};
    struct lens_place self = {.text = SPAN(".")};
    if (!condition(b, &e, &self, &all))
        return false;
    out->conditions = all.at;
    out->n_conditions = all.n;
    return true;
}

static bool
scalar_shape(struct lens_builder *b, const struct yaml *node,
             struct lens_shape *out)
{
    out->types = type_word(node);
    if (out->types == LENS_ABSENT) {
        yaml_problem(b->problems, node, "a case is of what is there");
        problem_remedy(b->problems, "say `absent:` beside `cases:`");
        return false;
    }
    if (out->types && out->types != LENS_NULL)
        return true;
    out->types = 0; /* null is a type and a constant: it can be written */
    out->constant = lens_literal_scalar(b, node, "a shape");
    return out->constant != NULL;
}

bool
lens_shape_read(struct lens_builder *b, const struct yaml *node, size_t variant,
                struct lens_shape *out)
{
    *out = (struct lens_shape){.said = true};
    node = variant_of(node, variant);
    if (spelt_out(node)) {
        out->constant = lens_literal_scalar(b, spelt_out(node), "a shape");
        return out->constant != NULL;
    }
    if (is_dot(node)) {
        out->has_inside = true;
        out->inside.text = SPAN(".");
        return true;
    }
    if (is_tests(node))
        return tested_shape(b, node, out);
    if (node->kind == YAML_MAP)
        return object_shape(b, node, variant, out);
    return scalar_shape(b, node, out);
}

/* ---- whether two can fit one value ---- */

static unsigned
types_of(const struct json *value)
{
    switch (value->kind) {
    case JSON_NULL:
        return LENS_NULL;
    case JSON_BOOL:
        return LENS_BOOL;
    case JSON_NUMBER:
        return LENS_NUMBER | LENS_INTEGER;
    case JSON_TEXT:
        return LENS_STRING;
    case JSON_LIST:
        return LENS_LIST;
    case JSON_OBJECT:
        return LENS_OBJECT;
    }
    return 0;
}

/* Every integer is a number; without this `number` and `integer` would be strangers. */
static unsigned
widen(unsigned types)
{
    return types & (LENS_NUMBER | LENS_INTEGER)
               ? types | LENS_NUMBER | LENS_INTEGER
               : types;
}

/* What a test says in a comparable form: types, values, how a text is made. */
struct claim {
    unsigned types;
    const struct json *const *values; /* NULL: any of the types */
    size_t n;
    span start;     /* of a text; empty: any */
    uint64_t lines; /* of a text; 0: any number */
};

static struct claim
claim_of(const struct lens_test *t)
{
    struct claim c = {.types = LENS_ABSENT | LENS_PRESENT};
    switch (t->kind) {
    case LENS_TEST_TYPE:
        c.types = widen(t->types);
        break;
    case LENS_TEST_IS:
    case LENS_TEST_IN:
        c.types = 0;
        for (size_t i = 0; i < t->n_values; i++)
            c.types |= types_of(t->values[i]);
        c.values = t->values;
        c.n = t->n_values;
        break;
    case LENS_TEST_STARTS:
        c.types = LENS_STRING;
        c.start = t->text;
        break;
    case LENS_TEST_LINES:
        c.types = LENS_STRING;
        c.lines = t->n;
        break;
    case LENS_TEST_NOT:
        break;
    case LENS_TEST_SAME:
        c.types = LENS_PRESENT;
        break;
    }
    return c;
}

static bool
claims_clash(const struct claim *a, const struct claim *b)
{
    if (!(a->types & b->types))
        return true;
    if (!span_starts(a->start, b->start) && !span_starts(b->start, a->start))
        return true;
    if (a->lines && b->lines && a->lines != b->lines)
        return true;
    if (!a->values || !b->values)
        return false;
    for (size_t i = 0; i < a->n; i++)
        for (size_t k = 0; k < b->n; k++)
            if (json_alike(a->values[i], b->values[k]))
                return false;
    return true;
}

static bool
conditions_clash(const struct lens_condition *a, const struct lens_condition *b)
{
    for (size_t i = 0; i < a->n_tests; i++)
        for (size_t k = 0; k < b->n_tests; k++) {
            struct claim x = claim_of(&a->tests[i]);
            struct claim y = claim_of(&b->tests[k]);
            if (claims_clash(&x, &y))
                return true;
        }
    return false;
}

/* The i-th thing a shape says about a place, conditions before tags. */
static struct lens_condition
said(const struct lens_shape *s, size_t i, struct lens_test *room)
{
    if (i < s->n_conditions)
        return s->conditions[i];
    const struct lens_tag *t = &s->tags[i - s->n_conditions];
    *room = (struct lens_test){
        .kind = LENS_TEST_IS, .values = &t->value, .n_values = 1};
    return (struct lens_condition){t->place, room, 1};
}

static bool
places_clash(const struct lens_shape *a, const struct lens_shape *b)
{
    for (size_t i = 0; i < a->n_conditions + a->n_tags; i++)
        for (size_t k = 0; k < b->n_conditions + b->n_tags; k++) {
            struct lens_test room[2];
            struct lens_condition x = said(a, i, &room[0]);
            struct lens_condition y = said(b, k, &room[1]);
            if (lens_place_same(&x.place, &y.place) && conditions_clash(&x, &y))
                return true;
        }
    return false;
}

static unsigned
shape_types(const struct lens_shape *s)
{
    if (s->constant)
        return types_of(s->constant);
    return s->types ? widen(s->types) : LENS_PRESENT;
}

bool
lens_shape_disjoint(const struct lens_shape *a, const struct lens_shape *b)
{
    if (!a->said || !b->said)
        return false;
    if (!(shape_types(a) & shape_types(b)))
        return true;
    if (a->constant && b->constant && !json_alike(a->constant, b->constant))
        return true;
    return places_clash(a, b);
}
