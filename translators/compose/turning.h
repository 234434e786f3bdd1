/* SPDX-License-Identifier: Apache-2.0 */
/*
 * turning: what index.c and listed.c share: one list that becomes a map, or one map that
 * becomes a list.
 */
#pragma once

#include "translators/compose/build.h"

struct turning {
    struct compose *c;
    const struct staging *s;
    const struct lens_stage *stage;
    struct normal_node *value;
    bool is_list; /* it is a list that becomes a map */
};

MUST_CHECK bool turning_refuse(const struct turning *t, guard when,
                               uint32_t scope, const char *what);

/* What is at a place of keys in an element, which is read while `when` holds. */
MUST_CHECK bool turning_member(const struct turning *t,
                               struct normal_node *element, uint32_t scope,
                               const struct lens_place *place, guard when,
                               struct spot *out);

/* All members of the map become elements: those that no place names, and those by
 * name. */
MUST_CHECK bool turning_to_elements(const struct turning *t);
