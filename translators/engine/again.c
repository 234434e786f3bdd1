/* SPDX-License-Identifier: Apache-2.0 */
/*
 * again: a value that the program does not say.
 *
 * It is validated and copied as one of which nothing is known, but to a buffer of its
 * own; when it has ended somebody else says what stands for it. One at a time: there
 * is no entry in a value that is held. What may vanish is held from its separator on,
 * as what is given out cannot be taken back.
 */
#include "translators/engine/packed.h"
#include "translators/engine/work.h"

#include "translators/msgpack/unpack.h"

const struct engine_again engine_notes_whole = {
    .fault = ENGINE_NONE, .shapes = ENGINE_LIST | ENGINE_OBJECT};

const struct engine_again engine_wraps = {
    .fault = ENGINE_NONE, .shapes = ENGINE_LIST | ENGINE_OBJECT};

static void
close_asked(void *p)
{
    struct engine_asked *k = p;
    buf_fini(&k->whole);
    buf_fini(&k->answer);
}

static struct engine_asked *
new_asked(struct arena *a)
{
    struct engine_asked *k = arena_alloc(a, sizeof(*k));
    return k && arena_defer(a, close_asked, k) ? k : NULL;
}

bool
engine_on_again(struct engine *m, const struct engine_handler *handler)
{
    size_t max = handler->whole_max ? handler->whole_max : m->held_max;
    if (!m->asked)
        m->asked = new_asked(m->arena);
    if (!m->asked)
        return false;
    m->asked->handler = *handler;
    m->asked->whole.max = max + ENGINE_SLACK;
    m->asked->answer.max = SIZE_MAX / 4;
    return true;
}

void
engine_ask_nobody(struct engine *m)
{
    if (!m->asked)
        return;
    m->asked->handler = (struct engine_handler){0};
    buf_fini(&m->asked->whole);
    buf_fini(&m->asked->answer);
}

void
engine_forget_again(struct engine *m)
{
    if (!m->asked)
        return;
    buf_clear(&m->asked->whole);
    buf_clear(&m->asked->answer);
}

static bool
fail(struct engine *m, enum engine_why why)
{
    if (why == ENGINE_BY_PROGRAM)
        engine_fail_by(m, m->top->entry->again->fault, NULL);
    else
        engine_fail(m, why, NULL);
    m->fault.offset = m->asked->offset;
    return false;
}

bool
engine_again_too_long(struct engine *m)
{
    return fail(m, ENGINE_TOO_LONG);
}

/* ---- held ------------------------------------------------------------------------ */

/* What stands before `p` is written. In another form it was when it was met. */
static bool
pass(struct engine *m, const char *p)
{
    if (m->crosses)
        m->copied = p;
    return engine_flush(m, p);
}

/* From here on bytes are held. What waits in slots is not written to meanwhile. */
static bool
hold(struct engine *m, struct engine_frame *f, const char *from)
{
    const struct engine_handler nobody = {.whole_max =
                                              m->held_max + m->whole_max};
    bool notes = f->entry->again == &engine_notes_whole;
    bool asks = m->asked && m->asked->handler.fn;
    if (notes && !asks && !engine_on_again(m, &nobody))
        return engine_fail(m, ENGINE_NO_ROOM, from);
    struct engine_asked *k = m->asked;
    if (!k || (!notes && !k->handler.fn))
        return engine_fail_by(m, f->entry->again->fault, from);
    if (!pass(m, from))
        return false;
    k->sink = m->sink;
    k->target = m->target;
    k->mode = f->mode;
    k->wrote = f->wrote;
    k->offset = engine_offset(m, from);
    m->target = NO_SLOT;
    engine_use_sink(m, &k->whole);
    m->copied = from;
    f->mode = MODE_HELD;
    return true;
}

/* Output goes again where it went before. */
static void
let_go(struct engine *m, struct engine_frame *f)
{
    struct engine_asked *k = m->asked;
    engine_use_sink(m, k->sink);
    m->target = k->target;
    f->mode = k->mode;
}

bool
engine_hold_member(struct engine *m, const char *p)
{
    struct engine_frame *f = m->top;
    return hold(m, f, f->wrote && !m->crosses ? m->last_end : p);
}

static bool
put(struct engine *m, span bytes)
{
    return engine_put_exactly(m, bytes.at, bytes.len);
}

/* It is no value that goes again, after all: its key is written. */
static bool
release(struct engine *m, struct engine_frame *f, const char *p)
{
    struct engine_asked *k = m->asked;
    if (!pass(m, p))
        return false;
    let_go(m, f);
    bool ok = put(m, buf_span(&k->whole));
    buf_clear(&k->whole);
    return ok;
}

/* ---- wrapped ---------------------------------------------------------------------- */

/* A list of one element is a byte before it, and in JSON one behind it. */
static bool
begin_wrap(struct engine *m, struct engine_frame *f, const char *p)
{
    if (!pass(m, p) ||
        !put(m, m->program->is_packed ? SPAN("\x91") : SPAN("[")))
        return false;
    f->mode = MODE_WRAPPED;
    return true;
}

bool
engine_end_wrap(struct engine *m, struct engine_frame *f, const char *p)
{
    f->written++;
    return pass(m, p) && (m->program->is_packed || put(m, SPAN("]")));
}

/* ---- held, then ------------------------------------------------------------------- */

bool
engine_hold_value(struct engine *m, unsigned shape, const char *p, bool *holds)
{
    struct engine_frame *f = m->top;
    const struct engine_entry *e = f->entry;
    *holds = (e->again->shapes & shape) != 0;
    if (*holds && e->again == &engine_wraps) {
        *holds = false;
        return begin_wrap(m, f, p);
    }
    if (!*holds)
        return f->mode != MODE_HELD || release(m, f, p);
    if (e->notes.n && !engine_tell(m, &e->notes, engine_offset(m, p), true))
        return false;
    if (e->action != ENGINE_KEEP && !engine_begin_capture(m, f, p))
        return false;
    if (f->mode == MODE_HELD ? !pass(m, p) : !hold(m, f, p))
        return false;
    engine_commit(m);
    f->mode = MODE_AGAIN;
    m->asked->at = buf_len(&m->asked->whole);
    m->asked->offset = engine_offset(m, p);
    return true;
}

/* ---- answered -------------------------------------------------------------------- */

/* Nothing stands for it, and nothing is left of what was held. */
static bool
vanish(struct engine *m, struct engine_frame *f)
{
    if (!f->entry->again->vanishes)
        return fail(m, ENGINE_BY_PROGRAM);
    if (f->mode == MODE_CAPTURE)
        f->is_gone = m->target < TRASH;
    else
        f->wrote = m->asked->wrote;
    return true;
}

static bool
write(struct engine *m, struct engine_frame *f)
{
    const struct engine_asked *k = m->asked;
    f->written += f->mode == MODE_PLAIN;
    return put(m, span_take(buf_span(&k->whole), k->at)) &&
           put(m, buf_span(&k->answer));
}

/* ---- noted ----------------------------------------------------------------------- */

/* What is held, as JSON, which may be made in `answer`; none: it has no form. */
static bool
as_json(struct engine *m, span whole, span *out)
{
    struct buf *b = &m->asked->answer;
    bool comes_packed = m->program->is_packed != m->crosses;
    *out = whole;
    if (!comes_packed)
        return true;
    struct unpack *u = unpack_new(m->forms, JSON_DEPTH_MAX);
    bool ok = u && unpack_feed(u, whole, b) == UNPACK_OK &&
              unpack_end(u) == UNPACK_OK && !buf_failed(b);
    *out = buf_span(b);
    return ok || engine_fail(m, ENGINE_NO_FORM, NULL);
}

/* It stays, in the form that goes. */
static bool
write_noted(struct engine *m, struct engine_frame *f, span whole, span json)
{
    struct buf *b = &m->scratch[0];
    if (f->entry->action == ENGINE_DROP)
        return true;
    f->written += f->mode == MODE_PLAIN;
    if (!m->crosses || !m->program->is_packed)
        return put(m, m->crosses ? json : whole);
    buf_clear(b);
    if (!engine_pack_value(m->forms, json, b))
        return engine_fail(m, ENGINE_NO_FORM, NULL);
    return buf_failed(b) ? engine_fail(m, ENGINE_NO_ROOM, NULL)
                         : put(m, buf_span(b));
}

static bool
note_whole(struct engine *m, struct engine_frame *f)
{
    span whole = span_skip(buf_span(&m->asked->whole), m->asked->at);
    span json = {0};
    if (!engine_open_forms(m))
        return engine_fail(m, ENGINE_NO_ROOM, NULL);
    bool ok = as_json(m, whole, &json) && engine_note(m, f->entry, json) &&
              write_noted(m, f, whole, json);
    arena_reset(m->forms);
    if (!ok) /* wherever it is cut */
        m->fault.offset = m->asked->offset;
    return ok;
}

static bool
answer(struct engine *m, struct engine_frame *f)
{
    struct engine_asked *k = m->asked;
    if (f->entry->again == &engine_notes_whole)
        return note_whole(m, f);
    const struct engine_whole whole = {
        .value = span_skip(buf_span(&k->whole), k->at),
        .offset = k->offset,
        .depth = f->depth};
    switch (
        k->handler.fn(k->handler.arg, f->entry->again, &whole, &k->answer)) {
    case ENGINE_UNANSWERED:
        return fail(m, ENGINE_BY_PROGRAM);
    case ENGINE_VANISHED:
        return vanish(m, f);
    case ENGINE_ANSWERED:
        break;
    }
    return buf_failed(&k->answer) ? fail(m, ENGINE_NO_ROOM) : write(m, f);
}

bool
engine_end_again(struct engine *m, const char *p)
{
    struct engine_frame *f = m->top;
    if (!engine_flush(m, p))
        return false;
    let_go(m, f);
    m->copied = p;
    bool ok = answer(m, f);
    engine_forget_again(m);
    return ok;
}
