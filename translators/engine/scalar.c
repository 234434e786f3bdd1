/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scalar: a scalar that an entry reads: mapped, formed, noted, compared.
 *
 * The loop has seen all of it, and begun its capture if it has one.
 */
#include "translators/engine/lookup.h"
#include "translators/engine/packed.h"
#include "translators/engine/spell.h"
#include "translators/engine/work.h"

#include "translators/json/carried.h"
#include "translators/json/text.h"
#include "translators/msgpack/token.h"

/* How a text with escapes is spelt minimally, with room behind it to be read. */
static bool
spell(struct engine *m, span *scalar, bool *clean)
{
    span raw = span_of(scalar->at + 1, scalar->len - 2);
    struct buf *b = &m->scratch[0];
    buf_clear(b);
    char *at = buf_reserve(b, raw.len + 1);
    if (!at)
        return engine_fail(m, ENGINE_NO_ROOM, scalar->at);
    span text = span_of(at, json_text_decode(raw, at, clean));

    b = &m->scratch[1];
    buf_clear(b);
    buf_byte(b, '"');
    json_escape(b, text);
    size_t len = buf_len(b) + 1;
    buf_add(b, SPAN("\"                "));
    if (buf_failed(b))
        return engine_fail(m, ENGINE_NO_ROOM, scalar->at);
    *scalar = span_of(b->bytes + b->start, len);
    return true;
}

/* Written for what stands from `p` to `q`; a dropped one is not. */
static bool
replace(struct engine *m, const char *p, const char *q, span to)
{
    bool is_so = !m->crosses && span_eq(span_of(p, (size_t)(q - p)), to);
    if (m->top->entry->action == ENGINE_DROP || !to.len || is_so)
        return true;
    if (!engine_flush(m, p) || !engine_put_exactly(m, to.at, to.len))
        return false;
    m->copied = q;
    return true;
}

static bool
is_carried(const struct engine_form *f, const struct buf *b)
{
    return (f->reads_bytes || f->writes_bytes) &&
           span_starts(buf_span(b), SPAN("\"" CARRIED_BYTES));
}

/* JSON spells bytes as base64: the text without what carries it. */
static void
spell_bytes(struct buf *b)
{
    buf_consume(b, CARRIED_LEN);
    b->bytes[b->start] = '"';
}

/* What is carried is there already, behind it in `b` there is room for as much. */
static bool
pack_bytes(struct buf *b, size_t json)
{
    char head[MSGPACK_HEAD_MAX];
    span base64 =
        span_of(b->bytes + b->start + 1 + CARRIED_LEN, json - CARRIED_LEN - 2);
    char *at = b->bytes + b->start + json;
    size_t n = 0;
    if (!carried_decode(base64, at + sizeof(head), &n) || n > MSGPACK_N_MAX)
        return false;
    size_t len = msgpack_put_head(head, MSGPACK_BYTES, (uint32_t)n);
    memcpy(at, head, len);
    memmove(at + len, at + sizeof(head), n);
    buf_commit(b, len + n);
    return true;
}

/* What a form wrote, as MessagePack. */
static bool
pack(struct engine *m, const struct engine_form *f, struct buf *b,
     const char *p)
{
    size_t json = buf_len(b);
    span value = {0};
    bool has = false;
    /* There is room, or what is read would move. */
    if (!buf_reserve(b, json + MSGPACK_HEAD_MAX))
        return engine_fail(m, ENGINE_NO_ROOM, p);
    if (is_carried(f, b)) {
        has = pack_bytes(b, json);
    } else if (b->bytes && b->bytes[b->start] == '[') { /* of one scalar */
        has = span_dup(m->forms, buf_span(b), &value) &&
              engine_pack_value(m->forms, value, b);
        arena_reset(m->forms);
    } else {
        has = engine_pack_scalar(buf_span(b), b);
    }
    if (!has)
        return engine_fail(m, ENGINE_NO_FORM, p);
    buf_consume(b, json);
    return true;
}

static bool
form(struct engine *m, const struct engine_form *f, span json, const char *p,
     const char *q)
{
    struct buf *b = &m->scratch[0];
    buf_clear(b);
    if (!engine_open_forms(m))
        return engine_fail(m, ENGINE_NO_ROOM, p);
    enum engine_formed formed = f->fn(f->arg, json, m->forms, b);
    arena_reset(m->forms);
    switch (formed) {
    case ENGINE_OUTSIDE:
        return engine_fail_by(m, f->fault, p);
    case ENGINE_AS_IT_IS:
        return true;
    case ENGINE_RESPELT:
        if (!engine_tell(m, &f->notes, engine_offset(m, p), true))
            return false;
        break;
    case ENGINE_FORMED:
        break;
    }
    if (buf_failed(b))
        return engine_fail(m, ENGINE_NO_ROOM, p);
    if (!m->program->is_packed && is_carried(f, b))
        spell_bytes(b);
    if (m->program->is_packed && !pack(m, f, b, p))
        return false;
    return replace(m, p, q, buf_span(b));
}

static bool
take_row(struct engine *m, const struct engine_row *row, const char *p,
         const char *q)
{
    if (row->fault != ENGINE_NONE)
        return engine_fail_by(m, row->fault, p);
    if (row->notes.n && !engine_tell(m, &row->notes, engine_offset(m, p), true))
        return false;
    return row->no_form ? engine_fail(m, ENGINE_NO_FORM, p)
                        : replace(m, p, q, row->to);
}

static inline bool
map(struct engine *m, const struct engine_map *map, span scalar, span json,
    const char *p, const char *q)
{
    size_t i = engine_find(&map->table, scalar.at, scalar.len);
    if (i < map->table.n)
        return take_row(m, &map->rows[i], p, q);
    if (map->form)
        return form(m, map->form, json, p, q);
    return map->fault == ENGINE_NONE || engine_fail_by(m, map->fault, p);
}

static inline bool
read_scalar(struct engine *m, span scalar, span json, const char *p,
            const char *q)
{
    const struct engine_entry *e = m->top->entry;
    if (e->note != ENGINE_NONE && !engine_note(m, e, scalar))
        return false;
    bool is_same = e->has_same && span_eq(scalar, e->same);
    if (e->notes.n && !is_same &&
        !engine_tell(m, &e->notes, engine_offset(m, p), true))
        return false;
    if (e->map && !map(m, e->map, scalar, json, p, q))
        return false;
    /* It stays, but in another form. */
    return !m->crosses || m->copied == q || m->top->mode == MODE_CUT ||
           engine_spell_read(m, json, p);
}

bool
engine_packed_text(struct engine *m, const char *p, const char *q, size_t n,
                   bool *is_read)
{
    const struct engine_entry *e = m->top->entry;
    const struct engine_map *map = e->map;
    *is_read = false;
    if (!map || e->has_same || e->note != ENGINE_NONE)
        return true;
    size_t i = engine_find(&map->texts, q - n, n);
    bool is_there = i < map->texts.n;
    if (!is_there && map->form)
        return true;
    *is_read = true;
    if (e->notes.n && !engine_tell(m, &e->notes, engine_offset(m, p), true))
        return false;
    if (is_there)
        return take_row(m, &map->rows[map->text_rows[i]], p, q);
    return map->fault == ENGINE_NONE || engine_fail_by(m, map->fault, p);
}

bool
engine_read_scalar(struct engine *m, span scalar, span json, const char *p,
                   const char *q)
{
    return read_scalar(m, scalar, json, p, q);
}

static bool
scalar_with_escapes(struct engine *m, span json)
{
    span scalar = json;
    bool clean = true;
    if (!spell(m, &scalar, &clean))
        return false;
    if (!clean && m->top->entry->map)
        return engine_fail(m, ENGINE_SURROGATE, json.at);
    return read_scalar(m, scalar, json, json.at, json.at + json.len);
}

bool
engine_scalar(struct engine *m, const char *p, const char *q, bool escaped)
{
    span json = span_of(p, (size_t)(q - p));
    if (json.len > m->held_max)
        return engine_fail(m, ENGINE_TOO_LONG, p);
    return escaped ? scalar_with_escapes(m, json)
                   : read_scalar(m, json, json, p, q);
}
