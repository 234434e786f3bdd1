/* SPDX-License-Identifier: Apache-2.0 */
/*
 * writes: what an older client's PUT would erase, and the word that allows it.
 *
 * A client that replaces a whole document sends back what it was shown, and an
 * `add` shows an older client nothing. So each route that takes such a message
 * for a newer pool needs a word for each field that would go: on the `add`, or
 * on the route. Without it the configuration does not load (no silent loss).
 */
#include "config/loader.h"

#include "proxy/base/template.h"
#include "routing/route.h"
#include "translators/lens/lens.h"
#include "translators/lens/report.h"

/* ---- reading `write:` ---- */

static void
write_rule(struct loader *l, const struct yaml_entry *entry,
           const struct route_spec *spec, struct gen_write *rule)
{
    struct reader *r = &l->r;
    struct err e;
    span path = entry->key->text, word;

    rule->method = span_cut(&path, ' ');
    if (!loader_is_method(rule->method) ||
        template_build(r->arena, span_trim(path), spec->labels, spec->n_labels,
                       &rule->path, &e)) {
        yaml_problem(r->problems, entry->key, "`%.*s` is no method and path",
                     SPAN_FMT(entry->key->text));
        problem_remedy(r->problems, "write it like \"PUT /orders/{id}\"");
    }
    if (!reader_text(r, entry->value, &word))
        return;
    rule->word = span_is(word, "refuse") ? GEN_WRITE_REFUSE : GEN_WRITE_LOSE;
    if (span_is(word, "refuse") || span_is(word, "lose"))
        return;
    if (span_is(word, "merge"))
        yaml_problem(r->problems, entry->value, "`merge` is not offered yet");
    else
        yaml_problem(r->problems, entry->value, "`%.*s` is no word for a write",
                     SPAN_FMT(word));
    problem_remedy(r->problems, "say refuse or lose");
}

void
load_writes(struct loader *l, const struct yaml *node,
            const struct route_spec *spec, struct gen_route *route)
{
    struct gen_write *writes;

    if (!(writes = reader_array(&l->r, node, node->n, sizeof(*writes))))
        return;
    for (size_t i = 0; i < node->n; i++)
        write_rule(l, &node->entries[i], spec, &writes[i]);
    route->writes = writes;
    route->n_writes = node->n;
}

/* ---- is there a word for each? ---- */

struct asking {
    struct loader *l;
    const struct yaml *node; /* the route's */
    const struct gen_route *route;
    const struct template *path; /* the route's; never NULL */
    const struct lens_api *lens;
    bool *reached; /* by type */
    size_t *queue; /* the types that were reached, in order */
    size_t n_queue;
    span method;
    size_t older; /* the client's version */
    size_t newer; /* the pool's */
};

/* What replaced documents of one site would lose. */
struct erasure {
    size_t n;
    const struct lens_loss *first;
};

static bool
add_losses(struct asking *a, size_t type, struct erasure *out)
{
    const struct lens_loss *losses;
    size_t n;

    for (size_t table = a->older; table < a->newer; table++) {
        if (lens_losses_of(a->l->r.arena, a->lens, table, type, &losses, &n))
            return false;
        for (size_t i = 0; i < n; i++) {
            if (losses[i].kind != LENS_WRITE_WOULD_ERASE)
                continue;
            if (!out->first)
                out->first = &losses[i];
            out->n++;
        }
    }
    return true;
}

static void
reach(struct asking *a, size_t type)
{
    if (a->reached[type])
        return;
    a->reached[type] = true;
    a->queue[a->n_queue++] = type;
}

/* Of the type and all that it may hold, each once. */
static bool
add_types(struct asking *a, size_t type, struct erasure *out)
{
    memset(a->reached, 0, a->lens->n_types * sizeof(*a->reached));
    a->n_queue = 0;
    reach(a, type);
    for (size_t k = 0; k < a->n_queue; k++) {
        if (!add_losses(a, a->queue[k], out))
            return false;
        for (size_t v = a->older; v <= a->newer; v++) {
            const struct lens_type_at *at = &a->lens->types[a->queue[k]].at[v];

            for (size_t i = 0; i < at->n_children; i++)
                reach(a, at->children[i].type);
        }
    }
    return true;
}

static bool
has_word(const struct asking *a, const struct template *site)
{
    for (size_t i = 0; i < a->route->n_writes; i++) {
        const struct gen_write *w = &a->route->writes[i];

        if (w->path && span_eq(w->method, a->method) &&
            (template_covers(w->path, a->path) ||
             (site && template_covers(w->path, site))))
            return true;
    }
    return false;
}

static void
ask_site(struct asking *a, const struct lens_site *site)
{
    const struct lens_message *m = &site->message;
    struct problems *p = a->l->r.problems;
    struct erasure erased = {0};

    if (!(m->ways & LENS_REQUEST) ||
        (m->method.len && !span_eq(m->method, a->method)) ||
        (m->path && !template_overlaps(m->path, a->path)) ||
        has_word(a, m->path))
        return;
    if (!add_types(a, site->type, &erased)) {
        yaml_problem(p, a->node, "the configuration is too big");
        return;
    }
    if (erased.n == 0)
        return;

    span path = m->path ? m->path->text : a->path->text;
    const struct lens_origin *o = &erased.first->origin;
    yaml_problem(p, a->node,
                 "a %.*s client's %.*s %.*s would erase %zu field%s of a %.*s "
                 "document that it cannot see: `%.*s` (%.*s:%u)%s",
                 SPAN_FMT(a->lens->versions[a->older].label),
                 SPAN_FMT(a->method), SPAN_FMT(path), erased.n,
                 erased.n == 1 ? "" : "s",
                 SPAN_FMT(a->lens->versions[a->newer].label),
                 SPAN_FMT(erased.first->what), SPAN_FMT(o->change->file),
                 o->line, erased.n == 1 ? "" : " and others");
    problem_remedy(p,
                   "say `write: {\"%.*s %.*s\": refuse}` (or lose) here, or "
                   "`write: refuse` (or lose) beside its `up:`",
                   SPAN_FMT(a->method), SPAN_FMT(path));
}

/* One finding for a client's version and a method: the newest pool's, its oldest site. */
static void
ask_pool(struct asking *a, const struct gen_pool *pool)
{
    if (!pool || pool->api != a->route->api || pool->version < 0)
        return;
    a->newer = (size_t)pool->version;
    for (a->older = 0; a->older < a->newer; a->older++) {
        if (a->lens->versions[a->older].internal)
            continue;
        size_t before = a->l->r.problems->total;
        for (size_t i = 0; i < a->lens->n_sites[a->older] &&
                           a->l->r.problems->total == before;
             i++)
            ask_site(a, &a->lens->sites[a->older][i]);
    }
}

static bool
takes(const struct route_spec *spec, span method)
{
    for (size_t i = 0; i < spec->n_methods; i++)
        if (span_eq(spec->methods[i], method))
            return true;
    return spec->n_methods == 0;
}

void
check_writes(struct loader *l, const struct yaml *node,
             const struct route_spec *spec, const struct gen_route *route,
             const struct gen_pool *pool)
{
    struct asking a = {.l = l, .node = node, .route = route};
    struct err e;

    if (!route->api || !route->api->lens || !pool)
        return;
    a.lens = route->api->lens;
    a.reached = reader_array(&l->r, node, a.lens->n_types, sizeof(*a.reached));
    a.queue = reader_array(&l->r, node, a.lens->n_types, sizeof(*a.queue));
    span path = spec->path.len ? spec->path : SPAN("/**");
    if (!a.reached || !a.queue ||
        template_build(l->r.arena, path, spec->labels, spec->n_labels, &a.path,
                       &e))
        return; /* what is wrong with the path is route_build's to say */

    static const struct {
        const char *method;
        bool only_whole; /* else it is a merge patch */
    } replacing[] = {{"PUT", false}, {"PATCH", true}};
    for (size_t i = 0; i < COUNT(replacing); i++) {
        a.method = span_str(replacing[i].method);
        if (!takes(spec, a.method) ||
            (replacing[i].only_whole && !route->whole))
            continue;
        ask_pool(&a, pool);
    }
}
