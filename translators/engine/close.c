/* SPDX-License-Identifier: Apache-2.0 */
/*
 * close: what is written when an object ends, in front of its bracket and the
 * space before that.
 */
#include "translators/engine/packed.h"
#include "translators/engine/work.h"

static bool
happens(const struct engine *m, const struct engine_op *op)
{
    uint64_t seen = m->top->seen[op->word];
    return (seen & op->unless) == 0 && (seen & op->needs) == op->needs &&
           (!op->when || engine_holds(m, op->when));
}

/* Where the next member goes: the object that ends, or one that is made in it. */
struct spot {
    bool *wrote;
    uint64_t *n;
};

/* A member comes, `text` or what that begins: JSON wants a comma before it, MessagePack
 * wants it counted. */
static inline bool
put_next(struct engine *m, const struct spot *s, span text)
{
    bool has_comma = *s->wrote && !m->program->is_packed;
    *s->wrote = true;
    ++*s->n;
    if (UNLIKELY((size_t)(m->o_end - m->o) < text.len + 1 + ENGINE_SLACK) &&
        !engine_grow(m, text.len + 1))
        return false;
    *m->o = ',';
    m->o += has_comma;
    return engine_put(m, text.at, text.len);
}

/* The brackets of made objects around a member that are not yet there. */
static bool
open_made(struct engine *m, size_t n_made, struct spot *s)
{
    for (size_t i = 0; i < n_made; i++) {
        struct engine_made *made = &m->made[i];
        if (!made->written &&
            (!put_next(m, s, made->op->text) ||
             (m->program->is_packed && !engine_open_made(m, made))))
            return false;
        made->written = true;
        *s = (struct spot){&made->wrote, &made->n};
    }
    return true;
}

static bool
put_member(struct engine *m, size_t n_made, const struct engine_op *op)
{
    struct spot s = {&m->top->wrote, &m->top->written};
    return engine_flush(m, m->last_end) &&
           (!n_made || open_made(m, n_made, &s)) && put_next(m, &s, op->text);
}

static bool
put_made(struct engine *m, size_t n_made)
{
    struct spot s = {&m->top->wrote, &m->top->written};
    return engine_flush(m, m->last_end) && open_made(m, n_made, &s);
}

static bool
shut(struct engine *m, const struct engine_op *op, struct engine_made *made)
{
    if (!made->written)
        return true;
    return m->program->is_packed ? engine_close_made(m, made)
                                 : engine_put(m, op->text.at, op->text.len);
}

static bool
put_slot(struct engine *m, size_t n_made, const struct engine_op *op,
         bool *empty)
{
    struct engine_slot *s = engine_slot_of(m, op->up, op->slot);
    *empty = !s->full;
    if (*empty)
        return true;
    return put_member(m, n_made, op) && engine_put_slot(m, s);
}

/* What slots have noted, for what is made of it. */
static const span *
noted(const struct engine *m, const struct engine_several *s)
{
    span *all = arena_array(m->forms, s->n + 1, sizeof(*all));
    for (size_t i = 0; all && i < s->n; i++) {
        const struct engine_where *w = &s->of[i];
        const struct engine_slot *slot = engine_slot_of(m, w->up, w->slot);
        if (slot->noted) /* else there may be no captures at all */
            all[i] =
                span_of(m->captures.bytes + m->captures.start + slot->note_at,
                        slot->note_len);
    }
    return all;
}

static bool
tell_several(struct engine *m, const struct engine_several *s,
             const size_t *told)
{
    for (size_t i = 0; i < s->n_notes; i++)
        for (size_t n = told[i]; n > 0; n--)
            if (!engine_tell(m, &s->notes[i], m->top->start, false))
                return false;
    return true;
}

static bool
put_several(struct engine *m, size_t n_made, const struct engine_op *op,
            const char *p)
{
    const struct engine_several *s = op->several;
    struct buf *b = &m->scratch[0];
    buf_clear(b);
    if (!engine_open_forms(m))
        return engine_fail(m, ENGINE_NO_ROOM, p);
    const span *all = noted(m, s);
    size_t *told = arena_array(m->forms, s->n_notes + 1, sizeof(*told));
    bool ok = all && told;
    enum engine_formed made =
        ok ? s->fn(s->arg, all, m->forms, b, told) : ENGINE_OUTSIDE;
    if (made != ENGINE_OUTSIDE && ok && !tell_several(m, s, told))
        return false;
    size_t json = buf_len(b);
    ok = ok && !buf_failed(b);
    bool packs = m->program->is_packed && json && made != ENGINE_OUTSIDE;
    span text = {0}; /* packing grows what it is read from */
    ok = ok && (!packs || span_dup(m->forms, buf_span(b), &text));
    bool has = !packs || !ok || engine_pack_value(m->forms, text, b);
    arena_reset(m->forms);
    if (!ok)
        return engine_fail(m, ENGINE_NO_ROOM, p);
    if (made == ENGINE_OUTSIDE)
        return engine_fail_by(m, op->fault, p);
    if (!has)
        return engine_fail(m, ENGINE_NO_FORM, p);
    if (json == 0)
        return true;
    if (packs)
        buf_consume(b, json);
    return put_member(m, n_made, op) &&
           engine_put_exactly(m, b->bytes + b->start, buf_len(b));
}

static bool
prune(struct engine *m, const struct engine_op *op, const char *p)
{
    struct engine_frame *around = m->top - 1;
    if (op->slot != ENGINE_NONE && !m->top->wrote)
        around->seen[op->slot >> 6] |= (uint64_t)1 << (op->slot & 63);
    return engine_prune(m, p);
}

static bool
run_op(struct engine *m, const struct engine_op *op, const char *p,
       size_t *n_made, bool *empty)
{
    switch (op->kind) {
    case ENGINE_OP_MEMBER:
        return put_member(m, *n_made, op);
    case ENGINE_OP_SLOT:
        return put_slot(m, *n_made, op, empty);
    case ENGINE_OP_VALUE:
        return put_several(m, *n_made, op, p);
    case ENGINE_OP_OPEN:
        m->made[(*n_made)++] = (struct engine_made){.op = op};
        return true;
    case ENGINE_OP_MADE:
        return put_made(m, *n_made);
    case ENGINE_OP_SHUT:
        return shut(m, op, &m->made[--*n_made]);
    case ENGINE_OP_NOTE:
    case ENGINE_OP_JUMP:
        return true;
    case ENGINE_OP_FULL:
        return !engine_slot_of(m, op->up, op->slot)->full ||
               engine_fail_by(m, op->fault, p);
    case ENGINE_OP_FAIL:
        return engine_fail_by(m, op->fault, p);
    case ENGINE_OP_PRUNE:
        return prune(m, op, p);
    }
    return true;
}

/* Most ops write a short member or tell a notice, whatever else there is: those that
 * come first. *op becomes the first that is none of them. */
static bool
run_simple(struct engine *m, const struct engine_op **op,
           const struct engine_op *end)
{
    struct engine_frame *f = m->top;
    bool has_comma = !m->program->is_packed;
    const struct engine_op *is = *op;
    for (; is < end; is++) {
        bool is_member = is->kind == ENGINE_OP_MEMBER;
        if ((!is_member && is->kind != ENGINE_OP_NOTE) || is->when)
            break;
        uint64_t seen = f->seen[is->word];
        if ((seen & is->unless) || (seen & is->needs) != is->needs)
            continue;
        if (is_member) {
            if (is->text.len > ENGINE_PAD)
                break;
            if (!engine_flush(m, m->last_end))
                return false;
            if (UNLIKELY(m->o_end - m->o < ENGINE_PAD + 1 + ENGINE_SLACK) &&
                !engine_grow(m, ENGINE_PAD + 1))
                return false;
            char *o = m->o;
            *o = ',';
            o += f->wrote & has_comma;
            memcpy(o, is->text.at, ENGINE_PAD);
            m->o = o + is->text.len;
            f->wrote = true;
            f->written++;
        }
        if (is->notes.n && !engine_tell(m, &is->notes, f->start, false))
            return false;
    }
    *op = is;
    return true;
}

bool
engine_close(struct engine *m, const char *p)
{
    const struct engine_state *s = m->top->state;
    const struct engine_op *op = s->ops;
    const struct engine_op *const end = op + s->n_ops;
    size_t n_made = 0;
    if (!run_simple(m, &op, end))
        return false;
    for (; op < end; op++) {
        bool empty = false;
        if (!happens(m, op))
            continue;
        if (!run_op(m, op, p, &n_made, &empty))
            return false;
        if (op->notes.n && !empty &&
            !engine_tell(m, &op->notes, m->top->start, false))
            return false;
        if (op->kind == ENGINE_OP_JUMP)
            op += op->jump;
    }
    return true;
}
