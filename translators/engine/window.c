/* SPDX-License-Identifier: Apache-2.0 */
/*
 * window: a document in whatever pieces it comes.
 *
 * Most of a piece is looked at where it stands; only its last bytes, behind which
 * nothing may be read, and an unfinished token go to `carry`, which has room
 * behind them. Where a token reaches into the next piece, some of that is put
 * behind it, until the loop stands in the new piece and goes on there.
 */
#include "translators/engine/work.h"

#include <stdlib.h>

#define DIRECT_MIN 512 /* a shorter piece is copied whole */
#define JOIN_MIN   256 /* of a piece, put behind an unfinished token */
#define LEFT_MAX   256 /* of a piece, not looked at where it stands */
#define STRETCH    64  /* of a window, where the index does not lead on */

static bool
is_whole(const struct engine *m)
{
    return m->want == WANT_AFTER && m->top == m->frames;
}

/* By the index as far as it leads, and a stretch by the loop, which sees to
 * whatever is in the way; until the loop has come to the end, or the index far
 * enough. It does: where both get no further, the stretch grows. */
static bool
walk(struct engine *m, struct engine_window *w)
{
    const char *const end = w->end;
    const char *furthest = w->at;
    ptrdiff_t stretch = STRETCH;
    for (;;) {
        w->is_walked = false;
        if (!m->walk(m, w))
            return false;
        if (w->enough && w->at >= w->enough)
            return true;
        if (w->at == end && w->is_end && is_whole(m))
            return true;
        bool is_last = w->is_walked || end - w->at <= stretch;
        w->end = is_last ? end : w->at + stretch;
        if (!m->run(m, w))
            return false;
        w->end = end;
        if (is_last)
            return true;
        /* A token that is held is longer than the stretch. */
        stretch = w->at > furthest ? STRETCH : 2 * stretch;
        if (w->at > furthest)
            furthest = w->at;
    }
}

/* Run over a window; *used is how much of it is done with. False: failed. */
static bool
run(struct engine *m, struct engine_window w, size_t *used)
{
    const char *base = w.at;
    m->base = m->copied = m->last_end = base;
    m->last = w.last;
    if (!(m->walk ? walk(m, &w) : m->run(m, &w)))
        return false;
    *used = (size_t)(w.at - base);
    m->offset += *used;
    m->base = w.at;
    return true;
}

static bool
run_directly(struct engine *m, span bytes, size_t *used)
{
    /* The last bytes are looked at only by what begins before them. */
    const char *stop = bytes.at + bytes.len - ENGINE_SLACK / 2;
    struct engine_window w = {.at = bytes.at,
                              .end = stop - ENGINE_SLACK / 2,
                              .stop = stop,
                              .last = stop - 32};
    /* A few tokens at its end are left to what is carried: that comes next. */
    w.enough = w.end - LEFT_MAX;
    return run(m, w, used);
}

/* Over what is carried; more of the piece comes if there is any. `enough` as in a
 * window. */
static bool
run_carry(struct engine *m, bool has_more, bool is_end, const char *enough,
          size_t *used)
{
    char *stop = m->carry + m->carry_len;
    memset(stop, 0, ENGINE_SLACK);
    struct engine_window w = {.at = m->carry,
                              .end = has_more ? stop - ENGINE_SLACK : stop,
                              .stop = stop,
                              .last = stop + ENGINE_SLACK - 32,
                              .enough = enough,
                              .is_end = is_end && !has_more};
    return run(m, w, used);
}

static bool
carry(struct engine *m, span bytes)
{
    size_t len = m->carry_len + bytes.len;
    if (len > m->carry_room) {
        size_t room = m->carry_room;
        while (room < len)
            room *= 2;
        char *grown = malloc(room + ENGINE_SLACK);
        if (!grown)
            return engine_fail(m, ENGINE_NO_ROOM, NULL);
        memcpy(grown, m->carry, m->carry_len);
        if (m->carry != m->carry_first)
            free(m->carry);
        m->carry = grown;
        m->carry_room = room;
    }
    if (bytes.len)
        memcpy(m->carry + m->carry_len, bytes.at, bytes.len);
    m->carry_len = len;
    return true;
}

static bool
drop_carry(struct engine *m, size_t used)
{
    m->carry_len -= used;
    memmove(m->carry, m->carry + used, m->carry_len);
    return m->carry_len <= m->held_max + JOIN_MIN ||
           engine_fail(m, ENGINE_TOO_LONG, NULL);
}

/*
 * What is carried, with as much of the piece as is needed until the loop stands in
 * it; *bytes is then what comes from there. `old` bytes of the carried are not of
 * this piece.
 */
static bool
join(struct engine *m, span *bytes, bool is_end)
{
    size_t old = m->carry_len;
    while (bytes->len) {
        size_t used = 0;
        size_t n = m->carry_len > JOIN_MIN ? m->carry_len : JOIN_MIN;
        span more = span_take(*bytes, n);
        if (!carry(m, more))
            return false;
        *bytes = span_skip(*bytes, more.len);
        if (!run_carry(m, bytes->len > 0, is_end, m->carry + old, &used))
            return false;
        if (used >= old) {
            size_t back = m->carry_len - used;
            *bytes = span_of(bytes->at - back, bytes->len + back);
            m->carry_len = 0;
            return true;
        }
        old -= used;
        if (!drop_carry(m, used))
            return false;
    }
    return true;
}

/* The last of a piece: what is not done with stays. */
static bool
keep(struct engine *m, span bytes, bool is_end)
{
    size_t used = 0;
    return carry(m, bytes) && run_carry(m, false, is_end, NULL, &used) &&
           drop_carry(m, used);
}

static bool
feed(struct engine *m, span bytes, bool is_end)
{
    size_t used = 0;
    while (m->carry_len && bytes.len >= DIRECT_MIN)
        if (!join(m, &bytes, is_end))
            return false;
    if (bytes.len >= DIRECT_MIN) {
        if (!run_directly(m, bytes, &used))
            return false;
        bytes = span_skip(bytes, used);
    }
    return keep(m, bytes, is_end);
}

enum engine_verdict
engine_feed(struct engine *m, span bytes, bool is_end)
{
    if (m->verdict != ENGINE_MORE)
        return m->verdict;
    if (UNLIKELY(!engine_go_on(m)))
        return m->verdict;
    engine_open_sink(m);
    bool ok = feed(m, bytes, is_end);
    if (ok && is_end && !is_whole(m)) {
        m->base = m->carry;
        ok = engine_fail(m, ENGINE_BAD_JSON, m->carry + m->carry_len);
    }
    engine_commit(m);
    if (ok && !is_end)
        ok = m->program->is_packed ? engine_hold_open(m) : engine_hold_back(m);
    if (ok && is_end)
        m->verdict = ENGINE_DONE;
    return m->verdict;
}
