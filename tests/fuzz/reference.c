/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a document, through tables that use every arrow this build has.
 * The first byte says which way and on whose side. What comes out is JSON, the
 * same however the bytes are cut, or nothing and a fault that says why.
 */
#include "tests/fuzz/tables.h"
#include "translators/json/tree.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static const struct translator *translator;
/* It and the lens live in here; `used`, or a leak checker does not see it held. */
__attribute__((used)) static struct arena *forever;

static void
load(void)
{
    forever = arena_new((size_t)64 << 20);
    translator = tables_load(forever);
}

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
        assert(buf_len(out) == 0);
        assert(translation_fault(t)->err.text[0]);
        assert(translation_fault(t)->status >= 400);
    }
    arena_free(&a);
    return code;
}

static void
check(const struct program *p, span body)
{
    struct arena *a = arena_new((size_t)64 << 20);
    struct json *root = NULL;
    struct err e;
    struct buf one, two;
    buf_init(&one, (size_t)64 << 20);
    buf_init(&two, (size_t)64 << 20);
    enum err_code code = translate(p, body, body.len, &one);
    assert(translate(p, body, body.len / 2, &two) == code);
    assert(span_eq(buf_span(&one), buf_span(&two)));
    if (code == OK && body.len) {
        code = json_parse(a, buf_span(&one), JSON_DEPTH_MAX, &root, &e);
        assert(code == OK);
    }
    buf_fini(&one);
    buf_fini(&two);
    arena_free(&a);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    if (!translator)
        load();
    if (n == 0)
        return 0;
    struct arena *a = arena_new((size_t)1 << 20);
    struct message m = {.side = bytes[0] & 1 ? MESSAGE_REQUEST : MESSAGE_ANSWER,
                        .method = SPAN("POST"),
                        .path = SPAN("/t"),
                        .status = bytes[0] & 1 ? 0 : 200};
    const struct program *p = NULL;
    struct err e;
    size_t from = bytes[0] & 2 ? 2 : 0;
    size_t to = bytes[0] & 4 ? 1 : 2 - from;
    enum program_need need =
        translator_program(translator, a, &m, from, to, &p, &e);
    assert(need == PROGRAM_TRANSLATE);
    check(p, span_of((const char *)bytes + 1, n - 1));
    arena_free(&a);
    return 0;
}
