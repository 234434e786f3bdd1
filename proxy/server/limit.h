/* SPDX-License-Identifier: Apache-2.0 */
/*
 * limit: what happens when one is reached, beside what its place does about it.
 */
#pragma once

#include "proxy/base/span.h"

struct worker;

/* Count it under its name, and say so in the log, at most once a second. */
void limit_reached(struct worker *w, span name);

/* Count it alone: the end of what is idle is nobody's fault. */
void limit_came(struct worker *w, span name);
