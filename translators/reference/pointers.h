/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pointers: things found again by where they are, in scratch memory.
 *
 * A key is a pointer and a number, so that several tables can be one.
 */
#pragma once

#include "translators/reference/run.h"

struct pointer_slot {
    const void *at; /* NULL is free */
    size_t with;
    size_t value;
};

struct pointers {
    struct pointer_slot *slots;
    size_t n;
    size_t room; /* a power of two, or 0 */
};

/* Put `value` under the key unless it has one. *was: it had. */
MUST_CHECK bool pointers_put(struct run *r, struct pointers *p, const void *at,
                             size_t with, size_t value, bool *was);

/* The value, or SIZE_MAX. */
size_t pointers_get(const struct pointers *p, const void *at, size_t with);
