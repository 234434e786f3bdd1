/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loop: from token to token. Compiled once for each level: scan_NAME.h comes
 * before it and says ENGINE_RUN and ENGINE_TARGET.
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

static inline enum text_step
text_short(const char *start, const char *p, bool high, const char **out)
{
    const char *to = high ? engine_whole_text(start, p) : p;
    const char *bad = high ? find_bad(start, to) : NULL;
    *out = bad ? bad : to;
    return bad ? TEXT_BAD : TEXT_SHORT;
}

/*
 * A text from behind its quote on. WHOLE: *out is behind the closing one. SHORT:
 * the window ends first; up to *out all is well. BAD: *out is the wrong byte.
 */
ENGINE_TARGET static inline __attribute__((always_inline)) enum text_step
text_end(const char *p, const struct engine_window *w, const char **out,
         bool *escaped)
{
    const char *start = p;
    uint64_t high = 0;
    for (;;) {
        p = find_special(p, w->last, &high);
        if (UNLIKELY(p > w->last || p >= w->stop))
            return text_short(start, p < w->stop ? p : w->stop, high, out);
        if (LIKELY(*p != '\\'))
            break;
        const char *bad = p;
        const char *next = engine_escape(p + 1, w->stop, &bad);
        *escaped = true;
        if (!next && bad >= w->stop)
            return text_short(start, p, high, out);
        if (!next) {
            const char *first = high ? find_bad(start, p) : NULL;
            *out = first ? first : bad;
            return TEXT_BAD;
        }
        p = next;
    }
    const char *bad = UNLIKELY(high) ? find_bad(start, p) : NULL;
    if (LIKELY(*p == '"' && !bad)) {
        *out = p + 1;
        return TEXT_WHOLE;
    }
    *out = bad ? bad : p;
    return TEXT_BAD;
}

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

ENGINE_TARGET bool
ENGINE_RUN(struct engine *m, struct engine_window *w)
{
    const char *p = w->at;
    const char *const end = w->end;
    struct engine_frame *f = m->top;
    size_t depth = m->depth;
    const char *q = NULL;
    const struct engine_entry *e = NULL;
    unsigned shape = 0;
    bool escaped = false;
    bool is_first = false; /* of the members of its object */

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
        goto skip_key;
    case SKIP_COLON:
        goto skip_colon;
    case SKIP_AFTER:
        goto skip_after;
    case IN_TEXT:
        q = p;
        goto in_text;
    case IN_KEY:
        q = p;
        goto in_key;
    case IN_NUMBER:
        goto in_number;
    }

    /* ---- a value that may have an entry ---- */

want_value:
    SPACE();
    if (UNLIKELY(p >= end))
        STOP(WANT_VALUE);
    if (!f->entry)
        goto value;
entry_value:
    e = f->entry;
    switch (*p) {
    case '{':
        shape = ENGINE_OBJECT;
        break;
    case '[':
        shape = ENGINE_LIST;
        break;
    case '"':
        shape = ENGINE_TEXT;
        break;
    case 't':
    case 'f':
        shape = ENGINE_BOOL;
        break;
    case 'n':
        shape = ENGINE_NULL;
        break;
    case '-':
    case '0' ... '9':
        shape = ENGINE_NUMBER;
        break;
    default:
        BAD(p);
    }
    if (UNLIKELY(e->refused & shape))
        return engine_fail_by(m, e->fault, p);
    if (shape >= ENGINE_LIST)
        goto entry_container;
    if (engine_reads(e))
        goto read_scalar;
    if (e->notes.n && !engine_tell(m, &e->notes, engine_offset(m, p), true))
        return false;
    if (e->action == ENGINE_CAPTURE && !engine_begin_capture(m, f, p))
        return false;
    goto value;

read_scalar:
    /* All of it must be there. */
    escaped = false;
    if (shape == ENGINE_TEXT) {
        enum text_step step = text_end(p + 1, w, &q, &escaped);
        if (step == TEXT_SHORT)
            STOP(WANT_VALUE);
        if (step == TEXT_BAD)
            BAD(q);
    } else if (shape == ENGINE_NUMBER) {
        q = find_number(p, w);
        if (!q) {
            uint8_t state = NUMBER_BEGIN;
            q = engine_number(p, w->stop, &state);
            if (q == w->stop && !w->is_end)
                STOP(WANT_VALUE);
            if (!engine_number_may_end(state))
                BAD(q);
        }
    } else {
        const char *word = *p == 't' ? "true" : *p == 'f' ? "false" : "null";
        size_t len = *p == 'f' ? 5 : 4;
        q = engine_word(p, w->stop, word);
        if (q < p + len && q == w->stop)
            STOP(WANT_VALUE);
        if (q < p + len)
            BAD(q);
    }
    if (e->action == ENGINE_CAPTURE && !engine_begin_capture(m, f, p))
        return false;
    if (!engine_scalar(m, p, q, escaped))
        return false;
    p = q;
    goto value_end;

entry_container:
    if (e->notes.n && !engine_tell(m, &e->notes, engine_offset(m, p), true))
        return false;
    {
        bool is_object = shape == ENGINE_OBJECT;
        bool is_known = engine_is_known(e->child, is_object);
        if ((e->action == ENGINE_CAPTURE ||
             (e->action == ENGINE_DROP && is_known)) &&
            !engine_begin_capture(m, f, p))
            return false;
        if (!is_known)
            goto value;
        if (depth == m->depth_max)
            return engine_fail(m, ENGINE_TOO_DEEP, p);
        if (f + 1 == m->frames + m->frames_room) {
            if (!engine_more_frames(m))
                return false;
            f = m->top;
        }
        depth++;
        f++;
        f->state = e->child;
        f->entry = NULL;
        memset(f->seen, 0, sizeof(f->seen));
        f->start = engine_offset(m, p);
        f->position = 0;
        f->depth = (uint32_t)depth;
        f->is_object = is_object;
        f->wrote = false;
        f->mode = MODE_PLAIN;
        m->top = f;
        if (!engine_open_slots(m, f))
            return false;
        p++;
        m->last_end = p;
        if (!is_object)
            goto want_first_element;
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
    escaped = false;
    {
        enum text_step step = text_end(p + 1, w, &q, &escaped);
        if (UNLIKELY(step == TEXT_SHORT))
            STOP(is_first ? WANT_FIRST_KEY : WANT_KEY);
        if (UNLIKELY(step == TEXT_BAD))
            BAD(q);
        if (UNLIKELY((size_t)(q - m->last_end) > m->held_max))
            return engine_fail(m, ENGINE_TOO_LONG, p);
        const struct engine_table *t = &f->state->keys;
        size_t i = 0;
        if (UNLIKELY(escaped)) {
            if (!engine_find_escaped(m, t, span_of(p + 1, (size_t)(q - p) - 2),
                                     &i))
                return false;
        } else {
            i = engine_find(t, p + 1, (size_t)(q - p) - 2);
        }
        if (i < t->n) {
            e = &f->state->entries[i];
            f->key = &t->keys[i];
        } else {
            e = f->state->other;
            f->key = NULL;
        }
        f->entry = e;
    }
    if (!e) {
        f->wrote = true;
        p = q;
        goto want_colon;
    }
    if (e->bit != ENGINE_NONE) {
        uint64_t bit = (uint64_t)1 << (e->bit & 63);
        uint64_t *seen = &f->seen[e->bit >> 6];
        if (UNLIKELY(*seen & bit) && e->twice != ENGINE_NONE)
            return engine_fail_by(m, e->twice, p);
        *seen |= bit;
    }
    if (e->action != ENGINE_KEEP || e->when) {
        if (!engine_begin_member(m, p, q))
            return false;
    } else {
        f->wrote = true;
        if (e->to.len) {
            if (!engine_flush(m, p))
                return false;
            m->copied = q;
            if (!engine_put(m, e->to.at, e->to.len))
                return false;
        }
    }
    p = q;
want_colon:
    SPACE();
    if (UNLIKELY(p >= end))
        STOP(WANT_COLON);
    if (UNLIKELY(*p != ':'))
        BAD(p);
    p++;
    goto want_value;

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
    if (e && (e->action != ENGINE_KEEP || e->when)) {
        if (!engine_begin_member(m, p, NULL))
            return false;
    } else {
        f->wrote = true;
    }
    if (f->entry)
        goto entry_value;

    /* ---- a value of which nothing is known ---- */

value:
    switch (*p) {
    case '{':
        if (UNLIKELY(depth == m->depth_max))
            return engine_fail(m, ENGINE_TOO_DEEP, p);
        m->kinds[++depth] = 1;
        p++;
        goto skip_first_key;
    case '[':
        if (UNLIKELY(depth == m->depth_max))
            return engine_fail(m, ENGINE_TOO_DEEP, p);
        m->kinds[++depth] = 0;
        p++;
        goto skip_first_value;
    case '"':
        q = p + 1;
        goto in_text;
    case '-':
    case '0' ... '9':
        q = find_number(p, w);
        if (LIKELY(q)) {
            p = q;
            goto skip_after;
        }
        m->number = NUMBER_BEGIN;
        goto in_number;
    case 't':
        if (UNLIKELY(memcmp(p, "true", 4) != 0)) {
            q = "true";
            goto word;
        }
        p += 4;
        goto skip_after;
    case 'n':
        if (UNLIKELY(memcmp(p, "null", 4) != 0)) {
            q = "null";
            goto word;
        }
        p += 4;
        goto skip_after;
    case 'f':
        if (UNLIKELY(memcmp(p, "false", 5) != 0)) {
            q = "false";
            goto word;
        }
        p += 5;
        goto skip_after;
    default:
        BAD(p);
    }

word:
    /* It is not all there, or it is not a word. A capture or cut has begun: so
     * the value is wanted as one of which nothing is known. */
    q = engine_word(p, w->stop, q);
    if (q == w->stop)
        STOP(SKIP_VALUE);
    BAD(q);

in_text : {
    enum text_step step = text_end(q, w, &p, &escaped);
    if (UNLIKELY(step == TEXT_SHORT))
        STOP(IN_TEXT);
    if (UNLIKELY(step == TEXT_BAD))
        BAD(p);
    goto skip_after;
}

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
    p++;
    depth--;
    goto skip_after;

skip_first_key:
    SPACE();
    if (UNLIKELY(p >= end))
        STOP(SKIP_FIRST_KEY);
    if (*p == '}') {
        p++;
        depth--;
        goto skip_after;
    }
    goto skip_key;

skip_after:
    if (depth == f->depth)
        goto value_end;
    SPACE();
    if (UNLIKELY(p >= end))
        STOP(SKIP_AFTER);
    if (!m->kinds[depth]) {
        if (LIKELY(*p == ',')) {
            p++;
            goto skip_member;
        }
        if (UNLIKELY(*p != ']'))
            BAD(p);
        p++;
        depth--;
        goto skip_after;
    }
    if (*p != ',') {
        if (UNLIKELY(*p != '}'))
            BAD(p);
        p++;
        depth--;
        goto skip_after;
    }
    p++;

skip_key:
    SPACE();
    if (UNLIKELY(p >= end))
        STOP(SKIP_KEY);
    if (UNLIKELY(*p != '"'))
        BAD(p);
    q = p + 1;
in_key : {
    enum text_step step = text_end(q, w, &p, &escaped);
    if (UNLIKELY(step == TEXT_SHORT))
        STOP(IN_KEY);
    if (UNLIKELY(step == TEXT_BAD))
        BAD(p);
}
skip_colon:
    SPACE();
    if (UNLIKELY(p >= end))
        STOP(SKIP_COLON);
    if (UNLIKELY(*p != ':'))
        BAD(p);
    p++;
skip_member:
    SPACE();
    if (UNLIKELY(p >= end))
        STOP(SKIP_VALUE);
    goto value;

    /* ---- behind a value of the top frame ---- */

value_end:
    if (UNLIKELY(f->mode != MODE_PLAIN) && !engine_end_member(m, p))
        return false;
    m->last_end = p;
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
    if (f->is_object && f->state->n_ops && !engine_close(m, p))
        return false;
    if (f->state->n_slots)
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
    m->depth = depth;
    w->at = p;
    return f->mode == MODE_CUT || engine_flush(m, p);
}
