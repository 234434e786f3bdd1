/* SPDX-License-Identifier: Apache-2.0 */
/*
 * interpret: a normal form run over a tree, slowly, as it reads: guards are
 * asked of the document as it came, alternatives are looked for one after
 * another. What has none (`again`) goes through the reference.
 */
#pragma once

#include "translators/compose/compose.h"
#include "translators/json/tree.h"
#include "translators/reference/reference.h"

struct interpreted {
    const char *refused; /* NULL: it was not */
    const char *broken;  /* the normal form itself is wrong */
    struct json *document;
    struct translation_notice *notices; /* by kind and line, added up */
    size_t n_notices;
    size_t room_notices;
    size_t n_again; /* objects that went through the reference */
};

void interpret(struct arena *a, const struct normal *n,
               const struct reference_facts *facts, struct json *document,
               struct interpreted *out);

void interpret_tell(struct arena *a, struct interpreted *out,
                    const struct translation_notice *notice);
