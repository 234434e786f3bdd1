/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What MessagePack says beyond JSON is carried through it and comes out as it was;
 * msgpack-c packs it.
 */
#include "tests/test.h"

#include "translators/json/carried.h"
#include "translators/json/tree.h"
#include "translators/msgpack/pack.h"
#include "translators/msgpack/unpack.h"

#include <msgpack.h>
#include <stdlib.h>

#define ROOM ((size_t)64 * 1024 * 1024)

static span
as_json(struct arena *a, span packed, size_t n)
{
    struct buf b;
    span out;
    struct unpack *u = unpack_new(a, 128);
    enum unpack_verdict v = UNPACK_OK;
    assert_non_null(u);
    unpack_carries(u);
    buf_init(&b, ROOM);
    for (size_t at = 0; v == UNPACK_OK && at < packed.len; at += n)
        v = unpack_feed(u, span_take(span_skip(packed, at), n), &b);
    assert_int_equal(v, UNPACK_OK);
    assert_int_equal(unpack_end(u), UNPACK_OK);
    assert_true(span_dup(a, buf_span(&b), &out));
    buf_fini(&b);
    return out;
}

static enum pack_verdict
as_packed(struct arena *a, span json, size_t n, span *out)
{
    struct buf b;
    struct pack *k = pack_new(a, ROOM);
    enum pack_verdict v = PACK_OK;
    assert_non_null(k);
    pack_carries(k);
    buf_init(&b, ROOM);
    for (size_t at = 0; v == PACK_OK && at < json.len; at += n)
        v = pack_feed(k, span_take(span_skip(json, at), n));
    if (v == PACK_OK)
        v = pack_end(k, &b);
    assert_true(span_dup(a, buf_span(&b), out));
    buf_fini(&b);
    return v;
}

/* ["x", it, {"k": it}], of `n` bytes; type < 0: bytes. */
static void
pack_both(msgpack_packer *p, const char *bytes, size_t n, int type)
{
    msgpack_pack_array(p, 3);
    msgpack_pack_str_with_body(p, "x", 1);
    for (size_t i = 0; i < 2; i++) {
        if (i) {
            msgpack_pack_map(p, 1);
            msgpack_pack_str_with_body(p, "k", 1);
        }
        if (type < 0)
            msgpack_pack_bin_with_body(p, bytes, n);
        else
            msgpack_pack_ext_with_body(p, bytes, n, (int8_t)type);
    }
}

TEST(bytes_and_extensions_of_every_width_come_back_byte_for_byte)
{
    static const size_t sizes[] = {
        0,  1,  2,   3,   4,   5,    7,    8,    15,    16,    17,
        31, 32, 255, 256, 257, 4095, 4096, 4097, 65535, 65536, 100001};
    static const int types[] = {-1, 0, 1, 127, 128, 255};
    uint64_t seed = 7;
    char *bytes = malloc(100001);
    for (size_t i = 0; i < 100001; i++)
        bytes[i] = (char)test_random(&seed);
    for (size_t i = 0; i < COUNT(sizes) * COUNT(types); i++) {
        struct arena *a = arena_new(ROOM);
        size_t n = sizes[i % COUNT(sizes)];
        msgpack_sbuffer b;
        msgpack_packer p;
        msgpack_sbuffer_init(&b);
        msgpack_packer_init(&p, &b, msgpack_sbuffer_write);
        pack_both(&p, bytes, n, types[i / COUNT(sizes)]);
        span packed = span_of(b.data, b.size), again;
        span json = as_json(a, packed, packed.len);
        struct json *tree;
        assert_int_equal(json_parse(a, json, 8, &tree, NULL), OK);
        for (size_t cut = n > 300 ? 997 : 1; cut <= packed.len; cut *= 5) {
            assert_true(span_eq(as_json(a, packed, cut), json));
            assert_int_equal(as_packed(a, json, cut, &again), PACK_OK);
            assert_true(span_eq(again, packed));
        }
        msgpack_sbuffer_destroy(&b);
        arena_free(&a);
    }
    free(bytes);
}

TEST(a_text_that_carries_nothing_well_is_half_a_surrogate_pair)
{
    static const char *const bad[] = {
        "\"\\udfffA\"",       "\"\\udfffAQ\"",   "\"\\udfffAQI\"",
        "\"\\udfffAR==\"",    "\"\\udfffA===\"", "\"\\udfffA-A=\"",
        "\"\\udfff AQI=\"",   "\"\\udffe\"",     "\"\\uDFFFAQI=\"",
        "\"x\\udfffAQI=\"",   "\"\\udffdAQI=\"", "\"\\udfffAQ=I\"",
        "{\"\\udfffAQI=\":1}"};
    struct arena *a = arena_new(ROOM);
    span out;
    for (size_t i = 0; i < COUNT(bad); i++)
        for (size_t n = 1; n < 16; n += 7)
            assert_int_equal(as_packed(a, span_str(bad[i]), n, &out),
                             PACK_NO_FORM);
    assert_int_equal(as_packed(a, SPAN("\"\\udfffAQI=\""), 3, &out), PACK_OK);
    assert_true(span_eq(out, span_of("\xC4\x02\x01\x02", 4)));
    arena_free(&a);
}

TEST(who_spells_what_is_carried_is_found_however_it_is_cut)
{
    static const struct {
        const char *json;
        bool is_in;
    } table[] = {
        {"[\"\\udfff\"]", true},         {"[\"\\uDFfe\"]", true},
        {"{\"a\":\"\\udFfFx\"}", true},  {"[\"\"\\udfff\"]", true},
        {"[\"\\ud83d\\udfff\"]", false}, {"[\"x\\udfff\"]", false},
        {"[\"\\\\udfff\"]", false},      {"[\"\\udffd\"]", false},
        {"[\"udfff\"]", false},
    };
    for (size_t i = 0; i < COUNT(table); i++)
        for (size_t n = 1; n < 12; n++) {
            span json = span_str(table[i].json);
            unsigned found = 0;
            bool is = false;
            for (size_t at = 0; at < json.len; at += n)
                is = carried_is_in(span_take(span_skip(json, at), n), &found);
            assert_int_equal(is, table[i].is_in);
        }
}
