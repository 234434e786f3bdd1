/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/translators/lens/help.h"
#include "translators/lens/build.h"

/* ---- types followed back ---- */

#define TYPES(line)                                                            \
    "api: shop\nversions: {v1: {}, v2: {}}\ntypes:\n"                          \
    "  Order: {at: \"* /orders/{id}\"}\n"                                      \
    "  Line: {at: \"" line "\"}\n"

static span
older_children(struct arena *a, const char *api, const char *change)
{
    return children_of(a, load_texts(a, api, change), "Order", 0);
}

TEST(typed_places_follow_every_kind_of_arrow_back)
{
    static const struct {
        const char *api;
        const char *change;
        const char *older;
    } cases[] = {
        {TYPES("items/* of Order"), "Order: {map: {lines: items}}\n",
         "lines/* Line"},
        {TYPES("cart/items/* of Order"), "Order: {map: {lines: cart/items}}\n",
         "lines/* Line"},
        {TYPES("items/* of Order"),
         "Order: {map: {owner: {to: \"items/[own]\"}}}\n",
         "items/* Line; owner Line"},
        {TYPES("items/* of Order"),
         "Order: {map: {item: {to: items, as: one <> list, pick: only}}}\n",
         "item Line"},
        {TYPES("item of Order"),
         "Order: {map: {items: {to: item, as: list <> one, pick: only}}}\n",
         "items/* Line"},
        {TYPES("src/card of Order"),
         "Order: {map: {src: {cases: [{older: string, newer: {t: a, id: .}}, "
         "{older: object, newer: {t: b, card: .}}]}}}\n",
         "src Line"},
        {TYPES("text/* of Order"),
         "Order: {map: {json: {to: text, as: json_text <> json}}}\n",
         "json => * Line"},
        {TYPES("bag/newName of Order"),
         "Order: {map: {bag: {as: keys(snake) <> keys(camel)}}}\n",
         "bag/new_name Line"},
        {TYPES("extra/a of Order"), "Order: {add: {extra: {write: lose}}}\n",
         ""},
        {TYPES("y of Order"), "Order: {cases: [{both: {k: a}, map: {x: y}}]}\n",
         "y Line; x Line?"},
        {TYPES("y of Order"), "Order: {map: {x: {to: y, when: {k: a}}}}\n",
         "y Line; x Line?"},
        {TYPES("gone of Order@v1"), "Order: {map: {a: b}}\n", "gone Line"},
        /* A name is not a thing: the older `target` is described elsewhere. */
        {TYPES("target/x of Order"), "Order: {map: {target: described}}\n", ""},
        {TYPES("b of Order"), "Order: {map: {a: b, b: a}}\n", "a Line"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct arena *a = arena_new(ROOM);
        assert_span(older_children(a, cases[i].api, cases[i].change),
                    cases[i].older);
        arena_free(&a);
    }
}

TEST(a_place_of_one_version_is_not_in_newer_ones)
{
    struct arena *a = arena_new(ROOM);
    const struct lens_api *api =
        load_texts(a, TYPES("gone of Order@v1"), "Order: {map: {a: b}}\n");

    assert_span(children_of(a, api, "Order", 1), "");
    arena_free(&a);
}

TEST(what_is_asked_of_a_typed_value_moves_with_its_members)
{
    struct arena *a = arena_new(ROOM);
    const struct lens_api *api =
        load_texts(a,
                   "api: shop\nversions: {v1: {}, v2: {}}\ntypes:\n"
                   "  Order: {at: \"* /orders/{id}\"}\n"
                   "  Line: {at: [{at: l of Order, when: {type: gift}}]}\n",
                   "Line: {map: {kind: {to: type, enum: {present: gift}}}}\n");
    const struct lens_child *older = api->types[0].at[0].children;
    const struct lens_child *newer = api->types[0].at[1].children;

    assert_span(newer->when.conditions[0].place.text, "type");
    assert_span(older->when.conditions[0].place.text, "kind");
    assert_span(shown(a, older->when.conditions[0].tests[0].values[0]),
                "\"present\"");
    arena_free(&a);
}

/* ---- messages ---- */

static bool
fits(const char *at, const struct lens_occasion *o)
{
    struct arena *a = arena_new(ROOM);
    const struct lens_api *api =
        load_texts(a,
                   arena_fmt(a,
                             "api: x\nversions: {v1: {}, g/v2: {}}\n"
                             "types: {Order: {at: \"%s\"}}\n",
                             at)
                       .at,
                   NULL);
    assert_int_equal(api->n_sites[1], 1);
    bool out = lens_message_fits(&api->sites[1][0].message, o);
    arena_free(&a);
    return out;
}

TEST(a_method_and_path_are_of_requests_and_good_answers)
{
    struct lens_occasion o = {.method = SPAN("GET"), .path = SPAN("/orders/1")};

    assert_true(fits("GET /orders/{id}", &o));
    assert_false(fits("event *", &o));
    assert_true(fits("* /orders/{id}", &o));
    assert_true(fits("request GET /orders/{id}", &o));
    assert_false(fits("answer GET /orders/{id}", &o));
    assert_false(fits("POST /orders/{id}", &o));
    assert_false(fits("GET /orders", &o));
    assert_false(fits("status 2xx", &o));

    o.is_answer = true;
    o.status = 201;
    assert_true(fits("GET /orders/{id}", &o));
    assert_true(fits("answer GET /orders/{id}", &o));
    assert_false(fits("request GET /orders/{id}", &o));
    o.status = 404;
    assert_false(fits("GET /orders/{id}", &o));
}

TEST(an_event_has_the_types_of_its_name_and_one_without_is_called_message)
{
    struct lens_occasion o = {.is_answer = true,
                              .method = SPAN("GET"),
                              .path = SPAN("/orders/7"),
                              .status = 200,
                              .media = SPAN("text/event-stream"),
                              .is_event = true,
                              .event = SPAN("order.paid")};
    assert_true(fits("event order.paid", &o));
    assert_true(fits("event order.*", &o));
    assert_true(fits("event *", &o));
    assert_false(fits("event order", &o));
    assert_false(fits("event order.paid.late", &o));
    assert_false(fits("GET /orders/{id}", &o));
    o.event = SPAN("");
    assert_true(fits("event message", &o));
    assert_true(fits("GET /orders/{id}", &o));
    assert_false(fits("event order.*", &o));
    o.is_event = false;
    assert_false(fits("event message", &o));
}

TEST(where_a_record_says_its_version_no_arrow_may_lead)
{
    static const char api[] =
        "api: shop\nversions: {v1: {}, v2: {}}\ntypes:\n"
        "  Order: {at: POST /orders, version_at: meta/schema}\n";
    struct arena *a = arena_new(ROOM);
    const struct lens_api *ok = load_texts(a, api, "Order:\n  map: {a: b}\n");
    assert_true(ok->types[0].has_version_at);
    span change = arena_fmt(a, "%sOrder:\n  map: {meta: info}\n", change_head);
    assert_span(problems_of(a, span_str(api), change),
                "changes/c.yaml:6:9: `meta/schema` is where a record says its "
                "version, which is read before it is known what else moved; "
                "keep it where it is in all versions, or use `marker`\n");
    arena_free(&a);
}

TEST(a_status_is_of_answers_by_class_code_and_media)
{
    struct lens_occasion o = {.is_answer = true,
                              .method = SPAN("GET"),
                              .path = SPAN("/x"),
                              .status = 422,
                              .media = SPAN("Application/JSON")};

    assert_true(fits("status 4xx", &o));
    assert_true(fits("error of status 5xx 422 application/json", &o));
    assert_false(fits("status 5xx", &o));
    assert_false(fits("status 421", &o));
    assert_false(fits("status 4xx application/problem+json", &o));
}

TEST(a_version_in_a_path_may_hold_slashes)
{
    struct lens_occasion o = {.method = SPAN("GET"),
                              .path = SPAN("/apis/g/v2/x")};

    assert_true(fits("GET /apis/{version}/x", &o));
    o.path = SPAN("/apis/v9/x");
    assert_false(fits("GET /apis/{version}/x", &o));
}

TEST(http_arrows_are_of_a_route_whatever_the_status)
{
    struct arena *a = arena_new(ROOM);
    const struct lens_api *api =
        load_shop(a, "http:\n"
                     "  POST /orders:\n"
                     "    map: {status: {enum: {422: 451}, newer: {422: 422}}, "
                     "query/cust: {to: query/customer, enum: {1: 2}}}\n"
                     "  \"*\": {map: {header/X-Shop: header/Request-Id}}\n");
    const struct lens_table *t = &api->tables[0];
    struct lens_occasion o = {.is_answer = true,
                              .method = SPAN("POST"),
                              .path = SPAN("/orders"),
                              .status = 422};

    assert_int_equal(t->n_http, 2);
    assert_true(lens_http_fits(&t->http[0], &o));
    assert_true(lens_http_fits(&t->http[1], &o));
    o.method = SPAN("GET");
    assert_false(lens_http_fits(&t->http[0], &o));

    const struct lens_arrow *status = &t->http[0].block->arrows[0];
    const struct lens_arrow *query = &t->http[0].block->arrows[1];
    const struct lens_arrow *header = &t->http[1].block->arrows[0];
    assert_span(shown(a, status->ways[0].stages.at[0].symbols[0].rows[0].to),
                "451"); /* a number */
    assert_span(shown(a, query->ways[0].stages.at[0].symbols[0].rows[0].to),
                "\"2\""); /* texts */
    assert_span(header->ways[0].place[LENS_OLDER].steps[1].key, "x-shop");
    arena_free(&a);
}

/* ---- versions and detection ---- */

TEST(versions_and_sources_are_as_written)
{
    struct arena *a = arena_new(ROOM);
    const struct lens_api *api = load_texts(
        a,
        "api: shop\n"
        "versions:\n"
        "  v1: {date: 2024-01-15, sunset: 2026-12-31, link: \"https://e/\"}\n"
        "  v2a: {internal: true, marker: [2, 0]}\n"
        "  v3: {}\n"
        "detect:\n"
        "  - header: Api-Version\n"
        "  - client: {header: X-Client, builds: {ios: {\"<4.0\": v1, "
        "\">=4.0\": v3}}}\n"
        "  - path: /apis/{version}/\n"
        "  - body\n"
        "missing: v1\n"
        "echo: Api-Version\n"
        "agree: true\n",
        NULL);

    assert_int_equal(api->n_versions, 3);
    assert_int_equal(api->versions[0].date, 19737);
    assert_int_equal(api->versions[0].deprecated, LENS_NO_DATE);
    assert_true(api->versions[1].internal);
    assert_span(shown(a, api->versions[1].marker), "[2,0]");
    assert_null(api->versions[2].marker);
    assert_int_equal(api->detect.n_sources, 4);
    assert_int_equal(api->detect.sources[1].n_builds, 2);
    assert_span(api->detect.sources[1].builds[1].range, ">=4.0");
    assert_int_equal(api->detect.sources[1].builds[1].version, 2);
    assert_int_equal(api->detect.sources[3].kind, LENS_SOURCE_BODY);
    assert_int_equal(api->detect.missing, 0);
    assert_true(api->detect.agree);
    assert_int_equal(lens_version_of(api, SPAN("v3")), 2);
    assert_int_equal(lens_version_of(api, SPAN("v4")), -1);
    arena_free(&a);
}

TEST(a_date_is_a_day_of_the_calendar)
{
    int32_t days;

    assert_true(lens_date_days(SPAN("1970-01-01"), &days));
    assert_int_equal(days, 0);
    assert_true(lens_date_days(SPAN("2000-03-01"), &days));
    assert_int_equal(days, 11017);
    assert_true(lens_date_days(SPAN("1969-12-31"), &days));
    assert_int_equal(days, -1);
    assert_true(lens_date_days(SPAN("0001-01-01"), &days));
    assert_int_equal(days, -719162);
    assert_true(lens_date_days(SPAN("0000-12-31"), &days));
    assert_int_equal(days, -719163);
    assert_true(lens_date_days(SPAN("2024-02-29"), &days));
    assert_false(lens_date_days(SPAN("2023-02-29"), &days));
    assert_false(lens_date_days(SPAN("2023-2-9"), &days));
    assert_false(lens_date_days(SPAN("2023-00-10"), &days));
    assert_false(lens_date_days(SPAN("2023/01/10"), &days));
}

static void
check_spelling(const char *key, enum lens_spelling spelling, const char *out)
{
    struct buf b;

    buf_init(&b, ROOM);
    lens_spell(span_str(key), spelling, &b);
    assert_span(buf_span(&b), out);
    buf_fini(&b);
}

TEST(a_key_is_spelt_by_its_words)
{
    check_spelling("ScaleTargetRef", LENS_CAMEL, "scaleTargetRef");
    check_spelling("scaleTargetRef", LENS_PASCAL, "ScaleTargetRef");
    check_spelling("scaleTargetRef", LENS_SNAKE, "scale_target_ref");
    check_spelling("scale_target_ref", LENS_KEBAB, "scale-target-ref");
    check_spelling("scale-target-ref", LENS_CAMEL, "scaleTargetRef");
    check_spelling("_id", LENS_CAMEL, "_id");
    check_spelling("a_", LENS_CAMEL, "a_");
    check_spelling("a__b", LENS_CAMEL, "a_B");
    check_spelling("p95", LENS_SNAKE, "p95");
    check_spelling("", LENS_SNAKE, "");
}
