/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/translators/compose/rows.h"

#include "tests/translators/compose/lowered.h"

/* The same documents by the machine, which has a program of all that composes. */
static void
run_lowered(struct arena *a, const struct row *row, const struct lens_api *api,
            bool up, bool is_request, struct lowered_count *count)
{
    size_t newest = api->n_versions - 1;
    const char *const *docs = up ? row->up : row->down;
    size_t from = up ? 0 : newest, to = newest - from;
    struct lowered l;
    uint64_t dice = 7;
    lowered_chain(a, api, from, to, is_request, &l);
    if (!row->again && !row->unlowered && l.why)
        fail_msg("no program, %s: %s", up ? "up" : "down", l.why);
    if (!row->again && !row->unlowered && l.n_agains)
        fail_msg("%.*s goes again, %s: %s", SPAN_FMT(l.agains[0]->place),
                 up ? "up" : "down", l.agains[0]->why);
    for (size_t i = 0; !l.why && i < ROW_DOCS && docs[i]; i++) {
        span differs = lowered_compare(a, api, &l, from, to, is_request,
                                       span_str(docs[i]), &dice, count);
        if (differs.len)
            fail_msg("the machine, %s, %s, %s: %.*s", up ? "up" : "down",
                     is_request ? "request" : "answer", docs[i],
                     SPAN_FMT(differs));
    }
}

static void
run_way(struct arena *a, const struct row *row, const struct lens_api *api,
        bool up, bool *again)
{
    size_t newest = api->n_versions - 1;
    const char *const *docs = up ? row->up : row->down;
    const struct normal *n =
        composed(a, api, 0, up ? 0 : newest, up ? newest : 0);
    for (size_t i = 0; i < n->n_states; i++) {
        *again = *again || n->states[i]->stop.why;
        if (n->states[i]->stop.why && !row->again)
            print_error("%s: %s\n", up ? "up" : "down", n->states[i]->stop.why);
    }
    for (size_t i = 0; i < ROW_DOCS && docs[i]; i++)
        for (unsigned request = 0; request < 2; request++) {
            struct tally t = {0};
            span differs = compare(a, n, 0, request, span_str(docs[i]), &t);
            if (differs.len)
                fail_msg("%s, %s, %s: %.*s", up ? "up" : "down",
                         request ? "request" : "answer", docs[i],
                         SPAN_FMT(differs));
        }
}

void
row_run(const char *claim, const struct row *row)
{
    struct arena *a = arena_new(BENCH_ROOM);
    span types = span_str(row->types ? row->types : "T: {at: \"* /t\"}\n");
    span changes[ROW_CHANGES];
    size_t n = 0;
    bool again = false;
    for (; n < ROW_CHANGES && row->changes[n]; n++)
        changes[n] = span_str(row->changes[n]);
    const struct lens_api *api = bench_api(a, types, changes, n, claim);
    assert_non_null(api);
    run_way(a, row, api, true, &again);
    run_way(a, row, api, false, &again);
    struct lowered_count count = {0};
    for (unsigned way = 0; way < 4; way++)
        run_lowered(a, row, api, way & 1, way & 2, &count);
    if (!row->again && !row->unlowered)
        assert_true(count.done > 0);
    assert_int_equal(again, row->again);
    arena_free(&a);
}
