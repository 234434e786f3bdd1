/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/translators/shop.h"

static enum program_need
need_of(struct shop *s, const struct message *m, size_t from, size_t to)
{
    const struct program *p = NULL;
    struct err e = {0};
    enum program_need need =
        translator_program(s->t, s->a, m, from, to, &p, &e);
    assert_true((need == PROGRAM_TRANSLATE) == (p != NULL));
    assert_true((need == PROGRAM_UNSUPPORTED) == (e.text[0] != '\0'));
    return need;
}

TEST(equal_versions_pass_whatever_the_message)
{
    struct shop s;
    open_shop(&s);
    struct message m = post_order();
    m.media = SPAN("application/merge-patch+json");
    assert_int_equal(need_of(&s, &m, 1, 1), PROGRAM_PASS);
    close_shop(&s);
}

TEST(a_body_without_a_type_has_no_program_for_it)
{
    struct shop s;
    open_shop(&s);
    struct message m = {.side = MESSAGE_REQUEST,
                        .method = SPAN("POST"),
                        .path = SPAN("/elsewhere")};
    const struct program *p = shop_find(&s, &m, 0, 2); /* "*" maps a header */
    assert_true(program_has_head(p));
    assert_false(program_has_body(p));
    assert_false(translator_is_typed(s.t, &m));
    assert_int_equal(need_of(&s, &m, 1, 2), PROGRAM_PASS);
    close_shop(&s);
}

TEST(a_type_that_no_change_touches_passes)
{
    struct shop s;
    open_shop(&s);
    struct message m = {.side = MESSAGE_ANSWER,
                        .method = SPAN("GET"),
                        .path = SPAN("/others"),
                        .status = 200};
    assert_int_equal(need_of(&s, &m, 2, 1), PROGRAM_PASS);
    assert_true(translator_is_typed(s.t, &m));
    close_shop(&s);
}

TEST(a_typed_body_in_a_form_that_is_not_offered_is_unsupported)
{
    static const struct {
        const char *media;
        bool as_answer;
    } no[] = {{"application/merge-patch+json", true},
              {"Application/Json-Patch+JSON; x=y", true}};
    struct shop s;
    open_shop(&s);
    for (size_t i = 0; i < COUNT(no); i++) {
        struct message m = post_order();
        m.media = span_str(no[i].media);
        if (no[i].as_answer) {
            m.side = MESSAGE_ANSWER;
            m.status = 200;
        }
        assert_int_equal(need_of(&s, &m, 0, 2), PROGRAM_UNSUPPORTED);
    }
    close_shop(&s);
}

TEST(a_body_that_is_no_json_passes)
{
    struct shop s;
    open_shop(&s);
    struct message m = post_order();
    m.media = SPAN("text/html");
    assert_int_equal(need_of(&s, &m, 1, 2), PROGRAM_PASS);
    assert_false(translator_is_typed(s.t, &m));
    m.media = SPAN("application/vnd.shop.v1+json");
    assert_int_equal(need_of(&s, &m, 1, 2), PROGRAM_TRANSLATE);
    m.media = SPAN("");
    assert_int_equal(need_of(&s, &m, 1, 2), PROGRAM_TRANSLATE);
    close_shop(&s);
}

static const char *
patched(struct shop *s, const struct message *m, size_t from, size_t to,
        const char *body)
{
    struct buf out;
    buf_truncate(&s->out, 0);
    if (shop_feed(s, shop_find(s, m, from, to), &no_limits, body) != OK)
        return translation_fault(s->tr)->err.text;
    buf_init(&out, DOCUMENT_ROOM);
    buf_add(&out, buf_span(&s->out));
    span text;
    assert_true(span_dup(s->a, buf_span(&out), &text));
    buf_fini(&out);
    return text.at;
}

TEST(patch_with_plain_json_is_a_patch_unless_the_route_says_whole)
{
    struct shop s;
    open_shop(&s);
    struct message m = post_order();
    m.method = SPAN("PATCH");
    m.path = SPAN("/orders/1");
    m.write = MESSAGE_WRITE_LOSE;
    assert_string_equal(patched(&s, &m, 0, 2, "{\"customer\":null}"),
                        "{\"customer_id\":null}");
    m.whole = true;
    assert_string_equal(patched(&s, &m, 0, 2, "{\"customer\":null}"),
                        "{\"customer_id\":null,\"channel\":\"api\"}");
    m.whole = false;
    m.side = MESSAGE_ANSWER;
    m.status = 200;
    assert_string_equal(patched(&s, &m, 2, 0, "{\"customer_id\":\"7\"}"),
                        "{\"customer\":\"7\"}");
    close_shop(&s);
}

TEST(patches_are_told_by_their_media_type)
{
    struct shop s;
    open_shop(&s);
    struct message m = post_order();
    m.method = SPAN("PATCH");
    m.path = SPAN("/orders/1");
    m.whole = true; /* the media type says more */
    m.media = SPAN("application/merge-patch+json");
    assert_string_equal(patched(&s, &m, 2, 0, "{\"customer_id\":null}"),
                        "{\"customer\":null}");
    m.media = SPAN("application/json-patch+json");
    assert_string_equal(
        patched(&s, &m, 0, 2, "[{\"op\":\"remove\",\"path\":\"/customer\"}]"),
        "[{\"op\":\"remove\",\"path\":\"/customer_id\"}]");
    assert_string_equal(patched(&s, &m, 0, 2, "{\"customer\":1}"),
                        "a JSON Patch is a list of operations, not object");
    assert_int_equal(translation_fault(s.tr)->status, 400);
    assert_false(translation_fault(s.tr)->needs_document);
    close_shop(&s);
}

TEST(a_patch_that_falls_back_says_so)
{
    struct shop s;
    open_shop(&s);
    struct message m = post_order();
    m.method = SPAN("PATCH");
    m.path = SPAN("/orders/1");
    m.media = SPAN("application/json-patch+json");
    (void)patched(&s, &m, 0, 2,
                  "[{\"op\":\"test\",\"path\":\"\",\"value\":{}}]");
    assert_int_equal(translation_fault(s.tr)->status, 422);
    assert_true(translation_fault(s.tr)->needs_document);
    close_shop(&s);
}

TEST(an_error_has_the_type_of_its_status)
{
    struct shop s;
    open_shop(&s);
    struct message m = {.side = MESSAGE_ANSWER,
                        .method = SPAN("POST"),
                        .path = SPAN("/orders"),
                        .status = 404,
                        .media = SPAN("application/json; charset=utf-8")};
    assert_int_equal(shop_feed(&s, shop_find(&s, &m, 2, 0), &no_limits,
                               "{\"error\":{\"message\":\"m\"},\"channel\":1}"),
                     OK);
    assert_span(buf_span(&s.out), "{\"error\":{\"msg\":\"m\"},\"channel\":1}");
    close_shop(&s);
}

TEST(no_media_type_is_json_also_where_a_type_asks_for_json)
{
    struct shop s;
    open_shop(&s);
    struct message m = {.side = MESSAGE_ANSWER,
                        .method = SPAN("POST"),
                        .path = SPAN("/orders"),
                        .status = 404};
    assert_true(translator_is_typed(s.t, &m));
    assert_int_equal(shop_feed(&s, shop_find(&s, &m, 2, 0), &no_limits,
                               "{\"error\":{\"message\":\"m\"}}"),
                     OK);
    assert_span(buf_span(&s.out), "{\"error\":{\"msg\":\"m\"}}");
    m.media = SPAN("text/html");
    assert_false(program_has_body(shop_find(&s, &m, 2, 0)));
    close_shop(&s);
}

TEST(programs_are_told_apart_by_their_versions_and_the_same_again_are_the_same)
{
    struct shop s, again;
    open_shop(&s);
    open_shop(&again);
    struct message m = post_order();
    uint64_t up = program_id(shop_find(&s, &m, 0, 2));
    assert_true(up == program_id(shop_find(&again, &m, 0, 2)));
    assert_true(up != program_id(shop_find(&s, &m, 2, 0)));
    assert_true(up != program_id(shop_find(&s, &m, 0, 1)));
    close_shop(&s);
    close_shop(&again);
}
