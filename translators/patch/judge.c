/* SPDX-License-Identifier: Apache-2.0 */
/*
 * judge: whether a patch can be carried over one version step without the
 * document, asked of every typed part before anything moves.
 */
#include "translators/patch/leaf.h"

/* NOLINTBEGIN(misc-no-recursion): typed values lie as deep as a document may be */

/* ---- what is noted -------------------------------------------------------------- */

bool
judge_settled(struct judge *j, const struct json *leaf)
{
    bool was = false;
    return pointers_put(j->run, &j->settled, leaf, 0, 0, &was);
}

bool
settle_below_part(struct judge *j, struct json *part)
{
    for (size_t i = 0; i < part->n; i++) {
        struct json *child = part->members[i].value;
        if (part_is(child) ? !settle_below_part(j, child)
                           : !judge_settled(j, child))
            return false;
    }
    return judge_settled(j, part);
}

bool
judge_is_settled(const struct judge *j, const struct json *node)
{
    return pointers_get(&j->settled, node, 0) != SIZE_MAX;
}

bool
judge_is_frail(const struct judge *j, const struct json *node)
{
    for (; node && j->frail.n; node = node->parent)
        if (pointers_get(&j->frail, node, 0) != SIZE_MAX)
            return true;
    return false;
}

bool
judge_told(struct judge *j, const struct scene *s,
           const struct lens_arrow *arrow)
{
    bool was = false;
    return pointers_put(j->run, &j->told, arrow, s->number, 0, &was);
}

bool
judge_wish(struct judge *j, struct wish wish)
{
    void *grown = RUN_KEEP(j->run, j->wishes, j->n_wishes, j->room_wishes);
    if (!grown)
        return false;
    j->wishes = grown;
    j->wishes[j->n_wishes++] = wish;
    return true;
}

bool
judge_deed(struct judge *j, struct json *node, struct json *with)
{
    void *grown = RUN_KEEP(j->run, j->deeds, j->n_deeds, j->room_deeds);
    if (!grown)
        return false;
    j->deeds = grown;
    j->deeds[j->n_deeds++] = (struct deed){node, with};
    return true;
}

bool
judge_may_be_index(const struct judge *j, span key)
{
    if (j->mode == PART_MERGE)
        return false;
    if (span_is(key, "-"))
        return true;
    for (size_t i = 0; i < key.len; i++)
        if (key.at[i] < '0' || key.at[i] > '9')
            return false;
    return key.len > 0;
}

/* ---- markers, constants, cases at the type ------------------------------------------ */

static bool
any_told(struct judge *j, const struct scene *s, const struct lens_place *place,
         bool *told)
{
    struct mets found;
    if (!meet(j->run, s->frame.root, place, &found))
        return false;
    *told = found.n > 0;
    if (*told)
        j->seen = found.at[0].node;
    return true;
}

static bool
judge_marker(struct judge *j, const struct scene *s,
             const struct lens_place *place)
{
    struct mets found;
    if (!meet(j->run, s->frame.root, place, &found))
        return false;
    for (size_t i = 0; i < found.n; i++) {
        const struct met *m = &found.at[i];
        if (m->kind != MET_LEAF || part_is_erased(m->node) || judge_names(j))
            return patch_falls(j, m->node, NULL,
                               "\"%.*s\" says the version of the document, "
                               "and a patch cannot take it away",
                               SPAN_FMT(place->text));
        if (!judge_settled(j, m->node))
            return false;
    }
    return true;
}

static bool
judge_constants(struct judge *j, const struct scene *s,
                const struct lens_type_at *at)
{
    for (size_t i = 0; i < at->n_constants; i++) {
        bool told = false;
        if (!any_told(j, s, &at->constants[i].place, &told))
            return false;
        if (told)
            return patch_falls(j, j->seen, NULL,
                               "\"%.*s\" is a constant of the version",
                               SPAN_FMT(at->constants[i].place.text));
    }
    return true;
}

static bool case_is_told(struct judge *j, const struct scene *s,
                         const struct lens_case *c, bool *told);

static bool
choices_are_told(struct judge *j, const struct scene *s,
                 const struct lens_block *b, bool *told)
{
    for (size_t i = 0; i < b->n_choices; i++)
        for (size_t k = 0; k < b->choices[i].n_cases; k++)
            if (!case_is_told(j, s, &b->choices[i].cases[k], told))
                return false;
    return true;
}

static bool
case_is_told(struct judge *j, const struct scene *s, const struct lens_case *c,
             bool *told)
{
    for (int side = 0; side < 2; side++)
        if (c->has[side] && !shape_is_told(j, s, &c->shape[side], told))
            return false;
    for (size_t i = 0; i < c->block->n_arrows; i++)
        if (!arrow_is_told(j, s, &c->block->arrows[i], told))
            return false;
    return choices_are_told(j, s, c->block, told);
}

/* Which case the object is, the patch does not know. */
static bool
judge_choices(struct judge *j, const struct scene *s)
{
    const struct lens_block *b = s->frame.n_blocks ? s->frame.blocks[0] : NULL;
    /* An object that the patch may make is of a case it does not choose. */
    bool told = b && b->n_choices && j->mode == PART_MERGE && !s->is_document;
    if (!b || b->n_choices == 0)
        return true;
    j->seen = s->frame.root;
    if (!choices_are_told(j, s, b, &told))
        return false;
    return !told || patch_falls(j, j->seen, &b->choices[0].origin,
                                "which case the %.*s is, is not known",
                                SPAN_FMT(s->frame.type->name));
}

/* ---- objects that go when they are emptied ---- */

static bool
mark_frail(struct judge *j, const struct scene *s,
           const struct lens_place *place)
{
    for (size_t n = 1; n < place->n; n++) {
        struct lens_place host = place_prefix(place, n);
        struct mets found;
        bool was = false;
        if (!frame_is_made(&s->frame, j->leg->read, &host) ||
            frame_keeps(&s->frame, &host))
            continue;
        if (!meet(j->run, s->frame.root, &host, &found))
            return false;
        for (size_t i = 0; i < found.n; i++)
            if ((found.at[i].kind == MET_PART ||
                 found.at[i].kind == MET_LEAF) &&
                !pointers_put(j->run, &j->frail, found.at[i].node, 0, 0, &was))
                return false;
    }
    return true;
}

/* An object that one side alone has goes with its last member: that it is there for
 * the client does not say that it is there for the other side. */
static bool
mark_all_frail(struct judge *j, const struct scene *s)
{
    const struct lens_block *b = s->frame.n_blocks ? s->frame.blocks[0] : NULL;
    for (size_t i = 0; b && i < b->n_arrows; i++) {
        const struct lens_arrow *arrow = &b->arrows[i];
        for (size_t w = 0; w < arrow->n_ways; w++)
            if (arrow->ways[w].has[j->leg->read] &&
                !mark_frail(j, s, &arrow->ways[w].place[j->leg->read]))
                return false;
    }
    return true;
}

/* What stands where an arrow leads is refused, or goes: it is not erased there. */
static bool
settle_strangers(struct judge *j, const struct scene *s,
                 const struct lens_arrow *arrow)
{
    for (size_t w = 0; w < arrow->n_ways; w++) {
        struct mets found;
        if (!arrow->ways[w].has[j->leg->write] || arrow->ways[w].open)
            continue; /* of an open set all members but its own are strangers */
        if (!meet(j->run, s->frame.root, &arrow->ways[w].place[j->leg->write],
                  &found))
            return false;
        for (size_t i = 0; i < found.n; i++)
            if (found.at[i].kind == MET_LEAF &&
                !judge_settled(j, found.at[i].node))
                return false;
    }
    return true;
}

/* ---- arrows ----------------------------------------------------------------------------- */

static bool
judge_arrow(struct judge *j, struct scene *s, const struct lens_arrow *arrow)
{
    bool speaks = false;
    if (!judge_asked(j, s, arrow, &speaks))
        return false;
    if (!speaks)
        return true;
    if (!settle_strangers(j, s, arrow))
        return false;
    if (arrow->kind != LENS_MAP)
        return judge_own(j, s, arrow);
    if (arrow->ways[0].open)
        return judge_set(j, s, arrow);
    if (lens_way_lookup(&arrow->ways[0]))
        return judge_lookup(j, s, arrow);
    return arrow->joint ? judge_joint(j, s, arrow) : judge_map(j, s, arrow);
}

/* ---- typed values --------------------------------------------------------------------------- */

/* May an element of this type have no form on the other side? */
static bool
type_hides(const struct judge *j, size_t type)
{
    const struct lens_block *b = j->leg->table->blocks[type];
    for (size_t i = 0; b && i < b->n_choices; i++)
        for (size_t k = 0; k < b->choices[i].n_cases; k++) {
            const struct lens_case *c = &b->choices[i].cases[k];
            if (c->has[j->leg->read] && !c->has[j->leg->write] &&
                c->hide == LENS_HIDE_DROP)
                return true;
        }
    return false;
}

static bool judge_scene(struct judge *j, struct json *node, size_t type);

static bool
judge_typed(struct judge *j, const struct lens_place *place,
            const struct lens_shape *when, size_t type, const struct met *m)
{
    bool changes = frame_can_change(j->run->api, j->leg, type);
    bool is_element = place->n && place_is_star(&place->steps[place->n - 1]) &&
                      m->steps == place->n &&
                      judge_may_be_index(j, m->keys[place->n - 1]);
    if (!changes)
        return true;
    if (is_element && type_hides(j, type))
        return patch_falls(j, m->node, NULL,
                           "elements before it may have no form in the other "
                           "version, so at which place it stands is not known");
    switch (m->kind) {
    case MET_LEAF:
        if (judge_names(j))
            j->term.type = type;
        if (j->mode == PART_TEST && json_is_container(m->node))
            break;
        return true;
    case MET_INSIDE:
        if (judge_names(j) ||
            (j->mode == PART_TEST && json_is_container(m->node)))
            break;
        return true;
    case MET_PART:
        if (when->said)
            break;
        return judge_scene(j, m->node, type);
    case MET_COUNTED:
        break;
    }
    return patch_falls(j, m->node, NULL,
                       "what \"%.*s\" holds is not known, and it is written "
                       "otherwise in the other version",
                       SPAN_FMT(place->text));
}

static bool
judge_child(struct judge *j, const struct scene *s,
            const struct lens_child *child)
{
    struct mets found;
    if (child->through)
        return true; /* the arrow that reads the text has been asked */
    if (!meet(j->run, s->frame.root, &child->place, &found))
        return false;
    if (found.n && child->guard.said &&
        frame_can_change(j->run->api, j->leg, child->type))
        return patch_falls(j, found.at[0].node, NULL,
                           "which type \"%.*s\" is of, is not known",
                           SPAN_FMT(child->place.text));
    for (size_t i = 0; i < found.n; i++)
        if (found.at[i].node != s->frame.root &&
            !judge_typed(j, &child->place, &child->when, child->type,
                         &found.at[i]))
            return false;
    return true;
}

static bool
new_scene(struct judge *j, struct json *node, size_t type, struct scene *s)
{
    struct run *r = j->run;
    const struct lens_type *t = &r->api->types[type];
    const struct lens_block *block = j->leg->table->blocks[type];
    *s = (struct scene){.frame = {.run = r,
                                  .leg = j->leg,
                                  .type = t,
                                  .type_index = type,
                                  .at = &t->at[j->leg->from],
                                  .root = node},
                        .is_document = node->parent == j->holder,
                        .number = j->n_scenes};
    s->frame.blocks = arena_array(r->arena, 1, sizeof(struct lens_block *));
    if (!s->frame.blocks)
        return run_full(r);
    s->frame.blocks[0] = block;
    s->frame.n_blocks = block ? 1 : 0;
    void *grown = RUN_KEEP(r, j->scenes, j->n_scenes, j->room_scenes);
    if (!grown)
        return false;
    j->scenes = grown;
    j->scenes[j->n_scenes++] = *s;
    return true;
}

static bool
judge_scene(struct judge *j, struct json *node, size_t type)
{
    struct scene s;
    bool was = false;
    if (!pointers_put(j->run, &j->judged, node, 0, 0, &was))
        return false;
    if (was)
        return true;
    if (!new_scene(j, node, type, &s))
        return false;
    for (size_t i = 0; i < s.frame.at->n_markers; i++)
        if (!judge_marker(j, &s, &s.frame.at->markers[i]))
            return false;
    if (!judge_constants(j, &s, s.frame.at) ||
        !judge_constants(j, &s, &s.frame.type->at[j->leg->to]) ||
        !judge_choices(j, &s) ||
        (j->mode != PART_MERGE && !mark_all_frail(j, &s)))
        return false;
    for (size_t i = 0; s.frame.n_blocks && i < s.frame.blocks[0]->n_arrows; i++)
        if (!judge_arrow(j, &s, &s.frame.blocks[0]->arrows[i]))
            return false;
    for (size_t i = 0; i < s.frame.at->n_children; i++)
        if (!judge_child(j, &s, &s.frame.at->children[i]))
            return false;
    return true;
}

/* ---- the tree ---------------------------------------------------------------------------------- */

/* A leaf that no arrow answers for must still stand where it stands. */
static bool
wish_untouched(struct judge *j, struct json *part)
{
    for (size_t i = 0; i < part->n; i++) {
        struct json *child = part->members[i].value;
        bool needs_host = j->mode == PART_ADD || j->mode == PART_GIVE ||
                          (j->mode != PART_MERGE && j->unsure);
        if (part_is(child) && !wish_untouched(j, child))
            return false;
        if (part_is(child) || judge_is_settled(j, child))
            continue;
        if (needs_host && judge_is_frail(j, part))
            return patch_falls(j, child, NULL,
                               "the object around it may not be there in the "
                               "other version");
        if (part_is_erased(child))
            continue;
        span *key = arena_alloc(j->run->arena, sizeof(*key));
        if (!key)
            return run_full(j->run);
        *key = part->members[i].key;
        struct wish wish = {.root = part,
                            .keys = key,
                            .n = 1,
                            .may_erase = j->mode != PART_TEST,
                            .about = child};
        if (!judge_wish(j, wish))
            return false;
    }
    return true;
}

static void
do_deeds(struct judge *j)
{
    for (size_t i = 0; i < j->n_deeds; i++) {
        struct deed *d = &j->deeds[i];
        if (d->with && d->node->parent)
            json_replace(d->node, d->with);
        else if (!d->with)
            json_detach(d->node);
    }
}

bool
judge_tree(struct judge *j, const struct reference_sites *sites)
{
    struct json *root = j->holder->members[0].value;
    for (size_t i = 0; i < sites->n; i++) {
        const struct lens_site *site = sites->at[i];
        struct mets found;
        if (!meet(j->run, root, &site->place, &found))
            return false;
        for (size_t k = 0; k < found.n; k++)
            if (!judge_typed(j, &site->place, &site->when, site->type,
                             &found.at[k]))
                return false;
    }
    if (part_is(root) && !wish_untouched(j, root))
        return false;
    do_deeds(j);
    return true;
}
/* NOLINTEND(misc-no-recursion) */
