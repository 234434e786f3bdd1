/* SPDX-License-Identifier: Apache-2.0 */
/*
 * expect: the key that is likely to come (learn.h). Compiled behind a scan_NAME.h.
 */
#pragma once

#include "translators/engine/lesson.h"

/* Is it the key that stands at `p`? 32 bytes are looked at. */
ENGINE_TARGET static inline __attribute__((always_inline)) bool
is_there(const struct engine_learnt *l, const char *p)
{
    uint64_t same = bits_of(_mm256_cmpeq_epi8(load32(p), load32(l->text)));
    return !(~same & l->mask);
}

/* The key that followed last time, or the one behind that, if it stands at `p`. */
ENGINE_TARGET static inline
    __attribute__((always_inline)) struct engine_learnt *
    expected(const struct engine_frame *f, const char *p)
{
    struct engine_learnt *l = f->learnt;
    if (!l)
        return NULL;
    l = l->next;
    if (is_there(l, p))
        return l;
    l = l->next;
    return is_there(l, p) ? l : NULL;
}

/* The loop has passed keys, which does not learn: the one at `p` is the next, if it stood
 * anywhere in the last object. */
ENGINE_TARGET static __attribute__((noinline)) void
find_again(struct engine_frame *f, const char *p)
{
    struct engine_learnt *l = f->head;
    if (!l || expected(f, p))
        return;
    for (; l->next != l; l = l->next)
        if (is_there(l->next, p)) {
            f->learnt = l;
            return;
        }
}
