/* SPDX-License-Identifier: Apache-2.0 */
/*
 * feed: bytes of a text/event-stream to events (HTML Living Standard, 9.2.6),
 * however they are cut. It knows no socket.
 */
#pragma once

#include "proxy/base/buf.h"

#define FEED_EVENT_BYTES                                                       \
    ((size_t)1 << 20)      /* of one line; of one event's data */
#define FEED_WORD_BYTES 64 /* of an id or a kind, with NUL */

struct feed_event {
    const char *id;   /* the last that was said; "" before */
    const char *kind; /* "" for none */
    span data;        /* empty: the daemon is there, and nothing is new */
};

/* False: no more, please. */
typedef bool (*feed_fn)(void *arg, const struct feed_event *ev);

struct feed {
    feed_fn fn;
    void *arg;
    struct buf line, data;
    char id[FEED_WORD_BYTES], kind[FEED_WORD_BYTES];
};

void feed_init(struct feed *f, feed_fn fn, void *arg);
void feed_fini(struct feed *f);

/* Begin anew, as on a new connection; the last id stays. */
void feed_restart(struct feed *f);

/*
 * Take all of `bytes`. False: `fn` wants no more, or (feed_failed) a line or an
 * event is too long.
 */
MUST_CHECK bool feed_take(struct feed *f, span bytes);
bool feed_failed(const struct feed *f);
