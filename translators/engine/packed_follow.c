/* SPDX-License-Identifier: Apache-2.0 */
/*
 * packed_follow: objects of MessagePack that are as the last ones were (learn.h): the
 * usual path of its loop, which calls it at a key and sees to all else.
 *
 * Most members are light (packed_light.h). Here is what else is frequent: values that
 * become others, wait or go, longer texts, flat lists, and objects that gain or lose
 * members. All before the place at hand is always in the output: nothing is to be copied.
 */
#if defined(__x86_64__)
#include "translators/engine/lookup.h"
#include "translators/engine/packed_light.h"
#include "translators/engine/spell.h"

#include "translators/msgpack/token.h"

/* Longer texts are the loop's. */
#define TEXT_MAX 512

/* A text that is not short, or not ASCII, to `o`, as it is looked at; behind it, or NULL:
 * it is none, is too long for here, is not UTF-8, or has no room up to `o_end`. */
ENGINE_AVX2_TARGET static const char *
copy_text(char *o, const char *o_end, const char *v, const char *end)
{
    const struct msgpack_head *h = msgpack_head_of(v);
    size_t n = msgpack_follows(h, v);
    const char *text = v + h->len;
    if (h->kind != MSGPACK_TEXT || n > TEXT_MAX || text > end ||
        (size_t)(end - text) < n || (size_t)(o_end - o) < n + 2 * MEMBER)
        return NULL;
    memcpy(o, v, 8);
    o += h->len;
    __m256i part = load32(text);
    __m256i all = _mm256_setzero_si256();
    size_t i = 0;
    for (; n - i >= 32; part = load32(text + i)) {
        store32(o + i, part);
        all = _mm256_or_si256(all, part);
        i += 32;
    }
    store32(o + i, part);
    uint32_t high = bits_of(all) | _bzhi_u32(bits_of(part), (unsigned)(n - i));
    return UNLIKELY(high) && engine_find_bad(text, n) ? NULL : text + n;
}

/* Behind a list or map of nothing but short scalars; NULL: it is none. */
ENGINE_AVX2_TARGET static const char *
behind_flat(const char *v, const char *end)
{
    const struct msgpack_head *h = msgpack_head_of(v);
    if (h->len != 1 || (h->kind != MSGPACK_LIST && h->kind != MSGPACK_MAP))
        return NULL;
    unsigned n = (unsigned)h->n << (h->kind == MSGPACK_MAP);
    for (v++; n > 0 && v && v <= end; n--)
        v = behind_short(v);
    return n ? NULL : v;
}

/* ---- members of which more than the key is edited ---------------------------------- */

/* What stands for the short text at `v`; NULL: more is to be done than to write. */
static const char *
text_of_row(const struct engine_entry *e, const char *v, const char *q,
            size_t *len)
{
    const struct engine_map *map = e->map;
    size_t n = (size_t)(q - v) - 1;
    if (((unsigned char)*v & 0xE0) != 0xA0 ||
        (map->form && map->form->reads_bytes))
        return NULL;
    size_t i = engine_find(&map->texts, v + 1, n);
    *len = n + 1;
    if (i == map->texts.n)
        return map->form || map->fault != ENGINE_NONE ? NULL : v;
    const struct engine_row *row = &map->rows[map->text_rows[i]];
    if (row->fault != ENGINE_NONE || row->notes.n || row->no_form ||
        row->to.len > 32)
        return NULL;
    if (!row->to.len)
        return v;
    *len = row->to.len;
    return row->to.at;
}

/* A member without its key in the output: its scalar is from `v` to `q`. False: the
 * machine has failed. */
static bool
leave_out(struct engine *m, struct engine_frame *f,
          const struct engine_entry *e, const char *v, const char *q)
{
    f->written--;
    if (e->way == ENGINE_WAITS)
        return engine_capture(m, f, v, q);
    bool is_same =
        e->has_same && span_eq(span_of(v, (size_t)(q - v)), e->packed_same);
    return !e->notes.n || is_same ||
           engine_tell(m, &e->notes, engine_offset(m, v), true);
}

/* ---- containers -------------------------------------------------------------------- */

/* Has a container of this entry nothing to do but be opened? */
static inline bool
is_usual(const struct engine *m, const struct engine_frame *f,
         const struct engine_entry *e, bool is_object)
{
    return e && e->way == ENGINE_STAYS &&
           !(e->refused & (is_object ? ENGINE_OBJECT : ENGINE_LIST)) &&
           engine_is_known(e->child, is_object) && f->depth < m->depth_max &&
           f != m->frames_last;
}

/* Has the object that ended in `f` left all that one like it needs? */
static inline bool
may_come_again(const struct engine_frame *f)
{
    return f->is_object && f->head && !f->state->n_slots;
}

/* Its frame, inside of `f`; NULL: failed. Its head is at `v`. */
static struct engine_frame *
open_frame(struct engine *m, struct engine_frame *f,
           const struct engine_entry *e, bool is_object, const char *v)
{
    size_t depth = f->depth + 1;
    f++;
    engine_open_frame(m, f, e->child, is_object, depth, v);
    engine_begin_learning(m, f);
    return f->state->n_slots && !engine_open_slots(m, f) ? NULL : f;
}

static inline void
open_like_last(struct engine *m, struct engine_frame *f, const char *v)
{
    f->entry = NULL;
    memset(f->seen, 0, sizeof(f->seen));
    f->start = engine_offset(m, v);
    f->wrote = false;
    f->learnt = f->head;
    m->top = f;
}

static inline size_t
room(const struct engine *m, const char *o)
{
    return (size_t)(m->o_end - o);
}

/* ---- from member to member ---------------------------------------------------------- */

/* What the machine keeps between two calls of others. */
#define SYNC(at)                                                               \
    do {                                                                       \
        m->o = r.o;                                                            \
        m->copied = m->last_end = (at);                                        \
        f->left = r.left;                                                      \
        f->seen[0] = r.seen;                                                   \
        if (r.last && r.last != f->learnt)                                     \
            engine_at_member(f, r.last);                                       \
    } while (0)

#define STOP(why, at)                                                          \
    do {                                                                       \
        SYNC(at);                                                              \
        return (struct engine_stop){(why), (at)};                              \
    } while (0)

ENGINE_AVX2_TARGET struct engine_stop
engine_follow_packed(struct engine *m, const char *p, const char *end)
{
    struct engine_frame *f = m->top;
    struct run r = {f, p, m->o, f->learnt, NULL, f->left, f->seen[0]};
    struct engine_learnt *l = NULL;
    const struct engine_entry *e = NULL;
    const struct msgpack_head *h = NULL;
    const char *v = NULL;
    const char *q = NULL;
    const char *text = NULL;
    size_t len = 0;
    enum left why = LEFT_DONE;
    bool is_object = false;
    bool comes_again = false; /* an element, behind one that has just ended */
    if (m->target == TRASH || p > end)
        STOP(STOPPED_KEY, p);
    if (!engine_flush(m, p))
        goto failed;
    r.o = m->o;

next:
    if (r.left == 0)
        goto close;
    if (UNLIKELY(room(m, r.o) <= 2 * MEMBER)) {
        SYNC(r.p);
        if (!engine_grow(m, 2 * MEMBER * (r.left < 64 ? r.left + 2 : 64)))
            goto failed;
        r.o = m->o;
    }
    r.f = f;
    why = light_members(m, &r, end);
    f = m->top = r.f;
    if (why == LEFT_DONE && r.p <= end)
        goto next;
    if (why == LEFT_DONE || why == LEFT_KEY)
        STOP(STOPPED_KEY, r.p);
    comes_again = false;
    if (why == LEFT_ELEMENT)
        goto element;
    l = r.l;
    e = l->entry;
    v = r.p + l->len;
    if (UNLIKELY(r.seen & l->seen))
        STOP(STOPPED_KEY, r.p);
    if (l->is_usual)
        goto other_value;
    q = behind_short(v);
    if (!q || q > end || l->word)
        STOP(STOPPED_KEY, r.p);
    switch ((enum engine_way)l->way) {
    case ENGINE_MAPPED:
        text = text_of_row(e, v, q, &len);
        if (!text)
            STOP(STOPPED_KEY, r.p);
        store32(r.o, load32(l->to));
        r.o += l->to_len;
        store32(r.o, load32(text));
        r.o += len;
        f->wrote = true;
        break;
    case ENGINE_GOES:
    case ENGINE_WAITS:
        if (e->has_same && ((unsigned char)*v & 0xE0) != 0xA0)
            STOP(STOPPED_KEY, r.p);
        SYNC(r.p);
        engine_at_member(f, l);
        if (!leave_out(m, f, e, v, q))
            goto failed;
        r.o = m->o;
        break;
    case ENGINE_STAYS:
    case ENGINE_GENERAL:
        STOP(STOPPED_KEY, r.p);
    }
    r.seen |= l->seen;
    r.last = l;
    r.left--;
    r.p = q;
    goto next;

other_value:
    r.seen |= l->seen;
    store32(r.o, load32(l->to));
    r.o += l->to_len;
    r.last = l;
    r.left--;
    f->wrote = true;
    if (v >= end)
        STOP(STOPPED_VALUE, v);
    h = msgpack_head_of(v);
    if ((size_t)(end - v) < h->len)
        STOP(STOPPED_VALUE, v);
    is_object = h->kind == MSGPACK_MAP;
    if (is_object || h->kind == MSGPACK_LIST) {
        if (is_usual(m, f, e, is_object))
            goto container;
        q = (e && !e->is_plain) || f->depth == m->depth_max
                ? NULL
                : behind_flat(v, end);
    } else {
        q = copy_text(r.o, m->o_end, v, end);
        if (!q)
            STOP(STOPPED_VALUE, v);
        r.o += q - v;
        r.p = q;
        goto next;
    }
    if (!q || q > end || room(m, r.o) < (size_t)(q - v) + 2 * MEMBER)
        STOP(STOPPED_VALUE, v);
    engine_copy(r.o, v, (size_t)(q - v));
    r.o += q - v;
    r.p = q;
    goto next;

container:
    SYNC(v);
    f = open_frame(m, f, e, is_object, v);
    if (!f)
        goto failed;
opened:
    h = msgpack_head_of(v);
    r.left = f->left = f->written = msgpack_follows(h, v);
    r.seen = 0;
    r.p = v + h->len;
    f->hole = (struct engine_hole){0};
    if (f->state->is_steady) {
        memcpy(r.o, v, 8);
        r.o += h->len;
    } else {
        if (!engine_open_hole(m, f))
            goto failed;
        r.o = m->o;
    }
    r.last = f->learnt;
    comes_again = false;
    if (!f->is_object)
        goto element;
    if (r.left && (!r.last || r.p > end))
        STOP(STOPPED_KEY, r.p);
    goto next;

element:
    if (r.left == 0)
        goto close;
    p = r.p;
    e = f->state->each;
    h = msgpack_head_of(p);
    if (p >= end || f->state->n_items || h->kind != MSGPACK_MAP ||
        (size_t)(end - p) < h->len || room(m, r.o) < 2 * MEMBER)
        STOP(STOPPED_ELEMENT, p);
    comes_again =
        comes_again && e && e->way == ENGINE_STAYS && e->child == f[1].state;
    if (!comes_again && !is_usual(m, f, e, true))
        STOP(STOPPED_ELEMENT, p);
    r.left--;
    f->position++;
    SYNC(p);
    f->entry = e;
    f->wrote = true;
    v = p;
    if (comes_again) {
        f++;
        open_like_last(m, f, v);
        goto opened;
    }
    f = open_frame(m, f, e, true, v);
    if (!f)
        goto failed;
    goto opened;

close:
    SYNC(r.p);
    if (f->is_object && f->state->n_ops && !engine_close(m, r.p))
        goto failed;
    if (!f->state->is_steady && !engine_close_hole(m, f))
        goto failed;
    if (UNLIKELY(f->state->n_slots))
        engine_close_slots(m, f);
    comes_again = may_come_again(f);
    f--;
    m->top = f;
    if (UNLIKELY(f->mode != MODE_PLAIN || f == m->frames))
        return (struct engine_stop){STOPPED_BEHIND, r.p};
    r.o = m->o;
    r.left = f->left;
    r.seen = f->seen[0];
    r.last = f->learnt;
    if (!f->is_object)
        goto element;
    if (r.left && (!r.last || r.p > end))
        STOP(STOPPED_KEY, r.p);
    goto next;

failed:
    return (struct engine_stop){STOPPED_FAILED, p};
}
#else
/* No such processor, no such path. */
typedef int engine_has_no_packed_follow;
#endif
