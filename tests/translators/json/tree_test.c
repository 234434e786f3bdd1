/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/test.h"

#include "translators/json/tree.h"

#include <stdio.h>

#define ROOM ((size_t)16 * 1024 * 1024)

static struct json *
from(struct arena *a, const char *text)
{
    struct json *root = NULL;
    struct err e = {0};

    if (json_parse(a, span_str(text), JSON_DEPTH_DEFAULT, &root, &e))
        fail_msg("%s: %s", text, e.text);
    return root;
}

/* The text lives until the arena ends. */
static span
printed(struct arena *a, const struct json *node)
{
    struct buf b;
    span out;

    buf_init(&b, ROOM);
    json_print(node, &b);
    assert_false(buf_failed(&b));
    assert_true(span_dup(a, buf_span(&b), &out));
    buf_fini(&b);
    return out;
}

TEST(a_change_prints_compactly_with_untouched_children_verbatim)
{
    struct arena *a = arena_new(ROOM);
    struct json *root =
        from(a, " { \"a\" : [ 1 , 2 ] , \"b\" : { \"c\" : \"\\u0064\" } } ");

    struct json *b = json_get(root, SPAN("b"));
    assert_true(json_append(a, b, SPAN("e"), json_new_null(a)));
    assert_span(printed(a, root),
                "{\"a\":[ 1 , 2 ],\"b\":{\"c\":\"\\u0064\",\"e\":null}}");
    arena_free(&a);
}

TEST(a_scalar_changed_in_place_keeps_its_identity_and_its_key)
{
    struct arena *a = arena_new(ROOM);
    struct json *root =
        from(a, "{\"\\u0061\":1,\"l\":[ {\"x\":0} ],\"z\" : 0}");
    struct json *n = json_get(root, SPAN("a"));

    assert_true(json_set_text(a, n, SPAN("q\"\n\x01\x7F\xC3\xA9/\\")));
    assert_ptr_equal(json_get(root, SPAN("a")), n);
    assert_span(n->text, "q\"\n\x01\x7F\xC3\xA9/\\");
    json_set_bool(json_get(root, SPAN("z")), true);
    assert_span(printed(a, root),
                "{\"\\u0061\":\"q\\\"\\n\\u0001\x7F\xC3\xA9/\\\\\","
                "\"l\":[ {\"x\":0} ],\"z\":true}");
    assert_true(json_set_number(a, n, SPAN("1E400")));
    json_set_null(json_get(root, SPAN("l")));
    assert_span(printed(a, root), "{\"\\u0061\":1E400,\"l\":null,\"z\":true}");
    arena_free(&a);
}

TEST(what_a_node_lets_go_no_longer_touches_it)
{
    struct arena *a = arena_new(ROOM);
    struct json *root = from(a, "[[ 1 ],[ 2 ]]");
    struct json *inner = root->members[0].value;
    struct json *one = inner->members[0].value;

    json_set_null(inner);
    assert_null(one->parent);
    json_set_bool(one, true);
    assert_span(printed(a, root), "[null,[ 2 ]]");
    arena_free(&a);
}

TEST(a_renamed_member_keeps_its_slot)
{
    struct arena *a = arena_new(ROOM);
    struct json *root = from(a, "{\"a\":1,\"b\":2,\"c\":3}");

    assert_true(json_rename(a, root, json_find(root, SPAN("b")), SPAN("x\n")));
    assert_int_equal(json_find(root, SPAN("b")), JSON_NONE);
    assert_int_equal(json_find(root, SPAN("x\n")), 1);
    assert_span(printed(a, root), "{\"a\":1,\"x\\n\":2,\"c\":3}");
    arena_free(&a);
}

TEST(members_are_inserted_set_replaced_and_removed_where_said)
{
    struct arena *a = arena_new(ROOM);
    struct json *root = from(a, "{\"a\":1,\"b\":2}");

    assert_true(json_insert(a, root, 1, SPAN("m"), json_new_list(a)));
    assert_true(json_set(a, root, SPAN("a"), json_new_bool(a, false)));
    assert_true(json_set(a, root, SPAN("z"), json_new_object(a)));
    assert_span(printed(a, root), "{\"a\":false,\"m\":[],\"b\":2,\"z\":{}}");

    struct json *b = json_get(root, SPAN("b"));
    json_replace(b, json_new_text(a, SPAN("two")));
    assert_null(b->parent);
    assert_ptr_equal(json_remove(root, 0)->parent, NULL);
    json_detach(json_get(root, SPAN("z")));
    json_detach(root);
    assert_span(printed(a, root), "{\"m\":[],\"b\":\"two\"}");
    arena_free(&a);
}

TEST(items_are_inserted_appended_and_removed_where_said)
{
    struct arena *a = arena_new(ROOM);
    struct json *root = from(a, "[ 1 , 2 ]");

    assert_true(json_list_append(a, root, json_new_number(a, SPAN("3"))));
    assert_true(json_list_insert(a, root, 0, json_new_number(a, SPAN("0"))));
    json_remove(root, 2);
    assert_span(printed(a, root), "[0,1,3]");
    assert_int_equal(json_position(root->members[2].value), 2);
    assert_int_equal(json_position(root), JSON_NONE);
    arena_free(&a);
}

TEST(an_untouched_subtree_moved_elsewhere_prints_as_it_came)
{
    struct arena *a = arena_new(ROOM);
    struct json *root = from(a, "{\"a\": { \"x\" : 1.0 },\"b\": [ ] }");
    struct json *x = json_get(root, SPAN("a"));

    json_detach(x);
    assert_true(json_list_append(a, json_get(root, SPAN("b")), x));
    assert_span(printed(a, root), "{\"b\":[{ \"x\" : 1.0 }]}");
    arena_free(&a);
}

TEST(a_copy_prints_alike_and_shares_no_change)
{
    struct arena *a = arena_new(ROOM);
    struct json *root = from(a, "{\"a\": { \"x\" : [ 1 ] }, \"b\":2}");

    root->mark = 7;
    root->note = a;
    json_set_null(json_get(root, SPAN("b")));

    struct json *copy = json_clone(a, root);
    assert_span(printed(a, copy), "{\"a\":{ \"x\" : [ 1 ] },\"b\":null}");
    assert_int_equal(copy->mark, 7);
    assert_ptr_equal(copy->note, a);
    json_detach(json_get(json_get(copy, SPAN("a")), SPAN("x")));
    assert_span(printed(a, copy), "{\"a\":{},\"b\":null}");
    assert_span(printed(a, root), "{\"a\":{ \"x\" : [ 1 ] },\"b\":null}");

    struct json *inner = json_clone(a, json_get(root, SPAN("a")));
    assert_null(inner->parent);
    arena_free(&a);
}

TEST(a_key_is_found_however_it_is_spelled)
{
    struct arena *a = arena_new(ROOM);
    struct json *root = from(a, "{\"\\u0061b\":1,\"\\/\":2}");

    assert_int_equal(json_find(root, SPAN("ab")), 0);
    assert_int_equal(json_find(root, SPAN("/")), 1);
    assert_int_equal(json_find(root, SPAN("\\u0061b")), JSON_NONE);
    assert_null(json_get(from(a, "[\"ab\"]"), SPAN("")));
    assert_null(json_get(from(a, "1"), SPAN("ab")));
    arena_free(&a);
}

TEST(a_doubled_key_is_seen_in_small_objects_and_in_big_ones)
{
    struct arena *a = arena_new(ROOM);

    for (size_t n = 2; n < 200; n += 33) {
        struct json *root = json_new_object(a);
        char key[32];

        for (size_t i = 0; i < n; i++) {
            snprintf(key, sizeof(key), "k%zu", i);
            assert_true(json_append(a, root, span_str(key), json_new_null(a)));
        }
        assert_int_equal(json_first_duplicate(root), JSON_NONE);
        assert_null(json_duplicate_of(root, SPAN("k0")));

        struct json *again = json_new_null(a);
        assert_true(json_append(a, root, SPAN("k0"), again));
        assert_ptr_equal(json_duplicate_of(root, SPAN("k0")), again);
        assert_null(json_duplicate_of(root, SPAN("k1")));
        assert_null(json_duplicate_of(root, SPAN("none")));
        assert_int_equal(json_first_duplicate(root), n);
        assert_int_equal(json_find(root, SPAN("k0")), 0);
        json_remove(root, 0);
        assert_int_equal(json_first_duplicate(root), JSON_NONE);
        assert_ptr_equal(json_get(root, SPAN("k0")), again);
    }
    assert_int_equal(
        json_first_duplicate(from(a, "{\"a\":1,\"b\":2,\"\\u0061\":3}")), 2);
    arena_free(&a);
}

TEST(a_big_object_finds_every_member_whatever_was_done_to_it)
{
    struct arena *a = arena_new(ROOM);
    struct json *root = json_new_object(a);
    uint64_t seed = 1;

    for (size_t step = 0; step < 3000; step++) {
        char name[32];
        uint64_t r = test_random(&seed);
        size_t at = root->n ? (size_t)(r >> 8) % root->n : 0;

        snprintf(name, sizeof(name), "%u", (unsigned)(r >> 40) % 500);
        if (root->n == 0 || r % 4 < 2)
            assert_true(json_insert(a, root, r % 8 < 2 ? root->n : at,
                                    span_str(name), json_new_null(a)));
        else if (r % 4 == 2)
            json_remove(root, at);
        else
            assert_true(json_rename(a, root, at, span_str(name)));

        span key = root->n ? root->members[at % root->n].key : SPAN("none");
        size_t expected = 0;
        while (expected < root->n && !span_eq(root->members[expected].key, key))
            expected++;
        assert_int_equal(json_find(root, key),
                         expected < root->n ? expected : JSON_NONE);
        assert_int_equal(json_find(root, SPAN("absent")), JSON_NONE);
    }
    arena_free(&a);
}

/* 16 members: the next one needs an index. */
static struct json *
at_the_edge(struct arena *a)
{
    return from(a, "{\"a\":1,\"b\":1,\"c\":1,\"d\":1,\"e\":1,\"f\":1,"
                   "\"g\":1,\"h\":1,\"i\":1,\"j\":1,\"k\":1,\"l\":1,"
                   "\"m\":1,\"n\":1,\"o\":1,\"p\":1}");
}

TEST(an_object_that_found_no_memory_to_grow_grows_later)
{
    bool done = false;

    for (size_t n = 1; !done; n++) {
        struct arena *a = arena_new(ROOM);
        struct json *root = at_the_edge(a);
        struct json *value = json_new_null(a);

        arena_fail_after(n);
        done = json_append(a, root, SPAN("q"), value);
        arena_fail_after(0);
        if (!done) {
            assert_int_equal(root->n, 16);
            assert_null(value->parent);
            assert_true(json_append(a, root, SPAN("q"), value));
        }
        assert_int_equal(json_find(root, SPAN("q")), 16);
        assert_int_equal(json_find(root, SPAN("r")), JSON_NONE);
        arena_free(&a);
    }
}

TEST(a_key_that_is_not_there_is_not_found_at_any_size)
{
    struct arena *a = arena_new(ROOM);
    struct json *root = json_new_object(a);

    for (size_t n = 0; n < 1100; n++) {
        char key[32];

        snprintf(key, sizeof(key), "%zu", n);
        assert_int_equal(json_find(root, span_str(key)), JSON_NONE);
        assert_true(json_append(a, root, span_str(key), json_new_null(a)));
        assert_int_equal(json_find(root, span_str(key)), n);
    }
    arena_free(&a);
}

TEST(documents_are_equal_as_maps_lists_and_spellings)
{
    static const struct {
        const char *a;
        const char *b;
        bool equal;
        bool strict;
    } cases[] = {
        {"{\"a\":1,\"b\":[1,2]}", " { \"a\" : 1, \"b\":[ 1,2 ]}", true, true},
        {"{\"a\":1,\"b\":2}", "{\"b\":2,\"a\":1}", true, false},
        {"{\"x\":{\"a\":1,\"b\":2}}", "{\"x\":{\"b\":2,\"a\":1}}", true, false},
        {"[1,2]", "[2,1]", false, false},
        {"1", "1.0", false, false},
        {"1e2", "1E2", false, false},
        {"\"a\"", "\"\\u0061\"", true, true},
        {"{\"\\u0061\":1}", "{\"a\":1}", true, true},
        {"\"1\"", "1", false, false},
        {"null", "false", false, false},
        {"true", "false", false, false},
        {"[]", "{}", false, false},
        {"{\"a\":1}", "{\"a\":1,\"b\":1}", false, false},
        {"{\"a\":1,\"c\":1}", "{\"a\":1,\"b\":1}", false, false},
        {"{\"a\":1,\"a\":2}", "{\"a\":1,\"a\":2}", true, true},
        {"{\"a\":1,\"a\":2}", "{\"a\":2,\"a\":1}", false, false},
        {"{\"a\":1,\"b\":1}", "{\"a\":1,\"a\":1}", false, false},
        {"{\"a\":1,\"a\":1}", "{\"a\":1,\"b\":1}", false, false},
    };
    struct arena *arena = arena_new(ROOM);

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct json *a = from(arena, cases[i].a);
        struct json *b = from(arena, cases[i].b);

        if (json_alike(a, b) != cases[i].equal ||
            json_alike(b, a) != cases[i].equal ||
            json_alike_strict(a, b) != cases[i].strict)
            fail_msg("%s and %s", cases[i].a, cases[i].b);
    }
    arena_free(&arena);
}

TEST(a_text_that_is_not_utf8_is_not_made)
{
    struct arena *a = arena_new(ROOM);
    struct json *root = from(a, "{\"a\": 1 }");

    assert_null(json_new_text(a, SPAN("a\xFFz")));
    assert_null(json_new_text(a, SPAN("\xED\xA0")));
    assert_false(json_set_text(a, root, SPAN("\xC0\x80")));
    assert_false(json_append(a, root, SPAN("\x80"), json_new_null(a)));
    assert_false(json_rename(a, root, 0, SPAN("\x80")));
    assert_span(printed(a, root), "{\"a\": 1 }");
    arena_free(&a);
}

TEST(a_lone_surrogate_put_elsewhere_is_written_as_its_escape)
{
    struct arena *a = arena_new(ROOM);
    struct json *root = from(a, "[\"x\\uD800y\\uDFFF\"]");
    struct json *copy = json_new_text(a, root->members[0].value->text);

    assert_false(json_text_is_clean(copy));
    assert_span(printed(a, copy), "\"x\\ud800y\\udfff\"");
    arena_free(&a);
}

TEST(a_pointer_leads_through_keys_and_positions_escaped)
{
    struct arena *a = arena_new(ROOM);
    struct json *root = from(a, "{\"a/b\":[0,{\"m~n\":{\"\":true}}]}");
    struct json *list = json_get(root, SPAN("a/b"));
    struct json *object = json_get(list->members[1].value, SPAN("m~n"));
    struct buf b;

    buf_init(&b, ROOM);
    json_pointer_of(&b, root);
    assert_int_equal(buf_len(&b), 0);
    json_pointer_of(&b, json_get(object, SPAN("")));
    assert_span(buf_span(&b), "/a~1b/1/m~0n/");
    buf_fini(&b);
    arena_free(&a);
}

/* ---- properties ---- */

/* NOLINTBEGIN(misc-no-recursion): trees of depth 3 */
static struct json *random_tree(struct arena *a, uint64_t *seed, int depth);

static span
random_text(struct arena *a, uint64_t *seed)
{
    static const char *const pieces[] = {
        "a",        "B", "\"",   "\\", "\n",
        "\xC3\xA9", "/", "\x01", "",   "\xF0\x9F\x98\x80"};
    struct buf b;
    span out;

    buf_init(&b, ROOM);
    for (uint64_t n = test_random(seed) % 5; n; n--)
        buf_str(&b, pieces[test_random(seed) % COUNT(pieces)]);
    assert_true(span_dup(a, buf_span(&b), &out));
    buf_fini(&b);
    return out;
}

static struct json *
random_container(struct arena *a, uint64_t *seed, int depth)
{
    bool is_list = test_random(seed) % 2;
    struct json *c = is_list ? json_new_list(a) : json_new_object(a);

    for (uint64_t n = test_random(seed) % 24; n; n--) {
        struct json *value = random_tree(a, seed, depth - 1);

        assert_true(is_list ? json_list_append(a, c, value)
                            : json_append(a, c, random_text(a, seed), value));
    }
    return c;
}

static struct json *
random_tree(struct arena *a, uint64_t *seed, int depth)
{
    static const char *const numbers[] = {"0", "-0", "1E400", "10.00",
                                          "9007199254740993"};
    uint64_t r = test_random(seed);

    switch (depth ? r % 6 : r % 4) {
    case 0:
        return json_new_null(a);
    case 1:
        return json_new_bool(a, r & 64);
    case 2:
        return json_new_number(a, span_str(numbers[(r >> 8) % COUNT(numbers)]));
    case 3:
        return json_new_text(a, random_text(a, seed));
    default:
        return random_container(a, seed, depth);
    }
}

/* NOLINTEND(misc-no-recursion) */

TEST(a_printed_tree_reads_back_as_itself_and_prints_the_same)
{
    uint64_t seed = 42;

    for (int i = 0; i < 300; i++) {
        struct arena *a = arena_new(ROOM);
        struct json *tree = random_tree(a, &seed, 3);
        span text = printed(a, tree);
        struct json *back = NULL;

        assert_int_equal(json_parse(a, text, 8, &back, NULL), OK);
        assert_true(json_alike_strict(tree, back));
        assert_true(json_alike(tree, back));
        assert_true(span_eq(printed(a, back), text));
        assert_true(json_alike_strict(json_clone(a, back), tree));
        json_touch(back);
        assert_true(span_eq(printed(a, back), text));
        arena_free(&a);
    }
}

/* Every kind of change once; false if memory ran out on the way. */
static bool
change_all(struct arena *a, struct json *root)
{
    struct json *copy = json_clone(a, root);
    struct json *text = json_new_text(a, SPAN("t\n"));
    struct json *number = json_new_number(a, SPAN("1.0"));
    struct json *list = json_new_list(a);

    return copy && text && number && list &&
           json_list_append(a, list, number) &&
           json_append(a, root, SPAN("copy\n"), copy) &&
           json_insert(a, root, 0, SPAN("t"), text) &&
           json_set(a, root, SPAN("a"), list) &&
           json_rename(a, root, 1, SPAN("b")) &&
           json_set_text(a, json_get(root, SPAN("t")), SPAN("u"));
}

TEST(a_change_that_finds_no_memory_leaves_a_document_that_prints)
{
    bool done = false;
    size_t n = 1;

    for (; !done; n++) {
        struct arena *a = arena_new(ROOM);
        struct arena *other = arena_new(ROOM);
        struct json *root = from(a, "{\"a\":[ 1 ],\"z\":{\"\\u0061\":2}}");
        struct json *back = NULL;

        arena_fail_after(n);
        done = change_all(a, root);
        arena_fail_after(0);
        span text = printed(other, root);
        assert_int_equal(json_parse(other, text, 8, &back, NULL), OK);
        assert_true(json_alike_strict(root, back));
        arena_free(&other);
        arena_free(&a);
    }
    assert_true(n > 10);
}

TEST(a_full_buf_fails_and_holds_no_more_than_it_may)
{
    struct arena *a = arena_new(ROOM);
    struct json *root = from(a, "{\"a\":[1,2,3]}");
    struct buf b;

    for (int touched = 0; touched < 2; touched++) {
        buf_init(&b, 5);
        json_print(root, &b);
        assert_true(buf_failed(&b));
        assert_true(buf_len(&b) <= 5);
        buf_fini(&b);
        json_touch(root);
    }
    arena_free(&a);
}

static bool
is_null(const struct json *node)
{
    return node->kind == JSON_NULL;
}

TEST(what_goes_in_one_pass_leaves_the_rest_in_order)
{
    struct arena *a = arena_new((size_t)1 << 20);
    struct json *root = from(a, "{\"a\":null,\"b\":1,\"c\":null,\"d\":2}");
    struct json *gone = json_get(root, SPAN("a"));
    json_remove_if(root, is_null);
    assert_span(printed(a, root), "{\"b\":1,\"d\":2}");
    assert_null(gone->parent);
    assert_null(json_get(root, SPAN("c")));
    root = from(a, "[ 1 ]");
    json_remove_if(root, is_null);
    assert_span(printed(a, root), "[ 1 ]");
    arena_free(&a);
}
