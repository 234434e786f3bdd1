/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Form `bin`: bytes in MessagePack, base64 in JSON, by the machine and by the reference.
 */
#include "tests/test.h"

#include "proxy/base/problem.h"
#include "tests/translators/msgpack/hex.h"
#include "translators/lens/lens.h"
#include "translators/translation.h"

#define ROOM ((size_t)64 * 1024 * 1024)
#define JSON SPAN("application/json")
#define PACK SPAN("application/msgpack")

static const char api_yaml[] = "api: t\n"
                               "versions: {v1: {}, v2: {}, v3: {}}\n"
                               "detect: [body]\n"
                               "missing: v1\n"
                               "types:\n"
                               "  File: {at: [\"* /files/{id}\"]}\n"
                               "  Held: {at: [\"* /held/{id}\"]}\n"
                               "  Part: {at: [\"parts/* of File\"]}\n";

/* `z: {order: by k}` is no program's: what is Held goes by the reference. */
static const char first_yaml[] =
    "change: first\n"
    "from: v1\n"
    "to: v2\n"
    "manifest: {title: t, owner: o, guarantee: none}\n"
    "File:\n"
    "  map:\n"
    "    text: {to: data, as: base64 <> bin}\n"
    "    sum: {as: hex <> bin, omit: {newer: \"AAA=\"}, "
    "absent: {newer: \"AAA=\"}}\n"
    "Held:\n"
    "  map:\n"
    "    text: {to: data, as: base64 <> bin}\n"
    "    sum: {as: hex <> bin, omit: {newer: \"AAA=\"}, "
    "absent: {newer: \"AAA=\"}}\n"
    "    z: {order: by k}\n"
    "Part:\n"
    "  map: {b: {as: base64url <> bin}, s: {as: json_text <> json}}\n";

static const char second_yaml[] =
    "change: second\n"
    "from: v2\n"
    "to: v3\n"
    "manifest: {title: t, owner: o, guarantee: none}\n"
    "File:\n"
    "  map: {data: {to: body/data, as: bin <> hex}}\n"
    "Held:\n"
    "  map: {data: {to: body/data, as: bin <> hex}}\n";

struct files {
    struct arena *a;
    const struct translator *t;
};

static void
open_files(struct files *s)
{
    struct problems problems;
    struct err e;
    const struct lens_api *api;
    const struct lens_text changes[] = {
        {SPAN("changes/1.yaml"), span_str(first_yaml)},
        {SPAN("changes/2.yaml"), span_str(second_yaml)}};
    s->a = arena_new(ROOM);
    problems_init(&problems, s->a);
    enum err_code code = lens_load_text(
        s->a, (struct lens_text){SPAN("api.yaml"), span_str(api_yaml)}, changes,
        2, &problems, &api);
    for (size_t i = 0; i < problems.n; i++)
        print_error("%.*s:%zu: %.*s\n", SPAN_FMT(problems.at[i].file),
                    problems.at[i].line, SPAN_FMT(problems.at[i].text));
    assert_int_equal(code, OK);
    assert_int_equal(translator_build(s->a, api, &s->t, &e), OK);
}

struct ran {
    enum err_code code;
    span out;
    struct translation_fault fault;
};

static struct ran
run(struct files *s, const struct message *m, size_t from, size_t to, span body,
    size_t n)
{
    struct ran r = {0};
    struct err e = {0};
    struct buf out;
    struct translation *t;
    const struct program *p = NULL;
    struct translation_limits limits = {.bytes_max = ROOM};
    assert_int_equal(translator_program(s->t, s->a, m, from, to, &p, &e),
                     PROGRAM_TRANSLATE);
    buf_init(&out, ROOM);
    assert_int_equal(translation_open(s->a, p, &limits, &out, &t, &e), OK);
    for (size_t at = 0; !r.code && at < body.len; at += n)
        r.code = translation_feed(t, span_take(span_skip(body, at), n));
    if (!r.code)
        r.code = translation_end(t);
    r.fault = *translation_fault(t);
    assert_true(span_dup(s->a, buf_span(&out), &r.out));
    buf_fini(&out);
    return r;
}

/* A document in JSON, or as hex digits where it begins with one of a map. */
static span
body_of(struct arena *a, const char *text)
{
    return text[0] == '8' ? hex(a, text) : span_str(text);
}

#define DATA "a4 64617461 "         /* "data" */
#define TEXT "a4 74657874 "         /* "text" */
#define SUM  "a3 73756d "           /* "sum" */
#define BODY "a4 626f6479 81 " DATA /* "body": {"data" */
#define PART "a5 7061727473 91 81 " /* "parts": [{ */

static const struct {
    size_t from, to;
    const char *in;
    const char *out; /* NULL: refused */
} table[] = {
    /* JSON: base64 */
    {0, 1, "{\"text\":\"AQL/\"}", "{\"data\":\"AQL/\"}"},
    {1, 0, "{\"data\":\"AQL/\"}", "{\"text\":\"AQL/\",\"sum\":\"0000\"}"},
    /* MessagePack: a text is base64, and bytes are bytes */
    {0, 1, "81 " TEXT "a4 41514c2f", "81 " DATA "c4 03 0102ff"},
    {1, 0, "82 " DATA "c4 03 0102ff " SUM "c4 01 7f",
     "82 " TEXT "a4 41514c2f " SUM "a2 3766"},
    {1, 0, "82 " DATA "c5 0003 0102ff " SUM "c6 00000001 7f",
     "82 " TEXT "a4 41514c2f " SUM "a2 3766"},
    {0, 1, "81 " TEXT "a0", "81 " DATA "c4 00"},
    {1, 0, "82 " DATA "c4 00 " SUM "c0", "82 " TEXT "a0 " SUM "c0"},
    {0, 1, "81 " TEXT "c0", "81 " DATA "c0"},
    /* what is no spelling of bytes there */
    {1, 0, "81 " DATA "a4 41514c2f", NULL},
    {1, 0, "81 " DATA "07", NULL},
    {1, 0, "81 " DATA "d4 0500", NULL},
    {0, 1, "81 " TEXT "c4 03 0102ff", NULL},
    {0, 1, "81 " TEXT "a1 41", NULL},
    /* one to the other */
    {0, 1, "{\"text\":\"AQL/\"}", "81 " DATA "c4 03 0102ff"},
    {1, 0, "82 " DATA "c4 03 0102ff " SUM "c4 01 7f",
     "{\"text\":\"AQL/\",\"sum\":\"7f\"}"},
    {1, 0, "{\"data\":\"AQL/\",\"sum\":\"fw==\"}",
     "82 " TEXT "a4 41514c2f " SUM "a2 3766"},
    {0, 1, "81 " TEXT "a4 41514c2f", "{\"data\":\"AQL/\"}"},
    /* who spells it so is not believed */
    {0, 1, "{\"text\":\"AQL/\",\"x\":\"\\udfffAQL/\"}",
     "{\"data\":\"AQL/\",\"x\":\"\\udfffAQL/\"}"},
    {1, 0, "{\"data\":\"\\udfffAQL/\"}", NULL},
    /* left out, and filled in */
    {0, 1, "82 " TEXT "a0 " SUM "a4 30303030", "81 " DATA "c4 00"},
    {1, 0, "81 " DATA "c4 00", "82 " TEXT "a0 " SUM "a4 30303030"},
    {0, 1, "{\"sum\":\"0000\"}", "{}"},
    /* two steps */
    {0, 2, "81 " TEXT "a4 41514c2f", "81 " BODY "a6 303130326666"},
    {2, 0, "81 " BODY "a6 303130326666",
     "82 " TEXT "a4 41514c2f " SUM "a4 30303030"},
    {1, 2, "81 " DATA "c4 03 0102ff", "81 " BODY "a6 303130326666"},
    {2, 1, "81 " BODY "a6 303130326666", "81 " DATA "c4 03 0102ff"},
    {2, 1, "{\"body\":{\"data\":\"0102ff\"}}", "81 " DATA "c4 03 0102ff"},
    {1, 2, "81 " DATA "c4 03 0102ff", "{\"body\":{\"data\":\"0102ff\"}}"},
    {1, 2, "81 " DATA "a4 41514c2f", NULL},
    /* what nobody touches stays, and has no form in JSON */
    {0, 1, "82 " TEXT "a0 a1 78 92 c4 01 00 d4 05 07",
     "82 " DATA "c4 00 a1 78 92 c4 01 00 d4 05 07"},
    {0, 1, "82 " TEXT "a0 a1 78 92 c4 01 00 d4 05 07", NULL},
    {0, 1, "{\"text\":\"\",\"x\":\"\\udfffAA==\"}", NULL},
};

/* Which forms a row is of: hex digits are MessagePack; where nothing comes out, the form
 * that came, and of the last rows the other one. */
static bool
goes_packed(size_t i)
{
    bool comes = table[i].in[0] == '8';
    if (table[i].out)
        return table[i].out[0] == '8';
    return i + 2 >= COUNT(table) ? !comes : comes;
}

static void
try_row(size_t i, const char *path)
{
    struct files s;
    open_files(&s);
    struct message m = {.side = MESSAGE_REQUEST,
                        .method = SPAN("POST"),
                        .path = span_str(path),
                        .media = table[i].in[0] == '8' ? PACK : JSON,
                        .to = goes_packed(i) ? PACK : JSON};
    span body = body_of(s.a, table[i].in);
    for (size_t n = body.len; n >= 1; n--) {
        struct ran r = run(&s, &m, table[i].from, table[i].to, body, n);
        if (!table[i].out && r.code) {
            /* A text that is none cannot be read, else it has no form. */
            assert_true(r.fault.status == 400 || r.fault.status == 422);
            continue;
        }
        if (r.code || !table[i].out ||
            !span_eq(r.out, body_of(s.a, table[i].out)))
            fail_msg("%s %zu, %zu: %s %zu bytes, %.*s", path, i, n,
                     r.fault.err.text, r.out.len, SPAN_FMT(r.out));
    }
    arena_free(&s.a);
}

TEST(bytes_are_bytes_in_messagepack_and_base64_in_json)
{
    for (size_t i = 0; i < COUNT(table); i++) {
        try_row(i, "/files/1");
        try_row(i, "/held/1");
    }
}

/* Whoever would put bytes into a text, or read one of them, says so. */
TEST(bytes_do_not_go_where_only_a_text_can)
{
    static const struct {
        size_t from, to;
        const char *in;
        const char *out;
    } parts[] = {
        {0, 1, "81 " PART "a1 62 a2 5f77", "81 " PART "a1 62 c4 01 ff"},
        {1, 0, "81 " PART "a1 62 c4 01 ff",
         "82 " PART "a1 62 a2 5f77 " SUM "a4 30303030"},
        {1, 0, "81 " PART "a1 73 81 a1 78 c4 01 ff", NULL},
        {1, 0, "81 " PART "a1 73 81 a1 78 01",
         "82 " PART "a1 73 a7 7b2278223a317d " SUM "a4 30303030"},
        /* {"x":"\udfffAA=="} in a text */
        {0, 1,
         "81 " PART "a1 73 b2 7b2278223a225c75646666664141"
         "3d3d227d",
         NULL},
    };
    for (size_t i = 0; i < COUNT(parts); i++) {
        struct files s;
        open_files(&s);
        struct message m = {.side = MESSAGE_REQUEST,
                            .method = SPAN("POST"),
                            .path = SPAN("/files/1"),
                            .media = PACK};
        span body = hex(s.a, parts[i].in);
        struct ran r = run(&s, &m, parts[i].from, parts[i].to, body, body.len);
        if (parts[i].out ? r.code != OK : r.fault.status != 422)
            fail_msg("%zu: %s", i, r.fault.err.text);
        if (parts[i].out && !span_eq(r.out, hex(s.a, parts[i].out)))
            fail_msg("%zu: %zu bytes, %.*s", i, r.out.len, SPAN_FMT(r.out));
        arena_free(&s.a);
    }
}
