/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values that go again: held whole wherever they are cut, and nothing else is.
 */
#include "tests/test.h"
#include "tests/translators/engine/machine.h"

#define PLAIN                                                                  \
    .bit = ENGINE_NONE, .twice = ENGINE_NONE, .fault = 3, .slot = ENGINE_NONE, \
    .note = ENGINE_NONE

static const struct engine_again object = {.fault = 5, .shapes = ENGINE_OBJECT};
static const struct engine_again any = {.fault = 5, .shapes = ENGINE_SHAPES};
static const struct engine_again may_go = {
    .fault = 5, .shapes = ENGINE_OBJECT, .vanishes = true};

/* {"k": again, "any": again, "l": [again, ...], "d": dropped, "c": waits to the end,
 * "o": {"k": again}} */
struct trial {
    struct arena *a;
    struct engine_state root;
    struct engine_state list;
    struct engine_entry each;
    struct engine_entry document;
    struct engine_entry entries[6];
    struct engine_op op;
    struct engine_program program;
};

static const uint16_t zero[] = {0};

static void
begin(struct trial *t)
{
    const span keys[] = {SPAN("k"), SPAN("any"), SPAN("l"),
                         SPAN("d"), SPAN("c"),   SPAN("o")};
    *t = (struct trial){.a = arena_new(ROOM)};
    t->each =
        (struct engine_entry){PLAIN, .again = &may_go, .when = &engine_always};
    t->list.each = &t->each;
    t->entries[0] =
        (struct engine_entry){PLAIN, .again = &object, .notes = {zero, 1}};
    t->entries[1] = (struct engine_entry){PLAIN, .again = &any};
    t->entries[2] = (struct engine_entry){PLAIN, .child = &t->list};
    t->entries[3] =
        (struct engine_entry){PLAIN, .action = ENGINE_DROP, .again = &object};
    t->entries[4] = (struct engine_entry){PLAIN, .again = &may_go};
    t->entries[4].action = ENGINE_CAPTURE;
    t->entries[4].slot = 0;
    t->entries[5] = (struct engine_entry){PLAIN, .child = &t->root};
    assert_true(engine_text(t->a, SPAN("\"K\""), &t->entries[0].to));
    assert_true(engine_table_build(t->a, keys, COUNT(keys), &t->root.keys));
    t->op = (struct engine_op){.kind = ENGINE_OP_SLOT, .slot = 0};
    assert_true(engine_text(t->a, SPAN("\"c\":"), &t->op.text));
    t->root.entries = t->entries;
    t->root.ops = &t->op;
    t->root.n_ops = 1;
    t->root.n_slots = 1;
    t->document = (struct engine_entry){PLAIN, .child = &t->root};
    t->program = (struct engine_program){.root = &t->document, .n_notices = 1};
}

struct becomes {
    const char *in;
    const char *out;
};

static void
all_become(const struct becomes *cases, size_t n)
{
    struct trial t;
    begin(&t);
    for (size_t i = 0; i < n; i++) {
        struct ran r = run_all(t.a, &t.program, span_str(cases[i].in));
        if (r.verdict != ENGINE_DONE || !span_is(r.out, cases[i].out))
            fail_msg("%s: %.*s", cases[i].in, SPAN_FMT(r.out));
    }
    arena_free(&t.a);
}

TEST(what_comes_back_stands_in_the_place_of_a_value_that_goes_again)
{
    static const struct becomes cases[] = {
        {"{\"k\": {\"a\" : 1} , \"x\":2}",
         "{\"K\": [{\"a\" : 1},{\"a\" : 1}] , \"x\":2}"},
        {"{\"k\":[1], \"any\":7}", "{\"K\":[1], \"any\":[7,7]}"},
        {"{\"any\":\"a\\\"b\"}", "{\"any\":[\"a\\\"b\",\"a\\\"b\"]}"},
        {"{\"any\":[[],{}]}", "{\"any\":[[[],{}],[[],{}]]}"},
        {"{\"l\":[{\"a\":{}},2,{}]}",
         "{\"l\":[[{\"a\":{}},{\"a\":{}}],2,[{},{}]]}"},
        {"{\"d\":{\"a\":1},\"x\":[{}]}", "{\"x\":[{}]}"},
        {"{\"c\":{\"a\":1},\"x\":1}", "{\"x\":1,\"c\":[{\"a\":1},{\"a\":1}]}"},
        {"{\"o\":{\"c\":{},\"o\":{\"k\":{}},\"d\":{}}}",
         "{\"o\":{\"o\":{\"K\":[{},{}]},\"c\":[{},{}]}}"},
    };
    all_become(cases, COUNT(cases));
}

TEST(what_vanishes_takes_its_key_and_separator_along)
{
    static const struct becomes cases[] = {
        {"{\"l\":[{\"gone\":1}]}", "{\"l\":[]}"},
        {"{\"l\":[ {\"gone\":1} , {} ]}", "{\"l\":[  [{},{}] ]}"},
        {"{\"l\":[{}, {\"gone\":1} , 3]}", "{\"l\":[[{},{}] , 3]}"},
        {"{\"l\":[{\"gone\":1},{\"gone\":2},[],{\"gone\":3}]}", "{\"l\":[[]]}"},
        {"{\"c\":{\"gone\":1},\"x\":1}", "{\"x\":1}"},
        {"{\"o\":{\"c\":{\"gone\":1}}}", "{\"o\":{}}"},
        {"{\"d\":{\"a\":1},\"l\":[{\"gone\":[]}]}", "{\"l\":[]}"},
    };
    all_become(cases, COUNT(cases));
}

TEST(without_an_answer_the_message_fails_where_the_value_began)
{
    static const struct {
        const char *in;
        const char *pointer;
        size_t offset;
    } cases[] = {
        {"{\"k\": {\"bad\":1}}", "/k", 6},
        {"{\"l\":[1, {}, {\"a\":\"bad\"}]}", "/l/2", 13},
        {"{\"o\":{\"d\":{\"bad\":1}}}", "/o/d", 10},
        {"{\"k\":{\"gone\":1}}", "/k", 5}, /* it may not */
    };
    struct trial t;
    begin(&t);
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct ran r = run_all(t.a, &t.program, span_str(cases[i].in));
        assert_int_equal(r.verdict, ENGINE_FAILED);
        assert_int_equal(r.fault.why, ENGINE_BY_PROGRAM);
        assert_int_equal(r.fault.fault, 5);
        assert_int_equal(r.fault.offset, cases[i].offset);
        assert_span(r.pointer, cases[i].pointer);
    }
    arena_free(&t.a);
}

TEST(what_is_held_is_checked_as_anything_is)
{
    static const char *const bodies[] = {"{\"k\":{\"a\":01}}",
                                         "{\"k\":{\"a\":1,}}",
                                         "{\"l\":[{\"a\":\"\x80\"}]}",
                                         "{\"k\":{\"a\":1]}",
                                         "{\"k\":{",
                                         "{\"any\":tru}"};
    struct trial t;
    begin(&t);
    for (size_t i = 0; i < COUNT(bodies); i++) {
        struct ran r = run_all(t.a, &t.program, span_str(bodies[i]));
        assert_int_equal(r.verdict, ENGINE_FAILED);
        assert_int_equal(r.fault.why, ENGINE_BAD_JSON);
    }
    arena_free(&t.a);
}

/* A key or element with a value of so many bytes. */
static span
of_length(struct trial *t, const char *before, size_t len, const char *after)
{
    size_t n = len - strlen("{\"a\":\"\"}");
    char *at = arena_alloc(t->a, n);
    assert_non_null(at);
    memset(at, 'a', n);
    return arena_fmt(t->a, "%s{\"a\":\"%.*s\"}%s", before, (int)n, at, after);
}

TEST(a_value_may_be_as_long_as_is_held_and_no_longer)
{
    struct trial t;
    begin(&t);
    for (size_t len = 4096; len <= 4097; len++) {
        struct ran r =
            run_all(t.a, &t.program, of_length(&t, "{\"k\":", len, "}"));
        assert_int_equal(r.verdict, len == 4096 ? ENGINE_DONE : ENGINE_FAILED);
        if (len > 4096) {
            assert_int_equal(r.fault.why, ENGINE_TOO_LONG);
            assert_int_equal(r.fault.offset, 5);
            assert_span(r.pointer, "/k");
        }
    }
    /* One that only might have gone again is not held. */
    struct ran r = run_all(t.a, &t.program,
                           of_length(&t, "{\"k\":[", 10000, "],\"l\":[[1]]}"));
    assert_int_equal(r.verdict, ENGINE_DONE);
    arena_free(&t.a);
}

/* One at a time: however many there are, no more is held than one. */
TEST(elements_are_held_one_by_one)
{
    static const char element[] = "{\"a\":[1,2,3]},";
    struct trial t;
    struct buf b, out;
    struct engine_limits limits = {.depth_max = 8, .held_max = 64};
    begin(&t);
    buf_init(&b, ROOM);
    buf_init(&out, ROOM);
    buf_str(&b, "{\"l\":[");
    for (size_t i = 0; i < 1000; i++)
        buf_str(&b, element);
    buf_str(&b, "1]}");
    struct ran r = run_all(t.a, &t.program, buf_span(&b));
    assert_int_equal(r.verdict, ENGINE_DONE);
    assert_int_equal(r.out.len, buf_len(&b) + 1000 * (strlen(element) - 1 + 3));
    struct engine *m = engine_new(t.a, &t.program, &limits, &out);
    assert_non_null(m);
    /* Nobody to ask. */
    assert_int_equal(engine_feed(m, buf_span(&b), true), ENGINE_FAILED);
    assert_int_equal(engine_fault(m)->fault, 5);
    buf_fini(&b);
    buf_fini(&out);
    arena_free(&t.a);
}
