/* SPDX-License-Identifier: Apache-2.0 */
/*
 * part: which arrows and cases of an http block a message meets.
 *
 * A request has path and query, an answer a status; an answer that failed has a
 * body of its own. What names a part that a message has not is nothing of it.
 */
#include "translators/lens/build.h"

unsigned
lens_root_of(const struct lens_place *p)
{
    static const char *const names[] = {"path", "query", "header", "status",
                                        "body"};
    for (size_t i = 0; p->n && i < COUNT(names); i++)
        if (p->steps[0].kind == LENS_KEY && span_is(p->steps[0].key, names[i]))
            return 1u << i;
    return 0;
}

/* What guards and values of an arrow ask. */
static unsigned
roots_of_value(const struct lens_value *v)
{
    unsigned roots = 0;
    for (; v; v = v->otherwise) {
        for (size_t i = 0; i < v->n_places; i++)
            roots |= lens_root_of(&v->places[i]);
        for (size_t i = 0; i < v->n_parts; i++)
            roots |= lens_root_of(&v->parts[i].place);
        roots |= lens_root_of(&v->in);
    }
    return roots;
}

static unsigned
roots_asked(const struct lens_arrow *a)
{
    return lens_roots_of_shape(&a->when[LENS_OLDER]) |
           lens_roots_of_shape(&a->when[LENS_NEWER]) |
           roots_of_value(&a->absent[LENS_OLDER]) |
           roots_of_value(&a->absent[LENS_NEWER]) | roots_of_value(&a->fill);
}

/* All parts of a message that the arrow's places are of. */
unsigned
lens_roots_of(const struct lens_arrow *a)
{
    unsigned roots = 0;
    for (size_t i = 0; i < a->n_ways; i++)
        for (size_t side = 0; side < 2; side++) {
            const struct lens_way *w = &a->ways[i];
            if (w->has[side])
                roots |= lens_root_of(&w->place[side]);
            if (w->rest.kind == LENS_REST_STASH)
                roots |= lens_root_of(&w->rest.stash);
        }
    for (size_t side = 0; a->joint && side < 2; side++)
        for (size_t i = 0; i < a->joint->n[side]; i++)
            roots |= lens_root_of(&a->joint->places[side][i]);
    return roots;
}

/* ---- what each kind of message meets ---- */

static bool
is_met(unsigned roots, enum lens_message_kind part)
{
    switch (part) {
    case LENS_OF_REQUEST:
        return !(roots & LENS_ROOT_STATUS);
    case LENS_OF_ANSWER:
        return !(roots & LENS_ROOTS_OF_REQUEST);
    case LENS_OF_FAILURE:
        return !(roots & (LENS_ROOTS_OF_REQUEST | LENS_ROOT_BODY));
    }
    return false;
}

unsigned
lens_roots_of_shape(const struct lens_shape *s)
{
    unsigned roots = 0;
    for (size_t i = 0; i < s->n_conditions; i++)
        roots |= lens_root_of(&s->conditions[i].place);
    for (size_t i = 0; i < s->n_tags; i++)
        roots |= lens_root_of(&s->tags[i].place);
    return roots;
}

static unsigned
roots_of_case(const struct lens_case *c)
{
    return lens_roots_of_shape(&c->shape[LENS_OLDER]) |
           lens_roots_of_shape(&c->shape[LENS_NEWER]);
}

/* A block for one kind of message, with what it meets of `all`. */
struct filling {
    struct lens_builder *b;
    enum lens_message_kind part;
    unsigned around; /* what the case asks whose arrows are read */
    bool joins;
    bool crosses;
};

/* What an arrow, or a case, names of the body and of the rest of the message. */
static void
note_roots(struct filling *f, unsigned roots)
{
    bool body = roots & LENS_ROOT_BODY;
    f->joins = f->joins || body;
    f->crosses = f->crosses || (body && (roots & ~(unsigned)LENS_ROOT_BODY));
}

static bool
fill_arrows(struct filling *f, const struct lens_arrow *all, size_t n,
            struct lens_draft *out)
{
    for (size_t i = 0; i < n; i++) {
        unsigned roots = lens_roots_of(&all[i]);
        if (!is_met(roots, f->part))
            continue;
        struct lens_arrow *slot =
            lens_vec_add(f->b, &out->arrows, sizeof(*slot));
        if (!slot)
            return false;
        *slot = all[i];
        note_roots(f, roots | roots_asked(&all[i]) | f->around);
    }
    return true;
}

/* Variants of one case share a block here, too. */
static bool
fill_case(struct filling *f, const struct lens_case *c, struct lens_vec *out)
{
    struct lens_case *before =
        out->n ? (struct lens_case *)out->at + out->n - 1 : NULL;
    bool shares = before && before->origin.line == c->origin.line &&
                  before->origin.column == c->origin.column;
    struct lens_case *slot = lens_vec_add(f->b, out, sizeof(*slot));
    struct lens_draft draft = {0};
    if (!slot)
        return false;
    const struct lens_block *shared = shares ? slot[-1].block : NULL;
    *slot = *c;
    slot->block = shared;
    if (shares)
        return true;
    f->around = roots_of_case(c);
    note_roots(f, f->around);
    if (!fill_arrows(f, c->block->arrows, c->block->n_arrows, &draft))
        return false;
    f->around = 0;
    struct lens_block *block = lens_block_finish(f->b, &draft);
    if (block)
        lens_made_case(f->b, block, c->shape);
    slot->block = block;
    return block != NULL;
}

static bool
fill_choice(struct filling *f, const struct lens_choice *choice,
            struct lens_draft *out)
{
    struct lens_vec cases = {0};
    for (size_t i = 0; i < choice->n_cases; i++)
        if (is_met(roots_of_case(&choice->cases[i]), f->part) &&
            !fill_case(f, &choice->cases[i], &cases))
            return false;
    if (!cases.n)
        return true;
    struct lens_choice *slot = lens_vec_add(f->b, &out->choices, sizeof(*slot));
    if (!slot)
        return false;
    *slot = *choice;
    slot->cases = cases.at;
    slot->n_cases = cases.n;
    return true;
}

static bool
fill_part(struct filling *f, const struct lens_draft *all,
          struct lens_http *out)
{
    static const struct lens_shape unsaid[2];
    const struct lens_choice *choices = all->choices.at;
    struct lens_draft draft = {0};
    if (!fill_arrows(f, all->arrows.at, all->arrows.n, &draft))
        return false;
    for (size_t i = 0; i < all->choices.n; i++)
        if (!fill_choice(f, &choices[i], &draft))
            return false;
    struct lens_block *block = lens_block_finish(f->b, &draft);
    if (block)
        lens_made_case(f->b, block, unsaid);
    out->parts[f->part] = block;
    out->joins[f->part] =
        f->joins || (f->part != LENS_OF_REQUEST && out->n_bodies);
    out->crosses[f->part] = f->crosses || out->n_bodies;
    return block != NULL;
}

bool
lens_parts_fill(struct lens_builder *b, const struct lens_draft *all,
                struct lens_http *out)
{
    for (size_t part = 0; part < LENS_PARTS; part++) {
        struct filling f = {.b = b, .part = (enum lens_message_kind)part};
        if (!fill_part(&f, all, out))
            return false;
    }
    return true;
}
