/* SPDX-License-Identifier: Apache-2.0 */
/*
 * framing: what the fields between two neighbours say (Host, lengths, codings,
 * Connection, Expect, TE, Upgrade) put into the members of a head. One place
 * for both codecs, since two readings of these are how requests are smuggled.
 *
 * `hops` are the fields with FIELD_HOP; the others are in the head already and
 * those that Connection names are taken out of it here.
 */
#pragma once

#include "proxy/http/fault.h"
#include "proxy/http/head.h"

/*
 * A request. If the target has named an authority, Host must agree with it.
 * Connection names `names_max` fields at most: an honest one names two or three,
 * and each costs a walk over the fields. HTTP/2 has no Connection, so none.
 * There body is HTTP_BODY_CHUNKED before, HTTP_BODY_SIZED if there is a length.
 */
MUST_CHECK enum fault framing_request(struct http_head *h,
                                      const struct fields *hops,
                                      size_t names_max);

/* The answer to `asked`; an interim or bodyless one has HTTP_BODY_NONE. */
MUST_CHECK enum fault framing_answer(struct http_head *h,
                                     const struct fields *hops,
                                     size_t names_max, enum method asked);

/* Put a checked authority into a head, all in its arena already. */
MUST_CHECK enum fault framing_authority(struct http_head *h, span authority);

/* Does it differ from a known name, or X-Forwarded-*, by '_' for '-' alone? */
bool field_is_disguised(span name);

/* Is it dropped from trailers? */
bool field_is_no_trailer(const struct field *f);
