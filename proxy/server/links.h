/* SPDX-License-Identifier: Apache-2.0 */
/*
 * links: what an answer points at, as the client names it.
 *
 * A Location, a Content-Location and the targets of Link name something that
 * can be got. What the route's `rewrite` did to the request's target is undone,
 * then each is translated as the line of a GET. One of another host, one outside
 * of what the rewrite leads to, one that has no name in the client's version, and
 * one whose name needs more than its line, stay as they came.
 */
#pragma once

#include "proxy/http/head.h"

struct exchange;

/* May this answer point at what the client calls otherwise? */
bool links_may_differ(const struct exchange *x);

/* False: no memory is left for the message. */
MUST_CHECK bool links_rewrite(struct exchange *x, struct http_head *h);
