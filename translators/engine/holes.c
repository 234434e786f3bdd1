/* SPDX-License-Identifier: Apache-2.0 */
/*
 * holes: heads of MessagePack that say how many follow, before that is known.
 *
 * Room for the head is left where it stands, as wide as the most that may follow
 * needs; it is filled when the object ends. Until then what is behind it is not
 * given out: it is written to `open`, and from there to the output when the
 * outermost hole is filled. A hole in a value that waits is in `captures`, which
 * waits anyway.
 */
#include "translators/engine/machine.h"

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
    static const char zeros[ENGINE_PAD];
    *hole = (struct engine_hole){0};
    if (m->target == TRASH)
        return true; /* what is written there goes */
    hole->at = place(m);
    hole->len = (uint8_t)width(most);
    return engine_put(m, zeros, hole->len);
}

static bool
fill(struct engine *m, const struct engine_hole *hole, bool is_map, uint64_t n)
{
    if (!hole->len)
        return true;
    if (n > MSGPACK_N_MAX)
        return engine_fail(m, ENGINE_NO_FORM, NULL);
    msgpack_put_wide(m->sink->bytes + m->sink->start + hole->at,
                     is_map ? MSGPACK_MAP : MSGPACK_LIST, hole->len,
                     (uint32_t)n);
    return true;
}

bool
engine_open_hole(struct engine *m, struct engine_frame *f)
{
    uint64_t most = f->left + (f->is_object ? f->state->n_ops : 0);
    f->opens = m->sink == m->out;
    if (f->opens)
        engine_use_sink(m, &m->open);
    return make(m, most, &f->hole);
}

bool
engine_close_hole(struct engine *m, struct engine_frame *f)
{
    /* Of an object that has gone itself there is no head. */
    bool is_there = f[-1].mode != MODE_CUT;
    if (is_there && !fill(m, &f->hole, f->is_object, f->written))
        return false;
    if (!f->opens)
        return true;
    engine_use_sink(m, m->out);
    bool ok = engine_put_exactly(m, m->open.bytes, buf_len(&m->open));
    buf_clear(&m->open);
    return ok;
}

bool
engine_open_made(struct engine *m, struct engine_made *made)
{
    return make(m, m->top->state->n_ops, &made->hole);
}

bool
engine_close_made(struct engine *m, const struct engine_made *made)
{
    return fill(m, &made->hole, !made->op->lists, made->n);
}
