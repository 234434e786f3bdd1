/* SPDX-License-Identifier: Apache-2.0 */
/*
 * conflict: no two arrows of a table have one place on one side, unless no
 * document can meet both.
 */
#include "translators/lens/build.h"

#define NAMES_MAX 2048 /* of one table and type: the check compares all pairs */

/* The cases around an arrow: two cases of one choice never hold together. */
struct context {
    const struct context *up;
    const struct lens_choice *choice;
    const struct lens_block *block;
};

/* One place that is named on one side. */
struct name {
    enum lens_side side;
    struct lens_place place;
    const struct lens_origin *origin;
    const struct lens_arrow *arrow; /* NULL: a tag, a marker, a constant */
    const struct context *context;
    const char *what; /* "an arrow" */
    bool open;        /* an open set: what others name is none of it */
    bool
        is_list; /* the elements of a `lookup`: several arrows may share them */
};

struct checking {
    struct lens_builder *b;
    struct lens_vec names;
    size_t split; /* not 0: only names before it with names from it on */
};

/* ---- gathering ---- */

static bool
is_named(const struct checking *c, const struct name *one, size_t since)
{
    const struct name *all = c->names.at;
    for (size_t i = since; i < c->names.n; i++)
        if (all[i].side == one->side &&
            lens_place_same(&all[i].place, &one->place))
            return true;
    return false;
}

/* `since`: names from there on are of the same arrow and do not conflict. */
static void
add(struct checking *c, const struct name *one, size_t since)
{
    if (is_named(c, one, since))
        return;
    if (c->names.n == NAMES_MAX) {
        lens_problem(c->b, one->origin, "give parts of it types of their own",
                     "this is the %dth place that one table names in a type",
                     NAMES_MAX + 1);
    }
    if (c->names.n >= NAMES_MAX)
        return;
    struct name *slot = lens_vec_add(c->b, &c->names, sizeof(*slot));
    if (slot)
        *slot = *one;
}

/* The list that a `lookup` makes on one side. */
static void
add_list(struct checking *c, struct name one, const struct lens_way *w,
         size_t since)
{
    const struct lens_lookup *lookup = lens_way_lookup(w);
    if (!lookup || !lookup->is_alone)
        return;
    one.side = lookup->list;
    one.place = lookup->each[lookup->list];
    one.is_list = true;
    add(c, &one, since);
}

static void
add_arrow(struct checking *c, const struct lens_arrow *a,
          const struct context *context)
{
    size_t since = c->names.n;
    struct name one = {.origin = &a->origin,
                       .arrow = a,
                       .context = context,
                       .what = "an arrow"};
    for (size_t i = 0; i < a->n_ways; i++) {
        const struct lens_way *w = &a->ways[i];
        for (size_t side = 0; side < 2; side++) {
            if (!w->has[side])
                continue;
            one.side = (enum lens_side)side;
            one.place = w->place[side];
            one.open = w->open != NULL;
            add(c, &one, since);
        }
        one.open = false;
        add_list(c, one, w, since);
        if (w->rest.kind != LENS_REST_STASH)
            continue;
        one.side = lens_rest_side(w);
        one.place = w->rest.stash;
        add(c, &one, since);
    }
}

/* Cases nest as deep as the file does. */
/* NOLINTBEGIN(misc-no-recursion) */
static void add_block(struct checking *c, const struct lens_block *block,
                      const struct context *context);

static void
add_case(struct checking *c, const struct lens_choice *choice,
         const struct lens_case *one, const struct context *up)
{
    struct context *context = lens_array(c->b, 1, sizeof(*context));
    if (!context)
        return;
    *context = (struct context){up, choice, one->block};
    size_t since = c->names.n;
    for (size_t side = 0; side < 2; side++)
        for (size_t i = 0; i < one->shape[side].n_tags; i++) {
            struct name tag = {.side = (enum lens_side)side,
                               .place = one->shape[side].tags[i].place,
                               .origin = &one->origin,
                               .context = context,
                               .what = "a tag"};
            add(c, &tag, since);
        }
    add_block(c, one->block, context);
}

static void
add_block(struct checking *c, const struct lens_block *block,
          const struct context *context)
{
    for (size_t i = 0; i < block->n_arrows; i++)
        add_arrow(c, &block->arrows[i], context);
    for (size_t i = 0; i < block->n_choices; i++) {
        const struct lens_choice *choice = &block->choices[i];
        for (size_t k = 0; k < choice->n_cases; k++)
            /* Variants of one case share its block and its arrows. */
            if (k == 0 || choice->cases[k].block != choice->cases[k - 1].block)
                add_case(c, choice, &choice->cases[k], context);
    }
}
/* NOLINTEND(misc-no-recursion) */

/* ---- comparing ---- */

static bool
contexts_part(const struct context *a, const struct context *b)
{
    for (const struct context *x = a; x; x = x->up)
        for (const struct context *y = b; y; y = y->up)
            if (x->choice == y->choice && x->block != y->block)
                return true;
    return false;
}

static bool
facts_part(const struct lens_arrow *a, const struct lens_arrow *b)
{
    for (size_t i = 0; i < a->n_facts; i++)
        for (size_t k = 0; k < b->n_facts; k++)
            if (span_eq(a->facts[i].name, b->facts[k].name) &&
                !span_eq(a->facts[i].value, b->facts[k].value))
                return true;
    return false;
}

/* Can no document meet both? */
static bool
part(const struct name *a, const struct name *b)
{
    if (contexts_part(a->context, b->context))
        return true;
    if (!a->arrow || !b->arrow)
        return false;
    if (facts_part(a->arrow, b->arrow))
        return true;
    for (size_t side = 0; side < 2; side++)
        if (!lens_shape_disjoint(&a->arrow->when[side], &b->arrow->when[side]))
            return false;
    return true;
}

static const char *
side_word(enum lens_side side)
{
    return side == LENS_OLDER ? "older" : "newer";
}

static void
report(struct checking *c, const struct name *a, const struct name *b,
       bool is_same)
{
    const struct name *later = a->origin->order > b->origin->order ? a : b;
    const struct name *first = later == a ? b : a;
    span file =
        first->origin->change ? first->origin->change->file : c->b->api->file;
    if (is_same) {
        lens_problem(c->b, later->origin, "keep one of the two",
                     "`%.*s` on the %s side is named twice: here, and by %s at "
                     "%.*s:%u:%u",
                     SPAN_FMT(later->place.text), side_word(later->side),
                     first->what, SPAN_FMT(file), first->origin->line,
                     first->origin->column);
        return;
    }
    lens_problem(c->b, later->origin,
                 "tell the elements apart by a member, or "
                 "keep one of the two",
                 "`%.*s` and `%.*s` at %.*s:%u:%u may be one spot on the %s "
                 "side",
                 SPAN_FMT(later->place.text), SPAN_FMT(first->place.text),
                 SPAN_FMT(file), first->origin->line, first->origin->column,
                 side_word(later->side));
}

static bool
may_meet(const struct lens_place *a, const struct lens_place *b)
{
    if (a->n != b->n)
        return false;
    for (size_t i = 0; i < a->n; i++)
        if (!lens_step_may_meet(&a->steps[i], &b->steps[i]))
            return false;
    return true;
}

/* `[only]` says that there is one element, and the other that there may be more. */
static bool
only_beside_more(const struct lens_place *a, const struct lens_place *b)
{
    size_t n = 0;
    while (n < a->n && n < b->n && lens_step_same(&a->steps[n], &b->steps[n]))
        n++;
    if (n == a->n || n == b->n)
        return false;
    enum lens_step_kind x = a->steps[n].kind, y = b->steps[n].kind;
    return (x == LENS_ONLY && y == LENS_FIND) ||
           (x == LENS_FIND && y == LENS_ONLY);
}

static void
report_only(struct checking *c, const struct name *a, const struct name *b)
{
    const struct name *later = a->origin->order > b->origin->order ? a : b;
    const struct name *first = later == a ? b : a;
    lens_problem(c->b, later->origin,
                 "find both by a member, or say [0] instead of [only]",
                 "`%.*s` and `%.*s` (line %u) are of one list: where one has "
                 "to be made, [only] is refused",
                 SPAN_FMT(later->place.text), SPAN_FMT(first->place.text),
                 first->origin->line);
}

static void
compare_all(struct checking *c)
{
    const struct name *all = c->names.at;
    for (size_t i = c->split; i < c->names.n; i++)
        for (size_t k = 0; k < (c->split ? c->split : i); k++) {
            const struct name *a = &all[i], *b = &all[k];
            bool own =
                a->origin == b->origin || (a->arrow && a->arrow == b->arrow);
            if (own || a->side != b->side)
                continue;
            if (only_beside_more(&a->place, &b->place) && !part(a, b))
                report_only(c, a, b);
            if (a->is_list && b->is_list)
                continue;
            if (a->open != b->open || !may_meet(&a->place, &b->place) ||
                part(a, b))
                continue;
            report(c, a, b, lens_place_same(&a->place, &b->place));
        }
}

/* ---- markers and constants are the version's to write ---- */

static void
check_fixed(struct checking *c, const struct lens_type *type,
            const struct lens_place *fixed, enum lens_side side,
            const char *what)
{
    const struct name *all = c->names.at;
    for (size_t i = 0; i < c->names.n; i++) {
        if (all[i].side != side || !lens_place_same(&all[i].place, fixed))
            continue;
        lens_problem(c->b, all[i].origin, "leave it out here",
                     "`%.*s` is %s of type %.*s, which the version writes",
                     SPAN_FMT(fixed->text), what, SPAN_FMT(type->name));
    }
}

static void
check_type_at(struct checking *c, const struct lens_type *type, size_t version,
              enum lens_side side)
{
    const struct lens_type_at *at = &type->at[version];
    for (size_t i = 0; i < at->n_markers; i++)
        check_fixed(c, type, &at->markers[i], side, "a marker");
    for (size_t i = 0; i < at->n_constants; i++)
        check_fixed(c, type, &at->constants[i].place, side, "a constant");
}

static void
check_type(struct lens_builder *b, size_t table, size_t type)
{
    struct checking c = {.b = b};
    if (!b->blocks[table][type])
        return;
    add_block(&c, b->blocks[table][type], NULL);
    compare_all(&c);
    check_type_at(&c, &b->types[type], table, LENS_OLDER);
    check_type_at(&c, &b->types[type], table + 1, LENS_NEWER);
}

/* ---- http: blocks that may speak of one message ---- */

static void
check_pair(struct lens_builder *b, const struct lens_http *x,
           const struct lens_http *y)
{
    struct checking c = {.b = b};
    add_block(&c, x->block, NULL);
    if (x == y) {
        compare_all(&c);
        return;
    }
    c.split = c.names.n;
    add_block(&c, y->block, NULL);
    if (c.split)
        compare_all(&c);
}

static bool
may_meet_in_http(const struct lens_http *x, const struct lens_http *y)
{
    return lens_message_may_meet(&x->route[LENS_OLDER], &y->route[LENS_OLDER]);
}

static void
check_http(struct lens_builder *b, const struct lens_table *t)
{
    for (size_t i = 0; i < t->n_http; i++)
        for (size_t k = 0; k <= i && !b->full; k++)
            if (may_meet_in_http(&t->http[i], &t->http[k]))
                check_pair(b, &t->http[i], &t->http[k]);
    lens_routes_check(b, t);
}

void
lens_conflict_check(struct lens_builder *b)
{
    for (size_t t = 0; t + 1 < b->api->n_versions; t++) {
        for (size_t i = 0; i < b->api->n_types && !b->full; i++)
            check_type(b, t, i);
        check_http(b, &b->tables[t]);
    }
}
