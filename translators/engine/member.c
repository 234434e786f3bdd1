/* SPDX-License-Identifier: Apache-2.0 */
/*
 * member: where a member or element begins and ends that is not simply kept.
 *
 * What is cut takes the separator in front of it; the first of its object takes
 * the one behind it (the loop sees to that).
 */
#include "translators/engine/lookup.h"
#include "translators/engine/work.h"

#include "proxy/base/hash.h"
#include "translators/msgpack/token.h"

#include "translators/json/text.h"

const struct engine_test engine_always = {.slot = ENGINE_NONE};

/* Such a map asks but one thing, that a text is one: no lone surrogates. */
static bool
asks_texts_alone(const struct engine_map *map)
{
    return map && !map->table.n && !map->form && map->fault == ENGINE_NONE;
}

static enum engine_way
way_of(const struct engine_entry *e)
{
    bool maps = e->map && !asks_texts_alone(e->map);
    if (e->when || e->again || e->once || e->note != ENGINE_NONE ||
        (e->refused & ENGINE_SCALARS))
        return ENGINE_GENERAL;
    if (e->action == ENGINE_DROP && !maps)
        return ENGINE_GOES;
    if (e->notes.n || e->has_same || e->to.len > ENGINE_PAD)
        return ENGINE_GENERAL;
    if (e->action == ENGINE_CAPTURE && !maps)
        return ENGINE_WAITS;
    if (e->action == ENGINE_KEEP)
        return maps ? ENGINE_MAPPED : ENGINE_STAYS;
    return ENGINE_GENERAL;
}

void
engine_entry_settle(struct engine_entry *e)
{
    e->is_plain = e->action == ENGINE_KEEP && !e->when && !e->once &&
                  !e->notes.n && !e->refused && !e->child && !e->again &&
                  !e->has_same && e->note == ENGINE_NONE && !e->map;
    e->way = (uint8_t)way_of(e);
    e->word = e->bit == ENGINE_NONE ? 0 : (uint8_t)(e->bit >> 6);
    e->seen = e->bit == ENGINE_NONE ? 0 : (uint64_t)1 << (e->bit & 63);
}

bool
engine_holds(const struct engine *m, const struct engine_test *t)
{
    if (t->slot == ENGINE_NONE)
        return !t->negated;
    const struct engine_slot *s = engine_slot_of(m, t->up, t->slot);
    if (!s->noted)
        return t->negated;
    const char *at = m->captures.bytes + m->captures.start + s->note_at;
    bool is_in = engine_find(&t->values, at, s->note_len) < t->values.n;
    return is_in != t->negated;
}

static bool
cut(struct engine *m, struct engine_frame *f, const char *p)
{
    if (!engine_flush(m, f->wrote ? m->last_end : p))
        return false;
    f->mode = MODE_CUT;
    return true;
}

bool
engine_begin_member(struct engine *m, const char *p, const char *q)
{
    struct engine_frame *f = m->top;
    const struct engine_entry *e = f->entry;
    while (e && e->when && !engine_holds(m, e->when))
        e = e->otherwise;
    f->entry = e;
    if (e && e->action == ENGINE_REFUSE && !(e->lenient && m->lenient))
        return engine_fail_by(m, e->fault, p);
    if (e && e->action != ENGINE_KEEP)
        return cut(m, f, p);
    if (e && e->child && e->child->prunes) {
        m->has_marks = true;
        if (!engine_mark(m, f, p))
            return false;
    }
    if (e && e->again && e->again->vanishes && !engine_hold_member(m, p))
        return false;
    f->wrote = true;
    if (!e || !q || !e->to.len)
        return true;
    if (!engine_flush(m, p))
        return false;
    m->copied = q;
    return engine_put(m, e->to.at, e->to.len);
}

/* ---- keys that may not come again ---- */

/* The key at `p`, as it is read; {NULL}: no room. */
static span
key_at(struct engine *m, const char *p)
{
    bool is_json = m->program->is_packed == m->crosses;
    struct buf *b = &m->scratch[0];
    bool clean = true;
    if (!is_json) {
        const struct msgpack_head *h = msgpack_head_of(p);
        return span_of(p + h->len, (size_t)msgpack_follows(h, p));
    }
    const char *q = ++p;
    while (*q != '"')
        q += *q == '\\' ? 2 : 1;
    span raw = span_of(p, (size_t)(q - p));
    if (!memchr(p, '\\', raw.len))
        return raw;
    buf_clear(b);
    char *at = buf_reserve(b, raw.len + ENGINE_READ);
    return at ? span_of(at, json_text_decode(raw, at, &clean)) : (span){0};
}

static const struct engine_met *
last_met(const struct engine *m)
{
    size_t n = buf_len(&m->met) / sizeof(struct engine_met);
    const char *first = m->met.bytes + m->met.start;
    return n ? (const struct engine_met *)(const void *)first + n - 1 : NULL;
}

bool
engine_meet(struct engine *m, const struct engine_frame *f,
            const struct engine_entry *e, const char *p)
{
    size_t depth = (size_t)(f - m->frames), n = 0;
    span key = key_at(m, p);
    if (!key.at)
        return engine_fail(m, ENGINE_NO_ROOM, p);
    struct engine_met new = {hash64(key), f->start, depth};
    const struct engine_met *at = last_met(m);
    /* Those of objects that have ended. */
    for (; at &&
           (at->depth > depth || (at->depth == depth && at->start != f->start));
         at = last_met(m))
        buf_truncate(&m->met, buf_len(&m->met) - sizeof(new));
    const char *first = m->met.bytes + m->met.start;
    for (; at && at->depth == depth && at->start == f->start; at--) {
        if (at->hash == new.hash || ++n == ENGINE_ONCE_MAX)
            return engine_fail_by(m, e->twice, p);
        if ((const char *)at == first)
            break;
    }
    buf_add(&m->met, span_of((const char *)&new, sizeof(new)));
    return !buf_failed(&m->met) || engine_fail(m, ENGINE_NO_ROOM, p);
}

bool
engine_find_escaped(struct engine *m, const struct engine_table *t, span raw,
                    size_t *index)
{
    bool clean = true;
    struct buf *b = &m->scratch[0];
    buf_clear(b);
    char *at = buf_reserve(b, raw.len + ENGINE_READ);
    if (!at)
        return engine_fail(m, ENGINE_NO_ROOM, raw.at);
    memset(at, 0, raw.len + ENGINE_READ);
    *index = engine_find(t, at, json_text_decode(raw, at, &clean));
    return true;
}
