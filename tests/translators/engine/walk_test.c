/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a level goes by an index: blocks that are full, words that end at their
 * edges, objects of one list that are alike and then are not.
 */
#include "tests/test.h"
#include "tests/translators/engine/machine.h"
#include "tests/translators/engine/packed.h"

#include <stdlib.h>

#define NOTHING                                                                \
    .bit = ENGINE_NONE, .twice = ENGINE_NONE, .fault = ENGINE_NONE,            \
    .slot = ENGINE_NONE, .note = ENGINE_NONE

static unsigned
dice(unsigned *seed, unsigned n)
{
    *seed = *seed * 1664525u + 1013904223u;
    return (*seed >> 8) % n;
}

/* ---- a program over a list of objects ------------------------------------------- */

struct shop {
    struct arena *a;
    struct engine_pool *pool;
    struct engine_entry entries[9];
    struct engine_map map;
    struct engine_row rows[4];
    struct engine_map whole; /* asks only that a text is one */
    struct engine_entry each;
    struct engine_entry root;
    struct engine_state item;
    struct engine_state list;
    struct engine_op op;
    struct engine_program program;
};

static span
text(struct arena *a, const char *s)
{
    span out = {0};
    assert_true(engine_text(a, span_str(s), &out));
    return out;
}

/* Some scalars become others, one of them with a notice; all else stays. */
static void
make_maps(struct shop *s)
{
    static const span from[] = {SPAN("\"\""),
                                SPAN("\"of some words, [with] {marks}: none\""),
                                SPAN("true"), SPAN("-0.25")};
    static const char *const to[] = {
        "\"of more bytes than are ever copied at once\"", "[\"words\"]",
        "\"yes\"", NULL};
    static const uint16_t notes[] = {0};
    for (size_t i = 0; i < COUNT(from); i++)
        s->rows[i] = (struct engine_row){
            .to = to[i] ? text(s->a, to[i]) : (span){0}, .fault = ENGINE_NONE};
    s->rows[2].notes = (struct engine_notes){notes, 1};
    s->map = (struct engine_map){.rows = s->rows, .fault = ENGINE_NONE};
    assert_true(engine_table_build(s->a, from, COUNT(from), &s->map.table));
    s->whole = (struct engine_map){.fault = ENGINE_NONE};
    s->entries[7].map = &s->map;
    s->entries[8].map = &s->whole;
    s->entries[8].to = text(s->a, "\"told\"");
}

/* Renamed, dropped, captured, mapped, doubled or not, with the same inside; and an item is
 * an object whose other keys nobody knows. */
static void
open_shop(struct shop *s)
{
    static const span keys[] = {SPAN("id"),
                                SPAN("name"),
                                SPAN("gone"),
                                SPAN("late"),
                                SPAN("kids"),
                                SPAN("inner"),
                                SPAN("a key of thirty and some bytes"),
                                SPAN("mapped"),
                                SPAN("text")};
    static const uint16_t notes[] = {1};
    *s = (struct shop){.a = arena_new(ROOM)};
    assert_non_null(s->a);
    s->pool = engine_pool_new(s->a);
    assert_non_null(s->pool);
    for (size_t i = 0; i < COUNT(keys); i++) {
        s->entries[i] = (struct engine_entry){NOTHING};
        s->entries[i].bit = (uint16_t)i;
    }
    s->entries[0].twice = 3;
    s->entries[1].to = text(s->a, "\"title\"");
    s->entries[2].action = ENGINE_DROP;
    s->entries[2].notes = (struct engine_notes){notes, 1};
    s->entries[2].has_same = true;
    s->entries[2].same = text(s->a, "\"\"");
    s->entries[3].action = ENGINE_CAPTURE;
    s->entries[3].slot = 0;
    s->entries[4].child = &s->list;
    s->entries[5].child = &s->item;
    s->entries[6].to =
        text(s->a, "\"a name that is longer than what is copied at once\"");
    make_maps(s);
    for (size_t i = 0; i < COUNT(keys); i++)
        engine_entry_settle(&s->entries[i]);
    assert_true(s->entries[1].is_plain && !s->entries[2].is_plain &&
                !s->entries[5].is_plain && !s->entries[8].is_plain);
    assert_true(s->entries[1].way == ENGINE_STAYS &&
                s->entries[2].way == ENGINE_GOES &&
                s->entries[3].way == ENGINE_WAITS &&
                s->entries[6].way == ENGINE_GENERAL &&
                s->entries[7].way == ENGINE_MAPPED &&
                s->entries[8].way == ENGINE_STAYS);
    assert_true(engine_table_build(s->a, keys, COUNT(keys), &s->item.keys));
    s->op = (struct engine_op){
        .kind = ENGINE_OP_SLOT, .slot = 0, .text = text(s->a, "\"last\":")};
    s->item.entries = s->entries;
    s->item.ops = &s->op;
    s->item.n_ops = 1;
    s->item.n_slots = 1;
    s->each = (struct engine_entry){NOTHING, .child = &s->item};
    engine_entry_settle(&s->each);
    s->list.each = &s->each;
    s->root = (struct engine_entry){NOTHING, .child = &s->list};
    s->program = (struct engine_program){.root = &s->root, .n_notices = 2};
}

/* The same, where nothing waits: then an element is like the one before it. */
static void
open_lean_shop(struct shop *s)
{
    static const uint16_t notes[] = {0};
    open_shop(s);
    s->entries[3].action = ENGINE_DROP;
    engine_entry_settle(&s->entries[3]);
    s->item.n_slots = 0;
    s->entries[8].bit = 63; /* the last of its word */
    engine_entry_settle(&s->entries[8]);
    s->op = (struct engine_op){.kind = ENGINE_OP_MEMBER,
                               .needs = 1,
                               .unless = 2 | (uint64_t)1 << 63,
                               .text = text(s->a, "\"last\":[1]"),
                               .notes = {notes, 1}};
}

/* The same, where as many members come as go and nothing is to be done at an end. */
static void
open_light_shop(struct shop *s)
{
    open_lean_shop(s);
    s->entries[2].action = s->entries[3].action = ENGINE_KEEP;
    s->entries[2].notes = (struct engine_notes){0};
    s->entries[2].has_same = false;
    engine_entry_settle(&s->entries[2]);
    engine_entry_settle(&s->entries[3]);
    s->item.n_ops = 0;
}

/* ---- documents ------------------------------------------------------------------ */

static const char *const scalars[] = {
    "1",
    "-0.25",
    "1e5",
    "true",
    "false",
    "null",
    "\"\"",
    "\"of some words, [with] {marks}: none\"",
    "\"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\"",
    "\"\\\\\\\"\\u00e9\\n\\\\\"",
    "\"\\ud83d\\ude00\"",
    "[]",
    "{}",
    "[1,[2,{\"x\":[]}],\"]\"]",
    "{ \"y\" : {\"z\":\"}\"} , \"w\":[ ] }",
    "12345678901234567890123456789012345678901234567890"};
#define N_PACKED (COUNT(scalars) - 1) /* those that MessagePack can say */

/* NOLINTBEGIN(misc-no-recursion): three deep */
static void
add_item(struct buf *b, unsigned *seed, unsigned depth, unsigned n_scalars)
{
    static const char *const keys[] = {
        "\"id\"",          "\"name\"",   "\"gone\"",
        "\"late\"",        "\"other\"",  "\"a key of thirty and some bytes\"",
        "\"n\\u0061me2\"", "\"mapped\"", "\"text\""};
    /* Mostly all of them in their order; or some, or turned round. */
    unsigned way = dice(seed, 4);
    const char *space = dice(seed, 3) ? "" : "\n \t";
    buf_fmt(b, "{%s", space);
    for (unsigned i = 0, n = 0; i < COUNT(keys); i++) {
        unsigned k = way == 1 ? COUNT(keys) - 1 - i : i;
        if (way == 2 && dice(seed, 3) == 0)
            continue;
        buf_fmt(b, "%s%s%s%s:%s%s", n++ ? "," : "", space, keys[k], space,
                space, scalars[dice(seed, n_scalars)]);
    }
    if (depth && way != 2) {
        buf_fmt(b, ",\"inner\":");
        add_item(b, seed, depth - 1, n_scalars);
        buf_fmt(b, ",%s\"kids\":[", space);
        for (unsigned i = 0, n = dice(seed, 5); i < n; i++) {
            buf_str(b, i ? "," : "");
            add_item(b, seed, depth - 1, n_scalars);
        }
        buf_str(b, "]");
    }
    buf_fmt(b, "%s}", space);
}

/* NOLINTEND(misc-no-recursion) */

static void
fill(struct buf *b, unsigned *seed, size_t bytes, unsigned n_scalars)
{
    buf_clear(b);
    buf_byte(b, '[');
    do {
        add_item(b, seed, 2, n_scalars);
        buf_byte(b, ',');
    } while (buf_len(b) < bytes);
    buf_truncate(b, buf_len(b) - 1);
    buf_byte(b, ']');
}

/* ---- agreement ------------------------------------------------------------------ */

static bool
is_same(const struct ran *is, const struct ran *should)
{
    return is->verdict == should->verdict &&
           is->fault.why == should->fault.why &&
           is->fault.fault == should->fault.fault &&
           is->fault.offset == should->fault.offset &&
           span_eq(is->pointer, should->pointer) &&
           memcmp(is->told, should->told, sizeof(is->told)) == 0 &&
           (is->verdict == ENGINE_FAILED || span_eq(is->out, should->out));
}

/* In one piece and in two or three, at each level there is; by a machine of its own and
 * by one that came before. */
static void
agree(const struct shop *s, const struct engine_program *p, span body)
{
    struct arena *a = arena_new(ROOM);
    struct ran should = run_whole(a, p, body);
    for (int l = ENGINE_AVX2; l < ENGINE_LEVELS; l++)
        for (size_t k = 1; k <= 3; k++) {
            enum engine_level level = (enum engine_level)l;
            size_t n = body.len / k + 1;
            if (!engine_has_level(level))
                continue;
            struct ran is = run_cut(a, p, level, body, n, false);
            struct ran again = run_pooled(a, s->pool, p, level, body, n);
            if (!is_same(&is, &should) || !is_same(&again, &should))
                fail_msg("level %d, cut in %zu: %.*s", l, k,
                         SPAN_FMT(span_take(body, 400)));
        }
    arena_free(&a);
}

TEST(objects_of_a_list_that_differ_become_what_each_becomes_alone)
{
    struct shop s;
    struct shop lean;
    struct buf b;
    unsigned seed = 7;
    open_shop(&s);
    open_lean_shop(&lean);
    buf_init(&b, ROOM);
    for (size_t i = 0; i < 60; i++) {
        fill(&b, &seed, 100 + i * 150, COUNT(scalars));
        agree(&s, &s.program, buf_span(&b));
        agree(&lean, &lean.program, buf_span(&b));
    }
    buf_fini(&b);
    arena_free(&s.a);
    arena_free(&lean.a);
}

TEST(one_byte_changed_anywhere_is_judged_alike_at_every_level)
{
    static const char bytes[] =
        "\"\"\"\\\\{}[]:, 0-.eE+tu\x01\n\x0C\x1F\x7F\x80\xC3\xED\xF4";
    struct shop s;
    struct shop lean;
    struct buf b;
    unsigned seed = 11;
    open_shop(&s);
    open_lean_shop(&lean);
    buf_init(&b, ROOM);
    for (size_t i = 0; i < 1200; i++) {
        if (i % 100 == 0)
            fill(&b, &seed, 200 + i * 3, COUNT(scalars));
        size_t at = dice(&seed, (unsigned)buf_len(&b));
        char was = b.bytes[b.start + at];
        b.bytes[b.start + at] = bytes[dice(&seed, sizeof(bytes) - 1)];
        struct shop *is = i % 2 ? &lean : &s;
        agree(is, &is->program, buf_span(&b));
        b.bytes[b.start + at] = was;
    }
    buf_fini(&b);
    arena_free(&s.a);
    arena_free(&lean.a);
}

/* A map without rows asks but this: half a pair is no text, wherever it stands. */
TEST(half_a_pair_is_refused_where_a_text_must_be_one)
{
    static const char *const values[] = {
        "\"\\ud800\"", "\"a\\udc00b\"",      "\"\\ud83d\\ude00\"", "\"plain\"",
        "12",          "{\"k\":\"\\ud800\"}"};
    static const bool fails[] = {true, true, false, false, false, false};
    struct shop s;
    open_shop(&s);
    for (size_t i = 0; i < COUNT(values); i++) {
        span body = arena_fmt(
            s.a, "[{\"id\":1,\"text\":%s,\"name\":\"\\ud800\"}]", values[i]);
        struct ran r = run_whole(s.a, &s.program, body);
        assert_int_equal(r.verdict, fails[i] ? ENGINE_FAILED : ENGINE_DONE);
        if (fails[i])
            assert_int_equal(r.fault.why, ENGINE_SURROGATE);
        agree(&s, &s.program, body);
    }
    arena_free(&s.a);
}

/* Backslashes, quotes and what they cover, at every distance from a block's edge. */
TEST(escapes_are_whole_wherever_a_block_ends)
{
    static const char *const texts[] = {"\\\\\\\\\\\\\\\\\\\\\\\"",
                                        "\\u12aF\\\"",
                                        "\\\\\",\"\\\\",
                                        "\\u12a",
                                        "\\x",
                                        "\\\x01"};
    static const struct engine_entry root = {NOTHING};
    static const struct engine_program passes = {.root = &root};
    struct shop s;
    struct buf b;
    open_shop(&s);
    buf_init(&b, ROOM);
    for (size_t k = 0; k < COUNT(texts); k++)
        for (size_t before = 0; before < 70; before++) {
            buf_clear(&b);
            buf_str(&b, "[\"");
            for (size_t n = 0; n < before; n++)
                buf_byte(&b, 'x');
            buf_str(&b, texts[k]);
            buf_str(&b, "\",{\"k\":\"0123456789012345678901234567890123456789"
                        "01234567890123456789012345678901234567890123\"}]");
            agree(&s, &passes, buf_span(&b));
        }
    buf_fini(&b);
    arena_free(&s.a);
}

/* Wide space, behind the document too: nobody goes back and forth in it. */
TEST(space_of_any_width_is_passed_once)
{
    static const struct engine_entry root = {NOTHING};
    static const struct engine_program passes = {.root = &root};
    static const char *const parts[][3] = {
        {"2", "", ""},   {"2", "3.5]", ""},     {"[", "1", "]"},
        {"{", "}", ""},  {"{\"a\"", ":", "1}"}, {"[1", ",", "2]"},
        {"[1", "}", ""}, {"[", "", ""}};
    struct shop s;
    struct buf b;
    open_shop(&s);
    buf_init(&b, ROOM);
    for (size_t i = 0; i < COUNT(parts); i++)
        for (size_t width = 0; width < 600; width += 1 + width / 9) {
            buf_clear(&b);
            for (size_t k = 0; k < 3; k++)
                buf_fmt(&b, "%s%*s", parts[i][k], (int)width, "");
            agree(&s, &passes, buf_span(&b));
            agree(&s, &s.program, buf_span(&b));
        }
    buf_fini(&b);
    arena_free(&s.a);
}

/* ---- MessagePack ----------------------------------------------------------------- */

/* Three programs over it. */
struct packed_shops {
    struct shop shops[3];
    struct engine_program programs[3];
};

static struct packed_shops *
open_packed_shops(void)
{
    struct packed_shops *s = calloc(1, sizeof(*s));
    assert_non_null(s);
    open_shop(&s->shops[0]);
    open_lean_shop(&s->shops[1]);
    open_light_shop(&s->shops[2]);
    for (size_t i = 0; i < COUNT(s->shops); i++)
        s->programs[i] = packed_program(s->shops[i].a, &s->shops[i].program);
    return s;
}

static void
close_packed_shops(struct packed_shops *s)
{
    for (size_t i = 0; i < COUNT(s->shops); i++)
        arena_free(&s->shops[i].a);
    free(s);
}

TEST(packed_objects_that_differ_become_what_each_becomes_alone)
{
    struct packed_shops *s = open_packed_shops();
    struct buf b;
    unsigned seed = 19;
    buf_init(&b, ROOM);
    for (size_t i = 0; i < 60; i++) {
        struct arena *a = arena_new(ROOM);
        span body = {0};
        fill(&b, &seed, 100 + i * 150, N_PACKED);
        assert_true(packed_of(a, buf_span(&b), &body));
        for (size_t k = 0; k < COUNT(s->shops); k++)
            agree(&s->shops[k], &s->programs[k], body);
        arena_free(&a);
    }
    buf_fini(&b);
    close_packed_shops(s);
}

TEST(one_packed_byte_changed_anywhere_is_judged_alike_at_every_level)
{
    static const char bytes[] =
        "\x01\x7F\x80\x81\x8F\x90\x91\x9F\xA0\xA1\xBF\xC0\xC1\xC4\xC7\xCA"
        "\xCB\xCD\xD1\xD4\xD9\xDA\xDC\xDE\xE0\xFF"
        "az";
    struct packed_shops *s = open_packed_shops();
    struct arena *a = arena_new(ROOM);
    struct buf b;
    unsigned seed = 23;
    span body = {0};
    buf_init(&b, ROOM);
    for (size_t i = 0; i < 1500; i++) {
        if (i % 100 == 0) {
            arena_reset(a);
            fill(&b, &seed, 200 + i * 3, N_PACKED);
            assert_true(packed_of(a, buf_span(&b), &body));
            buf_clear(&b);
            buf_add(&b, body);
        }
        size_t at = dice(&seed, (unsigned)buf_len(&b));
        char was = b.bytes[b.start + at];
        b.bytes[b.start + at] = bytes[dice(&seed, sizeof(bytes) - 1)];
        size_t k = i % COUNT(s->shops);
        agree(&s->shops[k], &s->programs[k], buf_span(&b));
        b.bytes[b.start + at] = was;
    }
    buf_fini(&b);
    arena_free(&a);
    close_packed_shops(s);
}

/* Frames take more memory on the way, and there is a depth where it ends. */
TEST(packed_objects_are_as_deep_as_they_may_be_and_no_deeper)
{
    static const size_t depths[] = {3, 14, 15, 16, 17, 120, 126, 127, 128, 140};
    struct packed_shops *s = open_packed_shops();
    struct buf b;
    buf_init(&b, ROOM);
    for (size_t i = 0; i < COUNT(depths); i++) {
        struct arena *a = arena_new(ROOM);
        span body = {0};
        buf_clear(&b);
        buf_byte(&b, '[');
        for (size_t k = 0; k < 4; k++) {
            size_t n = k < 3 ? 2 : depths[i];
            for (size_t d = 0; d < n; d++)
                buf_str(&b, "{\"id\":1,\"inner\":");
            buf_str(&b, "[]");
            for (size_t d = 0; d < n; d++)
                buf_byte(&b, '}');
            buf_str(&b, k < 3 ? "," : "]");
        }
        assert_true(packed_of(a, buf_span(&b), &body));
        for (size_t k = 0; k < COUNT(s->shops); k++)
            agree(&s->shops[k], &s->programs[k], body);
        arena_free(&a);
    }
    buf_fini(&b);
    close_packed_shops(s);
}
