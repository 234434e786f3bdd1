/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stripe's fixtures say what has which shape, not which values belong together
 * (../shared/examples/README.md): so what comes out must have the members of the
 * owner's document, but below a place that the manifest lists as one side's own.
 */
#include "tests/translators/documents.h"

#include "translators/lens/lens.h"

#define STRIPE STILE_SHARED "/examples/stripe"

enum { ACACIA, BASIL };
static const char *const files[] = {"acacia", "basil"};

static const struct {
    const char *id;
    const char *path;
    bool is_listed; /* it is the one element of `data` */
} resources[] = {
    {"01-subscription", "/v1/subscriptions/1", false},
    {"01-subscription", "/v1/subscriptions", true},
    {"02-subscription_item", "/v1/subscription_items/1", false},
    {"03-subscription_schedule", "/v1/subscription_schedules/1", false},
    {"04-invoice", "/v1/invoices/1", false},
    {"05-line_item", "/v1/invoices/1/lines", true},
    {"05-line_item", "/v1/invoices/1/lines/1", false},
    {"06-invoiceitem", "/v1/invoiceitems/1", false},
    {"07-credit_note", "/v1/credit_notes/1", false},
    {"08-credit_note_line_item", "/v1/credit_notes/1/lines", true},
    {"09-checkout-session", "/v1/checkout/sessions/1", false},
    {"10-charge", "/v1/charges/1", false},
    {"11-payment_intent", "/v1/payment_intents/1", false},
    {"12-price", "/v1/prices/1", false},
    {"13-plan", "/v1/plans/1", false},
    {"14-customer_balance_transaction",
     "/v1/customers/1/balance_transactions/1", false},
};

struct bench {
    struct arena *a;
    const struct lens_api *api;
    const struct translator *t;
    const struct json *listed; /* places that this side alone has */
    const char *what;
    size_t n_wrong;
};

/* What a line of acacia's says in basil's `parent`, null in the fixture. */
static bool
is_told_by_parent(span at)
{
    return span_ends(at, SPAN(".type")) || span_ends(at, SPAN(".proration")) ||
           span_ends(at, SPAN(".invoice_item")) ||
           span_ends(at, SPAN(".proration_details"));
}

static bool
is_listed(const struct bench *b, span at)
{
    for (size_t i = 0; i < b->listed->n; i++)
        if (span_eq(at, b->listed->members[i].value->text))
            return true;
    return false;
}

/* NOLINTBEGIN(misc-no-recursion): as deep as the example files */
static void
compare(struct bench *b, const struct json *is, const struct json *should,
        span at)
{
    if (is_listed(b, at) || is->kind != should->kind)
        return;
    if (is->kind == JSON_LIST && is->n && should->n)
        compare(b, is->members[0].value, should->members[0].value,
                arena_fmt(b->a, "%.*s[]", SPAN_FMT(at)));
    for (size_t side = 0; is->kind == JSON_OBJECT && side < 2; side++) {
        const struct json *one = side ? should : is;
        const struct json *other = side ? is : should;
        for (size_t i = 0; i < one->n; i++) {
            span key = one->members[i].key;
            span below =
                arena_fmt(b->a, "%.*s.%.*s", SPAN_FMT(at), SPAN_FMT(key));
            const struct json *same = json_get(other, key);
            if (same && side == 0)
                compare(b, one->members[i].value, same, below);
            if (same ||
                (side && is_listed(b, below) && is_told_by_parent(below)))
                continue;
            print_error("%s: %.*s: %s\n", b->what, SPAN_FMT(below),
                        side ? "missing" : "too much");
            b->n_wrong++;
        }
    }
}
/* NOLINTEND(misc-no-recursion) */

static const struct json *
listed_of(struct arena *a, const char *id, size_t to)
{
    const struct json *manifest = document_read(a, STRIPE "/manifest.json");
    for (size_t i = 0; i < manifest->n; i++) {
        const struct json *entry = manifest->members[i].value;
        if (span_is(json_get(entry, SPAN("id"))->text, id))
            return json_get(entry,
                            to == BASIL ? SPAN("added") : SPAN("removed"));
    }
    fail_msg("the manifest has no %s", id);
    return NULL;
}

static struct json *
translated(struct bench *b, size_t i, size_t to, span document)
{
    struct message m = {.side = MESSAGE_ANSWER,
                        .method = SPAN("GET"),
                        .path = span_str(resources[i].path),
                        .status = 200};
    struct json *root = NULL;
    struct err e;
    if (resources[i].is_listed)
        document = arena_fmt(b->a, "{\"object\":\"list\",\"data\":[%.*s]}",
                             SPAN_FMT(document));
    span out =
        document_translate(b->a, b->t, &m, !to, to, document, resources[i].id);
    assert_int_equal(json_parse(b->a, out, JSON_DEPTH_DEFAULT, &root, &e), OK);
    return resources[i].is_listed
               ? json_get(root, SPAN("data"))->members[0].value
               : root;
}

static void
check_shapes(size_t to)
{
    struct bench b = {.a = arena_new(DOCUMENT_ROOM)};
    b.t = document_api(b.a, "stripe", &b.api);
    for (size_t i = 0; i < COUNT(resources); i++) {
        span from =
            arena_fmt(b.a, STRIPE "/%s/%s.json", resources[i].id, files[!to]);
        span should =
            arena_fmt(b.a, STRIPE "/%s/%s.json", resources[i].id, files[to]);
        b.what = resources[i].id;
        b.listed = listed_of(b.a, b.what, to);
        compare(&b, translated(&b, i, to, test_file(b.a, from.at)),
                document_read(b.a, should.at), SPAN(""));
    }
    assert_int_equal(b.n_wrong, 0);
    arena_free(&b.a);
}

TEST(stripes_resources_have_the_newer_shape_going_up)
{
    check_shapes(BASIL);
}

TEST(stripes_resources_have_the_older_shape_going_down)
{
    check_shapes(ACACIA);
}

/* What one resource's document becomes, printed. */
static span
shown(struct bench *b, const char *id, size_t to, const char *document)
{
    struct buf out;
    size_t i = 0;
    while (strcmp(resources[i].id, id) != 0 || resources[i].is_listed)
        i++;
    buf_init(&out, DOCUMENT_ROOM);
    json_print(translated(b, i, to, span_str(document)), &out);
    span text = {0};
    assert_true(span_dup(b->a, buf_span(&out), &text));
    buf_fini(&out);
    return text;
}

/* The fixtures' own values are mostly null: what arrows do with others. */
TEST(a_line_tells_what_it_came_from_and_comes_back_as_it_was)
{
    struct bench b = {.a = arena_new(DOCUMENT_ROOM)};
    b.t = document_api(b.a, "stripe", &b.api);
    static const char older[] =
        "{\"id\":\"il_1\",\"type\":\"subscription\",\"subscription_item\":\"si_"
        "1\",\"proration\":true,\"tax_amounts\":[{\"amount\":19,\"inclusive\":"
        "false,\"tax_rate\":\"txr_1\"}]}";
    span newer = shown(&b, "05-line_item", BASIL, older);
    assert_span(
        newer,
        "{\"id\":\"il_1\",\"taxes\":[{\"amount\":19,\"tax_behavior\":"
        "\"exclusive\",\"tax_rate_details\":{\"tax_rate\":\"txr_1\"},\"type\":"
        "\"tax_rate_details\"}],\"pricing\":null,\"parent\":{\"type\":"
        "\"subscription_item_details\",\"subscription_item_details\":{"
        "\"proration\":true,\"subscription_item\":\"si_1\"}}}");
    span back = shown(&b, "05-line_item", ACACIA, newer.at);
    struct json *is = NULL, *was = NULL;
    struct err e;
    assert_int_equal(json_parse(b.a, back, 64, &is, &e), OK);
    assert_int_equal(json_parse(b.a, span_str(older), 64, &was, &e), OK);
    for (size_t i = 0; i < was->n; i++) {
        const struct json *same = json_get(is, was->members[i].key);
        assert_true(same && json_alike(same, was->members[i].value));
    }
    arena_free(&b.a);
}

TEST(a_refund_is_the_first_of_a_list_and_null_is_none)
{
    struct bench b = {.a = arena_new(DOCUMENT_ROOM)};
    b.t = document_api(b.a, "stripe", &b.api);
    assert_span(shown(&b, "07-credit_note", BASIL, "{\"refund\":\"re_1\"}"),
                "{\"refunds\":[{\"refund\":\"re_1\"}]}");
    assert_span(shown(&b, "07-credit_note", BASIL, "{\"refund\":null}"),
                "{\"refunds\":[]}");
    assert_span(shown(&b, "07-credit_note", ACACIA,
                      "{\"refunds\":[{\"refund\":\"re_1\",\"amount_refunded\":"
                      "5},{\"refund\":\"re_2\"}]}"),
                "{\"refund\":\"re_1\"}");
    assert_span(shown(&b, "07-credit_note", ACACIA, "{\"refunds\":[]}"),
                "{\"refund\":null}");
    arena_free(&b.a);
}

TEST(a_subscriptions_period_is_that_of_each_of_its_items)
{
    struct bench b = {.a = arena_new(DOCUMENT_ROOM)};
    b.t = document_api(b.a, "stripe", &b.api);
    assert_span(
        shown(&b, "01-subscription", BASIL,
              "{\"current_period_start\":1,\"current_period_end\":9,\"items\":{"
              "\"data\":[{\"id\":\"a\"},{\"id\":\"b\"}]}}"),
        "{\"items\":{\"data\":[{\"id\":\"a\",\"current_period_start\":1,"
        "\"current_period_end\":9},{\"id\":\"b\",\"current_period_start\":1,"
        "\"current_period_end\":9}]}}");
    span down = shown(&b, "01-subscription", ACACIA,
                      "{\"items\":{\"data\":[{\"current_period_start\":3,"
                      "\"current_period_end\":7},{\"current_period_start\":2,"
                      "\"current_period_end\":8}]}}");
    struct json *is = NULL;
    struct err e;
    assert_int_equal(json_parse(b.a, down, 64, &is, &e), OK);
    assert_span(json_get(is, SPAN("current_period_start"))->text, "2");
    assert_span(json_get(is, SPAN("current_period_end"))->text, "8");
    arena_free(&b.a);
}
