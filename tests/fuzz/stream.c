/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a stream of records between two versions: however they are cut, the
 * same is written, the same verdict given, and what was written is whole records.
 */
#include "proxy/base/problem.h"
#include "translators/lens/lens.h"
#include "translators/translation.h"

#include <assert.h>

#define ROOM       ((size_t)256 << 20)
#define RECORD_MAX 4096

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static const char api_yaml[] =
    "api: shop\nversions: {v1: {}, v2: {}, v3: {}}\ntypes:\n"
    "  Order: {at: [\"* /orders\", o of event order.*], version_at: s}\n"
    "  Line: {at: \"lines/* of Order\"}\n";
static const char first_yaml[] =
    "change: first\nfrom: v1\nto: v2\n"
    "manifest: {title: t, owner: o, guarantee: none}\n"
    "Order:\n"
    "  map: {a: b, c: {to: d, as: minor(2) <> decimal(2)}, e: f/e}\n"
    "  drop: {g: {down: absent, write: ignore}}\n"
    "  cases: [{newer: {k: ghost}, hide: drop}]\n"
    "Line: {map: {x: {to: y, enum: {p: q}}}}\n";
static const char second_yaml[] =
    "change: second\nfrom: v2\nto: v3\n"
    "manifest: {title: t, owner: o, guarantee: none}\n"
    "Order: {map: {b: bb}, add: {h: {up: 1, write: lose}}}\n";

static const struct translator *
shop(void)
{
    static const struct translator *t;
    static struct arena *a; /* as old as the process */
    struct lens_text api = {SPAN("api.yaml"), span_str(api_yaml)};
    struct lens_text changes[] = {{SPAN("1.yaml"), span_str(first_yaml)},
                                  {SPAN("2.yaml"), span_str(second_yaml)}};
    const struct lens_api *lens = NULL;
    struct problems p;
    struct err e;
    if (t)
        return t;
    a = arena_new(ROOM);
    problems_init(&p, a);
    enum err_code code =
        lens_load_text(a, api, changes, COUNT(changes), &p, &lens);
    assert(code == OK);
    code = translator_build(a, lens, &t, &e);
    assert(code == OK);
    return t;
}

struct result {
    enum err_code code;
    struct buf out;
    char text[ERR_TEXT_MAX];
};

/* In parts of as many bytes as `sizes` say, again and again; of all if empty. */
static void
run(struct result *r, unsigned kind, span stream, span sizes)
{
    static const char *const media[] = {
        "application/x-ndjson", "application/json-seq", "text/event-stream"};
    static const struct translation_limits limits = {.bytes_max = RECORD_MAX,
                                                     .output_ratio = 100};
    bool up = kind & 4;
    struct message m = {.side = MESSAGE_ANSWER,
                        .method = SPAN("GET"),
                        .path = SPAN("/orders"),
                        .status = 200,
                        .media = span_str(media[(kind & 3) % 3])};
    struct arena *a = arena_new(ROOM);
    const struct program *p = NULL;
    struct translation *t = NULL;
    struct err e;
    buf_init(&r->out, ROOM);
    enum program_need need =
        translator_program(shop(), a, &m, up ? 0 : 2, up ? 2 : 0, &p, &e);
    assert(need == PROGRAM_TRANSLATE && program_is_stream(p));
    r->code = translation_open(a, p, &limits, &r->out, &t, &e);
    for (size_t i = 0; stream.len > 0 && !r->code; i++) {
        size_t n = sizes.len ? (unsigned char)sizes.at[i % sizes.len] + 1u
                             : stream.len;
        span part = span_take(stream, n);
        stream = span_skip(stream, part.len);
        r->code = translation_feed(t, part);
    }
    if (!r->code)
        r->code = translation_end(t);
    (void)snprintf(r->text, sizeof(r->text), "%s",
                   r->code ? translation_fault(t)->err.text : "");
    arena_free(&a);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    if (len < 5)
        return 0;
    span sizes = span_of((const char *)bytes + 1, 4);
    span stream = span_of((const char *)bytes + 5, len - 5);
    struct result whole, cut;
    run(&whole, bytes[0], stream, (span){0});
    run(&cut, bytes[0], stream, sizes);
    assert(whole.code == cut.code);
    assert(strcmp(whole.text, cut.text) == 0);
    assert(span_eq(buf_span(&whole.out), buf_span(&cut.out)));
    buf_fini(&whole.out);
    buf_fini(&cut.out);
    return 0;
}
