/* SPDX-License-Identifier: Apache-2.0 */
/*
 * orders: what turns a worker's life. Its loader tells it to serve, to drain and to
 * open its logs anew (proxy/observe/roles.h); SIGTERM is the order to drain. Without
 * a loader it serves on and looks for a new supervisor.
 */
#pragma once

#include <stdbool.h>

struct worker;

/* From now on they are heard. False: no descriptor, or no memory. */
bool orders_open(struct worker *w);

/* It cannot go on: told in the log, and the worker's exit code is 1. */
void orders_give_up(struct worker *w, const char *why, const char *sentence);
