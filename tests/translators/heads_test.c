/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/translators/shop.h"

static struct message_head
head(struct shop *s, const struct message *m, size_t from, size_t to,
     struct message_head in)
{
    struct message_head out;
    struct err e;
    assert_int_equal(translation_open(s->a, shop_find(s, m, from, to),
                                      &no_limits, &s->out, &s->tr, &e),
                     OK);
    enum err_code code = translation_head(s->tr, &in, &out);
    if (code)
        fail_msg("%s", translation_fault(s->tr)->err.text);
    return out;
}

TEST(a_query_keeps_the_bytes_of_what_no_arrow_names)
{
    static const struct {
        const char *v1;
        const char *v3;
    } queries[] = {
        {"cust=1&state=open", "customer_id=1&state=pending&expand=lines"},
        {"a=%7E&cust=x%20y&b=a+b&&c",
         "a=%7E&customer_id=x%20y&b=a+b&&c&expand=lines"},
        {"%63ust=1", "customer_id=1&expand=lines"},
        {"x=1&x=2", "x=1&x=2&expand=lines"},
        {"cust", "customer_id&expand=lines"},
    };
    struct shop s;
    open_shop(&s);
    struct message m = {.side = MESSAGE_REQUEST,
                        .method = SPAN("GET"),
                        .path = SPAN("/orders")};
    for (size_t i = 0; i < COUNT(queries); i++) {
        struct message_head in = {.query = span_str(queries[i].v1),
                                  .has_query = true};
        struct message_head out = head(&s, &m, 0, 2, in);
        assert_true(out.has_query);
        assert_span(out.query, queries[i].v3);
    }
    struct message_head none = {0};
    struct message_head out = head(&s, &m, 0, 2, none);
    assert_true(out.has_query);
    assert_span(out.query, "expand=lines");
    struct message_head in = {.query = SPAN("expand=lines&customer_id=1"),
                              .has_query = true};
    out = head(&s, &m, 2, 0, in);
    assert_span(out.query, "cust=1");
    in.query = SPAN("expand=lines");
    out = head(&s, &m, 2, 0, in);
    assert_false(out.has_query);
    close_shop(&s);
}

TEST(a_form_of_numbers_or_truths_reads_the_text_of_a_parameter)
{
    static const struct {
        const char *v1;
        const char *v3;
    } queries[] = {
        {"cents=1299", "amount=12.99&expand=lines"},
        {"since=0", "since=1970-01-01T00:00:00Z&expand=lines"},
        {"all=true", "all=1&expand=lines"},
    };
    struct shop s;
    open_shop(&s);
    struct message m = {.side = MESSAGE_REQUEST,
                        .method = SPAN("GET"),
                        .path = SPAN("/orders")};
    for (size_t i = 0; i < COUNT(queries); i++) {
        struct message_head in = {.query = span_str(queries[i].v1),
                                  .has_query = true};
        assert_span(head(&s, &m, 0, 2, in).query, queries[i].v3);
        in.query = span_str(queries[i].v3);
        assert_span(head(&s, &m, 2, 0, in).query, queries[i].v1);
    }
    close_shop(&s);
}

TEST(an_answer_has_no_query_to_fill)
{
    size_t n;
    struct shop s;
    open_shop(&s);
    struct message m = {.side = MESSAGE_ANSWER,
                        .method = SPAN("GET"),
                        .path = SPAN("/orders"),
                        .status = 200};
    struct message_head in = {.status = 200};
    struct message_head out = head(&s, &m, 0, 2, in);
    assert_false(out.has_query);
    (void)translation_notices(s.tr, &n);
    assert_int_equal(n, 0);
    close_shop(&s);
}

TEST(a_doubled_parameter_is_refused_if_an_arrow_reads_it)
{
    struct shop s;
    struct err e;
    open_shop(&s);
    struct message m = {.side = MESSAGE_REQUEST,
                        .method = SPAN("GET"),
                        .path = SPAN("/orders")};
    struct message_head in = {.query = SPAN("cust=1&cust=2"),
                              .has_query = true};
    struct message_head out;
    assert_int_equal(translation_open(s.a, shop_find(&s, &m, 0, 2), &no_limits,
                                      &s.out, &s.tr, &e),
                     OK);
    assert_int_not_equal(translation_head(s.tr, &in, &out), OK);
    assert_int_equal(translation_fault(s.tr)->status, 400);
    assert_span(translation_fault(s.tr)->pointer, "/query/cust");
    assert_int_not_equal(translation_feed(s.tr, SPAN("{}")), OK);
    close_shop(&s);
}

TEST(headers_are_renamed_and_others_stay_as_they_came)
{
    static const struct head_field fields[] = {{SPAN("Accept"), SPAN("*/*")},
                                               {SPAN("X-SHOP-Req"), SPAN("r")},
                                               {SPAN("X-Raw"), SPAN("\xff")},
                                               {SPAN("Cookie"), SPAN("a")},
                                               {SPAN("Cookie"), SPAN("b")}};
    struct shop s;
    open_shop(&s);
    struct message m = post_order();
    struct message_head in = {.fields = fields, .n_fields = COUNT(fields)};
    struct message_head out = head(&s, &m, 0, 1, in);
    assert_int_equal(out.n_fields, 5);
    assert_span(out.fields[0].name, "Accept");
    assert_span(out.fields[1].name, "request-id");
    assert_span(out.fields[1].value, "r");
    assert_span(out.fields[2].value, "\xff");
    assert_span(out.fields[4].value, "b");
    close_shop(&s);
}

TEST(a_status_is_a_symbol_in_both_directions)
{
    struct shop s;
    open_shop(&s);
    struct message m = post_order();
    m.side = MESSAGE_ANSWER;
    m.status = 451;
    struct message_head in = {.status = 451};
    assert_int_equal(head(&s, &m, 2, 0, in).status, 422);
    in.status = m.status = 422;
    assert_int_equal(head(&s, &m, 2, 0, in).status, 422);
    assert_int_equal(head(&s, &m, 0, 1, in).status, 451);
    in.status = m.status = 201;
    assert_int_equal(head(&s, &m, 2, 0, in).status, 201);
    close_shop(&s);
}

/* ---- the marker as a source of detection ---------------------------------------------- */

TEST(the_marker_is_seen_as_soon_as_it_is_there)
{
    static const struct {
        const char *body;
        bool is_all;
        enum marker_seen seen;
        size_t version;
    } bodies[] = {
        {"{\"schema\":\"v2\"", false, MARKER_FOUND, 1},
        {"{\"x\":{\"schema\":\"v1\"},\"schema\":\"v3\",", false, MARKER_FOUND,
         2},
        {"{\"x\":[1,\"}\",{\"a\":\"]\\\"\"}],\"\\u0073chema\":\"v1\"}", true,
         MARKER_FOUND, 0},
        {"", false, MARKER_MORE, 0},
        {"{\"schema\":\"v", false, MARKER_MORE, 0},
        {"{\"a\":1,", false, MARKER_MORE, 0},
        {"{\"a\":1}", false, MARKER_ABSENT, 0},
        {"[1]", false, MARKER_ABSENT, 0},
        {"{\"a\":", true, MARKER_ABSENT, 0},
        {"{\"schema\":\"v9\"}", true, MARKER_UNKNOWN, 0},
        {"{\"schema\":7}", false, MARKER_UNKNOWN, 0},
    };
    struct shop s;
    open_shop(&s);
    struct message m = post_order();
    for (size_t i = 0; i < COUNT(bodies); i++) {
        size_t version = 0;
        span text;
        enum marker_seen seen =
            translator_marker(s.t, &m, span_str(bodies[i].body),
                              bodies[i].is_all, &version, &text);
        if (seen != bodies[i].seen)
            fail_msg("%s: %d", bodies[i].body, (int)seen);
        if (seen == MARKER_FOUND)
            assert_int_equal(version, bodies[i].version);
    }
    close_shop(&s);
}

TEST(a_message_whose_type_has_no_marker_has_none)
{
    struct shop s;
    size_t version = 0;
    span text;
    open_shop(&s);
    struct message m = {.side = MESSAGE_REQUEST,
                        .method = SPAN("POST"),
                        .path = SPAN("/elsewhere")};
    assert_int_equal(translator_marker(s.t, &m, SPAN("{\"schema\":\"v2\"}"),
                                       true, &version, &text),
                     MARKER_ABSENT);
    close_shop(&s);
}
