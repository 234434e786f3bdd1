/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/translators/patch/run.h"

/* NOLINTBEGIN(misc-no-recursion): as deep as a document may be */

struct bench_result
run_patch(struct arena *a, const struct run_way *w, span patch)
{
    struct bench_result r = {0};
    struct buf out;
    const struct lens_site site = {.type = w->type};
    const struct lens_site *const list[] = {&site};
    struct reference_sites *sites =
        arena_array(a, w->api->n_versions, sizeof(*sites));
    struct reference_facts facts = {.is_request = true,
                                    .method = SPAN("PATCH"),
                                    .platform = SPAN("ios"),
                                    .may_erase = w->write == RUN_LOSES,
                                    .never_erase = w->write == RUN_REFUSES,
                                    .depth_max = JSON_DEPTH_DEFAULT};
    struct reference_chain chain = {
        .api = w->api, .from = w->from, .to = w->to, .sites = sites};
    assert_non_null(sites);
    for (size_t v = 0; v < w->api->n_versions; v++)
        sites[v] = (struct reference_sites){list, 1};
    buf_init(&out, BENCH_ROOM);
    r.code = patch_body(a, &chain, &facts, &w->options, patch, &out, &r.report);
    assert_true(span_dup(a, buf_span(&out), &r.text));
    buf_fini(&out);
    return r;
}

struct json *
run_parse(struct arena *a, span text)
{
    struct json *out = NULL;
    struct err e;
    if (json_parse(a, text, JSON_DEPTH_DEFAULT, &out, &e) != OK)
        fail_msg("%.*s: %s", SPAN_FMT(text), e.text);
    return out;
}

span
run_print(struct arena *a, const struct json *node)
{
    struct buf b;
    span out;
    buf_init(&b, BENCH_ROOM);
    json_print(node, &b);
    assert_true(span_dup(a, buf_span(&b), &out));
    buf_fini(&b);
    return out;
}

/* An empty made object counts as absent (LANGUAGE.md, equal documents). */
static void
without_empty(struct json *node)
{
    for (size_t i = json_is_container(node) ? node->n : 0; i-- > 0;) {
        struct json *below = node->members[i].value;
        without_empty(below);
        if (json_is_container(below) && below->n == 0 &&
            node->kind == JSON_OBJECT)
            (void)json_remove(node, i);
    }
}

static bool
applied(struct arena *a, const struct run_way *w, span patch, span x, span *out)
{
    struct json *p = run_parse(a, patch);
    struct json *document = run_parse(a, x);
    document = w->options.kind == PATCH_MERGE
                   ? apply_merge(a, document, p)
                   : apply_operations(a, document, p);
    if (document)
        *out = run_print(a, document);
    return document != NULL;
}

static bool
translated(struct arena *a, const struct run_way *w, span x, span *out)
{
    struct bench_result r =
        bench_run(a, w->api, w->type, w->from, w->to, true, x);
    *out = r.text;
    return r.code == OK;
}

enum run_law
run_commutes(struct arena *a, const struct run_way *w, span patch, span carried,
             span x, span *one, span *two)
{
    span there, patched;
    if (!applied(a, w, patch, x, &patched) || !translated(a, w, x, &there) ||
        !translated(a, w, patched, one))
        return LAW_VOID;
    if (!applied(a, w, carried, there, two)) {
        *two = SPAN("(it does not apply)");
        return LAW_BROKEN;
    }
    struct json *left = run_parse(a, *one);
    struct json *right = run_parse(a, *two);
    without_empty(left);
    without_empty(right);
    return json_alike(left, right) ? LAW_HOLDS : LAW_BROKEN;
}
/* NOLINTEND(misc-no-recursion) */
