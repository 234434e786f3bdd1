/* SPDX-License-Identifier: Apache-2.0 */
/*
 * several: what one value is made of, of several: parts of a text, and what stands in
 * all elements.
 */
#pragma once

#include "translators/json/tree.h"
#include "translators/lens/lens.h"

/* Part `i` of a text; NULL: it is none, or does not match. */
struct json *several_part(struct arena *a, const struct lens_pattern *p,
                          const struct json *text, size_t i);

/* The text of these parts; NULL: they would not come back so. */
struct json *several_text(struct arena *a, const struct lens_pattern *p,
                          struct json *const *parts);

/* Of what elements have (NULL: nothing): is it not the same in all? *out: the one value,
 * NULL if there is none. *unclean: a text that was compared has a lone surrogate. */
bool several_unequal(struct arena *a, struct json *const *values, size_t n,
                     enum lens_unequal how, struct json **out, bool *unclean);
