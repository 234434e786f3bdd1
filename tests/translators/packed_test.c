/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Law 3: JSON and MessagePack agree, whichever comes and whichever goes.
 */
#include "tests/test.h"

#include "proxy/base/problem.h"
#include "tests/translators/msgpack/hex.h"
#include "translators/lens/lens.h"
#include "translators/msgpack/pack.h"
#include "translators/translation.h"

#define ROOM ((size_t)64 * 1024 * 1024)
#define JSON SPAN("application/json")
#define PACK SPAN("application/msgpack")

static const char api_yaml[] =
    "api: shop\n"
    "versions: {v1: {}, v2: {}}\n"
    "detect: [body]\n"
    "missing: v1\n"
    "unknown: refuse\n"
    "types:\n"
    "  Order: {at: [\"* /orders/{id}\"], marker: schema}\n"
    "  Held: {at: [\"* /held/{id}\"]}\n"
    "  Line: {at: \"lines/* of Order\"}\n";

static const char change_yaml[] =
    "change: first\n"
    "from: v1\n"
    "to: v2\n"
    "manifest: {title: t, owner: o, guarantee: none}\n"
    "Order:\n"
    "  map: {customer: customer_id, state: {enum: {open: pending}}}\n"
    "  add: {channel: {up: api, write: lose}}\n"
    "Line:\n"
    "  map: {sku: code}\n"
    "  drop: {old: {down: 7, write: ignore}}\n"
    "Held:\n"
    "  map: {note: {to: notes, as: one <> list, rest: lose}, z: {order: by "
    "k}}\n";

struct shop {
    struct arena *a;
    const struct translator *t;
};

static void
open_shop(struct shop *s)
{
    struct problems problems;
    struct err e;
    const struct lens_api *api;
    const struct lens_text change = {SPAN("changes/first.yaml"),
                                     span_str(change_yaml)};
    s->a = arena_new(ROOM);
    problems_init(&problems, s->a);
    enum err_code code = lens_load_text(
        s->a, (struct lens_text){SPAN("api.yaml"), span_str(api_yaml)}, &change,
        1, &problems, &api);
    for (size_t i = 0; i < problems.n; i++)
        print_error("%.*s:%zu: %.*s\n", SPAN_FMT(problems.at[i].file),
                    problems.at[i].line, SPAN_FMT(problems.at[i].text));
    assert_int_equal(code, OK);
    assert_int_equal(translator_build(s->a, api, &s->t, &e), OK);
}

static span
packed(struct arena *a, const char *json)
{
    struct buf b;
    span out;
    struct pack *k = pack_new(a, ROOM);
    assert_non_null(k);
    buf_init(&b, ROOM);
    assert_int_equal(pack_feed(k, span_str(json)), PACK_OK);
    assert_int_equal(pack_end(k, &b), PACK_OK);
    assert_true(span_dup(a, buf_span(&b), &out));
    buf_fini(&b);
    return out;
}

struct ran {
    enum err_code code;
    span out;
    span media;
    struct translation_fault fault;
    size_t notices;
};

/* `body` cut into pieces of `n`. */
static struct ran
run(struct shop *s, const struct message *m, size_t from, size_t to, span body,
    size_t n, size_t held)
{
    struct ran r = {0};
    struct err e = {0};
    struct buf out;
    struct translation *t;
    const struct program *p = NULL;
    struct translation_limits limits = {.bytes_max = held};
    assert_int_equal(translator_program(s->t, s->a, m, from, to, &p, &e),
                     PROGRAM_TRANSLATE);
    buf_init(&out, ROOM);
    assert_int_equal(translation_open(s->a, p, &limits, &out, &t, &e), OK);
    for (size_t at = 0; !r.code && at < body.len; at += n)
        r.code = translation_feed(t, span_take(span_skip(body, at), n));
    if (!r.code)
        r.code = translation_end(t);
    r.fault = *translation_fault(t);
    translation_notices(t, &r.notices);
    r.media = program_new_media(p);
    assert_true(span_dup(s->a, buf_span(&out), &r.out));
    buf_fini(&out);
    return r;
}

static struct message
put(const char *path, span media, span to)
{
    return (struct message){.side = MESSAGE_REQUEST,
                            .method = SPAN("PUT"),
                            .path = span_str(path),
                            .media = media,
                            .to = to};
}

static const char order[] =
    "{\"customer\":\"c\",\"state\":\"open\",\"lines\":[{\"sku\":1,\"old\":7,"
    "\"more\":[1.5,null,\"\\n\"]},{\"q\":{}}],\"rest\":{\"a\":[-1,300]}}";

static const struct {
    const char *path;
    const char *older;
    const char *newer;
    const char *up;   /* of `older` */
    const char *down; /* of `newer` */
} documents[] = {
    {"/orders/1", order, NULL,
     "{\"customer_id\":\"c\",\"state\":\"pending\",\"lines\":[{\"code\":1,"
     "\"more\":[1.5,null,\"\\n\"]},{\"q\":{}}],\"rest\":{\"a\":[-1,300]},"
     "\"channel\":\"api\"}",
     NULL},
    {"/orders/1", NULL,
     "{\"channel\":\"api\",\"customer_id\":\"c\",\"state\":\"paid\",\"lines\":"
     "[{\"code\":1},{}]}",
     NULL,
     "{\"customer\":\"c\",\"state\":\"paid\",\"lines\":[{\"sku\":1,\"old\":7},"
     "{\"old\":7}]}"},
    {"/held/1", "{\"note\":\"n\",\"x\":1}", NULL, "{\"notes\":[\"n\"],\"x\":1}",
     NULL},
    {"/held/1", NULL, "{\"notes\":[\"n\",\"m\"],\"x\":1}", NULL,
     "{\"note\":\"n\",\"x\":1}"},
    {"/orders/1", "5", NULL, "5", NULL},
};

TEST(json_and_messagepack_agree_however_they_are_cut)
{
    for (size_t i = 0; i < COUNT(documents); i++)
        for (int forms = 0; forms < 4; forms++) {
            struct shop s;
            open_shop(&s);
            bool up = documents[i].older != NULL;
            const char *in = up ? documents[i].older : documents[i].newer;
            const char *out = up ? documents[i].up : documents[i].down;
            struct message m = put(documents[i].path, forms & 1 ? PACK : JSON,
                                   forms & 2 ? PACK : JSON);
            span body = forms & 1 ? packed(s.a, in) : span_str(in);
            span should = forms & 2 ? packed(s.a, out) : span_str(out);
            size_t notices = 0;
            for (size_t n = body.len; n >= 1; n--) {
                struct ran r = run(&s, &m, !up, up, body, n, ROOM);
                if (r.code)
                    fail_msg("%.*s", SPAN_FMT(span_str(r.fault.err.text)));
                if (!span_eq(r.out, should))
                    fail_msg("%zu %d %zu: %.*s", i, forms, n, SPAN_FMT(r.out));
                assert_span(r.media, forms == 1   ? "application/json"
                                     : forms == 2 ? "application/msgpack"
                                                  : "");
                notices = n == body.len ? r.notices : notices;
                assert_int_equal(r.notices, notices);
            }
            arena_free(&s.a);
        }
}

TEST(where_the_version_is_the_same_the_form_alone_changes)
{
    struct shop s;
    open_shop(&s);
    struct message m = put("/any", JSON, PACK);
    struct ran r = run(&s, &m, 1, 1, span_str(order), 7, ROOM);
    assert_int_equal(r.code, OK);
    assert_true(span_eq(r.out, packed(s.a, order)));
    m = put("/any", PACK, JSON);
    r = run(&s, &m, 1, 1, packed(s.a, order), 7, ROOM);
    assert_int_equal(r.code, OK);
    assert_span(r.out, order);

    const struct program *p;
    struct err e;
    static const char *const others[] = {
        "application/problem+json", "application/merge-patch+json",
        "text/plain", "application/x-ndjson", "application/json; x=1"};
    for (size_t i = 0; i < COUNT(others); i++) {
        bool is_json = i == COUNT(others) - 1;
        m = put("/any", span_str(others[i]), is_json ? JSON : PACK);
        assert_int_equal(translator_program(s.t, s.a, &m, 1, 1, &p, &e),
                         PROGRAM_PASS);
    }
    arena_free(&s.a);
}

TEST(what_cannot_be_brought_over_is_refused)
{
    static const struct {
        const char *in; /* JSON, or hex digits */
        bool from_packed;
        bool to_packed;
        bool same; /* versions */
        unsigned status;
        const char *pointer;
    } table[] = {
        {"81 a1 78 c4 01 00", true, false, true, 422, "/x"},
        {"81 a1 78 c4 01 00", true, false, false, 422, "/x"},
        {"81 a1 78 c1", true, false, true, 400, "/x"},
        {"81", true, false, true, 400, ""},
        {"81 a1 78 91 cb 7ff0000000000000", true, false, false, 422, "/x/0"},
        {"82 a8 637573746f6d6572 01 a8 637573746f6d6572 02", true, true, false,
         400, "/customer"},
        {"{\"x\":[1,1e999]}", false, true, true, 422, "/x/1"},
        {"{\"x\":[1,1e999]}", false, true, false, 422, ""},
        {"{\"x\":[1,]}", false, true, true, 400, ""},
        {"{\"x\":\"\\udc00\"}", false, true, true, 422, "/x"},
    };
    for (size_t i = 0; i < COUNT(table); i++) {
        struct shop s;
        open_shop(&s);
        struct message m = put("/orders/1", table[i].from_packed ? PACK : JSON,
                               table[i].to_packed ? PACK : JSON);
        span body = table[i].from_packed ? hex(s.a, table[i].in)
                                         : span_str(table[i].in);
        for (size_t n = 1; n <= body.len; n++) {
            struct ran r = run(&s, &m, 0, table[i].same ? 0 : 1, body, n, ROOM);
            assert_int_not_equal(r.code, OK);
            assert_int_equal(r.fault.status, table[i].status);
            assert_span(r.fault.pointer, table[i].pointer);
        }
        arena_free(&s.a);
    }
}

/* Where the machine has no program a body goes through JSON: its document stays, its
 * widths do not; what needs no translation is not touched at all. */
TEST(what_goes_through_json_keeps_its_document_and_shortest_heads)
{
    static const struct {
        const char *in;
        const char *out; /* NULL: refused, 422 */
    } table[] = {
        {"de 0002 a4 6e6f7465 d9 01 6e a1 78 cd 0001",
         "82 a5 6e6f746573 91 a1 6e a1 78 01"},
        {"82 a4 6e6f7465 a1 6e a1 78 ca 3fc00000",
         "82 a5 6e6f746573 91 a1 6e a1 78 cb 3ff8000000000000"},
        {"82 a4 6e6f7465 a1 6e a1 78 c4 01 00",
         "82 a5 6e6f746573 91 a1 6e a1 78 c4 01 00"},
        {"82 a4 6e6f7465 a1 6e a1 78 d6 ff 00000000",
         "82 a5 6e6f746573 91 a1 6e a1 78 d6 ff 00000000"},
        {"81 a4 6e6f7465 c4 01 00", "81 a5 6e6f746573 91 c4 01 00"},
        {"82 a4 6e6f7465 a1 6e 01 02", NULL},
    };
    for (size_t i = 0; i < COUNT(table); i++) {
        struct shop s;
        open_shop(&s);
        struct message m = put("/held/1", PACK, (span){0});
        span body = hex(s.a, table[i].in);
        struct ran r = run(&s, &m, 0, 1, body, body.len, ROOM);
        assert_int_equal(r.fault.status, table[i].out ? 0 : 422);
        if (table[i].out)
            assert_true(span_eq(r.out, hex(s.a, table[i].out)));
        arena_free(&s.a);
    }
    struct shop s;
    open_shop(&s);
    struct message m = put("/held/1", PACK, (span){0});
    const struct program *p = NULL;
    struct err e;
    assert_int_equal(translator_program(s.t, s.a, &m, 1, 1, &p, &e),
                     PROGRAM_PASS);
    arena_free(&s.a);
}

TEST(what_is_held_to_be_packed_has_a_limit)
{
    struct shop s;
    open_shop(&s);
    struct message m = put("/orders/1", JSON, PACK);
    size_t need = packed(s.a, order).len + 9;
    assert_int_equal(run(&s, &m, 0, 0, span_str(order), 9, need).code, OK);
    struct ran r = run(&s, &m, 0, 0, span_str(order), 9, need / 2);
    assert_int_equal(r.code, ERR_LIMIT);
    assert_int_equal(r.fault.status, 413);
    arena_free(&s.a);
}

TEST(a_marker_in_messagepack_is_found)
{
    struct shop s;
    open_shop(&s);
    struct message m = put("/orders/1", PACK, (span){0});
    span body = packed(s.a, "{\"a\":[1,{}],\"schema\":\"v2\",\"b\":1}");
    size_t version = 9;
    span text;
    for (size_t n = 0; n <= body.len; n++) {
        enum marker_seen seen = translator_marker(
            s.t, &m, span_take(body, n), n == body.len, &version, &text);
        assert_int_equal(seen, n >= 16 ? MARKER_FOUND : MARKER_MORE);
    }
    assert_int_equal(version, 1);
    body = packed(s.a, "{\"schema\":\"v9\"}");
    assert_int_equal(translator_marker(s.t, &m, body, true, &version, &text),
                     MARKER_UNKNOWN);
    assert_span(text, "v9");
    arena_free(&s.a);
}

TEST(a_patch_in_messagepack_is_a_merge_patch)
{
    struct shop s;
    open_shop(&s);
    struct message m = put("/orders/1", PACK, (span){0});
    m.method = SPAN("PATCH");
    struct ran r =
        run(&s, &m, 0, 1, packed(s.a, "{\"customer\":null}"), 3, ROOM);
    assert_int_equal(r.code, OK);
    assert_true(span_eq(r.out, packed(s.a, "{\"customer_id\":null}")));
    arena_free(&s.a);
}
