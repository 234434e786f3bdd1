/* SPDX-License-Identifier: Apache-2.0 */
/*
 * repair: what was written on a canary, as steps that bring the baseline to it.
 *
 * A step is a path (and what the baseline calls it), not a write: whatever was done to it, in whatever order, the canary has the outcome. It asks
 * both pools, goes on only where its precondition holds, and finds nothing to do the second time; it never
 * overwrites what is newer on the baseline. Where a path cannot be told, the step is for a person, and says so.
 */
#pragma once

#include "proxy/cli/repair_route.h"

#include <jansson.h>
#include <stdbool.h>

struct repair; /* the steps so far */

/* `routes` is borrowed. NULL: no memory. */
struct repair *repair_new(const struct repair_routes *routes);
void repair_free(struct repair **r);

/* Take a page of writes, as `GET /v1/rollouts/NAME/writes` has them. False: no memory, or too many paths. */
bool repair_take(struct repair *r, const json_t *writes);

/* `{"steps": [...]}`, in the order in which paths were first written. NULL: no memory. */
json_t *repair_json(const struct repair *r);

/* The steps as a program for sh(1), to standard output. */
void repair_print(const struct repair *r, const json_t *report);
