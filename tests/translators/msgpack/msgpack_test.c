/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/test.h"

#include "tests/translators/msgpack/hex.h"
#include "translators/json/tree.h"
#include "translators/msgpack/number.h"
#include "translators/msgpack/pack.h"
#include "translators/msgpack/unpack.h"

#include <math.h>
#include <msgpack.h>
#include <stdio.h>
#include <stdlib.h>

#define ROOM ((size_t)64 * 1024 * 1024)

/* ---- one document, cut into pieces of `n` ------------------------------------------ */

static enum unpack_verdict
unpack(struct arena *a, span in, size_t n, span *out, const char **words,
       span *pointer)
{
    struct buf b;
    struct unpack *u = unpack_new(a, 128);
    enum unpack_verdict v = UNPACK_OK;
    assert_non_null(u);
    buf_init(&b, ROOM);
    for (size_t at = 0; v == UNPACK_OK && at < in.len; at += n)
        v = unpack_feed(u, span_take(span_skip(in, at), n), &b);
    if (v == UNPACK_OK)
        v = unpack_end(u);
    assert_true(span_dup(a, buf_span(&b), out));
    *words = unpack_words(u);
    buf_clear(&b);
    unpack_pointer(u, &b);
    assert_true(span_dup(a, buf_span(&b), pointer));
    buf_fini(&b);
    return v;
}

static enum pack_verdict
pack(struct arena *a, span in, size_t n, span *out, span *pointer)
{
    struct buf b;
    struct pack *k = pack_new(a, ROOM);
    enum pack_verdict v = PACK_OK;
    assert_non_null(k);
    buf_init(&b, ROOM);
    for (size_t at = 0; v == PACK_OK && at < in.len; at += n)
        v = pack_feed(k, span_take(span_skip(in, at), n));
    if (v == PACK_OK)
        v = pack_end(k, &b);
    assert_true(span_dup(a, buf_span(&b), out));
    buf_clear(&b);
    pack_pointer(k, &b);
    assert_true(span_dup(a, buf_span(&b), pointer));
    buf_fini(&b);
    return v;
}

static void
assert_json(struct arena *a, span packed, const char *json)
{
    for (size_t n = 1; n <= packed.len; n++) {
        span out, pointer;
        const char *words;
        assert_int_equal(unpack(a, packed, n, &out, &words, &pointer),
                         UNPACK_OK);
        assert_span(out, json);
    }
}

static void
assert_packed(struct arena *a, const char *json, span packed)
{
    for (size_t n = 1; n <= strlen(json); n++) {
        span out, pointer;
        assert_int_equal(pack(a, span_str(json), n, &out, &pointer), PACK_OK);
        assert_true(span_eq(out, packed));
    }
}

/* ---- spellings ---------------------------------------------------------------------- */

TEST(every_width_is_read_and_the_shortest_is_written)
{
    static const struct {
        const char *packed;
        const char *json;
        const char *shortest;
    } table[] = {
        {"c0", "null", "c0"},
        {"c2", "false", "c2"},
        {"c3", "true", "c3"},
        {"00", "0", "00"},
        {"7f", "127", "7f"},
        {"cc 80", "128", "cc80"},
        {"cc 07", "7", "07"},
        {"cd 0100", "256", "cd0100"},
        {"cd 0001", "1", "01"},
        {"ce 00010000", "65536", "ce00010000"},
        {"ce 00000001", "1", "01"},
        {"cf 0000000100000000", "4294967296", "cf0000000100000000"},
        {"cf ffffffffffffffff", "18446744073709551615", "cfffffffffffffffff"},
        {"ff", "-1", "ff"},
        {"e0", "-32", "e0"},
        {"d0 80", "-128", "d080"},
        {"d0 7f", "127", "7f"},
        {"d1 8000", "-32768", "d18000"},
        {"d1 ffff", "-1", "ff"},
        {"d2 80000000", "-2147483648", "d280000000"},
        {"d2 00000005", "5", "05"},
        {"d3 8000000000000000", "-9223372036854775808", "d38000000000000000"},
        {"d3 7fffffffffffffff", "9223372036854775807", "cf7fffffffffffffff"},
        {"ca 3fc00000", "1.5", "cb3ff8000000000000"},
        {"ca 3dcccccd", "0.10000000149011612", "cb3fb99999a0000000"},
        {"cb 3fb999999999999a", "0.1", "cb3fb999999999999a"},
        {"cb 8000000000000000", "-0.0", "cb8000000000000000"},
        {"cb 4059000000000000", "100.0", "cb4059000000000000"},
        {"cb 7fefffffffffffff", "1.7976931348623157e308", "cb7fefffffffffffff"},
        {"cb 0000000000000001", "5e-324", "cb0000000000000001"},
        {"a0", "\"\"", "a0"},
        {"a3 616263", "\"abc\"", "a3616263"},
        {"d9 01 61", "\"a\"", "a161"},
        {"da 0001 61", "\"a\"", "a161"},
        {"db 00000001 61", "\"a\"", "a161"},
        {"a7 22 5c 0a 01 c3a9 2f", "\"\\\"\\\\\\n\\u0001\xC3\xA9/\"",
         "a7225c0a01c3a92f"},
        {"90", "[]", "90"},
        {"dc 0001 01", "[1]", "9101"},
        {"dd 00000002 01 a0", "[1,\"\"]", "9201a0"},
        {"80", "{}", "80"},
        {"81 a1 61 80", "{\"a\":{}}", "81a16180"},
        {"de 0001 a1 61 91 90", "{\"a\":[[]]}", "81a1619190"},
        {"df 00000001 d9 01 61 c0", "{\"a\":null}", "81a161c0"},
        {"82 a1 61 01 a1 61 02", "{\"a\":1,\"a\":2}", "82a16101a16102"},
    };
    struct arena *a = arena_new(ROOM);
    for (size_t i = 0; i < COUNT(table); i++) {
        assert_json(a, hex(a, table[i].packed), table[i].json);
        assert_packed(a, table[i].json, hex(a, table[i].shortest));
    }
    arena_free(&a);
}

TEST(heads_are_as_wide_as_their_counts_need)
{
    static const size_t counts[] = {15, 16, 65535, 65536};
    static const char *const lists[] = {"9f", "dc0010", "dcffff", "dd00010000"};
    static const char *const texts[] = {"af", "b0", "daffff", "db00010000"};
    struct arena *a = arena_new((size_t)1024 * 1024 * 1024);
    for (size_t i = 0; i < COUNT(counts); i++) {
        struct buf b;
        span out, pointer, text;
        buf_init(&b, ROOM);
        for (size_t n = 0; n < counts[i]; n++)
            buf_str(&b, n ? ",7" : "[7");
        buf_byte(&b, ']');
        assert_int_equal(pack(a, buf_span(&b), 1000, &out, &pointer), PACK_OK);
        assert_true(span_starts(out, hex(a, lists[i])));
        assert_int_equal(out.len, strlen(lists[i]) / 2 + counts[i]);
        buf_clear(&b);
        buf_byte(&b, '"');
        for (size_t n = 0; n < counts[i]; n++)
            buf_byte(&b, 'x');
        buf_byte(&b, '"');
        for (size_t n = 100; n <= 1000000; n *= 100) {
            assert_int_equal(pack(a, buf_span(&b), n, &text, &pointer),
                             PACK_OK);
            assert_true(span_starts(text, hex(a, texts[i])));
            assert_int_equal(text.len, strlen(texts[i]) / 2 + counts[i]);
        }
        buf_fini(&b);
    }
    arena_free(&a);
}

TEST(escapes_are_decoded_however_they_are_cut)
{
    struct arena *a = arena_new(ROOM);
    assert_packed(a, " { \"\\u0061\\n\" : [ \"\\uD83D\\uDE00\\\\\" , -1 ] } ",
                  hex(a, "81 a2 610a 92 a5 f09f9880 5c ff"));
    arena_free(&a);
}

/* ---- numbers ------------------------------------------------------------------------ */

TEST(a_number_comes_back_as_the_same_number_or_is_refused)
{
    static const struct {
        const char *json;
        const char *back; /* NULL: refused */
    } table[] = {
        {"-0", "-0.0"},
        {"0.0", "0.0"},
        {"1e2", "100.0"},
        {"1.50", "1.5"},
        {"12.34", "12.34"},
        {"1E-7", "1e-7"},
        {"0.00001", "0.00001"},
        {"123456789012345.5", "123456789012345.5"},
        {"18446744073709551616", NULL},
        {"-9223372036854775809", NULL},
        {"1000000000000000000000000000000", "1e30"},
        {"100000000000000000000", "1e20"},
        {"3.14159265358979323846", NULL},
        {"3.141592653589793", "3.141592653589793"},
        {"0.1000000000000000055", NULL},
        {"1e400", NULL},
        {"1e-400", NULL},
        {"0e999999999999", "0.0"},
        {"1.00000000000000000000000000000", "1.0"},
        {"9007199254740993", "9007199254740993"},
        {"9007199254740993.0", NULL},
        {"0.30000000000000004", "0.30000000000000004"},
    };
    for (size_t i = 0; i < COUNT(table); i++) {
        char packed[MSGPACK_HEAD_MAX];
        char text[NUMBER_TEXT_MAX];
        size_t len = 0;
        bool ok = number_pack(span_str(table[i].json), packed, &len);
        if (ok != (table[i].back != NULL))
            fail_msg("%s", table[i].json);
        if (ok)
            assert_span(span_of(text, number_unpack(packed, text)),
                        table[i].back);
    }
}

static double
any_double(uint64_t *seed)
{
    uint64_t bits = test_random(seed);
    double d;
    switch (test_random(seed) % 4) {
    case 0: /* as people write them */
        return (double)(int64_t)(bits % 2000000000 - 1000000000) /
               pow(10, (double)(test_random(seed) % 9));
    case 1: /* powers of two, where the spacing changes */
        return ldexp(1, (int)(bits % 2098) - 1074);
    default:
        memcpy(&d, &bits, sizeof(d));
        return d;
    }
}

/* Significant ones of a number's text. */
static int
digits_of(span text)
{
    int n = 0;
    int zeros = 0;
    for (size_t i = 0; i < text.len && text.at[i] != 'e'; i++) {
        if (text.at[i] < '0' || text.at[i] > '9')
            continue;
        zeros = text.at[i] == '0' ? zeros + 1 : 0;
        n += n > 0 || text.at[i] != '0';
    }
    return n - zeros;
}

/* Of the library's spellings the first that is read again. */
static int
digits_needed(double d)
{
    char printed[64];
    int n = 1;
    do
        snprintf(printed, sizeof(printed), "%.*e", n - 1, d);
    while (strtod(printed, NULL) != d && n++ < 17);
    return n;
}

TEST(a_double_is_spelt_so_that_it_is_read_again_and_no_longer_than_needed)
{
    uint64_t seed = 1;
    for (int i = 0; i < 100000; i++) {
        char packed[MSGPACK_HEAD_MAX];
        char again[MSGPACK_HEAD_MAX];
        char text[NUMBER_TEXT_MAX + 1];
        size_t len = 0;
        double d = any_double(&seed);
        msgpack_put_float(packed, d);
        size_t n = number_unpack(packed, text);
        assert_int_equal(n == 0, !isfinite(d));
        if (!n)
            continue;
        text[n] = 0;
        assert_true(json_is_number(span_of(text, n)));
        assert_true(strtod(text, NULL) == d);
        assert_true(number_pack(span_of(text, n), again, &len));
        assert_int_equal(len, 9);
        assert_memory_equal(packed, again, 9);
        assert_true(digits_of(span_of(text, n)) <= digits_needed(d));
    }
}

/* ---- what is refused ------------------------------------------------------------------ */

TEST(what_is_no_messagepack_or_has_no_form_is_refused_and_said_where)
{
    static const struct {
        const char *packed;
        enum unpack_verdict verdict;
        const char *words;
        const char *pointer;
    } table[] = {
        {"", UNPACK_BAD, "the document ends before it is whole", ""},
        {"c1", UNPACK_BAD, "a byte that begins no value", ""},
        {"92 01", UNPACK_BAD, "the document ends before it is whole", "/0"},
        {"df ffffffff", UNPACK_BAD, "the document ends before it is whole", ""},
        {"dd ffffffff 01", UNPACK_BAD, "the document ends before it is whole",
         "/0"},
        {"db ffffffff 61", UNPACK_BAD, "the document ends before it is whole",
         ""},
        {"cb 00", UNPACK_BAD, "the document ends before it is whole", ""},
        {"01 01", UNPACK_BAD, "more behind the document", ""},
        {"01 db", UNPACK_BAD, "more behind the document", ""},
        {"a1 ff", UNPACK_BAD, "a text that is not UTF-8", ""},
        {"a1 c3", UNPACK_BAD, "a text that is not UTF-8", ""},
        {"a3 eda080", UNPACK_BAD, "a text that is not UTF-8", ""},
        {"a2 c0af", UNPACK_BAD, "a text that is not UTF-8", ""},
        {"a8 61616161 61ff6161", UNPACK_BAD, "a text that is not UTF-8", ""},
        {"81 01 02", UNPACK_NO_FORM, "a key that is no text", ""},
        {"82 a1 61 91 80 a3 622f7e 92 01 c4 01 00", UNPACK_NO_FORM,
         "bytes that are no text", "/b~1~0/1"},
        {"81 a1 61 d4 01 00", UNPACK_NO_FORM, "an extension type", "/a"},
        {"d6 ff 00000000", UNPACK_NO_FORM, "an extension type", ""},
        {"91 cb 7ff8000000000000", UNPACK_NO_FORM, "a number that is none",
         "/0"},
        {"91 ca ff800000", UNPACK_NO_FORM, "a number that is none", "/0"},
    };
    struct arena *a = arena_new(ROOM);
    for (size_t i = 0; i < COUNT(table); i++) {
        span in = hex(a, table[i].packed);
        for (size_t n = 1; n <= in.len + 1; n++) {
            span out, pointer;
            const char *words;
            assert_int_equal(unpack(a, in, n, &out, &words, &pointer),
                             table[i].verdict);
            assert_string_equal(words, table[i].words);
            assert_span(pointer, table[i].pointer);
        }
    }
    arena_free(&a);
}

TEST(levels_are_counted)
{
    struct arena *a = arena_new(ROOM);
    char lists[130];
    span out, pointer;
    const char *words;
    memset(lists, (char)0x91, sizeof(lists));
    lists[127] = (char)0x90;
    assert_int_equal(unpack(a, span_of(lists, 128), 7, &out, &words, &pointer),
                     UNPACK_OK);
    lists[127] = (char)0x91;
    lists[128] = (char)0x90;
    assert_int_equal(unpack(a, span_of(lists, 129), 7, &out, &words, &pointer),
                     UNPACK_TOO_DEEP);
    arena_free(&a);
}

TEST(what_messagepack_cannot_say_is_told_with_its_place)
{
    struct arena *a = arena_new(ROOM);
    static const struct {
        const char *json;
        const char *pointer;
    } table[] = {
        {"{\"a\":1,\"b\":[0,{\"c\":1e999}]}", "/b/1/c"},
        {"[1,\"\\ud800\"]", "/1"},
        {"{\"\\ud800\":1}", ""},
    };
    for (size_t i = 0; i < COUNT(table); i++)
        for (size_t n = 1; n <= strlen(table[i].json); n++) {
            span out, pointer;
            assert_int_equal(
                pack(a, span_str(table[i].json), n, &out, &pointer),
                PACK_NO_FORM);
            assert_span(pointer, table[i].pointer);
        }
    arena_free(&a);
}

TEST(what_is_held_has_a_limit)
{
    struct arena *a = arena_new(ROOM);
    struct buf out;
    buf_init(&out, ROOM);
    struct pack *k = pack_new(a, 4096);
    assert_int_equal(pack_feed(k, SPAN("[\"")), PACK_OK);
    enum pack_verdict v = PACK_OK;
    for (int i = 0; i < 5000 && v == PACK_OK; i++)
        v = pack_feed(k, SPAN("x"));
    assert_int_equal(v, PACK_TOO_LONG);
    buf_fini(&out);
    arena_free(&a);
}

/* ---- against msgpack-c ------------------------------------------------------------------ */

static void
any_text(msgpack_packer *p, uint64_t *seed)
{
    static const char *const texts[] = {"",
                                        "a",
                                        "id",
                                        "quote\"",
                                        "\n",
                                        "\xC3\xA9",
                                        "\xF0\x9F\x98\x80",
                                        "a text that is longer than others\\"};
    const char *s = texts[test_random(seed) % COUNT(texts)];
    msgpack_pack_str_with_body(p, s, strlen(s));
}

/* NOLINTBEGIN(misc-no-recursion): `depth` ends it */
static void
any_value(msgpack_packer *p, uint64_t *seed, int depth)
{
    size_t n = test_random(seed) % 20;
    double d = any_double(seed);
    switch (test_random(seed) % (depth ? 8 : 6)) {
    case 0:
        msgpack_pack_nil(p);
        return;
    case 1:
        (void)(n % 2 ? msgpack_pack_true(p) : msgpack_pack_false(p));
        return;
    case 2:
        msgpack_pack_int64(p, (int64_t)(test_random(seed) >> (n * 3)));
        return;
    case 3:
        msgpack_pack_int64(p, -(int64_t)(test_random(seed) >> (n * 3 + 1)));
        return;
    case 4:
        msgpack_pack_double(p, isfinite(d) ? d : 0.5);
        return;
    case 5:
        any_text(p, seed);
        return;
    case 6:
        msgpack_pack_array(p, n);
        for (size_t i = 0; i < n; i++)
            any_value(p, seed, depth - 1);
        return;
    default:
        msgpack_pack_map(p, n);
        for (size_t i = 0; i < n; i++) {
            any_text(p, seed);
            any_value(p, seed, depth - 1);
        }
        return;
    }
}
/* NOLINTEND(misc-no-recursion) */

TEST(what_msgpack_c_packs_comes_back_byte_for_byte)
{
    uint64_t seed = 3;
    for (int i = 0; i < 1500; i++) {
        struct arena *a = arena_new(ROOM);
        msgpack_sbuffer b;
        msgpack_packer p;
        msgpack_sbuffer_init(&b);
        msgpack_packer_init(&p, &b, msgpack_sbuffer_write);
        any_value(&p, &seed, 4);
        span packed = span_of(b.data, b.size);
        size_t n = 1 + test_random(&seed) % (b.size + 1);
        span json, again, pointer;
        const char *words;
        assert_int_equal(unpack(a, packed, n, &json, &words, &pointer),
                         UNPACK_OK);
        struct json *tree;
        assert_int_equal(json_parse(a, json, 128, &tree, NULL), OK);
        assert_int_equal(
            pack(a, json, 1 + test_random(&seed) % json.len, &again, &pointer),
            PACK_OK);
        assert_true(span_eq(packed, again));
        msgpack_sbuffer_destroy(&b);
        arena_free(&a);
    }
}

/* msgpack-c writes the shortest heads as we do; what it reads of ours is the same. */
TEST(what_we_pack_msgpack_c_reads_as_the_same_json)
{
    static const char json[] =
        "{\"a\":[1,-5,300,70000,5000000000,1.5,true,null,\"x\"],\"b\":{}}";
    static const char printed[] =
        "{\"a\"=>[1, -5, 300, 70000, 5000000000, 1.500000, true, nil, \"x\"], "
        "\"b\"=>{}}";
    struct arena *a = arena_new(ROOM);
    span packed, pointer;
    char text[256];
    msgpack_unpacked u;
    assert_int_equal(pack(a, span_str(json), 5, &packed, &pointer), PACK_OK);
    msgpack_unpacked_init(&u);
    assert_int_equal(msgpack_unpack_next(&u, packed.at, packed.len, NULL),
                     MSGPACK_UNPACK_SUCCESS);
    msgpack_object_print_buffer(text, sizeof(text), u.data);
    assert_string_equal(text, printed);
    msgpack_unpacked_destroy(&u);
    arena_free(&a);
}
