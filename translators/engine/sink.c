/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sink: where output goes, and values that wait.
 *
 * There are two sinks: the caller's buf, and `captures` while a value is being
 * captured; of MessagePack `open` stands before the caller's (holes.c), and a value
 * that goes again has its own (again.c). A slot is a list of pieces of `captures`, since a value that waits may
 * hold one that waits elsewhere: then the outer piece ends and another begins
 * behind the inner one. A slot that is written into a value that itself waits is
 * relinked, not copied.
 */
#include "translators/engine/work.h"

#include <assert.h>

void
engine_open_sink(struct engine *m)
{
    struct buf *b = m->sink;
    /* A buf may have more room than it may hold. */
    size_t room = b->room - b->end;
    size_t more = b->max - buf_len(b);
    m->o_start = m->o = b->bytes ? b->bytes + b->end : NULL;
    m->o_end = b->bytes ? m->o + (room < more ? room : more) : NULL;
}

void
engine_commit(struct engine *m)
{
    m->sink->end += (size_t)(m->o - m->o_start);
    m->o_start = m->o;
}

void
engine_use_sink(struct engine *m, struct buf *sink)
{
    engine_commit(m);
    m->sink = sink;
    engine_open_sink(m);
}

/* It is the outermost value that waits which is too long, wherever we are in it. */
static bool
too_long(struct engine *m)
{
    struct engine_frame *f = m->frames;
    while (f < m->top && f->mode != MODE_CAPTURE)
        f++;
    m->top = f;
    engine_fail(m, ENGINE_TOO_LONG, NULL);
    m->fault.offset = f->start;
    return false;
}

static bool
no_room(struct engine *m)
{
    if (m->sink == &m->captures)
        return too_long(m);
    if (m->asked && m->sink == &m->asked->whole)
        return engine_again_too_long(m);
    return engine_fail(
        m, m->sink == &m->open ? ENGINE_TOO_LONG : ENGINE_NO_ROOM, NULL);
}

bool
engine_grow(struct engine *m, size_t n)
{
    engine_commit(m);
    if (m->target == TRASH)
        buf_truncate(m->sink, m->piece_at);
    if (m->sink == &m->captures && buf_len(m->sink) + n > UINT32_MAX)
        return no_room(m);
    if (!buf_reserve(m->sink, n + ENGINE_SLACK))
        return no_room(m);
    engine_open_sink(m);
    assert(m->o); /* what was reserved is there */
    return true;
}

bool
engine_put_exactly(struct engine *m, const char *at, size_t n)
{
    if ((size_t)(m->o_end - m->o) < n + ENGINE_SLACK && !engine_grow(m, n))
        return false;
    assert(m->o);
    if (n)
        memcpy(m->o, at, n);
    m->o += n;
    return true;
}

/* ---- slots ---------------------------------------------------------------------- */

static struct engine_slot *
slot_at(const struct engine *m, size_t i)
{
    return (struct engine_slot *)(void *)(m->slots.bytes + m->slots.start) + i;
}

static struct engine_piece *
piece_at(const struct engine *m, uint32_t index)
{
    return (struct engine_piece *)(void *)(m->pieces.bytes + m->pieces.start) +
           (index - 1);
}

static uint32_t
n_pieces(const struct engine *m)
{
    return (uint32_t)(buf_len(&m->pieces) / sizeof(struct engine_piece));
}

static size_t
slot_index(const struct engine *m, unsigned up, uint16_t slot)
{
    const struct engine_frame *f = m->top;
    return (size_t)(f - up)->slots + slot;
}

struct engine_slot *
engine_slot_of(const struct engine *m, unsigned up, uint16_t slot)
{
    return slot_at(m, slot_index(m, up, slot));
}

bool
engine_open_slots(struct engine *m, struct engine_frame *f)
{
    size_t n = f->state->n_slots;
    size_t bytes = n * sizeof(struct engine_slot);
    f->slots = (uint32_t)(buf_len(&m->slots) / sizeof(struct engine_slot));
    f->bytes_mark = (uint32_t)buf_len(&m->captures);
    f->pieces_mark = n_pieces(m);
    if (!n)
        return true;
    char *at = buf_reserve(&m->slots, bytes);
    if (!at)
        return engine_fail(m, ENGINE_NO_ROOM, NULL);
    memset(at, 0, bytes);
    buf_commit(&m->slots, bytes);
    return true;
}

void
engine_close_slots(struct engine *m, struct engine_frame *f)
{
    buf_truncate(&m->slots, f->slots * sizeof(struct engine_slot));
    if (m->target != NO_SLOT)
        return; /* pieces of it may be linked in what is being captured */
    buf_truncate(&m->captures, f->bytes_mark);
    buf_truncate(&m->pieces, f->pieces_mark * sizeof(struct engine_piece));
}

/* ---- pieces --------------------------------------------------------------------- */

static void
append_pieces(const struct engine *m, uint32_t first, uint32_t last)
{
    struct engine_slot *s = slot_at(m, m->target);
    if (s->last)
        piece_at(m, s->last)->next = first;
    else
        s->first = first;
    s->last = last;
}

uint32_t
engine_last_piece(const struct engine *m)
{
    return m->target == NO_SLOT ? 0 : slot_at(m, m->target)->last;
}

void
engine_cut_pieces(struct engine *m, uint64_t mark, uint32_t last)
{
    struct engine_slot *s = slot_at(m, m->target);
    if (m->piece_at <= mark) { /* it is all in the piece at hand */
        buf_truncate(&m->captures, (size_t)mark);
        return;
    }
    buf_truncate(&m->captures, m->piece_at);
    uint32_t first = last ? piece_at(m, last)->next : s->first;
    struct engine_piece *piece = first ? piece_at(m, first) : NULL;
    if (piece && piece->at < mark) {
        piece->len = (uint32_t)mark - piece->at;
        piece->next = 0;
        s->last = first;
        return;
    }
    s->last = last;
    if (last)
        piece_at(m, last)->next = 0;
    else
        s->first = 0;
}

/* What was written since piece_at belongs to the target. */
static bool
end_piece(struct engine *m)
{
    engine_commit(m);
    if (m->target == TRASH) {
        buf_truncate(&m->captures, m->piece_at);
        engine_open_sink(m);
        return true;
    }
    struct engine_piece piece = {
        .at = m->piece_at,
        .len = (uint32_t)(buf_len(&m->captures) - m->piece_at)};
    if (!piece.len)
        return true;
    buf_add(&m->pieces, span_of((const char *)&piece, sizeof(piece)));
    if (buf_failed(&m->pieces))
        return too_long(m);
    append_pieces(m, n_pieces(m), n_pieces(m));
    m->piece_at = (uint32_t)buf_len(&m->captures);
    return true;
}

bool
engine_begin_capture(struct engine *m, struct engine_frame *f, const char *p)
{
    const struct engine_entry *e = f->entry;
    const struct engine_slot *s =
        e->action == ENGINE_DROP ? NULL : engine_slot_of(m, e->up, e->slot);
    if (s && (s->full || s->first)) /* a place has one value */
        return engine_fail_by(m, e->fault, p);
    if (m->target != NO_SLOT && !end_piece(m))
        return false;
    f->target = m->target;
    if (m->target == NO_SLOT)
        engine_use_sink(m, &m->captures);
    m->target = e->action == ENGINE_DROP
                    ? TRASH
                    : (uint32_t)slot_index(m, e->up, e->slot);
    m->piece_at = (uint32_t)buf_len(&m->captures);
    m->copied = p;
    f->mode = MODE_CAPTURE;
    f->is_gone = false;
    return true;
}

/* What was to wait has gone. */
static void
empty_target(struct engine *m)
{
    struct engine_slot *s = slot_at(m, m->target);
    engine_commit(m);
    buf_truncate(&m->captures, m->piece_at);
    engine_open_sink(m);
    s->first = s->last = 0;
}

/* What an outer frame's slot holds outlives the frames in between. */
static void
keep_for(struct engine *m, unsigned up)
{
    for (struct engine_frame *f = m->top; up-- > 0; f--) {
        f->bytes_mark = (uint32_t)buf_len(&m->captures);
        f->pieces_mark = n_pieces(m);
    }
}

bool
engine_end_capture(struct engine *m, struct engine_frame *f, const char *p)
{
    if (f->is_gone)
        empty_target(m);
    else if (!engine_flush(m, p) || !end_piece(m))
        return false;
    if (m->target != TRASH)
        slot_at(m, m->target)->full = !f->is_gone;
    m->target = f->target;
    m->piece_at = (uint32_t)buf_len(&m->captures);
    if (m->target == NO_SLOT)
        engine_use_sink(m, buf_len(&m->open) ? &m->open : m->out);
    keep_for(m, f->entry->up);
    f->mode = MODE_PLAIN;
    return true;
}

/* Room that is there already, for `n` bytes and `more` behind them; or NULL. */
static char *
room_in(const struct buf *b, size_t n, size_t more)
{
    bool has = b->bytes && !b->failed && n + more <= b->room - b->end &&
               n + more <= b->max - buf_len(b);
    return has ? b->bytes + b->end : NULL;
}

bool
engine_capture(struct engine *m, struct engine_frame *f, const char *p,
               const char *q)
{
    const struct engine_entry *e = f->entry;
    struct engine_slot *s = engine_slot_of(m, e->up, e->slot);
    size_t n = (size_t)(q - p);
    char *bytes = room_in(&m->captures, n, ENGINE_SLACK);
    char *piece = room_in(&m->pieces, sizeof(struct engine_piece), 0);
    if (m->target != NO_SLOT || !bytes || !piece || s->full || s->first ||
        q > m->last) {
        return engine_begin_capture(m, f, p) && engine_end_capture(m, f, q) &&
               engine_end_member(m, q);
    }
    struct engine_piece is = {.at = (uint32_t)buf_len(&m->captures),
                              .len = (uint32_t)n};
    memcpy(piece, &is, sizeof(is));
    engine_copy(bytes, p, n);
    buf_commit(&m->pieces, sizeof(is));
    buf_commit(&m->captures, n);
    s->first = s->last = n_pieces(m);
    s->full = true;
    m->piece_at = (uint32_t)buf_len(&m->captures);
    keep_for(m, e->up);
    f->mode = MODE_PLAIN;
    m->copied = q;
    return true;
}

/* A piece, 32 bytes at a time where as many may be read. */
static bool
put_piece(struct engine *m, const struct engine_piece *piece)
{
    const struct buf *b = &m->captures;
    const char *at = b->bytes + b->start + piece->at;
    size_t behind = (size_t)(b->bytes + b->room - at);
    if (LIKELY(piece->len <= 32 && behind >= 32))
        return engine_put(m, at, piece->len);
    return engine_put_exactly(m, at, piece->len);
}

bool
engine_put_slot(struct engine *m, struct engine_slot *s)
{
    uint32_t first = s->first;
    uint32_t last = s->last;
    s->first = s->last = 0;
    s->full = false;
    if (!first)
        return true;
    if (m->target != NO_SLOT) {
        if (!end_piece(m))
            return false;
        if (m->target != TRASH)
            append_pieces(m, first, last);
        return true;
    }
    for (uint32_t i = first; i; i = piece_at(m, i)->next) {
        if (!put_piece(m, piece_at(m, i)))
            return false;
        if (i == last)
            break;
    }
    return true;
}

/* ---- guards --------------------------------------------------------------------- */

bool
engine_note(struct engine *m, const struct engine_entry *e, span json)
{
    size_t slot = slot_index(m, e->note_up, e->note);
    if (m->target != NO_SLOT && !end_piece(m))
        return false;
    struct buf *sink = m->sink;
    engine_use_sink(m, &m->captures);
    uint32_t at = (uint32_t)buf_len(&m->captures);
    /* Zeros behind it: it is looked up by words. */
    static const char zeros[16];
    bool ok = engine_put_exactly(m, json.at, json.len) &&
              engine_put_exactly(m, zeros, sizeof(zeros));
    engine_use_sink(m, sink);
    m->piece_at = (uint32_t)buf_len(&m->captures);
    struct engine_slot *s = slot_at(m, slot);
    s->noted = true;
    s->note_at = at;
    s->note_len = (uint32_t)json.len;
    keep_for(m, e->note_up);
    return ok;
}

bool
engine_note_kind(struct engine *m, const struct engine_entry *e, bool is_object)
{
    return engine_note(m, e, is_object ? SPAN("{}") : SPAN("[]"));
}
