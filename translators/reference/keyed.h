/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keyed: the elements of a list by what each has at one place.
 *
 * Built once, so that many references into a long list cost no more than the list.
 */
#pragma once

#include "proxy/base/map.h"
#include "translators/reference/place.h"

struct keyed {
    struct json *list;
    const struct lens_place *by;
    struct map scalars; /* compact JSON of the key to the member of the list */
    bool has_others;    /* lists and objects as keys: they are looked for */
};

/* Elements without the place have no key. Scratch memory of the object at hand. */
MUST_CHECK bool keyed_build(struct run *r, struct json *list,
                            const struct lens_place *by, struct keyed *out);

/* The slot of the first element with this key; JSON_NONE: none has it. */
MUST_CHECK bool keyed_find(struct run *r, const struct keyed *k,
                           const struct json *key, size_t *slot);
