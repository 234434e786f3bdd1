/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/translators/documents.h"

#include "translators/lens/lens.h"

/* NOLINTBEGIN(misc-no-recursion): as deep as a document may be */

#define EXAMPLES STILE_SHARED "/examples"

/* Where documents of an API go, by their names in the examples. */
struct kind {
    const char *folder; /* in the examples */
    const char *api;    /* in config/examples */
    const char *before; /* the path before the version's label, and behind it */
    const char *behind;
    struct {
        const char *name;
        const char *label;
    } versions[3];
};

static const struct kind ingress = {
    "kubernetes-ingress",
    "kubernetes/ingress",
    "/apis/",
    "/namespaces/default/ingresses/web",
    {{"extensions-v1beta1", "extensions/v1beta1"},
     {"networking-v1beta1", "networking.k8s.io/v1beta1"},
     {"networking-v1", "networking.k8s.io/v1"}},
};

static const struct kind hpa = {
    "kubernetes-hpa",
    "kubernetes/hpa",
    "/apis/autoscaling/",
    "/namespaces/default/horizontalpodautoscalers/web",
    {{"v1", "v1"}, {"v2beta1", "v2beta1"}, {"v2beta2", "v2beta2"}},
};

struct bench {
    struct arena *a;
    const struct kind *kind;
    const struct lens_api *api;
    const struct translator *t;
    enum message_side side;
    size_t n;     /* translations made */
    size_t wrong; /* and not as they should be */
};

static const char *
label_of(const struct kind *k, span name)
{
    for (size_t i = 0; i < COUNT(k->versions); i++)
        if (span_is(name, k->versions[i].name))
            return k->versions[i].label;
    fail_msg("no version %.*s", SPAN_FMT(name));
    return NULL;
}

static void
judge(struct bench *b, span is, const char *expected, const char *what)
{
    struct json *root = NULL;
    struct err e;
    b->n++;
    if (json_parse(b->a, is, JSON_DEPTH_DEFAULT, &root, &e) != OK)
        fail_msg("%s: what came out is no JSON: %s", what, e.text);
    span difference =
        document_difference(b->a, root, document_read(b->a, expected));
    if (!difference.len)
        return;
    b->wrong++;
    print_error("%s: %.*s\n", what, SPAN_FMT(difference));
}

/* One document in `from`, translated to `to`, must be what `file` says. */
static void
check_pair(struct bench *b, span id, span from, span to, span file)
{
    const struct kind *k = b->kind;
    const char *label = label_of(k, from);
    struct message m = {.side = b->side,
                        .method = b->side == MESSAGE_REQUEST ? SPAN("PUT")
                                                             : SPAN("GET"),
                        .status = b->side == MESSAGE_REQUEST ? 0 : 200,
                        .media = SPAN("application/json")};
    int v_from = lens_version_of(b->api, span_str(label));
    int v_to = lens_version_of(b->api, span_str(label_of(k, to)));
    assert_true(v_from >= 0 && v_to >= 0);
    m.path = arena_fmt(b->a, "%s%s%s", k->before, label, k->behind);
    span source = arena_fmt(b->a, "%s/%s/%.*s/%.*s.json", EXAMPLES, k->folder,
                            SPAN_FMT(id), SPAN_FMT(from));
    span expected = arena_fmt(b->a, "%s/%s/%.*s/%.*s", EXAMPLES, k->folder,
                              SPAN_FMT(id), SPAN_FMT(file));
    span what = arena_fmt(b->a, "%.*s %.*s -> %.*s", SPAN_FMT(id),
                          SPAN_FMT(from), SPAN_FMT(to));
    span is = document_translate(b->a, b->t, &m, (size_t)v_from, (size_t)v_to,
                                 test_file(b->a, source.at), what.at);
    judge(b, is, expected.at, what.at);
}

/* All pairs that the manifest lists for one document. */
static void
check_document(struct bench *b, const struct json *entry)
{
    span id = json_get(entry, SPAN("id"))->text;
    const struct json *exact = json_get(entry, SPAN("exact"));
    const struct json *lossy = json_get(entry, SPAN("lossy"));
    for (size_t i = 0; i < exact->n; i++)
        for (size_t k = 0; k < exact->members[i].value->n; k++) {
            span to = exact->members[i].value->members[k].value->text;
            check_pair(b, id, exact->members[i].key, to,
                       arena_fmt(b->a, "%.*s.json", SPAN_FMT(to)));
        }
    for (size_t i = 0; i < lossy->n; i++) {
        span to = lossy->members[i].key;
        span from = span_cut(&to, ' ');
        to = span_skip(to, 3); /* "-> " */
        check_pair(b, id, from, to, lossy->members[i].value->text);
    }
}

static void
check_all(const struct kind *kind, enum message_side side, size_t n_expected)
{
    struct bench b = {.kind = kind, .side = side};
    struct arena *api = arena_new(DOCUMENT_ROOM);
    b.a = api;
    b.t = document_api(api, kind->api, &b.api);
    span path = arena_fmt(api, "%s/%s/manifest.json", EXAMPLES, kind->folder);
    const struct json *manifest = document_read(api, path.at);
    for (size_t i = 0; i < manifest->n; i++) {
        b.a = arena_new(DOCUMENT_ROOM);
        check_document(&b, manifest->members[i].value);
        arena_free(&b.a);
    }
    arena_free(&api);
    assert_int_equal(b.wrong, 0);
    assert_int_equal(b.n, n_expected);
}

/* 38 documents and 24, each in three versions: six ways. */
TEST(every_ingress_comes_out_as_its_owner_converts_it_in_answers)
{
    check_all(&ingress, MESSAGE_ANSWER, (size_t)38 * 6);
}

TEST(every_ingress_comes_out_as_its_owner_converts_it_in_requests)
{
    check_all(&ingress, MESSAGE_REQUEST, (size_t)38 * 6);
}

TEST(every_autoscaler_comes_out_as_its_owner_converts_it_in_answers)
{
    check_all(&hpa, MESSAGE_ANSWER, (size_t)24 * 6);
}

TEST(every_autoscaler_comes_out_as_its_owner_converts_it_in_requests)
{
    check_all(&hpa, MESSAGE_REQUEST, (size_t)24 * 6);
}

/* ---- GitHub ------------------------------------------------------------------------- */

/* What each document answers. */
static const struct {
    const char *id;
    const char *method;
    const char *path;
} github[] = {
    {"01-full-repository", "POST", "/orgs/octo/repos"},
    {"02-minimal-repository", "POST", "/repos/octo/hello/transfer"},
    {"03-repository-paginated", "GET",
     "/orgs/octo/actions/permissions/repositories"},
    {"04-repo-search-result-item-paginated", "GET", "/search/repositories"},
    {"05-team-repository-alternative-response-with-reposito", "GET",
     "/orgs/octo/teams/cats/repos/octo/hello"},
    {"06-starred-repository-items-alternative-response-with", "GET",
     "/user/starred"},
    {"07-issue", "POST", "/repos/octo/hello/issues"},
    {"08-issue-items", "GET", "/repos/octo/hello/issues"},
    {"09-issue-event", "GET", "/repos/octo/hello/issues/events/1"},
    {"10-issue-with-repo-items", "GET", "/issues"},
    {"11-pull-request", "POST", "/repos/octo/hello/pulls"},
    {"12-pull-request-simple-items", "GET", "/repos/octo/hello/pulls"},
    {"13-pull-request-review-request", "POST",
     "/repos/octo/hello/pulls/1/requested_reviewers"},
    {"14-check-suite", "POST", "/repos/octo/hello/check-suites"},
    {"15-rate-limit-overview", "GET", "/rate_limit"},
    {"16-root", "GET", "/"},
};

static span
github_translate(struct bench *b, const char *method, const char *path,
                 size_t from, size_t to, span body, const char *what)
{
    struct message m = {.side = MESSAGE_ANSWER,
                        .method = span_str(method),
                        .path = span_str(path),
                        .status = 200,
                        .media = SPAN("application/json; charset=utf-8")};
    return document_translate(b->a, b->t, &m, from, to, body, what);
}

TEST(github_answers_come_out_upward_as_the_changelog_says)
{
    struct bench b = {.a = arena_new(DOCUMENT_ROOM)};
    b.t = document_api(b.a, "github", &b.api);
    for (size_t i = 0; i < COUNT(github); i++) {
        span older = arena_fmt(b.a, "%s/github-rest/%s/2022-11-28.json",
                               EXAMPLES, github[i].id);
        span newer = arena_fmt(b.a, "%s/github-rest/%s/2026-03-10.json",
                               EXAMPLES, github[i].id);
        span is = github_translate(&b, github[i].method, github[i].path, 0, 1,
                                   test_file(b.a, older.at), github[i].id);
        judge(&b, is, newer.at, github[i].id);
    }
    assert_int_equal(b.wrong, 0);
    assert_int_equal(b.n, COUNT(github));
    arena_free(&b.a);
}

/* Members that only the older version has: what downward makes up may differ there. */
static bool
is_declared(span key)
{
    static const char *const members[] = {"has_downloads",
                                          "master_branch",
                                          "use_squash_pr_title_as_default",
                                          "assignee",
                                          "merge_commit_sha",
                                          "rate",
                                          "authorizations_url",
                                          "hub_url"};
    for (size_t i = 0; i < COUNT(members); i++)
        if (span_is(key, members[i]))
            return true;
    return false;
}

/* NOLINTBEGIN(misc-no-recursion): as deep as the example files */
static void
strip_declared(struct json *node)
{
    for (size_t i = json_is_container(node) ? node->n : 0; i-- > 0;) {
        if (node->kind == JSON_OBJECT && is_declared(node->members[i].key))
            (void)json_remove(node, i);
        else
            strip_declared(node->members[i].value);
    }
}
/* NOLINTEND(misc-no-recursion) */

TEST(github_answers_come_out_downward_but_for_what_is_declared_as_made_up)
{
    struct bench b = {.a = arena_new(DOCUMENT_ROOM)};
    b.t = document_api(b.a, "github", &b.api);
    for (size_t i = 0; i < COUNT(github); i++) {
        span older = arena_fmt(b.a, "%s/github-rest/%s/2022-11-28.json",
                               EXAMPLES, github[i].id);
        span newer = arena_fmt(b.a, "%s/github-rest/%s/2026-03-10.json",
                               EXAMPLES, github[i].id);
        span is = github_translate(&b, github[i].method, github[i].path, 1, 0,
                                   test_file(b.a, newer.at), github[i].id);
        struct json *down = NULL;
        struct json *should = document_read(b.a, older.at);
        struct err e;
        assert_int_equal(json_parse(b.a, is, JSON_DEPTH_DEFAULT, &down, &e),
                         OK);
        strip_declared(down);
        strip_declared(should);
        span difference = document_difference(b.a, down, should);
        if (difference.len)
            fail_msg("%s: %.*s", github[i].id, SPAN_FMT(difference));
    }
    arena_free(&b.a);
}

TEST(github_shows_the_first_assignee_and_the_core_rate_downward)
{
    struct bench b = {.a = arena_new(DOCUMENT_ROOM)};
    b.t = document_api(b.a, "github", &b.api);
    span is = github_translate(
        &b, "POST", "/repos/octo/hello/issues", 1, 0,
        SPAN("{\"assignees\":[{\"login\":\"a\"},{\"login\":\"b\"}],\"id\":1}"),
        "issue");
    assert_span(is, "{\"assignees\":[{\"login\":\"a\"},{\"login\":\"b\"}],"
                    "\"id\":1,\"assignee\":{\"login\":\"a\"}}");
    is = github_translate(&b, "POST", "/repos/octo/hello/issues", 1, 0,
                          SPAN("{\"assignees\":[]}"), "issue");
    assert_span(is, "{\"assignees\":[],\"assignee\":null}");
    is = github_translate(&b, "GET", "/rate_limit", 1, 0,
                          SPAN("{\"resources\":{\"core\":{\"limit\":5000}}}"),
                          "rate");
    assert_span(is, "{\"resources\":{\"core\":{\"limit\":5000}},"
                    "\"rate\":{\"limit\":5000}}");
    arena_free(&b.a);
}

/* ---- lists --------------------------------------------------------------------------- */

struct list {
    const char *file; /* before the version */
    const char *api;
    const char *method;
    const char *before; /* of the path */
    const char *behind;
    const char
        *names[3]; /* of the versions in the files; NULL where there is none */
    bool down;     /* exact going down too */
};

static const struct list lists[] = {
    {"kubernetes-ingress-list-100k",
     "kubernetes/ingress",
     "GET",
     "/apis/",
     "/ingresses",
     {"extensions-v1beta1", "networking-v1beta1", "networking-v1"},
     true},
    {"kubernetes-ingress-list-1m",
     "kubernetes/ingress",
     "GET",
     "/apis/",
     "/ingresses",
     {"extensions-v1beta1", NULL, "networking-v1"},
     true},
    {"kubernetes-hpa-list-100k",
     "kubernetes/hpa",
     "GET",
     "/apis/autoscaling/",
     "/horizontalpodautoscalers",
     {"v1", "v2beta1", "v2beta2"},
     true},
    {"github-pulls-100k",
     "github",
     "GET",
     NULL,
     "/repos/octo/hello/pulls",
     {"2022-11-28", "2026-03-10", NULL},
     false},
    {"github-issues-100k",
     "github",
     "GET",
     NULL,
     "/issues",
     {"2022-11-28", "2026-03-10", NULL},
     false},
};

static void
check_list_pair(struct bench *b, const struct list *l, size_t from, size_t to)
{
    span label = b->api->versions[from].label;
    struct message m = {.side = MESSAGE_ANSWER,
                        .method = span_str(l->method),
                        .path = span_str(l->behind),
                        .status = 200};
    if (l->before)
        m.path =
            arena_fmt(b->a, "%s%.*s%s", l->before, SPAN_FMT(label), l->behind);
    span source = arena_fmt(b->a, "%s/lists/%s.%s.json", EXAMPLES, l->file,
                            l->names[from]);
    span expected =
        arena_fmt(b->a, "%s/lists/%s.%s.json", EXAMPLES, l->file, l->names[to]);
    span what =
        arena_fmt(b->a, "%s %s -> %s", l->file, l->names[from], l->names[to]);
    span is = document_translate(b->a, b->t, &m, from, to,
                                 test_file(b->a, source.at), what.at);
    judge(b, is, expected.at, what.at);
}

TEST(large_lists_come_out_element_by_element_as_their_owner_converts_them)
{
    struct bench b = {0};
    for (size_t i = 0; i < COUNT(lists); i++) {
        const struct list *l = &lists[i];
        struct arena *a = arena_new(DOCUMENT_ROOM);
        b.t = document_api(a, l->api, &b.api);
        for (size_t from = 0; from < 3; from++)
            for (size_t to = 0; to < 3; to++) {
                if (from == to || !l->names[from] || !l->names[to] ||
                    (to < from && !l->down))
                    continue;
                b.a = arena_new(DOCUMENT_ROOM);
                check_list_pair(&b, l, from, to);
                arena_free(&b.a);
            }
        arena_free(&a);
    }
    assert_int_equal(b.wrong, 0);
    assert_int_equal(b.n, 6 + 2 + 6 + 1 + 1);
}

/* NOLINTEND(misc-no-recursion) */
