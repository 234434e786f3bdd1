/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a document, through tables that use every arrow this build has.
 * The first byte says which way and on whose side. What comes out is JSON, the
 * same however the bytes are cut, or nothing and a fault that says why.
 */
#include "proxy/base/problem.h"
#include "translators/json/tree.h"
#include "translators/lens/lens.h"
#include "translators/translation.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

#define HEAD(from, to)                                                         \
    "change: c" from "\nfrom: " from "\nto: " to                               \
    "\nmanifest: {title: t, owner: o, guarantee: none}\n"

static const char api_text[] = "api: fuzz\n"
                               "versions: {v1: {}, v2: {}, v3: {}}\n"
                               "detect: [{header: Api-Version}]\n"
                               "missing: v1\n"
                               "unknown: refuse\n"
                               "types:\n"
                               "  T: {at: \"* /t\", marker: v, keep: [meta]}\n"
                               "  L: {at: [\"lines/* of T\", child of L]}\n"
                               "  M: {at: \"spec/metrics/*/resource of T\"}\n"
                               "  P: {at: \"ps/* of T\"}\n"
                               "  Q: {at: \"qs/* of T\"}\n";

static const char first_text[] =
    HEAD("v1",
         "v2") "T:\n"
               "  map:\n"
               "    a: b\n"
               "    b: a\n"
               "    name: {to: ship/name, absent: {older: none}, omit: "
               "{older: none}}\n"
               "    phone: {to: ship/phone, null: {older: \"\"}}\n"
               "    created: {to: created_at, as: unix_s <> rfc3339}\n"
               "    cents: {to: total, as: minor(2) <> decimal(2)}\n"
               "    for: {to: takes, as: seconds <> iso, outside: pass}\n"
               "    raw: {as: base64 <> hex, outside: absent}\n"
               "    id: {as: text <> prefix(\"x_\"), outside: null}\n"
               "    note: {to: notes, as: one <> list, rest: lose}\n"
               "    sku: {to: sku/code, rest: lose}\n"
               "    coupon: {to: \"discounts/[coupon]/coupon\", rest: lose}\n"
               "    tags/*: {enum: {js: web, ts: web}, newer: {secret: hide}, "
               "double: "
               "drop}\n"
               "    source:\n"
               "      cases:\n"
               "        - {older: string, newer: {type: token, id: .}}\n"
               "        - {older: object, newer: {type: card, card: .}}\n"
               "        - {newer: {type: wallet}, hide: drop}\n"
               "    port:\n"
               "      cases: [{older: string, to: p/name}, {older: number, "
               "to: p/number}]\n"
               "    code: {to: gift/code, when: {kind: gift}}\n"
               "    rate: {to: [rate, limits/core], differ: first}\n"
               "    ? [k1, k2]\n    : {to: k1, differ: refuse}\n"
               "    fn: {split: \"{given} {family:digits}\"}\n"
               "    ref: {as: '\"{x}:{y}\" <> \"{y}-{x}\"'}\n"
               "    ? [t1, t2]\n    : {to: [u1, u2], table: [[true, any, a, "
               "absent], [same, 1, x, same]]}\n"
               "    tax: {to: \"lines/*/tax\", as: one <> each, unequal: sum, "
               "none: lose}\n"
               "    own: {to: \"lines/*/own\", as: one <> each, unequal: "
               "keep, none: refuse}\n"
               "    feats: {to: caps, as: list(k) <> map, double: last}\n"
               "    flags: {as: map(v/w) <> list(k/n), rest: lose}\n"
               "    words: {as: list(.) <> map, value: {on: true}}\n"
               "  add:\n"
               "    text: {up: {text: \"{a}-{ship/name}\"}, write: lose}\n"
               "    count: {up: {count: lines}, write: lose}\n"
               "  drop:\n"
               "    twin: {down: {from: sole}, write: same}\n"
               "L:\n"
               "  map: {q: {to: qty, absent: {older: 1}}, sku: {to: sku/code, "
               "rest: lose}}\n"
               "Q:\n"
               "  map:\n"
               "    bag/*: {to: \"*\", except: [id], keys: any -> lower, deep: "
               "true}\n"
               "    old: new\n"
               "  add: {data/*: {write: lose}}\n"
               "P:\n"
               "  cases:\n"
               "    - {older: {kind: card}, newer: {type: card}, map: {last4: "
               "card/last4}}\n"
               "    - {newer: {type: wallet}, hide: drop}\n";

static const char second_text[] =
    HEAD("v2",
         "v3") "T:\n"
               "  map:\n"
               "    spec/cpu: \"spec/metrics/[type=R, resource/name=cpu, "
               "!resource/value]/resource/use\"\n"
               "    meta/notes/metrics: {to: spec/metrics, as: json_text <> "
               "json, outside: "
               "absent}\n"
               "    labels: {as: keys(snake) <> keys(camel)}\n"
               "  add:\n"
               "    status: {stash: meta/notes/status, as: [json_text <> json, "
               "keys(pascal) <> keys(camel)], up: null}\n"
               "  drop:\n"
               "    use: {down: {from: \"spec/metrics/[type=R]/resource/use\", "
               "else: 0}, "
               "write: ignore}\n"
               "M:\n"
               "  map: {name: id/name}\n";

static const struct translator *translator;
static struct arena *forever; /* it and the lens live in */

static void
load(void)
{
    struct arena *a = forever = arena_new((size_t)64 << 20);
    const struct lens_api *api = NULL;
    struct problems problems;
    struct err e;
    const struct lens_text changes[] = {{SPAN("1"), span_str(first_text)},
                                        {SPAN("2"), span_str(second_text)}};
    problems_init(&problems, a);
    if (lens_load_text(a, (struct lens_text){SPAN("api"), span_str(api_text)},
                       changes, COUNT(changes), &problems, &api) ||
        translator_build(a, api, &translator, &e)) {
        for (size_t i = 0; i < problems.n; i++)
            fprintf(stderr, "%.*s:%zu: %.*s\n", SPAN_FMT(problems.at[i].file),
                    problems.at[i].line, SPAN_FMT(problems.at[i].text));
        abort();
    }
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
