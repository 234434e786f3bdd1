/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cases: each row of SEMANTICS.md's tables of patches, written in cases/ *.yaml.
 *
 * A file is a list of suites. A suite has `types` (the lines below `types:` of
 * api.yaml), `changes` (for v1 -> v2, v2 -> v3, ... the blocks of one change each),
 * `kind: merge | json` and `cases`. A case is a claim and
 *
 *   up or down           the patch, from the oldest version to the newest or back
 *   gives                what it must become, byte for byte
 *   falls                or the words with which it must fall back
 *   fails                or the words with which it must fail; `status`: so
 *
 * and may say `at` (the pointer of the failure), `notices`, `docs` (a list: with each
 * of them, at the sender's version, law 7 is asked too), `write: refuse`, and
 * `strict: true`.
 */
#include "tests/translators/patch/run.h"

#include "proxy/base/problem.h"
#include "translators/yaml/yaml.h"

#include <dirent.h>

#define CASES STILE_SOURCE "/tests/translators/patch/cases"

struct suite {
    struct arena *a;
    const struct lens_api *api;
    enum patch_kind kind;
    const char *file;
    size_t n;
    size_t n_docs;
    size_t wrong;
};

static span
text_of(const struct yaml *map, const char *key)
{
    const struct yaml *node = yaml_get(map, key);
    return node ? node->text : (span){0};
}

static void
wrong(struct suite *s, const struct yaml *c, const char *what, span is,
      span should)
{
    s->wrong++;
    print_error("%s:%zu: %.*s (%s)\n  is     %.*s\n  should %.*s\n", s->file,
                c->line, SPAN_FMT(text_of(c, "claim")), what, SPAN_FMT(is),
                SPAN_FMT(should));
}

static bool
contains(span text, span part)
{
    for (size_t i = 0; i + part.len <= text.len; i++)
        if (span_eq(span_take(span_skip(text, i), part.len), part))
            return true;
    return false;
}

static void
check_failure(struct suite *s, const struct yaml *c,
              const struct bench_result *r)
{
    const struct translation_fault *f = &r->report.fault;
    bool falls = yaml_get(c, "falls") != NULL;
    span words = text_of(c, falls ? "falls" : "fails");
    uint64_t status = 422;
    if (r->code == OK) {
        wrong(s, c, "it passes", r->text, words);
        return;
    }
    if (!contains(span_str(f->err.text), words))
        wrong(s, c, "words", span_str(f->err.text), words);
    if (falls != f->needs_document)
        wrong(s, c, falls ? "does not fall back" : "falls back",
              span_str(f->err.text), words);
    if (yaml_get(c, "status") && !span_to_u64(text_of(c, "status"), &status))
        wrong(s, c, "status", text_of(c, "status"), SPAN("a number"));
    if (f->status != status)
        wrong(s, c, "status", arena_fmt(s->a, "%u", f->status),
              arena_fmt(s->a, "%u", (unsigned)status));
    if (yaml_get(c, "at") && !span_eq(f->pointer, text_of(c, "at")))
        wrong(s, c, "pointer", f->pointer, text_of(c, "at"));
}

static void
check_documents(struct suite *s, const struct yaml *c, const struct run_way *w,
                span patch, span carried)
{
    const struct yaml *docs = yaml_get(c, "docs");
    for (size_t i = 0; docs && i < docs->n; i++) {
        span one = {0}, two = {0};
        s->n_docs++;
        switch (run_commutes(s->a, w, patch, carried, docs->items[i]->text,
                             &one, &two)) {
        case LAW_HOLDS:
            break;
        case LAW_BROKEN:
            wrong(s, c, "law 7", two, one);
            break;
        case LAW_VOID:
            wrong(s, c, "law 7", SPAN("asks nothing"), docs->items[i]->text);
            break;
        }
    }
}

static void
check_case(struct suite *s, const struct yaml *c)
{
    size_t last = s->api->n_versions - 1;
    bool up = yaml_get(c, "up") != NULL;
    span patch = text_of(c, up ? "up" : "down");
    struct run_way w = {.api = s->api,
                        .from = up ? 0 : last,
                        .to = up ? last : 0,
                        .options = {s->kind, yaml_get(c, "strict") != NULL},
                        .write = span_is(text_of(c, "write"), "refuse")
                                     ? RUN_REFUSES
                                     : RUN_LOSES};
    struct bench_result r = run_patch(s->a, &w, patch);
    s->n++;
    if (!yaml_get(c, "gives")) {
        check_failure(s, c, &r);
        return;
    }
    span gives = text_of(c, "gives");
    if (r.code != OK) {
        wrong(s, c, "it fails", span_str(r.report.fault.err.text), gives);
        return;
    }
    if (!span_eq(r.text, gives))
        wrong(s, c, up ? "up" : "down", r.text, gives);
    if (yaml_get(c, "notices") &&
        !span_eq(bench_notices(s->a, &r), text_of(c, "notices")))
        wrong(s, c, "notices", bench_notices(s->a, &r), text_of(c, "notices"));
    check_documents(s, c, &w, patch, r.text);
}

static void
check_suite(struct suite *s, const struct yaml *y)
{
    const struct yaml *changes = yaml_get(y, "changes");
    const struct yaml *cases = yaml_get(y, "cases");
    span texts[16];
    assert_true(changes && cases && changes->n <= COUNT(texts));
    for (size_t i = 0; i < changes->n; i++)
        texts[i] = changes->items[i]->text;
    s->a = arena_new(BENCH_ROOM);
    s->kind = span_is(text_of(y, "kind"), "json") ? PATCH_JSON : PATCH_MERGE;
    span what = arena_fmt(s->a, "%s:%zu", s->file, y->line);
    s->api = bench_api(s->a, text_of(y, "types"), texts, changes->n, what.at);
    for (size_t i = 0; s->api && i < cases->n; i++)
        check_case(s, cases->items[i]);
    s->wrong += !s->api;
    arena_free(&s->a);
}

static void
check_file(struct suite *s, const char *name)
{
    struct arena *a = arena_new(BENCH_ROOM);
    struct problems problems;
    problems_init(&problems, a);
    span path = arena_fmt(a, "%s/%s", CASES, name);
    const struct yaml *y = yaml_parse(a, span_str(name), test_file(a, path.at),
                                      BENCH_ROOM, &problems);
    for (size_t i = 0; i < problems.n; i++)
        print_error("%s:%zu: %.*s\n", name, problems.at[i].line,
                    SPAN_FMT(problems.at[i].text));
    assert_true(y && problems_none(&problems));
    s->file = name;
    for (size_t i = 0; i < y->n; i++)
        check_suite(s, y->items[i]);
    arena_free(&a);
}

TEST(every_row_of_the_tables_of_patches_holds)
{
    struct suite s = {0};
    DIR *d = opendir(CASES);
    assert_non_null(d);
    const struct dirent *entry;
    while ((entry = readdir(d)))
        if (span_ends(span_str(entry->d_name), SPAN(".yaml")))
            check_file(&s, entry->d_name);
    closedir(d);
    print_message("%zu claims, %zu documents\n", s.n, s.n_docs);
    assert_int_equal(s.wrong, 0);
    assert_true(s.n > 100 && s.n_docs > 100);
}
