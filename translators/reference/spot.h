/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spot: what is there, while things are being cut out.
 *
 * A value that is cut leaves a *hole* in its slot: a node that nothing here
 * sees, but that keeps the slot for a value that comes back to it. So a member
 * that stays in its object stays where it stood. Holes are purged when the
 * version step is done, and in a value before a form reads it.
 */
#pragma once

#include "translators/reference/run.h"

/* NULL, or a hole. */
bool spot_is_empty(const struct json *node);

/* Nothing is in it but holes. */
bool spot_is_void(const struct json *container);

/* Members or elements that are no holes. */
size_t spot_count(const struct json *container);

/*
 * The member `key` of `object`, NULL if it has none or is no object. A doubled
 * key fails: the language reads or writes it.
 */
MUST_CHECK bool spot_member(struct run *r, const struct json *object, span key,
                            struct json **out);

/* The element at `index` among those that are there, or NULL. */
struct json *spot_element(const struct json *list, size_t index);

/* Where the object at hand stands among the elements that are there; its slot. */
size_t spot_index(struct run *r, const struct json *node);
size_t spot_slot(struct run *r, const struct json *node);

/* Put `value` into the slot of the object at hand. */
void spot_replace(struct run *r, struct json *node, struct json *value);

/* Position in the parent; tried at `hint` first. */
size_t spot_position(const struct json *node, size_t hint);

/* Cut `node` out of its parent; *hole keeps its slot. */
MUST_CHECK bool spot_cut(struct run *r, struct json *node, size_t hint,
                         struct json **hole);

/* json_alike, holes not counted. */
MUST_CHECK bool spot_equal(struct run *r, const struct json *a,
                           const struct json *b, bool *equal);

/* Remove all holes in `node` and below. */
void spot_purge(struct json *node);

/* A text may be compared or converted unless it holds a lone surrogate. */
MUST_CHECK bool spot_is_readable(struct run *r, const struct json *node);

/* How many containers `node` stands in. */
size_t spot_depth(const struct json *node);

/* Is `node` `top` or below it? */
bool spot_is_in(const struct json *node, const struct json *top);
