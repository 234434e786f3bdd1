/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/control/events.h"

#include "proxy/control/api_view.h"

#include <assert.h>
#include <stdlib.h>

/* ------------------------------------------------------------------ what is sent */

void
event_write(struct buf *b, const struct store_revision *r)
{
    json_t *json = view_revision(r);
    char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;

    json_decref(json);
    if (!text) { /* as if the buf had no room: a hole would go unseen */
        b->failed = true;
        return;
    }
    /* JSON on one line, and a kind is one word: neither ends an event early. */
    buf_fmt(b, "id: %llu\nevent: %.*s\ndata: %s\n\n",
            (unsigned long long)r->sequence, SPAN_FMT(r->kind), text);
    free(text);
}

struct writing {
    struct watcher *watcher;
    struct buf *out;
};

static bool
write_one(void *arg, const struct store_revision *r)
{
    struct writing *w = arg;

    event_write(w->out, r);
    w->watcher->after = r->sequence;
    return !buf_failed(w->out) && buf_len(w->out) < EVENTS_AHEAD_BYTES;
}

/* --------------------------------------------------------------------- watchers */

static void
forget(struct watcher *w)
{
    timer_clear(&w->beat);
    w->id = 0;
}

/* What waits for him; NULL: he has gone. */
static struct buf *
line_of(struct watcher *w)
{
    struct buf *out = w->id ? door_stream(w->door, w->id) : NULL;

    if (!out)
        forget(w);
    return out;
}

static void
on_beat(void *arg)
{
    struct watcher *w = arg;
    struct buf *out = line_of(w);

    if (!out)
        return;
    /* To say that there is nothing while there is something is of no use. */
    if (buf_len(out) == 0) {
        buf_fmt(out, ": at revision %llu\n\n", (unsigned long long)w->after);
        door_stream_send(w->door, w->id);
    }
    timer_set(&w->beat, w->events->loop, w->beat_ms);
}

static void
pump(struct watcher *w)
{
    struct store *store = *w->events->store;
    struct buf *out = line_of(w);
    struct writing writing = {.watcher = w, .out = out};
    struct err e;

    if (!out || !store || w->after >= store_sequence(store) ||
        buf_len(out) >= EVENTS_AHEAD_BYTES)
        return;
    if (store_revisions_after(store, w->after, SIZE_MAX, write_one, &writing,
                              &e))
        door_stream_end(w->door, w->id); /* he asks, and is told why */
    else
        door_stream_send(w->door, w->id);
}

void
events_init(struct events *ev, struct loop *l, struct store *const *store)
{
    *ev = (struct events){.loop = l, .store = store};
    for (size_t i = 0; i < EVENTS_MAX; i++) {
        ev->watchers[i].events = ev;
        timer_init(&ev->watchers[i].beat, on_beat, &ev->watchers[i]);
    }
}

void
events_fini(struct events *ev)
{
    for (size_t i = 0; i < EVENTS_MAX; i++)
        forget(&ev->watchers[i]);
}

static struct watcher *
free_place(struct events *ev)
{
    for (size_t i = 0; i < EVENTS_MAX; i++)
        if (!line_of(&ev->watchers[i]))
            return &ev->watchers[i];
    return NULL;
}

bool
events_has_room(struct events *ev)
{
    return free_place(ev) != NULL;
}

void
events_add(struct events *ev, struct door *d, uint64_t id,
           const struct events_ask *ask)
{
    struct watcher *w = free_place(ev);

    assert(w);
    w->door = d;
    w->id = id;
    w->after = ask->after;
    w->beat_ms = ask->beat_ms;
    timer_set(&w->beat, ev->loop, w->beat_ms);
}

void
events_pump(struct events *ev)
{
    for (size_t i = 0; i < EVENTS_MAX; i++)
        if (ev->watchers[i].id)
            pump(&ev->watchers[i]);
}
