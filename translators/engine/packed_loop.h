/* SPDX-License-Identifier: Apache-2.0 */
/*
 * packed_loop: from value to value of MessagePack, as loop.h does it for JSON.
 * Compiled twice: to copy what is not changed, and (SPELLS) to write all of it as
 * JSON. PACKED_RUN is its name.
 *
 * A head says how much follows, so nothing is looked for: in a container that has
 * a state each key is looked up, each element has its turn; in all others values
 * are counted down. `p` is always at the start of a value, or in the bytes behind
 * the head of one that is only copied. A window may end anywhere: STOP says what
 * is wanted when it goes on, and what must be seen whole comes again.
 */
#include "translators/engine/lesson.h"
#include "translators/engine/packed_token.h"
#include "translators/engine/spell.h"

#include "translators/msgpack/token.h"

/* A number is never in pieces here; bytes that are no text may be. */
#define IN_BYTES IN_NUMBER

#define STOP(next)                                                             \
    do {                                                                       \
        m->want = (next);                                                      \
        goto stop;                                                             \
    } while (0)

#define BAD(at) return engine_fail(m, ENGINE_BAD_JSON, (at))

/* The head at `p`, or we stop before it. */
#define HEAD(next)                                                             \
    do {                                                                       \
        if (UNLIKELY(p >= w->end))                                             \
            STOP(next);                                                        \
        h = msgpack_head_of(p);                                                \
        if (UNLIKELY((size_t)(w->stop - p) < h->len))                          \
            STOP(next);                                                        \
    } while (0)

/* `n` more bytes behind the head, which must be seen with it, or we stop. */
#define WHOLE(next)                                                            \
    do {                                                                       \
        n = msgpack_follows(h, p);                                             \
        if (UNLIKELY(n > m->held_max))                                         \
            return engine_fail(m, ENGINE_TOO_LONG, p);                         \
        if (UNLIKELY((size_t)(w->stop - p) < h->len + n))                      \
            STOP(next);                                                        \
    } while (0)

/* What is written as JSON is done with: there is nothing to copy before `at`. */
#define DONE(at)                                                               \
    do {                                                                       \
        if (SPELLS && f->mode != MODE_AGAIN)                                   \
            m->copied = (at);                                                  \
    } while (0)

/* Is it a key that comes, in a map of which nothing is known? */
#define IS_KEY (depth > f->depth && m->kinds[depth] && !(m->lefts[depth] & 1))

/* Is what stands here written? What is cut is looked at, and no more; what goes again is
 * held as it came. */
#define SAYS (SPELLS && f->mode != MODE_CUT && f->mode != MODE_AGAIN)

MUST_CHECK static inline bool
spell_key(struct engine *m, bool has_others, const char *p, const char *q)
{
    const char *text = p + msgpack_head_of(p)->len;
    return engine_spell_key(m, has_others, span_of(text, (size_t)(q - text)));
}

bool
PACKED_RUN(struct engine *m, struct engine_window *w)
{
    const char *p = w->at;
    const char *q = NULL;
    const char *bad = NULL;
    struct engine_frame *f = m->top;
    size_t depth = m->depth;
    const struct engine_entry *e = NULL;
    const struct msgpack_head *h = NULL;
    unsigned shape = 0;
    size_t i = 0;
    size_t n = 0;
    /* Before this so many bytes are there as are looked at of what is short. */
    const char *const shorts =
        w->stop - w->at < SHORT_MAX ? w->at : w->stop - SHORT_MAX;
    const char *const safe = shorts < w->end ? shorts : w->end;
    bool is_object = false;
    bool wrote = false; /* SPELLS: before this member or element */

    switch (m->want) {
    case WANT_VALUE:
        goto want_value;
    case WANT_KEY:
        goto want_key;
    case WANT_ELEMENT:
        goto want_element;
    case WANT_AFTER:
        goto want_after;
    case SKIP_VALUE:
        goto value;
    case IN_TEXT:
        goto in_text;
    case IN_BYTES:
        goto in_bytes;
    case WANT_FIRST_KEY:
    case WANT_COLON:
    case WANT_FIRST_ELEMENT:
    case SKIP_FIRST_VALUE:
    case SKIP_FIRST_KEY:
    case SKIP_KEY:
    case SKIP_COLON:
    case SKIP_AFTER:
    case IN_KEY:
        break; /* they are JSON's */
    }

    /* ---- an object with a state ---- */

want_key:
#if !SPELLS && defined(__x86_64__)
    if (m->follows && f->learnt && p < w->end) {
        struct engine_stop stop = engine_follow_packed(m, p, w->end);
        p = stop.at;
        f = m->top;
        depth = f->depth;
        switch (stop.why) {
        case STOPPED_FAILED:
            return false;
        case STOPPED_KEY:
            break;
        case STOPPED_VALUE:
            goto want_value;
        case STOPPED_ELEMENT:
            goto want_element;
        case STOPPED_BEHIND:
            goto value_end;
        }
    }
#endif
    if (f->left == 0)
        goto close;
    if (f->learnt && p < safe) {
        struct engine_learnt *l = expected(f, p);
        if (LIKELY(l)) {
            f->learnt = l;
            f->left--;
            e = f->entry = l->entry;
            f->key = l->key;
            q = p + l->len;
            if (e)
                goto known;
            goto unknown;
        }
    }
    HEAD(WANT_KEY);
    if (UNLIKELY(h->kind != MSGPACK_TEXT)) {
        /* A key that is no text has no name; what speaks of all keys does not know it. */
        if (h->kind == MSGPACK_BAD)
            BAD(p);
        if (SPELLS || f->state->other)
            return engine_fail(m, ENGINE_NO_FORM, p);
        f->left--;
        f->entry = NULL;
        f->key = NULL;
        f->wrote = true;
        m->in_key = true;
        goto value;
    }
    WHOLE(WANT_KEY);
    q = p + h->len + n;
    bad = engine_find_bad(p + h->len, n);
    if (UNLIKELY(bad))
        BAD(bad);
    f->left--;
    i = engine_find(&f->state->keys, p + h->len, n);
    if (i == f->state->keys.n) {
        e = f->entry = f->state->other;
        f->key = NULL;
    } else {
        e = f->entry = &f->state->entries[i];
        f->key = &f->state->keys.keys[i];
    }
    if (UNLIKELY(f->learnt) && p <= w->last)
        engine_learn(m, f, p, q, (size_t)(q - p));
    if (!e) {
    unknown:
        if (SPELLS && !spell_key(m, f->wrote, p, q))
            return false;
        f->wrote = true;
        p = q;
        goto member;
    }
known:
    if (!engine_see(m, f, e, p))
        return false;
    if (SPELLS)
        wrote = f->wrote;
    if (UNLIKELY(e->action != ENGINE_KEEP || e->when)) {
        DONE(p);
        m->last_end = p;
        if (!engine_begin_member(m, p, SPELLS ? NULL : q))
            return false;
        e = f->entry;
    } else {
        f->wrote = true;
        if (!SPELLS && e->to.len && !engine_replace(m, p, q, e->to))
            return false;
    }
    if (SAYS && !(e && e->to.len ? engine_spell_to(m, wrote, e->to)
                                 : spell_key(m, wrote, p, q)))
        return false;
    p = q;
    if (!e || !e->is_plain)
        goto want_value;

member: /* whose value is copied, whatever it is */
    q = !SPELLS && p < safe ? short_scalar(p) : NULL;
    if (UNLIKELY(!q))
        goto value;
    p = q;
    goto want_key;

    /* ---- a value that may have an entry ---- */

want_value:
    e = f->entry;
    if (!e)
        goto value;
entry_value:
    HEAD(WANT_VALUE);
    shape = shapes[h->kind];
    if (UNLIKELY(!shape)) {
        if (h->kind == MSGPACK_BAD)
            BAD(p);
        bool is_read = h->kind == MSGPACK_BYTES && engine_reads_bytes(e);
        if (!is_read && (SPELLS || e->refused || engine_reads(e)))
            return engine_fail(m, ENGINE_NO_FORM, p);
    }
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
        n = 0;
        if (shape == ENGINE_TEXT || !shape)
            WHOLE(WANT_VALUE);
        q = p + h->len + n;
        bad = shape ? engine_find_bad(p + h->len, n) : NULL;
        if (UNLIKELY(bad))
            BAD(bad);
        DONE(p);
        if (e->action == ENGINE_CAPTURE && !engine_begin_capture(m, f, p))
            return false;
        if (!engine_packed_scalar(m, p, q))
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
    is_object = shape == ENGINE_OBJECT;
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
    f->left = msgpack_follows(h, p);
    f->written = f->left; /* without those that go */
    engine_begin_learning(m, f);
    if (UNLIKELY(f->state->n_slots) && !engine_open_slots(m, f))
        return false;
    if (SPELLS) {
        if (!engine_spell_byte(m, is_object ? '{' : '['))
            return false;
    } else if (!f->state->is_steady) {
        if (!engine_flush(m, p) || !engine_open_hole(m, f))
            return false;
        m->copied = p + h->len;
    } else {
        f->hole = (struct engine_hole){0};
    }
    p += h->len;
    if (is_object)
        goto want_key;
}

    /* ---- a list with a state ---- */

want_element:
    if (f->left == 0)
        goto close;
    HEAD(WANT_ELEMENT);
    f->left--;
    e = f->position < f->state->n_items ? &f->state->items[f->position]
                                        : f->state->each;
    f->position++;
    f->entry = e;
    if (SPELLS)
        wrote = f->wrote;
    if (UNLIKELY(e && (e->action != ENGINE_KEEP || e->when))) {
        DONE(p);
        m->last_end = p;
        if (!engine_begin_member(m, p, NULL))
            return false;
    } else {
        f->wrote = true;
    }
    if (SAYS && wrote && !engine_spell_byte(m, ','))
        return false;
    e = f->entry;
    if (e)
        goto entry_value;

    /* ---- a value of which nothing is known ---- */

value:
    q = !SPELLS && p < safe ? short_scalar(p) : NULL;
    if (LIKELY(q)) {
        p = q;
        goto skip_after;
    }
    HEAD(SKIP_VALUE);
    switch ((enum msgpack_kind)h->kind) {
    case MSGPACK_UINT:
    case MSGPACK_INT:
    case MSGPACK_FLOAT:
    case MSGPACK_NIL:
    case MSGPACK_BOOL:
        if (SPELLS && IS_KEY)
            return engine_fail(m, ENGINE_NO_FORM, p);
        if (SPELLS && !engine_spell_scalar(m, p, SAYS))
            return false;
        p += h->len;
        goto skip_after;
    case MSGPACK_TEXT:
        n = msgpack_follows(h, p);
        p += h->len;
        if (LIKELY((size_t)(w->stop - p) >= n)) {
            bad = engine_find_bad(p, n);
            if (UNLIKELY(bad))
                BAD(bad);
            if (SAYS && !engine_spell_text(m, span_of(p, n)))
                return false;
            p += n;
            goto skip_after;
        }
        if (SAYS && !engine_spell_byte(m, '"'))
            return false;
        m->body_left = n;
        goto in_text;
    case MSGPACK_BYTES:
    case MSGPACK_EXT:
        if (SPELLS)
            return engine_fail(m, ENGINE_NO_FORM, p);
        m->body_left = msgpack_follows(h, p);
        p += h->len;
        goto in_bytes;
    case MSGPACK_LIST:
    case MSGPACK_MAP:
        if (SPELLS && IS_KEY)
            return engine_fail(m, ENGINE_NO_FORM, p);
        if (UNLIKELY(depth == m->depth_max))
            return engine_fail(m, ENGINE_TOO_DEEP, p);
        n = msgpack_follows(h, p);
        is_object = h->kind == MSGPACK_MAP;
        p += h->len;
        if (SAYS && !engine_spell_byte(m, is_object ? '{' : '['))
            return false;
        if (n == 0) {
            if (SAYS && !engine_spell_byte(m, is_object ? '}' : ']'))
                return false;
            goto skip_after;
        }
        m->lefts[++depth] = (uint64_t)n << is_object; /* keys and values */
        if (SPELLS)
            m->kinds[depth] = is_object;
        goto value;
    case MSGPACK_BAD:
        break;
    }
    BAD(p);

in_text:
    n = (size_t)(w->stop - p);
    if (n >= m->body_left)
        n = (size_t)m->body_left;
    else
        n = (size_t)(engine_whole_text(p, p + n) - p);
    bad = engine_find_bad_part(p, n);
    if (UNLIKELY(bad))
        BAD(bad);
    if (SAYS && !engine_spell_part(m, span_of(p, n)))
        return false;
    p += n;
    m->body_left -= n;
    if (m->body_left)
        STOP(IN_TEXT);
    if (SAYS && !engine_spell_byte(m, '"'))
        return false;
    goto skip_after;

in_bytes:
    n = (size_t)(w->stop - p);
    if (n > m->body_left)
        n = (size_t)m->body_left;
    p += n;
    m->body_left -= n;
    if (m->body_left)
        STOP(IN_BYTES);

skip_after:
    for (; depth > f->depth; depth--) {
        bool has_more = --m->lefts[depth] > 0;
        if (SAYS && !engine_spell_byte(m, engine_spell_behind(m, depth)))
            return false;
        if (has_more)
            goto value;
    }

    /* ---- behind a value of the top frame ---- */

    if (UNLIKELY(m->in_key)) {
        m->in_key = false;
        goto value;
    }
value_end:
    if (UNLIKELY(f->mode != MODE_PLAIN)) {
        DONE(p);
        if (!engine_end_member(m, p))
            return false;
        f->written--;
    }
    if (f->is_object)
        goto want_key;
    if (f > m->frames)
        goto want_element;
want_after:
    if (p < w->stop)
        BAD(p);
    STOP(WANT_AFTER);

close:
    m->last_end = p;
    DONE(p);
    if (f->is_object && f->state->n_ops && !engine_close(m, p))
        return false;
    /* Of an object that has gone itself there is no end. */
    if (SPELLS && f[-1].mode != MODE_CUT &&
        !engine_spell_byte(m, f->is_object ? '}' : ']'))
        return false;
    if (!SPELLS && !f->state->is_steady && !engine_close_hole(m, f))
        return false;
    if (UNLIKELY(f->state->n_slots))
        engine_close_slots(m, f);
    depth--;
    f--;
    m->top = f;
    goto value_end;

stop:
    DONE(p);
    m->depth = depth;
    w->at = p;
    return f->mode == MODE_CUT || engine_flush(m, p);
}
