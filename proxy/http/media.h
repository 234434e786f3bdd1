/* SPDX-License-Identifier: Apache-2.0 */
/*
 * media: a media type, "application/vnd.shop+json; version=2".
 */
#pragma once

#include "proxy/base/arena.h"

struct media {
    span type;    /* "application"; case as it came, compare without */
    span subtype; /* "vnd.shop+json", all of it */
    span suffix;  /* "json": after the last '+'; empty if there is none */
    span params;  /* the rest, checked: walk it with media_param_next */
};

/* Also "*" for type and subtype, as Accept has them. False: malformed. */
MUST_CHECK bool media_parse(span s, struct media *out);

/* The next parameter; a quoted value still has its quotes and backslashes. */
bool media_param_next(span *rest, span *name, span *value);

/*
 * The value of parameter `name` (case does not count), unquoted; it is in the
 * arena if it had a backslash. False: not there (or, *full, the arena is full).
 */
MUST_CHECK bool media_param(struct arena *a, const struct media *m, span name,
                            span *value, bool *full);

/* Is it this type? "application/json"; case and parameters do not count. */
bool media_is(const struct media *m, const char *essence);

/* application/json, text/json, or any "+json". */
bool media_is_json(const struct media *m);

/*
 * The next element of a comma-separated list (RFC 9110 §5.6.1), trimmed; empty
 * ones are passed over, commas in quoted strings do not count. False at the end.
 */
bool list_next(span *rest, span *item);
