/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lesson: what is learnt where another key came than the expected one (learn.h).
 */
#pragma once

#include "translators/engine/work.h"

/* The key from `p` to `q`, which the frame has found; `len` bytes must be there for it
 * to stand there again. 32 may be read. */
static inline void
engine_learn(struct engine *m, struct engine_frame *f, const char *p,
             const char *q, size_t len)
{
    struct engine_lesson *lesson = &m->lesson;
    if (len > LEARNT_TEXT)
        return;
    if (UNLIKELY(lesson->n_keys == LEARNT_KEYS)) {
        f->learnt = NULL;
        return;
    }
    struct engine_learnt *l = &lesson->keys[lesson->n_keys++];
    memcpy(l->text, p, LEARNT_TEXT);
    memset(l->text + len, 0, LEARNT_TEXT - len); /* values are not kept */
    l->next = &lesson->none;
    l->entry = f->entry;
    l->key = f->key;
    l->mask = UINT32_MAX >> (LEARNT_TEXT - len);
    l->len = (uint8_t)(q - p);
    const struct engine_entry *e = f->entry;
    l->way = e ? e->way : ENGINE_STAYS;
    l->is_plain =
        !e || (e->way == ENGINE_STAYS && !e->seen && !e->to.len && !e->map);
    f->learnt->next = l;
    f->learnt = l;
}

/* Where the keys of the frame's state begin. */
static inline struct engine_learnt *
engine_learnt_head(struct engine_lesson *lesson, const struct engine_frame *f)
{
    size_t i = 0;
    while (i < lesson->n_heads && lesson->states[i] != f->state)
        i++;
    if (i < lesson->n_heads)
        return &lesson->heads[i];
    if (i == LEARNT_HEADS)
        return NULL;
    /* Of more bytes than there are: what `none` says is never there. */
    if (lesson->n_heads++ == 0)
        lesson->none =
            (struct engine_learnt){.next = &lesson->none, .mask = UINT64_MAX};
    lesson->states[i] = f->state;
    lesson->heads[i].next = &lesson->none;
    return &lesson->heads[i];
}

/* In the later elements of a list, and in all there is in them. */
static inline void
engine_begin_learning(struct engine *m, struct engine_frame *f)
{
    const struct engine_frame *around = f - 1;
    f->learns = around->learns ||
                (!around->is_object && around->position > LEARNT_AFTER);
    if (f->learns && f->is_object)
        f->learnt = f->head = engine_learnt_head(&m->lesson, f);
}
