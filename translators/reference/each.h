/* SPDX-License-Identifier: Apache-2.0 */
/*
 * each: what is made of the values of elements that are not the same.
 */
#pragma once

#include "translators/json/tree.h"
#include "translators/lens/lens.h"

/* The least, the greatest, or the sum of those that are there (not NULL): one of them, or
 * in `a`. NULL: they have no order, they are no numbers, or `a` is full. */
struct json *each_of(struct arena *a, struct json *const *values, size_t n,
                     enum lens_unequal how);
