/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_view: the state as JSON. Each returns a new document or NULL (no memory).
 */
#pragma once

#include "proxy/control/state.h"

MUST_CHECK json_t *view_status(struct control *c, uint64_t now_ms);
MUST_CHECK json_t *view_weight(const struct control *c,
                               const struct slot *slot);
MUST_CHECK json_t *view_weights(const struct control *c);
/* One endpoint, as `status` has it. */
MUST_CHECK json_t *view_endpoint(const struct control *c,
                                 const struct gen_endpoint *endpoint);
MUST_CHECK json_t *view_record(const struct record *r);

/*
 * NULL if this generation serves: its workers beat, and the supervisor has told
 * them to accept; else why not. `room` holds the sentence.
 */
const char *view_not_ready(const struct control *c, uint64_t now_ms, char *room,
                           size_t size);

MUST_CHECK json_t *view_revision(const struct store_revision *r);

/* At most `max` before `before` (0: from the newest). NULL with `e` set. */
MUST_CHECK json_t *view_revisions(struct control *c, uint64_t before,
                                  size_t max, struct err *e);
