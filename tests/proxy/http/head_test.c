/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/proxy/http/transcript.h"
#include "tests/test.h"

#include "proxy/http/head.h"

static void
check_fields(const struct fields *f, const char *text)
{
    struct buf b;

    buf_init(&b, 1 << 16);
    transcript_fields(&b, f);
    assert_span(buf_span(&b), text);
    buf_fini(&b);
}

TEST(every_known_name_is_found_in_any_case)
{
    for (size_t id = 1; id < FIELD_IDS; id++) {
        assert_int_equal(field_id_of(field_lower((enum field_id)id)), id);
        assert_int_equal(field_id_of(field_spelled((enum field_id)id)), id);
        assert_true(span_eq_nocase(field_lower((enum field_id)id),
                                   field_spelled((enum field_id)id)));
    }
    assert_int_equal(field_id_of(SPAN("hosts")), FIELD_OTHER);
    assert_int_equal(field_id_of(SPAN("h\xefst")), FIELD_OTHER);
    assert_int_equal(field_id_of(SPAN("")), FIELD_OTHER);
}

TEST(fields_keep_their_order_while_one_is_set_or_removed)
{
    struct arena *a = arena_new(1 << 16);
    struct fields f;

    fields_init(&f, a);
    assert_int_equal(fields_add(&f, SPAN("X-A"), SPAN("1")), OK);
    assert_int_equal(fields_add(&f, SPAN("ETAG"), SPAN("2")), OK);
    assert_int_equal(fields_add(&f, SPAN("x-a"), SPAN("3")), OK);
    assert_int_equal(fields_add(&f, SPAN("X-B"), SPAN(" 4\t")), OK);
    check_fields(&f, "[X-A: 1; ETag: 2; x-a: 3; X-B: 4]");

    const struct field *first = fields_get(&f, SPAN("x-a"));
    assert_span(first->value, "1");
    assert_span(fields_next(&f, first)->value, "3");
    assert_null(fields_next(&f, fields_next(&f, first)));
    assert_span(fields_value(&f, FIELD_ETAG), "2");
    assert_null(fields_find(&f, FIELD_AGE));

    assert_int_equal(fields_set(&f, SPAN("x-A"), SPAN("5")), OK);
    check_fields(&f, "[X-A: 5; ETag: 2; X-B: 4]");
    assert_int_equal(fields_set(&f, SPAN("etag"), SPAN("6")), OK);
    assert_int_equal(fields_set(&f, SPAN("Age"), SPAN("7")), OK);
    check_fields(&f, "[X-A: 5; ETag: 6; X-B: 4; Age: 7]");
    assert_int_equal(fields_remove(&f, SPAN("etag")), 1);
    assert_int_equal(fields_remove_id(&f, FIELD_ETAG), 0);
    assert_null(fields_find(&f, FIELD_ETAG));
    assert_int_equal(fields_remove(&f, SPAN("x-b")), 1);
    check_fields(&f, "[X-A: 5; Age: 7]");
    arena_free(&a);
}

TEST(a_field_that_would_not_stay_on_its_line_is_not_taken)
{
    struct arena *a = arena_new(1 << 16);
    struct fields f;

    fields_init(&f, a);
    assert_int_equal(fields_add(&f, SPAN("X"), SPAN("a\r\nY: 1")), ERR_INVALID);
    assert_int_equal(fields_add(&f, SPAN("X"), SPAN("a\nb")), ERR_INVALID);
    assert_int_equal(fields_add(&f, SPAN("X"), SPAN("a\0b")), ERR_INVALID);
    assert_int_equal(fields_set(&f, SPAN("X"), SPAN("01234567\r01234567")),
                     ERR_INVALID);
    assert_int_equal(fields_add(&f, SPAN("X Y"), SPAN("a")), ERR_INVALID);
    assert_int_equal(fields_add(&f, SPAN("X:"), SPAN("a")), ERR_INVALID);
    assert_int_equal(fields_add(&f, SPAN(""), SPAN("a")), ERR_INVALID);
    assert_int_equal(f.n, 0);
    arena_free(&a);
}

TEST(a_value_is_valid_wherever_in_it_the_odd_byte_stands)
{
    char bytes[24];

    for (unsigned c = 0; c < 256; c++) {
        bool good = c == '\t' || (c >= 0x20 && c != 0x7f);
        for (size_t at = 0; at < sizeof(bytes); at++) {
            memset(bytes, 0x80, sizeof(bytes));
            bytes[at] = (char)c;
            assert_int_equal(
                field_value_is_valid(span_of(bytes, sizeof(bytes))), good);
            memset(bytes, ' ', sizeof(bytes));
            bytes[at] = (char)c;
            assert_int_equal(field_value_is_valid(span_of(bytes, at + 1)),
                             good);
        }
    }
}

TEST(a_full_arena_leaves_the_list_as_it_was)
{
    struct arena *a = arena_new(1 << 16);
    struct fields f;

    fields_init(&f, a);
    for (size_t i = 0; i < 16; i++)
        assert_int_equal(fields_add(&f, SPAN("Age"), SPAN("1")), OK);
    for (size_t n = 1; n < 3; n++) {
        arena_fail_after(n);
        assert_int_equal(fields_add(&f, SPAN("X-Own"), SPAN("1")), ERR_LIMIT);
        arena_fail_after(0);
        assert_int_equal(f.n, 16);
    }
    arena_free(&a);
}

TEST(a_copy_of_a_head_outlives_the_arena_of_the_first)
{
    struct arena *a = arena_new(1 << 16), *b = arena_new(1 << 16);
    struct http_head h, copy;

    head_init(&h, a);
    assert_int_equal(head_set_authority(&h, SPAN("A.b:1")), OK);
    h.path = SPAN("/x");
    assert_int_equal(head_add(&h, SPAN("X-Own"), SPAN("v")), OK);
    assert_int_equal(head_add(&h, SPAN("age"), SPAN("1")), OK);
    assert_true(head_copy(&h, b, &copy));
    arena_free(&a);
    assert_span(copy.host, "a.b");
    assert_int_equal(copy.port, 1);
    check_fields(&copy.fields, "[X-Own: v; Age: 1]");
    assert_int_equal(head_add(&copy, SPAN("Via"), SPAN("1.1 x")), OK);
    arena_free(&b);
}

TEST(a_target_is_path_and_query_again)
{
    struct arena *a = arena_new(1 << 16);
    struct http_head h;

    head_init(&h, a);
    h.path = SPAN("/x");
    assert_span(head_target(&h), "/x");
    h.has_query = true;
    assert_span(head_target(&h), "/x?");
    h.query = SPAN("a=1");
    assert_span(head_target(&h), "/x?a=1");
    assert_int_equal(head_set_authority(&h, SPAN("a@b")), ERR_INVALID);
    arena_free(&a);
}

TEST(a_cookie_is_found_among_others_by_its_whole_name)
{
    struct arena *a = arena_new(1 << 16);
    struct http_head h;
    span v;

    head_init(&h, a);
    assert_int_equal(head_add(&h, SPAN("Cookie"), SPAN("a=1; sid=x=y;b; c=")),
                     OK);
    assert_int_equal(head_add(&h, SPAN("Cookie"), SPAN("d=\"4\"")), OK);
    assert_true(head_cookie(&h, SPAN("sid"), &v));
    assert_span(v, "x=y");
    assert_true(head_cookie(&h, SPAN("c"), &v));
    assert_span(v, "");
    assert_true(head_cookie(&h, SPAN("d"), &v));
    assert_span(v, "\"4\"");
    assert_false(head_cookie(&h, SPAN("si"), &v));
    assert_false(head_cookie(&h, SPAN("SID"), &v));
    assert_false(head_cookie(&h, SPAN("b"), &v));
    arena_free(&a);
}

TEST(methods_and_statuses_say_what_follows_from_them)
{
    assert_int_equal(method_of(SPAN("PATCH")), METHOD_PATCH);
    assert_int_equal(method_of(SPAN("patch")), METHOD_OTHER);
    assert_span(method_token(METHOD_DELETE), "DELETE");
    assert_true(method_is_idempotent(METHOD_PUT));
    assert_false(method_is_idempotent(METHOD_POST));
    assert_false(method_is_idempotent(METHOD_OTHER));
    assert_false(method_is_safe(METHOD_DELETE));
    assert_span(http_reason(404), "Not Found");
    assert_int_equal(http_reason(299).len, 0);
    assert_true(http_status_is_bodyless(103));
    assert_false(http_status_is_bodyless(200));
    assert_span(span_str(fault_limit(FAULT_START_LINE_LONG)), "request_line");
    assert_int_equal(fault_status(FAULT_START_LINE_LONG), 414);
    assert_span(span_str(fault_name(FAULT_HOST)), "FAULT_HOST");
    assert_true(strlen(fault_text(FAULT_HOST)) > 0);
}
