/* SPDX-License-Identifier: Apache-2.0 */
/*
 * walk: from token to token by an index of where they begin. Compiled behind a
 * scan_NAME.h, which also says ENGINE_WALK.
 *
 * The loop (loop.h) finds each token by looking for the end of the one before it,
 * so that it waits for every byte; here the next ones are known. Only what is usual
 * is done: whatever else there is, wrong or rare or not yet all there, is left to
 * the loop, by leaving the machine as the loop itself leaves it between two
 * windows. So the loop alone says what JSON is, and where it is not.
 *
 * `at` points to the place of the token at hand, `to` behind the last that is known.
 * A token is looked at when the one behind it is known too: then all of it is there,
 * and its text is right.
 */
#include "translators/engine/whole.h"

#define PLACE(k) (base + at[k])

/* The token at hand, or behind the mark before it if it is not in sight. */
#define HERE (at < to ? PLACE(0) : base + at[-1] + 1)

/* Go on behind this stretch, or let the loop do it. */
#define MORE(next, place)                                                      \
    do {                                                                       \
        want = (next);                                                         \
        p = (place);                                                           \
        goto more;                                                             \
    } while (0)
#define LEAVE(next, place)                                                     \
    do {                                                                       \
        want = (next);                                                         \
        p = (place);                                                           \
        goto leave;                                                            \
    } while (0)

/* In a token, or between a key and its colon: there the index cannot begin. */
static inline bool
is_inside(enum engine_want want)
{
    return want == WANT_COLON || want >= SKIP_COLON;
}

static_assert(SKIP_AFTER < SKIP_COLON && SKIP_COLON < IN_TEXT,
              "is_inside is of what comes last");

#include "translators/engine/follow.h"

/* Four more places behind the last, which are the last: see follow.h. */
static inline void
repeat_last(struct engine_index *x)
{
    uint64_t four = x->at[x->n - 1] * UINT64_C(0x0001000100010001);
    memcpy(x->at + x->n, &four, sizeof(four));
}

ENGINE_TARGET bool
ENGINE_WALK(struct engine *m, struct engine_window *w)
{
    struct engine_index *const x = &m->index;
    const char *base = NULL;
    const uint16_t *at = NULL;
    const uint16_t *to = NULL;
    const char *p = w->at;
    const char *q = NULL;
    const char *reach = NULL; /* of the index */
    struct engine_frame *f = m->top;
    size_t depth = m->depth;
    enum engine_want want = m->want;
    const struct engine_entry *e = NULL;
    const struct engine_row *row = NULL;
    struct engine_learnt *learnt = NULL;
    struct follow go = {0};
    unsigned shape = 0;
    bool is_lost = true; /* among the keys that are expected */

    if (is_inside(want))
        goto leave;
again:
    if (p >= w->end)
        goto leave;
    reach = w->end - p > ENGINE_INDEX ? p + ENGINE_INDEX : w->end;
    m->make_index(x, p, w->end);
    if (x->n < 2)
        goto leave;
    base = p;
    at = x->at;
    to = at + x->n;
    repeat_last(x);
    switch (want) {
    case WANT_VALUE:
        goto want_value;
    case WANT_FIRST_KEY:
        goto want_first_key;
    case WANT_KEY:
        goto want_key;
    case WANT_FIRST_ELEMENT:
        goto want_first_element;
    case WANT_ELEMENT:
        goto want_element;
    case WANT_AFTER:
        if (!depth) /* behind the document */
            goto leave;
        goto want_after;
    case SKIP_VALUE:
        goto value;
    case SKIP_FIRST_VALUE:
        goto skip_first_value;
    case SKIP_FIRST_KEY:
        goto skip_first_key;
    case SKIP_KEY:
        goto skip_key;
    case SKIP_AFTER:
        goto skip_after;
    case WANT_COLON:
    case SKIP_COLON:
    case IN_TEXT:
    case IN_KEY:
    case IN_NUMBER:
        goto leave;
    }

    /* ---- an object with a state ---- */

want_first_key:
    p = PLACE(0);
    if (*p == '}')
        goto close;
    want = WANT_FIRST_KEY;
    goto key;
want_key:
    want = WANT_AFTER;
key:
    if (!f->learnt)
        goto other_key;
    if (UNLIKELY(is_lost))
        find_again(f, PLACE(0));
    is_lost = false;
    go = follow(m, at, to, want == WANT_FIRST_KEY);
    at = go.at;
    f = m->top;
    depth = f->depth;
    want = WANT_AFTER;
    switch (go.to) {
    case FOLLOWED_FAILED:
        return false;
    case FOLLOWED_FIRST_KEY:
        want = WANT_FIRST_KEY;
        goto other_key;
    case FOLLOWED_KEY:
        goto other_key;
    case FOLLOWED_VALUE:
        goto want_value;
    case FOLLOWED_FIRST_ELEMENT:
        goto want_first_element;
    case FOLLOWED_CONTAINER:
        goto value_end;
    }

other_key:
    if (UNLIKELY(at + 4 > to))
        MORE(want, m->last_end);
    p = PLACE(0);
    learnt = expected(f, p);
    if (learnt) {
        f->learnt = learnt;
        e = f->entry = learnt->entry;
        f->key = learnt->key;
        q = p + learnt->len;
    } else {
        q = PLACE(1);
        if (UNLIKELY(*p != '"' || *q != ':'))
            LEAVE(want, m->last_end);
        q = behind(q);
        if (has_escape(x, p, q))
            LEAVE(want, m->last_end);
        e = look_up(m, f, p, q, PLACE(1));
    }
    at += 2;
    if (!e) {
        f->wrote = true;
        goto plain_value;
    }

    switch ((enum engine_way)e->way) {
    case ENGINE_STAYS:
        if (UNLIKELY(x->has_escapes) && e->map)
            break;
        if (!see_settled(m, f, e, p) ||
            (e->to.len && !engine_replace(m, p, q, e->to)))
            return false;
        f->wrote = true;
        goto plain_value;
    case ENGINE_MAPPED:
        if (UNLIKELY(x->has_escapes))
            break;
        if (!see_settled(m, f, e, p) ||
            (e->to.len && !engine_replace(m, p, q, e->to)))
            return false;
        f->wrote = true;
        p = PLACE(0);
        q = behind(PLACE(1));
        shape = engine_shapes[(unsigned char)*p];
        if (shape >= ENGINE_LIST || !is_scalar(p, q, shape) ||
            !find_row(e->map, p, q, &row))
            goto entry_value;
        if (row && !engine_replace(m, p, q, row->to))
            return false;
        goto member_end;
    case ENGINE_WAITS:
    case ENGINE_GOES:
        shape = engine_shapes[(unsigned char)*PLACE(0)];
        if (shape >= ENGINE_LIST ||
            !is_scalar(PLACE(0), behind(PLACE(1)), shape) ||
            (UNLIKELY(x->has_escapes) && (e->map || e->has_same)))
            break;
        q = behind(PLACE(1));
        if (!see_settled(m, f, e, p) || !leave_out(m, e, p, PLACE(0), q))
            return false;
        at++;
        m->last_end = q;
        goto want_after;
    case ENGINE_GENERAL:
        break;
    }
    if (!engine_see(m, f, e, p))
        return false;
    if (UNLIKELY(e->action != ENGINE_KEEP || e->when)) {
        if (!engine_begin_member(m, p, q))
            return false;
    } else {
        f->wrote = true;
        if (e->to.len && !engine_replace(m, p, q, e->to))
            return false;
    }
    goto want_value;

plain_value:
    p = PLACE(0);
    if (*p != '"') {
        shape = engine_shapes[(unsigned char)*p];
        if (shape >= ENGINE_LIST)
            goto want_value;
        if (UNLIKELY(!is_scalar(p, behind(PLACE(1)), shape)))
            LEAVE(SKIP_VALUE, p);
    }
member_end:
    at++;
    p = PLACE(0);
    m->last_end = behind(p);
    if (UNLIKELY(*p != ','))
        goto after;
    at++;
    goto want_key;

    /* ---- a value that may have an entry ---- */

want_value:
    e = f->entry;
    if (!e)
        goto value;
entry_value:
    if (UNLIKELY(at + 2 > to))
        MORE(WANT_VALUE, HERE);
    p = PLACE(0);
    shape = engine_shapes[(unsigned char)*p];
    if (UNLIKELY(!shape || (e->refused & shape) || e->again))
        LEAVE(WANT_VALUE, p);
    if (shape >= ENGINE_LIST)
        goto entry_container;
    q = behind(PLACE(1));
    if (engine_reads(e)) {
        if (!is_scalar(p, q, shape) || has_escape(x, p, q))
            LEAVE(WANT_VALUE, p);
        at++;
        if (e->action == ENGINE_CAPTURE && !engine_begin_capture(m, f, p))
            return false;
        if (!engine_scalar(m, p, q, false))
            return false;
        goto value_end;
    }
    if (UNLIKELY(!is_scalar(p, q, shape)))
        LEAVE(WANT_VALUE, p);
    if (e->notes.n && !engine_tell(m, &e->notes, engine_offset(m, p), true))
        return false;
    if (e->action == ENGINE_CAPTURE && !engine_capture(m, f, p, q))
        return false;
    at++;
    goto value_end;

entry_container : {
    bool is_object = shape == ENGINE_OBJECT;
    bool is_known = engine_is_known(e->child, is_object);
    if (UNLIKELY(depth == m->depth_max || f == m->frames_last))
        LEAVE(WANT_VALUE, p);
    if (UNLIKELY(e->note != ENGINE_NONE) && !engine_note_kind(m, e, is_object))
        return false;
    if (e->notes.n && !engine_tell(m, &e->notes, engine_offset(m, p), true))
        return false;
    if (UNLIKELY(e->action != ENGINE_KEEP) &&
        (e->action == ENGINE_CAPTURE || is_known) &&
        !engine_begin_capture(m, f, p))
        return false;
    if (!is_known)
        goto container;
    depth++;
    f++;
    engine_open_frame(m, f, e->child, is_object, depth, p);
    engine_begin_learning(m, f);
    if (UNLIKELY(f->state->n_slots) && !engine_open_slots(m, f))
        return false;
    at++;
    m->last_end = p + 1;
    if (is_object)
        goto want_first_key;
}

    /* ---- a list with a state ---- */

want_first_element:
    p = PLACE(0);
    if (*p == ']')
        goto close;
    if (UNLIKELY(to - at < 2))
        MORE(WANT_FIRST_ELEMENT, m->last_end);
    goto element;
want_element:
    if (UNLIKELY(to - at < 2))
        MORE(WANT_AFTER, m->last_end);
    p = PLACE(0);
element:
    e = f->position < f->state->n_items ? &f->state->items[f->position]
                                        : f->state->each;
    f->position++;
    f->entry = e;
    if (UNLIKELY(e && (e->action != ENGINE_KEEP || e->when))) {
        if (!engine_begin_member(m, p, NULL))
            return false;
    } else {
        f->wrote = true;
    }
    e = f->entry;
    if (e)
        goto entry_value;

    /* ---- a value of which nothing is known ---- */

value:
    if (UNLIKELY(to - at < 2))
        MORE(SKIP_VALUE, HERE);
    p = PLACE(0);
    if (*p != '"') {
        shape = engine_shapes[(unsigned char)*p];
        if (shape >= ENGINE_LIST)
            goto container;
        if (UNLIKELY(!is_scalar(p, behind(PLACE(1)), shape)))
            LEAVE(SKIP_VALUE, p);
    }
    at++;
    goto skip_after;

container:
    if (UNLIKELY(depth == m->depth_max))
        LEAVE(SKIP_VALUE, p);
    at++;
    m->kinds[++depth] = shape == ENGINE_OBJECT;
    if (shape == ENGINE_OBJECT)
        goto skip_first_key;

    /* ---- containers of which nothing is known ---- */

skip_first_value:
    if (*PLACE(0) != ']')
        goto value;
    at++;
    depth--;
    goto skip_after;

skip_first_key:
    if (*PLACE(0) == '}') {
        at++;
        depth--;
        goto skip_after;
    }
skip_key:
    if (UNLIKELY(to - at < 4))
        MORE(SKIP_KEY, HERE);
    if (UNLIKELY(*PLACE(0) != '"' || *PLACE(1) != ':'))
        LEAVE(SKIP_KEY, PLACE(0));
    at += 2;
    p = PLACE(0);
    if (*p != '"') {
        shape = engine_shapes[(unsigned char)*p];
        if (shape >= ENGINE_LIST)
            goto container;
        if (UNLIKELY(!is_scalar(p, behind(PLACE(1)), shape)))
            LEAVE(SKIP_VALUE, p);
    }
    at++;
    if (*PLACE(0) == ',') {
        at++;
        goto skip_key;
    }
    goto skip_bracket;

skip_after:
    if (depth == f->depth)
        goto value_end;
    if (UNLIKELY(at >= to))
        MORE(SKIP_AFTER, HERE);
    if (*PLACE(0) == ',') {
        at++;
        if (m->kinds[depth])
            goto skip_key;
        goto value;
    }
skip_bracket:
    if (UNLIKELY(*PLACE(0) != (m->kinds[depth] ? '}' : ']')))
        LEAVE(SKIP_AFTER, PLACE(0));
    at++;
    depth--;
    goto skip_after;

    /* ---- behind a value of the top frame ---- */

value_end:
    q = at < to ? behind(PLACE(0)) : HERE;
    if (UNLIKELY(f->mode != MODE_PLAIN) && !engine_end_member(m, q))
        return false;
    m->last_end = q;
want_after:
    if (UNLIKELY(at >= to))
        MORE(WANT_AFTER, m->last_end);
    p = PLACE(0);
    if (LIKELY(*p == ',' && f->is_object && f->wrote)) {
        at++;
        goto want_key;
    }
after:
    if (UNLIKELY(depth == 0))
        LEAVE(WANT_AFTER, m->last_end);
    if (*p == ',') {
        at++;
        /* Those before it are gone: so is the comma. */
        if (UNLIKELY(!f->wrote))
            m->copied = p + 1;
        if (f->is_object)
            goto want_key;
        goto want_element;
    }
    if (UNLIKELY(*p != (f->is_object ? '}' : ']')))
        LEAVE(WANT_AFTER, m->last_end);
close:
    if (f->is_object && f->state->n_ops && !engine_close(m, p))
        return false;
    if (UNLIKELY(f->state->n_slots))
        engine_close_slots(m, f);
    at++;
    depth--;
    f--;
    m->top = f;
    goto value_end;

more:
    /* A stretch that brings nothing is one long token, or has something wrong; behind
     * the last there is none. */
    if (p > base && reach < w->end)
        goto again;
    w->is_walked = reach == w->end;
leave:
    m->want = want;
    m->depth = depth;
    w->at = p;
    return f->mode == MODE_CUT || engine_flush(m, p);
}
