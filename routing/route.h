/* SPDX-License-Identifier: Apache-2.0 */
/*
 * route: which route a request takes, by scheme, host, method and path.
 *
 * Of all routes that fit, the most specific is taken. First by scheme: one that
 * names it before all that do not, so that what is said of clear requests cannot
 * be walked around by a longer path. Then by host: an exact name, then the longest "*.suffix" (which stands for one or more labels), then
 * "*". Then by path, as template_compare has it: segment by segment from the
 * left, a literal before a {name} before "**". Then one that lists its methods
 * before one that does not. Then the one that stands first in the file.
 *
 * Hosts are hashed, paths are a trie of segments: what a lookup costs depends
 * on the request's path and not on the number of routes.
 */
#pragma once

#include "proxy/base/arena.h"
#include "proxy/base/err.h"
#include "proxy/base/template.h"

struct route_table; /* immutable; lives in the arena it was built in */

enum route_scheme { ROUTE_ANY_SCHEME, ROUTE_HTTP, ROUTE_HTTPS };
#define ROUTE_SCHEMES 3

struct route_spec {
    span host;           /* "shop.example", "*.example", "*"; empty is "*" */
    span path;           /* a template; empty is every path */
    const span *methods; /* GET stands for HEAD, too */
    size_t n_methods;    /* 0: any */
    enum route_scheme scheme;
    const span *labels; /* what {version} in the path may be */
    size_t n_labels;
};

struct route_request {
    bool is_https;
    span host; /* authority: a port, a last dot and case are looked through */
    span method;
    span path; /* percent-encoded, without query */
};

#define ROUTE_NONE (-1)

/*
 * Build a table of `n` routes; route i of the table is specs[i].
 * ERR_INVALID: a bad host or template, or two routes that no request could
 * tell apart; *which (may be NULL) is then the index of the route at fault.
 */
MUST_CHECK enum err_code route_build(struct arena *a,
                                     const struct route_spec *specs, size_t n,
                                     const struct route_table **out,
                                     size_t *which, struct err *e);

/* The index of the route, or ROUTE_NONE. `m` (may be NULL): its captures. */
int route_find(const struct route_table *t, const struct route_request *r,
               struct template_match *m);

/*
 * The methods that the routes of this scheme, host and path list, each once,
 * with HEAD where there is GET: what a request that found no route might have
 * asked. At most `max` of them, in `out`; 0: there is no such route. They live
 * as long as the table.
 */
size_t route_methods(const struct route_table *t, const struct route_request *r,
                     span *out, size_t max);
