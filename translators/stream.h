/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stream: a body of records, each translated by itself as soon as it is whole.
 *
 * Behind translation.h's feed and end. A record is cut out (translators/records),
 * its program found by its event's name and its own version, and what comes of it
 * written in the same frame. Memory is one record's, whatever comes before it.
 */
#pragma once

#include "translators/program.h"

struct stream;

/*
 * Begin. Faults and notices go to `report`; records that were translated to
 * `out`. It lives in `a` and ends with it.
 * ERR_LIMIT: `a` is full.
 */
MUST_CHECK enum err_code stream_open(struct arena *a, const struct program *p,
                                     const struct translation_limits *limits,
                                     struct buf *out,
                                     struct reference_report *report,
                                     struct stream **s, struct err *e);

MUST_CHECK enum err_code stream_feed(struct stream *s, span bytes);
MUST_CHECK enum err_code stream_end(struct stream *s);

/* As translation_held_bytes. */
size_t stream_held_bytes(const struct stream *s);
