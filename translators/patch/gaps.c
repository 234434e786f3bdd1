/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gaps: which members of a type a merge patch cannot change, for `stile check`.
 *
 * Asked of the very code that translates: each place that the side of the client
 * names is set, and removed, in a patch that tells nothing else.
 */
#include "translators/patch/build.h"

/* NOLINTBEGIN(misc-no-recursion): cases nest as deep as the file does */

struct probing {
    struct run run;
    const struct reference_chain *chain;
    struct patch_gap *gaps;
    size_t n;
    size_t room;
};

/* A patch of the one member at `place`: `{"a": {"b": …}}`. */
static bool
plant(struct run *r, const struct lens_place *place, bool erase,
      struct json **holder)
{
    struct json *root = NULL;
    struct json *leaf = json_new_text(r->arena, SPAN(""));
    span *keys = arena_array(r->arena, place->n + 1, sizeof(*keys));
    *holder = json_new_list(r->arena);
    if (!leaf || !keys || !*holder || !part_new(r, *holder, &root) ||
        (erase && !part_new_erased(r, *holder, &leaf)))
        return run_full(r);
    for (size_t i = 0; i < place->n; i++)
        keys[i] = place->steps[i].key;
    return part_put(r, root, keys, place->n, leaf) &&
           (json_list_append(r->arena, *holder, root) || run_full(r));
}

/* What is set is not known, so only what is asked before anything moves counts. */
static bool
carries(struct probing *p, struct json *holder, bool erase)
{
    static const struct patch_options options = {.kind = PATCH_MERGE};
    struct run *r = &p->run;
    struct leg leg = chain_leg(p->chain, p->chain->from);
    struct judge j = {
        .run = r, .options = &options, .mode = PART_MERGE, .holder = holder};
    if (erase)
        return step_tree(&j, p->chain, p->chain->from);
    j.leg = &leg;
    run_leave(r);
    return judge_tree(&j, &p->chain->sites[p->chain->from]);
}

static bool
note(struct probing *p, const struct lens_place *place, bool erase)
{
    struct run *r = &p->run;
    const struct translation_fault *f = &r->fault;
    struct patch_gap gap = {.place = place->text,
                            .if_erased = erase,
                            .change = f->change,
                            .file = f->file,
                            .line = f->line};
    bool falls = f->needs_document;
    if (!span_dup(r->arena, span_str(f->err.text), &gap.why))
        return false;
    r->failed = false;
    r->fault = (struct translation_fault){0};
    r->n_notices = 0;
    for (size_t i = 0; i < p->n; i++) /* the other places of its arrow */
        if (span_eq(p->gaps[i].place, gap.place) &&
            p->gaps[i].if_erased == erase)
            return true;
    if (!falls)
        return true;
    void *grown = RUN_KEEP(r, p->gaps, p->n, p->room);
    if (!grown)
        return false;
    p->gaps = grown;
    p->gaps[p->n++] = gap;
    return true;
}

/* Elements of lists are whole in a merge patch: what is in them is no member. */
static bool
probe(struct probing *p, const struct lens_place *place)
{
    for (size_t i = 0; i < place->n; i++)
        if (place->steps[i].kind != LENS_KEY)
            return true;
    for (int erase = 0; place->n && erase < 2; erase++) {
        struct json *holder = NULL;
        if (!plant(&p->run, place, erase, &holder))
            return false;
        if (!carries(p, holder, erase) && !note(p, place, erase))
            return false;
        if (p->run.failed)
            return false;
    }
    return true;
}

/* What the other side fills in is made of these. */
static bool
probe_value(struct probing *p, const struct lens_value *v)
{
    for (; v; v = v->otherwise) {
        for (size_t i = 0; i < v->n_places; i++)
            if (!probe(p, &v->places[i]))
                return false;
        for (size_t i = 0; i < v->n_parts; i++)
            if (v->parts[i].kind == LENS_PART_PLACE &&
                !probe(p, &v->parts[i].place))
                return false;
    }
    return true;
}

static bool
probe_arrow(struct probing *p, const struct lens_arrow *arrow,
            enum lens_side read)
{
    enum lens_side own = arrow->kind == LENS_ADD ? LENS_NEWER : LENS_OLDER;
    for (size_t w = 0; w < arrow->n_ways; w++)
        if (arrow->ways[w].has[read] && !probe(p, &arrow->ways[w].place[read]))
            return false;
    const struct lens_lookup *lookup = lens_way_lookup(&arrow->ways[0]);
    if (lookup && !probe(p, &lookup->in[read]))
        return false;
    if (arrow->kind == LENS_MAP)
        return probe_value(p, &arrow->absent[read]);
    return own == read || probe_value(p, &arrow->fill);
}

static bool
probe_block(struct probing *p, const struct lens_block *b, enum lens_side read)
{
    for (size_t i = 0; b && i < b->n_arrows; i++)
        if (!probe_arrow(p, &b->arrows[i], read))
            return false;
    for (size_t i = 0; b && i < b->n_choices; i++)
        for (size_t k = 0; k < b->choices[i].n_cases; k++)
            if (!probe_block(p, b->choices[i].cases[k].block, read))
                return false;
    return true;
}

enum err_code
patch_gaps(struct arena *a, const struct lens_api *api, size_t type,
           size_t from, size_t to, const struct patch_gap **out, size_t *n)
{
    const struct lens_site site = {.type = type};
    const struct lens_site *const list[] = {&site};
    struct reference_sites *sites =
        arena_array(a, api->n_versions, sizeof(*sites));
    const struct reference_chain chain = {
        .api = api, .from = from, .to = to, .sites = sites};
    const struct reference_facts facts = {.is_request = true,
                                          .method = SPAN("PATCH"),
                                          .depth_max = JSON_DEPTH_DEFAULT};
    struct probing p = {.chain = &chain};
    struct leg leg = chain_leg(&chain, from);
    *out = NULL;
    *n = 0;
    if (!sites)
        return ERR_LIMIT;
    sites[from] = (struct reference_sites){list, 1};
    chain_run_init(&p.run, a, &chain, &facts);
    bool ok =
        run_enter(&p.run) && probe_block(&p, leg.table->blocks[type], leg.read);
    run_end(&p.run);
    *out = p.gaps;
    *n = p.n;
    return ok ? OK : ERR_LIMIT;
}
/* NOLINTEND(misc-no-recursion) */
