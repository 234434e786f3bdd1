/* SPDX-License-Identifier: Apache-2.0 */
/*
 * follow: objects that are as the last ones were (learn.h): the walk's usual path.
 * Compiled behind a scan_NAME.h, by walk.h.
 *
 * Only what each document has most of is done here: the expected key, with a scalar or
 * with an object or a list that has a state; and an object behind another in a list. At
 * whatever else comes it stops where the walk goes on, as if it had not been here.
 * Behind the last place of the index there are some that repeat it (walk.h), so a member
 * does not ask how many are left: no key, value and mark stand in one place.
 */
#pragma once

#include "translators/engine/edit.h"
#include "translators/engine/members.h"

enum followed {
    FOLLOWED_FAILED,
    FOLLOWED_FIRST_KEY, /* up to a key, or what should be one; the first */
    FOLLOWED_KEY,
    FOLLOWED_VALUE, /* up to a value; its key is done with */
    FOLLOWED_FIRST_ELEMENT,
    FOLLOWED_CONTAINER /* behind a container */
};

struct follow {
    enum followed to;
    const uint16_t *at; /* the place of what comes next */
};

/* A member of which more than the key is edited; its scalar is from `v` to `q`. False:
 * it is as it was; or the machine has failed. */
ENGINE_TARGET static __attribute__((noinline)) bool
edit_value(struct engine *m, struct engine_learnt *l, const char *p,
           const char *v, const char *q)
{
    struct engine_frame *f = m->top;
    const struct engine_entry *e = l->entry;
    const struct engine_row *row = NULL;
    if (UNLIKELY(m->index.has_escapes) && (e->map || e->has_same))
        return false;
    switch ((enum engine_way)l->way) {
    case ENGINE_MAPPED:
        if (!find_row(e->map, v, q, &row) || (row && row->to.len > 32) ||
            !engine_edit_key(m, f, l, p, q))
            return false;
        if (row)
            engine_put_instead(m, v, q, row->to);
        f->wrote = true;
        return true;
    case ENGINE_WAITS:
    case ENGINE_GOES:
        if (!f->wrote || !engine_may_edit(m, f, e, q))
            return false;
        engine_at_member(f, l);
        return leave_out(m, e, p, v, q);
    case ENGINE_STAYS:
    case ENGINE_GENERAL:
        break;
    }
    return false;
}

/* The key of a member that stays, and whose value does if it ends at `q`. */
static inline __attribute__((always_inline)) bool
keep_key(struct engine *m, struct engine_frame *f,
         const struct engine_learnt *l, const char *p, const char *q)
{
    bool is_asked = UNLIKELY(m->index.has_escapes) && l->entry->map;
    return !is_asked && engine_edit_key(m, f, l, p, q);
}

/* A member at `p` whose scalar is from `v` to `q`. False: as of edit_value. */
ENGINE_TARGET static inline __attribute__((always_inline)) bool
take_member(struct engine *m, struct engine_frame *f, struct engine_learnt *l,
            const char *p, const char *v, const char *q)
{
    if (UNLIKELY(l->way != ENGINE_STAYS)) {
        if (!edit_value(m, l, p, v, q))
            return false;
    } else {
        if (!l->is_plain && !keep_key(m, f, l, p, q))
            return false;
        f->wrote = true;
    }
    m->last_end = q;
    return true;
}

/* Has a container of this entry nothing to do but be opened? */
static inline bool
is_usual(const struct engine *m, const struct engine_frame *f,
         const struct engine_entry *e, unsigned shape)
{
    return e && e->way == ENGINE_STAYS && !(e->refused & shape) &&
           engine_is_known(e->child, shape == ENGINE_OBJECT) &&
           f->depth < m->depth_max && f != m->frames_last;
}

/* Its frame, inside of `f`; NULL: failed. */
static __attribute__((noinline)) struct engine_frame *
open_container(struct engine *m, struct engine_frame *f,
               const struct engine_entry *e, bool is_object, const char *p)
{
    size_t depth = f->depth + 1;
    f++;
    engine_open_frame(m, f, e->child, is_object, depth, p);
    engine_begin_learning(m, f);
    if (UNLIKELY(f->state->n_slots) && !engine_open_slots(m, f))
        return NULL;
    m->last_end = p + 1;
    return f;
}

/* The element behind one of `f`, in the list around it, is one like that. */
static inline bool
is_like_last(const struct engine_frame *f)
{
    const struct engine_frame *list = f - 1;
    return list->entry && list->entry == list->state->each &&
           list->entry->way == ENGINE_STAYS && list->entry->child == f->state &&
           f->is_object && f->head && !f->state->n_slots;
}

static inline void
open_like_last(struct engine *m, struct engine_frame *f, const char *p)
{
    f->entry = NULL;
    memset(f->seen, 0, sizeof(f->seen));
    f->start = engine_offset(m, p);
    f->wrote = false;
    f->learnt = f->head;
    f[-1].position++;
    m->top = f;
    m->last_end = p + 1;
}

/* From the key at `at` on, in a frame that has learnt. */
ENGINE_TARGET static __attribute__((noinline)) struct follow
follow(struct engine *m, const uint16_t *at, const uint16_t *to, bool is_first)
{
    const char *const base = m->index.base;
    const uint16_t *first = is_first ? at : NULL; /* key of its object */
    struct engine_frame *f = m->top;
    struct engine_learnt *last = f->learnt;
    struct engine_learnt *l = NULL;
    const char *p = NULL;
    const char *v = NULL;
    const char *mark = NULL;
    const char *q = NULL;
    unsigned shape = 0;

key:
    p = base + at[0];
    l = last->next;
    if (UNLIKELY(!is_there(l, p))) {
        l = l->next;
        if (!is_there(l, p))
            goto stop;
    }
    v = base + at[2];
    mark = base + at[3];
    if (UNLIKELY(*mark != ','))
        goto no_comma;
    q = behind(mark);
    if (UNLIKELY(!is_bare(v, q)))
        goto container;
    if (!take_member(m, f, l, p, v, q))
        goto stop;
    last = l;
    at += 4;
    goto key;

no_comma:
    if (*mark != '}')
        goto container;
    q = behind(mark);
    if (UNLIKELY(!is_bare(v, q)))
        goto container;
    if (!take_member(m, f, l, p, v, q))
        goto stop;
    last = l;
    at += 3;
    p = mark;
    engine_at_member(f, last);

close:
    if (f->state->n_ops && !engine_close(m, p))
        goto failed;
close_list:
    if (UNLIKELY(f->state->n_slots))
        engine_close_slots(m, f);
    at++;
    f--;
    m->top = f;
    if (UNLIKELY(at + 2 > to || f->mode != MODE_PLAIN || f == m->frames))
        return (struct follow){FOLLOWED_CONTAINER, at};
    p = base + at[0];
    m->last_end = behind(p);
    last = f->learnt;
    if (f->is_object && *p == '}')
        goto close;
    if (f->is_object && *p == ',' && f->wrote && last) {
        at++;
        goto key;
    }
    if (f->is_object)
        return (struct follow){FOLLOWED_CONTAINER, at};
    if (*p == ']')
        goto close_list;
    v = base + at[1];
    if (*p != ',' || *v != '{' || !is_like_last(f + 1))
        return (struct follow){FOLLOWED_CONTAINER, at};
    f++;
    at += 2;
    open_like_last(m, f, v);
    goto opened;

container:
    shape = engine_shapes[(unsigned char)*v];
    if (to - at < 4 || l->way != ENGINE_STAYS)
        goto stop;
    if (!l->is_plain && !keep_key(m, f, l, p, v))
        goto stop;
    f->wrote = true;
    engine_at_member(f, l);
    at += 2;
    if (shape < ENGINE_LIST || !is_usual(m, f, l->entry, shape))
        return (struct follow){FOLLOWED_VALUE, at};
    at++;
    f = open_container(m, f, l->entry, shape == ENGINE_OBJECT, v);
    if (!f)
        goto failed;
    if (shape == ENGINE_LIST) {
        const struct engine_entry *each = f->state->each;
        v = base + at[0];
        if (at + 2 > to || *v != '{' || f->state->n_items ||
            !is_usual(m, f, each, ENGINE_OBJECT))
            return (struct follow){FOLLOWED_FIRST_ELEMENT, at};
        at++;
        f->entry = each;
        f->position = 1;
        f->wrote = true;
        f = open_container(m, f, each, true, v);
        if (!f)
            goto failed;
    }
opened:
    p = base + at[0];
    if (at < to && *p == '}')
        goto close;
    last = f->learnt;
    first = at;
    if (last)
        goto key;
    return (struct follow){FOLLOWED_FIRST_KEY, at};

stop:
    if (m->verdict == ENGINE_FAILED)
        goto failed;
    if (last != f->learnt)
        engine_at_member(f, last);
    return (struct follow){at == first ? FOLLOWED_FIRST_KEY : FOLLOWED_KEY, at};
failed:
    return (struct follow){FOLLOWED_FAILED, at};
}
