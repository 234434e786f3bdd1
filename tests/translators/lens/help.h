/* SPDX-License-Identifier: Apache-2.0 */
/*
 * help: apis from texts, and ways to find things in them.
 */
#pragma once

#include "tests/test.h"

#include "proxy/base/problem.h"
#include "translators/json/tree.h"
#include "translators/lens/lens.h"

#define ROOM ((size_t)64 * 1024 * 1024)

/* An api of v1, v2, v3 with Order and Line, and what a test adds to it. */
extern const char shop_api[];
/* The head of a change from v1 to v2, four lines. */
extern const char change_head[];

/* Load `api` and `change` (NULL: none; else behind change_head). */
const struct lens_api *load_shop(struct arena *a, const char *change);
const struct lens_api *load_texts(struct arena *a, const char *api,
                                  const char *change);

/* All problems of such a load, printed; fails if it loads. */
span problems_of(struct arena *a, span api, span change);

/* The block of a type in the first table. */
const struct lens_block *block_of(const struct lens_api *api, const char *type);
/* The only arrow of Order in the first table. */
const struct lens_arrow *arrow_of(const struct lens_api *api);

/* "line/a Line; lines/[0] Line?"; `?` is a guard, of a type at a version. */
span children_of(struct arena *a, const struct lens_api *api, const char *type,
                 size_t version);

/* A literal as JSON. */
span shown(struct arena *a, const struct json *value);

/* Does `text` stand somewhere in `s`? */
bool says(span s, const char *text);
