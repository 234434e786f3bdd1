/* SPDX-License-Identifier: Apache-2.0 */
/*
 * joint: arrows over several places: a copy, the parts of a text, a table.
 */
#include "translators/lens/build.h"

#define PLACES_MAX 32 /* of one side */

static const struct lens_words joint_words = LENS_WORDS(
    "an arrow over several places", "to", "split", "table", "differ", "outside",
    "as", "enum", "older", "newer", "other", "when", "for", "absent", "omit",
    "null", "collide", "host", "unequal", "none", "concat", "back");
static const struct lens_words differ_words =
    LENS_WORDS("`differ`", "first", "refuse");
static const struct lens_words unequal_words = LENS_WORDS(
    "`unequal`", "fail", "null", "first", "min", "max", "sum", "keep");
static const struct lens_words none_words =
    LENS_WORDS("`none`", "refuse", "lose");
static const struct lens_words outside_words =
    LENS_WORDS("`outside` of `split`", "fail", "absent");

static bool
is_each(const struct yaml *node)
{
    enum lens_side unused;
    return node->kind == YAML_MAP &&
           lens_form_is_each(yaml_get(node, "as"), &unused);
}

bool
lens_joint_is(const struct yaml_entry *e)
{
    const struct yaml *v = e->value;
    const struct yaml *to = v->kind == YAML_MAP ? yaml_get(v, "to") : v;
    return e->key->kind == YAML_LIST || (to && to->kind == YAML_LIST) ||
           (v->kind == YAML_MAP &&
            (yaml_get(v, "split") || yaml_get(v, "table") ||
             yaml_get(v, "concat") || is_each(v)));
}

/* ---- the places of one side ---- */

static bool
wrong(struct lens_builder *b, const struct yaml *at, const char *remedy,
      const char *what, span place)
{
    yaml_problem(b->problems, at, "`%.*s` %s", SPAN_FMT(place), what);
    problem_remedy(b->problems, "%s", remedy);
    return false;
}

/* How many steps lead to the last `*`, that included. */
static size_t
to_star(const struct lens_place *p)
{
    size_t n = p->n;
    while (n > 0 && p->steps[n - 1].kind != LENS_EACH &&
           p->steps[n - 1].kind != LENS_EACH_FIND)
        n--;
    return n;
}

static bool
check_pair(struct lens_builder *b, const struct yaml *at,
           const struct lens_place *x, const struct lens_place *y)
{
    struct lens_place head = {x->steps, to_star(x), x->text};
    if (lens_place_starts(x, y) || lens_place_starts(y, x))
        return wrong(b, at, "keep one of the two",
                     "is another place of this side, or lies in it", y->text);
    if (to_star(x) == to_star(y) && lens_place_starts(y, &head))
        return true;
    return wrong(b, at, "name places of the same elements",
                 "is of other elements than the first place", y->text);
}

static bool
check_places(struct lens_builder *b, const struct yaml *at,
             const struct lens_place *all, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (all[i].n == 0)
            return wrong(b, at, "name a member",
                         "is the object itself, and an arrow leads between "
                         "places in it",
                         SPAN("."));
        if (to_star(&all[i]) == all[i].n)
            return wrong(b, at, "name a member of the elements",
                         "is every element, and several places are of one "
                         "element",
                         all[i].text);
        for (size_t k = 0; k < i; k++)
            if (!check_pair(b, at, &all[k], &all[i]))
                return false;
    }
    return true;
}

/* A last `*` names the elements of the list that is above it. */
static bool
whole_list(struct lens_builder *b, struct lens_place *p)
{
    bool star = p->n > 1 && p->steps[p->n - 1].kind == LENS_EACH;
    return !star || lens_place_make(b, p->steps, p->n - 1, p);
}

static bool
read_places(struct lens_builder *b, const struct yaml *node,
            struct lens_joint *out, enum lens_side side)
{
    size_t n = node->kind == YAML_LIST ? node->n : 1;
    if (n == 0 || n > PLACES_MAX) {
        yaml_problem(b->problems, node, "there are %zu places on one side", n);
        problem_remedy(b->problems, "name from 1 to 32");
        return false;
    }
    struct lens_place *all = lens_array(b, n, sizeof(*all));
    if (!all)
        return false;
    for (size_t i = 0; i < n; i++)
        if (!lens_place_read(b, node->kind == YAML_LIST ? node->items[i] : node,
                             &all[i]) ||
            (out->kind == LENS_JOINT_CONCAT && !whole_list(b, &all[i])))
            return false;
    out->places[side] = all;
    out->n[side] = n;
    return check_places(b, node, all, n);
}

/* The parts of a text are places. */
static bool
places_of_parts(struct lens_builder *b, const struct yaml *node,
                struct lens_joint *out, enum lens_side side)
{
    size_t n = out->pattern->n_names;
    struct lens_place *all = lens_array(b, n, sizeof(*all));
    if (!all)
        return false;
    for (size_t i = 0; i < n; i++)
        if (!lens_place_parse(b, node, out->pattern->names[i], &all[i]))
            return false;
    out->places[side] = all;
    out->n[side] = n;
    return check_places(b, node, all, n);
}

/* ---- ways: what other parts of this room ask an arrow for ---- */

static struct lens_way *
ways(struct lens_builder *b, struct lens_arrow *out, size_t n)
{
    struct lens_way *all = lens_array(b, n, sizeof(*all));
    for (size_t i = 0; all && i < n; i++)
        all[i].origin = out->origin;
    out->ways = all;
    out->n_ways = n;
    return all;
}

/* One for each place, of one side. */
static bool
one_sided_ways(struct lens_builder *b, const struct lens_joint *j,
               struct lens_arrow *out)
{
    struct lens_way *all = ways(b, out, j->n[0] + j->n[1]);
    for (size_t side = 0; all && side < 2; side++)
        for (size_t i = 0; i < j->n[side]; i++) {
            struct lens_way *w = &all[(side ? j->n[0] : 0) + i];
            w->has[side] = true;
            w->place[side] = j->places[side][i];
        }
    return all != NULL;
}

/* The place of each element has the `*` of the one place, and more. */
static bool
check_each(struct lens_builder *b, const struct yaml *at,
           const struct lens_joint *j)
{
    const struct lens_place *one = &j->places[j->one][0];
    const struct lens_place *many = &j->places[lens_other(j->one)][0];
    if (lens_place_stars(many) > lens_place_stars(one))
        return true;
    return wrong(b, at, "write a: {to: list/*/a, as: one <> each}",
                 "is not in the elements of a list that the other side's place "
                 "is above",
                 many->text);
}

static bool
check_stars(struct lens_builder *b, const struct yaml *at,
            const struct lens_joint *j)
{
    size_t older = lens_place_stars(&j->places[LENS_OLDER][0]);
    size_t newer = lens_place_stars(&j->places[LENS_NEWER][0]);
    if (j->kind == LENS_JOINT_EACH)
        return check_each(b, at, j);
    if (older == newer)
        return true;
    yaml_problem(b->problems, at,
                 "one side has %zu `*` and the other %zu: the same elements "
                 "must stand on both sides",
                 older, newer);
    problem_remedy(b->problems, "name places of the same elements");
    return false;
}

/* ---- the three kinds ---- */

static bool
read_copy(struct lens_builder *b, const struct yaml_entry *e,
          struct lens_joint *j, struct lens_arrow *out)
{
    const struct yaml *node = e->value;
    struct lens_way shared = {0};
    int differ = -1;
    j->kind = LENS_JOINT_COPY;
    j->one = j->n[LENS_OLDER] == 1 ? LENS_OLDER : LENS_NEWER;
    if (j->n[LENS_OLDER] > 1 && j->n[LENS_NEWER] > 1) {
        yaml_problem(b->problems, e->key,
                     "several places lead to several, and nothing says how");
        problem_remedy(b->problems, "say `table: [[...], [...]]`");
        return false;
    }
    if (node->kind == YAML_MAP &&
        (!lens_word_read(b, node, "differ", &differ_words, &differ) ||
         !lens_stages_read(b, node, true, &shared)))
        return false;
    if (differ < 0) {
        yaml_problem(b->problems, e->key,
                     "the same value stands at %zu places of the %s side, and "
                     "nothing says which holds when they differ",
                     j->n[1 - j->one],
                     j->one == LENS_OLDER ? "newer" : "older");
        problem_remedy(b->problems, "say `differ: first` or `differ: refuse`");
        return false;
    }
    j->differ_refuse = differ == 1;
    size_t n = j->n[1 - j->one];
    struct lens_way *all = ways(b, out, n);
    for (size_t i = 0; all && i < n; i++) {
        all[i].stages = shared.stages;
        all[i].outside = shared.outside;
        for (size_t side = 0; side < 2; side++) {
            all[i].has[side] = true;
            all[i].place[side] = j->places[side][j->n[side] > 1 ? i : 0];
        }
        for (size_t side = 0; side < 2; side++)
            if (lens_way_boxes(&all[i], (enum lens_side)side))
                return wrong(b, e->key, "move it first, in a change before",
                             "is in the very value that is copied",
                             all[i].place[side].text);
    }
    return all != NULL;
}

static bool
say_word(struct lens_builder *b, const struct yaml *at, const char *remedy,
         const char *what)
{
    yaml_problem(b->problems, at, "nothing says %s", what);
    problem_remedy(b->problems, "%s", remedy);
    return false;
}

static bool
read_each(struct lens_builder *b, const struct yaml_entry *e,
          struct lens_joint *j, struct lens_arrow *out)
{
    const struct yaml *node = e->value;
    int unequal, none;
    j->kind = LENS_JOINT_EACH;
    (void)lens_form_is_each(yaml_get(node, "as"), &j->one);
    if (j->n[0] != 1 || j->n[1] != 1)
        return wrong(b, e->key, "name one place on each side",
                     "stands beside others, and `one <> each` is of one",
                     j->places[0][0].text);
    if (!lens_word_read(b, node, "unequal", &unequal_words, &unequal) ||
        !lens_word_read(b, node, "none", &none_words, &none))
        return false;
    if (unequal < 0)
        return say_word(b, e->key,
                        "say unequal: fail, null, first, min, max, sum or keep",
                        "what the one value is when the elements do not have "
                        "the same");
    if (none < 0)
        return say_word(
            b, e->key, "say none: refuse or lose",
            "what becomes of the one value when there is no element");
    j->unequal = (enum lens_unequal)unequal;
    j->none_refuse = none == 0;
    struct lens_way *w = ways(b, out, 1);
    if (!w)
        return false;
    for (size_t side = 0; side < 2; side++) {
        w->has[side] = true;
        w->place[side] = j->places[side][0];
    }
    b->each = true;
    bool good = lens_stages_read(b, node, true, w);
    b->each = false;
    return good;
}

/* By a shape, or by a step: `*[kind=card]`. */
static bool
read_back(struct lens_builder *b, const struct yaml *node,
          struct lens_back *out)
{
    struct lens_place p;
    if (node->kind == YAML_MAP)
        return lens_shape_conditions(b, node, &out->shape);
    if (!lens_place_read(b, node, &p))
        return false;
    if (p.n != 1 || p.steps[0].kind != LENS_EACH_FIND)
        return wrong(b, node, "write *[kind=card], or {kind: card}",
                     "tells no elements apart", p.text);
    out->find = &p.steps[0];
    return true;
}

static bool
read_concat(struct lens_builder *b, const struct yaml_entry *e,
            struct lens_joint *j, struct lens_arrow *out)
{
    const struct yaml *back = yaml_get(e->value, "back");
    j->one = j->n[LENS_OLDER] == 1 ? LENS_OLDER : LENS_NEWER;
    size_t n = j->n[1 - j->one];
    if (j->n[j->one] != 1 || n < 2)
        return wrong(b, e->key, "lead several lists to one",
                     "and the other side are not several lists and one",
                     j->places[0][0].text);
    if (!back || back->kind != YAML_LIST || back->n != n)
        return say_word(b, back ? back : e->key,
                        "say back: [\"*[kind=card]\", ...], one for each list",
                        "which elements of the one list go back to which of "
                        "the several");
    struct lens_back *backs = lens_array(b, n, sizeof(*backs));
    struct lens_way *all = ways(b, out, n);
    for (size_t i = 0; backs && all && i < n; i++) {
        if (!read_back(b, back->items[i], &backs[i]))
            return false;
        for (size_t side = 0; side < 2; side++) {
            all[i].has[side] = true;
            all[i].place[side] = j->places[side][j->n[side] > 1 ? i : 0];
        }
    }
    j->backs = backs;
    return backs && all;
}

static bool
read_split(struct lens_builder *b, const struct yaml_entry *e,
           struct lens_joint *j, struct lens_arrow *out)
{
    const struct yaml *node = e->value;
    const struct yaml *split = yaml_get(node, "split");
    span text;
    int outside;
    j->kind = LENS_JOINT_SPLIT;
    j->one = e->key->kind == YAML_LIST ? LENS_NEWER : LENS_OLDER;
    enum lens_side parts = lens_other(j->one);
    if (!lens_words_text(b, split, "`split`", &text) ||
        !lens_pattern_read(b, split, text, &j->pattern))
        return false;
    size_t n_said = j->n[parts];
    const struct lens_place *said = j->places[parts];
    if (!places_of_parts(b, split, j, parts) ||
        !lens_word_read(b, node, "outside", &outside_words, &outside))
        return false;
    for (size_t i = 0; i < j->n[parts]; i++) {
        bool found = !said && j->one == LENS_OLDER;
        for (size_t k = 0; k < n_said; k++)
            found = found || lens_place_same(&said[k], &j->places[parts][i]);
        if (!found || (said && n_said != j->n[parts]))
            return wrong(b, split, "name each place once, on both",
                         "is a part, and the places of that side are others",
                         j->places[parts][i].text);
    }
    if (j->n[j->one] != 1)
        return wrong(b, e->key, "lead to one place",
                     "is one text, and there are several",
                     j->places[j->one][0].text);
    j->outside_absent = outside == 1;
    return one_sided_ways(b, j, out);
}

static bool
read_table(struct lens_builder *b, const struct yaml_entry *e,
           struct lens_joint *j, struct lens_arrow *out)
{
    j->kind = LENS_JOINT_TABLE;
    return lens_rows_read(b, yaml_get(e->value, "table"), j) &&
           one_sided_ways(b, j, out);
}

static bool
misplaced(struct lens_builder *b, const struct yaml *node,
          const struct lens_joint *j)
{
    static const char *const of_copy[] = {"differ", "as",    "enum",
                                          "older",  "newer", "other",
                                          "absent", "omit",  "null"};
    bool is_each_kind = j->kind == LENS_JOINT_EACH;
    bool is_copy = j->kind == LENS_JOINT_COPY || is_each_kind;
    if (!is_each_kind &&
        (!lens_misplaced(b, node, "unequal", "`as: one <> each`") ||
         !lens_misplaced(b, node, "none", "`as: one <> each`")))
        return false;
    if (is_each_kind &&
        !lens_misplaced(b, node, "differ", "several places on one side"))
        return false;
    if (j->kind != LENS_JOINT_CONCAT &&
        !lens_misplaced(b, node, "back", "several lists and one"))
        return false;
    for (size_t i = 0; !is_copy && i < COUNT(of_copy); i++)
        if (!lens_misplaced(b, node, of_copy[i],
                            "a copy; a table says it in a cell"))
            return false;
    return j->kind != LENS_JOINT_TABLE ||
           lens_misplaced(b, node, "outside", "`as` or `split`");
}

/* Several lists, each with a last `*`, on one side. */
static bool
is_concat(const struct yaml_entry *e)
{
    const struct yaml *v = e->value;
    const struct yaml *to = v->kind == YAML_MAP ? yaml_get(v, "to") : v;
    const struct yaml *many = e->key->kind == YAML_LIST ? e->key : to;
    if (v->kind == YAML_MAP && (yaml_get(v, "concat") || yaml_get(v, "back")))
        return true;
    return many && many->kind == YAML_LIST && many->n &&
           many->items[0]->kind == YAML_SCALAR &&
           span_ends(many->items[0]->text, SPAN("/*"));
}

/* `to:`, else the same places; the parts of a split may be left to its text. */
static bool
read_to(struct lens_builder *b, const struct yaml_entry *e,
        struct lens_joint *j)
{
    const struct yaml *node = e->value;
    bool is_split = node->kind == YAML_MAP && yaml_get(node, "split");
    const struct yaml *lists =
        node->kind == YAML_MAP ? yaml_get(node, "concat") : NULL;
    if (lists)
        return lens_misplaced(b, node, "to", "the lists that `concat` names") &&
               read_places(b, lists, j, LENS_NEWER);
    const struct yaml *to =
        node->kind == YAML_MAP ? yaml_get(node, "to") : node;
    if (!to && is_split && e->key->kind != YAML_LIST)
        return true;
    return read_places(b, to ? to : e->key, j, LENS_NEWER);
}

bool
lens_joint_read(struct lens_builder *b, const struct yaml_entry *e,
                struct lens_arrow *out)
{
    const struct yaml *node = e->value;
    bool is_map = node->kind == YAML_MAP;
    struct lens_joint *j = lens_array(b, 1, sizeof(*j));
    if (j && is_concat(e))
        j->kind = LENS_JOINT_CONCAT;
    if (!j || (is_map && !lens_words_check(b, node, &joint_words)) ||
        !read_places(b, e->key, j, LENS_OLDER) || !read_to(b, e, j))
        return false;
    if (j->kind == LENS_JOINT_CONCAT && !is_map)
        return say_word(b, e->key, "say back: [\"*[kind=card]\", ...]",
                        "which elements of the one list go back to which of "
                        "the several");
    bool good = j->kind == LENS_JOINT_CONCAT        ? read_concat(b, e, j, out)
                : is_map && yaml_get(node, "split") ? read_split(b, e, j, out)
                : is_map && yaml_get(node, "table") ? read_table(b, e, j, out)
                : is_each(node)                     ? read_each(b, e, j, out)
                                                    : read_copy(b, e, j, out);
    out->joint = j;
    return good && check_stars(b, e->key, j) &&
           (!is_map ||
            (misplaced(b, node, j) && lens_arrow_common(b, node, out)));
}
