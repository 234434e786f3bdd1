/* SPDX-License-Identifier: Apache-2.0 */
/*
 * index: finds members of a big object by key. The tree's own.
 *
 * A table of positions beside the members. What changes positions or keys makes
 * it stale, and the next question builds it anew in the same memory, so asking
 * takes none. An object of few members has none: looking is faster.
 */
#pragma once

#include "translators/json/tree.h"

/* Memory for as many members as `object` has room for. False at the limit. */
MUST_CHECK bool json_index_fit(struct arena *a, struct json *object);

/* Positions or keys have changed; a member was put at the end. */
void json_index_stale(struct json *object);
void json_index_appended(struct json *object);
/* The member at `at` has another key now. */
void json_index_renamed(struct json *object, size_t at);
