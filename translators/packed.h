/* SPDX-License-Identifier: Apache-2.0 */
/*
 * packed: a body that is MessagePack as it comes, as it goes, or both, where the
 * machine has no program for it or it is more than its program knows.
 *
 * Behind translation.h's feed and end. What comes as MessagePack is brought over to
 * JSON as it comes, the version steps are those of JSON, and what goes as
 * MessagePack is written when the document has ended, for its heads say how many
 * follow. Towards JSON a body streams as JSON does.
 */
#pragma once

#include "translators/program.h"

struct packed;

/*
 * Begin. Faults and notices go to `report`, the body to `out`. It lives in `a` and
 * ends with it.
 * ERR_LIMIT: `a` is full.
 */
MUST_CHECK enum err_code packed_open(struct arena *a, const struct program *p,
                                     const struct translation_limits *limits,
                                     struct buf *out,
                                     struct reference_report *report,
                                     struct packed **k, struct err *e);

/* Of a joint program: the head that goes with the body. */
MUST_CHECK enum err_code packed_head(struct packed *k,
                                     const struct message_head *in,
                                     struct message_head *out);
void packed_new_head(const struct packed *k, struct message_head *out);

MUST_CHECK enum err_code packed_feed(struct packed *k, span bytes);
MUST_CHECK enum err_code packed_end(struct packed *k);

/* As translation_held_bytes. */
size_t packed_held_bytes(const struct packed *k);
