/* SPDX-License-Identifier: Apache-2.0 */
/*
 * decide: from a request's head to a pool: route, version, subject, arm.
 *
 * Each step is a look-up in what was compiled at load; only the weight, the
 * latch and the endpoints' health are read live, once for each request. What
 * is decided here is all that the access log, the metrics and `explain` tell.
 */
#pragma once

#include "config/generation.h"
#include "proxy/http/head.h"
#include "routing/detect.h"
#include "translators/translation.h"

/*
 * What is decided about. The worker fills it from an exchange; `stile explain`
 * from a request that is only described.
 */
struct decide_case {
    const struct generation *gen;
    const struct http_head *head; /* as the client sent it */
    bool is_https;
    span certificate; /* the verified client certificate's name, or empty */
    int64_t now_s;    /* Unix seconds */
    /* Read live: the weight in force, whether a cell of a rollout is halted while the rest goes on, and whether a pool has
     * an endpoint up. */
    uint32_t (*weight_ppm)(void *live, const struct gen_canary *canary);
    bool (*cell_is_halted)(void *live, const struct gen_rollout *r,
                           uint32_t cell);
    bool (*pool_is_up)(void *live, const struct gen_pool *pool);
    void *live;
};

#define ARMS(X)                                                                \
    X(ARM_ONLY, "only", "the route has no canary")                             \
    X(ARM_BASELINE, "baseline", "its bucket is beyond the weight")             \
    X(ARM_CANARY, "canary", "its bucket is below the weight")                  \
    X(ARM_NO_SUBJECT, "no_subject", "nobody to split by: the baseline")        \
    X(ARM_FALLBACK, "fallback", "the canary's, and the canary pool is down")   \
    X(ARM_PREFLIGHT, "preflight", "no version, no subject: the baseline")      \
    X(ARM_HALTED, "halted", "the canary's, and a gate halted its cell")

enum arm {
#define X(id, word, doc) id,
    ARMS(X)
#undef X
};
const char *arm_word(enum arm arm);

struct decision {
    const struct gen_route *route;   /* NULL: none fits */
    const struct gen_api *api;       /* NULL: a plain route, or a preflight */
    const struct gen_canary *canary; /* that it was asked for; NULL: none */
    uint32_t cell;                   /* of the canary's rollout */
    const struct gen_pool *pool;
    struct detect_result detect;
    struct detect_notice notice;
    int client; /* the client's version; -1 without */
    bool
        translates; /* client and pool speak different versions, or records may,
                       or bodies may have different forms */
    span platform;
    span subject;
    enum arm arm;
    uint32_t bucket;
    uint32_t weight_ppm;      /* as it was read for this request */
    enum message_write write; /* the route's word for such a message */
    bool write_refused;       /* it would erase what its sender cannot see */
};

/* Which route; false: none. */
bool decide_route(const struct decide_case *c, struct decision *d);

/*
 * Without a route: the methods of those that take the path, as a list for
 * `Allow`, in `a`. Empty: there are none.
 */
span decide_allowed(const struct decide_case *c, struct arena *a);

/*
 * What version the client speaks; d->detect says how it went. After
 * DETECT_NEEDS_BODY decide_marker goes on with the bytes that have come.
 */
void decide_version(const struct decide_case *c, struct decision *d);

/* MARKED_MORE: ask again with more bytes. `a` keeps the spelling of a marker. */
enum marked { MARKED_MORE, MARKED };
enum marked decide_marker(const struct decide_case *c, struct arena *a,
                          span body, bool is_all, struct decision *d);

/* May a message between this client and this pool need a translation? */
bool decide_translates(const struct decision *d);

/* Which arm, which pool. The version is settled. */
void decide_pool(const struct decide_case *c, struct decision *d);

/* The canary cannot be asked: its subject's request goes to the baseline. */
void decide_fall_back(const struct decide_case *c, struct decision *d);

/* A mirrored request asks the pool of this arm, whatever the split says. */
void decide_mirrored(const struct decide_case *c, struct decision *d,
                     enum arm arm);

/* The head as routing looks at it. */
struct facts;
void decide_facts(const struct decide_case *c, const struct http_head *h,
                  struct facts *out);
bool decide_field(const void *head, span name, size_t nth, span *value);

/* What the translator is told of the request. */
struct message;
void decide_message(const struct decide_case *c, const struct decision *d,
                    struct message *out);
