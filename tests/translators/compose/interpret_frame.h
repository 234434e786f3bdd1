/* SPDX-License-Identifier: Apache-2.0 */
/*
 * interpret_frame: what the two halves of interpret share: an object at hand, what its
 * guards and terms say (interpret_values.c), and what stands in its document (interpret.c).
 */
#pragma once

#include "tests/translators/compose/interpret.h"

/* One object of one state. */
struct frame {
    struct arena *a;
    const struct normal *n;
    const struct reference_facts *facts;
    const struct normal_state *state;
    struct json *root;
    struct json **at; /* by source: the element at hand */
    struct interpreted *out;
    bool quiet; /* nothing is told: it is asked for a value */
};

/* Does the guard hold for the document as it came? */
bool frame_holds(struct frame *f, guard g);

/* What a term comes to; NULL: nothing. */
struct json *frame_value(struct frame *f, uint32_t term);

/* The element that a step finds. */
struct json *frame_found(const struct json *list, const struct lens_step *step,
                         bool *fails);

/* What stands at a source; NULL: nothing. */
struct json *frame_source(const struct frame *f, uint32_t source);

/* Is `key` one of the first `n` members that the source names? */
bool frame_knows(const struct frame *f, uint32_t source, size_t n, span key);

/* What a node stands for, made. */
struct json *frame_emit(struct frame *f, const struct normal_node *node);
