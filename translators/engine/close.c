/* SPDX-License-Identifier: Apache-2.0 */
/*
 * close: what is written when an object ends, in front of its bracket and the
 * space before that.
 */
#include "translators/engine/machine.h"

/* A made object that ops are inside of; written with its first member. */
struct made {
    const struct engine_op *op;
    bool written;
    bool wrote;
};

struct closing {
    struct engine *m;
    struct engine_frame *f;
    size_t n;
    struct made made[ENGINE_OPEN_MAX];
};

static bool
happens(const struct closing *c, const struct engine_op *op)
{
    uint64_t seen = c->f->seen[op->word];
    return (seen & op->unless) == 0 && (seen & op->needs) == op->needs &&
           (!op->when || engine_holds(c->m, op->when));
}

static bool
comma(struct engine *m, bool *wrote)
{
    static const char text[ENGINE_PAD] = ",";
    bool is_first = !*wrote;
    *wrote = true;
    return is_first || engine_put(m, text, 1);
}

/* The members before it, the brackets of made objects around it, a comma. */
static bool
begin_member(struct closing *c)
{
    struct engine *m = c->m;
    bool *wrote = &c->f->wrote;
    if (!engine_flush(m, m->last_end))
        return false;
    for (size_t i = 0; i < c->n; i++) {
        struct made *made = &c->made[i];
        if (!made->written &&
            (!comma(m, wrote) ||
             !engine_put(m, made->op->text.at, made->op->text.len)))
            return false;
        made->written = true;
        wrote = &made->wrote;
    }
    return comma(m, wrote);
}

static bool
put_member(struct closing *c, const struct engine_op *op)
{
    return begin_member(c) && engine_put(c->m, op->text.at, op->text.len);
}

static bool
put_slot(struct closing *c, const struct engine_op *op, bool *empty)
{
    struct engine_slot *s = engine_slot_of(c->m, op->up, op->slot);
    *empty = !s->full;
    if (*empty)
        return true;
    return put_member(c, op) && engine_put_slot(c->m, s);
}

static bool
shut(struct closing *c, const struct engine_op *op)
{
    const struct made *made = &c->made[--c->n];
    return !made->written || engine_put(c->m, op->text.at, op->text.len);
}

static bool
run_op(struct closing *c, const struct engine_op *op, const char *p,
       bool *empty)
{
    *empty = false;
    switch (op->kind) {
    case ENGINE_OP_MEMBER:
        return put_member(c, op);
    case ENGINE_OP_SLOT:
        return put_slot(c, op, empty);
    case ENGINE_OP_OPEN:
        c->made[c->n++] = (struct made){.op = op};
        return true;
    case ENGINE_OP_SHUT:
        return shut(c, op);
    case ENGINE_OP_NOTE:
    case ENGINE_OP_JUMP:
        return true;
    case ENGINE_OP_FULL:
        return !engine_slot_of(c->m, op->up, op->slot)->full ||
               engine_fail_by(c->m, op->fault, p);
    case ENGINE_OP_FAIL:
        return engine_fail_by(c->m, op->fault, p);
    }
    return true;
}

bool
engine_close(struct engine *m, const char *p)
{
    struct closing c = {.m = m, .f = m->top};
    const struct engine_state *s = c.f->state;
    for (size_t i = 0; i < s->n_ops; i++) {
        const struct engine_op *op = &s->ops[i];
        bool empty = false;
        if (!happens(&c, op))
            continue;
        if (!run_op(&c, op, p, &empty))
            return false;
        if (op->notes.n && !empty &&
            !engine_tell(m, &op->notes, c.f->start, false))
            return false;
        if (op->kind == ENGINE_OP_JUMP)
            i += op->jump;
    }
    return true;
}
