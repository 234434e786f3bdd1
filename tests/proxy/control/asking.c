/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/proxy/control/asking.h"

#include "tests/test.h"

#include <stdio.h>

void
asked_head(struct http_head *head, struct arena *a, const struct asked *q)
{
    head_init(head, a);
    head->method_token = span_str(q->method);
    head->method = method_of(head->method_token);
    span query = span_str(q->path);
    head->path = span_cut(&query, '?');
    head->query = query;
    if (q->if_match)
        assert_int_equal(
            head_add(head, SPAN("If-Match"), span_str(q->if_match)), OK);
    if (q->key)
        assert_int_equal(
            head_add(head, SPAN("Idempotency-Key"), span_str(q->key)), OK);
    if (q->type)
        assert_int_equal(
            head_add(head, SPAN("Content-Type"), span_str(q->type)), OK);
}

struct got
asked_answer(struct control *c, const struct asked *q)
{
    struct arena *a = arena_new(1u << 20);
    struct http_head head;
    struct buf body;
    struct got got;

    asked_head(&head, a, q);
    buf_init(&body, 1u << 20);
    struct who who = {.actor = "uid:7", .is_operator = !q->viewer};
    struct api_request r = {.head = &head,
                            .body = span_str(q->body),
                            .who = &who,
                            .wall_ms = 1764032462004,
                            .now_ms = 1000};
    struct api_answer out = {.body = &body};
    api_answer(c, &r, &out);
    got = (struct got){
        .status = out.status, .later = out.later, .call = out.call};
    memcpy(got.etag, out.etag, sizeof(got.etag));
    memcpy(got.allow, out.allow, sizeof(got.allow));
    if (!out.later && !out.streams) {
        (void)snprintf(got.content_type, sizeof(got.content_type), "%s",
                       out.content_type);
        got.json = json_loadb(buf_span(&body).at, buf_len(&body), 0, NULL);
        assert_non_null(got.json);
    }
    buf_fini(&body);
    arena_free(&a);
    return got;
}

void
got_fini(struct got *g)
{
    json_decref(g->json);
    g->json = NULL;
}

const char *
got_text(const struct got *g, const char *name)
{
    const char *s = json_string_value(json_object_get(g->json, name));

    return s ? s : "";
}

json_int_t
got_number(const struct got *g, const char *name)
{
    return json_integer_value(json_object_get(g->json, name));
}
