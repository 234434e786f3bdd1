/* SPDX-License-Identifier: Apache-2.0 */
#include "translators/lines.h"

/* One table from version `at`; *state is HERE if the line is known beyond it. */
static bool
turn(struct arena *a, const struct lens_api *api, struct lens_occasion *o,
     size_t table, enum lens_side named, const struct lens_http **route,
     enum lens_route_state *state)
{
    *state = lens_route_of(&api->tables[table], named, o, route);
    if (*state != LENS_ROUTE_HERE || !*route)
        return true;
    return lens_route_turn(a, *route, named, &o->method, &o->path);
}

bool
lines_newest(struct arena *a, const struct lens_api *api, size_t client,
             struct lens_occasion *o)
{
    enum lens_route_state state = LENS_ROUTE_HERE;
    const struct lens_http *route;
    for (size_t at = client;
         at + 1 < api->n_versions && state == LENS_ROUTE_HERE; at++)
        if (!turn(a, api, o, at, LENS_OLDER, &route, &state))
            return false;
    return true;
}

bool
lines_find(struct arena *a, const struct lens_api *api,
           const struct lens_occasion *o, size_t client, size_t pool,
           struct lines *out)
{
    size_t n = api->n_versions;
    struct lens_occasion now = *o;
    *out = (struct lines){.at = arena_array(a, n, sizeof(struct line))};
    out->route = arena_array(a, n, sizeof(struct lens_http *));
    if (!out->at || !out->route)
        return false;
    out->at[client] = (struct line){now.method, now.path};
    bool up = pool > client;
    for (size_t at = client; at != pool && out->state == LENS_ROUTE_HERE;) {
        size_t table = up ? at : at - 1;
        if (!turn(a, api, &now, table, up ? LENS_OLDER : LENS_NEWER,
                  &out->route[table], &out->state))
            return false;
        at = up ? at + 1 : at - 1;
        out->at[at] = (struct line){now.method, now.path};
    }
    if (!up)
        now = *o;
    if (!lines_newest(a, api, up ? pool : client, &now))
        return false;
    out->newest = (struct line){now.method, now.path};
    return true;
}
