/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes, cut anyhow: a program that knows nothing takes what the tree takes
 * and gives it back as it came; one with every instruction, in states that hold
 * themselves, gives the same bytes, verdict and place at every level and in every
 * cut, and never writes what is no JSON.
 */
#include "translators/engine/engine.h"
#include "translators/json/tree.h"

#include <assert.h>
#include <stdlib.h>

#define ROOM ((size_t)64 * 1024 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

/* ---- the program ---------------------------------------------------------------- */

/* It and the lens live in here; `used`, or a leak checker does not see it held. */
__attribute__((used)) static struct arena *forever;
static struct engine_state node;
static struct engine_entry root;
static struct engine_entry nothing;

static span
text(const char *s)
{
    span out = {0};
    bool ok = engine_text(forever, span_str(s), &out);
    assert(ok);
    return out;
}

static struct engine_entry
entry(enum engine_action action)
{
    return (struct engine_entry){.action = action,
                                 .bit = ENGINE_NONE,
                                 .twice = ENGINE_NONE,
                                 .fault = 1,
                                 .slot = ENGINE_NONE,
                                 .note = ENGINE_NONE};
}

static enum engine_formed
form(const void *arg, span scalar, struct arena *scratch, struct buf *out)
{
    (void)arg;
    (void)scratch;
    if (scalar.at[0] != '-')
        return scalar.len % 3 ? ENGINE_AS_IT_IS : ENGINE_OUTSIDE;
    buf_add(out, span_skip(scalar, 1));
    return ENGINE_RESPELT;
}

static void
make_map(struct engine_map *map)
{
    static const span from[] = {SPAN("\"p\""), SPAN("5"), SPAN("null"),
                                SPAN("\"\\n\"")};
    static struct engine_row rows[COUNT(from)];
    static const uint16_t notes[] = {1, 2};
    static struct engine_form forms = {
        .fn = form, .fault = 3, .notes = {notes, 1}};
    bool ok = engine_table_build(forever, from, COUNT(from), &map->table);
    assert(ok);
    for (size_t i = 0; i < COUNT(from); i++)
        rows[i] = (struct engine_row){.fault = i == 2 ? 4 : ENGINE_NONE,
                                      .to = text(i ? "\"row\"" : ""),
                                      .notes = {notes, i % 3}};
    map->rows = rows;
    map->form = &forms;
    map->fault = ENGINE_NONE;
}

static void
make_keys(void)
{
    static const span keys[] = {
        SPAN("a"), SPAN("b"), SPAN("c"),
        SPAN("d"), SPAN("k"), SPAN("g"),
        SPAN("l"), SPAN("u"), SPAN("a name that is longer than two words")};
    static const span kinds[] = {SPAN("\"x\""), SPAN("1")};
    static struct engine_entry entries[COUNT(keys)];
    static struct engine_entry items[2];
    static struct engine_entry each;
    static struct engine_state list = {
        .items = items, .n_items = 2, .each = &each, .n_slots = 1};
    static struct engine_map map;
    static struct engine_test is_x;
    static struct engine_entry otherwise;
    static const uint16_t notes[] = {0};
    bool ok = engine_table_build(forever, keys, COUNT(keys), &node.keys) &&
              engine_table_build(forever, kinds, COUNT(kinds), &is_x.values);
    assert(ok);
    make_map(&map);
    for (size_t i = 0; i < COUNT(keys); i++) {
        entries[i] = entry(ENGINE_KEEP);
        entries[i].bit = (uint16_t)(i * 20);
    }
    entries[0].to = text("\"renamed\"");
    entries[0].twice = 2;
    entries[0].child = &node;
    entries[1].action = ENGINE_DROP;
    entries[1].has_same = true;
    entries[1].same = text("\"s\"");
    entries[1].notes = (struct engine_notes){notes, 1};
    entries[2].action = ENGINE_CAPTURE;
    entries[2].slot = 0;
    entries[2].child = &node;
    entries[3].map = &map;
    entries[3].refused = ENGINE_BOOL;
    is_x.slot = 1;
    entries[4].note = 1;
    otherwise = entry(ENGINE_DROP);
    otherwise.child = &node;
    entries[5].when = &is_x;
    entries[5].to = text("\"guarded\"");
    entries[5].otherwise = &otherwise;
    entries[6].child = &list;
    entries[7].action = ENGINE_CAPTURE;
    entries[7].slot = 2;
    entries[7].map = &map;
    entries[8].to = text("\"s\"");
    for (size_t i = 0; i < COUNT(keys); i++)
        engine_entry_settle(&entries[i]);
    items[0] = entry(ENGINE_CAPTURE);
    items[0].up = 1;
    items[0].slot = 3;
    items[0].child = &node;
    items[1] = entry(ENGINE_DROP);
    items[1].child = &node;
    each = entry(ENGINE_KEEP);
    each.child = &node;
    engine_entry_settle(&each);
    node.entries = entries;
    node.n_slots = 4;
}

static void
make_ops(void)
{
    static const uint16_t notes[] = {3};
    static struct engine_op ops[7];
    const struct engine_op made[] = {
        {.kind = ENGINE_OP_MEMBER,
         .unless = 1,
         .text = text("\"fill\":[1]"),
         .notes = {notes, 1}},
        {.kind = ENGINE_OP_OPEN, .text = text("\"host\":{")},
        {.kind = ENGINE_OP_SLOT, .slot = 0, .text = text("\"c\":")},
        {.kind = ENGINE_OP_SLOT, .slot = 2, .text = text("\"u\":")},
        {.kind = ENGINE_OP_SHUT, .text = text("}")},
        {.kind = ENGINE_OP_JUMP, .word = 1, .needs = 1 << 16, .jump = 1},
        {.kind = ENGINE_OP_SLOT, .slot = 3, .text = text("\"first\":")},
    };
    static_assert(COUNT(made) == COUNT(ops), "all of them");
    memcpy(ops, made, sizeof(made));
    node.ops = ops;
    node.n_ops = COUNT(ops);
}

static void
make_program(void)
{
    forever = arena_new(ROOM);
    assert(forever);
    make_keys();
    make_ops();
    root = entry(ENGINE_KEEP);
    root.child = &node;
    nothing = entry(ENGINE_KEEP);
}

/* ---- runs ----------------------------------------------------------------------- */

struct ran {
    enum engine_verdict verdict;
    struct engine_fault fault;
    struct buf out;
    struct buf pointer;
    size_t told[4];
};

static void
run(const struct engine_program *program, struct engine_pool *pool,
    enum engine_level level, span body, size_t n, struct ran *r)
{
    struct engine_limits limits = {
        .depth_max = 128, .held_max = 2048, .pool = pool};
    struct arena *a = arena_new(ROOM);
    assert(a);
    *r = (struct ran){.verdict = ENGINE_MORE};
    buf_init(&r->out, ROOM);
    buf_init(&r->pointer, ROOM);
    struct engine *m = engine_new(a, program, &limits, &r->out);
    assert(m);
    engine_use(m, level);
    for (size_t at = 0; r->verdict == ENGINE_MORE; at += n) {
        span piece = span_take(span_skip(body, at), n);
        /* Of its own size, so that a read behind it is seen. */
        char *copy = malloc(piece.len ? piece.len : 1);
        assert(copy);
        if (piece.len)
            memcpy(copy, piece.at, piece.len);
        r->verdict = engine_feed(m, span_of(copy, piece.len),
                                 at + piece.len == body.len);
        free(copy);
    }
    if (r->verdict == ENGINE_FAILED) {
        r->fault = *engine_fault(m);
        engine_pointer(m, &r->pointer);
    }
    for (size_t i = 0; i < COUNT(r->told); i++) {
        uint64_t offset = 0;
        r->told[i] = engine_told(m, i, &offset);
    }
    arena_free(&a);
}

static void
end(struct ran *r)
{
    buf_fini(&r->out);
    buf_fini(&r->pointer);
}

static void
compare(const struct engine_program *program, struct engine_pool *pool,
        span body, size_t n, const struct ran *should)
{
    for (int level = 0; level < ENGINE_LEVELS; level++) {
        struct ran is;
        if (!engine_has_level((enum engine_level)level))
            continue;
        run(program, pool, (enum engine_level)level, body, n, &is);
        assert(is.verdict == should->verdict);
        assert(is.fault.why == should->fault.why);
        assert(is.fault.offset == should->fault.offset);
        assert(span_eq(buf_span(&is.pointer), buf_span(&should->pointer)));
        assert(is.verdict != ENGINE_DONE ||
               span_eq(buf_span(&is.out), buf_span(&should->out)));
        assert(memcmp(is.told, should->told, sizeof(is.told)) == 0);
        end(&is);
    }
}

/* As the tree takes it. */
static bool
is_json(struct arena *a, span body)
{
    struct json *tree = NULL;
    return json_parse(a, body, 128, &tree, NULL) == OK;
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct engine_program knows = {.root = &root, .n_notices = 4};
    struct engine_program passes = {.root = &nothing};
    struct ran whole;
    if (!forever)
        make_program();
    if (len < 1)
        return 0;
    struct arena *a = arena_new(ROOM);
    span body = span_of((const char *)bytes + 1, len - 1);
    size_t n = 1 + (size_t)bytes[0] * bytes[0] / 16;
    assert(a);
    /* Of machines that come again every other time. */
    struct engine_pool *pool = bytes[0] & 1 ? engine_pool_new(a) : NULL;

    bool good = is_json(a, body);
    run(&passes, NULL, ENGINE_PLAIN, body, len, &whole);
    assert(good == (whole.verdict == ENGINE_DONE));
    assert(!good || span_eq(buf_span(&whole.out), body));
    compare(&passes, pool, body, n, &whole);
    end(&whole);

    run(&knows, NULL, ENGINE_PLAIN, body, len, &whole);
    assert(good || whole.verdict == ENGINE_FAILED);
    assert(whole.verdict != ENGINE_DONE || is_json(a, buf_span(&whole.out)));
    compare(&knows, pool, body, n, &whole);
    end(&whole);
    arena_free(&a);
    return 0;
}
