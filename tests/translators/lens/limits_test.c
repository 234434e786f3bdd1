/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/translators/lens/help.h"
#include "translators/lens/report.h"

#include <stdlib.h>

#define CASES STILE_SOURCE "/tests/translators/lens/cases/"

static enum err_code
load_failing(size_t nth, const struct lens_text *api,
             const struct lens_text *changes, size_t n)
{
    struct arena *a = arena_new(ROOM);
    struct problems p;
    const struct lens_api *out = NULL;

    problems_init(&p, a);
    arena_fail_after(nth);
    enum err_code code = lens_load_text(a, *api, changes, n, &p, &out);
    const struct lens_loss *losses;
    size_t n_losses;
    if (code == OK)
        code = lens_losses_of(a, out, 0, 0, &losses, &n_losses);
    arena_fail_after(0);
    if (code != OK)
        assert_true(p.total > 0 || out);
    arena_free(&a);
    return code;
}

TEST(a_full_arena_is_an_error_at_every_allocation)
{
    struct arena *files = arena_new(ROOM);
    struct lens_text api = {SPAN("api.yaml"),
                            test_file(files, CASES "hpa/api.yaml")};
    struct lens_text changes[] = {
        {SPAN("changes/1.yaml"),
         test_file(files, CASES "hpa/changes/1-many-metrics.yaml")},
        {SPAN("changes/2.yaml"),
         test_file(files, CASES "hpa/changes/2-targets.yaml")},
    };
    size_t n = 1;
    while (load_failing(n, &api, changes, COUNT(changes)) != OK) {
        assert_true(n < 100000);
        n += 1 + n / 50; /* all of the first, samples of the later */
    }
    assert_true(n > 200);
    arena_free(&files);
}

TEST(too_many_arrows_of_one_type_are_refused)
{
    struct arena *a = arena_new(ROOM);
    struct buf b;

    buf_init(&b, ROOM);
    buf_str(&b, change_head);
    buf_str(&b, "Order:\n  map:\n");
    for (size_t i = 0; i < 1100; i++)
        buf_fmt(&b, "    a%zu: b%zu\n", i, i);
    span said = problems_of(a, span_str(shop_api), buf_span(&b));
    assert_true(says(said, "2049th place"));
    buf_fini(&b);
    arena_free(&a);
}

TEST(too_long_a_place_is_refused)
{
    struct arena *a = arena_new(ROOM);
    struct buf b;

    buf_init(&b, ROOM);
    buf_fmt(&b, "%sOrder: {map: {x: a", change_head);
    for (size_t i = 0; i < 40; i++)
        buf_str(&b, "/a");
    buf_str(&b, "}}\n");
    span said = problems_of(a, span_str(shop_api), buf_span(&b));
    assert_true(says(said, "is too long"));
    buf_fini(&b);
    arena_free(&a);
}

TEST(too_many_versions_are_refused)
{
    struct arena *a = arena_new(ROOM);
    struct buf b;

    buf_init(&b, ROOM);
    buf_str(&b, "api: x\nversions:\n");
    for (size_t i = 0; i < 513; i++)
        buf_fmt(&b, "  v%zu: {}\n", i);
    span said = problems_of(a, buf_span(&b), (span){0});
    assert_true(says(said, "1 to 512 versions"));
    buf_fini(&b);
    arena_free(&a);
}

/* Cut and mangled files: refused or loaded, never a crash. */
TEST(mangled_files_never_crash_the_loader)
{
    struct arena *files = arena_new(ROOM);
    span api = test_file(files, CASES "hpa/api.yaml");
    span change = test_file(files, CASES "jupyter/changes/1-v4.yaml");
    uint64_t seed = 7;
    for (size_t i = 0; i < 400; i++) {
        struct arena *a = arena_new(ROOM);
        struct problems p;
        const struct lens_api *out = NULL;
        span text = i % 2 ? api : change;
        char *copy = arena_str(a, text);
        assert_non_null(copy);
        for (size_t k = 0; k < 1 + i % 5; k++)
            copy[test_random(&seed) % text.len] =
                "{}[]:*/'\"&,-abv123\n \x80"[test_random(&seed) % 21];
        problems_init(&p, a);
        struct lens_text both[2] = {{SPAN("a"), api}, {SPAN("b"), change}};
        both[i % 2 ? 0 : 1].text = span_of(copy, text.len);
        enum err_code code = lens_load_text(a, both[0], &both[1], 1, &p, &out);
        assert_true(code == OK || p.total > 0);
        arena_free(&a);
    }
    arena_free(&files);
}
