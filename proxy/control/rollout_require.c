/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/control/rollout_require.h"

#include "proxy/control/rollout_people.h"
#include "proxy/control/view_traffic.h"
#include "translators/lens/lens.h"

#include <stdio.h>

/* No answer between any client's version and the canary's has failed so far. */
static bool
is_not_refuted(const struct control *c, const struct rollout *r, char *why,
               size_t size)
{
    const struct gen_pool *pool = r->gen->canary.pool;
    struct metrics_sum *sum = traffic_sum(c);
    bool is_met = sum != NULL;

    (void)snprintf(why, size, "no memory to add up what traffic says");
    for (size_t v = 0; is_met && v < pool->api->lens->n_versions; v++) {
        struct traffic t = traffic_of(sum, pool->api, v, (size_t)pool->version);
        is_met = t.failed[1] == 0;
        if (!is_met)
            (void)snprintf(why, size,
                           "matrix: clients at %.*s: no, %llu answers of %llu "
                           "could not be translated",
                           SPAN_FMT(pool->api->lens->versions[v].label),
                           (unsigned long long)t.failed[1],
                           (unsigned long long)t.translated[1]);
    }
    metrics_sum_free(&sum);
    return is_met;
}

static bool
is_proven(const struct control *c, const struct rollout *r, char *why,
          size_t size)
{
    const struct gen_require *require = &r->gen->require;

    if (!require->matrix)
        return true;
    if (require->verdict != CASES_YES) {
        (void)snprintf(why, size, "matrix: %.*s", SPAN_FMT(require->why));
        return false;
    }
    return is_not_refuted(c, r, why, size);
}

static bool
is_clean(const struct control *c, const struct rollout *r,
         const struct gen_route *asked, char *why, size_t size)
{
    const struct gen_route *route = NULL;
    const struct shadow *counts =
        shadows_find(&c->shadows, asked->name, &route);
    size_t n_new = 0;
    enum shadow_verdict verdict =
        counts ? shadow_verdict(counts, &n_new) : SHADOW_UNKNOWN;

    if (verdict == SHADOW_UNKNOWN)
        (void)snprintf(why, size,
                       "shadow: route %.*s: unknown, too few answers were "
                       "compared",
                       SPAN_FMT(asked->name));
    else if (n_new > r->gen->require.new_differences)
        (void)snprintf(why, size,
                       "shadow: route %.*s: %zu new differences, and %llu are "
                       "allowed",
                       SPAN_FMT(asked->name), n_new,
                       (unsigned long long)r->gen->require.new_differences);
    else
        return true;
    return false;
}

/* Enough of the baseline to go back to, before anybody leaves it. */
static bool
has_capacity(const struct control *c, const struct rollout *r, char *why,
             size_t size)
{
    if (rollout_facts(&c->rollouts, r, 0).baseline_is_up)
        return true;
    (void)snprintf(why, size,
                   "baseline_capacity: too few endpoints of pool %.*s are up",
                   SPAN_FMT(r->gen->baseline->name));
    return false;
}

bool
rollout_is_met(const struct control *c, const struct rollout *r,
               bool breaks_glass, char *why, size_t size)
{
    if (!is_proven(c, r, why, size) ||
        (!breaks_glass && !has_capacity(c, r, why, size)))
        return false;
    for (size_t i = 0; r->gen->require.shadow && i < r->gen->n_routes; i++)
        if (!is_clean(c, r, r->gen->routes[i], why, size))
            return false;
    return true;
}

/* Do clients of this version come? Where cells are not kept apart by it, somebody may. */
static bool
comes(const struct rollout *r, uint32_t version)
{
    const struct gen_rollout *g = r->gen;

    for (uint32_t i = 0; g->cells_versions > 1 && i < rollout_cells_n(r); i++)
        if (i / g->cells_platforms % g->cells_versions == version + 1 &&
            cell_asked_n(r->place->cells[i]) > 0)
            return true;
    return g->cells_versions == 1;
}

size_t
rollout_lost(const struct control *c, const struct rollout *r, char *out,
             size_t size)
{
    const struct gen_pool *pool = r->gen->baseline;
    const struct lens_api *api = pool->api ? pool->api->lens : NULL;
    struct metrics_sum *sum = api && pool->version >= 0 ? traffic_sum(c) : NULL;
    size_t n = 0, used = 0;

    out[0] = '\0';
    for (size_t v = 0; sum && v < api->n_versions; v++) {
        struct traffic t = traffic_of(sum, pool->api, v, (size_t)pool->version);
        bool is_lost = (r->gen->lost && r->gen->lost[v]) || t.failed[1] > 0;
        if (!is_lost || !comes(r, (uint32_t)v))
            continue;
        n++;
        if (used < size)
            used += (size_t)snprintf(out + used, size - used, "%s%.*s",
                                     used ? ", " : "",
                                     SPAN_FMT(api->versions[v].label));
    }
    metrics_sum_free(&sum);
    return n;
}
