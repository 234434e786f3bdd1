/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test: guards and shapes, asked of an object as it came.
 */
#pragma once

#include "translators/reference/place.h"

/* The types a node has; LENS_ABSENT for NULL. */
unsigned test_types(const struct json *node);

/*
 * Does the value at hand (NULL is ⊥) have this shape? A shape that says nothing
 * fits what is present. Places in it start at the value.
 */
MUST_CHECK bool test_shape(struct run *r, struct json *value,
                           const struct lens_shape *shape, bool *fits);

/* A guard: the same, but one that says nothing always holds. */
MUST_CHECK bool test_guard(struct run *r, struct json *object,
                           const struct lens_shape *guard, bool *holds);
