/* SPDX-License-Identifier: Apache-2.0 */
#include "translators/reference/chain.h"

#include "translators/reference/aside.h"

struct leg
chain_leg(const struct reference_chain *chain, size_t at)
{
    bool up = chain->to > chain->from;
    size_t table = up ? at : at - 1;
    return (struct leg){
        .read = up ? LENS_OLDER : LENS_NEWER,
        .write = up ? LENS_NEWER : LENS_OLDER,
        .from = at,
        .to = up ? at + 1 : at - 1,
        .table = &chain->api->tables[table],
    };
}

void
chain_run_init(struct run *r, struct arena *a,
               const struct reference_chain *chain,
               const struct reference_facts *facts)
{
    *r = (struct run){
        .arena = a,
        .api = chain->api,
        .is_request = facts->is_request,
        .replaces = facts->replaces,
        .may_erase = facts->may_erase,
        .never_erase = facts->never_erase,
        .method = facts->method,
        .platform = facts->platform,
        .depth_max = facts->depth_max,
        .comes_packed = facts->comes_packed,
        .goes_packed = facts->goes_packed,
        .from = chain->api->versions[chain->from].label,
        .to = chain->api->versions[chain->to].label,
    };
}

void
chain_step(struct run *r, const struct leg *leg)
{
    r->step++;
    r->table = leg->from < leg->to ? leg->from : leg->to;
    r->from = r->api->versions[leg->from].label;
    r->to = r->api->versions[leg->to].label;
    r->n_touches = 0;
}

/* ---- the typed values of a body ------------------------------------------------ */

bool
chain_find_sites(struct run *r, const struct reference_sites *sites,
                 struct json *root, struct typed_list *out)
{
    for (size_t i = 0; i < sites->n; i++) {
        const struct lens_site *site = sites->at[i];
        struct bindings found = {0};
        if (!place_bind(r, root, &site->place, &found))
            return false;
        for (size_t k = 0; k < found.n; k++) {
            struct json *node = found.at[k].node;
            bool fits = node != NULL;
            size_t n_stars = found.at[k].n_stars;
            size_t slot = n_stars ? found.at[k].stars[n_stars - 1].at : 0;
            if (fits && site->when.said &&
                !test_shape(r, node, &site->when, &fits))
                return false;
            if (fits && !typed_add(r, out, node, site->type, slot))
                return false;
        }
    }
    return true;
}

/* The outermost site that the node lies in, itself not counted; SIZE_MAX: none. */
static size_t
outermost(const struct typed_list *sites, const struct json *node)
{
    size_t found = SIZE_MAX;
    while ((node = node->parent)) {
        size_t at = pointers_get(&sites->seen, node, 0);
        found = at == SIZE_MAX ? found : at;
    }
    return found;
}

/* Sites inside of others are theirs to translate: by the place of the outer in the list. */
static bool
nest(struct run *r, const struct typed_list *sites, struct typed_list **inner)
{
    *inner = arena_array(r->scratch, sites->n, sizeof(**inner));
    if (!*inner)
        return run_full(r);
    for (size_t i = 0; i < sites->n; i++) {
        size_t outer = outermost(sites, sites->at[i].node);
        if (outer != SIZE_MAX &&
            !typed_add(r, &(*inner)[outer], sites->at[i].node,
                       sites->at[i].type, sites->at[i].at))
            return false;
    }
    return true;
}

bool
chain_nest_sites(struct run *r, const struct typed_list *all,
                 struct typed_list *out)
{
    struct typed_list *inner = NULL;
    if (!nest(r, all, &inner))
        return false;
    for (size_t i = 0; i < all->n; i++) {
        const struct typed *one = &all->at[i];
        if (outermost(all, one->node) != SIZE_MAX)
            continue;
        if (!typed_add(r, out, one->node, one->type, one->at))
            return false;
        out->at[out->n - 1].inner = &inner[i];
    }
    return true;
}

static bool
run_site(struct run *r, const struct leg *leg, struct typed *site,
         const struct typed_list *inner, const struct json *holder)
{
    struct json *was = site->node;
    switch (frame_run(r, leg, site->type, &site->node, inner)) {
    case FRAME_FAILED:
        return false;
    case FRAME_DONE:
        return true;
    case FRAME_HIDDEN:
        break;
    }
    if (site->node->parent == holder) {
        (void)run_fail(r, FAULT_CARRY, was, NULL,
                       "the message as a whole has no form in the other "
                       "version");
        r->fault.hides = true;
        return false;
    }
    struct json *hole = NULL;
    return spot_cut(r, site->node, site->at, &hole);
}

bool
chain_translate(struct run *r, const struct leg *leg, struct typed_list *sites,
                const struct json *holder)
{
    struct typed_list *inner = NULL;
    if (!nest(r, sites, &inner))
        return false;
    /* Found before any is run: what lies in another is skipped. */
    bool *nested = arena_array(r->scratch, sites->n, sizeof(*nested));
    if (!nested)
        return run_full(r);
    for (size_t i = 0; i < sites->n; i++)
        nested[i] = outermost(sites, sites->at[i].node) != SIZE_MAX;
    for (size_t i = 0; i < sites->n; i++)
        if (!nested[i] && !run_site(r, leg, &sites->at[i], &inner[i], holder))
            return false;
    return true;
}

/* ---- one leg after another ---------------------------------------------------------- */

static bool
run_chain(struct run *r, const struct reference_chain *chain,
          struct json *holder, struct reference_report *report)
{
    span label = chain->api->versions[chain->from].label;
    struct asides asides = {0};
    if (!chain_trace(r, report, holder->members[0].value, label, label) ||
        !aside_take(r, chain, holder, holder->members[0].value, &asides))
        return false;
    size_t at = chain->from;
    while (at != chain->to) {
        struct leg leg = chain_leg(chain, at);
        struct typed_list sites = {0};
        chain_step(r, &leg);
        run_leave(r); /* what the last step found */
        if (!chain_find_sites(r, &chain->sites[at], holder->members[0].value,
                              &sites) ||
            !chain_translate(r, &leg, &sites, holder))
            return false;
        spot_purge(holder);
        if (!chain_trace(r, report, holder->members[0].value, r->from, r->to))
            return false;
        at = leg.to;
    }
    return aside_bring(r, chain, &asides);
}

bool
chain_parse(struct run *r, span body, struct json **root)
{
    struct err e;
    enum err_code code = json_parse(r->arena, body, r->depth_max, root, &e);
    if (code == OK)
        return true;
    if (code == ERR_LIMIT && !form_is_too_deep(body, e.offset, r->depth_max))
        return run_full(r);
    run_fail_at(r, FAULT_READ, NULL, NULL, "%s", e.text);
    r->fault.err.code = code;
    r->fault.err.offset = e.offset;
    r->fault.limit = code == ERR_LIMIT ? "depth_max" : NULL;
    r->fault.from = r->fault.to = (span){0};
    return false;
}

static bool
parse(struct run *r, span body, struct json **holder)
{
    struct json *root = NULL;
    if (!chain_parse(r, body, &root))
        return false;
    *holder = json_new_list(r->arena);
    return (*holder && json_list_append(r->arena, *holder, root)) ||
           run_full(r);
}

bool
chain_print(struct run *r, const struct json *root, struct buf *out)
{
    size_t before = buf_len(out);
    json_print(root, out);
    if (!buf_failed(out))
        return true;
    buf_truncate(out, before);
    if (buf_is_starved(out))
        return run_full(r);
    return run_fail(r, FAULT_LIMIT, NULL, NULL,
                    "the translated document is too large");
}

enum err_code
reference_body(struct arena *a, const struct reference_chain *chain,
               const struct reference_facts *facts, span body, struct buf *out,
               struct reference_report *report)
{
    struct run r;
    struct json *holder = NULL;
    size_t before = buf_len(out);
    chain_run_init(&r, a, chain, facts);
    r.source = body;
    bool ok = run_enter(&r) && parse(&r, body, &holder) &&
              run_chain(&r, chain, holder, report) &&
              chain_print(&r, holder->members[0].value, out);
    enum err_code code = chain_report(&r, report);
    if ((!ok || code != OK) && buf_len(out) > before)
        buf_truncate(out, before);
    return code;
}

/* ---- one value alone ------------------------------------------------------------------ */

static bool
run_value(struct run *r, const struct reference_chain *chain, size_t type,
          struct json *holder, bool *gone)
{
    for (size_t at = chain->from; at != chain->to && !*gone;) {
        struct leg leg = chain_leg(chain, at);
        struct json *node = holder->members[0].value;
        chain_step(r, &leg);
        switch (frame_run(r, &leg, type, &node, NULL)) {
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

enum err_code
reference_value(struct arena *a, const struct reference_chain *chain,
                const struct reference_facts *facts, size_t type, span value,
                struct buf *out, bool *gone, struct reference_report *report)
{
    struct run r;
    struct json *holder = NULL;
    size_t before = buf_len(out);
    chain_run_init(&r, a, chain, facts);
    r.source = value;
    *gone = false;
    bool ok = run_enter(&r) && parse(&r, value, &holder) &&
              run_value(&r, chain, type, holder, gone) &&
              (*gone || chain_print(&r, holder->members[0].value, out));
    enum err_code code = chain_report(&r, report);
    if ((!ok || code != OK) && buf_len(out) > before)
        buf_truncate(out, before);
    return code;
}

bool
reference_changes(const struct lens_api *api, size_t type, size_t from,
                  size_t to)
{
    struct reference_chain chain = {.api = api, .from = from, .to = to};
    struct leg leg = chain_leg(&chain, from);
    return frame_can_change(api, &leg, type);
}
