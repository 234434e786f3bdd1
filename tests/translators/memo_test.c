/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/translators/documents.h"

#include "translators/memo.h"

static const char api_yaml[] = "api: shop\n"
                               "versions: {v1: {}, v2: {}}\n"
                               "detect: [{header: Api-Version}]\n"
                               "missing: v1\n"
                               "unknown: refuse\n"
                               "types:\n"
                               "  Order: {at: \"* /orders/**\"}\n";

static const char change_yaml[] =
    "change: first\n"
    "from: v1\n"
    "to: v2\n"
    "manifest: {title: t, owner: o, guarantee: none}\n"
    "Order:\n"
    "  map: {customer: customer_id}\n"
    "http:\n"
    "  GET /orders/old: {to: GET /orders/new}\n";

struct shop {
    struct arena *a;
    const struct translator *t;
    struct memo *memo;
};

static void
open_shop(struct shop *s)
{
    const struct lens_text changes[] = {
        {SPAN("changes/first.yaml"), span_str(change_yaml)}};
    const struct lens_api *api = NULL;
    *s = (struct shop){.a = arena_new(DOCUMENT_ROOM)};
    s->memo = memo_new(s->a);
    assert_non_null(s->memo);
    s->t = document_texts(s->a, api_yaml, changes, COUNT(changes), &api);
}

static void
close_shop(struct shop *s)
{
    arena_free(&s->a);
}

static struct message
get(span path)
{
    return (struct message){.side = MESSAGE_ANSWER,
                            .method = SPAN("GET"),
                            .path = path,
                            .status = 200,
                            .media = SPAN("application/json")};
}

static const struct program *
ask(struct shop *s, struct arena *a, const struct message *m)
{
    const struct program *p = NULL;
    struct err e = {0};
    assert_int_equal(memo_program(s->memo, s->t, a, m, 0, 1, &p, &e),
                     PROGRAM_TRANSLATE);
    assert_non_null(p);
    return p;
}

TEST(what_is_asked_again_is_kept)
{
    struct shop s;
    open_shop(&s);
    struct arena *a = arena_new(DOCUMENT_ROOM);
    char path[] = "/orders/1"; /* is another's at each call */
    struct message m = get(span_str(path));
    const struct program *first = ask(&s, a, &m);
    const struct program *second = ask(&s, a, &m);
    assert_ptr_not_equal(first, second);
    arena_reset(a);
    assert_ptr_equal(ask(&s, a, &m), second);
    assert_ptr_equal(ask(&s, a, &m), second);
    path[8] = '2';
    assert_ptr_not_equal(ask(&s, a, &m), second);
    path[8] = '1';
    assert_ptr_equal(ask(&s, a, &m), second);
    arena_free(&a);
    close_shop(&s);
}

TEST(what_is_asked_of_two_apis_in_turn_is_kept_of_both)
{
    struct shop s, other;
    open_shop(&s);
    open_shop(&other);
    struct memo *own = other.memo;
    other.memo = s.memo;
    struct message m = get(SPAN("/orders/1"));
    const struct program *kept[2] = {NULL, NULL};
    for (size_t round = 0; round < 4; round++) {
        struct arena *a = arena_new(DOCUMENT_ROOM);
        const struct program *is[] = {ask(&s, a, &m), ask(&other, a, &m)};
        for (size_t i = 0; i < 2; i++) {
            assert_true(round < 2 || is[i] == kept[i]);
            kept[i] = is[i];
        }
        arena_free(&a);
    }
    other.memo = own;
    close_shop(&s); /* and the memo before its translators */
    close_shop(&other);
}

/* Those that differ in one thing. */
static struct message
variant(size_t i)
{
    struct message m = get(SPAN("/orders/1"));
    if (i == 1)
        m.method = SPAN("PUT");
    if (i == 2)
        m.method = SPAN("POST");
    if (i == 3)
        m.status = 201;
    if (i == 4)
        m.media = SPAN("application/json;x=y");
    if (i == 5)
        m.platform = SPAN("ios");
    if (i == 6)
        m.write = MESSAGE_WRITE_LOSE;
    if (i == 7)
        m.whole = true;
    return m;
}

TEST(another_message_is_another)
{
    struct shop s;
    open_shop(&s);
    for (size_t i = 0; i < 8; i++)
        for (size_t k = 0; k < 8; k++) {
            struct arena *a = arena_new(DOCUMENT_ROOM);
            struct message m = variant(i);
            struct message other = variant(k);
            /* Whichever is kept by now, the other must not be taken for it. */
            const struct program *x = NULL;
            for (int n = 0; n < 3; n++)
                x = ask(&s, a, &m);
            const struct program *y = ask(&s, a, &other);
            assert_true((x == y) <= (i == k));
            arena_free(&a);
        }
    close_shop(&s);
}

/* More messages than there are places, all of them under way: nothing that somebody
 * has is given up. */
TEST(what_is_in_use_stays)
{
    struct shop s;
    open_shop(&s);
    struct arena *users[200];
    const struct program *has[200];
    char paths[200][32];
    for (size_t i = 0; i < COUNT(users); i++) {
        users[i] = arena_new(DOCUMENT_ROOM);
        snprintf(paths[i], sizeof(paths[i]), "/orders/%zu", i);
        struct message m = get(span_str(paths[i]));
        for (int n = 0; n < 3; n++)
            has[i] = ask(&s, users[i], &m);
    }
    for (size_t i = 0; i < COUNT(users); i++) {
        assert_true(program_has_body(has[i]));
        arena_free(&users[i]);
    }
    close_shop(&s);
}

/* What is refused is found anew each time, with its sentence. */
TEST(a_refusal_says_why_each_time)
{
    struct shop s;
    open_shop(&s);
    struct message m = {.side = MESSAGE_REQUEST,
                        .method = SPAN("GET"),
                        .path = SPAN("/orders/new")};
    for (int n = 0; n < 4; n++) {
        const struct program *p = NULL;
        struct err e = {0};
        struct arena *a = arena_new(DOCUMENT_ROOM);
        assert_int_equal(memo_program(s.memo, s.t, a, &m, 0, 1, &p, &e),
                         PROGRAM_UNKNOWN);
        assert_true(e.text[0] != '\0');
        assert_null(p);
        arena_free(&a);
    }
    close_shop(&s);
}

/* A path as long as one likes, and no memo at all. */
TEST(what_is_not_kept_is_found)
{
    struct shop s;
    open_shop(&s);
    struct message m = get(arena_fmt(s.a, "/orders/%02000d", 1));
    const struct program *x = ask(&s, s.a, &m);
    for (int n = 0; n < 3; n++)
        assert_ptr_not_equal(ask(&s, s.a, &m), x);
    m = get(SPAN("/orders/1"));
    s.memo = NULL;
    x = ask(&s, s.a, &m);
    for (int n = 0; n < 3; n++)
        assert_ptr_not_equal(ask(&s, s.a, &m), x);
    close_shop(&s);
}
