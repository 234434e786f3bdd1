/* SPDX-License-Identifier: Apache-2.0 */
/*
 * way: one way for a value between two places: stages, rest, hide, and the cases
 * of an arrow, which are ways.
 */
#include "translators/lens/build.h"

static const struct lens_words case_words = LENS_WORDS(
    "a case at a place", "older", "newer", "both", "to", "as", "enum", "other",
    "rest", "outside", "hide", "double", "pick", "empty", "overlap");
static const struct lens_words outside_words =
    LENS_WORDS("`outside`", "fail", "pass", "null", "absent");
static const struct lens_words pick_words =
    LENS_WORDS("`pick`", "first", "last", "only");
static const struct lens_words else_words =
    LENS_WORDS("`else`", "fail", "pass", "hide");
static const struct lens_words hide_words =
    LENS_WORDS("`hide`", "drop", "fail");
static const struct lens_words rest_words =
    LENS_WORDS("`rest`", "lose", "refuse", "keep");
static const struct lens_words bag_words =
    LENS_WORDS("`rest`", "stash", "wins");
static const struct lens_words wins_word = LENS_WORDS("`wins`", "stash");
static const struct lens_words first_word = LENS_WORDS("`overlap`", "first");
static const struct lens_words drop_word = LENS_WORDS("`double`", "drop");
static const struct lens_words absent_word = LENS_WORDS("`empty`", "absent");

/* ---- places ---- */

static bool
refuse_star(struct lens_builder *b, const struct yaml *at,
            const struct lens_place *place)
{
    yaml_problem(b->problems, at,
                 "`%.*s` is every element here, and nothing says what each "
                 "becomes",
                 SPAN_FMT(place->text));
    problem_remedy(b->problems,
                   "lead from list/* to list/*, or from an open set bag/* to "
                   "\"*\"");
    return false;
}

bool
lens_to_read(struct lens_builder *b, const struct yaml *node,
             struct lens_place *out)
{
    if (node->kind == YAML_LIST) {
        yaml_problem(b->problems, node, "a case leads to one place");
        problem_remedy(b->problems, "copy in a change of its own");
        return false;
    }
    if (!lens_place_read(b, node, out))
        return false;
    if (out->n > 0)
        return true;
    yaml_problem(b->problems, node,
                 "`.` is the object itself, and an arrow "
                 "leads between places in it");
    problem_remedy(b->problems, "name a member");
    return false;
}

static bool
ends_in_star(const struct lens_place *p)
{
    return p->n > 0 && (p->steps[p->n - 1].kind == LENS_EACH ||
                        p->steps[p->n - 1].kind == LENS_EACH_FIND);
}

/* A last `*` may only stand for the elements of a list, on both sides, or boxed on the
 * other; in a case that one side has not, on the other. */
static bool
check_last_star(struct lens_builder *b, const struct yaml *at,
                const struct lens_way *w)
{
    bool one_sided_case = w->hide != LENS_HIDE_UNSAID;
    for (size_t side = 0; side < 2; side++) {
        const struct lens_place *own = &w->place[side];
        const struct lens_place *other = &w->place[1 - side];
        if (!w->has[side] || !ends_in_star(own) || w->open)
            continue;
        bool find = own->steps[own->n - 1].kind == LENS_EACH_FIND;
        bool alone = !w->has[1 - side];
        bool as_the_other = !alone && ends_in_star(other) && other->n > 1 &&
                            (!find || lens_place_same(own, other));
        bool boxed = !alone && !find && other->n > own->n &&
                     lens_place_starts(other, own);
        if (own->n < 2 || !(as_the_other || boxed || (alone && one_sided_case)))
            return refuse_star(b, at, own);
    }
    return true;
}

/* A stash is one place for each element, or one for the whole. */
static bool
check_stash_stars(struct lens_builder *b, const struct yaml *at,
                  const struct lens_way *w)
{
    size_t stars = lens_place_stars(&w->place[LENS_OLDER]);
    if (w->rest.kind != LENS_REST_STASH ||
        lens_place_stars(&w->rest.stash) == stars)
        return true;
    yaml_problem(b->problems, at,
                 "`%.*s` has %zu `*` and its stash `%.*s` has %zu: each "
                 "element needs a stash of its own",
                 SPAN_FMT(w->place[LENS_OLDER].text), stars,
                 SPAN_FMT(w->rest.stash.text),
                 lens_place_stars(&w->rest.stash));
    problem_remedy(b->problems, "keep it in the element, behind the same `*`");
    return false;
}

bool
lens_way_check(struct lens_builder *b, const struct yaml *at,
               const struct lens_way *w)
{
    if (!check_last_star(b, at, w))
        return false;
    if (!w->has[0] || !w->has[1])
        return true;
    size_t older = lens_place_stars(&w->place[LENS_OLDER]);
    size_t newer = lens_place_stars(&w->place[LENS_NEWER]);
    if (older == newer)
        return check_stash_stars(b, at, w);
    yaml_problem(b->problems, at,
                 "`%.*s` has %zu `*` and `%.*s` has %zu: the same elements "
                 "must stand on both sides",
                 SPAN_FMT(w->place[LENS_OLDER].text), older,
                 SPAN_FMT(w->place[LENS_NEWER].text), newer);
    problem_remedy(b->problems,
                   "name one element ([0], [last], [kind=gift]), or give the "
                   "elements a type");
    return false;
}

/* ---- `hide`, `rest`, `outside` and what stages need ---- */

bool
lens_arrow_hide(struct lens_builder *b, const struct yaml *node,
                enum lens_side read, enum lens_hide *out,
                struct lens_value *value)
{
    if (!node)
        return true;
    int word = lens_words_find(node, &hide_words);
    if (word >= 0) {
        *out = word == 0 ? LENS_HIDE_DROP : LENS_HIDE_FAIL;
        return true;
    }
    *out = LENS_HIDE_VALUE;
    return lens_value_read(b, node, read, value);
}

static bool
read_rest(struct lens_builder *b, const struct yaml *node,
          struct lens_rest *out)
{
    if (!node)
        return true;
    if (node->kind == YAML_MAP) {
        const struct yaml *q = yaml_get(node, "stash");
        out->kind = LENS_REST_STASH;
        if (!lens_words_check(b, node, &bag_words))
            return false;
        if (!q) {
            yaml_problem(b->problems, node, "`rest` has no place to keep it");
            problem_remedy(b->problems, "say rest: {stash: place}");
            return false;
        }
        return lens_place_read(b, q, &out->stash) &&
               lens_flag_read(b, node, "wins", &wins_word, &out->wins);
    }
    static const enum lens_rest_kind kinds[] = {
        LENS_REST_LOSE, LENS_REST_REFUSE, LENS_REST_KEEP};
    int word = lens_words_one(b, node, &rest_words);
    if (word >= 0)
        out->kind = kinds[word];
    return word >= 0;
}

static struct lens_stage *
list_stage(const struct lens_vec *stages)
{
    struct lens_stage *all = stages->at;
    for (size_t i = 0; i < stages->n; i++)
        if (all[i].kind == LENS_STAGE_LIST)
            return &all[i];
    return NULL;
}

static bool
one_list(struct lens_builder *b, const struct yaml *at,
         const struct lens_vec *stages)
{
    const struct lens_stage *all = stages->at;
    size_t n = 0;
    for (size_t i = 0; i < stages->n; i++)
        n += all[i].kind == LENS_STAGE_LIST || all[i].kind == LENS_STAGE_INDEX;
    if (n <= 1)
        return true;
    yaml_problem(b->problems, at, "two forms of lists stand on one arrow");
    problem_remedy(b->problems, "say it once");
    return false;
}

static bool
is_index(const struct lens_vec *stages)
{
    return lens_index_of(&(struct lens_stages){stages->at, stages->n}) != NULL;
}

static bool
read_list_words(struct lens_builder *b, const struct yaml *node,
                const struct lens_vec *stages)
{
    struct lens_stage *list = list_stage(stages);
    if (!lens_index_words(b, node, stages))
        return false;
    if (!list)
        return lens_misplaced(b, node, "pick", "`as: one <> list`") &&
               (is_index(stages) ||
                lens_misplaced(b, node, "empty",
                               "`as: one <> list` or `list(k) <> map`"));
    int pick;
    if (!lens_word_read(b, node, "pick", &pick_words, &pick) ||
        !lens_flag_read(b, node, "empty", &absent_word, &list->empty_absent))
        return false;
    list->pick = pick < 0 ? LENS_PICK_FIRST : (enum lens_pick)pick;
    return true;
}

static bool
is_form(const struct lens_vec *stages)
{
    const struct lens_stage *all = stages->at;
    for (size_t i = 0; i < stages->n; i++)
        if (all[i].kind == LENS_STAGE_FORM || all[i].kind == LENS_STAGE_PATHS)
            return true;
    return false;
}

static bool
read_outside(struct lens_builder *b, const struct yaml *node,
             const struct lens_vec *stages, enum lens_outside *out)
{
    int word;
    if (!is_form(stages))
        return lens_misplaced(b, node, "outside", "`as: X <> Y`");
    if (!lens_word_read(b, node, "outside", &outside_words, &word))
        return false;
    *out = word < 0 ? LENS_OUTSIDE_FAIL : (enum lens_outside)word;
    return true;
}

static bool
read_symbols(struct lens_builder *b, const struct yaml *node, bool has_extras,
             struct lens_vec *stages)
{
    const struct yaml *symbols = yaml_get(node, "enum");
    if (!symbols && has_extras && !yaml_get(node, "older") &&
        !yaml_get(node, "newer"))
        return lens_misplaced(b, node, "other", "`enum`");
    if (!symbols && !has_extras)
        return lens_misplaced(b, node, "other", "`enum`");
    return lens_symbol_read(b, node, has_extras, stages);
}

bool
lens_stages_read(struct lens_builder *b, const struct yaml *node,
                 bool has_extras, struct lens_way *out)
{
    struct lens_vec stages = {0};
    const struct yaml *as = yaml_get(node, "as");
    if (as && yaml_get(node, "enum")) {
        yaml_problem(b->problems, as,
                     "`as` and `enum` stand on one arrow, and nothing says "
                     "which comes first");
        problem_remedy(b->problems, "say one of them");
        return false;
    }
    if (as && (!lens_form_read(b, as, &stages) || !one_list(b, as, &stages)))
        return false;
    if (!read_symbols(b, node, has_extras, &stages) ||
        !lens_order_read(b, yaml_get(node, "order"), &stages) ||
        !lens_flat_read(b, node, &stages) ||
        !lens_lookup_read(b, node, &stages) ||
        !read_list_words(b, node, &stages) ||
        !read_outside(b, node, &stages, &out->outside))
        return false;
    out->stages.at = stages.at;
    out->stages.n = stages.n;
    return true;
}

static bool
read_double(struct lens_builder *b, const struct yaml *node,
            struct lens_way *out)
{
    if (lens_index_of(&out->stages))
        return true; /* it has been read */
    if (!lens_flag_read(b, node, "double", &drop_word, &out->drop_doubles))
        return false;
    if (!out->drop_doubles ||
        (ends_in_star(&out->place[0]) && out->stages.n > 0))
        return true;
    return lens_misplaced(b, node, "double",
                          "`enum` on the elements of a list, "
                          "tags/*");
}

/* Are there other members or elements at all that `rest` could speak of? */
static bool
has_rest(const struct lens_way *w)
{
    const struct lens_stage *index = lens_index_of(&w->stages);
    if (index && index->held == LENS_HELD_VALUE)
        return w->rest.kind != LENS_REST_STASH;
    const struct lens_lookup *lookup = lens_way_lookup(w);
    if (lookup)
        return lookup->is_alone && w->rest.kind != LENS_REST_STASH &&
               w->rest.kind != LENS_REST_KEEP;
    for (size_t i = 0; i < w->stages.n; i++)
        if (w->stages.at[i].kind == LENS_STAGE_LIST)
            return true;
    for (size_t side = 0; side < 2; side++) {
        if (w->shape[side].has_inside && w->shape[side].inside.n > 0)
            return true;
        if (w->shape[side].n_tags > 0)
            return true;
        if (lens_way_boxes(w, (enum lens_side)side))
            return true;
    }
    return false;
}

/* The words that a plain arrow and a case share. */
bool
lens_way_read(struct lens_builder *b, const struct yaml *node, bool has_extras,
              struct lens_way *out)
{
    if (!lens_stages_read(b, node, has_extras, out) ||
        !read_rest(b, yaml_get(node, "rest"), &out->rest) ||
        !read_double(b, node, out))
        return false;
    if (out->rest.kind != LENS_REST_UNSAID && !has_rest(out))
        return lens_misplaced(
            b, node, "rest",
            "a box (`a: a/k`), `[k]/k`, `one <> list`, `map(v)`, a `lookup` "
            "of elements (lose or refuse) or a case's `.`; other members stay "
            "where they are");
    /* A value instead of what fails: read on either side, so a literal. */
    return lens_arrow_hide(b, yaml_get(node, "hide"), LENS_OLDER, &out->hide,
                           &out->hidden);
}

/* Does the rest of the place, from `from` on, begin with this member? */
static bool
takes(const struct lens_place *p, size_t from, const struct lens_place *member)
{
    for (size_t i = 0; i < member->n; i++)
        if (from + i >= p->n ||
            !lens_step_same(&p->steps[from + i], &member->steps[i]))
            return false;
    return true;
}

size_t
lens_way_element(const struct lens_place *p)
{
    for (size_t n = p->n; n-- > 0;)
        for (size_t i = 0;
             p->steps[n].kind == LENS_FIND && i < p->steps[n].n_finds; i++)
            if (p->steps[n].finds[i].kind != LENS_LACKS &&
                takes(p, n + 1, &p->steps[n].finds[i].member))
                return n + 1;
    return 0;
}

bool
lens_way_boxes(const struct lens_way *w, enum lens_side side)
{
    if (!w->has[0] || !w->has[1])
        return false;
    const struct lens_place *box = &w->place[side];
    const struct lens_place *bare = &w->place[1 - side];
    if (bare->n == 0)
        return false; /* `.` in a case at a type has a `rest:` of its own */
    if (box->n > bare->n && lens_place_starts(box, bare))
        return true;
    return lens_way_element(box) > 0;
}

/* ---- cases at a place ---- */

static bool
read_sides(struct lens_builder *b, const struct yaml *node, size_t variant,
           struct lens_shape out[2])
{
    static const char *const names[2] = {"older", "newer"};
    const struct yaml *both = yaml_get(node, "both");
    for (size_t side = 0; side < 2; side++) {
        const struct yaml *own = yaml_get(node, names[side]);
        if (both && own) {
            yaml_problem(b->problems, own,
                         "`%s` beside `both`: one side is said twice",
                         names[side]);
            problem_remedy(b->problems, "say `both`, or `older` and `newer`");
            return false;
        }
        own = own ? own : both;
        if (own && !lens_shape_read(b, own, variant, &out[side]))
            return false;
    }
    return true;
}

size_t
lens_case_width(struct lens_builder *b, const struct yaml *node)
{
    static const char *const names[] = {"older", "newer", "both"};
    size_t width = 1;
    for (size_t i = 0; i < COUNT(names); i++) {
        const struct yaml *shape = yaml_get(node, names[i]);
        size_t w = shape ? lens_shape_width(b, shape) : 1;
        if (w == 0)
            return 0;
        if (w != 1 && width != 1 && w != width) {
            yaml_problem(b->problems, shape,
                         "lists of constants pair by position, and this side "
                         "has %zu where the other has %zu",
                         w, width);
            problem_remedy(b->problems, "make them equally long");
            return 0;
        }
        width = w > width ? w : width;
    }
    return width;
}

bool
lens_case_shapes(struct lens_builder *b, const struct yaml *node,
                 size_t variant, struct lens_shape shape[2], bool has[2])
{
    if (!read_sides(b, node, variant, shape))
        return false;
    has[0] = has[1] = true;
    if (!yaml_get(node, "hide"))
        return true;
    for (size_t side = 0; side < 2; side++)
        if (shape[1 - side].said && !shape[side].said)
            has[side] = false;
    return true;
}

/* A constant tells nothing that the other side could be made of. */
static bool
check_carried(struct lens_builder *b, const struct yaml *node,
              const struct lens_shape shape[2])
{
    for (size_t side = 0; side < 2; side++) {
        const struct lens_shape *own = &shape[side];
        const struct lens_shape *other = &shape[1 - side];
        bool made = other->constant || (other->n_tags && !other->has_inside);
        if (!own->constant || made)
            continue;
        yaml_problem(b->problems, node,
                     "nothing says what %.*s becomes on the other side",
                     SPAN_FMT(lens_literal_show(b, own->constant)));
        problem_remedy(b->problems, "give the other side a constant or tags, "
                                    "or say `hide`");
        return false;
    }
    return true;
}

static bool
read_case_way(struct lens_builder *b, const struct yaml *node, size_t variant,
              const struct lens_place place[2], struct lens_way *out)
{
    *out = (struct lens_way){.place = {place[0], place[1]}};
    out->origin = lens_origin_at(b, node);
    const struct yaml *to = yaml_get(node, "to");
    if (!lens_case_shapes(b, node, variant, out->shape, out->has) ||
        (to && !lens_to_read(b, to, &out->place[LENS_NEWER])))
        return false;
    return lens_way_read(b, node, false, out) &&
           lens_way_check(b, to ? to : node, out) &&
           (!out->has[0] || !out->has[1] || check_carried(b, node, out->shape));
}

static bool
read_case(struct lens_builder *b, const struct yaml *node,
          const struct lens_place place[2], struct lens_arrow *arrow,
          struct lens_vec *ways)
{
    if (!lens_words_check(b, node, &case_words))
        return false;
    size_t width = lens_case_width(b, node);
    for (size_t i = 0; i < width; i++) {
        struct lens_way one;
        if (!read_case_way(b, node, i, place, &one))
            return false;
        struct lens_way *slot = lens_vec_add(b, ways, sizeof(one));
        if (!slot)
            return false;
        *slot = one;
    }
    bool first = false;
    if (!lens_flag_read(b, node, "overlap", &first_word, &first))
        return false;
    arrow->overlap_first = arrow->overlap_first || first;
    return width > 0;
}

/* With cases, what a single way would say is said in each case. */
static bool
check_beside_cases(struct lens_builder *b, const struct yaml *node)
{
    static const char *const words[] = {
        "flatten", "back",   "order",   "as",   "enum",   "older", "newer",
        "other",   "rest",   "outside", "hide", "double", "pick",  "empty",
        "value",   "except", "keys",    "deep", "foreign"};
    if (!lens_misplaced(b, node, "lookup", "an arrow without `cases`"))
        return false;
    for (size_t i = 0; i < COUNT(words); i++) {
        const struct yaml *said = yaml_get(node, words[i]);
        if (!said)
            continue;
        yaml_problem(b->problems, said, "`%s` stands beside `cases`", words[i]);
        problem_remedy(b->problems, "say it in each case");
        return false;
    }
    return true;
}

bool
lens_cases_read(struct lens_builder *b, const struct yaml *node,
                const struct lens_place place[2], struct lens_arrow *out)
{
    const struct yaml *cases = yaml_get(node, "cases");
    if (!check_beside_cases(b, node))
        return false;
    if (cases->kind != YAML_LIST || cases->n == 0) {
        yaml_problem(b->problems, cases, "`cases` is a list of cases");
        problem_remedy(b->problems, "write - {older: string, newer: {id: .}}");
        return false;
    }
    struct lens_vec ways = {0};
    for (size_t i = 0; i < cases->n; i++)
        if (!read_case(b, cases->items[i], place, out, &ways))
            return false;

    int otherwise;
    bool first = out->overlap_first;
    if (!lens_word_read(b, node, "else", &else_words, &otherwise) ||
        !lens_flag_read(b, node, "overlap", &first_word, &out->overlap_first))
        return false;
    out->overlap_first = out->overlap_first || first;
    out->otherwise = otherwise < 0 ? LENS_ELSE_FAIL : (enum lens_else)otherwise;
    out->has_cases = true;
    out->ways = ways.at;
    out->n_ways = ways.n;
    return true;
}
