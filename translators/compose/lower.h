/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lower: a normal form as a program of the machine (translators/engine).
 *
 * What the machine cannot decide as the bytes come is left to whoever has the
 * whole document: the program fails with its one fault, *aside*, for every
 * document of which it does not know that it would do just what the normal form
 * says. What it does not fail is translated, and told, as the normal form has it;
 * where a value waits its place among the members may be another. An object of a type
 * in it that has no normal form, or cannot be lowered, is a value that goes again: the
 * machine hands it out (engine_on_again) with the lower_again that says what it is.
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

/* A value that goes through the versions one after another, alone. */
struct lower_again {
    struct engine_again asked; /* whose `what` this is */
    size_t type;
    size_t from; /* versions */
    size_t to;
    const char *why;
    const struct lens_origin *origin; /* where that is said; NULL: nowhere */
    span
        place; /* in an object of the program, `lines/...`; empty: it is that object */
};

struct lowered {
    const char *why; /* NULL: here it is; else why it is not */
    bool guards;     /* not for what replaces whole documents */
    const struct lower_again
        *whole; /* where it is not: its objects as values that
                                        go again; NULL: they cannot */
    bool waits; /* a value that waits may have left its slot */
    span held;  /* the first value that is held whole if it is a container, as
                   `lines/...`; empty: none is */
    const struct lower_again *const *agains; /* in it */
    size_t n_agains;
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
