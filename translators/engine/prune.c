/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prune: an object that goes if it turns out that nothing was written in it.
 *
 * Its key and bracket are written as they come, behind a mark; if it goes, the
 * output is cut back to that. What is behind the outermost mark of an object in
 * which nothing stands yet is not given out between windows: it is a few keys and
 * brackets, whatever the size of the object.
 */
#include "translators/engine/work.h"

bool
engine_mark(struct engine *m, struct engine_frame *f, const char *p)
{
    if (!engine_flush(m, f->wrote ? m->last_end : p))
        return false;
    engine_commit(m);
    f->mark = buf_len(m->sink);
    f->mark_last = m->target < TRASH ? engine_last_piece(m) : 0;
    f->mark_wrote = f->wrote;
    return true;
}

bool
engine_prune(struct engine *m, const char *p)
{
    struct engine_frame *around = m->top - 1;
    if (m->top->wrote || m->target == TRASH)
        return true;
    m->copied = p;
    if (around->mode == MODE_CAPTURE) {
        around->is_gone = true; /* it is what waits */
        return true;
    }
    engine_commit(m);
    if (m->sink != &m->captures)
        buf_truncate(m->sink, around->mark);
    else
        engine_cut_pieces(m, around->mark, around->mark_last);
    engine_open_sink(m);
    around->wrote = around->mark_wrote;
    around->mode = MODE_CUT;
    return true;
}

/* The outermost frame whose member is in the output and may yet go; NULL: none. */
static struct engine_frame *
unsettled(const struct engine *m)
{
    struct engine_frame *first = NULL;
    struct engine_frame *f = m->top;
    bool has_begun = m->want == WANT_COLON || m->want == WANT_VALUE;
    bool may = has_begun && f->entry && f->entry->child &&
               f->entry->child->prunes && f->mode == MODE_PLAIN;
    for (;; f--) {
        if (f->mode == MODE_CAPTURE)
            first = NULL; /* it waits: nothing in it is in the output */
        else if (may)
            first = f;
        if (f == m->frames)
            return first;
        bool is_empty = !f->wrote || (may && !f->mark_wrote);
        may = is_empty && f->state->prunes && f[-1].mode == MODE_PLAIN;
    }
}

/* Marks in the output, from `first` on, are elsewhere now. */
static void
move_marks(const struct engine *m, struct engine_frame *first, uint64_t by)
{
    for (struct engine_frame *f = first; f <= m->top; f++) {
        if (f->mode == MODE_CAPTURE)
            return;
        f->mark += by;
    }
}

bool
engine_hold_back(struct engine *m)
{
    struct engine_frame *first = m->has_marks ? unsettled(m) : NULL;
    if (!first)
        return true;
    size_t kept = (size_t)first->mark;
    span tail = span_skip(buf_span(m->out), kept);
    buf_add(&m->tail, tail);
    if (buf_failed(&m->tail))
        return engine_fail(m, ENGINE_TOO_LONG, NULL);
    m->tail_first = (size_t)(first - m->frames);
    move_marks(m, first, 0 - first->mark);
    buf_truncate(m->out, kept);
    return true;
}

bool
engine_go_on(struct engine *m)
{
    if (!buf_len(&m->tail))
        return true;
    uint64_t base = buf_len(m->out);
    buf_add(m->out, buf_span(&m->tail));
    buf_clear(&m->tail);
    move_marks(m, m->frames + m->tail_first, base);
    return !buf_failed(m->out) || engine_fail(m, ENGINE_NO_ROOM, NULL);
}
