/* SPDX-License-Identifier: Apache-2.0 */
/*
 * token: where one token of JSON ends, and whether it is one. Compiled behind a
 * scan_NAME.h, for the loop.
 */
#pragma once

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
ENGINE_TARGET static __attribute__((noinline)) enum text_step
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

/* A number, true, false or null: its end, or NULL if it must be looked at again. */
ENGINE_TARGET static inline __attribute__((always_inline)) const char *
short_scalar(const char *p, const struct engine_window *w)
{
    if (engine_shapes[(unsigned char)*p] == ENGINE_NUMBER)
        return find_number(p, w);
    if (memcmp(p, "true", 4) == 0 || memcmp(p, "null", 4) == 0)
        return p + 4;
    return memcmp(p, "false", 5) == 0 ? p + 5 : NULL;
}

/* A scalar that an entry reads: all of it must be there. SHORT: it is not. BAD:
 * *out is the wrong byte. */
ENGINE_TARGET static __attribute__((noinline)) enum text_step
long_scalar(const char *p, const struct engine_window *w, const char **out,
            bool *escaped)
{
    uint8_t state = NUMBER_BEGIN;
    const char *word = *p == 't' ? "true" : *p == 'f' ? "false" : "null";
    const char *q = NULL;
    switch (engine_shapes[(unsigned char)*p]) {
    case ENGINE_TEXT:
        return text_end(p + 1, w, out, escaped);
    case ENGINE_NUMBER:
        q = *out = engine_number(p, w->stop, &state);
        if (q == w->stop && !w->is_end)
            return TEXT_SHORT;
        return engine_number_may_end(state) ? TEXT_WHOLE : TEXT_BAD;
    default:
        q = *out = engine_word(p, w->stop, word);
        if ((size_t)(q - p) == strlen(word))
            return TEXT_WHOLE;
        return q == w->stop ? TEXT_SHORT : TEXT_BAD;
    }
}

/* A scalar of which nothing is known: what text_end is to a text. */
ENGINE_TARGET static inline __attribute__((always_inline)) enum text_step
whole_scalar(const char *p, const struct engine_window *w, const char **out,
             bool *escaped)
{
    bool is_text = *p == '"';
    const char *q = is_text ? short_text(p) : short_scalar(p, w);
    *escaped = false;
    if (UNLIKELY(!q))
        return long_scalar(p, w, out, escaped);
    *out = q;
    return TEXT_WHOLE;
}
