/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/backend/shop.h"

#include "bench/backend/answer.h"
#include "bench/backend/members.h"

#include <stdio.h>
#include <string.h>

#define ORDERS       256
#define DOCUMENT_MAX ((size_t)64 * 1024 * 1024)

struct order {
    char id[128];
    struct buf document;
};

static struct order orders[ORDERS];
static size_t n_orders, next_id;

static struct order *
find_order(span id)
{
    for (size_t i = 0; i < n_orders; i++)
        if (span_is(id, orders[i].id))
            return &orders[i];
    return NULL;
}

static struct order *
make_order(span id)
{
    struct order *o = find_order(id);

    if (o || n_orders == ORDERS || id.len >= sizeof(o->id) || !id.at)
        return o;
    o = &orders[n_orders++];
    memcpy(o->id, id.at, id.len);
    buf_init(&o->document, DOCUMENT_MAX);
    return o;
}

static void
store(struct order *o, span document)
{
    buf_clear(&o->document);
    buf_add(&o->document, document);
}

static span
id_of(span document)
{
    span id = members_find(document, SPAN("\"id\""));

    return id.len > 2 && id.at[0] == '"' ? span_of(id.at + 1, id.len - 2)
                                         : (span){0};
}

static void
list_orders(struct buf *out, const char *method)
{
    struct buf list;

    buf_init(&list, DOCUMENT_MAX);
    buf_str(&list, "{\"data\":[");
    for (size_t i = 0; i < n_orders; i++) {
        buf_str(&list, i ? "," : "");
        buf_add(&list, buf_span(&orders[i].document));
    }
    buf_str(&list, "]}");
    answer_write(out, method, "200 OK", buf_span(&list));
    buf_fini(&list);
}

static void
post_order(struct buf *out, const char *method, span document)
{
    char made[32];
    struct buf whole;
    span id = id_of(document);

    buf_init(&whole, DOCUMENT_MAX);
    if (id.len == 0 && document.len > 1) {
        snprintf(made, sizeof(made), "ord_%zu", ++next_id);
        id = span_str(made);
        buf_fmt(&whole, "{\"id\":\"%s\"%s", made,
                members_skip_space(document, 1) + 1 < document.len ? "," : "");
        buf_add(&whole, span_skip(document, 1));
        document = buf_span(&whole);
    }
    struct order *o = make_order(id);
    if (o) {
        store(o, document);
        answer_write(out, method, "201 Created", document);
    } else {
        answer_refuse(out, method, "507 Insufficient Storage");
    }
    buf_fini(&whole);
}

static void
patch_order(struct buf *out, const char *method, struct order *o, span patch)
{
    struct buf whole;

    buf_init(&whole, DOCUMENT_MAX);
    members_merge(&whole, buf_span(&o->document), patch);
    store(o, buf_span(&whole));
    answer_write(out, method, "200 OK", buf_span(&whole));
    buf_fini(&whole);
}

static void
answer_order(struct buf *out, const char *method, span id, span body)
{
    bool puts = strcmp(method, "PUT") == 0;
    struct order *o = find_order(id);

    if (puts && body.len) {
        bool is_new = !o;

        o = make_order(id);
        if (!o) {
            answer_refuse(out, method, "507 Insufficient Storage");
            return;
        }
        store(o, body);
        answer_write(out, method, is_new ? "201 Created" : "200 OK", body);
    } else if (!o) {
        answer_refuse(out, method, "404 Not Found");
    } else if (strcmp(method, "PATCH") == 0) {
        patch_order(out, method, o, body);
    } else if (strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0) {
        answer_write(out, method, "200 OK", buf_span(&o->document));
    } else {
        answer_refuse(out, method, "405 Method Not Allowed");
    }
}

void
shop_answer(struct buf *out, const char *method, span path, span body)
{
    span all = SPAN("/orders"), one = SPAN("/orders/");

    if (span_starts(path, one) && path.len > one.len)
        answer_order(out, method, span_skip(path, one.len), body);
    else if (!span_eq(path, all))
        answer_refuse(out, method, "404 Not Found");
    else if (strcmp(method, "POST") == 0)
        post_order(out, method, body);
    else
        list_orders(out, method);
}

void
shop_seed(const char *file)
{
    static char line[65536];
    FILE *f = fopen(file, "r");

    if (!f)
        answer_die(file);
    while (fgets(line, sizeof(line), f)) {
        span document = span_str(line);

        while (document.len && document.at[document.len - 1] == '\n')
            document.len--;
        struct order *o = make_order(id_of(document));
        if (o)
            store(o, document);
    }
    fclose(f);
}
