/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lower: a normal form as a program of the machine (translators/engine).
 *
 * What the machine cannot decide as the bytes come is left to whoever has the
 * whole document: the program fails with its one fault, *aside*, for every
 * document of which it does not know that it would do just what the normal form
 * says. What it does not fail is translated, and told, as the normal form has it;
 * where a value waits its place among the members may be another.
 */
#pragma once

#include "translators/compose/compose.h"
#include "translators/engine/program.h"

#define LOWER_ASIDE 0 /* the fault */

/* What is told: as often as these notices of the program are, together. */
struct lower_tell {
    enum notice_kind kind;
    const struct lens_origin *origin;
    const uint16_t *notices;
    size_t n_notices;
};

struct lowered {
    const char *why; /* NULL: here it is; else why it is not */
    bool guards;     /* not for what replaces whole documents */
    struct engine_program program;
    const struct lower_tell *tells;
    size_t n_tells;
};

/*
 * Lower what the builder's steps so far do to a type, in requests or in answers. The
 * program lives in `a`, and needs the API alone beside it; the builder goes on as
 * before. ERR_LIMIT: `a` or the builder's arena is full.
 */
MUST_CHECK enum err_code compose_lower(struct compose *c, struct arena *a,
                                       size_t type, bool is_request,
                                       struct lowered *out, struct err *e);
