/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/translators/lens/help.h"

const char shop_api[] = "api: shop\n"
                        "versions: {v1: {}, v2: {}, v3: {}}\n"
                        "types:\n"
                        "  Order: {at: \"* /orders/{id}\", marker: schema}\n"
                        "  Line: {at: \"lines/* of Order\"}\n";

const char change_head[] = "change: c\n"
                           "from: v1\n"
                           "to: v2\n"
                           "manifest: {title: t, owner: o, guarantee: none}\n";

static span
printed(struct arena *a, struct problems *p)
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

const struct lens_api *
load_texts(struct arena *a, const char *api, const char *change)
{
    struct problems p;
    const struct lens_api *out = NULL;
    span text = arena_fmt(a, "%s%s", change_head, change ? change : "");
    struct lens_text file = {SPAN("changes/c.yaml"), text};

    problems_init(&p, a);
    if (lens_load_text(a, (struct lens_text){SPAN("api.yaml"), span_str(api)},
                       &file, change ? 1 : 0, &p, &out))
        fail_msg("%.*s", SPAN_FMT(printed(a, &p)));
    assert_non_null(out);
    return out;
}

const struct lens_api *
load_shop(struct arena *a, const char *change)
{
    return load_texts(a, shop_api, change);
}

span
problems_of(struct arena *a, span api, span change)
{
    struct problems p;
    const struct lens_api *out = NULL;
    struct lens_text file = {SPAN("changes/c.yaml"), change};

    problems_init(&p, a);
    assert_int_equal(lens_load_text(a,
                                    (struct lens_text){SPAN("api.yaml"), api},
                                    &file, change.len ? 1 : 0, &p, &out),
                     ERR_INVALID);
    assert_null(out);
    return printed(a, &p);
}

const struct lens_block *
block_of(const struct lens_api *api, const char *type)
{
    int i = lens_type_of(api, span_str(type));
    assert_true(i >= 0);
    const struct lens_block *block = api->tables[0].blocks[i];
    assert_non_null(block);
    return block;
}

const struct lens_arrow *
arrow_of(const struct lens_api *api)
{
    const struct lens_block *block = block_of(api, "Order");
    assert_int_equal(block->n_arrows, 1);
    return &block->arrows[0];
}

span
children_of(struct arena *a, const struct lens_api *api, const char *type,
            size_t version)
{
    int i = lens_type_of(api, span_str(type));
    assert_true(i >= 0);
    const struct lens_type_at *at = &api->types[i].at[version];
    span out = SPAN("");
    for (size_t k = 0; k < at->n_children; k++) {
        const struct lens_child *c = &at->children[k];
        out = arena_fmt(
            a, "%.*s%s%.*s%s%.*s %.*s%s", SPAN_FMT(out), k ? "; " : "",
            SPAN_FMT(c->place.text), c->through ? " => " : "",
            SPAN_FMT(c->through ? c->inside.text : SPAN("")),
            SPAN_FMT(api->types[c->type].name), c->guard.said ? "?" : "");
    }
    return out;
}

span
shown(struct arena *a, const struct json *value)
{
    struct buf b;
    span out;

    assert_non_null(value);
    buf_init(&b, ROOM);
    json_print(value, &b);
    assert_true(span_dup(a, buf_span(&b), &out));
    buf_fini(&b);
    return out;
}

bool
says(span s, const char *text)
{
    return s.len > 0 && memmem(s.at, s.len, text, strlen(text)) != NULL;
}
