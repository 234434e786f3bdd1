/* SPDX-License-Identifier: Apache-2.0 */
/*
 * members: a little JSON, enough to find the members of a document that is
 * believed, not to judge one. Spans point into what was given.
 */
#pragma once

#include "proxy/base/buf.h"

/* Past white space, commas and colons from `at` on. */
size_t members_skip_space(span s, size_t at);

/* The value of an object's member; `key` with its quotes. Empty: there is none. */
span members_find(span object, span key);

/* RFC 7396: `patch` on `target`, written to the end of out. */
void members_merge(struct buf *out, span target, span patch);
