/* SPDX-License-Identifier: Apache-2.0 */
/*
 * laws: LANGUAGE.md's seven laws, on APIs and documents out of dice.
 *
 *     laws [--docs N] [--seed S]
 *
 * Documents come in groups, each with an API and a seed of its own; what breaks
 * a law is told with the command that shows it again. Law 7 has dice of its own,
 * in tests/translators/patch/laws_test.c.
 */
#include "tests/laws/law.h"
#include "tests/translators/plan/chains.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define GROUP      12 /* documents of one API */
#define BROKEN_MAX 10 /* told; then it ends */
#define CASE_ROOM  ((size_t)64 << 20)

static const struct {
    const char *name;
    law_fn fn;
} laws[] = {
    {"1 round trip", law_round_trip},
    {"1 changed in the middle", law_middle},
    {"2 chain", law_chain},
    {"3 formats agree", law_forms},
    {"4 cuts do not matter", law_cuts},
    {"4 a record is a document", law_records},
    {"5 untouched is untouched", law_untouched},
    {"6 once", law_once},
};

struct tally {
    uint64_t docs;
    uint64_t held[COUNT(laws)];
    uint64_t silent[COUNT(laws)];
    uint64_t broken[COUNT(laws)];
    uint64_t n_broken;
};

static void
tell_broken(const struct law_case *c, size_t law, uint64_t seed, span why)
{
    fprintf(stderr,
            "\nlaw %s is broken: %s, v%zu -> v%zu, document %.*s\n  %.*s\n%.*s"
            "  again: ./run laws --docs %d --seed %llu\n",
            laws[law].name, c->is_request ? "request" : "answer", c->from + 1,
            c->to + 1, SPAN_FMT(c->x), SPAN_FMT(why), SPAN_FMT(c->gen->told),
            GROUP, (unsigned long long)seed);
}

static void
check_case(const struct law_case *c, uint64_t seed, struct tally *t)
{
    t->docs++;
    for (size_t i = 0; i < COUNT(laws); i++) {
        span why = {0};
        switch (laws[i].fn(c, &why)) {
        case LAW_SILENT:
            t->silent[i]++;
            break;
        case LAW_HOLDS:
            t->held[i]++;
            break;
        case LAW_BROKEN:
            t->broken[i]++;
            if (t->n_broken++ < BROKEN_MAX)
                tell_broken(c, i, seed, why);
        }
    }
}

/* ---- groups ------------------------------------------------------------------------ */

/* What a group's documents have in common. */
struct group {
    struct gen gen;
    struct law_case proto;
    bool is_chain;
};

/*
 * Either all arrows over two or three versions, or many versions of those that a
 * plan knows, so that both engines behind the door are asked.
 */
static void
open_group(struct group *g, struct arena *a)
{
    struct law_case *c = &g->proto;
    struct err e;
    g->is_chain = gen_pick(&g->gen, 3) == 0;
    g->gen.exact = gen_pick(&g->gen, 8) > 0;
    g->gen.lists = gen_pick(&g->gen, 2);
    g->gen.marked = gen_pick(&g->gen, 3) == 0;
    g->gen.named = gen_pick(&g->gen, 2) || g->is_chain;
    *c = (struct law_case){.gen = &g->gen,
                           .type = g->is_chain ? "Doc" : "T",
                           .path = g->is_chain ? "/docs" : "/t"};
    for (size_t tries = 0; !c->api && tries < 200; tries++)
        c->api =
            g->is_chain ? chain_api(a, &g->gen.seed, 12) : gen_api(&g->gen, a);
    assert_non_null(c->api);
    assert_int_equal(translator_build(a, c->api, &c->t, &e), OK);
    c->is_marked = c->api->types[0].at[0].n_markers > 0;
}

static span
document(struct group *g, const struct law_case *c)
{
    struct gen *dice = &g->gen;
    /* A document that was not spoiled mostly comes back: law 1 has something to say. */
    size_t spoils = dice->exact && gen_pick(dice, 3) ? 0 : gen_pick(dice, 4);
    if (!g->is_chain)
        return gen_document(dice, c->a, c->api, c->from, spoils);
    span x = chain_document(c->a, &dice->seed, gen_pick(dice, 8) == 0);
    return span_starts(x, SPAN("{")) ? x : SPAN("{}");
}

/* One API and its documents, all of them out of `seed`. */
static void
check_group(uint64_t seed, struct arena *room, struct tally *t)
{
    /* Mixed, so that neighbours have nothing in common. */
    uint64_t dice = seed;
    struct group g = {.gen.seed = test_random(&dice)};
    struct arena *a = arena_new(BENCH_ROOM);
    open_group(&g, a);
    size_t last = g.proto.api->n_versions - 1;
    for (size_t i = 0; i < GROUP; i++) {
        struct law_case c = g.proto;
        bool is_up = gen_pick(&g.gen, 2);
        c.a = room;
        c.from = is_up ? 0 : last;
        c.to = is_up ? last : 0;
        c.is_request = gen_pick(&g.gen, 2);
        c.x = document(&g, &c);
        check_case(&c, seed, t);
        arena_reset(room);
    }
    arena_free(&a);
}

/* ---- the program ------------------------------------------------------------------- */

/* A law that nothing was said of was not tried. */
static bool
print_tally(const struct tally *t)
{
    bool ok = t->n_broken == 0;
    printf("%llu documents\n", (unsigned long long)t->docs);
    for (size_t i = 0; i < COUNT(laws); i++) {
        bool tried = t->held[i] > 0;
        printf(
            "  %-26s holds for %llu, says nothing of %llu, broken by %llu%s\n",
            laws[i].name, (unsigned long long)t->held[i],
            (unsigned long long)t->silent[i], (unsigned long long)t->broken[i],
            tried ? "" : " (not tried)");
        ok = ok && (tried || t->docs < 500);
    }
    printf("[  %s  ] %zu test(s).\n", ok ? "PASSED" : "FAILED",
           ok ? COUNT(laws) : 1);
    return ok;
}

static bool
read_number(const char *text, uint64_t *out)
{
    char *end = NULL;
    errno = 0;
    *out = text ? strtoull(text, &end, 10) : 0;
    return end && end != text && *end == '\0' && errno == 0;
}

int
main(int argc, char **argv)
{
    uint64_t n = 3000, seed = 1;
    for (int i = 1; i < argc; i += 2) {
        bool ok =
            (strcmp(argv[i], "--docs") == 0 && read_number(argv[i + 1], &n)) ||
            (strcmp(argv[i], "--seed") == 0 && read_number(argv[i + 1], &seed));
        if (!ok) {
            fprintf(stderr, "usage: laws [--docs N] [--seed S]\n");
            return 2;
        }
    }
    struct arena *room = arena_new(CASE_ROOM);
    struct tally t = {0};
    uint64_t told = 0;
    while (t.docs < n && t.n_broken < BROKEN_MAX) {
        check_group(seed++, room, &t);
        if (t.docs * 20 / n == told)
            continue;
        told = t.docs * 20 / n;
        fprintf(stderr, "%llu of %llu documents, %llu broken\n",
                (unsigned long long)t.docs, (unsigned long long)n,
                (unsigned long long)t.n_broken);
    }
    arena_free(&room);
    return print_tally(&t) ? 0 : 1;
}
