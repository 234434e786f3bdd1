/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every instruction by hand, each at every level and in every cut.
 */
#include "tests/test.h"
#include "tests/translators/engine/machine.h"

/* PLAIN is nothing at all; what follows it in the braces says otherwise. */
#ifdef __clang__
#pragma clang diagnostic ignored "-Winitializer-overrides"
#else
#pragma GCC diagnostic ignored "-Woverride-init"
#endif
#define PLAIN                                                                  \
    .bit = ENGINE_NONE, .twice = ENGINE_NONE, .fault = ENGINE_NONE,            \
    .slot = ENGINE_NONE, .note = ENGINE_NONE

#define KEYS_MAX 16

struct member {
    const char *key;
    struct engine_entry entry;
};

/* Texts as the machine wants them. */
static span
text(struct arena *a, const char *s)
{
    span out = {0};
    if (s)
        assert_true(engine_text(a, span_str(s), &out));
    return out;
}

static struct engine_table
table(struct arena *a, const char *const *strings, size_t n)
{
    struct engine_table t = {0};
    span spans[KEYS_MAX];
    for (size_t i = 0; i < n; i++)
        spans[i] = span_str(strings[i]);
    assert_true(engine_table_build(a, spans, n, &t));
    return t;
}

/* Members become the known keys of a state. */
static void
know(struct arena *a, struct engine_state *s, const struct member *members,
     size_t n)
{
    const char *keys[KEYS_MAX];
    struct engine_entry *entries = arena_array(a, n, sizeof(*entries));
    assert_non_null(entries);
    for (size_t i = 0; i < n; i++) {
        keys[i] = members[i].key;
        entries[i] = members[i].entry;
        if (entries[i].to.at)
            entries[i].to = text(a, entries[i].to.at);
        if (entries[i].same.at)
            entries[i].same = text(a, entries[i].same.at);
    }
    s->keys = table(a, keys, n);
    s->entries = entries;
}

static void
end_with(struct arena *a, struct engine_state *s, const struct engine_op *ops,
         size_t n)
{
    struct engine_op *copy = arena_array(a, n, sizeof(*copy));
    assert_non_null(copy);
    for (size_t i = 0; i < n; i++) {
        copy[i] = ops[i];
        if (copy[i].text.at)
            copy[i].text = text(a, copy[i].text.at);
    }
    s->ops = copy;
    s->n_ops = n;
}

struct trial {
    struct arena *a;
    struct engine_entry root;
    struct engine_program program;
};

static void
begin(struct trial *t, const struct engine_state *state)
{
    t->root = (struct engine_entry){PLAIN, .child = state};
    t->program = (struct engine_program){.root = &t->root, .n_notices = 4};
}

static void
becomes(const struct trial *t, const char *in, const char *out)
{
    struct ran r = run_all(t->a, &t->program, span_str(in));
    if (r.verdict != ENGINE_DONE || !span_is(r.out, out))
        fail_msg("%s\nbecomes %.*s (%d)\nnot %s", in, SPAN_FMT(r.out),
                 r.verdict, out);
}

static void
fails(const struct trial *t, const char *in, enum engine_why why,
      unsigned fault, const char *pointer)
{
    struct ran r = run_all(t->a, &t->program, span_str(in));
    if (r.verdict != ENGINE_FAILED || r.fault.why != why ||
        (why == ENGINE_BY_PROGRAM && r.fault.fault != fault) ||
        !span_is(r.pointer, pointer))
        fail_msg("%s: verdict %d, why %d, fault %u, at %.*s", in, r.verdict,
                 r.fault.why, r.fault.fault, SPAN_FMT(r.pointer));
}

static const char aaaa[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
                           "aaaaaaaaaaaaaaaaaaaaaaaaa";

TEST(renames_and_drops_leave_all_else_as_it_came)
{
    static const uint16_t zero[] = {0};
    struct trial t = {.a = arena_new(ROOM)};
    struct engine_state s = {0};
    const struct member members[] = {
        {"old", {PLAIN, .bit = 0, .twice = 7, .to = SPAN("\"new name\"")}},
        {"gone",
         {PLAIN, .action = ENGINE_DROP, .bit = 1, .twice = 7, .has_same = true,
          .same = SPAN("\"s\""), .notes = {zero, 1}}},
        {"", {PLAIN, .to = SPAN("\"empty\"")}},
        {"a very long key that no word can hold",
         {PLAIN, .to = SPAN("\"another key that is longer than thirty-two "
                            "bytes\"")}},
    };
    know(t.a, &s, members, COUNT(members));
    begin(&t, &s);
    becomes(&t, "{}", "{}");
    becomes(&t, "{\"old\":1}", "{\"new name\":1}");
    becomes(&t, " { \"x\" : [ ] , \"old\" : { } } ",
            " { \"x\" : [ ] , \"new name\" : { } } ");
    becomes(&t, "{\"gone\":1}", "{}");
    becomes(&t, "{\"gone\":1,\"x\":2}", "{\"x\":2}");
    becomes(&t, "{ \"gone\" : 1 , \"x\":2 }", "{  \"x\":2 }");
    becomes(&t, "{\"x\":2,\"gone\":[{\"old\":3}]}", "{\"x\":2}");
    becomes(&t, "{\"x\":2 , \"gone\":1 , \"y\":3}", "{\"x\":2 , \"y\":3}");
    becomes(&t, "{\"\":0,\"a very long key that no word can hold\":1}",
            "{\"empty\":0,\"another key that is longer than thirty-two "
            "bytes\":1}");
    becomes(&t, "{\"a very long key that no word can hild\":1}",
            "{\"a very long key that no word can hild\":1}");
    becomes(&t, "{\"\\u006fld\":1,\"o\":2}", "{\"new name\":1,\"o\":2}");
    becomes(&t, "[{\"old\":1}]", "[{\"old\":1}]");
    fails(&t, "{\"x\":0,\"old\":1,\"\\u006fld\":1}", ENGINE_BY_PROGRAM, 7,
          "/old");
    fails(&t, "{\"gone\":tru}", ENGINE_BAD_JSON, 0, "/gone");
    fails(&t, "{\"gone\":1,}", ENGINE_BAD_JSON, 0, "/gone");
    struct ran r = run_all(t.a, &t.program,
                           SPAN("{\"x\":{\"gone\":0},\"gone\":\"\\u0073\"}"));
    assert_int_equal(r.told[0], 0);
    r = run_all(t.a, &t.program, SPAN("{\"x\":0,\"gone\":{\"s\":\"s\"}}"));
    assert_int_equal(r.told[0], 1);
    assert_span(r.told_at[0], "/gone");
    arena_free(&t.a);
}

static enum engine_formed
shout(const void *arg, span scalar, struct arena *scratch, struct buf *out)
{
    (void)scratch;
    if (scalar.at[0] != '"')
        return arg ? ENGINE_OUTSIDE : ENGINE_AS_IT_IS;
    buf_str(out, "\"!");
    buf_add(out, span_skip(scalar, 1));
    return scalar.len > 4 ? ENGINE_RESPELT : ENGINE_FORMED;
}

TEST(scalars_are_mapped_by_what_they_say)
{
    static const char *const from[] = {"\"p\"", "5", "true", "\"\\n\"",
                                       "\"\xC3\xA9\""};
    static const uint16_t zero[] = {0};
    static const uint16_t one[] = {1};
    struct trial t = {.a = arena_new(ROOM)};
    struct engine_row rows[] = {
        {.to = text(t.a, "\"queue\""), .fault = ENGINE_NONE},
        {.to = text(t.a, "\"five\""), .fault = ENGINE_NONE, .notes = {zero, 1}},
        {.fault = 3},
        {.to = text(t.a, "null"), .fault = ENGINE_NONE},
        {.fault = ENGINE_NONE}};
    struct engine_map passes = {.table = table(t.a, from, COUNT(from)),
                                .rows = rows,
                                .fault = ENGINE_NONE};
    struct engine_map refuses = passes;
    refuses.fault = 4;
    struct engine_form form = {.fn = shout, .fault = 5, .notes = {one, 1}};
    struct engine_form strict = {.fn = shout, .arg = &form, .fault = 5};
    struct engine_map forms = passes;
    forms.form = &form;
    struct engine_map strictly = passes;
    strictly.form = &strict;
    struct engine_state s = {0};
    const struct member members[] = {
        {"a", {PLAIN, .map = &passes}},
        {"b", {PLAIN, .map = &refuses, .refused = ENGINE_LIST, .fault = 6}},
        {"c", {PLAIN, .map = &forms, .to = SPAN("\"C\"")}},
        {"d", {PLAIN, .map = &strictly}},
        {"e", {PLAIN, .action = ENGINE_DROP, .map = &refuses}}};
    know(t.a, &s, members, COUNT(members));
    begin(&t, &s);
    becomes(&t, "{\"a\":\"p\"}", "{\"a\":\"queue\"}");
    becomes(&t, "{\"a\":\"\\u0070\"}", "{\"a\":\"queue\"}");
    becomes(&t, "{\"a\": 5 ,\"z\":5}", "{\"a\": \"five\" ,\"z\":5}");
    becomes(&t, "{\"a\":5.0}", "{\"a\":5.0}");
    becomes(&t, "{\"a\":\"\\u000a\"}", "{\"a\":null}");
    becomes(&t, "{\"a\":\"\\u00e9\"}", "{\"a\":\"\\u00e9\"}");
    becomes(&t, "{\"a\":{\"p\":[\"p\"]}}", "{\"a\":{\"p\":[\"p\"]}}");
    becomes(&t, "{\"c\":\"ab\",\"d\":\"x\"}", "{\"C\":\"!ab\",\"d\":\"!x\"}");
    becomes(&t, "{\"c\":\"p\",\"d\":\"p\"}",
            "{\"C\":\"queue\",\"d\":\"queue\"}");
    becomes(&t, "{\"c\":1e5,\"e\":5}", "{\"C\":1e5}");
    fails(&t, "{\"x\":0,\"a\":true}", ENGINE_BY_PROGRAM, 3, "/a");
    fails(&t, "{\"b\":\"q\"}", ENGINE_BY_PROGRAM, 4, "/b");
    fails(&t, "{\"b\":[]}", ENGINE_BY_PROGRAM, 6, "/b");
    fails(&t, "{\"d\":1e5}", ENGINE_BY_PROGRAM, 5, "/d");
    fails(&t, "{\"e\":1}", ENGINE_BY_PROGRAM, 4, "/e");
    fails(&t, "{\"a\":\"\\ud800\"}", ENGINE_SURROGATE, 0, "/a");
    fails(&t, "{\"a\":\"p", ENGINE_BAD_JSON, 0, "/a");
    fails(&t, "{\"a\":-", ENGINE_BAD_JSON, 0, "/a");
    struct ran r = run_all(t.a, &t.program,
                           SPAN("{\"a\":5,\"a\":5,\"c\":\"long enough\"}"));
    assert_int_equal(r.told[0], 2);
    assert_span(r.told_at[0], "/a");
    assert_int_equal(r.told[1], 1);
    assert_span(r.told_at[1], "/c");
    arena_free(&t.a);
}

TEST(what_must_be_seen_whole_has_a_limit)
{
    static const char *const from[] = {"\"p\""};
    struct trial t = {.a = arena_new(ROOM)};
    struct engine_row rows[] = {{.fault = ENGINE_NONE}};
    struct engine_map map = {
        .table = table(t.a, from, 1), .rows = rows, .fault = ENGINE_NONE};
    struct engine_state s = {0};
    const struct member members[] = {{"a", {PLAIN, .map = &map}}};
    know(t.a, &s, members, COUNT(members));
    begin(&t, &s);
    for (size_t n = 4096; n <= 4097; n++) {
        static char body[8192];
        span head = SPAN("{\"a\":\"");
        memset(body, 'x', sizeof(body));
        for (size_t i = 0; i < head.len; i++)
            body[i] = head.at[i];
        body[n + 4] = '"';
        body[n + 5] = '}';
        struct ran r = run_all(t.a, &t.program, span_of(body, n + 6));
        assert_int_equal(r.verdict, n == 4096 ? ENGINE_DONE : ENGINE_FAILED);
        if (n > 4096)
            assert_int_equal(r.fault.why, ENGINE_TOO_LONG);
    }
    arena_free(&t.a);
}

TEST(constants_come_at_the_end_unless_something_was_seen)
{
    static const uint16_t zero[] = {0};
    struct trial t = {.a = arena_new(ROOM)};
    struct engine_state s = {0};
    const struct member members[] = {
        {"a", {PLAIN, .bit = 0}},
        {"far", {PLAIN, .bit = 130}},
        {"gone", {PLAIN, .action = ENGINE_DROP, .bit = 1}}};
    const struct engine_op ops[] = {
        {.kind = ENGINE_OP_MEMBER,
         .unless = 1,
         .text = SPAN("\"a\":0"),
         .notes = {zero, 1}},
        {.kind = ENGINE_OP_MEMBER, .needs = 2, .text = SPAN("\"was\":true")},
        {.kind = ENGINE_OP_JUMP, .word = 2, .unless = 4, .jump = 1},
        {.kind = ENGINE_OP_FAIL, .needs = 1, .fault = 9},
        {.kind = ENGINE_OP_MEMBER, .text = SPAN("\"last\":[1,2,3]")}};
    know(t.a, &s, members, COUNT(members));
    end_with(t.a, &s, ops, COUNT(ops));
    begin(&t, &s);
    becomes(&t, "{}", "{\"a\":0,\"last\":[1,2,3]}");
    becomes(&t, "{ }", "{\"a\":0,\"last\":[1,2,3] }");
    becomes(&t, "{\"a\":1 }", "{\"a\":1,\"last\":[1,2,3] }");
    becomes(&t, "{\"gone\":1}", "{\"a\":0,\"was\":true,\"last\":[1,2,3]}");
    becomes(&t, "{\"x\":1,\"gone\":1 }",
            "{\"x\":1,\"a\":0,\"was\":true,\"last\":[1,2,3] }");
    becomes(&t, "{\"far\":1}", "{\"far\":1,\"a\":0,\"last\":[1,2,3]}");
    fails(&t, "{\"far\":1,\"a\":1}", ENGINE_BY_PROGRAM, 9, "/a");
    struct ran r = run_all(t.a, &t.program, SPAN(" {}"));
    assert_int_equal(r.told[0], 1);
    assert_span(r.told_at[0], "");
    arena_free(&t.a);
}

/* price and currency go into a made `money`, from two levels. */
TEST(values_wait_for_the_end_of_an_object_that_is_open)
{
    struct trial t = {.a = arena_new(ROOM)};
    struct engine_state inner = {0};
    struct engine_state outer = {.n_slots = 2};
    const struct member inside[] = {
        {"currency", {PLAIN, .action = ENGINE_CAPTURE, .up = 1, .slot = 1}},
        {"old", {PLAIN, .to = SPAN("\"new\"")}}};
    const struct member members[] = {{"price",
                                      {PLAIN, .action = ENGINE_CAPTURE,
                                       .slot = 0, .child = &inner, .fault = 5}},
                                     {"host", {PLAIN, .child = &inner}}};
    const struct engine_op ops[] = {
        {.kind = ENGINE_OP_OPEN, .text = SPAN("\"money\":{")},
        {.kind = ENGINE_OP_OPEN, .text = SPAN("\"in\":{")},
        {.kind = ENGINE_OP_SLOT, .slot = 0, .text = SPAN("\"amount\":")},
        {.kind = ENGINE_OP_SHUT, .text = SPAN("}")},
        {.kind = ENGINE_OP_SLOT, .slot = 1, .text = SPAN("\"cur\":")},
        {.kind = ENGINE_OP_SHUT, .text = SPAN("}")}};
    know(t.a, &inner, inside, COUNT(inside));
    know(t.a, &outer, members, COUNT(members));
    end_with(t.a, &outer, ops, COUNT(ops));
    begin(&t, &outer);
    becomes(&t, "{}", "{}");
    becomes(&t, "{\"price\":12.50}", "{\"money\":{\"in\":{\"amount\":12.50}}}");
    becomes(&t, "{\"x\":1, \"price\" : 12.50 , \"y\":2 }",
            "{\"x\":1 , \"y\":2,\"money\":{\"in\":{\"amount\":12.50}} }");
    becomes(&t, "{\"host\":{\"currency\":\"eur\"},\"z\":0}",
            "{\"host\":{},\"z\":0,\"money\":{\"cur\":\"eur\"}}");
    becomes(&t, "{\"host\":{\"old\":1,\"currency\":\"e\",\"b\":2},\"price\":1}",
            "{\"host\":{\"new\":1,\"b\":2},\"money\":{\"in\":{\"amount\":1},"
            "\"cur\":\"e\"}}");
    fails(&t, "{\"price\":1,\"x\":0,\"price\":2}", ENGINE_BY_PROGRAM, 5,
          "/price");
    /* The captured value is edited, and gives away a member of its own. */
    becomes(
        &t,
        "{\"price\":{\"old\":[1],\"currency\":{\"old\":2},\"z\":3},\"k\":4}",
        "{\"k\":4,\"money\":{\"in\":{\"amount\":{\"new\":[1],\"z\":3}},"
        "\"cur\":{\"old\":2}}}");
    arena_free(&t.a);
}

/* Both values in a list; of a 0 nothing, of an 8 two notices, of a 9 a failure. */
static enum engine_formed
pair(const void *arg, const span *noted, struct arena *scratch, struct buf *out,
     size_t *told)
{
    (void)arg;
    (void)scratch;
    span x = noted[0], y = noted[1];
    if (span_is(x, "9"))
        return ENGINE_OUTSIDE;
    if (span_is(x, "0"))
        return ENGINE_FORMED;
    told[0] = span_is(x, "8") ? 2 : 0;
    buf_fmt(out, "[%.*s,%.*s]", SPAN_FMT(x.len ? x : SPAN("null")),
            SPAN_FMT(y.len ? y : SPAN("null")));
    return ENGINE_FORMED;
}

static const uint16_t notice_0[] = {0};
static const struct engine_notes told_of_pair[] = {{notice_0, 1}};
static const struct engine_where of_pair[] = {{0, 0}, {0, 1}};
static const struct engine_several two_of_pair = {pair, NULL,         of_pair,
                                                  2,    told_of_pair, 1};

TEST(what_is_made_of_several_values_is_made_when_their_object_ends)
{
    struct arena *a = arena_new(ROOM);
    struct engine_state inner = {0};
    struct engine_state s = {.n_slots = 2};
    know(a, &inner,
         (const struct member[]){
             {"x", {PLAIN, .action = ENGINE_DROP, .note = 0, .note_up = 1}}},
         1);
    know(a, &s,
         (const struct member[]){{"o", {PLAIN, .child = &inner}},
                                 {"y", {PLAIN, .bit = 1, .note = 1}}},
         2);
    end_with(a, &s,
             (const struct engine_op[]){{.kind = ENGINE_OP_VALUE,
                                         .fault = 3,
                                         .several = &two_of_pair,
                                         .text = SPAN("\"p\":")}},
             1);
    struct trial t = {.a = a};
    begin(&t, &s);
    becomes(&t, "{\"o\":{\"x\":1,\"z\":2},\"y\":\"\\u0061\"}",
            "{\"o\":{\"z\":2},\"y\":\"\\u0061\",\"p\":[1,\"a\"]}");
    becomes(&t, "{\"y\":2,\"o\":{\"x\":\"q\"}}",
            "{\"y\":2,\"o\":{},\"p\":[\"q\",2]}");
    becomes(&t, "{\"y\":{},\"o\":{\"x\":8}}",
            "{\"y\":{},\"o\":{},\"p\":[8,{}]}");
    becomes(&t, "{}", "{\"p\":[null,null]}");
    becomes(&t, "{\"o\":{\"x\":0}}", "{\"o\":{}}");
    fails(&t, "{\"o\":{\"x\":9}}", ENGINE_BY_PROGRAM, 3, "/o");
    arena_free(&a);
}

TEST(a_container_is_noted_whole_wherever_it_goes)
{
    struct arena *a = arena_new(ROOM);
    struct engine_state in = {0}, middle = {0};
    struct engine_state s = {.n_slots = 3};
    know(a, &in,
         (const struct member[]){
             {"x",
              {PLAIN, .again = &engine_notes_whole, .note = 0, .note_up = 2}}},
         1);
    know(a, &middle, (const struct member[]){{"i", {PLAIN, .child = &in}}}, 1);
    know(a, &s,
         (const struct member[]){
             {"o", {PLAIN, .child = &middle}},
             {"gone",
              {PLAIN, .again = &engine_notes_whole, .action = ENGINE_DROP,
               .note = 1}},
             {"last",
              {PLAIN, .again = &engine_notes_whole, .action = ENGINE_CAPTURE,
               .slot = 2, .note = 1}}},
         3);
    end_with(a, &s,
             (const struct engine_op[]){
                 {.kind = ENGINE_OP_VALUE,
                  .fault = 3,
                  .several = &two_of_pair,
                  .text = SPAN("\"p\":")},
                 {.kind = ENGINE_OP_SLOT, .slot = 2, .text = SPAN("\"l\":")}},
             2);
    struct trial t = {.a = a};
    begin(&t, &s);
    becomes(&t, "{\"o\":{\"i\":{\"x\":{\"a\":[1]}}},\"gone\":[{},2],\"z\":3}",
            "{\"o\":{\"i\":{\"x\":{\"a\":[1]}}},\"z\":3,\"p\":[{\"a\":[1]},[{},"
            "2]]}");
    becomes(&t, "{\"gone\":\"\\u0061\",\"o\":{\"i\":{\"x\":8}}}",
            "{\"o\":{\"i\":{\"x\":8}},\"p\":[8,\"a\"]}");
    becomes(&t, "{\"last\":{\"x\":[]},\"y\":[]}",
            "{\"y\":[],\"p\":[null,{\"x\":[]}],\"l\":{\"x\":[]}}");
    becomes(&t, "{\"gone\":{\"x\":[[[\"long enough to be cut\"]]]}}",
            "{\"p\":[null,{\"x\":[[[\"long enough to be cut\"]]]}]}");
    arena_free(&a);
}

TEST(a_container_becomes_the_one_element_of_a_list)
{
    struct arena *a = arena_new(ROOM);
    struct engine_state in = {0}, s = {0};
    know(a, &in,
         (const struct member[]){{"old", {PLAIN, .to = SPAN("\"new\"")}}}, 1);
    know(a, &s,
         (const struct member[]){{"w",
                                  {PLAIN, .again = &engine_wraps, .child = &in,
                                   .to = SPAN("\"ws\"")}},
                                 {"gone", {PLAIN, .action = ENGINE_DROP}}},
         2);
    struct trial t = {.a = a};
    begin(&t, &s);
    becomes(&t, "{\"gone\":1,\"w\":{\"old\":[1],\"x\":{}},\"z\":3}",
            "{\"ws\":[{\"new\":[1],\"x\":{}}],\"z\":3}");
    becomes(&t, "{\"w\":[],\"z\":{\"w\":1}}", "{\"ws\":[[]],\"z\":{\"w\":1}}");
    becomes(&t, "{\"w\":{}}", "{\"ws\":[{}]}");
    becomes(&t, "{\"w\":1,\"gone\":{}}", "{\"ws\":1}");
    arena_free(&a);
}

TEST(values_wait_within_values_that_wait)
{
    struct trial t = {.a = arena_new(ROOM)};
    struct engine_state node = {.n_slots = 1};
    struct engine_state list = {0};
    struct engine_entry each = {PLAIN, .child = &node};
    const struct member members[] = {
        {"child", {PLAIN, .action = ENGINE_CAPTURE, .child = &node}},
        {"kids", {PLAIN, .to = SPAN("\"children\""), .child = &list}},
        {"n", {PLAIN, .to = SPAN("\"name\"")}}};
    const struct engine_op ops[] = {
        {.kind = ENGINE_OP_OPEN, .text = SPAN("\"in\":{")},
        {.kind = ENGINE_OP_SLOT, .text = SPAN("\"child\":")},
        {.kind = ENGINE_OP_SHUT, .text = SPAN("}")}};
    struct member slotted[COUNT(members)];
    memcpy(slotted, members, sizeof(members));
    slotted[0].entry.slot = 0;
    list.each = &each;
    know(t.a, &node, slotted, COUNT(slotted));
    end_with(t.a, &node, ops, COUNT(ops));
    begin(&t, &node);
    becomes(&t, "{\"child\":{\"child\":{\"n\":1},\"n\":2},\"n\":3}",
            "{\"name\":3,\"in\":{\"child\":{\"name\":2,\"in\":{\"child\":{"
            "\"name\":1}}}}}");
    becomes(
        &t,
        "{\"kids\":[{\"child\":1,\"n\":0},{\"n\":5,\"child\":[{\"n\":1}]},7],"
        "\"child\":{\"kids\":[{\"child\":2}, {\"child\":{\"child\":3}}]}}",
        "{\"children\":[{\"name\":0,\"in\":{\"child\":1}},{\"name\":5,"
        "\"in\":{\"child\":[{\"n\":1}]}},7],\"in\":{\"child\":{\"children\":"
        "[{\"in\":{\"child\":2}}, {\"in\":{\"child\":{\"in\":{\"child\":3}"
        "}}}]}}}");
    /* Deeper than the machine's first frames, and as deep as may be. */
    struct buf in;
    struct buf out;
    buf_init(&in, ROOM);
    buf_init(&out, ROOM);
    for (size_t i = 0; i < 100; i++) {
        buf_str(&in, "{\"n\":1,\"child\":");
        buf_str(&out, "{\"name\":1,\"in\":{\"child\":");
    }
    buf_byte(&in, '0');
    buf_byte(&out, '0');
    for (size_t i = 0; i < 100; i++) {
        buf_str(&in, "}");
        buf_str(&out, "}}");
    }
    struct ran r = run_all(t.a, &t.program, buf_span(&in));
    assert_int_equal(r.verdict, ENGINE_DONE);
    assert_true(span_eq(r.out, buf_span(&out)));
    buf_fini(&in);
    buf_fini(&out);
    arena_free(&t.a);
}

TEST(slots_are_given_back_and_have_a_limit)
{
    struct trial t = {.a = arena_new(ROOM)};
    struct engine_state item = {.n_slots = 1};
    struct engine_state list = {0};
    struct engine_entry each = {PLAIN, .child = &item};
    const struct member members[] = {
        {"a", {PLAIN, .action = ENGINE_CAPTURE, .slot = 0}}};
    const struct engine_op ops[] = {
        {.kind = ENGINE_OP_SLOT, .slot = 0, .text = SPAN("\"b\":")}};
    list.each = &each;
    know(t.a, &item, members, COUNT(members));
    end_with(t.a, &item, ops, COUNT(ops));
    begin(&t, &list);
    struct buf b;
    buf_init(&b, ROOM);
    buf_byte(&b, '[');
    for (size_t i = 0; i < 500; i++) /* in sum far more than may be held */
        buf_fmt(&b, "%s{\"a\":\"%s\",\"i\":%zu}", i ? "," : "", aaaa, i);
    buf_byte(&b, ']');
    assert_int_equal(run_all(t.a, &t.program, buf_span(&b)).verdict,
                     ENGINE_DONE);
    buf_clear(&b);
    buf_str(&b, "[{\"a\":[");
    for (size_t i = 0; i < 100; i++) /* in one slot */
        buf_fmt(&b, "%s\"%s\"", i ? "," : "", aaaa);
    buf_str(&b, "]}]");
    struct ran r = run_all(t.a, &t.program, buf_span(&b));
    assert_int_equal(r.verdict, ENGINE_FAILED);
    assert_int_equal(r.fault.why, ENGINE_TOO_LONG);
    assert_span(r.pointer, "/0/a");
    buf_fini(&b);
    arena_free(&t.a);
}

TEST(a_guard_asks_a_scalar_that_was_seen)
{
    static const char *const card[] = {"\"card\"", "7"};
    struct trial t = {.a = arena_new(ROOM)};
    struct engine_test is_card = {.slot = 0, .values = table(t.a, card, 2)};
    struct engine_test is_not = is_card;
    is_not.negated = true;
    struct engine_test outer_is = is_card;
    outer_is.up = 1;
    struct engine_entry other = {PLAIN, .action = ENGINE_DROP};
    struct engine_state inner = {0};
    struct engine_state s = {.n_slots = 2};
    const struct member inside[] = {
        {"x", {PLAIN, .to = SPAN("\"y\""), .when = &outer_is}}};
    const struct member members[] = {
        {"kind", {PLAIN, .note = 0}},
        {"number",
         {PLAIN, .to = SPAN("\"pan\""), .when = &is_card, .otherwise = &other}},
        {"in", {PLAIN, .child = &inner}},
        {"late", {PLAIN, .action = ENGINE_CAPTURE, .slot = 1}}};
    const struct engine_op ops[] = {
        {.kind = ENGINE_OP_SLOT,
         .slot = 1,
         .when = &is_card,
         .text = SPAN("\"card_late\":")},
        {.kind = ENGINE_OP_FULL, .slot = 1, .when = &is_not, .fault = 3},
        {.kind = ENGINE_OP_MEMBER, .when = &is_not, .text = SPAN("\"no\":1")}};
    know(t.a, &inner, inside, COUNT(inside));
    know(t.a, &s, members, COUNT(members));
    end_with(t.a, &s, ops, COUNT(ops));
    begin(&t, &s);
    becomes(&t, "{\"kind\":\"card\",\"number\":1,\"in\":{\"x\":1}}",
            "{\"kind\":\"card\",\"pan\":1,\"in\":{\"y\":1}}");
    becomes(&t, "{\"kind\":\"c\\u0061rd\",\"number\":1}",
            "{\"kind\":\"c\\u0061rd\",\"pan\":1}");
    becomes(&t, "{\"kind\":\"cash\",\"number\":1,\"in\":{\"x\":1}}",
            "{\"kind\":\"cash\",\"in\":{\"x\":1},\"no\":1}");
    becomes(&t, "{\"number\":1,\"kind\":7}", "{\"kind\":7}");
    becomes(&t, "{\"late\":[1],\"kind\":7}", "{\"kind\":7,\"card_late\":[1]}");
    fails(&t, "{\"late\":[1],\"kind\":8}", ENGINE_BY_PROGRAM, 3, "/kind");
    arena_free(&t.a);
}

TEST(elements_have_entries_by_position_and_for_all_others)
{
    static const uint16_t two[] = {2};
    struct trial t = {.a = arena_new(ROOM)};
    struct engine_state inner = {0};
    struct engine_state list = {0};
    struct engine_state s = {.n_slots = 1};
    struct engine_entry items[] = {
        {PLAIN, .action = ENGINE_CAPTURE, .up = 1, .slot = 0, .child = &inner},
        {PLAIN, .action = ENGINE_DROP, .notes = {two, 1}}};
    struct engine_entry each = {PLAIN, .child = &inner, .refused = ENGINE_NULL,
                                .fault = 2};
    const struct member inside[] = {{"a", {PLAIN, .to = SPAN("\"b\"")}}};
    const struct member members[] = {{"list", {PLAIN, .child = &list}}};
    const struct engine_op ops[] = {
        {.kind = ENGINE_OP_SLOT, .slot = 0, .text = SPAN("\"first\":")}};
    list.items = items;
    list.n_items = COUNT(items);
    list.each = &each;
    know(t.a, &inner, inside, COUNT(inside));
    know(t.a, &s, members, COUNT(members));
    end_with(t.a, &s, ops, COUNT(ops));
    begin(&t, &s);
    becomes(&t, "{\"list\":[]}", "{\"list\":[]}");
    becomes(&t, "{\"list\":[ 1 ]}", "{\"list\":[  ],\"first\":1}");
    becomes(&t, "{\"list\":[{\"a\":1},2]}",
            "{\"list\":[],\"first\":{\"b\":1}}");
    becomes(&t, "{\"list\":[1,2,{\"a\":3} , 4 ]}",
            "{\"list\":[{\"b\":3} , 4 ],\"first\":1}");
    fails(&t, "{\"list\":[1,2,3,4,null]}", ENGINE_BY_PROGRAM, 2, "/list/4");
    struct ran r =
        run_all(t.a, &t.program, SPAN("{\"list\":[1,[2],{\"a\":3}]}"));
    assert_int_equal(r.told[2], 1);
    assert_span(r.told_at[2], "/list/1");
    arena_free(&t.a);
}

TEST(all_other_keys_may_have_an_entry_and_what_goes_is_looked_into)
{
    static const uint16_t one[] = {1};
    struct trial t = {.a = arena_new(ROOM)};
    struct engine_entry refuse = {PLAIN, .action = ENGINE_REFUSE, .fault = 1};
    refuse.fault = 1;
    struct engine_entry drop = {PLAIN, .action = ENGINE_DROP,
                                .notes = {one, 1}};
    struct engine_state strict = {.other = &refuse};
    struct engine_state s = {.other = &drop};
    const struct member members[] = {
        {"keep", {PLAIN, .child = &strict}},
        {"bag", {PLAIN, .action = ENGINE_DROP, .child = &strict}}};
    const struct member known[] = {{"k", {PLAIN}}};
    know(t.a, &strict, known, COUNT(known));
    know(t.a, &s, members, COUNT(members));
    begin(&t, &s);
    becomes(&t, "{\"x\":1,\"keep\":{\"k\":[1]},\"y\":{\"z\":2}}",
            "{\"keep\":{\"k\":[1]}}");
    becomes(&t, "{\"bag\":{\"k\":[1]},\"keep\":{}}", "{\"keep\":{}}");
    becomes(&t, "{\"keep\":{},\"bag\":[1,{\"x\":2}]}", "{\"keep\":{}}");
    fails(&t, "{\"keep\":{\"k\":1,\"l\":2}}", ENGINE_BY_PROGRAM, 1, "/keep");
    fails(&t, "{\"bag\":{\"l\":2}}", ENGINE_BY_PROGRAM, 1, "/bag");
    arena_free(&t.a);
}

TEST(an_object_that_was_emptied_goes_and_takes_its_key_with_it)
{
    struct trial t = {.a = arena_new(ROOM)};
    struct engine_state host = {.prunes = true};
    struct engine_state outer = {.n_slots = 3};
    const struct engine_entry others = {PLAIN, .bit = 9};
    const struct member inside[] = {
        {"total",
         {PLAIN, .bit = 0, .action = ENGINE_CAPTURE, .up = 1, .slot = 0}},
        {"gone", {PLAIN, .bit = 1, .action = ENGINE_DROP}}};
    const struct member members[] = {
        {"host", {PLAIN, .bit = 0, .child = &host, .when = &engine_always}},
        {"named",
         {PLAIN, .to = SPAN("\"name\""), .child = &host,
          .when = &engine_always}},
        {"waits",
         {PLAIN, .action = ENGINE_CAPTURE, .slot = 1, .child = &host}}};
    const struct engine_op inner[] = {{.kind = ENGINE_OP_PRUNE,
                                       .needs = 1,
                                       .unless = (uint64_t)1 << 9,
                                       .slot = 1}};
    const struct engine_op ops[] = {
        {.kind = ENGINE_OP_SLOT, .slot = 0, .text = SPAN("\"total\":")},
        {.kind = ENGINE_OP_SLOT, .slot = 1, .text = SPAN("\"waited\":")},
        {.kind = ENGINE_OP_MEMBER, .needs = 2, .text = SPAN("\"pruned\":1")}};
    know(t.a, &host, inside, COUNT(inside));
    host.other = &others;
    end_with(t.a, &host, inner, COUNT(inner));
    know(t.a, &outer, members, COUNT(members));
    end_with(t.a, &outer, ops, COUNT(ops));
    begin(&t, &outer);
    becomes(&t, "{\"host\":{\"total\":1}}", "{\"total\":1,\"pruned\":1}");
    becomes(&t, "{\"host\" : { \"total\" : 1 } , \"x\":2}",
            "{ \"x\":2,\"total\":1,\"pruned\":1}");
    becomes(&t, "{\"x\":0, \"host\":{\"total\":[1,2],\"gone\":[]} , \"y\":2 }",
            "{\"x\":0 , \"y\":2,\"total\":[1,2],\"pruned\":1 }");
    becomes(&t, "{\"x\":0,\"host\":{\"total\":1},\"named\":{}}",
            "{\"x\":0,\"name\":{},\"total\":1,\"pruned\":1}");
    /* What stands in it keeps it, as does nothing that was taken. */
    becomes(&t, "{\"host\":{\"a\":0,\"total\":1}}",
            "{\"host\":{\"a\":0},\"total\":1}");
    becomes(&t, "{\"host\":{\"total\":1, \"a\":0}}",
            "{\"host\":{ \"a\":0},\"total\":1}");
    becomes(&t, "{\"host\":{ }}", "{\"host\":{ }}");
    becomes(&t, "{\"host\":{\"gone\":1}}", "{\"host\":{}}");
    becomes(&t, "{\"host\":null,\"named\":[]}", "{\"host\":null,\"name\":[]}");
    becomes(&t, "{\"named\":{\"total\":1},\"x\":1}",
            "{\"x\":1,\"total\":1,\"pruned\":1}");
    /* One that waits does not, then. */
    becomes(&t, "{\"waits\":{\"total\":1},\"x\":1}",
            "{\"x\":1,\"total\":1,\"pruned\":1}");
    becomes(&t, "{\"waits\":{\"b\":2,\"total\":1},\"x\":1}",
            "{\"x\":1,\"total\":1,\"waited\":{\"b\":2}}");
    arena_free(&t.a);
}

/* Hosts in hosts, and within values that wait. */
TEST(an_emptied_object_goes_out_of_what_is_emptied_or_waits)
{
    struct trial t = {.a = arena_new(ROOM)};
    struct engine_state low = {.prunes = true};
    struct engine_state high = {.prunes = true};
    struct engine_state held = {0};
    struct engine_state outer = {.n_slots = 2};
    const struct engine_entry others = {PLAIN, .bit = 9};
    const struct member in_low[] = {
        {"v", {PLAIN, .bit = 0, .action = ENGINE_CAPTURE, .up = 2, .slot = 0}}};
    const struct member in_high[] = {
        {"low", {PLAIN, .bit = 0, .child = &low, .when = &engine_always}}};
    const struct member in_held[] = {
        {"high", {PLAIN, .child = &high, .when = &engine_always}}};
    const struct member members[] = {
        {"high", {PLAIN, .child = &high, .when = &engine_always}},
        {"held", {PLAIN, .action = ENGINE_CAPTURE, .slot = 1, .child = &held}}};
    const struct engine_op low_ends[] = {{.kind = ENGINE_OP_PRUNE,
                                          .needs = 1,
                                          .unless = (uint64_t)1 << 9,
                                          .slot = 1}};
    const struct engine_op high_ends[] = {{.kind = ENGINE_OP_PRUNE,
                                           .needs = 2,
                                           .unless = (uint64_t)1 << 9,
                                           .slot = ENGINE_NONE}};
    const struct engine_op ops[] = {
        {.kind = ENGINE_OP_SLOT, .slot = 0, .text = SPAN("\"v\":")},
        {.kind = ENGINE_OP_SLOT, .slot = 1, .text = SPAN("\"held\":")}};
    know(t.a, &low, in_low, COUNT(in_low));
    know(t.a, &high, in_high, COUNT(in_high));
    know(t.a, &held, in_held, COUNT(in_held));
    know(t.a, &outer, members, COUNT(members));
    held.n_slots = 1;
    low.other = high.other = &others;
    end_with(t.a, &low, low_ends, COUNT(low_ends));
    end_with(t.a, &high, high_ends, COUNT(high_ends));
    end_with(t.a, &outer, ops, COUNT(ops));
    begin(&t, &outer);
    becomes(&t, "{\"a\":1,\"high\":{\"low\":{\"v\":7}}}", "{\"a\":1,\"v\":7}");
    becomes(&t, "{\"high\":{\"low\":{\"v\":7}},\"a\":1}", "{\"a\":1,\"v\":7}");
    becomes(&t, "{\"high\":{\"low\":{\"v\":7},\"k\":0},\"a\":1}",
            "{\"high\":{\"k\":0},\"a\":1,\"v\":7}");
    becomes(&t, "{\"high\":{\"k\":0,\"low\":{\"v\":7}},\"a\":1}",
            "{\"high\":{\"k\":0},\"a\":1,\"v\":7}");
    becomes(&t, "{\"high\":{\"low\":{\"v\":7,\"w\":8}}}",
            "{\"high\":{\"low\":{\"w\":8}},\"v\":7}");
    becomes(&t, "{\"high\":{\"low\":{}},\"high\":{}}",
            "{\"high\":{\"low\":{}},\"high\":{}}");
    becomes(&t, "{\"held\":{\"high\":{\"low\":{}},\"b\":2},\"x\":1}",
            "{\"x\":1,\"held\":{\"high\":{\"low\":{}},\"b\":2}}");
    arena_free(&t.a);
}

/* Its value waits in the object around it, which itself waits. */
TEST(what_waits_is_cut_back_where_an_object_in_it_was_emptied)
{
    struct trial t = {.a = arena_new(ROOM)};
    struct engine_state host = {.prunes = true};
    struct engine_state held = {.n_slots = 1};
    struct engine_state outer = {.n_slots = 1};
    const struct engine_entry others = {PLAIN, .bit = 9};
    const struct member inside[] = {
        {"v", {PLAIN, .bit = 0, .action = ENGINE_CAPTURE, .up = 1, .slot = 0}}};
    const struct member in_held[] = {
        {"host", {PLAIN, .child = &host, .when = &engine_always}}};
    const struct member members[] = {
        {"held", {PLAIN, .action = ENGINE_CAPTURE, .slot = 0, .child = &held}}};
    const struct engine_op host_ends[] = {{.kind = ENGINE_OP_PRUNE,
                                           .needs = 1,
                                           .unless = (uint64_t)1 << 9,
                                           .slot = ENGINE_NONE}};
    const struct engine_op held_ends[] = {
        {.kind = ENGINE_OP_SLOT, .text = SPAN("\"v\":")}};
    const struct engine_op ops[] = {
        {.kind = ENGINE_OP_SLOT, .text = SPAN("\"held\":")}};
    know(t.a, &host, inside, COUNT(inside));
    know(t.a, &held, in_held, COUNT(in_held));
    know(t.a, &outer, members, COUNT(members));
    host.other = &others;
    end_with(t.a, &host, host_ends, COUNT(host_ends));
    end_with(t.a, &held, held_ends, COUNT(held_ends));
    end_with(t.a, &outer, ops, COUNT(ops));
    begin(&t, &outer);
    becomes(&t, "{\"held\":{\"host\":{\"v\":7}}}", "{\"held\":{\"v\":7}}");
    becomes(&t, "{\"held\":{\"a\":1,\"host\":{\"v\":7},\"b\":2},\"x\":1}",
            "{\"x\":1,\"held\":{\"a\":1,\"b\":2,\"v\":7}}");
    becomes(&t, "{\"held\":{\"a\":1,\"host\":{\"v\":7,\"k\":[]}},\"x\":1}",
            "{\"x\":1,\"held\":{\"a\":1,\"host\":{\"k\":[]},\"v\":7}}");
    arena_free(&t.a);
}

TEST(no_memory_is_no_crash)
{
    struct engine_entry root = {PLAIN};
    struct engine_program program = {.root = &root, .n_notices = 2};
    struct engine_limits limits = {.depth_max = 4};
    struct buf out;
    buf_init(&out, 100);
    for (size_t n = 1; n < 8; n++) {
        struct arena *a = arena_new(ROOM);
        arena_fail_after(n);
        struct engine *m = engine_new(a, &program, &limits, &out);
        arena_fail_after(0);
        if (m)
            assert_int_equal(engine_feed(m, SPAN("[1]"), true), ENGINE_DONE);
        arena_free(&a);
    }
    buf_fini(&out);
}

TEST(a_full_output_is_a_failure_and_a_machine_may_be_used_again)
{
    struct engine_entry root = {PLAIN};
    struct engine_program program = {.root = &root};
    struct engine_limits limits = {.depth_max = 4};
    struct arena *a = arena_new(ROOM);
    struct buf out;
    buf_init(&out, 1000);
    struct engine *m = engine_new(a, &program, &limits, &out);
    assert_non_null(m);
    static char body[2002];
    memset(body, 'x', sizeof(body));
    body[0] = body[sizeof(body) - 1] = '"';
    assert_int_equal(engine_feed(m, span_of(body, sizeof(body)), true),
                     ENGINE_FAILED);
    assert_int_equal(engine_fault(m)->why, ENGINE_NO_ROOM);
    assert_int_equal(engine_feed(m, SPAN("1"), true), ENGINE_FAILED);
    buf_clear(&out);
    engine_restart(m);
    assert_int_equal(engine_feed(m, SPAN("{\"a\""), false), ENGINE_MORE);
    assert_int_equal(engine_feed(m, SPAN(":1}"), true), ENGINE_DONE);
    assert_span(buf_span(&out), "{\"a\":1}");
    buf_fini(&out);
    arena_free(&a);
}
