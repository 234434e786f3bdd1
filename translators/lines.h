/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lines: how each version names a message. A client says one line, and routes
 * that moved turn it into those of the versions beside.
 */
#pragma once

#include "translators/lens/lens.h"

struct line {
    span method;
    span path; /* parts that come from elsewhere are `-` */
};

struct lines {
    struct line *at;                /* by version; all that were reached */
    const struct lens_http **route; /* by table: the nearest, or NULL */
    struct line newest; /* as the newest version reached names it: by this the
                           types of api.yaml are found */
    enum lens_route_state state; /* of the first table on the way that is
                                       not HERE */
};

/*
 * From the client's version `client` to `pool`, and on to the newest. `o` says
 * how the client names it. False: `a` is full.
 */
MUST_CHECK bool lines_find(struct arena *a, const struct lens_api *api,
                           const struct lens_occasion *o, size_t client,
                           size_t pool, struct lines *out);

/* The line alone by which types are found, for a client of this version. */
MUST_CHECK bool lines_newest(struct arena *a, const struct lens_api *api,
                             size_t client, struct lens_occasion *o);
