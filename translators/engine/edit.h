/* SPDX-License-Identifier: Apache-2.0 */
/*
 * edit: members that are the expected ones (learn.h). The room's own.
 *
 * Whoever follows them does only what is usual: where one of these says no, nothing has
 * been done, and the loop sees to the member.
 */
#pragma once

#include "translators/engine/work.h"

/* The member of `l` is at hand. */
static inline void
engine_at_member(struct engine_frame *f, struct engine_learnt *l)
{
    f->learnt = l;
    f->entry = l->entry;
    f->key = l->key;
}

/* A member that ends before `q` is seen, and its key and value have room to be
 * replaced. False: something is unusual, and nothing was done. */
static inline __attribute__((always_inline)) bool
engine_may_edit(const struct engine *m, struct engine_frame *f,
                const struct engine_entry *e, const char *q)
{
    uint64_t seen = f->seen[e->word];
    ptrdiff_t n = q - m->copied;
    if (UNLIKELY(seen & e->seen) && e->twice != ENGINE_NONE)
        return false;
    if (UNLIKELY(n > ENGINE_SPAN || m->o_end - m->o < n + 64 + ENGINE_SLACK))
        return false;
    f->seen[e->word] = seen | e->seen;
    return true;
}

/* engine_replace, where there is room and `text` is short. */
static inline __attribute__((always_inline)) void
engine_put_instead(struct engine *m, const char *p, const char *q, span text)
{
    const char *from = m->copied;
    char *o = m->o;
    size_t n = (size_t)(p - from);
    engine_copy_span(o, from, n);
    memcpy(o + n, text.at, 32);
    m->o = o + n + text.len;
    m->copied = q;
}

/* The key of a member that stays and ends before `q`. */
static inline __attribute__((always_inline)) bool
engine_edit_key(struct engine *m, struct engine_frame *f,
                const struct engine_learnt *l, const char *p, const char *q)
{
    const struct engine_entry *e = l->entry;
    if (!engine_may_edit(m, f, e, q))
        return false;
    if (e->to.len)
        engine_put_instead(m, p, p + l->len, e->to);
    return true;
}
