/* SPDX-License-Identifier: Apache-2.0 */
/*
 * events: the journal as it grows, to those who watch it (server-sent events).
 *
 * An event is a revision and its id is the revision's number, so who comes back
 * with the last id that he saw misses none and sees none twice. The journal is
 * the queue: a watcher is read on from it only as far as he takes what there
 * is, and one who takes nothing is the door's to close. Between revisions a
 * comment says, now and then, that nothing came.
 */
#pragma once

#include "proxy/control/door.h"
#include "proxy/control/store.h"

#define EVENTS_MAX         8u /* watchers */
#define EVENTS_BEAT_MS     ((uint64_t)10000)
#define EVENTS_BEAT_MS_MIN ((uint64_t)100)
#define EVENTS_BEAT_MS_MAX ((uint64_t)60000)
#define EVENTS_AHEAD_BYTES ((size_t)64 * 1024) /* read for one who is slow */

struct watcher {
    struct events *events;
    struct door *door; /* by which he came */
    uint64_t id;       /* the door's; 0: a place nobody has */
    uint64_t after;    /* the last revision that was written to him */
    uint64_t beat_ms;
    struct timer beat;
};

struct events {
    struct loop *loop;
    struct store *const *store; /* control's: it comes and goes */
    struct watcher watchers[EVENTS_MAX];
};

/* What somebody asks for who wants to watch. */
struct events_ask {
    uint64_t after; /* the revisions that come after this one */
    uint64_t beat_ms;
};

void events_init(struct events *ev, struct loop *l, struct store *const *store);
void events_fini(struct events *ev);

/* Is there a place? Forgets those who have gone. */
MUST_CHECK bool events_has_room(struct events *ev);

/* The caller `id` of this door, whose answer is a stream. There is room. */
void events_add(struct events *ev, struct door *d, uint64_t id,
                const struct events_ask *ask);

/* Write what is new to each; once a turn of the loop. Costs nothing without. */
void events_pump(struct events *ev);

/* One revision, as its watchers get it. The buf remembers if it is full. */
void event_write(struct buf *b, const struct store_revision *r);
