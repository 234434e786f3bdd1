/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/server/counts.h"

#include "tests/test.h"

#define WORKERS 3u

struct fixture {
    struct arena *a;
    struct gen_pool pools[2];
    struct generation g;
    void *at;
    struct counts of[WORKERS];
};

static void
fixture_begin(struct fixture *f)
{
    *f = (struct fixture){.a = arena_new(16 << 20)};
    f->pools[1].requests_max = 4;
    f->g.pools = f->pools;
    f->g.n_pools = 2;
    f->g.limits.connections_per_client = 3;
    f->g.limits.accepts_a_second = 5;
    f->at = arena_alloc(f->a, counts_bytes(&f->g, WORKERS));
    assert_non_null(f->at);
    counts_make(f->at, 4711);
    for (unsigned i = 0; i < WORKERS; i++)
        counts_begin(&f->of[i], f->at, &f->g, WORKERS, i);
}

static bool
enters(struct fixture *f, unsigned worker, const char *client, uint64_t *key)
{
    return counts_client_enter(&f->of[worker], span_str(client),
                               f->g.limits.connections_per_client, key);
}

TEST(without_a_limit_of_all_nothing_is_shared)
{
    struct gen_pool pools[2] = {0};
    struct generation g = {.pools = pools, .n_pools = 2};
    struct counts c;

    assert_int_equal(counts_bytes(&g, WORKERS), 0);
    counts_begin(&c, NULL, &g, 1, 0);
    assert_int_equal(counts_pool(&c, 1), 0);
    counts_pool_set(&c, 1, 7);
    pools[1].requests_max = 1;
    assert_true(counts_bytes(&g, WORKERS) > 0);
}

TEST(requests_of_a_pool_are_those_of_all_workers_that_live)
{
    struct fixture f;

    fixture_begin(&f);
    for (unsigned i = 0; i < WORKERS; i++)
        counts_pool_set(&f.of[i], 1, i + 1);
    for (unsigned i = 0; i < WORKERS; i++) {
        assert_int_equal(counts_pool(&f.of[i], 0), 0);
        assert_int_equal(counts_pool(&f.of[i], 1), 6);
    }
    /* The second died, and another is in its place. */
    counts_begin(&f.of[1], f.at, &f.g, WORKERS, 1);
    assert_int_equal(counts_pool(&f.of[0], 1), 4);
    arena_free(&f.a);
}

TEST(connections_of_a_client_are_those_at_all_workers_that_live)
{
    struct fixture f;
    uint64_t keys[3], key;

    fixture_begin(&f);
    for (unsigned i = 0; i < 3; i++)
        assert_true(enters(&f, i, "a", &keys[i]));
    for (unsigned i = 0; i < WORKERS; i++) {
        assert_false(enters(&f, i, "a", &key));
        assert_int_equal(key, 0);
        counts_client_leave(&f.of[i], key);
    }
    assert_true(enters(&f, 1, "b", &key));
    counts_client_leave(&f.of[2], keys[2]);
    assert_true(enters(&f, 0, "a", &key));
    assert_false(enters(&f, 2, "a", &key));
    /* Two are the first worker's, which dies. */
    counts_begin(&f.of[0], f.at, &f.g, WORKERS, 0);
    assert_true(enters(&f, 2, "a", &key));
    assert_true(enters(&f, 0, "a", &key));
    assert_false(enters(&f, 1, "a", &key));
    arena_free(&f.a);
}

TEST(more_clients_than_there_is_room_for_are_let_in_uncounted)
{
    struct fixture f;
    size_t n = 200000, counted = 0;
    uint64_t *keys;

    fixture_begin(&f);
    keys = arena_array(f.a, n, sizeof(*keys));
    for (size_t i = 0; i < n; i++) {
        span client = span_of((const char *)&i, sizeof(i));
        assert_true(counts_client_enter(&f.of[0], client, 1, &keys[i]));
        counted += keys[i] != 0;
    }
    assert_true(counted > 30000 && counted < n);
    /* Whoever leaves gives back what is its own: all are gone in the end. */
    for (size_t i = 0; i < n; i++)
        counts_client_leave(&f.of[0], keys[i]);
    for (size_t i = 0; i < n; i++) {
        span client = span_of((const char *)&i, sizeof(i));
        assert_true(counts_client_enter(&f.of[1], client, 1, &keys[i]));
    }
    arena_free(&f.a);
}

TEST(new_connections_are_taken_from_one_bucket)
{
    struct fixture f;
    uint64_t now = 1000000000;

    fixture_begin(&f);
    for (unsigned i = 0; i < 5; i++)
        assert_true(counts_accept(&f.of[i % WORKERS], 5, now));
    for (unsigned i = 0; i < WORKERS; i++)
        assert_false(counts_accept(&f.of[i], 5, now));
    assert_true(counts_accept(&f.of[2], 5, now + 200000));
    assert_false(counts_accept(&f.of[0], 5, now + 200000));
    /* More than a million a second is as it likes. */
    assert_true(counts_accept(&f.of[0], 5000000, now + 10000000));
    arena_free(&f.a);
}
