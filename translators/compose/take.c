/* SPDX-License-Identifier: Apache-2.0 */
/*
 * take: values leave their places, and objects that are emptied go.
 */
#include "translators/compose/step.h"

/* ---- 2. take ------------------------------------------------------------------- */

/* Takes by how deep they cut, deepest first. */
static size_t *
deepest_first(struct step *s)
{
    size_t *order = arena_array(s->c->a, s->n + 1, sizeof(*order));
    size_t n = 0;
    if (!order) {
        compose_full(s->c);
        return NULL;
    }
    for (size_t depth = STEPS_MAX + 1; depth-- > 0;)
        for (size_t i = 0; i < s->n; i++)
            if (s->takes[i].has_from && s->takes[i].from.place->n == depth)
                order[n++] = i;
    return order;
}

/* Does anything typed, which is translated later, lie in it? */
static bool
holds_inner(const struct normal_node *n, struct normal_node *const *inner,
            size_t n_inner)
{
    for (size_t i = 0; i < n_inner; i++)
        for (const struct normal_node *at = inner[i]; at; at = at->parent)
            if (at == n)
                return true;
    return false;
}

/* What stands there now: another arrow may have taken what did, for its own case. */
static struct normal_node *
node_here(const struct spot *at)
{
    const struct normal_node *host = at->host;
    if (at->is_others)
        return host->others;
    for (size_t i = 0; i < host->n_kids; i++)
        if (host->kids[i]->is_each == at->node->is_each &&
            span_eq(host->kids[i]->key, at->node->key))
            return host->kids[i];
    return at->node;
}

static bool
take_one(struct step *s, struct take *t, struct normal_node *const *inner,
         size_t n_inner)
{
    struct compose *c = s->c;
    struct normal_node *n = node_here(&t->from);
    t->from.node = n;
    guard left = without(c, node_present(c, n), t->when);
    t->taken = both(c, node_present(c, n), t->when);
    if (t->is_own || t->way->drop_doubles) {
        t->as_it_came = node_copy(c, n);
        if (!t->as_it_came)
            return false;
        node_limit(c, t->as_it_came, t->when);
    }
    t->value = n;
    struct normal_node *stays = NULL;
    if (left != GUARD_NEVER) {
        for (size_t i = 0; i < s->n; i++)
            for (size_t k = 0; s->takes[i].has_from && &s->takes[i] != t &&
                               k < s->takes[i].from.place->n;
                 k++)
                if (s->takes[i].from.path[k] == n)
                    return compose_stop(c, &t->arrow->origin,
                                        "an object moves only sometimes, and "
                                        "parts of it by themselves");
        if (holds_inner(n, inner, n_inner))
            return compose_stop(c, &t->arrow->origin,
                                "an object of a type moves only sometimes");
        stays = node_copy(c, n);
        if (!stays)
            return false;
        node_limit(c, stays, left);
        node_limit(c, n, t->when);
    }
    if (!node_cut(c, n))
        return false;
    if (stays && t->from.is_others) {
        t->from.host->others = stays;
        stays->parent = t->from.host;
        return true;
    }
    for (size_t i = 0; stays && i < t->from.host->n_kids; i++) {
        struct normal_node *hole = t->from.host->kids[i];
        if (hole->is_each == n->is_each && span_eq(hole->key, n->key) &&
            hole->n_alts == 0) {
            t->from.host->kids[i] = stays;
            stays->parent = t->from.host;
        }
    }
    return true;
}

bool
step_take(struct step *s, struct normal_node *const *inner, size_t n_inner)
{
    size_t *order = deepest_first(s);
    if (!order)
        return false;
    for (size_t i = 0; i < s->n; i++)
        for (size_t k = 0; s->takes[i].has_from && k < s->takes[i].from.n_stars;
             k++) {
            struct normal_node *each = s->takes[i].from.stars[k];
            each->met = s->c->step;
            each->stood = node_present(s->c, each);
        }
    for (size_t i = 0, n = 0; i < s->n; i++)
        if (s->takes[i].has_from &&
            !take_one(s, &s->takes[order[n++]], inner, n_inner))
            return false;
    return true;
}

/* ---- the rest of a box ------------------------------------------------------------ */

static bool
begins_with_list(enum lens_side side, const struct lens_way *way)
{
    size_t first = side == LENS_OLDER ? 0 : way->stages.n - 1;
    return way->stages.n && way->stages.at[first].kind == LENS_STAGE_LIST;
}

/* A list that becomes a map asks for the rest of its elements. */
static bool
is_turned(const struct lens_way *way)
{
    for (size_t i = 0; i < way->stages.n; i++)
        if (way->stages.at[i].kind == LENS_STAGE_INDEX)
            return true;
    return false;
}

/* Has the value on this side a rest that `rest:` speaks of? */
static bool
has_rest(enum lens_side side, const struct lens_way *way)
{
    return way->has[side] && !is_turned(way) && side != lens_rest_side(way) &&
           !way->shape[side].has_inside &&
           (begins_with_list(side, way) || way->place[side].n > 1);
}

/* `rest: keep`: what replaces a whole document would erase what only the store has. */
bool
step_keep_rest(struct step *s, const struct take *t)
{
    struct compose *c = s->c;
    if (t->way->rest.kind != LENS_REST_KEEP || !t->has_from ||
        !(has_rest(c->write, t->way) || t->way->shape[c->write].has_inside))
        return true;
    guard replaces = ask(c, (struct atom){.kind = ATOM_REPLACES});
    guard there = both(c, t->when, node_present(c, t->from.node));
    return say_check(c, both(c, there, replaces), t->from.scope,
                     &t->way->origin,
                     "replacing this would erase what stands beside it, which "
                     "only the stored document has");
}

/* How many steps lead to the box of this way: to where the bare value stands on the
 * other side, else to the innermost object. */
static size_t
box_steps(const struct compose *c, const struct lens_way *way)
{
    const struct lens_place *box = &way->place[c->read];
    const struct lens_place *bare = &way->place[c->write];
    struct lens_place begin = {box->steps, bare->n, box->text};
    if (bare->n > 0 && bare->n < box->n && lens_place_same(&begin, bare))
        return bare->n;
    size_t element = lens_way_element(box);
    return element ? element : box->n - 1;
}

/* While `when` holds all that is left in the object goes. */
static bool
empty_box(struct compose *c, struct normal_node *box, guard when)
{
    size_t n_alts = box->n_alts;
    for (size_t i = 0; i < n_alts; i++) {
        struct normal_alt alt = box->alts[i];
        guard emptied = both(c, alt.when, when);
        if (alt.kind == ALT_MADE || emptied == GUARD_NEVER)
            continue;
        box->alts[i].when = without(c, alt.when, when);
        alt.kind = ALT_MADE;
        alt.when = emptied;
        if (!node_add(c, box, alt))
            return false;
    }
    for (size_t i = 0; i < box->n_kids; i++)
        node_limit(c, box->kids[i], guard_not(&c->guards, when));
    if (box->others)
        node_limit(c, box->others, guard_not(&c->guards, when));
    return true;
}

/* Is it an object or a list, and nothing in it? */
static guard
hollow(struct compose *c, struct normal_node *n)
{
    guard is = both(c, node_types(c, n, LENS_OBJECT), node_void(c, n));
    for (size_t i = 0; i < n->n_alts; i++) {
        if (n->alts[i].kind != ALT_SOURCE)
            continue;
        uint32_t term = term_of_source(c, n->alts[i].source);
        guard empty =
            both(c, ask_types(c, term, LENS_LIST),
                 ask(c, (struct atom){.kind = ATOM_EMPTY, .term = term}));
        is = either(c, is, both(c, n->alts[i].when, empty));
    }
    return is;
}

/* `rest: lose`, `refuse` or `keep`: what is in the box besides what was taken. */
bool
step_cut_box(struct step *s, struct take *t, struct normal_node *const *inner,
             size_t n_inner)
{
    struct compose *c = s->c;
    const struct lens_way *way = t->way;
    if (way->rest.kind == LENS_REST_UNSAID || is_turned(way) || !t->has_from ||
        !t->leads || lens_rest_side(way) == c->read ||
        begins_with_list(c->read, way) || way->shape[c->read].has_inside ||
        way->place[c->read].n < 2)
        return true;
    size_t steps = box_steps(c, way);
    struct normal_node *box = t->from.path[steps];
    guard object = both(c, t->when, node_types(c, box, LENS_OBJECT));
    guard nothing = box->element ? element_void(c, box) : node_void(c, box);
    guard others = without(c, object, nothing);
    if (!box->element && steps + 1 < t->from.place->n) {
        /* What was emptied on the way to the value is nothing beside it. */
        struct normal_node *next = t->from.path[steps + 1];
        guard alone = both(c, node_void_but(c, box, next), hollow(c, next));
        others = without(c, others, alone);
    }
    const struct lens_origin *origin = &way->origin;
    if (way->rest.kind == LENS_REST_REFUSE)
        return say_check(c, others, t->from.scope, origin,
                         "beside what is taken stands something that this "
                         "version cannot hold");
    if (way->rest.kind == LENS_REST_KEEP) {
        guard request = ask(c, (struct atom){.kind = ATOM_REQUEST});
        if (!say_check(c, both(c, others, request), t->from.scope, origin,
                       "beside what is taken stands something that this "
                       "version cannot hold"))
            return false;
        others = without(c, others, request);
    }
    if (holds_inner(box, inner, n_inner))
        return compose_stop(c, origin,
                            "an object of a type is lost with a box");
    t->taken = either(c, t->taken, others);
    return say_notice(c, others, t->from.scope, NOTICE_LOSSY, origin) &&
           empty_box(c, box, others);
}

/* ---- 4. prune ------------------------------------------------------------------- */

struct candidate {
    struct normal_node *node;
    const struct lens_place *place;
    size_t n;
    guard cut; /* something was taken out of it */
};

/* For some element. */
static guard
any_of(struct compose *c, uint32_t each, guard is)
{
    if (each != NORMAL_NONE && c->sources[each].of_object)
        return others_some(c, each, is);
    return is == GUARD_NEVER || each == NORMAL_NONE
               ? GUARD_NEVER
               : ask(c,
                     (struct atom){.kind = ATOM_ANY, .source = each, .n = is});
}

/* Is a list, or an object under a star, left without anything? */
static guard
none_left(struct compose *c, const struct normal_node *n)
{
    const struct normal_node *each = n->kids[0];
    return without(c, node_present(c, n),
                   any_of(c, each->each, node_present(c, each)));
}

/* An element of a list stays, empty, while one behind it stays. */
static guard
emptied_each(struct compose *c, struct normal_node *each, guard emptied)
{
    guard stays = without(c, node_present(c, each), emptied);
    if (each->each == NORMAL_NONE)
        return GUARD_NEVER;
    guard behind = ask(
        c,
        (struct atom){.kind = ATOM_BEHIND, .source = each->each, .n = stays});
    return without(c, emptied,
                   both(c, behind, node_types(c, each->parent, LENS_LIST)));
}

static bool
candidates(struct step *s, struct candidate **out, size_t *n_out)
{
    struct candidate *found =
        arena_array(s->c->a, s->n * STEPS_MAX + 1, sizeof(*found));
    size_t n_found = 0;
    if (!found)
        return compose_full(s->c);
    for (size_t i = 0; i < s->n; i++) {
        const struct take *t = &s->takes[i];
        guard taken = t->taken;
        for (size_t n = t->has_from ? t->from.place->n : 0; n-- > 1;) {
            size_t k = 0;
            const struct normal_node *next =
                n + 1 < t->from.place->n ? t->from.path[n + 1] : t->from.node;
            if (t->from.place->steps[n].kind == LENS_EACH)
                taken = any_of(s->c, next->each, taken);
            while (k < n_found && found[k].node != t->from.path[n])
                k++;
            if (k == n_found)
                found[n_found++] = (struct candidate){
                    t->from.path[n], t->from.place, n, GUARD_NEVER};
            found[k].cut = either(s->c, found[k].cut, taken);
        }
    }
    *out = found;
    *n_out = n_found;
    return true;
}

bool
step_prune(struct step *s)
{
    struct compose *c = s->c;
    struct candidate *found = NULL;
    size_t n = 0;
    if (!candidates(s, &found, &n))
        return false;
    for (size_t depth = STEPS_MAX; depth-- > 1;)
        for (size_t i = 0; i < n; i++) {
            struct candidate *k = &found[i];
            const struct lens_step *next = &k->place->steps[k->n];
            if (k->n != depth || k->cut == GUARD_NEVER)
                continue;
            guard made = without(c, object_makes(c, s->o, k->place, k->n),
                                 both(c, k->cut, step_stands(s, k->node)));
            if (made == GUARD_NEVER)
                continue;
            bool every = next->kind == LENS_EACH && !k->node->others;
            guard empty = every              ? none_left(c, k->node)
                          : k->node->element ? element_void(c, k->node)
                                             : node_void(c, k->node);
            guard emptied = both(c, both(c, k->cut, made), empty);
            if (k->node->is_each && !k->node->parent)
                return compose_stop(c, s->o->about,
                                    "elements that are taken are emptied, too");
            if (k->node->is_each)
                emptied = emptied_each(c, k->node, emptied);
            if (k->node->element)
                emptied = without(
                    c, emptied,
                    element_counted(c, k->node->parent, k->node->element));
            node_limit(c, k->node, guard_not(&c->guards, emptied));
        }
    return true;
}
