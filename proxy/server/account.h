/* SPDX-License-Identifier: Apache-2.0 */
/*
 * account: what is left of a request when it is over: a line in the access log,
 * counters, and the decision record that `stile explain ID` asks control for.
 */
#pragma once

#include "proxy/server/exchange.h"

/* Cells of one route, found once: nothing is looked up by name per request. */
struct route_cells;

MUST_CHECK struct route_cells *account_new(struct worker *w);

/* Send the records that wait. */
void account_flush(struct worker *w);
