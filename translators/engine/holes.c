/* SPDX-License-Identifier: Apache-2.0 */
/*
 * holes: heads of MessagePack that say how many follow, before that is known.
 *
 * Room for the head is left where it stands, as wide as the most that may follow
 * needs; it is filled when the object ends. Until then what is behind it is not
 * given out: where the input ends before the object does, all from the outermost
 * hole on goes to `open`, and from there to the output when that hole is filled. A
 * hole in a value that waits is in `captures`, which waits anyway.
 */
#include "translators/engine/work.h"

#include "translators/msgpack/token.h"

static size_t
width(uint64_t most)
{
    return most <= MSGPACK_SMALL ? 1 : most <= UINT16_MAX ? 3 : 5;
}

/* Where in the sink the next byte goes. */
static uint64_t
place(const struct engine *m)
{
    return buf_len(m->sink) + (size_t)(m->o - m->o_start);
}

static bool
make(struct engine *m, uint64_t most, struct engine_hole *hole)
{
    *hole = (struct engine_hole){0};
    if (m->target == TRASH)
        return true; /* what is written there goes */
    hole->at = place(m);
    hole->len = (uint8_t)width(most);
    hole->in_out = m->sink == m->out;
    size_t n = hole->len;
    if (UNLIKELY((size_t)(m->o_end - m->o) < n + ENGINE_SLACK) &&
        !engine_grow(m, n))
        return false;
    m->o += n;
    return true;
}

/* Bytes that are moved up where a head turns out to be shorter than its room; before
 * more of them a head that is too wide is left, which says the same. */
#define MOVED_MAX 4096

/* The room is `by` bytes less. Pieces that are linked elsewhere stay where they are. */
static void
narrow(struct engine *m, struct engine_hole *hole, size_t by)
{
    size_t end = (size_t)(place(m) - hole->at) - hole->len;
    bool is_linked = m->sink == &m->captures && hole->at < m->piece_at;
    if (!by || end > MOVED_MAX || is_linked)
        return;
    engine_commit(m);
    hole->len = (uint8_t)(hole->len - by);
    char *to = m->sink->bytes + m->sink->start + hole->at + hole->len;
    memmove(to, to + by, end);
    buf_truncate(m->sink, buf_len(m->sink) - by);
    engine_open_sink(m);
}

static bool
fill(struct engine *m, struct engine_hole *hole, bool is_map, uint64_t n)
{
    char *head = m->sink->bytes + m->sink->start + hole->at;
    if (!hole->len)
        return true;
    if (LIKELY(hole->len == 1)) { /* no more than MSGPACK_SMALL */
        *head = (char)((is_map ? 0x80 : 0x90) | n);
        return true;
    }
    if (LIKELY(hole->len == 3 && n <= UINT16_MAX && !m->crosses)) {
        head[0] = (char)(is_map ? 0xDE : 0xDC);
        head[1] = (char)(n >> 8);
        head[2] = (char)n;
        return true;
    }
    if (n > MSGPACK_N_MAX)
        return engine_fail(m, ENGINE_NO_FORM, NULL);
    if (m->crosses)
        narrow(m, hole, hole->len - width(n));
    msgpack_put_wide(head, is_map ? MSGPACK_MAP : MSGPACK_LIST, hole->len,
                     (uint32_t)n);
    return true;
}

static bool
end_wait(struct engine *m)
{
    engine_use_sink(m, m->out);
    bool ok = engine_put_exactly(m, m->open.bytes, buf_len(&m->open));
    buf_clear(&m->open);
    return ok;
}

bool
engine_open_hole(struct engine *m, struct engine_frame *f)
{
    /* JSON does not say how many come. */
    uint64_t most = m->crosses ? MSGPACK_N_MAX
                               : f->left + (f->is_object ? f->state->n_ops : 0);
    return make(m, most, &f->hole);
}

bool
engine_close_hole(struct engine *m, struct engine_frame *f)
{
    /* Of an object that has gone itself there is no head. */
    bool is_there = f[-1].mode != MODE_CUT;
    if (is_there && !fill(m, &f->hole, f->is_object, f->written))
        return false;
    return !f->hole.opens || end_wait(m);
}

bool
engine_open_level(struct engine *m, size_t depth)
{
    m->levels[depth].n = 0;
    return make(m, MSGPACK_N_MAX, &m->levels[depth].hole);
}

bool
engine_close_level(struct engine *m, size_t depth)
{
    struct engine_nest *l = &m->levels[depth];
    return fill(m, &l->hole, m->kinds[depth], l->n) &&
           (!l->hole.opens || end_wait(m));
}

/* ---- the input ends before they do ------------------------------------------------ */

/* How deep containers of which nothing is known are written below the top frame: of
 * JSON alone have they holes. */
static size_t
last_level(const struct engine *m)
{
    uint8_t mode = m->top->mode;
    bool is_written =
        m->levels &&
        (mode == MODE_PLAIN || mode == MODE_CAPTURE || mode == MODE_WRAPPED);
    return is_written ? m->depth : m->top->depth;
}

static struct engine_hole *
outermost(struct engine *m)
{
    for (struct engine_frame *f = m->frames + 1; f <= m->top; f++)
        if (f->hole.in_out)
            return &f->hole;
    for (size_t d = m->top->depth + 1; d <= last_level(m); d++)
        if (m->levels[d].hole.in_out)
            return &m->levels[d].hole;
    return NULL;
}

static void
move(struct engine_hole *hole, uint64_t by)
{
    hole->at -= hole->in_out ? by : 0;
    hole->in_out = false;
}

/* What stood in the output stands `by` bytes further in front. */
static void
move_all(struct engine *m, uint64_t by)
{
    bool in_out = true; /* what waits has its marks elsewhere */
    for (struct engine_frame *f = m->frames; f <= m->top; f++) {
        in_out = in_out && f->mode != MODE_CAPTURE;
        f->mark -= in_out && f->mark >= by ? by : 0;
        move(&f->hole, by);
    }
    for (size_t d = m->top->depth + 1; d <= last_level(m); d++)
        move(&m->levels[d].hole, by);
}

bool
engine_hold_open(struct engine *m)
{
    struct engine_hole *first = outermost(m);
    if (!first)
        return true;
    size_t kept = (size_t)first->at;
    buf_add(&m->open, span_skip(buf_span(m->out), kept));
    if (buf_failed(&m->open))
        return engine_fail(m, ENGINE_TOO_LONG, NULL);
    buf_truncate(m->out, kept);
    move_all(m, kept);
    first->opens = true;
    if (m->sink == m->out)
        m->sink = &m->open;
    if (m->asked && m->asked->sink == m->out)
        m->asked->sink = &m->open; /* where what is held goes when it ends */
    return true;
}

/* ---- of made objects -------------------------------------------------------------- */

bool
engine_open_made(struct engine *m, struct engine_made *made)
{
    return make(m, m->top->state->n_ops, &made->hole);
}

bool
engine_close_made(struct engine *m, struct engine_made *made)
{
    return fill(m, &made->hole, !made->op->lists, made->n);
}
