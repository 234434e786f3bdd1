/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random chains over one list and one map: the normal form says what the reference says
 * step after step. STILE_CHAINS says how many, STILE_SEED which.
 */
#include "tests/translators/compose/compare.h"

#include "tests/test.h"

static size_t
pick(uint64_t *seed, size_t n)
{
    return (size_t)(test_random(seed) % n);
}

static size_t
asked(const char *name, size_t otherwise)
{
    const char *text = getenv(name);
    return text ? strtoul(text, NULL, 10) : otherwise;
}

static const char *
one_of(uint64_t *seed, const char *const *of, size_t n)
{
    return of[pick(seed, n)];
}
#define ONE_OF(seed, array) one_of((seed), (array), COUNT(array))

/* ---- changes ---- */

static const char *const holders[] = {"l", "m", "l", "m", "x/l"};
static const char *const members[] = {"k", "id", "a", "v", "a/k"};
static const char *const keys[] = {"p", "q", "r"};
static const char *const words[] = {"", "", ", enum: {p: q}",
                                    ", enum: {p: q, q: r}, other: fail",
                                    ", rest: lose"};

static span
arrow(struct arena *a, uint64_t *seed)
{
    static const char *const turns[] = {
        "list(k) <> map",      "map <> list(k)",
        "list(id) <> map",     "map <> list(id)",
        "list(a/k) <> map(.)", "list(k) <> map(v), rest: lose",
        "list(.) <> map",      "list(k) <> map, double: first"};
    const char *x = ONE_OF(seed, holders), *y = ONE_OF(seed, holders);
    const char *turn = ONE_OF(seed, turns);
    switch (pick(seed, 10)) {
    case 8:
        return arena_fmt(a, "\"%s/*\": {to: \"%s/*/%s\", rest: lose}", x, x,
                         ONE_OF(seed, members));
    case 9:
        return arena_fmt(a, "\"%s/*/a/%s\": {to: \"%s/*/%s\"%s}", x,
                         ONE_OF(seed, members), x, ONE_OF(seed, members),
                         ONE_OF(seed, words));
    case 0:
    case 1:
    case 2:
        return arena_fmt(
            a, "\"%s\": {to: \"%s\", as: %s%s}", x, y, turn,
            strstr(turn, "(.) <> map") && turn[5] == '.' ? ", value: 1" : "");
    case 3:
        return arena_fmt(a, "\"%s/*/%s\": {to: \"%s/*/%s\"%s}", x,
                         ONE_OF(seed, members), x, ONE_OF(seed, members),
                         ONE_OF(seed, words));
    case 4:
        return arena_fmt(a, "\"%s/%s\": {to: %s%s}", x, ONE_OF(seed, keys),
                         ONE_OF(seed, members), ONE_OF(seed, words));
    case 5:
        return arena_fmt(a, "%s: {to: \"%s/%s\"%s}", ONE_OF(seed, members), x,
                         ONE_OF(seed, keys), ONE_OF(seed, words));
    case 6:
        return arena_fmt(a, "\"%s/%s\": \"%s/%s\"", x, ONE_OF(seed, keys), x,
                         ONE_OF(seed, keys));
    default:
        return arena_fmt(a, "\"%s\": \"%s\"", x, y);
    }
}

static span
change(struct arena *a, uint64_t *seed)
{
    span out = arena_fmt(a, "T:\n  map:\n    keep: keep\n    %.*s\n",
                         SPAN_FMT(arrow(a, seed)));
    if (pick(seed, 3) == 0)
        out = arena_fmt(a, "%.*s    %.*s\n", SPAN_FMT(out),
                        SPAN_FMT(arrow(a, seed)));
    if (pick(seed, 4) == 0)
        out = arena_fmt(a,
                        "%.*s  drop: {\"%s/*/%s\": {down: absent, write: "
                        "ignore}}\n",
                        SPAN_FMT(out), ONE_OF(seed, holders),
                        ONE_OF(seed, members));
    if (pick(seed, 6) == 0)
        out = arena_fmt(a, "%.*sU:\n  map:\n    a: {to: %s%s}\n", SPAN_FMT(out),
                        ONE_OF(seed, members), ONE_OF(seed, words));
    return out;
}

static const struct lens_api *
make_api(struct arena *a, uint64_t *seed, span *text)
{
    span types = pick(seed, 3)
                     ? SPAN("T: {at: \"* /t\"}\n")
                     : SPAN("T: {at: \"* /t\"}\nU: {at: \"m/* of T\"}\n");
    span changes[5];
    const struct lens_api *api = NULL;
    size_t wanted = 1 + pick(seed, 4);
    size_t n = 0;
    *text = types;
    for (size_t tries = 0; n < wanted && tries < 60; tries++) {
        changes[n] = change(a, seed);
        const struct lens_api *more = bench_api(a, types, changes, n + 1, NULL);
        if (!more)
            continue;
        *text = arena_fmt(a, "%.*s---\n%.*s", SPAN_FMT(*text),
                          SPAN_FMT(changes[n]));
        api = more;
        n++;
    }
    return api;
}

/* ---- documents ---- */

static const char *const scalars[] = {"\"p\"", "\"q\"", "\"r\"", "\"s\"", "1",
                                      "null",  "{}",    "[]",    "true"};

static void
element(uint64_t *seed, struct buf *b)
{
    static const char *const own[] = {"k", "id", "v", "a", "b"};
    const char *sep = "";
    if (pick(seed, 30) == 0) {
        buf_str(b, ONE_OF(seed, scalars));
        return;
    }
    buf_byte(b, '{');
    for (size_t i = 0; i < COUNT(own); i++) {
        if (pick(seed, i < 1 ? 12 : 3) == (i < 1 ? 0u : 1u))
            continue;
        if (i > 0 && pick(seed, 2))
            continue;
        if (i == 3 && pick(seed, 2))
            buf_fmt(b, "%s\"a\":{\"k\":\"%s\"}", sep, ONE_OF(seed, keys));
        else if (i < 2 && pick(seed, 12))
            buf_fmt(b, "%s\"%s\":\"%s%zu\"", sep, own[i], ONE_OF(seed, keys),
                    pick(seed, 3));
        else
            buf_fmt(b, "%s\"%s\":%s", sep, own[i], ONE_OF(seed, scalars));
        sep = ",";
    }
    buf_byte(b, '}');
}

static void
holder(uint64_t *seed, struct buf *b, bool is_list)
{
    if (pick(seed, 12) == 0) {
        buf_str(b, ONE_OF(seed, scalars));
        return;
    }
    buf_byte(b, is_list ? '[' : '{');
    for (size_t i = 0, n = pick(seed, 4); i < n; i++) {
        buf_str(b, i ? "," : "");
        if (!is_list)
            buf_fmt(b, "\"%s\":",
                    pick(seed, 12) ? keys[i % COUNT(keys)] : "\\u0070");
        if (is_list && pick(seed, 12) == 0)
            buf_str(b, ONE_OF(seed, scalars));
        else
            element(seed, b);
    }
    buf_byte(b, is_list ? ']' : '}');
}

static span
document(struct arena *a, uint64_t *seed)
{
    static const char *const own[] = {"l", "m", "x", "a", "k", "v", "z"};
    struct buf b;
    span out = {0};
    const char *sep = "";
    buf_init(&b, BENCH_ROOM);
    buf_byte(&b, '{');
    for (size_t i = 0; i < COUNT(own); i++) {
        if (pick(seed, 5) < (i < 2 ? 1u : 4u))
            continue;
        buf_fmt(&b, "%s\"%s\":", sep, own[i]);
        sep = ",";
        if (i == 2)
            buf_str(&b, "{\"l\":");
        if (i < 3)
            holder(seed, &b, pick(seed, 5) ? i != 1 : i == 1);
        else
            element(seed, &b);
        if (i == 2)
            buf_str(&b, pick(seed, 2) ? "}" : ",\"z\":1}");
    }
    buf_byte(&b, '}');
    assert_true(span_dup(a, buf_span(&b), &out));
    buf_fini(&b);
    return out;
}

/* ---- the test ---- */

struct score {
    struct tally tally;
    size_t chains;
    size_t composed;
};

static void
run_way(struct arena *a, uint64_t *seed, const struct lens_api *api, size_t to,
        span text, struct score *score)
{
    size_t from = api->n_versions - 1 - to;
    const struct normal *n = composed(a, api, 0, from, to);
    bool whole = true;
    for (size_t i = 0; i < n->n_states; i++) {
        whole = whole && !n->states[i]->stop.why;
        if (n->states[i]->stop.why && getenv("STILE_WHY"))
            print_message("stop: %s\n", n->states[i]->stop.why);
    }
    score->chains++;
    score->composed += whole;
    for (size_t d = 0; whole && d < 24; d++) {
        span body = document(a, seed);
        span differs = compare(a, n, 0, d % 2, body, &score->tally);
        if (!differs.len)
            continue;
        print_error("%.*s\n", SPAN_FMT(text));
        print_error("%s %.*s\n", d % 2 ? "request" : "answer", SPAN_FMT(body));
        fail_msg("%zu to %zu: %.*s", from, to, SPAN_FMT(differs));
    }
}

TEST(lists_and_maps_turn_in_chains_as_they_do_step_by_step)
{
    uint64_t seed = asked("STILE_SEED", 3);
    struct score score = {0};
    for (size_t i = 0; i < asked("STILE_CHAINS", 60); i++) {
        struct arena *a = arena_new(BENCH_ROOM);
        span text = {0};
        const struct lens_api *api = make_api(a, &seed, &text);
        if (api) {
            run_way(a, &seed, api, api->n_versions - 1, text, &score);
            run_way(a, &seed, api, 0, text, &score);
        }
        arena_free(&a);
    }
    print_message("%zu chains, %zu composed; %zu documents, %zu refused\n",
                  score.chains, score.composed, score.tally.documents,
                  score.tally.refused);
    assert_true(score.composed * 2 > score.chains);
    assert_true(score.tally.refused * 8 < score.tally.documents * 7);
}
