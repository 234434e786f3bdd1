/* SPDX-License-Identifier: Apache-2.0 */
/*
 * aside: elements of a document that say their own version.
 *
 * One that says another than the document's is put aside, a null in its place:
 * no step in between could read it. When the document is where it goes, so is
 * each of these, from its own version, and stands where its null is then.
 */
#include "translators/reference/aside.h"

/* A member by its keys; NULL if the way is missing. */
static bool
said_at(struct run *r, struct json *node, const struct lens_place *place,
        struct json **out)
{
    for (size_t i = 0; node && i < place->n; i++)
        if (!spot_member(r, node, place->steps[i].key, &node))
            return false;
    *out = node;
    return true;
}

static bool
add(struct run *r, struct asides *a, const struct typed *typed, size_t version)
{
    void *grown = RUN_KEEP(r, a->at, a->n, a->room);
    if (!grown)
        return false;
    a->at = grown;
    struct aside *new = &a->at[a->n++];
    *new = (struct aside){.element = typed->node,
                          .stand_in = json_new_null(r->arena),
                          .type = typed->type,
                          .version = version,
                          .at = typed->at};
    if (!new->stand_in)
        return run_full(r);
    struct trail trail = {.origin = run_origin(typed->node)};
    if (!trail_set(r, new->stand_in, trail))
        return false;
    (void)json_replace_at(typed->node->parent,
                          spot_position(typed->node, typed->at), new->stand_in);
    return true;
}

/* Which version it says, as an index; the document's own if it says none. */
static bool
version_of(struct run *r, const struct reference_chain *chain,
           struct json *element, const struct lens_place *place, size_t *out)
{
    struct json *said = NULL;
    *out = chain->from;
    if (!said_at(r, element, place, &said) || !said)
        return !r->failed;
    int version =
        said->kind == JSON_TEXT ? lens_version_of(r->api, said->text) : -1;
    if (version < 0)
        return run_fail(r, FAULT_READ, said, NULL,
                        "\"%.*s\" says a version that there is not",
                        SPAN_FMT(place->text));
    *out = (size_t)version;
    span label = r->api->versions[chain->to].label;
    return span_eq(said->text, label) || json_set_text(r->arena, said, label) ||
           run_full(r);
}

static bool
add_children(struct run *r, const struct typed *typed, size_t version,
             struct typed_list *out)
{
    const struct lens_type_at *at = &r->api->types[typed->type].at[version];
    for (size_t i = 0; i < at->n_children; i++) {
        const struct lens_child *child = &at->children[i];
        bool holds = true;
        if (child->through)
            continue; /* what is in a text is of the text's version */
        if (!test_guard(r, typed->node, &child->guard, &holds))
            return false;
        if (holds && !inner_place(r, typed->node, child, out))
            return false;
    }
    return true;
}

static bool
is_element(const struct json *node, const struct json *holder)
{
    return node->parent != holder && node->parent->kind == JSON_LIST;
}

bool
aside_take(struct run *r, const struct reference_chain *chain,
           struct json *holder, struct json *root, struct asides *out)
{
    struct typed_list all = {0};
    if (!chain->reads_versions)
        return true;
    if (!chain_find_sites(r, &chain->sites[chain->from], root, &all))
        return false;
    for (size_t i = 0; i < all.n; i++) {
        struct typed typed = all.at[i];
        const struct lens_type *type = &r->api->types[typed.type];
        size_t version = chain->from;
        if (typed.node->kind != JSON_OBJECT)
            continue;
        bool says = type->has_version_at && is_element(typed.node, holder);
        if (says &&
            !version_of(r, chain, typed.node, &type->version_at, &version))
            return false;
        if (version != chain->from && !add(r, out, &typed, version))
            return false;
        if (version == chain->from && !add_children(r, &typed, version, &all))
            return false;
    }
    return true;
}

/* One element, over all steps from its version; *gone: it has no form there. */
static bool
bring(struct run *r, const struct reference_chain *chain, const struct aside *a,
      struct json *holder, bool *gone)
{
    struct reference_chain own = *chain;
    struct json *node = a->element;
    own.from = a->version;
    for (size_t at = own.from; at != own.to && !*gone;) {
        struct leg leg = chain_leg(&own, at);
        chain_step(r, &leg);
        switch (frame_run(r, &leg, a->type, &node, NULL)) {
        case FRAME_FAILED:
            return false;
        case FRAME_HIDDEN:
            *gone = true;
            break;
        case FRAME_DONE:
            break;
        }
        spot_purge(holder);
        at = leg.to;
    }
    return true;
}

bool
aside_bring(struct run *r, const struct reference_chain *chain,
            const struct asides *all)
{
    for (size_t i = 0; i < all->n; i++) {
        const struct aside *a = &all->at[i];
        struct json *host = a->stand_in->parent;
        struct json *holder = json_new_list(r->arena);
        bool gone = false;
        if (!holder || !json_list_append(r->arena, holder, a->element))
            return run_full(r);
        if (!host)
            continue; /* it went with what it was in */
        if (!bring(r, chain, a, holder, &gone))
            return false;
        size_t at = spot_position(a->stand_in, a->at);
        if (gone)
            (void)json_remove(host, at);
        else
            (void)json_replace_at(host, at, json_remove(holder, 0));
    }
    return true;
}
