/* SPDX-License-Identifier: Apache-2.0 */
/*
 * print: what the two files share that print a normal form.
 */
#pragma once

#include "proxy/base/buf.h"
#include "translators/compose/compose.h"

#define WAYS_MAX     4  /* of a guard, until it is cut short */
#define LITERALS_MAX 24 /* of one of them */

struct literal {
    uint32_t atom;
    bool holds;
};

struct printing {
    const struct normal *n;
    struct buf *b;
    struct literal path[LITERALS_MAX];
    size_t n_ways;
    uint32_t granted; /* a source that is at hand */
};

/* ---- wording.c ---- */

/* One element of a list, as the language has it. */
void print_step(const struct lens_step *step, struct buf *to);
void print_term(struct printing *p, uint32_t term);

/* `source`: what is at hand, of which it need not be said that it is there. */
void print_guard(struct printing *p, guard g, uint32_t source);
/* Does it say no more than that this source is there? */
bool print_is_presence(struct printing *p, guard g, uint32_t source);

/* ---- print.c ---- */

/* `shallow`: its own alternatives alone, on one line. */
void print_node(struct printing *p, const struct normal_node *node, span path,
                bool shallow);
