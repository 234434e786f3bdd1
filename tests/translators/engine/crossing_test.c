/* SPDX-License-Identifier: Apache-2.0 */
/* Heads of what becomes MessagePack, and what has no form in the other. */
#include "tests/test.h"
#include "tests/translators/engine/machine.h"
#include "tests/translators/engine/packed.h"

#define NOTHING                                                                \
    .bit = ENGINE_NONE, .twice = ENGINE_NONE, .fault = ENGINE_NONE,            \
    .slot = ENGINE_NONE, .note = ENGINE_NONE

static const struct engine_entry any_value = {NOTHING};
static const struct engine_program any_document = {.root = &any_value};

static span
list_of(struct arena *a, const char *element, size_t n)
{
    struct buf b;
    span out = {0};
    buf_init(&b, ROOM);
    buf_byte(&b, '[');
    for (size_t i = 0; i < n; i++)
        buf_fmt(&b, "%s%s", i ? "," : "", element);
    buf_byte(&b, ']');
    assert_true(span_dup(a, buf_span(&b), &out));
    buf_fini(&b);
    return out;
}

TEST(a_head_is_the_shortest_but_before_four_kilobytes)
{
    static const struct {
        const char *element;
        size_t n;
        unsigned char head;
    } table[] = {{"1", 0, 0x90},        {"1", 15, 0x9F},
                 {"1", 16, 0xDC},       {"1", 4096, 0xDC},
                 {"1", 4097, 0xDD},     {"1", 70000, 0xDD},
                 {"[[],{}]", 15, 0x9F}, {"{\"a\":\"b\"}", 1025, 0xDD}};
    struct arena *a = arena_new(ROOM);
    struct engine_program packed = packed_program(a, &any_document);
    for (size_t i = 0; i < COUNT(table); i++) {
        span json = list_of(a, table[i].element, table[i].n);
        span back = {0};
        for (size_t n = json.len; n > 0; n /= 3) {
            struct ran r = run_crossing(a, &packed, ENGINE_PLAIN, json, n);
            assert_int_equal(r.verdict, ENGINE_DONE);
            assert_int_equal((unsigned char)r.out.at[0], table[i].head);
            assert_true(packed_as_json(a, r.out, &back));
            assert_true(span_eq(back, json));
        }
    }
    arena_free(&a);
}

TEST(what_has_no_form_in_the_other_is_said_where_it_stands)
{
    static const struct {
        const char *json;
        enum engine_why why;
        size_t offset;
    } table[] = {{"[1,1e999]", ENGINE_NO_FORM, 3},
                 {"[18446744073709551616]", ENGINE_NO_FORM, 1},
                 {"[123456789012345678901]", ENGINE_NO_FORM, 1},
                 {"{\"\\ud800\":1}", ENGINE_SURROGATE, 2},
                 {"[\"x\",\"\\udc00\"]", ENGINE_SURROGATE, 6}};
    struct arena *a = arena_new(ROOM);
    struct engine_program packed = packed_program(a, &any_document);
    for (size_t i = 0; i < COUNT(table); i++)
        for (size_t n = 1; n < 30; n++) {
            struct ran r = run_crossing(a, &packed, ENGINE_PLAIN,
                                        span_str(table[i].json), n);
            assert_int_equal(r.verdict, ENGINE_FAILED);
            assert_int_equal(r.fault.why, table[i].why);
            assert_int_equal(r.fault.offset, table[i].offset);
        }
    arena_free(&a);
}

TEST(bytes_extensions_odd_keys_and_nan_do_not_become_json)
{
    static const struct {
        const char *bytes;
        size_t n;
        enum engine_why why;
    } table[] = {
        {"\xC4\x01x", 3, ENGINE_NO_FORM},
        {"\x91\xD4\x01x", 4, ENGINE_NO_FORM},
        {"\x81\x01\x02", 3, ENGINE_NO_FORM},
        {"\x91\x81\x90\x02", 4, ENGINE_NO_FORM},
        {"\x91\xCA\x7F\xC0\x00\x00", 6, ENGINE_NO_FORM},
        {"\x91\xC1", 2, ENGINE_BAD_JSON},
        {"\x91", 1, ENGINE_BAD_JSON},
    };
    struct arena *a = arena_new(ROOM);
    for (size_t i = 0; i < COUNT(table); i++)
        for (size_t n = 1; n <= table[i].n; n++) {
            struct ran r = run_crossing(a, &any_document, ENGINE_PLAIN,
                                        span_of(table[i].bytes, table[i].n), n);
            assert_int_equal(r.verdict, ENGINE_FAILED);
            assert_int_equal(r.fault.why, table[i].why);
        }
    arena_free(&a);
}
