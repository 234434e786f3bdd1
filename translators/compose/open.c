/* SPDX-License-Identifier: Apache-2.0 */
/*
 * open: an open set that one version alone has: every member of an object that has no
 * meaning there.
 *
 * Those that some step names are nodes like others; for all that none does there is one
 * node beside them (`others`), said of the member at hand. One that a later step names is
 * what was said of the others, said of it (instance.c).
 */
#include "translators/compose/step.h"

/* ---- which names have a meaning ------------------------------------------------------ */

/* What is asked: has a member of what is at `host` a meaning on this side? */
struct meanings {
    struct compose *c;
    const struct object *o;
    enum lens_side side;
    struct lens_place host;
    guard when;
};

/* Does `place` name the member `key` there, or something in it? */
static bool
names(const struct lens_place *place, const struct lens_place *host, span key)
{
    if (place->n <= host->n || place->steps[host->n].kind != LENS_KEY ||
        !span_eq(place->steps[host->n].key, key))
        return false;
    struct lens_place begin = {place->steps, host->n, place->text};
    return lens_place_same(&begin, host);
}

static bool
arrow_names(const struct meanings *m, const struct lens_arrow *arrow, span key)
{
    for (size_t i = 0; i < arrow->n_ways; i++) {
        const struct lens_way *way = &arrow->ways[i];
        const struct lens_lookup *lookup = lens_way_lookup(way);
        if ((way->has[m->side] && names(&way->place[m->side], &m->host, key)) ||
            (way->rest.kind == LENS_REST_STASH &&
             lens_rest_side(way) == m->side &&
             names(&way->rest.stash, &m->host, key)) ||
            (lookup && names(&lookup->in[m->side], &m->host, key)))
            return true;
    }
    return false;
}

static bool
block_names(const struct meanings *m, const struct lens_block *block, span key)
{
    for (size_t i = 0; i < block->n_arrows; i++)
        if (arrow_names(m, &block->arrows[i], key))
            return true;
    return false;
}

static bool
tags_name(const struct meanings *m, const struct lens_case *of, span key)
{
    for (size_t i = 0; i < of->shape[m->side].n_tags; i++)
        if (names(&of->shape[m->side].tags[i].place, &m->host, key))
            return true;
    return false;
}

static bool
type_names(const struct lens_type_at *at, const struct lens_place *host,
           span key)
{
    for (size_t i = 0; i < at->n_children; i++)
        if (names(&at->children[i].place, host, key))
            return true;
    for (size_t i = 0; i < at->n_markers; i++)
        if (names(&at->markers[i], host, key))
            return true;
    for (size_t i = 0; i < at->n_constants; i++)
        if (names(&at->constants[i].place, host, key))
            return true;
    return false;
}

/* When it has, while the set holds: what cases name is known while they do. */
static guard
known_when(const struct meanings *m, const struct lens_open *open, span key)
{
    struct compose *c = m->c;
    const struct object *o = m->o;
    guard is = GUARD_NEVER;
    for (size_t i = 0; i < open->n_except; i++)
        if (span_eq(open->except[i], key))
            return m->when;
    if (type_names(m->side == c->read ? o->at : o->next, &m->host, key))
        return m->when;
    for (size_t i = 0; i < o->n_blocks; i++)
        if (block_names(m, o->blocks[i].of, key))
            is = either(c, is, both(c, m->when, o->blocks[i].when));
    for (size_t i = 0; i < o->n_cases; i++)
        if (tags_name(m, o->cases[i].of, key))
            is = either(c, is, both(c, m->when, o->cases[i].when));
    return is;
}

/* ---- all that no place names ----------------------------------------------------------- */

struct normal_node *
node_others(struct compose *c, struct normal_node *n)
{
    if (n->others)
        return n->others;
    if (n->state || node_is_turned(n) ||
        (n->n_kids && (n->kids[0]->is_each || n->kids[0]->element))) {
        compose_stop(c, NULL,
                     "a place names both every member and one of them");
        return NULL;
    }
    struct normal_node *others = node_new(c, n, (span){0});
    if (!others || !node_know(c, n))
        return NULL;
    others->is_each = true;
    for (size_t i = 0; i < n->n_alts; i++) {
        struct normal_alt alt = n->alts[i];
        if (alt.kind == ALT_TERM &&
            ask_types(c, alt.term, LENS_OBJECT) != GUARD_NEVER) {
            compose_stop(c, NULL,
                         "a later change looks into a value that an "
                         "earlier one made");
            return NULL;
        }
        if (alt.kind != ALT_SOURCE)
            continue;
        bool is_new = c->sources[alt.source].each == NORMAL_NONE;
        uint32_t each = source_each(c, alt.source);
        if (!is_new && !c->sources[each].of_object) {
            compose_stop(c, NULL,
                         "a place names both every member and one of them");
            return NULL;
        }
        c->sources[each].of_object = true;
        if (others->each != NORMAL_NONE && others->each != each) {
            compose_stop(c, NULL, "elements of two lists stand at one place");
            return NULL;
        }
        others->each = each;
        guard object = ask_types(c, term_of_source(c, alt.source), LENS_OBJECT);
        guard unknown =
            ask(c, (struct atom){.kind = ATOM_UNKNOWN, .source = each});
        alt.when = both(c, both(c, alt.when, object), unknown);
        alt.source = each;
        alt.known = NORMAL_NONE;
        alt.order = (struct normal_order){.slot = each};
        if (!node_push(c, others, alt))
            return NULL;
    }
    n->others = others;
    return others;
}

/* Of one value at a time, and of no elements. */
static bool
is_plain_test(enum atom_kind kind)
{
    return kind >= ATOM_NULL && kind <= ATOM_LINES;
}

/* NOLINTBEGIN(misc-no-recursion): as deep as a guard asks atoms */
/* What is said of the others but that they are; *more: it asks what they hold, too. */
static guard
said_of_all(struct compose *c, uint32_t each, guard g, bool *more)
{
    if (g <= GUARD_ALWAYS)
        return g;
    struct guard_node node = c->guards.at[g];
    const struct atom *a = &c->atoms[node.atom];
    if (a->kind == ATOM_UNKNOWN && a->source == each)
        return said_of_all(c, each, node.yes, more);
    bool has_term = a->kind != ATOM_PRESENT && a->kind != ATOM_OTHERS &&
                    a->kind != ATOM_DOUBLED && a->kind != ATOM_REQUEST;
    uint32_t term = a->term;
    while (has_term && (c->terms[term].kind == TERM_ENUM ||
                        c->terms[term].kind == TERM_FORM))
        term = c->terms[term].of;
    uint32_t at = has_term ? c->terms[term].source : a->source;
    *more = *more || at == each || (has_term && !is_plain_test(a->kind));
    guard atom = guard_of(&c->guards, node.atom);
    guard yes = said_of_all(c, each, node.yes, more);
    guard no = said_of_all(c, each, node.no, more);
    return either(c, both(c, atom, yes), without(c, no, atom));
}
/* NOLINTEND(misc-no-recursion) */

guard
others_some(struct compose *c, uint32_t each, guard is)
{
    uint32_t host = c->sources[each].parent;
    bool more = false;
    if (is == GUARD_NEVER)
        return GUARD_NEVER;
    is = said_of_all(c, each, is, &more);
    if (more)
        compose_stop(c, NULL, "some members of an open set");
    guard object = ask_types(c, term_of_source(c, host), LENS_OBJECT);
    return both(c, both(c, object, is),
                ask(c, (struct atom){.kind = ATOM_OTHERS,
                                     .source = host,
                                     .n = c->sources[host].n_kids}));
}

/* ---- the members of a set -------------------------------------------------------------- */

struct open_set {
    struct step *s;
    const struct lens_arrow *arrow;
    const struct lens_way *way;
    struct meanings m;
    struct normal_node *bag;
    guard when;
};

/* A place names a member of it: that is known. */
static bool
know(const struct open_set *set, const struct lens_place *place)
{
    const struct lens_place *host = &set->m.host;
    return place->n <= host->n || place->steps[host->n].kind != LENS_KEY ||
           !names(place, host, place->steps[host->n].key) ||
           node_kid(set->s->c, set->bag, place->steps[host->n].key);
}

static bool
know_arrow(const struct open_set *set, const struct lens_arrow *arrow)
{
    for (size_t i = 0; i < arrow->n_ways; i++) {
        const struct lens_way *way = &arrow->ways[i];
        for (enum lens_side side = LENS_OLDER; side <= LENS_NEWER; side++)
            if (way->has[side] && !know(set, &way->place[side]))
                return false;
        if (way->rest.kind == LENS_REST_STASH && !know(set, &way->rest.stash))
            return false;
    }
    return true;
}

static bool
know_type(const struct open_set *set, const struct lens_type_at *at)
{
    for (size_t i = 0; i < at->n_children; i++)
        if (!know(set, &at->children[i].place))
            return false;
    for (size_t i = 0; i < at->n_markers; i++)
        if (!know(set, &at->markers[i]))
            return false;
    for (size_t i = 0; i < at->n_constants; i++)
        if (!know(set, &at->constants[i].place))
            return false;
    return true;
}

/* Whoever has a name in this step is none of the others, before anything is said of
 * them. */
static bool
know_names(const struct open_set *set)
{
    const struct object *o = set->s->o;
    const struct lens_open *open = set->way->open;
    for (size_t i = 0; i < open->n_except; i++)
        if (!node_kid(set->s->c, set->bag, open->except[i]))
            return false;
    for (size_t b = 0; b < o->n_blocks; b++)
        for (size_t i = 0; i < o->blocks[b].of->n_arrows; i++)
            if (!know_arrow(set, &o->blocks[b].of->arrows[i]))
                return false;
    for (size_t i = 0; i < o->n_cases; i++)
        for (enum lens_side side = LENS_OLDER; side <= LENS_NEWER; side++)
            for (size_t k = 0; k < o->cases[i].of->shape[side].n_tags; k++)
                if (!know(set, &o->cases[i].of->shape[side].tags[k].place))
                    return false;
    return know_type(set, o->at) && know_type(set, o->next);
}

/* Go to what the members stand in; all its keys are read. */
static bool
enter(struct open_set *set, const struct lens_place *place)
{
    struct compose *c = set->s->c;
    struct spot at;
    set->m.host = (struct lens_place){place->steps, place->n - 1, place->text};
    if (!spot_read(c, set->s->o, set->s->o->root, &set->m.host, set->when, &at))
        return false;
    if (at.n_stars)
        return compose_stop(c, &set->arrow->origin,
                            "an open set in elements of a list");
    set->bag = at.node;
    return know_names(set) && read_members(c, at.node, set->when) &&
           node_others(c, at.node) != NULL;
}

/* The place of a member of its own. False: full. */
static bool
member_place(const struct open_set *set, span key, struct lens_place *out)
{
    struct compose *c = set->s->c;
    size_t n = set->m.host.n;
    struct lens_step *steps = arena_array(c->a, n + 1, sizeof(*steps));
    if (!steps)
        return compose_full(c);
    if (n)
        memcpy(steps, set->m.host.steps, n * sizeof(*steps));
    steps[n] = (struct lens_step){.kind = LENS_KEY, .key = key};
    *out = (struct lens_place){steps, n + 1, set->m.host.text};
    return true;
}

/* Where all the others stand. */
static bool
others_spot(const struct open_set *set, const struct lens_place *place,
            struct spot *out)
{
    struct compose *c = set->s->c;
    if (!spot_read(c, set->s->o, set->s->o->root, &set->m.host, set->when, out))
        return false;
    struct normal_node *others = set->bag->others;
    out->path[place->n - 1] = set->bag;
    out->place = place;
    out->host = set->bag;
    out->node = others;
    out->is_others = true;
    out->stars[out->n_stars++] = others;
    if (others->each != NORMAL_NONE)
        out->scope = others->each;
    return true;
}

/* Is this member one of the set? It is, or has a meaning, whenever the set is there. */
static bool
is_member(const struct open_set *set, const struct normal_node *kid, bool *is)
{
    guard known = known_when(&set->m, set->way->open, kid->key);
    *is = known == GUARD_NEVER;
    return *is || known == set->when || kid->n_alts == 0 ||
           compose_stop(set->s->c, &set->arrow->origin,
                        "an open set, and a case that sometimes holds");
}

static bool
take_member(const struct open_set *set, const struct spot *from)
{
    struct take *t = step_add_take(set->s, (struct take){.arrow = set->arrow,
                                                         .way = set->way,
                                                         .when = set->when,
                                                         .has_from = true,
                                                         .from = *from,
                                                         .is_own = true});
    return t != NULL;
}

/* Who reads it has the set: its members go. */
static bool
take_members(struct open_set *set)
{
    struct compose *c = set->s->c;
    const struct lens_place *place = &set->way->place[c->read];
    struct spot at;
    if (!enter(set, place) || !set->bag)
        return false;
    size_t n_kids = set->bag->n_kids;
    for (size_t i = 0; i < n_kids; i++) {
        const struct normal_node *kid = set->bag->kids[i];
        struct lens_place *own = arena_alloc(c->a, sizeof(*own));
        bool is = false;
        if (!own)
            return compose_full(c);
        if (!is_member(set, kid, &is))
            return false;
        if (is && kid->n_alts &&
            (!member_place(set, kid->key, own) ||
             !spot_read(c, set->s->o, set->s->o->root, own, set->when, &at) ||
             !take_member(set, &at)))
            return false;
    }
    return others_spot(set, place, &at) && take_member(set, &at);
}

bool
step_choose_open(struct step *s, const struct lens_arrow *arrow, guard when)
{
    struct compose *c = s->c;
    const struct lens_way *way = &arrow->ways[0];
    struct open_set set = {.s = s,
                           .arrow = arrow,
                           .way = way,
                           .m = {c, s->o, c->read, {0}, when},
                           .when = when};
    if (way->has[c->read])
        return take_members(&set);
    /* Who writes it has it: what stands there is met. */
    return step_add_take(s, (struct take){.arrow = arrow,
                                          .way = way,
                                          .when = when,
                                          .meets = true}) != NULL;
}

/* ---- what stands where members would be ------------------------------------------------ */

/* Does an arrow lead on from there, in the version that is read? Then what is empty may
 * be its own. */
static bool
is_led_through(const struct open_set *set, span key)
{
    struct meanings read = set->m;
    read.side = set->s->c->read;
    for (size_t i = 0; i < set->s->o->n_blocks; i++)
        if (block_names(&read, set->s->o->blocks[i].of, key))
            return true;
    return false;
}

bool
step_open_strangers(struct step *s, const struct take *t)
{
    struct compose *c = s->c;
    const struct lens_place *place = &t->way->place[c->write];
    struct open_set set = {.s = s,
                           .arrow = t->arrow,
                           .way = t->way,
                           .m = {c, s->o, c->write, {0}, t->when},
                           .when = t->when};
    struct spot at;
    for (size_t i = 0; i < s->n; i++)
        if (s->takes[i].leads && s->takes[i].target->n < place->n) {
            struct lens_place begin = {place->steps, s->takes[i].target->n,
                                       place->text};
            if (lens_place_same(&begin, s->takes[i].target))
                return compose_stop(c, &t->arrow->origin,
                                    "an open set in what another arrow brings");
        }
    if (!enter(&set, place) || !set.bag)
        return false;
    size_t n_kids = set.bag->n_kids;
    for (size_t i = 0; i < n_kids; i++) {
        struct normal_node *kid = set.bag->kids[i];
        struct lens_place *own = arena_alloc(c->a, sizeof(*own));
        bool is = false;
        if (!own)
            return compose_full(c);
        if (!is_member(&set, kid, &is))
            return false;
        if (!is || kid->n_alts == 0)
            continue;
        if (is_led_through(&set, kid->key))
            return compose_stop(c, &t->arrow->origin,
                                "an open set, and an arrow through a member");
        if (!member_place(&set, kid->key, own) ||
            !spot_read(c, s->o, s->o->root, own, t->when, &at) ||
            !step_meet(s, t, &at))
            return false;
    }
    return others_spot(&set, place, &at) && step_meet(s, t, &at);
}
