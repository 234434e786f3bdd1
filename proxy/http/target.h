/* SPDX-License-Identifier: Apache-2.0 */
/*
 * target: what a request points at: authority, path, percent-encoding.
 */
#pragma once

#include "proxy/base/arena.h"
#include "proxy/base/err.h"

/*
 * Split "host", "host:port", "[v6]:port". No userinfo, path, list, empty port or
 * port 0. `host` points into `authority`, case kept; port is 0 if it has none.
 */
MUST_CHECK bool authority_split(span authority, span *host, uint16_t *port);

/*
 * Split "/path?query". Printable ASCII without '#'; in the path every '%' begins
 * two hex digits, and none is %00.
 */
MUST_CHECK bool target_split(span target, span *path, span *query,
                             bool *has_query);

/* What target_split asks of its parts, for who made or changed one. */
bool path_is_valid(span path);
bool query_is_valid(span query);

/*
 * Has it no segment that is "." or "..", encoded or not? A route matched by
 * prefix means what it says only then.
 */
bool path_is_plain(span path);

/*
 * The next segment of a path: from "/a/b" come "a", "b"; from "/a/" come "a"
 * and "". False at the end. Undecoded.
 */
bool path_next(span *rest, span *segment);

/*
 * %XX decoded. Points at `s` itself if there was nothing to do. With `form`
 * also '+' to space, as query strings have it. A '%' without two hex digits
 * stays as it is. ERR_LIMIT: the arena is full.
 */
MUST_CHECK enum err_code pct_decode(struct arena *a, span s, bool form,
                                    span *out);

/* All but unreserved characters (letters, digits, "-._~") encoded. */
MUST_CHECK enum err_code pct_encode(struct arena *a, span s, span *out);
