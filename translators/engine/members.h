/* SPDX-License-Identifier: Apache-2.0 */
/*
 * members: what the walk does with a member of an object with a state. Compiled behind
 * a scan_NAME.h.
 */
#pragma once

#include "translators/engine/expect.h"

/* The entry of the key from `p` to `q`; NULL: it has none. */
static inline const struct engine_entry *
look_up(struct engine *m, struct engine_frame *f, const char *p, const char *q,
        const char *colon)
{
    size_t i = engine_find(&f->state->keys, p + 1, (size_t)(q - p) - 2);
    bool is_known = i < f->state->keys.n;
    f->entry = is_known ? &f->state->entries[i] : f->state->other;
    f->key = is_known ? &f->state->keys.keys[i] : NULL;
    if (f->learnt)
        engine_learn(m, f, p, q, (size_t)(colon + 1 - p));
    return f->entry;
}

/* engine_see of an entry that is settled. */
static inline __attribute__((always_inline)) bool
see_settled(struct engine *m, struct engine_frame *f,
            const struct engine_entry *e, const char *p)
{
    uint64_t *seen = &f->seen[(e->bit >> 6) % ENGINE_WORDS];
    if (UNLIKELY(*seen & e->seen) && e->twice != ENGINE_NONE)
        return engine_fail_by(m, e->twice, p);
    *seen |= e->seen;
    return true;
}

/* The row of what stands from `p` to `q`; NULL: it stays. False: more is to be done
 * than to write. */
static inline __attribute__((always_inline)) bool
find_row(const struct engine_map *map, const char *p, const char *q,
         const struct engine_row **out)
{
    size_t i = engine_find(&map->table, p, (size_t)(q - p));
    *out = NULL;
    if (i == map->table.n)
        return !map->form && map->fault == ENGINE_NONE;
    const struct engine_row *row = &map->rows[i];
    *out = row->to.len ? row : NULL;
    return LIKELY(row->fault == ENGINE_NONE && !row->notes.n);
}

/* The member at `p` waits or goes; its value is from `v` to `q`. */
static __attribute__((noinline)) bool
leave_out(struct engine *m, const struct engine_entry *e, const char *p,
          const char *v, const char *q)
{
    struct engine_frame *f = m->top;
    span value = span_of(v, (size_t)(q - v));
    if (!engine_flush(m, f->wrote ? m->last_end : p))
        return false;
    if (e->way == ENGINE_WAITS)
        return engine_capture(m, f, v, q);
    m->copied = q;
    return !e->notes.n || (e->has_same && span_eq(value, e->same)) ||
           engine_tell(m, &e->notes, engine_offset(m, v), true);
}
