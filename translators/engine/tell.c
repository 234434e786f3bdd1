/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tell: notices and faults, and where they were.
 *
 * Each place is kept as the steps that lead to it, of the first of each notice and of the
 * fault, and becomes a JSON Pointer when it is asked for.
 */
#include "translators/engine/work.h"

#include <stdlib.h>

#define STEPS_MAX ((uint32_t)1 << 19) /* of all paths that are kept */

static __attribute__((noinline)) bool
more_steps(struct engine *m, size_t n)
{
    uint32_t room = m->steps_room;
    while (room - m->n_steps < n) /* ends: depth bounds n */
        room *= 2;
    struct engine_step *steps =
        room <= STEPS_MAX ? malloc(room * sizeof(*steps)) : NULL;
    if (!steps)
        return false;
    memcpy(steps, m->steps, m->n_steps * sizeof(*steps));
    if (m->steps != m->steps_first)
        free(m->steps);
    m->steps = steps;
    m->steps_room = room;
    return true;
}

/* The way to the top frame, and to the member at hand in it. */
static bool
keep_path(struct engine *m, bool with_member, uint32_t *path, uint32_t *n_steps)
{
    size_t n = (size_t)(m->top - m->frames);
    *path = m->n_steps;
    *n_steps = 0;
    if (UNLIKELY(m->steps_room - m->n_steps < n) && !more_steps(m, n))
        return false;
    struct engine_step *step = m->steps + m->n_steps;
    const struct engine_frame *end = m->top + with_member;
    for (const struct engine_frame *f = m->frames + 1; f < end; f++, step++) {
        bool is_known = f->is_object ? f->entry && f->key : f->position > 0;
        if (!is_known)
            break;
        *step = (struct engine_step){.key = f->is_object ? f->key : NULL,
                                     .is_object = f->is_object,
                                     .position = f->position - 1};
    }
    m->n_steps = (uint32_t)(step - m->steps);
    *n_steps = m->n_steps - *path;
    return true;
}

static void
put_path(const struct engine *m, uint32_t path, uint32_t steps, struct buf *out)
{
    const struct engine_step *step = m->steps + path;
    for (uint32_t i = 0; i < steps; i++, step++) {
        if (step->is_object)
            json_pointer_step(out, span_of(step->key->at, step->key->len));
        else
            json_pointer_position(out, step->position);
    }
}

bool
engine_tell_first(struct engine *m, const struct engine_notes *notes,
                  uint64_t offset, bool with_member)
{
    for (size_t i = 0; i < notes->n; i++) {
        struct engine_tell *t = &m->tells[notes->at[i]];
        if (t->n++ && t->first <= offset)
            continue;
        t->first = offset;
        t->path = m->n_steps;
        t->steps = 0;
        bool has_path = !m->counts_only && m->top + with_member > m->frames + 1;
        if (has_path && !keep_path(m, with_member, &t->path, &t->steps))
            return engine_fail(m, ENGINE_NO_ROOM, NULL);
    }
    return true;
}

size_t
engine_told(const struct engine *m, size_t notice, uint64_t *offset)
{
    if (notice >= m->program->n_notices)
        return 0;
    *offset = m->tells[notice].first;
    return m->tells[notice].n;
}

void
engine_told_at(const struct engine *m, size_t notice, struct buf *out)
{
    if (notice < m->program->n_notices)
        put_path(m, m->tells[notice].path, m->tells[notice].steps, out);
}

static bool
fail(struct engine *m, enum engine_why why, uint16_t fault, const char *at)
{
    m->verdict = ENGINE_FAILED;
    m->fault = (struct engine_fault){why, fault,
                                     at ? engine_offset(m, at) : m->offset};
    if (!keep_path(m, true, &m->fault_path, &m->fault_steps))
        m->fault_steps = 0;
    return false;
}

bool
engine_fail(struct engine *m, enum engine_why why, const char *at)
{
    return fail(m, why, ENGINE_NONE, at);
}

bool
engine_fail_by(struct engine *m, uint16_t fault, const char *at)
{
    return fail(m, ENGINE_BY_PROGRAM, fault, at);
}

const struct engine_fault *
engine_fault(const struct engine *m)
{
    return &m->fault;
}

void
engine_here(const struct engine *m, struct buf *out)
{
    for (const struct engine_frame *f = m->frames + 1; f <= m->top; f++) {
        if (!f->is_object)
            json_pointer_position(out, f->position - 1);
        else if (f->entry && f->key)
            json_pointer_step(out, span_of(f->key->at, f->key->len));
        else
            return;
    }
}

void
engine_pointer(const struct engine *m, struct buf *out)
{
    put_path(m, m->fault_path, m->fault_steps, out);
}
