/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mirror: safe requests asked again, and what differs in the answers.
 *
 * Of the requests that the baseline served, a share is asked of it once more and
 * of the canary's pool, after the client has its answer: it waits for none of
 * this. The three answers, all in the client's version, are compared
 * (translators/shadow) and control is told what differs, never a value.
 *
 * A mirrored request is an exchange without a connection. It carries
 * `X-Stile-Shadow: 1`, and it is neither logged nor counted as a request.
 */
#pragma once

#include "proxy/server/exchange.h"

#define MIRRORS_MAX 64u /* under way in one worker; beyond it none is begun */

/* The pool is chosen: is it one to be mirrored? Then x->mirror is set. */
void mirror_consider(struct exchange *x);

/* Is x the client's, and its answer kept? Then as the client is sent it: */
static inline bool
mirror_listens(const struct exchange *x)
{
    return x->mirror && x->is_answer == MIRROR_CLIENT;
}
void mirror_head(struct exchange *x, const struct http_head *h);
void mirror_body(struct exchange *x, span bytes);

/* x is over, whatever became of it; x->mirror is let go. */
void mirror_over(struct exchange *x);

/* Is it asked of the pool by a method that is mirrored? A route that moved may have
 * made another of it. True of whatever is not mirrored. */
bool mirror_may_ask(const struct exchange *x);

/* Mark what a pool is sent. False: no memory. */
MUST_CHECK bool mirror_mark(struct http_head *h);

/* Ask, give up, compare: what must not happen in the middle of a batch. */
void mirrors_go_on(struct worker *w);

/* The worker drains or ends: let all of them go. */
void mirrors_end(struct worker *w);
