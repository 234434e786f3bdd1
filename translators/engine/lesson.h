/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lesson: what is learnt where another key came than the expected one (learn.h).
 */
#pragma once

#include "translators/engine/work.h"

/* Are there objects of a state, or lists of objects, of which nothing but their members
 * is to be seen to? Over MessagePack. */
static inline bool
engine_is_light(const struct engine_state *s)
{
    return s->is_steady && !s->n_ops && !s->n_slots;
}

static inline bool
engine_has_light(const struct engine_entry *e, bool is_object)
{
    return e && e->way == ENGINE_STAYS && e->child &&
           !(e->refused & (is_object ? ENGINE_OBJECT : ENGINE_LIST)) &&
           engine_is_known(e->child, is_object) && engine_is_light(e->child);
}

/* Where the keys of a state begin. */
static inline struct engine_learnt *
engine_learnt_head(struct engine_lesson *lesson,
                   const struct engine_state *state)
{
    size_t i = 0;
    while (i < lesson->n_heads && lesson->states[i] != state)
        i++;
    if (i < lesson->n_heads)
        return &lesson->heads[i];
    if (i == LEARNT_HEADS)
        return NULL;
    /* Of more bytes than there are: what `none` says is never there. */
    if (lesson->n_heads++ == 0)
        lesson->none =
            (struct engine_learnt){.next = &lesson->none, .mask = UINT64_MAX};
    lesson->states[i] = state;
    lesson->heads[i].next = &lesson->none;
    lesson->heads[i].is_light = engine_is_light(state);
    return &lesson->heads[i];
}

/* What a member may hold that is light. */
static inline void
engine_learn_inside(struct engine *m, struct engine_learnt *l)
{
    const struct engine_entry *e = l->entry;
    if (engine_has_light(e, true))
        l->object = engine_learnt_head(&m->lesson, e->child);
    if (engine_has_light(e, false) && !e->child->n_items &&
        engine_has_light(e->child->each, true))
        l->elements = engine_learnt_head(&m->lesson, e->child->each->child);
}

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
    bool is_renamed = e && e->to.len && e->to.len <= LEARNT_TEXT;
    l->to = is_renamed ? e->to.at : l->text;
    l->to_len = is_renamed ? (uint8_t)e->to.len : l->len;
    l->way = e ? e->way : ENGINE_STAYS;
    l->size = UINT8_MAX;
    l->word = e ? e->word : 0;
    l->seen = e ? e->seen : 0;
    l->is_usual =
        l->way == ENGINE_STAYS && l->word == 0 && !(l->seen & ENGINE_UNUSUAL);
    l->stops = l->is_usual ? l->seen : l->seen | ENGINE_UNUSUAL;
    l->is_plain =
        !e || (e->way == ENGINE_STAYS && !e->seen && !e->to.len && !e->map);
    l->object = l->elements = NULL;
    if (m->follows)
        engine_learn_inside(m, l);
    f->learnt->next = l;
    f->learnt = l;
}

/* In the later elements of a list, and in all there is in them. */
static inline void
engine_begin_learning(struct engine *m, struct engine_frame *f)
{
    const struct engine_frame *around = f - 1;
    f->learns = around->learns ||
                (!around->is_object && around->position > LEARNT_AFTER);
    if (f->learns && f->is_object)
        f->learnt = f->head = engine_learnt_head(&m->lesson, f->state);
}
