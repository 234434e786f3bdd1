/* SPDX-License-Identifier: Apache-2.0 */
/*
 * expect: the key that is likely to come, and what is learnt where another came
 * (learn.h). Compiled behind a scan_NAME.h.
 */
#pragma once

#include "translators/engine/learn.h"

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

/* The key from `p` to `q`, which the frame has found; its colon is at `colon`. */
static void
learn(struct engine *m, struct engine_frame *f, const char *p, const char *q,
      const char *colon)
{
    struct engine_lesson *lesson = &m->lesson;
    size_t len = (size_t)(colon + 1 - p);
    if (len > LEARNT_TEXT)
        return;
    if (UNLIKELY(lesson->n_keys == LEARNT_KEYS)) {
        f->learnt = NULL;
        return;
    }
    struct engine_learnt *l = &lesson->keys[lesson->n_keys++];
    memcpy(l->text, p, LEARNT_TEXT);
    l->next = &lesson->none;
    l->entry = f->entry;
    l->key = f->key;
    l->mask = UINT32_MAX >> (LEARNT_TEXT - len);
    l->len = (uint8_t)(q - p);
    f->learnt->next = l;
    f->learnt = l;
}

/* Where the keys of the frame's state begin. */
static struct engine_learnt *
head(struct engine_lesson *lesson, const struct engine_frame *f)
{
    size_t i = 0;
    while (i < lesson->n_heads && lesson->states[i] != f->state)
        i++;
    if (i < lesson->n_heads)
        return &lesson->heads[i];
    if (i == LEARNT_HEADS)
        return NULL;
    lesson->n_heads++;
    lesson->states[i] = f->state;
    lesson->heads[i].next = &lesson->none;
    return &lesson->heads[i];
}

/* In the later elements of a list, and in all there is in them. */
static inline void
begin_learning(struct engine *m, struct engine_frame *f)
{
    const struct engine_frame *around = f - 1;
    f->learns = around->learns ||
                (!around->is_object && around->position > LEARNT_AFTER);
    if (f->learns && f->is_object)
        f->learnt = head(&m->lesson, f);
}
