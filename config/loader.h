/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loader: what the parts of this room share while a generation is built.
 *
 * The sections are read in the order in which they need each other: settings,
 * apis, pools, routes. Each part finds what it names in the maps that earlier
 * parts filled, and adds a problem for what is not there.
 */
#pragma once

#include "config/generation.h"
#include "config/reader.h"
#include "proxy/base/map.h"

struct route_spec; /* routing/route.h */

/* What cases showed of an api; rollout_proof.c */
struct loader_proof {
    bool was_tried;
    struct arena *arena;
    const struct cases_proof *proof; /* NULL: no memory for them */
};

struct loader {
    struct reader r;
    struct generation *g;
    const struct certs_tickets *tickets;
    const struct yaml **docs; /* the file and what it includes */
    size_t n_docs;
    struct map apis;                /* name -> struct gen_api */
    struct map pools;               /* name -> struct gen_pool */
    struct map routes;              /* name -> struct gen_route */
    struct gen_api *api_at;         /* as they are being built... */
    const struct yaml **api_nodes;  /* ...and where each is */
    struct gen_route *route_at;     /* as they are being built... */
    const struct route_spec *specs; /* ...and what each was built from */
    struct loader_proof *proofs;    /* by api, while rollouts are read */
};

/*
 * All entries of one section over all files, as `items` (of a list) or
 * `entries` (of a map); n is how many there are.
 */
struct section {
    const struct yaml **keys; /* NULL where the section is a list */
    const struct yaml **values;
    size_t n;
};
bool section_list(struct loader *l, const char *name, struct section *out);
bool section_map(struct loader *l, const char *name, struct section *out);

/* The one place of a section that may stand once; NULL if it is nowhere. */
const struct yaml *section_single(struct loader *l, const char *name);

/* Put a named thing into a map of names; a name taken twice is a problem. */
bool loader_name(struct loader *l, struct map *m, const struct yaml *key,
                 void *thing, const char *what);

/* Find what `node` names; if it is not there, a problem with the nearest name. */
void *loader_find(struct loader *l, const struct map *m,
                  const struct yaml *node, const char *what);

/* The tree with its ${NAME} put in. environment.c */
const struct yaml *load_environment(struct loader *l, const struct yaml *node);

void load_settings(struct loader *l);    /* settings.c: all that is not below */
void load_listeners(struct loader *l);   /* listen.c */
void load_apis(struct loader *l);        /* apis.c */
void load_pools(struct loader *l);       /* pools.c */
void load_translators(struct loader *l); /* apis.c, when pools are known */
void load_routes(struct loader *l);      /* routes.c */
void load_rollouts(struct loader *l);    /* rollouts.c */

/* The certificates of one listener; NULL after a problem. The admin listener's
 * clients may show one and need not, and speak HTTP/1.1 alone. tls.c */
const struct certs_store *load_tls(struct loader *l, const struct yaml *node,
                                   bool for_admin);

/* A method that may be routed: in capitals, neither CONNECT nor TRACE. routes.c */
bool loader_is_method(span s);

/* A route's `write:`, a map; and a problem for each client's version whose writes to
 * `pool` would erase a field without a word. writes.c */
void load_writes(struct loader *l, const struct yaml *node,
                 const struct route_spec *spec, struct gen_route *route);
void check_writes(struct loader *l, const struct yaml *node,
                  const struct route_spec *spec, const struct gen_route *route,
                  const struct gen_pool *pool);

/* A rollout's `gates:`, into its plan; its windows. rollout_gates.c */
void load_rollout_gates(struct loader *l, const struct yaml *node,
                        struct rollout_plan *plan);
void load_rollout_windows(struct loader *l, const struct yaml *node,
                          struct rollout_plan *plan);
void rollout_gates_preset(struct rollout_plan *plan);

/* `admin`. admin.c; its `users`. users.c */
void load_admin(struct loader *l, const struct yaml *node);
void load_users(struct loader *l, const struct yaml *node);

/* A list of names, in the loader's arena. settings.c */
const span *loader_names(struct loader *l, const struct yaml *node,
                         const char *what, size_t *n);

/* Parts of a route. gates.c */
void load_redirect(struct loader *l, const struct yaml *node,
                   struct gen_route *route);
void load_answer(struct loader *l, const struct yaml *node,
                 struct gen_route *route);
void load_maintenance(struct loader *l, const struct yaml *node,
                      struct gen_route *route);
void load_allow(struct loader *l, const struct yaml *node,
                struct gen_route *route);
void load_rate(struct loader *l, const struct yaml *node,
               struct gen_route *route);
void load_rewrite(struct loader *l, const struct yaml *node,
                  struct gen_route *route);
/* What of a canary is mirrored; NULL after a problem. shadow.c */
const struct gen_shadow *load_shadow(struct loader *l, const struct yaml *node);
extern const struct gen_pool no_pool;

/* "10.0.0.0/8" or one address; false after a problem. settings.c */
bool loader_network(struct loader *l, const struct yaml *node,
                    struct gen_network *out);

/* A list of sources ("header:X-Account"); NULL after a problem. routes.c */
const struct subject_spec *
loader_subject(struct reader *r, const struct yaml *value, const char *what);

/* A pool's context, into `pool`; `node` is its `tls` if it `is_said`. tls.c */
void load_pool_tls(struct loader *l, const struct yaml *node, bool is_said,
                   struct gen_pool *pool);

/* "host:port", "[::1]:80", "unix:/path" into an address; `unix_ok` allows the last. */
bool loader_address(struct loader *l, const struct yaml *node, bool unix_ok,
                    struct gen_address *out);
