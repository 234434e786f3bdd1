/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/translators/engine/machine.h"

#include "tests/test.h"

#define NOTHING                                                                \
    .bit = ENGINE_NONE, .twice = ENGINE_NONE, .fault = ENGINE_NONE,            \
    .slot = ENGINE_NONE, .note = ENGINE_NONE

/* {"late": ...} waits until its object ends, "gone" goes and is told. */
struct waits {
    struct arena *a;
    struct engine_pool *pool;
    struct engine_entry entries[2];
    struct engine_op op;
    struct engine_state state;
    struct engine_entry root;
    struct engine_program program;
};

static void
make(struct waits *w)
{
    static const span keys[] = {SPAN("late"), SPAN("gone")};
    static const uint16_t notes[] = {0};
    *w = (struct waits){.a = arena_new(ROOM)};
    assert_non_null(w->a);
    w->pool = engine_pool_new(w->a);
    assert_non_null(w->pool);
    w->entries[0] = (struct engine_entry){NOTHING, .action = ENGINE_CAPTURE};
    w->entries[0].slot = 0;
    w->entries[1] = (struct engine_entry){NOTHING, .action = ENGINE_DROP};
    w->entries[1].notes = (struct engine_notes){notes, 1};
    assert_true(engine_table_build(w->a, keys, COUNT(keys), &w->state.keys));
    w->op = (struct engine_op){.kind = ENGINE_OP_SLOT};
    assert_true(engine_text(w->a, SPAN("\"last\":"), &w->op.text));
    w->state.entries = w->entries;
    w->state.ops = &w->op;
    w->state.n_ops = 1;
    w->state.n_slots = 1;
    w->root = (struct engine_entry){NOTHING, .child = &w->state};
    w->program = (struct engine_program){.root = &w->root, .n_notices = 1};
}

static struct engine *
take(struct waits *w, struct arena *a, struct buf *out)
{
    const struct engine_limits limits = {
        .depth_max = 64, .held_max = 1 << 20, .pool = w->pool};
    struct engine *m = engine_new(a, &w->program, &limits, out);
    assert_non_null(m);
    return m;
}

/* However the last document ended: in its middle, wrong, or well. */
TEST(a_machine_that_comes_again_has_nothing_of_the_document_before)
{
    static const char *const before[] = {
        "{\"gone\":1,\"late\":[{\"x\":\"half of it",
        "{\"gone\":[[[[[[[[[[[[[[[[[[[[1,2,3,", "{\"late\":1]",
        "{\"gone\":1,\"late\":\"well\"}"};
    struct waits w;
    struct buf out;
    make(&w);
    buf_init(&out, ROOM);
    const struct engine *first = NULL;
    for (size_t i = 0; i < COUNT(before); i++) {
        struct arena *a = arena_new(ROOM);
        uint64_t at = 0;
        struct engine *m = take(&w, a, &out);
        assert_true(i == 0 || m == first);
        first = m;
        (void)!engine_feed(m, span_str(before[i]), i == 3);
        arena_reset(a);
        buf_clear(&out);

        assert_ptr_equal(take(&w, a, &out), first);
        assert_int_equal(engine_told(m, 0, &at), 0);
        assert_int_equal(
            engine_feed(m, SPAN("{\"late\":[1],\"gone\":2,\"k\":3}"), true),
            ENGINE_DONE);
        assert_true(span_is(buf_span(&out), "{\"k\":3,\"last\":[1]}"));
        assert_int_equal(engine_told(m, 0, &at), 1);
        buf_clear(&out);
        arena_free(&a);
    }
    buf_fini(&out);
    arena_free(&w.a);
}

TEST(what_a_long_value_took_is_given_back)
{
    struct waits w;
    struct buf out;
    make(&w);
    buf_init(&out, ROOM);
    struct arena *a = arena_new(ROOM);
    span body = arena_fmt(w.a, "{\"late\":\"%0100000d\"}", 7);
    struct engine *m = take(&w, a, &out);
    assert_int_equal(engine_feed(m, body, true), ENGINE_DONE);
    assert_true(engine_held_bytes(m) >= 100000);
    arena_reset(a);
    assert_ptr_equal(take(&w, a, &out), m);
    assert_true(engine_held_bytes(m) < 16384);
    arena_free(&a);
    buf_fini(&out);
    arena_free(&w.a);
}

/* All at work at once, and more than may rest. */
TEST(a_pool_has_room_for_some_and_makes_the_others)
{
    struct waits w;
    struct arena *a[40];
    struct engine *m[40];
    struct buf out[40];
    make(&w);
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < COUNT(a); i++) {
            a[i] = arena_new(ROOM);
            buf_init(&out[i], ROOM);
            m[i] = take(&w, a[i], &out[i]);
            for (size_t k = 0; k < i; k++)
                assert_ptr_not_equal(m[i], m[k]);
        }
        for (size_t i = 0; i < COUNT(a); i++) {
            assert_int_equal(engine_feed(m[i], SPAN("{\"gone\":null}"), true),
                             ENGINE_DONE);
            assert_true(span_is(buf_span(&out[i]), "{}"));
            buf_fini(&out[i]);
            arena_free(&a[i]);
        }
    }
    arena_free(&w.a);
}
