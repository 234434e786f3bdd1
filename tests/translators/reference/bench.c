/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/translators/reference/bench.h"

#include "proxy/base/problem.h"

static span
api_text(struct arena *a, span types, size_t n_versions)
{
    struct buf b;
    span out;
    buf_init(&b, BENCH_ROOM);
    buf_str(&b, "api: bench\nversions:\n");
    for (size_t i = 1; i <= n_versions; i++)
        buf_fmt(&b, "  v%zu: {}\n", i);
    buf_str(&b, "detect: [{header: Api-Version}]\nmissing: v1\n"
                "unknown: refuse\ntypes:\n");
    for (span rest = types; rest.len;) {
        span line = span_cut(&rest, '\n');
        buf_fmt(&b, "  %.*s\n", SPAN_FMT(line));
    }
    assert_true(span_dup(a, buf_span(&b), &out));
    buf_fini(&b);
    return out;
}

static span
change_text(struct arena *a, span blocks, size_t i)
{
    return arena_fmt(a,
                     "change: c%zu\nfrom: v%zu\nto: v%zu\nmanifest: {title: a "
                     "change, owner: us, guarantee: none}\n%.*s\n",
                     i + 1, i + 1, i + 2, SPAN_FMT(blocks));
}

const struct lens_api *
bench_api(struct arena *a, span types, const span *changes, size_t n_changes,
          const char *what)
{
    const struct lens_api *api = NULL;
    struct problems problems;
    struct lens_text texts[128];
    assert_true(n_changes <= COUNT(texts));
    for (size_t i = 0; i < n_changes; i++)
        texts[i] = (struct lens_text){arena_fmt(a, "changes/%zu.yaml", i + 1),
                                      change_text(a, changes[i], i)};
    struct lens_text root = {SPAN("api.yaml"),
                             api_text(a, types, n_changes + 1)};
    problems_init(&problems, a);
    if (lens_load_text(a, root, texts, n_changes, &problems, &api) == OK)
        return api;
    for (size_t i = 0; what && i < problems.n; i++)
        print_error("%s: %.*s:%zu: %.*s\n", what, SPAN_FMT(problems.at[i].file),
                    problems.at[i].line, SPAN_FMT(problems.at[i].text));
    return NULL;
}

struct bench_result
bench_run(struct arena *a, const struct lens_api *api, size_t type, size_t from,
          size_t to, bool is_request, span in)
{
    struct bench_result r = {0};
    struct buf out;
    const struct lens_site site = {.type = type};
    const struct lens_site *const list[] = {&site};
    struct reference_sites *sites =
        arena_array(a, api->n_versions, sizeof(*sites));
    struct reference_facts facts = {.is_request = is_request,
                                    .method = SPAN("POST"),
                                    .platform = SPAN("ios"),
                                    .depth_max = JSON_DEPTH_DEFAULT};
    struct reference_chain chain = {
        .api = api, .from = from, .to = to, .sites = sites};
    assert_non_null(sites);
    for (size_t v = 0; v < api->n_versions; v++)
        sites[v] = (struct reference_sites){list, 1};
    buf_init(&out, BENCH_ROOM);
    r.code = reference_body(a, &chain, &facts, in, &out, &r.report);
    assert_true(span_dup(a, buf_span(&out), &r.text));
    buf_fini(&out);
    return r;
}

span
bench_notices(struct arena *a, const struct bench_result *r)
{
    span out = SPAN("");
    for (size_t i = 0; i < r->report.n_notices; i++)
        out = arena_fmt(a, "%.*s%s%s", SPAN_FMT(out), i ? " " : "",
                        notice_word(r->report.notices[i].kind));
    return out;
}
