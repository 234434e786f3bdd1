/* SPDX-License-Identifier: Apache-2.0 */
/*
 * passage: one value on its way through the stages of an arrow (passage.c), and what
 * lies around them (bring.c).
 */
#pragma once

#include "translators/compose/build.h"

struct alts {
    struct normal_alt *at;
    size_t n;
    size_t room;
};

/* One value on its way through the stages. */
struct passage {
    struct compose *c;
    const struct staging *s;
    const struct normal_node *node;
    struct normal_alt whole; /* as it was before all stages */
    struct alts out;
    struct alts *hidden; /* what stands for what failed */
};

/* One of what the value becomes, while `when` holds. */
MUST_CHECK bool passage_emit(struct passage *p, struct normal_alt alt,
                             guard when);
struct normal_alt passage_term(struct normal_alt alt, uint32_t term);

/* It fails, unless `hide` says what stands for it. */
MUST_CHECK bool passage_check(struct passage *p, guard when, const char *what);
MUST_CHECK bool passage_must_read(struct passage *p, guard when, uint32_t term);

/* What the value is now; members are known only of what is still what it was. */
void passage_replace(struct normal_node *value, const struct passage *p);
/* Kids of alternatives that became terms are in those terms. */
void passage_limit_kids(struct compose *c, struct normal_node *value);

/* Is it a form of more than scalars? */
bool passage_is_any(enum lens_form_kind kind);
/* All stages on all alternatives; what stands for those that failed is `hidden`. */
MUST_CHECK bool passage_run(struct compose *c, const struct staging *s,
                            struct normal_node *value, struct alts *hidden);
