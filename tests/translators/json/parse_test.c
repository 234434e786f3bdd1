/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/test.h"
#include "tests/translators/json/texts.h"

#include "translators/json/tree.h"

#define ROOM ((size_t)16 * 1024 * 1024)

static enum err_code
read(struct arena *a, span text, struct json **out, struct err *e)
{
    return json_parse(a, text, JSON_DEPTH_DEFAULT, out, e);
}

static span
printed(struct buf *b, const struct json *node)
{
    buf_clear(b);
    json_print(node, b);
    assert_false(buf_failed(b));
    return buf_span(b);
}

TEST(what_the_rfc_allows_is_read_and_prints_byte_for_byte)
{
    struct arena *a = arena_new(ROOM);
    struct buf b;

    buf_init(&b, ROOM);
    for (size_t i = 0; i < COUNT(accepted); i++) {
        struct json *root = NULL;
        struct err e = {0};

        if (read(a, accepted[i], &root, &e))
            fail_msg("%.*s: %s", SPAN_FMT(accepted[i]), e.text);
        span out = printed(&b, root);
        if (!out.at || !span_eq(out, accepted[i]))
            fail_msg("%.*s printed as %.*s", SPAN_FMT(accepted[i]),
                     SPAN_FMT(out));
    }
    buf_fini(&b);
    arena_free(&a);
}

TEST(what_the_rfc_does_not_allow_is_refused_inside_the_text)
{
    struct arena *a = arena_new(ROOM);

    for (size_t i = 0; i < COUNT(refused); i++) {
        struct json *root = NULL;
        struct err e = {0};

        if (read(a, refused[i], &root, &e) != ERR_INVALID)
            fail_msg("accepted: %.*s", SPAN_FMT(refused[i]));
        assert_null(root);
        assert_true(e.offset <= refused[i].len);
        assert_true(e.text[0]);
    }
    arena_free(&a);
}

TEST(every_prefix_of_a_container_is_refused)
{
    struct arena *a = arena_new(ROOM);
    span whole = SPAN("{\"a\\n\\u00e9\\ud83d\\ude00\":[1.5e+10,-0,true,false,"
                      "null,{}, [ ] ,\"\xE2\x82\xAC\"] , \"b\":{\"c\":\"\"}}");
    struct json *root;

    assert_int_equal(read(a, whole, &root, NULL), OK);
    for (size_t n = 0; n < whole.len; n++) {
        struct err e = {0};

        if (read(a, span_take(whole, n), &root, &e) != ERR_INVALID)
            fail_msg("accepted: %.*s", (int)n, whole.at);
        assert_true(e.offset <= n);
    }
    arena_free(&a);
}

TEST(an_error_says_what_is_wrong_and_where)
{
    static const struct {
        span text;
        size_t offset;
        const char *sentence;
        const char *pointer;
    } cases[] = {
        {SPAN("[1,2"), 4, "the document ends where `,` or `]` should be", "/1"},
        {SPAN("{\"a\":tru}"), 8, "`}` where a JSON value should be", "/a"},
        {SPAN("{\"a\" 1}"), 5, "`1` where `:` should be", "/a"},
        {SPAN("{\"a/b\":[0,{\"c~\\u0064\":\x01}]}"), 22,
         "byte 0x01 where a JSON value should be", "/a~1b/1/c~0d"},
        {SPAN("{\"a\":{\"b\":1},\"c\":[[],x]}"), 21,
         "`x` where a JSON value should be", "/c/1"},
        {SPAN("[{}] "
              "!"),
         5, "`!` where the end of the document should be", ""},
        {SPAN("{\"a\":\"\xFF\"}"), 6, "byte 0xff where UTF-8 should be", "/a"},
        {SPAN("{\"a\":1,\"b"), 9,
         "the document ends where the closing quote should be", ""},
        {SPAN("\"\t\""), 1,
         "byte 0x09 where an escape of a control character should be", ""},
        {SPAN("\xEF\xBB\xBF 1"), 0,
         "a byte order mark, which JSON does not have", ""},
    };
    struct arena *a = arena_new(ROOM);
    struct buf b;

    buf_init(&b, ROOM);
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct json *root;
        struct err e = {0};

        assert_int_equal(read(a, cases[i].text, &root, &e), ERR_INVALID);
        assert_string_equal(e.text, cases[i].sentence);
        assert_int_equal(e.offset, cases[i].offset);
        buf_clear(&b);
        json_pointer_at(&b, cases[i].text, e.offset);
        assert_span(buf_span(&b), cases[i].pointer);
    }
    buf_fini(&b);
    arena_free(&a);
}

static span
nested(struct arena *a, size_t depth, const char *opening, const char *closing)
{
    struct buf b;
    span text = {0};

    buf_init(&b, ROOM);
    for (size_t i = 0; i < depth; i++)
        buf_str(&b, opening);
    buf_str(&b, "1");
    for (size_t i = 0; i < depth; i++)
        buf_str(&b, closing);
    assert_true(span_dup(a, buf_span(&b), &text));
    buf_fini(&b);
    return text;
}

TEST(depth_has_a_limit_that_is_its_own_error)
{
    struct arena *a = arena_new(ROOM);
    struct json *root;
    struct err e;

    span list = nested(a, 5, "[", "]");
    assert_int_equal(json_parse(a, list, 5, &root, NULL), OK);
    assert_int_equal(json_parse(a, list, 4, &root, &e), ERR_LIMIT);
    assert_int_equal(e.offset, 4);
    assert_string_equal(e.text, "the document is nested deeper than 4");

    span object = nested(a, 5, "{\"a\":", "}");
    assert_int_equal(json_parse(a, object, 5, &root, NULL), OK);
    assert_int_equal(json_parse(a, object, 4, &root, NULL), ERR_LIMIT);
    assert_int_equal(json_parse(a, SPAN("[]"), 0, &root, NULL), ERR_LIMIT);
    assert_int_equal(json_parse(a, SPAN("1"), 0, &root, NULL), OK);
    arena_free(&a);
}

TEST(no_argument_lifts_depth_above_what_printing_can_bear)
{
    struct arena *a = arena_new(ROOM);
    struct json *root;

    span good = nested(a, JSON_DEPTH_MAX, "[", "]");
    span bad = nested(a, JSON_DEPTH_MAX + 1, "[", "]");
    span worse = nested(a, 100000, "[", "]");
    assert_int_equal(json_parse(a, good, SIZE_MAX, &root, NULL), OK);
    assert_int_equal(json_parse(a, bad, SIZE_MAX, &root, NULL), ERR_LIMIT);
    assert_int_equal(json_parse(a, worse, SIZE_MAX, &root, NULL), ERR_LIMIT);
    arena_free(&a);
}

TEST(a_document_of_many_small_values_ends_at_the_arenas_limit)
{
    struct arena *a = arena_new(ROOM);
    struct arena *small = arena_new((size_t)64 * 1024);
    struct buf b;
    struct json *root;

    buf_init(&b, ROOM);
    buf_byte(&b, '[');
    for (size_t i = 0; i < 10000; i++)
        buf_str(&b, "1,");
    buf_str(&b, "1]");
    assert_int_equal(read(small, buf_span(&b), &root, NULL), ERR_LIMIT);
    assert_int_equal(read(a, buf_span(&b), &root, NULL), OK);
    assert_int_equal(root->n, 10001);
    buf_fini(&b);
    arena_free(&small);
    arena_free(&a);
}

TEST(each_node_knows_where_it_was_and_what_it_was)
{
    struct arena *a = arena_new(ROOM);
    struct json *root;

    assert_int_equal(
        read(a, SPAN(" {\"n\": 10.00, \"t\":\"\\u0061\\/\", \"l\":[ true ] } "),
             &root, NULL),
        OK);

    const struct json *n = json_get(root, SPAN("n"));
    const struct json *t = json_get(root, SPAN("t"));
    const struct json *l = json_get(root, SPAN("l"));
    assert_int_equal(root->kind, JSON_OBJECT);
    assert_int_equal(root->offset, 1);
    assert_int_equal(n->kind, JSON_NUMBER);
    assert_span(n->text, "10.00");
    assert_int_equal(n->offset, 7);
    assert_int_equal(t->kind, JSON_TEXT);
    assert_span(t->text, "a/");
    assert_span(t->raw, "\\u0061\\/");
    assert_span(t->source, "\"\\u0061\\/\"");
    assert_span(l->source, "[ true ]");
    assert_true(l->members[0].value->truth);
    assert_ptr_equal(l->members[0].value->parent, l);
    assert_ptr_equal(l->parent, root);
    assert_string_equal(json_kind_word(t->kind), "string");
    assert_string_equal(json_kind_word(l->kind), "list");
    arena_free(&a);
}

TEST(escapes_are_decoded_and_a_lone_surrogate_is_not_clean)
{
    static const struct {
        span text;
        const char *value;
        bool clean;
    } cases[] = {
        {SPAN("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""), "\"\\/\b\f\n\r\t", true},
        {SPAN("\"\\u00e9\\u00C9\\u20ac\""), "\xC3\xA9\xC3\x89\xE2\x82\xAC",
         true},
        {SPAN("\"x\\ud83d\\ude00y\""), "x\xF0\x9F\x98\x80y", true},
        {SPAN("\"\\udbff\\udfff\""), "\xF4\x8F\xBF\xBF", true},
        {SPAN("\"\\ud800\""), "\xED\xA0\x80", false},
        {SPAN("\"\\udc00\\ud800\""), "\xED\xB0\x80\xED\xA0\x80", false},
        {SPAN("\"\\ud800\\ud83d\\ude00\""), "\xED\xA0\x80\xF0\x9F\x98\x80",
         false},
        {SPAN("\"\\ud800\\n\""), "\xED\xA0\x80\n", false},
    };
    struct arena *a = arena_new(ROOM);

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct json *root;

        assert_int_equal(read(a, cases[i].text, &root, NULL), OK);
        assert_span(root->text, cases[i].value);
        assert_int_equal(json_text_is_clean(root), cases[i].clean);
    }
    arena_free(&a);
}

TEST(an_escaped_nul_is_one_byte_of_the_text)
{
    struct arena *a = arena_new(ROOM);
    struct json *root;

    assert_int_equal(read(a, SPAN("\"a\\u0000b\""), &root, NULL), OK);
    assert_true(span_eq(root->text, SPAN("a\0b")));
    arena_free(&a);
}

TEST(line_and_column_count_from_one)
{
    size_t line;
    size_t column;

    json_line_of(SPAN("ab\ncd"), 0, &line, &column);
    assert_int_equal(line, 1);
    assert_int_equal(column, 1);
    json_line_of(SPAN("ab\ncd"), 4, &line, &column);
    assert_int_equal(line, 2);
    assert_int_equal(column, 2);
    json_line_of(SPAN("ab\ncd"), 99, &line, &column);
    assert_int_equal(column, 3);
}

TEST(parsing_fails_cleanly_at_every_allocation)
{
    span text = SPAN("{\"\\u0061\":[1,\"\\n\",{}],\"b\":{\"c\":null}}");
    size_t n = 1;

    for (;; n++) {
        struct arena *a = arena_new(ROOM);
        struct json *root = NULL;
        struct err e = {0};

        arena_fail_after(n);
        enum err_code code = read(a, text, &root, &e);
        arena_fail_after(0);
        arena_free(&a);
        if (!code)
            break;
        assert_int_equal(code, ERR_LIMIT);
        assert_null(root);
        assert_true(e.text[0]);
    }
    assert_true(n > 10);
}

TEST(a_number_is_one_by_the_grammar_alone)
{
    static const char *const good[] = {"0",   "-0",   "10",       "1.0",
                                       "1e5", "1E+5", "-1.5e-10", "1E400"};
    static const char *const bad[] = {"",    "-",   "+1",   "01",  "1.",
                                      ".5",  "1e",  "1e+",  " 1",  "1 ",
                                      "0x1", "1_0", "1:30", "NaN", "-.5"};

    for (size_t i = 0; i < COUNT(good); i++)
        assert_true(json_is_number(span_str(good[i])));
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_false(json_is_number(span_str(bad[i])));
    assert_false(json_is_number(SPAN("1\0")));
}
