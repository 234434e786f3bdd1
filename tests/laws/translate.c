/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/laws/law.h"

static struct message
message_of(const struct law_case *c, const char *media)
{
    return (struct message){
        .side = c->is_request ? MESSAGE_REQUEST : MESSAGE_ANSWER,
        .method = SPAN("POST"),
        .path = span_str(c->path),
        .status = c->is_request ? 0 : 200,
        .media = span_str(media),
        .platform = SPAN("ios"),
    };
}

static enum err_code
feed(const struct law_case *c, struct translation *t, span x, enum law_cut cut)
{
    while (x.len > 0) {
        size_t n = cut == LAW_WHOLE   ? x.len
                   : cut == LAW_BYTES ? 1
                                      : 1 + gen_pick(c->gen, 40);
        span part = {0};
        /* A copy that ends where the part does: a read beyond it is seen. */
        assert_true(span_dup(c->a, span_take(x, n), &part));
        x = span_skip(x, part.len);
        enum err_code code = translation_feed(t, part);
        if (code)
            return code;
    }
    return translation_end(t);
}

static struct law_result
run(const struct law_case *c, const struct program *p, span x, enum law_cut cut)
{
    static const struct translation_limits limits = {0};
    struct law_result r = {0};
    struct translation *t = NULL;
    struct buf out;
    struct err e;
    buf_init(&out, BENCH_ROOM);
    assert_int_equal(translation_open(c->a, p, &limits, &out, &t, &e), OK);
    r.code = feed(c, t, x, cut);
    r.notices = translation_notices(t, &r.n_notices);
    if (r.code) {
        r.sentence = span_str(translation_fault(t)->err.text);
        r.offset = translation_fault(t)->err.offset;
    }
    assert_true(span_dup(c->a, buf_span(&out), &r.text));
    buf_fini(&out);
    return r;
}

struct law_result
law_translate(const struct law_case *c, size_t from, size_t to, span x,
              enum law_cut cut)
{
    return law_in_form(c, from, to, "application/json", "", x, cut);
}

struct law_result
law_in_form(const struct law_case *c, size_t from, size_t to, const char *media,
            const char *to_media, span x, enum law_cut cut)
{
    const struct program *p = NULL;
    struct message m = message_of(c, media);
    struct err e;
    m.to = span_str(to_media);
    enum program_need need = translator_program_of_type(
        c->t, c->a, span_str(c->type), &m, from, to, &p, &e);
    assert_true(need != PROGRAM_UNSUPPORTED);
    return need == PROGRAM_PASS ? (struct law_result){.text = x}
                                : run(c, p, x, cut);
}

struct law_result
law_message(const struct law_case *c, size_t from, size_t to, const char *media,
            span x, enum law_cut cut)
{
    const struct program *p = NULL;
    struct message m = message_of(c, media);
    struct err e;
    enum program_need need =
        translator_program(c->t, c->a, &m, from, to, &p, &e);
    assert_true(need != PROGRAM_UNSUPPORTED);
    return need == PROGRAM_PASS ? (struct law_result){.text = x}
                                : run(c, p, x, cut);
}

span
law_with(const struct law_case *c, const char *member)
{
    assert_true(span_starts(c->x, SPAN("{")));
    bool is_empty = span_eq(c->x, SPAN("{}"));
    return arena_fmt(c->a, "{%s%s%.*s", member, is_empty ? "" : ",",
                     SPAN_FMT(span_skip(c->x, 1)));
}

enum law_verdict
law_differs(const struct law_case *c, span *why, const char *what, span is,
            span should)
{
    *why = arena_fmt(c->a, "%s\n  is     %.*s\n  should %.*s", what,
                     SPAN_FMT(is), SPAN_FMT(should));
    return LAW_BROKEN;
}
