/* SPDX-License-Identifier: Apache-2.0 */
/*
 * messages: what goes through an open tunnel (RFC 6455), either way.
 *
 * A way whose messages can change between the two versions is read: a text that
 * is JSON is one record, brought over as a whole and written as one frame; the
 * control frames between its fragments do not wait for it. A way without a
 * program passes its bytes as they came, and only where its frames begin is
 * known. So a tunnel ends with a Close wherever one can be read as such.
 *
 * What ends it, but for the two sides themselves: a message that cannot be told
 * or may not be held, frames that are none, silence, the end of a drain.
 */
#pragma once

#include "proxy/base/span.h"

#include <stdint.h>

struct exchange;
struct problem_doc;
struct worker;

struct messages;

/* Find what becomes of either way's messages. False: `p` is filled, refuse with it. */
MUST_CHECK bool messages_plan(struct exchange *x, struct problem_doc *p);

/* Are frames read, so that no extension may be agreed on? */
bool messages_are_read(const struct exchange *x);

/* The tunnel is open. False: no memory. */
MUST_CHECK bool messages_begin(struct exchange *x);

/* Bytes of the client, and of the pool. */
void messages_up(struct exchange *x, span bytes);
void messages_down(struct exchange *x, span bytes);

/* Both sides are told `code` and why; it ends when the pool does, or soon. */
void messages_close(struct exchange *x, unsigned code, const char *reason);

/* When a tunnel that is being closed is given up; 0: it is not. */
uint64_t messages_end_ms(const struct exchange *x);

/* All of a worker's; how many they are. */
size_t messages_close_all(struct worker *w, unsigned code, const char *reason);

/* The exchange is over; and its memory goes. */
void messages_leave(struct exchange *x);
void messages_fini(struct exchange *x);

/* Bytes of memory that messages hold which are not whole, or not brought over. */
size_t messages_hold(const struct exchange *x);

struct translate;

/* What brings a way's messages over; NULL: nothing does. */
const struct translate *messages_way(const struct exchange *x, bool is_up);
