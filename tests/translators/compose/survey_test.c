/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The APIs of config/examples and tests/changes: how many of their types, in each
 * direction, are one normal form and one program. It may only grow. STILE_WHY says
 * what the others stop at.
 */
#include "proxy/base/problem.h"
#include "tests/test.h"
#include "tests/translators/reference/bench.h"
#include "translators/compose/lower.h"

#include <dirent.h>

struct survey {
    size_t asked;
    size_t composed;
    size_t lowered;
};

static void
why(const char *api, const struct lens_api *of, size_t type, bool up,
    const char *what, const char *reason)
{
    if (getenv("STILE_WHY"))
        print_message("%s %s %.*s %s: %s\n", what, strrchr(api, '/') + 1,
                      SPAN_FMT(of->types[type].name), up ? "up" : "down",
                      reason);
}

/* Its requests and answers are lowered apart. */
static void
survey_lowered(struct compose *c, const struct lens_api *api, size_t type,
               bool up, const char *path, struct survey *s)
{
    struct err e;
    struct lowered l[2];
    for (unsigned request = 0; request < 2; request++) {
        struct arena *a = arena_new(BENCH_ROOM);
        assert_int_equal(compose_lower(c, a, type, request, &l[request], &e),
                         OK);
        arena_free(&a);
    }
    const char *reason = l[0].why ? l[0].why : l[1].why;
    if (reason)
        why(path, api, type, up, "not lowered", reason);
    s->lowered += !reason;
}

static void
survey_way(const struct lens_api *api, bool up, const char *path,
           struct survey *s)
{
    struct arena *a = arena_new(BENCH_ROOM);
    struct compose *c = NULL;
    struct err e;
    size_t newest = api->n_versions - 1;
    assert_int_equal(compose_begin(a, api, NULL, up ? 0 : newest, up, &c, &e),
                     OK);
    for (size_t i = 0; i < newest; i++)
        assert_int_equal(compose_step(c, &e), OK);
    for (size_t type = 0; type < api->n_types; type++) {
        const struct normal *n = NULL;
        const char *stop = NULL;
        assert_int_equal(compose_take(c, type, &n, &e), OK);
        for (size_t i = 0; i < n->n_states; i++)
            stop = stop ? stop : n->states[i]->stop.why;
        s->asked++;
        s->composed += !stop;
        if (stop)
            why(path, api, type, up, "not composed", stop);
        else
            survey_lowered(c, api, type, up, path, s);
    }
    arena_free(&a);
}

static void
survey_api(const char *path, struct survey *s)
{
    struct arena *a = arena_new(BENCH_ROOM);
    const struct lens_api *api = NULL;
    struct problems problems;
    problems_init(&problems, a);
    if (lens_load(a, path, &problems, &api) == OK && api->n_versions > 1) {
        survey_way(api, true, path, s);
        survey_way(api, false, path, s);
    }
    arena_free(&a);
}

static void
survey_folder(const char *path, struct survey *s)
{
    DIR *d = opendir(path);
    assert_non_null(d);
    for (const struct dirent *e; (e = readdir(d));) {
        char name[4096];
        snprintf(name, sizeof(name), "%s/%s", path, e->d_name);
        if (e->d_name[0] != '.')
            survey_api(name, s);
    }
    closedir(d);
}

TEST(most_of_what_real_apis_changed_is_one_program)
{
    struct survey s = {0};
    survey_folder(STILE_SOURCE "/config/examples", &s);
    survey_folder(STILE_SOURCE "/tests/changes", &s);
    print_message("%zu types and directions, %zu composed, %zu lowered\n",
                  s.asked, s.composed, s.lowered);
    assert_true(s.composed >= 302);
    assert_true(s.lowered >= 301);
}
