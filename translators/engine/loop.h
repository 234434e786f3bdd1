/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loop: from token to token. Compiled once for each level: scan_NAME.h comes
 * before it and says ENGINE_RUN and ENGINE_TARGET. Where PACKS is 1 what comes is
 * not copied: each token is written as MessagePack when it is met (spell.h), and is
 * seen whole.
 *
 * Two loops in one function. In a container that has a state each key is looked
 * up, each element has its turn; the frame says what is done with the member at
 * hand. In all others (SKIP) there is only the grammar, and a stack of brackets.
 * `p` is always at the start of a token or of the space before it. A window may
 * end anywhere: STOP says what is wanted when it goes on.
 *
 * What must be seen together with what comes behind it (the space and comma
 * before a key that may go, before a bracket that members are put in front of)
 * comes again in the next window: we go back to where the last value ended.
 */

#include "translators/engine/token.h"

#define STOP(next)                                                             \
    do {                                                                       \
        m->want = (next);                                                      \
        goto stop;                                                             \
    } while (0)

#define SPACE()                                                                \
    do {                                                                       \
        if (UNLIKELY((unsigned char)*p <= ' '))                                \
            p = skip_space(p, w->last);                                        \
    } while (0)

#define BAD(at) return engine_fail(m, ENGINE_BAD_JSON, (at))

/* The white space before a key or a bracket of a known container is held. */
#define HELD_SPACE()                                                           \
    do {                                                                       \
        if (UNLIKELY((unsigned char)*p <= ' ')) {                              \
            p = skip_space(p, w->last);                                        \
            if (depth && (size_t)(p - m->last_end) > m->held_max)              \
                return engine_fail(m, ENGINE_TOO_LONG, p);                     \
        }                                                                      \
    } while (0)

/* What is written as MessagePack is done with. */
#define DONE(at)                                                               \
    do {                                                                       \
        if (PACKS && f->mode != MODE_AGAIN)                                    \
            m->copied = (at);                                                  \
    } while (0)

/* Is what stands here written as MessagePack? What is cut is not, and what goes again is
 * held as it came. */
#define SAYS (PACKS && f->mode != MODE_CUT && f->mode != MODE_AGAIN)

ENGINE_TARGET bool
ENGINE_RUN(struct engine *m, struct engine_window *w)
{
    const char *p = w->at;
    const char *const end = w->end;
    struct engine_frame *f = m->top;
    size_t depth = m->depth;
    const char *q = NULL;
    const struct engine_entry *e = NULL;
    const struct engine_table *t = NULL;
    size_t i = 0;
    unsigned shape = 0;
    bool escaped = false;
    bool is_first = false; /* of the members of its object */
    enum text_step step = TEXT_WHOLE;
    const char *to = NULL; /* the one place of these that is pointed at */

    switch (m->want) {
    case WANT_VALUE:
        goto want_value;
    case WANT_FIRST_KEY:
        goto want_first_key;
    case WANT_KEY:
        goto want_key;
    case WANT_COLON:
        goto want_colon;
    case WANT_FIRST_ELEMENT:
        goto want_first_element;
    case WANT_ELEMENT:
        goto want_element;
    case WANT_AFTER:
        goto want_after;
    case SKIP_VALUE:
        goto skip_member;
    case SKIP_FIRST_VALUE:
        goto skip_first_value;
    case SKIP_FIRST_KEY:
        goto skip_first_key;
    case SKIP_KEY:
        goto want_skip_key;
    case SKIP_COLON:
        goto skip_colon;
    case SKIP_AFTER:
        goto want_skip_after;
    case IN_TEXT:
        q = p;
        goto in_text;
    case IN_KEY:
        q = p;
        goto in_key;
    case IN_NUMBER:
        goto in_number;
    }

    /* ---- an object with a state ---- */

want_first_key:
    HELD_SPACE();
    if (UNLIKELY(p >= end))
        STOP(WANT_FIRST_KEY);
    if (*p == '}')
        goto close;
    is_first = true;
    goto key;
want_key:
    HELD_SPACE();
    if (UNLIKELY(p >= end))
        STOP(WANT_KEY);
    is_first = false;
key:
    if (UNLIKELY(*p != '"'))
        BAD(p);
next_key:
    t = &f->state->keys;
    q = short_text(p);
    escaped = false;
    if (LIKELY(q)) {
        i = engine_find(t, p + 1, (size_t)(q - p) - 2);
    } else {
        step = text_end(p + 1, w, &to, &escaped);
        q = to;
        if (step == TEXT_SHORT)
            STOP(is_first ? WANT_FIRST_KEY : WANT_KEY);
        if (step == TEXT_BAD)
            BAD(q);
        if ((size_t)(q - m->last_end) > m->held_max)
            return engine_fail(m, ENGINE_TOO_LONG, p);
        span raw = span_of(p + 1, (size_t)(q - p) - 2);
        size_t found = 0;
        if (!escaped)
            found = engine_find(t, raw.at, raw.len);
        else if (!engine_find_escaped(m, t, raw, &found))
            return false;
        i = found;
    }
    if (i == t->n) {
        e = f->entry = f->state->other;
        f->key = NULL;
        if (UNLIKELY(e))
            goto known;
        if (PACKS && !engine_pack_text(m, p, q, escaped))
            return false;
        f->wrote = true;
        p = q;
        if (PACKS)
            goto want_colon;
        if (UNLIKELY(*p != ':'))
            goto want_colon;
        p++;
        if (*p == '"') {
            q = short_text(p);
        } else {
            p += *p == ' ';
            q = *p == '"' ? short_text(p) : short_scalar(p, w);
        }
        if (UNLIKELY(!q))
            goto want_value;
        p = q;
        m->last_end = p;
        if (UNLIKELY(!engine_is_next_key(p) || p >= end))
            goto want_after;
        p++;
        is_first = false;
        goto next_key;
    }
    e = f->entry = &f->state->entries[i];
    f->key = &t->keys[i];
known:
    if (!engine_see(m, f, e, p))
        return false;
    if (UNLIKELY(e->action != ENGINE_KEEP || e->when)) {
        DONE(p);
        if (!engine_begin_member(m, p, PACKS ? NULL : q))
            return false;
    } else {
        f->wrote = true;
        if (!PACKS && e->to.len && !engine_replace(m, p, q, e->to))
            return false;
    }
    if (SAYS && !(f->entry && f->entry->to.len
                      ? engine_put(m, f->entry->to.at, f->entry->to.len)
                      : engine_pack_text(m, p, q, escaped)))
        return false;
    p = q;
want_colon:
    SPACE();
    if (UNLIKELY(*p != ':')) {
        if (p >= end)
            STOP(WANT_COLON);
        BAD(p);
    }
    p++;

    /* ---- a value that may have an entry ---- */

want_value:
    SPACE();
    if (!f->entry)
        goto value;
entry_value:
    e = f->entry;
    shape = engine_shapes[(unsigned char)*p];
    if (UNLIKELY(p >= end))
        STOP(WANT_VALUE);
    if (UNLIKELY(!shape))
        BAD(p);
    if (UNLIKELY(e->refused & shape))
        return engine_fail_by(m, e->fault, p);
    if (UNLIKELY(e->again)) {
        bool holds = false;
        if (!engine_hold_value(m, shape, p, &holds))
            return false;
        if (holds)
            goto value;
    }
    if (shape >= ENGINE_LIST)
        goto entry_container;
    if (engine_reads(e)) {
        escaped = false;
        q = shape == ENGINE_TEXT ? short_text(p) : short_scalar(p, w);
        if (UNLIKELY(!q)) {
            step = long_scalar(p, w, &to, &escaped);
            q = to;
        } else {
            step = TEXT_WHOLE;
        }
        if (UNLIKELY(step == TEXT_SHORT))
            STOP(WANT_VALUE);
        if (UNLIKELY(step == TEXT_BAD))
            BAD(q);
        DONE(p);
        if (e->action == ENGINE_CAPTURE && !engine_begin_capture(m, f, p))
            return false;
        if (!engine_scalar(m, p, q, escaped))
            return false;
        p = q;
        goto value_end;
    }
    if (e->notes.n && !engine_tell(m, &e->notes, engine_offset(m, p), true))
        return false;
    if (UNLIKELY(e->action == ENGINE_CAPTURE) && !engine_begin_capture(m, f, p))
        return false;
    goto value;

entry_container : {
    bool is_object = shape == ENGINE_OBJECT;
    bool is_known = engine_is_known(e->child, is_object);
    if (UNLIKELY(e->note != ENGINE_NONE) && !engine_note_kind(m, e, is_object))
        return false;
    if (e->notes.n && !engine_tell(m, &e->notes, engine_offset(m, p), true))
        return false;
    if (UNLIKELY(e->action != ENGINE_KEEP) &&
        (e->action == ENGINE_CAPTURE || is_known) &&
        !engine_begin_capture(m, f, p))
        return false;
    if (!is_known)
        goto value;
    if (UNLIKELY(depth == m->depth_max))
        return engine_fail(m, ENGINE_TOO_DEEP, p);
    if (UNLIKELY(f == m->frames_last)) {
        if (!engine_more_frames(m))
            return false;
        f = m->top;
    }
    depth++;
    f++;
    engine_open_frame(m, f, e->child, is_object, depth, p);
    if (UNLIKELY(f->state->n_slots) && !engine_open_slots(m, f))
        return false;
    if (PACKS) {
        f->written = 0;
        if (!engine_open_hole(m, f))
            return false;
    }
    p++;
    m->last_end = p;
    if (is_object)
        goto want_first_key;
}

    /* ---- a list with a state ---- */

want_first_element:
    HELD_SPACE();
    if (UNLIKELY(p >= end))
        STOP(WANT_FIRST_ELEMENT);
    if (*p == ']')
        goto close;
    goto element;
want_element:
    HELD_SPACE();
    if (UNLIKELY(p >= end))
        STOP(WANT_ELEMENT);
element:
    e = f->position < f->state->n_items ? &f->state->items[f->position]
                                        : f->state->each;
    f->position++;
    f->entry = e;
    if (UNLIKELY(e && (e->action != ENGINE_KEEP || e->when))) {
        DONE(p);
        if (!engine_begin_member(m, p, NULL))
            return false;
    } else {
        f->wrote = true;
    }
    if (f->entry)
        goto entry_value;

    /* ---- a value of which nothing is known ---- */

value:
    switch (engine_shapes[(unsigned char)*p]) {
    case ENGINE_OBJECT:
        if (UNLIKELY(depth == m->depth_max))
            return engine_fail(m, ENGINE_TOO_DEEP, p);
        m->kinds[++depth] = 1;
        if (SAYS && !engine_open_level(m, depth))
            return false;
        p++;
        goto skip_first_key;
    case ENGINE_LIST:
        if (UNLIKELY(depth == m->depth_max))
            return engine_fail(m, ENGINE_TOO_DEEP, p);
        m->kinds[++depth] = 0;
        if (SAYS && !engine_open_level(m, depth))
            return false;
        p++;
        goto skip_first_value;
    case ENGINE_TEXT:
        if (UNLIKELY(p >= end))
            STOP(SKIP_VALUE);
        if (PACKS)
            goto scalar;
        q = short_text(p);
        if (LIKELY(q)) {
            p = q;
            goto skip_after;
        }
        q = p + 1;
        goto in_text;
    case ENGINE_NUMBER:
        if (UNLIKELY(p >= end))
            STOP(SKIP_VALUE);
        if (PACKS)
            goto scalar;
        q = find_number(p, w);
        if (LIKELY(q)) {
            p = q;
            goto skip_after;
        }
        m->number = NUMBER_BEGIN;
        goto in_number;
    case ENGINE_BOOL:
    case ENGINE_NULL:
        if (UNLIKELY(p >= end))
            STOP(SKIP_VALUE);
        if (PACKS)
            goto scalar;
        q = short_scalar(p, w);
        if (LIKELY(q)) {
            p = q;
            goto skip_after;
        }
        q = engine_word(p, w->stop,
                        *p == 't'   ? "true"
                        : *p == 'f' ? "false"
                                    : "null");
        /* A capture or cut may have begun: it goes on as any value does. */
        if (q == w->stop)
            STOP(SKIP_VALUE);
        BAD(q);
    default:
        if (p >= end)
            STOP(SKIP_VALUE);
        BAD(p);
    }

scalar: /* PACKS */
    step = whole_scalar(p, w, &to, &escaped);
    if (UNLIKELY(step == TEXT_SHORT))
        STOP(SKIP_VALUE);
    if (UNLIKELY(step == TEXT_BAD))
        BAD(to);
    if (SAYS && !engine_pack_token(m, p, to, escaped))
        return false;
    p = to;
    goto skip_after;

in_text:
    step = text_end(q, w, &to, &escaped);
    p = to;
    if (UNLIKELY(step == TEXT_SHORT))
        STOP(IN_TEXT);
    if (UNLIKELY(step == TEXT_BAD))
        BAD(p);
    goto skip_after;

in_number:
    p = engine_number(p, w->stop, &m->number);
    if (p == w->stop && !w->is_end)
        STOP(IN_NUMBER);
    if (!engine_number_may_end(m->number))
        BAD(p);
    goto skip_after;

    /* ---- containers of which nothing is known ---- */

skip_first_value:
    SPACE();
    if (UNLIKELY(p >= end))
        STOP(SKIP_FIRST_VALUE);
    if (*p != ']')
        goto value;
    goto skip_close;

skip_first_key:
    SPACE();
    if (UNLIKELY(p >= end))
        STOP(SKIP_FIRST_KEY);
    if (*p == '}')
        goto skip_close;
    goto want_skip_key;

skip_after:
    if (depth == f->depth)
        goto value_end;
    if (PACKS)
        m->levels[depth].n++;
    if (LIKELY(engine_is_next_key(p)) && m->kinds[depth] && p < end) {
        p++;
        goto skip_key;
    }
want_skip_after:
    SPACE();
    if (UNLIKELY(p >= end))
        STOP(SKIP_AFTER);
    if (*p == ',') {
        p++;
        if (!m->kinds[depth])
            goto skip_member;
        goto want_skip_key;
    }
    if (UNLIKELY(*p != (m->kinds[depth] ? '}' : ']')))
        BAD(p);
skip_close:
    if (SAYS && !engine_close_level(m, depth))
        return false;
    p++;
    depth--;
    goto skip_after;

want_skip_key:
    SPACE();
    if (UNLIKELY(p >= end))
        STOP(SKIP_KEY);
    if (UNLIKELY(*p != '"'))
        BAD(p);
skip_key:
    if (PACKS) {
        step = whole_scalar(p, w, &to, &escaped);
        if (UNLIKELY(step == TEXT_SHORT))
            STOP(SKIP_KEY);
        if (UNLIKELY(step == TEXT_BAD))
            BAD(to);
        if (SAYS && !engine_pack_text(m, p, to, escaped))
            return false;
        p = to;
        goto skip_colon;
    }
    q = short_text(p);
    if (LIKELY(q && *q == ':')) {
        p = q + 1;
        p += *p == ' ';
        goto skip_member;
    }
    q = p + 1;
in_key:
    step = text_end(q, w, &to, &escaped);
    p = to;
    if (UNLIKELY(step == TEXT_SHORT))
        STOP(IN_KEY);
    if (UNLIKELY(step == TEXT_BAD))
        BAD(p);
skip_colon:
    SPACE();
    if (UNLIKELY(*p != ':')) {
        if (p >= end)
            STOP(SKIP_COLON);
        BAD(p);
    }
    p++;
skip_member:
    SPACE();
    goto value;

    /* ---- behind a value of the top frame ---- */

value_end:
    if (UNLIKELY(f->mode != MODE_PLAIN)) {
        DONE(p);
        if (!engine_end_member(m, p))
            return false;
    } else if (PACKS) {
        f->written++;
    }
    m->last_end = p;
    if (LIKELY(engine_is_next_key(p)) && f->is_object && f->wrote && p < end) {
        p++;
        is_first = false;
        goto next_key;
    }
want_after:
    HELD_SPACE();
    if (UNLIKELY(p >= end))
        STOP(WANT_AFTER);
    if (UNLIKELY(depth == 0))
        BAD(p);
    if (LIKELY(*p == ',')) {
        p++;
        /* Those before it are gone: so is the comma. */
        if (UNLIKELY(!f->wrote))
            m->copied = p;
        if (f->is_object)
            goto want_key;
        goto want_element;
    }
    if (UNLIKELY(*p != (f->is_object ? '}' : ']')))
        BAD(p);
close:
    DONE(p);
    if (f->is_object && f->state->n_ops && !engine_close(m, p))
        return false;
    if (PACKS && !engine_close_hole(m, f))
        return false;
    if (UNLIKELY(f->state->n_slots))
        engine_close_slots(m, f);
    p++;
    depth--;
    f--;
    m->top = f;
    goto value_end;

stop:
    if (depth == f->depth && depth > 0) {
        if (m->want == WANT_KEY || m->want == WANT_ELEMENT)
            m->want = WANT_AFTER;
        if (m->want == WANT_AFTER || m->want == WANT_FIRST_KEY ||
            m->want == WANT_FIRST_ELEMENT)
            p = m->last_end;
    }
    DONE(p);
    m->depth = depth;
    w->at = p;
    return f->mode == MODE_CUT || engine_flush(m, p);
}
