/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fallback: a request whose canary pool took no connection goes to the baseline.
 *
 * Nothing of it was sent, so nothing happens twice. What the client sent is kept
 * as it came until the canary has taken the request, since the baseline may
 * speak another version; of a body no more than held_request bytes. A longer one
 * is refused with the canary's failure.
 */
#pragma once

#include "proxy/base/buf.h"
#include "proxy/http/head.h"
#include "proxy/server/exchange.h"

/* The canary is chosen: keep what came so far. False: there is no memory. */
MUST_CHECK bool fallback_begin(struct exchange *x);

/* More of the body came. */
void fallback_note(struct exchange *x, span bytes);

/* The canary has the request, or nobody needs it any more. */
void fallback_end(struct exchange *x);

/* May this failure be answered by the baseline? */
bool fallback_may(const struct exchange *x, enum pool_failure f);

/*
 * Make x what it was before the canary was chosen, and the baseline its pool: to
 * be prepared and asked anew. All that came of the body is in x->seen.
 */
void fallback_turn(struct exchange *x);
