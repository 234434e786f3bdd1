/* SPDX-License-Identifier: Apache-2.0 */
/*
 * step: a tree over one version step; and the door of the room.
 */
#include "translators/patch/build.h"

bool
step_tree(struct judge *j, const struct reference_chain *chain, size_t at)
{
    struct run *r = j->run;
    struct leg leg = chain_leg(chain, at);
    struct typed_list sites = {0};
    j->leg = &leg;
    run_leave(r); /* what the last tree needed */
    bool ok = judge_tree(j, &chain->sites[at]) &&
              chain_find_sites(r, &chain->sites[at],
                               j->holder->members[0].value, &sites) &&
              chain_translate(r, &leg, &sites, j->holder);
    if (ok)
        spot_purge(j->holder);
    ok = ok && settle_all(j);
    j->leg = NULL;
    return ok;
}

static bool
merge_translate(struct run *r, const struct reference_chain *chain,
                const struct patch_options *options, struct json *holder,
                struct reference_report *report)
{
    struct json *root = holder->members[0].value;
    span label = chain->api->versions[chain->from].label;
    r->replaces = true;
    /* RFC 7396 §2: what is no object replaces the whole. */
    if (root->kind == JSON_OBJECT && !part_set_all(r, root))
        return false;
    if (!chain_trace(r, report, root, label, label))
        return false;
    for (size_t at = chain->from; at != chain->to;) {
        struct leg leg = chain_leg(chain, at);
        struct judge j = {
            .run = r, .options = options, .mode = PART_MERGE, .holder = holder};
        chain_step(r, &leg);
        if (!step_tree(&j, chain, at) ||
            !chain_trace(r, report, holder->members[0].value, r->from, r->to))
            return false;
        at = leg.to;
    }
    return true;
}

/* The patch, in a list, so that it may become another node. */
static bool
read_tree(struct run *r, span body, struct json **holder)
{
    struct json *root = NULL;
    if (!chain_parse(r, body, &root))
        return false;
    *holder = json_new_list(r->arena);
    return (*holder && json_list_append(r->arena, *holder, root)) ||
           run_full(r);
}

enum err_code
patch_body(struct arena *a, const struct reference_chain *chain,
           const struct reference_facts *facts,
           const struct patch_options *options, span body, struct buf *out,
           struct reference_report *report)
{
    struct run r;
    struct json *holder = NULL;
    size_t before = buf_len(out);
    chain_run_init(&r, a, chain, facts);
    r.source = body;
    bool ok =
        run_enter(&r) && read_tree(&r, body, &holder) &&
        (options->kind == PATCH_MERGE
             ? merge_translate(&r, chain, options, holder, report)
             : operations_translate(&r, chain, options, holder, report)) &&
        chain_print(&r, holder->members[0].value, out);
    enum err_code code = chain_report(&r, report);
    if ((!ok || code != OK) && buf_len(out) > before)
        buf_truncate(out, before);
    return code;
}
