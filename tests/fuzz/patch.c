/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a patch, through tables that use every arrow this build has. The
 * first byte says of which kind and which way. What comes out is a patch of the
 * same kind, the same however the bytes are cut, or nothing and a fault that says
 * why; a JSON Patch that came out is one that is read again.
 */
#include "tests/fuzz/tables.h"
#include "translators/json/tree.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static const struct translator *translator;
/* It and the lens live in here; `used`, or a leak checker does not see it held. */
__attribute__((used)) static struct arena *forever;

static enum err_code
translate(const struct program *p, span body, size_t cut, struct buf *out)
{
    struct arena *a = arena_new((size_t)64 << 20);
    struct translation *t = NULL;
    struct translation_limits limits = {.output_ratio = 4};
    struct err e;
    assert(a);
    enum err_code code = translation_open(a, p, &limits, out, &t, &e);
    assert(code == OK);
    code = translation_feed(t, span_take(body, cut));
    if (code == OK)
        code = translation_feed(t, span_skip(body, cut));
    if (code == OK)
        code = translation_end(t);
    if (code != OK) {
        const struct translation_fault *f = translation_fault(t);
        assert(buf_len(out) == 0);
        assert(f->err.text[0] && f->status >= 400);
        assert(!f->needs_document || f->status == 422);
    }
    arena_free(&a);
    return code;
}

/* Whatever else it is, it is no patch that nobody could read. */
static void
read_again(const struct message *m, span patch)
{
    struct arena *a = arena_new((size_t)64 << 20);
    const struct program *p = NULL;
    struct json *root = NULL;
    struct buf out;
    struct err e = {0};
    enum err_code code = json_parse(a, patch, JSON_DEPTH_MAX, &root, &e);
    assert(code == OK);
    buf_init(&out, (size_t)64 << 20);
    if (translator_program(translator, a, m, 0, 1, &p, &e) ==
            PROGRAM_TRANSLATE &&
        span_starts(m->media, SPAN("application/json-patch")))
        assert(root->kind == JSON_LIST);
    buf_fini(&out);
    arena_free(&a);
}

static void
check(const struct message *m, const struct program *p, span body)
{
    struct buf one, two;
    buf_init(&one, (size_t)64 << 20);
    buf_init(&two, (size_t)64 << 20);
    enum err_code code = translate(p, body, body.len, &one);
    assert(translate(p, body, body.len / 2, &two) == code);
    assert(span_eq(buf_span(&one), buf_span(&two)));
    if (code == OK && body.len)
        read_again(m, buf_span(&one));
    buf_fini(&one);
    buf_fini(&two);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    if (!translator) {
        forever = arena_new((size_t)64 << 20);
        translator = tables_load(forever);
    }
    if (n == 0)
        return 0;
    struct arena *a = arena_new((size_t)1 << 20);
    struct message m = {
        .side = MESSAGE_REQUEST,
        .method = SPAN("PATCH"),
        .path = SPAN("/t"),
        .media = bytes[0] & 1 ? SPAN("application/json-patch+json")
                              : SPAN("application/merge-patch+json"),
        .strict = bytes[0] & 4,
        .write = bytes[0] & 8 ? MESSAGE_WRITE_REFUSE : MESSAGE_WRITE_LOSE};
    const struct program *p = NULL;
    struct err e;
    bool up = bytes[0] & 2;
    enum program_need need =
        translator_program(translator, a, &m, up ? 0 : 2, up ? 2 : 0, &p, &e);
    assert(need == PROGRAM_TRANSLATE);
    check(&m, p, span_of((const char *)bytes + 1, n - 1));
    arena_free(&a);
    return 0;
}
