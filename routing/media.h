/* SPDX-License-Identifier: Apache-2.0 */
/*
 * media: the media types in a Content-Type or Accept field (RFC 9110 §8.3.1,
 * §12.5.1), cut up and not judged.
 *
 * Every span lies in the field's value, so that a part can be replaced and the
 * rest copied as it came. Commas and semicolons in quoted strings separate
 * nothing.
 */
#pragma once

#include "proxy/base/span.h"

struct media {
    span type;   /* "application/json", trimmed */
    span params; /* what follows its first ';' */
};

/* The next element of `*list`, cut off. False at the end; empty ones are skipped. */
bool media_next(span *list, struct media *out);

/*
 * The next parameter of `*params`, cut off; *value as written, with its
 * quotes. False at the end. One without '=' has an empty value.
 */
bool media_next_param(span *params, span *name, span *value);

/* Is `value` (as written) the text `plain`? */
bool media_value_is(span value, span plain);

/* The weight `q` in thousandths, 1000 without one; a broken one is 0. */
unsigned media_weight(const struct media *m);

/* Is it a token (RFC 9110 §5.6.2): not empty, no separators? */
bool media_is_token(span s);

/*
 * Cut `*s` at the first `c` outside quotes and, if `angles`, outside <...>:
 * what was before it is returned, `*s` becomes what comes after.
 */
span media_cut(span *s, char c, bool angles);

/* Do all its quotes (and <...>) end? If not, it takes what is joined to it. */
bool media_is_whole(span s, bool angles);
