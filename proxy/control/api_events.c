/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The call that watches: the journal from where the caller was, and on.
 */
#include "proxy/control/api_call.h"

/* The last event that the caller saw, or now. False: answered. */
static bool
read_after(struct call *c, uint64_t *after)
{
    const struct field *last =
        head_get(c->request->head, SPAN("last-event-id"));
    uint64_t now = store_sequence(c->control->store);

    if (!call_number(c, "after", now, after))
        return false;
    /* A browser repeats the query when it comes back, and says this as well. */
    if (last && !span_to_u64(last->value, after)) {
        api_problem(c->out, 400, "Last-Event-ID is a revision: '%.*s' is none",
                    SPAN_FMT(last->value));
        return false;
    }
    if (*after <= now)
        return true;
    api_problem(c->out, 412,
                "the journal ends at revision %llu, before %llu: it is another "
                "one than it was",
                (unsigned long long)now, (unsigned long long)*after);
    return false;
}

static bool
read_beat(struct call *c, uint64_t *beat_ms)
{
    if (!call_number(c, "beat_ms", EVENTS_BEAT_MS, beat_ms))
        return false;
    if (*beat_ms >= EVENTS_BEAT_MS_MIN && *beat_ms <= EVENTS_BEAT_MS_MAX)
        return true;
    api_problem(c->out, 400, "'beat_ms' is from %d to %d",
                (int)EVENTS_BEAT_MS_MIN, (int)EVENTS_BEAT_MS_MAX);
    return false;
}

void
get_events(struct call *c)
{
    struct api_answer *out = c->out;

    if (!read_after(c, &out->events.after) ||
        !read_beat(c, &out->events.beat_ms))
        return;
    if (!events_has_room(&c->control->events)) {
        api_problem(out, 503, "%u watch already; ask again", EVENTS_MAX);
        return;
    }
    out->status = 200;
    out->content_type = "text/event-stream";
    out->streams = true;
    /* Without data it is no event, and yet who comes back says this id. */
    buf_fmt(out->body, "retry: 1000\nid: %llu\n\n",
            (unsigned long long)out->events.after);
}
