/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A whole message between versions whose http blocks move routes and lead
 * between its parts: a byte that says which way, then the target, a field and
 * the body, a line feed between. It fails with a sentence, or comes out with a
 * path that begins with a slash and a body that is JSON.
 */
#include "proxy/base/problem.h"
#include "translators/json/tree.h"
#include "translators/lens/lens.h"
#include "translators/translation.h"

#include <assert.h>
#include <stdlib.h>

#define ROOM ((size_t)32 * 1024 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static const char api_text[] =
    "api: shop\n"
    "versions: {v1: {}, v2: {}, v3: {}}\n"
    "types:\n"
    "  Payment: {at: [POST /payments, \"* /payments/{id}\"]}\n";
static const char one[] =
    "change: one\n"
    "from: v1\n"
    "to: v2\n"
    "manifest: {title: t, owner: o, guarantee: none}\n"
    "Payment: {map: {sum: amount, n: {to: m, as: one <> list, pick: only}}}\n"
    "http:\n"
    "  POST /orders/{id}/pay: {to: POST /payments, map: {path/id: "
    "body/order_id, query/n: {to: body/k, as: string <> int}}}\n"
    "  GET /pays/{id}: {to: \"GET /payments/{id}\", map: {query/a: {style: "
    "repeat <> index}, query/b: {style: comma <> brackets}}}\n"
    "  GET /users/{id}: {map: {path/id: {as: text <> prefix(\"u-\")}}}\n"
    "  GET /search: {to: POST /queries, map: {query/q: body/q, query/t: {to: "
    "body/t, style: brackets}, header/X-A: body/a}}\n"
    "  GET /old: gone\n"
    "  \"*\": {map: {header/X-Req: header/Request-Id}}\n";
static const char two[] =
    "change: two\n"
    "from: v2\n"
    "to: v3\n"
    "manifest: {title: t, owner: o, guarantee: none}\n"
    "http:\n"
    "  POST /payments: {map: {body/order_id: header/X-Order}}\n"
    "  DELETE /things/{id}: {map: {status: {enum: {204: {to: 200, body: {up: "
    "{}, down: none}}}}}}\n";

struct fixture {
    const struct lens_api *api;
    const struct translator *t;
};

static const struct fixture *
fixture(void)
{
    static struct fixture f;
    static struct arena *a; /* lives as long as the process */
    struct problems p;
    struct err e;
    const struct lens_text changes[] = {
        {SPAN("changes/1.yaml"), {one, sizeof(one) - 1}},
        {SPAN("changes/2.yaml"), {two, sizeof(two) - 1}}};

    if (f.t)
        return &f;
    if (!(a = arena_new(ROOM)))
        abort();
    problems_init(&p, a);
    if (lens_load_text(a,
                       (struct lens_text){SPAN("api.yaml"),
                                          {api_text, sizeof(api_text) - 1}},
                       changes, COUNT(changes), &p, &f.api) ||
        translator_build(a, f.api, &f.t, &e))
        abort();
    return &f;
}

static void
check(struct arena *a, const struct message *m, const struct message_head *head,
      span body)
{
    struct json *root;
    struct err e;

    assert(m->side == MESSAGE_ANSWER || span_starts(head->path, SPAN("/")));
    for (size_t i = 0; i < head->path.len; i++)
        assert((unsigned char)head->path.at[i] > ' ' ||
               span_find(m->path, head->path.at[i]) >= 0);
    assert(body.len == 0 || json_parse(a, body, 200, &root, &e) == OK);
}

static void
translate(struct arena *a, const struct program *p, const struct message *m,
          struct message_head head, span body)
{
    struct translation_limits limits = {.bytes_max = 1 << 20};
    struct translation *t;
    struct buf out;
    struct err e;

    buf_init(&out, ROOM);
    if (translation_open(a, p, &limits, &out, &t, &e) == OK) {
        bool ok =
            !program_has_head(p) || translation_head(t, &head, &head) == OK;

        if (ok && program_has_body(p))
            ok = translation_feed(t, body) == OK && translation_end(t) == OK;
        if (ok && program_is_joint(p))
            translation_new_head(t, &head);
        if (ok)
            check(a, m, &head, buf_span(&out));
        else
            assert(translation_fault(t)->err.text[0]);
    }
    buf_fini(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static const char *const methods[] = {"GET", "POST", "DELETE", "HEAD"};
    const struct fixture *f = fixture();
    span rest = span_of((const char *)bytes, len);
    struct arena *a = arena_new(ROOM);
    const struct program *p = NULL;
    struct err e;

    assert(a);
    uint8_t which = len ? bytes[0] : 0;
    rest = span_skip(rest, len ? 1 : 0);
    span line = span_cut(&rest, '\n');
    struct head_field field = {SPAN("X-A"), span_cut(&rest, '\n')};
    struct message m = {.side = which & 1 ? MESSAGE_ANSWER : MESSAGE_REQUEST,
                        .method = span_str(methods[(which >> 1) & 3]),
                        .status = which & 1 ? which & 64 ? 204 : 200 : 0};
    struct message_head head = {.method = m.method,
                                .has_query = span_find(line, '?') >= 0,
                                .status = m.status,
                                .fields = &field,
                                .n_fields = 1};
    m.path = head.path = span_cut(&line, '?');
    head.query = line;
    size_t from = (which >> 3) % 3, to = (which >> 5) % 3;
    if (m.path.len && m.path.at[0] == '/' &&
        translator_program(f->t, a, &m, from, to, &p, &e) == PROGRAM_TRANSLATE)
        translate(a, p, &m, head, rest);
    arena_free(&a);
    return 0;
}
