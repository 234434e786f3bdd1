/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/translators/shop.h"

static const char api_yaml[] =
    "api: shop\n"
    "versions: {v1: {}, v2: {}, v3: {}}\n"
    "detect: [{header: Api-Version}]\n"
    "missing: v1\n"
    "unknown: refuse\n"
    "types:\n"
    "  Order: {at: [\"* /orders/{id}\", POST /orders, \"data/* of GET "
    "/orders\"], marker: schema}\n"
    "  Line: {at: \"lines/* of Order\"}\n"
    "  Error: {at: \"error of status 4xx application/json\"}\n"
    "  Other: {at: GET /others}\n"
    "  Parcel: {at: POST /parcels}\n"
    "  Tray: {at: \"data/* of GET /trays\"}\n";

static const char first_yaml[] =
    "change: first\n"
    "from: v1\n"
    "to: v2\n"
    "manifest: {title: t, owner: o, guarantee: none}\n"
    "Order:\n"
    "  map: {customer: customer_id}\n"
    "  add: {channel: {up: api, write: refuse}}\n"
    "Error:\n"
    "  map: {msg: message}\n"
    "Parcel:\n"
    "  map: {box: {to: boxes, as: one <> list, rest: lose}, z: {order: by "
    "k}}\n"
    "http:\n"
    "  GET /orders: {map: {query/cust: query/customer_id, query/state: {enum: "
    "{open: pending}}, query/cents: {to: query/amount, as: minor(2) <> "
    "decimal(2)}, query/since: {as: unix_s <> rfc3339}, query/all: {as: bool "
    "<> int}}}\n"
    "  \"*\": {map: {header/X-Shop-Req: header/Request-Id}}\n"
    "  POST /orders: {map: {status: {enum: {422: 451}, newer: {422: 422}}}}\n"
    "Tray:\n"
    "  map: {kind: {enum: {p: q}, other: fail}, z: {order: by k}}\n"
    "  add: {n: {up: {count: parts}, write: lose}}\n";

static const char second_yaml[] =
    "change: second\n"
    "from: v2\n"
    "to: v3\n"
    "manifest: {title: t, owner: o, guarantee: none}\n"
    "Line:\n"
    "  map: {sku: {to: code, enum: {a: b}}}\n"
    "http:\n"
    "  GET /orders: {map: {query/all: {as: int <> string}}, add: "
    "{query/expand: {up: lines, write: lose}}}\n";

const struct translation_limits no_limits = {0};

void
open_shop(struct shop *s)
{
    const struct lens_text changes[] = {
        {SPAN("changes/first.yaml"), span_str(first_yaml)},
        {SPAN("changes/second.yaml"), span_str(second_yaml)}};
    *s = (struct shop){.a = arena_new(DOCUMENT_ROOM)};
    s->t = document_texts(s->a, api_yaml, changes, COUNT(changes), &s->api);
    buf_init(&s->out, DOCUMENT_ROOM);
}

void
close_shop(struct shop *s)
{
    buf_fini(&s->out);
    arena_free(&s->a);
}

struct message
post_order(void)
{
    return (struct message){.side = MESSAGE_REQUEST,
                            .method = SPAN("POST"),
                            .path = SPAN("/orders"),
                            .media = SPAN("application/json")};
}

const struct program *
shop_find(struct shop *s, const struct message *m, size_t from, size_t to)
{
    const struct program *p = NULL;
    struct err e = {0};
    assert_int_equal(translator_program(s->t, s->a, m, from, to, &p, &e),
                     PROGRAM_TRANSLATE);
    assert_non_null(p);
    return p;
}

enum err_code
shop_feed(struct shop *s, const struct program *p,
          const struct translation_limits *limits, const char *body)
{
    struct err e;
    assert_int_equal(translation_open(s->a, p, limits, &s->out, &s->tr, &e),
                     OK);
    enum err_code code = translation_feed(s->tr, span_str(body));
    return code ? code : translation_end(s->tr);
}
