/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cases: claims about documents, written in cases/ *.yaml without any C.
 *
 * A file is a list of suites. A suite has `types` (the lines below `types:` of
 * api.yaml), `changes` (for v1 -> v2, v2 -> v3, ... the blocks of one change
 * each) and `cases`. A case is a claim and
 *
 *   older, newer         the same document in the oldest and the newest version:
 *                        it must come out so both ways, byte for byte
 *   up or down, gives    one way
 *   up or down, fails    it must fail with these words; `at`: the pointer
 *
 * and may say `type` (else the first), `from` and `to` (else the oldest and the
 * newest), `side: request | answer` (else it must hold for both), `notices`.
 */
#include "tests/translators/reference/bench.h"

#include "proxy/base/problem.h"
#include "translators/yaml/yaml.h"

#include <dirent.h>

#define CASES STILE_SOURCE "/tests/translators/reference/cases"

struct suite {
    struct arena *a;
    const struct lens_api *api;
    const char *file;
    size_t n;     /* claims tried */
    size_t wrong; /* and found false */
};

static span
text_of(const struct yaml *map, const char *key)
{
    const struct yaml *node = yaml_get(map, key);
    return node ? node->text : (span){0};
}

static void
wrong(struct suite *s, const struct yaml *c, const char *side, span is,
      span should)
{
    s->wrong++;
    print_error("%s:%zu: %.*s (%s)\n  is     %.*s\n  should %.*s\n", s->file,
                c->line, SPAN_FMT(text_of(c, "claim")), side, SPAN_FMT(is),
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

/* What failed must have failed with these words, there. */
static void
check_failure(struct suite *s, const struct yaml *c, const char *side,
              const struct bench_result *r)
{
    span fails = text_of(c, "fails");
    span text = span_str(r->report.fault.err.text);
    if (r->code == OK)
        wrong(s, c, side, r->text, fails);
    else if (!contains(text, fails))
        wrong(s, c, side, text, fails);
    else if (yaml_get(c, "at") &&
             !span_eq(r->report.fault.pointer, text_of(c, "at")))
        wrong(s, c, side, r->report.fault.pointer, text_of(c, "at"));
}

static void
check_way(struct suite *s, const struct yaml *c, bool up, bool is_request,
          span in, span out)
{
    size_t type = 0;
    size_t low = 0, high = s->api->n_versions - 1;
    const char *side = is_request ? up ? "up, request" : "down, request"
                       : up       ? "up, answer"
                                  : "down, answer";
    if (yaml_get(c, "type"))
        type = (size_t)lens_type_of(s->api, text_of(c, "type"));
    if (yaml_get(c, "from"))
        low = (size_t)lens_version_of(s->api, text_of(c, "from"));
    if (yaml_get(c, "to"))
        high = (size_t)lens_version_of(s->api, text_of(c, "to"));
    assert_true(type < s->api->n_types && low < high &&
                high < s->api->n_versions);
    struct bench_result r = bench_run(s->a, s->api, type, up ? low : high,
                                      up ? high : low, is_request, in);
    if (yaml_get(c, "fails")) {
        check_failure(s, c, side, &r);
        return;
    }
    if (r.code != OK)
        wrong(s, c, side, span_str(r.report.fault.err.text), out);
    else if (!span_eq(r.text, out))
        wrong(s, c, side, r.text, out);
    else if (yaml_get(c, "notices") &&
             !span_eq(bench_notices(s->a, &r), text_of(c, "notices")))
        wrong(s, c, side, bench_notices(s->a, &r), text_of(c, "notices"));
}

static void
check_case(struct suite *s, const struct yaml *c)
{
    span side = text_of(c, "side");
    s->n++;
    for (int i = 0; i < 2; i++) {
        bool is_request = i == 0;
        if (side.len && span_is(side, "request") != is_request)
            continue;
        if (yaml_get(c, "older")) {
            check_way(s, c, true, is_request, text_of(c, "older"),
                      text_of(c, "newer"));
            check_way(s, c, false, is_request, text_of(c, "newer"),
                      text_of(c, "older"));
        } else if (yaml_get(c, "up")) {
            check_way(s, c, true, is_request, text_of(c, "up"),
                      text_of(c, "gives"));
        } else {
            check_way(s, c, false, is_request, text_of(c, "down"),
                      text_of(c, "gives"));
        }
    }
}

static void
check_suite(struct suite *s, const struct yaml *y)
{
    const struct yaml *changes = yaml_get(y, "changes");
    const struct yaml *cases = yaml_get(y, "cases");
    span texts[16];
    if (!changes || !cases || changes->n > COUNT(texts)) {
        fail_msg("%s:%zu: no suite", s->file, y->line);
        return;
    }
    for (size_t i = 0; i < changes->n; i++)
        texts[i] = changes->items[i]->text;
    s->a = arena_new(BENCH_ROOM);
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

TEST(every_claim_of_the_case_files_holds)
{
    struct suite s = {0};
    DIR *d = opendir(CASES);
    assert_non_null(d);
    const struct dirent *entry;
    while ((entry = readdir(d)))
        if (span_ends(span_str(entry->d_name), SPAN(".yaml")))
            check_file(&s, entry->d_name);
    closedir(d);
    assert_int_equal(s.wrong, 0);
    assert_true(s.n > 100);
}
