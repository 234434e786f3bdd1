/* SPDX-License-Identifier: Apache-2.0 */
/*
 * meaning: what a spelling of a value says, between reading it in one form and
 * writing it in another.
 *
 * Numbers, instants (seconds since 1970) and durations (seconds) are exact
 * decimals; texts and bytes are bytes. Reading refuses (false) what the form
 * does not read: that value is *outside*. Writing refuses what it cannot write.
 */
#pragma once

#include "translators/json/tree.h"
#include "translators/lens/lens.h"
#include "translators/reference/decimal.h"

struct meaning {
    struct decimal number;
    span text; /* TEXT and BYTES; of a number its spelling, if that is kept */
    bool truth;
};

MUST_CHECK bool meaning_read(struct arena *a, const struct lens_form *form,
                             const struct json *value, struct meaning *out);

/* NULL: cannot be written, or the arena is full. */
struct json *meaning_write(struct arena *a, const struct lens_form *form,
                           const struct meaning *m);

/* The parts: instant.c, duration.c and bytes.c. */
MUST_CHECK bool instant_read(struct arena *a, span text, bool is_date,
                             struct decimal *out);
span instant_write(struct arena *a, const struct decimal *seconds,
                   bool is_date); /* empty: cannot */
MUST_CHECK bool duration_read_iso(struct arena *a, span text,
                                  struct decimal *out);
span duration_write_iso(struct arena *a, const struct decimal *seconds);
MUST_CHECK bool bytes_read(struct arena *a, enum lens_form_kind form, span text,
                           span *out);
MUST_CHECK bool bytes_write(struct arena *a, enum lens_form_kind form,
                            span bytes, span *out);
