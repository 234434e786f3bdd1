/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/translators/documents.h"

#include "translators/lens/lens.h"

#include <dirent.h>
#include <unistd.h>

#define NOTEBOOKS STILE_SHARED "/examples/jupyter-notebook"

/* nbformat's own conversions: from a document at one version to another's file. */
static const struct way {
    const char *from, *to, *file;
    bool
        has_ids; /* nbformat gives random ids; in `file` they are cell-000 ... */
    size_t n;    /* documents that have both */
} ways[] = {
    {"v4.0", "v4.5", "v4.5.json", true, 10},
    {"v4.5", "v4.0", "v4.0.json", true, 10},
    {"v4.5", "v3", "v3.json", true, 11},
    {"v3", "v4.5", "v4.5.from-v3.json", false, 10},
};

/* Take the ids away that upgrading to v4.5 makes, which must be there. */
static void
strip_ids(struct arena *a, struct json *notebook)
{
    struct json *cells = json_get(notebook, SPAN("cells"));
    assert_non_null(cells);
    for (size_t i = 0; i < cells->n; i++) {
        struct json *cell = cells->members[i].value;
        struct json *id = json_get(cell, SPAN("id"));
        assert_non_null(id);
        assert_span(id->text, arena_fmt(a, "cell-%03zu", i).at);
        json_detach(id);
    }
}

/* Is there such a pair of files, and does the one become the other? */
static bool
check_notebook(struct arena *a, const struct translator *t,
               const struct lens_api *api, const char *id, const struct way *w,
               enum message_side side)
{
    struct message m = {.side = side,
                        .method =
                            side == MESSAGE_REQUEST ? SPAN("PUT") : SPAN("GET"),
                        .path = SPAN("/notebooks/x"),
                        .status = side == MESSAGE_REQUEST ? 0 : 200,
                        .write = MESSAGE_WRITE_LOSE};
    span source = arena_fmt(a, NOTEBOOKS "/%s/%s.json", id, w->from);
    span expected = arena_fmt(a, NOTEBOOKS "/%s/%s", id, w->file);
    if (access(source.at, R_OK) != 0 || access(expected.at, R_OK) != 0)
        return false;
    int from = lens_version_of(api, span_str(w->from));
    int to = lens_version_of(api, span_str(w->to));
    assert_true(from >= 0 && to >= 0);
    span out = document_translate(a, t, &m, (size_t)from, (size_t)to,
                                  test_file(a, source.at), id);
    struct json *is = NULL;
    struct err e;
    assert_int_equal(json_parse(a, out, JSON_DEPTH_DEFAULT, &is, &e), OK);
    if (!w->has_ids)
        strip_ids(a, is);
    span found = document_difference(a, is, document_read(a, expected.at));
    if (found.len)
        fail_msg("%s, %s -> %s: %.*s", id, w->from, w->to, SPAN_FMT(found));
    return true;
}

static void
check_all(enum message_side side)
{
    struct arena *api_room = arena_new(DOCUMENT_ROOM);
    const struct lens_api *api;
    const struct translator *t = document_api(api_room, "jupyter", &api);
    size_t n[COUNT(ways)] = {0};
    DIR *folder = opendir(NOTEBOOKS);
    assert_non_null(folder);
    for (const struct dirent *d; (d = readdir(folder));) {
        if (d->d_name[0] < '0' || d->d_name[0] > '9')
            continue;
        for (size_t i = 0; i < COUNT(ways); i++) {
            struct arena *a = arena_new(DOCUMENT_ROOM);
            n[i] += check_notebook(a, t, api, d->d_name, &ways[i], side);
            arena_free(&a);
        }
    }
    closedir(folder);
    for (size_t i = 0; i < COUNT(ways); i++)
        assert_int_equal(n[i], ways[i].n);
    arena_free(&api_room);
}

TEST(every_notebook_comes_out_as_nbformat_converts_it_in_answers)
{
    check_all(MESSAGE_ANSWER);
}

TEST(every_notebook_comes_out_as_nbformat_converts_it_in_requests)
{
    check_all(MESSAGE_REQUEST);
}

static span
output_down(struct arena *a, const char *cells)
{
    const struct lens_api *api;
    const struct translator *t = document_api(a, "jupyter", &api);
    struct message m = {.side = MESSAGE_ANSWER,
                        .method = SPAN("GET"),
                        .path = SPAN("/notebooks/x"),
                        .status = 200};
    span body = arena_fmt(a,
                          "{\"nbformat\":4,\"nbformat_minor\":5,\"metadata\":"
                          "{},\"cells\":[%s]}",
                          cells);
    return document_translate(a, t, &m, 2, 0, body, cells);
}

TEST(a_line_of_markdown_is_a_heading_of_each_level_in_an_old_notebook)
{
    struct arena *a = arena_new(DOCUMENT_ROOM);
    for (size_t level = 1; level <= 7; level++) {
        span cell = arena_fmt(a,
                              "{\"cell_type\":\"markdown\",\"source\":\"%.*s "
                              "Title\",\"metadata\":{}}",
                              (int)level, "#######");
        struct json *root = NULL;
        struct err e;
        assert_int_equal(json_parse(a, output_down(a, cell.at),
                                    JSON_DEPTH_DEFAULT, &root, &e),
                         OK);
        const struct json *sheet =
            json_get(root, SPAN("worksheets"))->members[0].value;
        const struct json *is =
            json_get(sheet, SPAN("cells"))->members[0].value;
        const struct json *said = json_get(is, SPAN("level"));
        if (level == 7) { /* there are six */
            assert_null(said);
            assert_span(json_get(is, SPAN("cell_type"))->text, "markdown");
            continue;
        }
        assert_span(json_get(is, SPAN("cell_type"))->text, "heading");
        assert_span(json_get(is, SPAN("source"))->text, "Title");
        assert_non_null(said);
        assert_span(said->text, arena_fmt(a, "%zu", level).at);
    }
    arena_free(&a);
}

TEST(two_lines_of_markdown_are_no_heading)
{
    struct arena *a = arena_new(DOCUMENT_ROOM);
    span is = output_down(a, "{\"cell_type\":\"markdown\",\"source\":\"# a\\n# "
                             "b\",\"metadata\":{}}");
    assert_true(strstr(is.at, "\"source\":\"# a\\n# b\"") != NULL);
    assert_true(strstr(is.at, "heading") == NULL);
    arena_free(&a);
}

TEST(an_old_notebook_is_shown_no_type_it_does_not_know)
{
    struct arena *a = arena_new(DOCUMENT_ROOM);
    span is = output_down(
        a, "{\"cell_type\":\"code\",\"source\":\"\",\"execution_count\":1,"
           "\"metadata\":{},\"outputs\":[{\"output_type\":\"display_data\","
           "\"metadata\":{},\"data\":{\"text/plain\":\"p\",\"application/"
           "vnd.any+json\":{\"x\":1},\"application/json\":{\"y\":2}}}]}");
    assert_true(strstr(is.at, "\"text\":\"p\"") != NULL);
    assert_true(strstr(is.at, "\"json\":\"{\\\"y\\\":2}\"") != NULL);
    assert_true(strstr(is.at, "vnd.any") == NULL);
    arena_free(&a);
}
