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

struct exchange;
struct worker;

#define ARMS(X)                                                                \
    X(ARM_ONLY, "only", "the route has no canary")                             \
    X(ARM_BASELINE, "baseline", "its bucket is beyond the weight")             \
    X(ARM_CANARY, "canary", "its bucket is below the weight")                  \
    X(ARM_NO_SUBJECT, "no_subject", "nobody to split by: the baseline")        \
    X(ARM_FALLBACK, "fallback", "the canary's, and the canary pool is down")   \
    X(ARM_PREFLIGHT, "preflight", "no version, no subject: the baseline")

enum arm {
#define X(id, word, doc) id,
    ARMS(X)
#undef X
};
const char *arm_word(enum arm arm);

struct decision {
    const struct gen_route *route; /* NULL: none fits */
    const struct gen_api *api;     /* NULL: a plain route, or a preflight */
    const struct gen_pool *pool;
    struct detect_result detect;
    struct detect_notice notice;
    int client;      /* the client's version; -1 without */
    bool translates; /* client and pool speak different versions */
    span platform;
    span subject;
    enum arm arm;
    uint32_t bucket;
    uint32_t weight_ppm; /* as it was read for this request */
};

/* Which route; false: none. */
bool decide_route(struct exchange *x);

/*
 * What version the client speaks; x->decision.detect says how it went. After
 * DETECT_NEEDS_BODY decide_marker goes on with the bytes that have come.
 */
void decide_version(struct exchange *x);

enum marked { MARKED_MORE, MARKED };
enum marked decide_marker(struct exchange *x, span body, bool is_all);

/* Which arm, which pool. The version is settled. */
void decide_pool(struct exchange *x);

/* The head as routing looks at it. */
struct facts;
void decide_facts(const struct exchange *x, const struct http_head *h,
                  struct facts *out);
bool decide_field(const void *head, span name, size_t nth, span *value);
