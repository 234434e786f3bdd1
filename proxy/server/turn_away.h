/* SPDX-License-Identifier: Apache-2.0 */
/*
 * turn_away: who comes when there is no time or no memory is told so (503).
 *
 * At twice the capacity this is said as often as anything is served, and what it
 * costs is not served. So over HTTP/1.1 the answer is a text that is made once,
 * with places for the date, the request's id and the length, and goes out
 * without being a head in between; and the exchange is freed as soon as it is
 * out, so that the next finds the same memory, still in the cache.
 */
#pragma once

struct exchange;
struct worker;

/* `limit` and `why` are literals: what was reached, and a sentence about it. */
void turn_away(struct exchange *x, const char *limit, const char *why);

/* Count and log them: when a batch of events is done. */
void turned_away_tell(struct worker *w);
