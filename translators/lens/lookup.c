/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lookup: `lookup: index <> key, in: list, by: k`, a reference to one element of a list.
 *
 * Where one side has the element itself in place of a reference, that side has no list:
 * its elements are all that the other side's list has. Several arrows may share one.
 */
#include "translators/lens/build.h"

static const char *const how_words[] = {"index", "key", "element"};
static const struct lens_words side_words =
    LENS_WORDS("`in` of `lookup`", "older", "newer");

const struct lens_lookup *
lens_way_lookup(const struct lens_way *w)
{
    return w->stages.n == 1 && w->stages.at[0].kind == LENS_STAGE_LOOKUP
               ? w->stages.at[0].lookup
               : NULL;
}

/* ---- reading ---- */

static bool
wrong(struct lens_builder *b, const struct yaml *node)
{
    yaml_problem(b->problems, node,
                 "`lookup` says how each side names an element of a list");
    problem_remedy(b->problems,
                   "write lookup: index <> key, in: lines, by: id (or "
                   "element <> key, index <> element, ...)");
    return false;
}

static bool
read_how(span word, enum lens_reference *out)
{
    for (size_t i = 0; i < COUNT(how_words); i++)
        if (span_is(span_trim(word), how_words[i])) {
            *out = (enum lens_reference)i;
            return true;
        }
    return false;
}

static bool
read_ways(struct lens_builder *b, const struct yaml *node,
          struct lens_lookup *out)
{
    span text = node->kind == YAML_SCALAR ? node->text : (span){0};
    const char *mid = text.len ? memmem(text.at, text.len, "<>", 2) : NULL;
    if (!mid)
        return wrong(b, node);
    span older = span_take(text, (size_t)(mid - text.at));
    span newer = span_skip(text, older.len + 2);
    if (!read_how(older, &out->how[LENS_OLDER]) ||
        !read_how(newer, &out->how[LENS_NEWER]) || out->how[0] == out->how[1])
        return wrong(b, node);
    out->is_alone =
        out->how[0] == LENS_BY_ITSELF || out->how[1] == LENS_BY_ITSELF;
    out->list =
        out->how[LENS_OLDER] == LENS_BY_ITSELF ? LENS_NEWER : LENS_OLDER;
    return true;
}

/* A place of keys alone, which is not `.`. */
static bool
read_keys(struct lens_builder *b, const struct yaml *node, const char *word,
          struct lens_place *out)
{
    if (!lens_place_read(b, node, out))
        return false;
    bool keys = out->n > 0;
    for (size_t i = 0; i < out->n; i++)
        keys = keys && out->steps[i].kind == LENS_KEY;
    if (keys)
        return true;
    yaml_problem(b->problems, node,
                 "`%s` of `lookup` names members, step by "
                 "step",
                 word);
    problem_remedy(b->problems, "write %s",
                   span_is(span_str(word), "in")
                       ? "in: lines, or give what holds the list "
                         "a type of its own"
                       : "by: id");
    return false;
}

static bool
read_in(struct lens_builder *b, const struct yaml *node,
        struct lens_lookup *out)
{
    static const char *const sides[] = {"older", "newer"};
    bool by_side = node->kind == YAML_MAP;
    if (by_side && !lens_words_check(b, node, &side_words))
        return false;
    for (size_t side = 0; side < 2; side++) {
        if (out->how[side] == LENS_BY_ITSELF)
            continue;
        const struct yaml *own = by_side ? yaml_get(node, sides[side]) : node;
        if (!own) {
            yaml_problem(b->problems, node,
                         "nothing says where the %s side has its list",
                         sides[side]);
            problem_remedy(b->problems, "say in: {older: PLACE, newer: PLACE}");
            return false;
        }
        if (!read_keys(b, own, "in", &out->in[side]))
            return false;
    }
    return true;
}

static bool
read_each(struct lens_builder *b, struct lens_lookup *out)
{
    static const struct lens_step star = {.kind = LENS_EACH};
    static const struct lens_place every = {.steps = &star, .n = 1};
    return !out->is_alone || lens_place_join(b, &out->in[out->list], &every, 0,
                                             &out->each[out->list]);
}

bool
lens_lookup_read(struct lens_builder *b, const struct yaml *arrow,
                 struct lens_vec *stages)
{
    const struct yaml *said = yaml_get(arrow, "lookup");
    if (!said)
        return lens_misplaced(b, arrow, "in", "`lookup`") &&
               lens_misplaced(b, arrow, "by", "`lookup`");
    if (stages->n > 0) {
        yaml_problem(b->problems, said,
                     "`lookup` stands beside another word for the same value");
        problem_remedy(b->problems, "say one of them");
        return false;
    }
    struct lens_lookup *out = lens_array(b, 1, sizeof(*out));
    if (!out || !read_ways(b, said, out))
        return false;
    const struct yaml *in = yaml_get(arrow, "in");
    const struct yaml *by = yaml_get(arrow, "by");
    bool keyed = out->how[0] == LENS_BY_KEY || out->how[1] == LENS_BY_KEY;
    if (!in || !by == keyed)
        return wrong(b, said);
    if (!read_in(b, in, out) || !read_each(b, out) ||
        (by && !read_keys(b, by, "by", &out->by)))
        return false;
    struct lens_stage *slot = lens_vec_add(b, stages, sizeof(*slot));
    if (slot)
        *slot = (struct lens_stage){.kind = LENS_STAGE_LOOKUP, .lookup = out};
    return slot != NULL;
}

bool
lens_lookup_absence(struct lens_builder *b, const struct yaml *arrow,
                    const struct lens_arrow *a)
{
    const struct lens_lookup *lookup = lens_way_lookup(&a->ways[0]);
    if (!lookup || !lookup->is_alone ||
        a->absent[lens_other(lookup->list)].kind == LENS_VALUE_UNSAID)
        return true;
    yaml_problem(b->problems, yaml_get(arrow, "absent"),
                 "an element that is left out cannot stand for one of a list");
    problem_remedy(b->problems, "say `absent` of the other side");
    return false;
}

/* ---- when all has been read ---- */

static bool
shares(const struct lens_lookup *a, const struct lens_lookup *b)
{
    return b && a->is_alone && b->is_alone && a->list == b->list &&
           lens_place_same(&a->in[a->list], &b->in[b->list]);
}

/* A list that one side alone has is made of what is pointed at, and nothing else. */
static void
check_alone(struct lens_builder *b, const struct lens_way *w,
            const struct lens_lookup *lookup, const struct lens_way *other)
{
    const struct lens_place *list = &lookup->in[lookup->list];
    const struct lens_lookup *also = lens_way_lookup(other);
    if (other->has[lookup->list] &&
        lens_place_starts(&other->place[lookup->list], list)) {
        lens_problem(b, &other->origin, "give its elements a type of their own",
                     "`%.*s` is in the list of the `lookup` at line %u, which "
                     "has what is pointed at and nothing else",
                     SPAN_FMT(other->place[lookup->list].text), w->origin.line);
        return;
    }
    if (also && also->is_alone && also->list != lookup->list &&
        (lens_place_starts(&also->in[also->list], list) ||
         lens_place_starts(list, &also->in[also->list]))) {
        lens_problem(b, &other->origin, "part the change in two",
                     "`%.*s` is a list of one side alone, and the `lookup` at "
                     "line %u says so of the other side",
                     SPAN_FMT(list->text), w->origin.line);
        return;
    }
    bool alike = !shares(lookup, also) ||
                 (lookup->how[lookup->list] == also->how[lookup->list] &&
                  lens_place_same(&lookup->by, &also->by) &&
                  w->rest.kind == other->rest.kind);
    if (!alike)
        lens_problem(b, &other->origin, "say the same of both",
                     "this `lookup` and the one at line %u are of one list and "
                     "differ",
                     w->origin.line);
}

static bool
overlap(const struct lens_place *p, size_t from, const struct lens_place *by)
{
    for (size_t i = 0; i < by->n && from + i < p->n; i++)
        if (!lens_step_may_meet(&p->steps[from + i], &by->steps[i]))
            return false;
    return true;
}

/* A list that both sides have must be the same list, or an index would not say which. */
static void
check_shared(struct lens_builder *b, const struct lens_way *w,
             const struct lens_lookup *lookup, const struct lens_way *other)
{
    for (size_t side = 0; side < 2; side++) {
        const struct lens_place *list = &lookup->in[side];
        const struct lens_place *p = &other->place[side];
        if (!other->has[side])
            continue;
        bool above = lens_place_starts(list, p) &&
                     (other->stages.n > 0 || other->shape[side].said);
        bool inside = p->n > list->n && lens_place_starts(p, list);
        bool elements = inside && p->n == list->n + 1;
        bool key = inside && lookup->how[side] == LENS_BY_KEY &&
                   overlap(p, list->n + 1, &lookup->by);
        if (!above && !elements && !key)
            continue;
        lens_problem(b, &other->origin,
                     key && !elements
                         ? "give the elements a type of their own"
                         : "move the list as it is, or part the change in two",
                     "the `lookup` at line %u counts on `%.*s`, which `%.*s` "
                     "changes in the same step",
                     w->origin.line, SPAN_FMT(list->text), SPAN_FMT(p->text));
        return;
    }
}

/* The way that takes the list, or what it stands in, to the newer side: the longest. */
static const struct lens_way *
mover(const struct lens_lookup *lookup, const struct lens_way *const *ways,
      size_t n)
{
    const struct lens_way *best = NULL;
    for (size_t i = 0; i < n; i++) {
        const struct lens_place *from = &ways[i]->place[LENS_OLDER];
        if (ways[i]->has[0] && ways[i]->has[1] && from->n > 0 &&
            lens_place_starts(&lookup->in[LENS_OLDER], from) &&
            (!best || from->n > best->place[LENS_OLDER].n))
            best = ways[i];
    }
    return best;
}

static void
check_moved(struct lens_builder *b, const struct lens_way *w,
            const struct lens_lookup *lookup,
            const struct lens_way *const *ways, size_t n)
{
    const struct lens_place *older = &lookup->in[LENS_OLDER];
    const struct lens_place *newer = &lookup->in[LENS_NEWER];
    const struct lens_way *by = mover(lookup, ways, n);
    struct lens_place there = *older;
    if (by && !lens_place_join(b, &by->place[LENS_NEWER], older,
                               by->place[LENS_OLDER].n, &there))
        return;
    if (lens_place_same(&there, newer))
        return;
    lens_problem(b, &w->origin,
                 "say in: {older: PLACE, newer: PLACE} as the "
                 "arrows of this step lead",
                 "`in` names `%.*s` in the older version and `%.*s` in the "
                 "newer one, and they are not one list: it is at `%.*s` there",
                 SPAN_FMT(older->text), SPAN_FMT(newer->text),
                 SPAN_FMT(there.text));
}

static void
check_heads(struct lens_builder *b, const struct lens_way *w)
{
    for (size_t side = 0; side < 2; side++) {
        if (!lens_place_is_text(&w->place[side]))
            continue;
        lens_problem(b, &w->origin, "say it of places in a body",
                     "`%.*s` is in the head of a message, and a reference "
                     "stands beside its list",
                     SPAN_FMT(w->place[side].text));
        return;
    }
}

void
lens_lookup_check(struct lens_builder *b, const struct lens_way *const *ways,
                  size_t n, bool is_message)
{
    for (size_t i = 0; i < n && !b->full; i++) {
        const struct lens_lookup *lookup = lens_way_lookup(ways[i]);
        if (!lookup)
            continue;
        for (size_t k = 0; k < n; k++)
            if (lookup->is_alone)
                check_alone(b, ways[i], lookup, ways[k]);
            else
                check_shared(b, ways[i], lookup, ways[k]);
        if (!lookup->is_alone)
            check_moved(b, ways[i], lookup, ways, n);
        if (is_message)
            check_heads(b, ways[i]);
    }
}
