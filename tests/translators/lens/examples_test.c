/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/translators/lens/help.h"
#include "translators/lens/report.h"

#define CASES STILE_SOURCE "/tests/translators/lens/cases/"

static const struct lens_api *
load(struct arena *a, const char *path)
{
    struct problems p;
    const struct lens_api *api = NULL;

    problems_init(&p, a);
    enum err_code code = lens_load(a, path, &p, &api);
    for (size_t i = 0; i < p.n; i++)
        print_error("%.*s:%zu:%zu: %.*s\n", SPAN_FMT(p.at[i].file),
                    p.at[i].line, p.at[i].column, SPAN_FMT(p.at[i].text));
    assert_int_equal(code, OK);
    return api;
}

TEST(the_change_files_of_real_apis_load)
{
    static const char *const names[] = {"ingress", "hpa", "github", "jupyter"};
    for (size_t i = 0; i < COUNT(names); i++) {
        struct arena *a = arena_new(ROOM);
        const struct lens_api *by_folder =
            load(a, arena_fmt(a, CASES "%s", names[i]).at);
        const struct lens_api *by_file =
            load(a, arena_fmt(a, CASES "%s/api.yaml", names[i]).at);
        assert_true(by_folder->n_changes > 0);
        assert_int_equal(by_folder->n_changes, by_file->n_changes);
        assert_int_equal(by_folder->n_types, by_file->n_types);
        arena_free(&a);
    }
}

TEST(a_typed_place_is_followed_back_through_a_rename)
{
    struct arena *a = arena_new(ROOM);
    const struct lens_api *api = load(a, CASES "ingress");

    assert_span(children_of(a, api, "Ingress", 2),
                "spec/rules/*/http/paths/* Path; spec/defaultBackend Backend");
    assert_span(children_of(a, api, "Ingress", 1),
                "spec/rules/*/http/paths/* Path; spec/backend Backend");
    assert_span(children_of(a, api, "Ingress", 0),
                "spec/rules/*/http/paths/* Path; spec/backend Backend");
    arena_free(&a);
}

TEST(a_typed_place_is_followed_back_into_a_text)
{
    struct arena *a = arena_new(ROOM);
    const struct lens_api *api = load(a, CASES "hpa");
    const struct lens_type_at *v1 =
        &api->types[lens_type_of(api, SPAN("HPA"))].at[0];

    /* What stands in a stash is in the newer form: it is no place of v1. */
    assert_int_equal(v1->n_children, 4);
    assert_span(
        v1->children[0].place.text,
        "metadata/annotations/autoscaling.alpha.kubernetes.io~1metrics");
    assert_span(v1->children[0].inside.text, "*/resource");
    assert_non_null(v1->children[0].through);
    assert_int_equal(v1->children[0].through->stages.at[0].kind,
                     LENS_STAGE_FORM);
    assert_int_equal(v1->n_keeps, 1);
    arena_free(&a);
}

static bool
is_made(const struct lens_api *api, const struct lens_block *block,
        enum lens_side side, const char *text)
{
    (void)api;
    for (size_t i = 0; i < block->n_prefixes[side]; i++)
        if (span_is(block->prefixes[side][i].text, text))
            return lens_is_made(&block, 1, side, &block->prefixes[side][i]);
    return false;
}

TEST(an_object_named_on_one_side_alone_is_made)
{
    struct arena *a = arena_new(ROOM);
    const struct lens_api *api = load(a, CASES "ingress");
    size_t backend = (size_t)lens_type_of(api, SPAN("Backend"));
    size_t ingress = (size_t)lens_type_of(api, SPAN("Ingress"));
    const struct lens_block *b = api->tables[1].blocks[backend];
    const struct lens_block *i = api->tables[1].blocks[ingress];

    assert_null(api->tables[0].blocks[backend]);
    assert_true(is_made(api, b, LENS_NEWER, "service"));
    assert_true(is_made(api, b, LENS_NEWER, "service/port"));
    assert_int_equal(b->n_prefixes[LENS_OLDER], 0);
    assert_false(is_made(api, i, LENS_NEWER, "spec")); /* on both: shared */
    assert_false(is_made(api, i, LENS_OLDER, "spec"));
    arena_free(&a);
}

TEST(markers_are_the_versions_own)
{
    struct arena *a = arena_new(ROOM);
    const struct lens_api *jupyter = load(a, CASES "jupyter");
    const struct lens_type_at *v45 =
        &jupyter->types[lens_type_of(jupyter, SPAN("Notebook"))].at[2];
    assert_int_equal(v45->n_markers, 2);
    assert_span(v45->markers[1].text, "nbformat_minor");
    assert_span(shown(a, v45->marks[0]), "4");
    assert_span(shown(a, v45->marks[1]), "5");

    const struct lens_api *ingress = load(a, CASES "ingress");
    const struct lens_type_at *v1 = &ingress->types[0].at[2];
    assert_int_equal(v1->n_markers, 1);
    assert_span(shown(a, v1->marks[0]), "\"networking.k8s.io/v1\"");
    arena_free(&a);
}

static span
report_of(struct arena *a, const struct lens_api *api, const char *type,
          size_t older, size_t newer)
{
    struct lens_report r;
    struct buf b;
    span out;

    assert_int_equal(lens_report_of(a, api,
                                    (size_t)lens_type_of(api, span_str(type)),
                                    older, newer, &r),
                     OK);
    buf_init(&b, ROOM);
    lens_report_print(api, &r, &b);
    assert_true(span_dup(a, buf_span(&b), &out));
    buf_fini(&b);
    return out;
}

TEST(the_report_says_what_holds_and_what_it_hangs_on)
{
    struct arena *a = arena_new(ROOM);
    const struct lens_api *github = load(a, CASES "github");
    const struct lens_api *jupyter = load(a, CASES "jupyter");
    const struct lens_api *ingress = load(a, CASES "ingress");

    assert_span(report_of(a, github, "PullRequest", 0, 1),
                "PullRequest  2022-11-28 -> 2026-03-10\n"
                "  read:  total, exact\n"
                "  write: not total, fails on a changed assignee; ignores "
                "merge_commit_sha\n"
                "  reserved in 2026-03-10: assignee, merge_commit_sha\n"
                "  2 arrows, one pass, may hold a value, for `assignee`; "
                "guarantee: read\n");
    assert_span(report_of(a, jupyter, "Cell", 1, 2),
                "Cell  v4.0 -> v4.5\n"
                "  read:  total, exact\n"
                "  write: total, exact\n"
                "  v4.0 PUT  erases 1 field of a v4.5 document: id (said: "
                "`write: lose`)\n"
                "  reserved in v4.0: id\n"
                "  1 arrow, one pass, nothing need be held; guarantee: read\n");
    assert_span(report_of(a, ingress, "Backend", 0, 2),
                "Backend  extensions/v1beta1 -> networking.k8s.io/v1\n"
                "  read:  total, exact, if service/port/name is one of its "
                "cases\n"
                "  write: total, exact, if servicePort is one of its cases\n"
                "  reserved in extensions/v1beta1: service/name, "
                "service/port/name, service/port/number\n"
                "  reserved in networking.k8s.io/v1: serviceName, servicePort\n"
                "  2 arrows, one pass, may hold a value, for `serviceName`; "
                "guarantee: full\n");
    arena_free(&a);
}

TEST(the_report_names_what_is_reserved_on_the_way)
{
    struct arena *a = arena_new(ROOM);
    const struct lens_api *api = load_shop(
        a, "Order:\n"
           "  map: {a: b, swap: other, other: swap, box/k: {to: x/k}}\n"
           "  add: {new: {up: 1}}\n"
           "  drop: {old: {down: 1, write: ignore}}\n");
    span text = report_of(a, api, "Order", 0, 1);
    assert_true(says(text, "  reserved in v1: b, x/k, new\n"
                           "  reserved in v2: a, box/k, old\n"));
    arena_free(&a);
}

TEST(the_report_names_paths_without_an_image)
{
    struct arena *a = arena_new(ROOM);
    const struct lens_api *api =
        load_shop(a, "Order:\n"
                     "  map: {sort: {as: paths(Line)}}\n"
                     "Line:\n"
                     "  add: {new: {up: 1}, x/y: {up: 2}}\n"
                     "  drop: {old: {down: 1, write: ignore}}\n");
    span text = report_of(a, api, "Order", 0, 1);
    assert_true(says(text, "  read:  total, exact, if sort to name fields that "
                           "both versions have; not new, x/y\n"));
    assert_true(says(text, "  write: total, exact, if sort to name fields that "
                           "both versions have; not old\n"));
    arena_free(&a);
}

TEST(the_report_tells_a_claim_below_what_holds_and_a_change_of_nothing)
{
    struct arena *a = arena_new(ROOM);
    const struct lens_api *api = load_shop(a, "Order:\n  map: {a: b}\n");
    struct buf b;
    buf_init(&b, ROOM);
    assert_int_equal(lens_report_all(a, api, NULL, NULL, &b), OK);
    assert_true(says(buf_span(&b), "c claims `guarantee: none`, and full holds "
                                   "(changes/c.yaml:4)\n"));
    assert_false(says(buf_span(&b), "changes nothing"));
    buf_clear(&b);
    api = load_shop(a, "");
    assert_int_equal(lens_report_all(a, api, NULL, NULL, &b), OK);
    assert_true(says(buf_span(&b), "c changes nothing (changes/c.yaml)\n"));
    buf_fini(&b);
    arena_free(&a);
}

TEST(what_a_whole_document_would_erase_asks_for_a_word)
{
    struct arena *a = arena_new(ROOM);
    const struct lens_api *api =
        load_shop(a, "Order:\n  add: {channel: {up: api}}\n");

    assert_true(says(report_of(a, api, "Order", 0, 1),
                     "  v1 PUT  would erase 1 field of a v2 document: "
                     "channel; say `write: refuse` or `write: lose`\n"));
    arena_free(&a);
}

TEST(the_whole_report_has_a_part_for_each_type_that_changes)
{
    struct arena *a = arena_new(ROOM);
    const struct lens_api *api = load(a, CASES "ingress");
    struct buf b;

    buf_init(&b, ROOM);
    assert_int_equal(lens_report_all(a, api, NULL, NULL, &b), OK);
    assert_true(says(buf_span(&b), "\nPath  ext"));
    assert_false(says(buf_span(&b), "IngressList"));
    buf_fini(&b);
    arena_free(&a);
}
