/* SPDX-License-Identifier: Apache-2.0 */
/*
 * limit: what the configuration says of limits, for the rooms that keep them, and
 * what happens when one is reached, beside what its place does about it.
 */
#pragma once

#include "proxy/base/span.h"

struct worker;

/* Each room's own limits, from the generation's; before anything else is made. */
void limits_init(struct worker *w);

/* Every limit that can be reached stands among the counters, at 0. */
void limits_show(struct worker *w);

/*
 * Count it under its name, and say so in the log, at most once a second. `name`
 * is a word of ours: it stays where it is.
 */
void limit_reached(struct worker *w, span name);
void limit_reached_times(struct worker *w, span name, size_t n);

/* Count it; the log has it at its level `debug`: the end of what is idle and a
 * slow reader are nobody's fault. */
void limit_came(struct worker *w, span name);
