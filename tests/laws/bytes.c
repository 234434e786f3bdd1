/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bytes: law 4, cuts do not matter; law 5, untouched is untouched; law 6, once;
 * and records, each of which is a document of its own.
 */
#include "tests/laws/law.h"

static enum law_verdict
same_bytes(const struct law_case *c, span *why, const char *what,
           const struct law_result *is, const struct law_result *should)
{
    if (is->code == should->code && span_eq(is->text, should->text) &&
        span_eq(is->sentence, should->sentence))
        return LAW_HOLDS;
    return law_differs(c, why, what, is->code ? is->sentence : is->text,
                       should->code ? should->sentence : should->text);
}

enum law_verdict
law_cuts(const struct law_case *c, span *why)
{
    struct law_result whole = law_translate(c, c->from, c->to, c->x, LAW_WHOLE);
    struct law_result bytes = law_translate(c, c->from, c->to, c->x, LAW_BYTES);
    struct law_result dice = law_translate(c, c->from, c->to, c->x, LAW_DICE);
    enum law_verdict v =
        same_bytes(c, why, "byte by byte, and whole", &bytes, &whole);
    return v == LAW_BROKEN
               ? v
               : same_bytes(c, why, "in parts, and whole", &dice, &whole);
}

/* ---- records ----------------------------------------------------------------------- */

static const struct {
    const char *media;
    const char *before; /* a record */
    const char *behind;
} framings[] = {{"application/x-ndjson", "", "\n"},
                {"application/json-seq", "\x1e", "\n"},
                {"text/event-stream", "data: ", "\n\n"}};

static span
framed(const struct law_case *c, size_t i, span all, span text)
{
    return arena_fmt(c->a, "%.*s%s%.*s%s", SPAN_FMT(all), framings[i].before,
                     SPAN_FMT(text), framings[i].behind);
}

/* A stream of the document, thrice, is what the document alone becomes, thrice. */
enum law_verdict
law_records(const struct law_case *c, span *why)
{
    /* A text that has a line in it is framed by RS alone. */
    span x = span_trim(c->x); /* blanks around it are the frame's */
    size_t i = span_find(x, '\n') < 0 ? gen_pick(c->gen, COUNT(framings)) : 1;
    struct law_case one = *c;
    one.is_request = c->is_request && i < 2; /* events are of answers */
    struct law_result alone =
        law_message(&one, c->from, c->to, "application/json", x, LAW_WHOLE);
    span stream = {0}, should = {0};
    for (size_t n = 0; n < 3; n++) {
        stream = framed(c, i, stream, x);
        should = framed(c, i, should, alone.text);
    }
    struct law_result is =
        law_message(&one, c->from, c->to, framings[i].media, stream, LAW_DICE);
    if (!is.code != !alone.code)
        return law_differs(c, why, "a record, and the document alone",
                           is.code ? is.sentence : is.text,
                           alone.code ? alone.sentence : alone.text);
    if (is.code || span_eq(is.text, should))
        return LAW_HOLDS;
    return law_differs(c, why, framings[i].media, is.text, should);
}

/* ---- untouched ----------------------------------------------------------------------- */

static bool
contains(span text, span part)
{
    for (size_t i = 0; i + part.len <= text.len; i++)
        if (memcmp(text.at + i, part.at, part.len) == 0)
            return true;
    return false;
}

enum law_verdict
law_untouched(const struct law_case *c, span *why)
{
    static const char odd[] = "\"zz\":{ \"u\" :\t[ 1.50e+1 , \"\\u0041\\/\" , "
                              "{} , 123456789012345678901234567890 ] }";
    if (!c->gen->named)
        return LAW_SILENT; /* an open set names every member */
    struct law_result r =
        law_translate(c, c->from, c->to, law_with(c, odd), LAW_WHOLE);
    if (r.code)
        return LAW_SILENT;
    return contains(r.text, span_str(odd))
               ? LAW_HOLDS
               : law_differs(c, why, "bytes that no arrow names", r.text,
                             span_str(odd));
}

/* ---- once ------------------------------------------------------------------------------ */

static enum marker_seen
marker_of(const struct law_case *c, span text, size_t *version)
{
    struct message m = {.side =
                            c->is_request ? MESSAGE_REQUEST : MESSAGE_ANSWER,
                        .method = SPAN("POST"),
                        .path = span_str(c->path),
                        .status = c->is_request ? 0 : 200};
    span spelt = {0};
    return translator_marker(c->t, &m, text, true, version, &spelt);
}

/* What told the version tells the new one, and a second hop has nothing to do. */
enum law_verdict
law_once(const struct law_case *c, span *why)
{
    size_t version = SIZE_MAX;
    if (!c->is_marked)
        return LAW_SILENT;
    span member = arena_fmt(c->a, "\"ver\":\"%.*s\"",
                            SPAN_FMT(c->api->versions[c->from].label));
    span x = law_with(c, member.at);
    struct law_result r = law_translate(c, c->from, c->to, x, LAW_WHOLE);
    if (r.code)
        return LAW_SILENT;
    if (marker_of(c, r.text, &version) != MARKER_FOUND || version != c->to)
        return law_differs(c, why, "the marker", r.text, x);
    struct law_result again = law_translate(c, c->to, c->to, r.text, LAW_WHOLE);
    if (again.code || !span_eq(again.text, r.text))
        return law_differs(c, why, "a second hop", again.text, r.text);
    struct law_result wrong =
        law_translate(c, c->from, c->to, r.text, LAW_WHOLE);
    return wrong.code ? LAW_HOLDS
                      : law_differs(c, why, "read again as what it is no more",
                                    wrong.text, r.text);
}
