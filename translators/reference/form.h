/* SPDX-License-Identifier: Apache-2.0 */
/*
 * form: one `as: X <> Y`, applied to one value.
 */
#pragma once

#include "translators/reference/run.h"

enum form_result {
    FORM_DONE,
    FORM_OUTSIDE, /* X does not read it, or Y cannot write it */
    FORM_FAILED   /* the run has */
};

/*
 * Read `value` as `from` and write it as `to`. Null passes. `value` may become
 * *out itself or part of it. *respelt: coming back it would be spelt otherwise.
 */
MUST_CHECK enum form_result form_convert(struct run *r,
                                         const struct lens_form *from,
                                         const struct lens_form *to,
                                         struct json *value, struct json **out,
                                         bool *respelt);

/* "decimal(2)", as a change file writes it, cut to `size`: for sentences. */
void form_show(const struct lens_form *form, char *text, size_t size);

/* Bytes of MessagePack (json/carried.h)? */
bool form_is_carried(const struct run *r, const struct json *value);

/* A literal that stands for what the stages write: where they write bytes, and the body is
 * to be MessagePack, it is bytes. NULL: the run failed. */
struct json *form_literal(struct run *r, const struct lens_stages *stages,
                          enum lens_side write, struct json *literal);

/* Print compactly, scalars as they are spelt; an empty span when the arena is full. */
span form_compact(struct run *r, const struct json *node);

/* Parse JSON that stood in a text; every node has `at` as its origin. NULL in *out if
 * it is no JSON (or too deep). False: the run failed. */
MUST_CHECK bool form_parse(struct run *r, span text, size_t at,
                           struct json **out);

/* Does the text nest deeper than `depth_max` before `offset`? Tells why json_parse
 * met a limit. */
bool form_is_too_deep(span text, size_t offset, size_t depth_max);

/* pattern.c: the parts of a text, by name; false: it does not match. */
MUST_CHECK bool pattern_match(struct run *r, const struct lens_pattern *p,
                              span text, span *parts, bool *matches);

/* The text of these parts; *fits is false if it would be read as others. */
MUST_CHECK bool pattern_join(struct run *r, const struct lens_pattern *p,
                             const span *parts, span *out, bool *fits);

/* keys.c: spell all keys of `value` otherwise, `depth` levels (0: all). */
MUST_CHECK enum form_result form_spell_keys(struct run *r,
                                            enum lens_spelling from,
                                            enum lens_spelling to,
                                            unsigned depth, struct json *value);
