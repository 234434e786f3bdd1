/* SPDX-License-Identifier: Apache-2.0 */
/*
 * equal: are two documents the same as LANGUAGE.md's law 1 sees it?
 *
 * Empty objects and lists count as absent, an element that holds its tag alone
 * too, and elements that were made are last.
 */
#pragma once

#include "proxy/base/arena.h"
#include "proxy/base/span.h"

/* Both must be JSON; the test fails if one is not. */
bool equal_documents(struct arena *a, span x, span y);
