/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_call: one call of the admin API being answered; for api.c and its parts.
 *
 * A function that answers false (or NULL) has answered the caller.
 */
#pragma once

#include "proxy/control/api.h"

struct call {
    struct control *control;
    const struct api_request *request;
    struct api_answer *out;
    struct arena *arena;
    span rest; /* of the path, after the call's own, decoded */
};

/* Takes `json`; NULL is that there was no memory for it. */
void call_answer(struct api_answer *out, int status, json_t *json);

/* What the store said, as a status. */
int call_status_of(enum err_code code);

/* The body as an object with no other members than these. */
MUST_CHECK json_t *call_body(struct call *c, const char *const *members,
                             size_t n);

/* `reason` of such a body. */
MUST_CHECK bool call_reason(struct call *c, const json_t *json, span *reason);

/* If-Match: "*", or a revision with or without quotes. */
MUST_CHECK bool call_if_match(struct call *c, bool *expects,
                              uint64_t *expected);

/*
 * The Idempotency-Key, empty without one. KEY_NEW: the change is to be made.
 * KEY_SAME: it was made, of this kind, and its `after` has the members of `of`
 * (taken; NULL: there was no memory for it). KEY_ANOTHER_S: answered.
 */
enum key_is { KEY_NEW, KEY_SAME, KEY_ANOTHER_S };
MUST_CHECK enum key_is call_key(struct call *c, json_t *of, const char *kind,
                                span *key);

/* Such an object of a slot. */
json_t *call_key_slot(span slot);

/* The same of a change of several slots, whose reason begins so. */
MUST_CHECK enum key_is call_key_said(struct call *c, const char *kind,
                                     span said, span *key);

/* `dry_run` of such a body: say what would be, and change nothing. */
MUST_CHECK bool call_dry(struct call *c, const json_t *json, bool *dry);

/* A number in the query; `missing` if it is not there. */
MUST_CHECK bool call_number(struct call *c, const char *name, uint64_t missing,
                            uint64_t *out);

/* api_openapi.c */
void get_openapi(struct call *c);

/* api_weights.c */
void get_weights(struct call *c);
void get_weight(struct call *c);
void put_weight(struct call *c);

/* api_events.c */
void get_events(struct call *c);

/* api_snapshots.c */
void get_snapshot(struct call *c);
void post_snapshot(struct call *c);

/* api_rollouts.c */
void get_rollouts(struct call *c);
void get_rollout(struct call *c);
void post_rollout(struct call *c);

/* api_endpoints.c */
void get_endpoints(struct call *c);
void get_pool_endpoints(struct call *c);
void post_endpoints(struct call *c);

/* api_report.c: `report` and `writes` of one rollout. */
void get_report(struct call *c, const struct rollout *r);
void get_writes(struct call *c, const struct rollout *r);
