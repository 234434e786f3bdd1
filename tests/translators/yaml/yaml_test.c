/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/test.h"

#include "translators/yaml/literal.h"
#include "translators/yaml/yaml.h"

#include <stdio.h>

#define ROOM ((size_t)16 * 1024 * 1024)

static const struct yaml *
read(struct arena *a, span text, struct problems *p)
{
    problems_init(p, a);
    return yaml_parse(a, SPAN("f.yaml"), text, YAML_BYTES_DEFAULT, p);
}

static span
said(struct arena *a, struct problems *p)
{
    struct buf b;
    span out;

    buf_init(&b, ROOM);
    problems_sort(p);
    problems_print(p, &b);
    assert_true(span_dup(a, buf_span(&b), &out));
    buf_fini(&b);
    return out;
}

static const struct yaml *
good(struct arena *a, const char *text)
{
    struct problems p;
    const struct yaml *root = read(a, span_str(text), &p);

    if (!problems_none(&p))
        fail_msg("%.*s", SPAN_FMT(said(a, &p)));
    assert_non_null(root);
    return root;
}

TEST(a_file_is_a_tree_in_which_everything_has_its_place)
{
    struct arena *a = arena_new(ROOM);
    const struct yaml *root = good(a, "# head\n"
                                      "api: shop\n"
                                      "versions:\n"
                                      "  v1: {date: 2024-01-15}\n"
                                      "  \xC3\xA9: [one, 'two', \"\"]\n"
                                      "list:\n"
                                      "  - a: 1\n"
                                      "  - |\n"
                                      "    x\n"
                                      "    y\n");

    assert_int_equal(root->kind, YAML_MAP);
    assert_int_equal(root->n, 3);
    assert_span(root->file, "f.yaml");
    assert_span(yaml_get(root, "api")->text, "shop");
    assert_int_equal(yaml_get(root, "api")->line, 2);
    assert_int_equal(yaml_get(root, "api")->column, 6);
    assert_int_equal(root->entries[1].key->line, 3);
    assert_int_equal(root->entries[1].key->column, 1);

    const struct yaml *versions = yaml_get(root, "versions");
    assert_span(yaml_get(yaml_get(versions, "v1"), "date")->text, "2024-01-15");
    const struct yaml *three = yaml_get(versions, "\xC3\xA9");
    assert_int_equal(three->kind, YAML_LIST);
    assert_int_equal(three->n, 3);
    assert_int_equal(three->column, 6); /* in characters */
    assert_int_equal(three->items[1]->column, 12);
    assert_int_equal(three->items[0]->style, YAML_PLAIN);
    assert_int_equal(three->items[1]->style, YAML_QUOTED);
    assert_int_equal(three->items[2]->style, YAML_QUOTED);
    assert_int_equal(three->items[2]->text.len, 0);

    const struct yaml *list = yaml_get(root, "list");
    assert_span(yaml_get(list->items[0], "a")->text, "1");
    assert_span(list->items[1]->text, "x\ny\n");
    assert_int_equal(list->items[1]->style, YAML_BLOCK);
    assert_null(yaml_get(root, "none"));
    assert_null(yaml_get(list, "a"));
    assert_null(yaml_get(NULL, "a"));
    assert_ptr_equal(yaml_find(root, SPAN("list")), &root->entries[2]);
    arena_free(&a);
}

TEST(jsons_literals_are_typed_and_every_other_plain_scalar_is_text)
{
    static const struct {
        const char *text;
        enum yaml_literal literal;
    } cases[] = {
        {"null", YAML_NULL},
        {"true", YAML_BOOL},
        {"false", YAML_BOOL},
        {"0", YAML_NUMBER},
        {"-0", YAML_NUMBER},
        {"422", YAML_NUMBER},
        {"10.00", YAML_NUMBER},
        {"1E400", YAML_NUMBER},
        {"-1.5e-7", YAML_NUMBER},
        {"9007199254740993", YAML_NUMBER},
        {"Null", YAML_TEXT},
        {"NULL", YAML_TEXT},
        {"True", YAML_TEXT},
        {"yes", YAML_TEXT},
        {"no", YAML_TEXT},
        {"on", YAML_TEXT},
        {"off", YAML_TEXT},
        {"y", YAML_TEXT},
        {"2024-01-15", YAML_TEXT},
        {"2024-01-15T10:00:00Z", YAML_TEXT},
        {"1.2.3", YAML_TEXT},
        {"v1", YAML_TEXT},
        {"2s", YAML_TEXT},
        {"1e", YAML_TEXT},
        {"127.0.0.1:9900", YAML_TEXT},
        {"10.0.0.0/8", YAML_TEXT},
        {"localhost:80", YAML_TEXT},
        {"inf", YAML_TEXT},
        {"nan", YAML_TEXT},
        {".", YAML_TEXT},
        {"-", YAML_TEXT},
        {"+", YAML_TEXT},
        {"_1", YAML_TEXT},
        {"0x", YAML_TEXT},
        {"0xZZ", YAML_TEXT},
        {"1:99", YAML_TEXT},
        {"1:300", YAML_TEXT},
        {"8080:80", YAML_TEXT},
        {"a/*/b", YAML_TEXT},
        {"minor(2) <> decimal(2)", YAML_TEXT},
        {"<<", YAML_TEXT},
        {"1 2", YAML_TEXT},
    };
    struct arena *a = arena_new(ROOM);

    for (size_t i = 0; i < COUNT(cases); i++) {
        char text[128];

        if (strcmp(cases[i].text, "-") != 0) {
            snprintf(text, sizeof(text), "k: %s", cases[i].text);
            const struct yaml *v = yaml_get(good(a, text), "k");
            assert_span(v->text, cases[i].text);
            if (v->literal != cases[i].literal)
                fail_msg("%s is %s", cases[i].text, yaml_what(v));
        }
        assert_int_equal(yaml_literal_of(span_str(cases[i].text)),
                         cases[i].literal);
        snprintf(text, sizeof(text), "k: \"%s\"", cases[i].text);
        assert_int_equal(yaml_get(good(a, text), "k")->literal, YAML_TEXT);
    }
    arena_free(&a);
}

TEST(what_is_a_number_to_yaml_alone_is_to_be_quoted)
{
    static const char *const numbers[] = {
        "0x1F",   "-0xff",     "0b101", "0o7",   "012",  "00",    "-01",
        "+1",     "+0",        "+1.5",  ".5",    "-.5",  "+.5e3", "1.",
        "1.e5",   "1_000",     "1_0.5", "0.1_0", "1:30", "0:30",  "12:30:45",
        "1:30.5", ".inf",      "-.inf", "+.INF", ".Inf", ".nan",  ".NaN",
        ".NAN",   "190:20:30", "1__0",  "1_",
    };
    struct arena *a = arena_new(ROOM);

    for (size_t i = 0; i < COUNT(numbers); i++) {
        char text[64];
        char expected[192];
        struct problems p;

        snprintf(text, sizeof(text), "k: %s", numbers[i]);
        assert_non_null(read(a, span_str(text), &p));
        snprintf(expected, sizeof(expected),
                 "f.yaml:1:4: `%s` is a number to YAML and none to JSON; write "
                 "a JSON number, or quote it: \"%s\"\n",
                 numbers[i], numbers[i]);
        assert_span(said(a, &p), expected);

        snprintf(text, sizeof(text), "k: '%s'", numbers[i]);
        assert_span(yaml_get(good(a, text), "k")->text, numbers[i]);
    }
    arena_free(&a);
}

TEST(what_is_refused_is_said_with_its_place_and_a_remedy)
{
    static const struct {
        span text;
        const char *said;
    } cases[] = {
        {SPAN("a: 1\nb: 2\na: 3\n"), "f.yaml:3:1: `a` is a key twice, first on "
                                     "line 1; remove or rename one of them\n"},
        {SPAN("{a: 1, 'a': 2}"), "f.yaml:1:8: `a` is a key twice, first on "
                                 "line 1; remove or rename one of them\n"},
        {SPAN("? [a, b]\n: 1\n? [a, 'b']\n: 2\n"),
         "f.yaml:3:3: `this list` is a key twice, first on line 1; remove or "
         "rename one of them\n"},
        {SPAN("? {a: b}\n: 1\n"),
         "f.yaml:1:3: a map as a key; a key is a text, "
         "or a list of texts\n"},
        {SPAN("? [[a]]\n: 1\n"), "f.yaml:1:3: a list of lists or maps as a "
                                 "key; a key is a text, or a list of texts\n"},
        {SPAN("a: &x 1\n"),
         "f.yaml:1:4: `&x` is an anchor; write the value out "
         "at each place that needs it\n"},
        {SPAN("a: &x [1]\n"), "f.yaml:1:4: `&x` is an anchor; write the value "
                              "out at each place that needs it\n"},
        {SPAN("a: *x\n"),
         "f.yaml:1:4: `*x` is an alias; write the value out, or quote it\n"},
        {SPAN("a: !!str 1\n"), "f.yaml:1:4: `tag:yaml.org,2002:str` is a tag; "
                               "remove it, and quote what is a text\n"},
        {SPAN("a: !x {}\n"), "f.yaml:1:4: `!x` is a tag; remove it, and quote "
                             "what is a text\n"},
        {SPAN("a: ! 12\n"), "f.yaml:1:4: `!` is a tag; remove it, and quote "
                            "what is a text\n"},
        {SPAN("\xC3\xA9: ! '1'\n"), "f.yaml:1:4: `!` is a tag; remove it, and "
                                    "quote what is a text\n"},
        {SPAN("a: ! []\n"), "f.yaml:1:4: `!` is a tag; remove it, and quote "
                            "what is a text\n"},
        {SPAN("a: 1\n---\nb: 2\n"),
         "f.yaml:2:1: a second document in one file; "
         "put it into a file of its own\n"},
        {SPAN("%YAML 1.1\n---\na: 1\n"), "f.yaml:1:1: a directive; remove the "
                                         "line that begins with %\n"},
        {SPAN("%TAG ! x\n---\na: 1\n"), "f.yaml:1:1: a directive; remove the "
                                        "line that begins with %\n"},
        {SPAN("a:\n"),
         "f.yaml:1:3: an empty value; write null, or quote it: \"\"\n"},
        {SPAN("a: [b, {c}]\n"),
         "f.yaml:1:10: an empty value; write null, or quote it: \"\"\n"},
        {SPAN("- 1\n-\n"),
         "f.yaml:2:2: an empty value; write null, or quote it: \"\"\n"},
        {SPAN("~: ~\n"),
         "f.yaml:1:1: `~` is null to YAML alone; write null, or quote it: "
         "\"~\"\nf.yaml:1:4: `~` is null to YAML alone; write null, or quote "
         "it: \"~\"\n"},
        {SPAN("a: \"x\\0y\"\n"),
         "f.yaml:1:4: a text with a NUL in it; remove the `\\0`\n"},
        {SPAN(""), "f.yaml:1:1: the file is empty\n"},
        {SPAN("# nothing\n"), "f.yaml:1:1: the file is empty\n"},
        {SPAN("\xEF\xBB\xBFx: 1\n"),
         "f.yaml:1:1: a byte order mark; save the file without it\n"},
        {SPAN("a: 1\nb: \0\n"), "f.yaml:2:4: a NUL byte; remove it\n"},
        {SPAN("\xFF\xFE\x61\0"), "f.yaml:1:1: byte 0xff is not UTF-8; save the "
                                 "file as UTF-8\n"},
        {SPAN("a: \xC3\xA9\xE9\n"), "f.yaml:1:5: byte 0xe9 is not UTF-8; save "
                                    "the file as UTF-8\n"},
        {SPAN("a: \x01\n"), "f.yaml:1:4: control characters are not allowed; "
                            "write it as \"\\xNN\"\n"},
        {SPAN("a:\n\t- b\n"),
         "f.yaml:2:1: found character that cannot start any token while "
         "scanning for the next token from line 2; indent with spaces, and "
         "quote a text that begins with %, @ or `\n"},
        {SPAN("a: b: c\n"),
         "f.yaml:1:5: mapping values are not allowed in this context; quote a "
         "text that holds `: `, or indent what belongs to the key\n"},
        {SPAN("a: [1\nb: 2\n"),
         "f.yaml:2:2: did not find expected ',' or ']' while parsing a flow "
         "sequence from line 1; check the indentation, the quotes and the "
         "brackets\n"},
        {SPAN("a: 'x\n"),
         "f.yaml:2:1: found unexpected end of stream while scanning a quoted "
         "scalar from line 1; close the quotes\n"},
    };
    struct arena *a = arena_new(ROOM);

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct problems p;

        read(a, cases[i].text, &p);
        assert_span(said(a, &p), cases[i].said);
    }
    arena_free(&a);
}

TEST(all_that_is_wrong_is_found_in_one_reading)
{
    struct arena *a = arena_new(ROOM);
    struct problems p;
    const struct yaml *root = read(a,
                                   SPAN("a: &x 0x1\n"
                                        "b: [~, +1]\n"
                                        "a: !t yes\n"
                                        "c: *x\n"),
                                   &p);

    assert_int_equal(p.total, 7);
    assert_non_null(root);
    assert_int_equal(root->n, 4);
    arena_free(&a);
}

TEST(keys_of_different_maps_and_different_lists_do_not_meet)
{
    struct arena *a = arena_new(ROOM);
    const struct yaml *root = good(a, "a: {x: 1}\n"
                                      "b: {x: 1}\n"
                                      "? [ab, c]\n"
                                      ": 1\n"
                                      "? [a, bc]\n"
                                      ": 1\n"
                                      "? [a]\n"
                                      ": 1\n"
                                      "? []\n"
                                      ": 1\n"
                                      "\"\": 1\n");

    assert_int_equal(root->n, 7);
    assert_int_equal(root->entries[2].key->kind, YAML_LIST);
    assert_span(root->entries[3].key->items[1]->text, "bc");
    arena_free(&a);
}

TEST(a_big_map_finds_its_one_doubled_key)
{
    struct arena *a = arena_new(ROOM);
    struct problems p;
    struct buf b;

    buf_init(&b, ROOM);
    for (int i = 0; i < 5000; i++)
        buf_fmt(&b, "k%d: [%d]\n", i, i);
    buf_str(&b, "k77: 1\n");

    const struct yaml *root = read(a, buf_span(&b), &p);
    assert_int_equal(p.total, 1);
    assert_span(said(a, &p), "f.yaml:5001:1: `k77` is a key twice, first on "
                             "line 78; remove or rename one of them\n");
    assert_int_equal(root->n, 5001);
    assert_span(yaml_get(root, "k4999")->items[0]->text, "4999");
    buf_fini(&b);
    arena_free(&a);
}

static span
nested(struct arena *a, size_t depth)
{
    char *text = arena_alloc(a, 2 * depth + 1);

    assert_non_null(text);
    memset(text, '[', depth);
    memset(text + depth, ']', depth);
    return span_of(text, 2 * depth);
}

TEST(depth_and_size_have_limits)
{
    struct arena *a = arena_new(ROOM);
    struct problems p;

    assert_non_null(read(a, nested(a, YAML_DEPTH_MAX), &p));
    assert_true(problems_none(&p));
    assert_null(read(a, nested(a, YAML_DEPTH_MAX + 1), &p));
    assert_span(said(a, &p), "f.yaml:1:65: lists and maps nested deeper than "
                             "64; no such file needs that much\n");
    assert_null(read(a, nested(a, 100000), &p));
    assert_false(problems_none(&p));

    problems_init(&p, a);
    assert_null(yaml_parse(a, SPAN("f.yaml"), SPAN("a: 12"), 4, &p));
    assert_span(said(a, &p),
                "f.yaml: the file has 5 bytes, and 4 are allowed; split it\n");
    problems_init(&p, a);
    assert_non_null(yaml_parse(a, SPAN("f.yaml"), SPAN("a: 1"), 4, &p));
    arena_free(&a);
}

TEST(a_prefix_of_a_file_never_comes_back_without_tree_and_without_problem)
{
    struct arena *a = arena_new(ROOM);
    span whole = SPAN("a: [1, \"x\\n\", {b: 'c'}]\n? [d, e]\n: |\n  text\n"
                      "\xC3\xA9: \"\xE2\x82\xAC\"\n");

    for (size_t n = 0; n <= whole.len; n++) {
        struct problems p;

        if (!read(a, span_take(whole, n), &p))
            assert_false(problems_none(&p));
        if (p.n)
            assert_true(p.at[0].line >= 1 && p.at[0].line <= 6);
    }
    arena_free(&a);
}

TEST(reading_fails_with_a_problem_at_every_allocation)
{
    span text = SPAN("a: [1, {b: c}]\n? [d]\n: 'e'\nf: 2\n");
    size_t n = 1;
    const struct yaml *root = NULL;

    for (; !root; n++) {
        struct arena *a = arena_new(ROOM);
        struct problems p;

        arena_fail_after(n);
        root = read(a, text, &p);
        arena_fail_after(0);
        assert_int_equal(problems_none(&p), root != NULL);
        arena_free(&a);
    }
    assert_true(n > 10);
}

TEST(a_small_arena_is_a_problem_and_no_crash)
{
    for (size_t bytes = 0; bytes < 4000; bytes += 61) {
        struct arena *a = arena_new(bytes);
        struct problems p;

        if (!read(a, SPAN("a: [1, {b: c, d: e}]\nf: [g, h, i]\n"), &p))
            assert_false(problems_none(&p));
        arena_free(&a);
    }
}

TEST(a_node_says_what_it_is)
{
    struct arena *a = arena_new(ROOM);
    const struct yaml *root = good(a, "[a, 1, null, true, [], {}]");
    static const char *const words[] = {"a text",        "a number", "null",
                                        "true or false", "a list",   "a map"};
    struct problems p;

    for (size_t i = 0; i < COUNT(words); i++)
        assert_string_equal(yaml_what(root->items[i]), words[i]);
    problems_init(&p, a);
    yaml_problem(&p, root->items[4], "here is %s", "a list");
    assert_span(said(a, &p), "f.yaml:1:20: here is a list\n");
    arena_free(&a);
}
