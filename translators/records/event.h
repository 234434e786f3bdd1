/* SPDX-License-Identifier: Apache-2.0 */
/*
 * event: the fields of one server-sent event (WHATWG HTML §9.2.6); this room's
 * own. A frame is whole lines.
 */
#pragma once

#include "translators/records/records.h"

/*
 * Find name and data of the event. Several lines of data are joined with LF in
 * `joined`; one is a span of the frame. False: no room.
 */
MUST_CHECK bool event_read(span frame, bool is_first, struct buf *joined,
                           struct record *out);

/* Another text as its data and, if `name` has bytes, another name; all other
 * lines as they came. */
void event_print(const struct record *record, span text, span name,
                 struct buf *out);

/* Only what a client keeps without an event: `id` and `retry`. */
void event_print_hidden(const struct record *record, struct buf *out);
