/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/translators/documents.h"

#include "translators/lens/lens.h"

#define EXAMPLES STILE_SHARED "/examples"

/* Where documents of an API go, by their names in the examples. */
struct kind {
    const char *folder; /* in the examples */
    const char *api;    /* in config/examples */
    const char *path;   /* with %s for the version's label */
    struct {
        const char *name;
        const char *label;
    } versions[3];
};

static const struct kind ingress = {
    "kubernetes-ingress",
    "kubernetes/ingress",
    "/apis/%s/namespaces/default/ingresses/web",
    {{"extensions-v1beta1", "extensions/v1beta1"},
     {"networking-v1beta1", "networking.k8s.io/v1beta1"},
     {"networking-v1", "networking.k8s.io/v1"}},
};

static const struct kind hpa = {
    "kubernetes-hpa",
    "kubernetes/hpa",
    "/apis/autoscaling/%s/namespaces/default/horizontalpodautoscalers/web",
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
    char path[256];
    snprintf(path, sizeof(path), "/apis/%s%s", "", "");
    m.path = strstr(k->path, "autoscaling")
                 ? arena_fmt(b->a,
                             "/apis/autoscaling/%s/namespaces/default/"
                             "horizontalpodautoscalers/web",
                             label)
                 : arena_fmt(b->a, "/apis/%s/namespaces/default/ingresses/web",
                             label);
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

TEST(every_ingress_comes_out_as_its_owner_converts_it_in_answers)
{
    check_all(&ingress, MESSAGE_ANSWER, 38 * 6);
}

TEST(every_ingress_comes_out_as_its_owner_converts_it_in_requests)
{
    check_all(&ingress, MESSAGE_REQUEST, 38 * 6);
}

TEST(every_autoscaler_comes_out_as_its_owner_converts_it_in_answers)
{
    check_all(&hpa, MESSAGE_ANSWER, 24 * 6);
}

TEST(every_autoscaler_comes_out_as_its_owner_converts_it_in_requests)
{
    check_all(&hpa, MESSAGE_REQUEST, 24 * 6);
}
