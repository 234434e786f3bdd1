/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/control/rollout_traffic.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define DAY_MS ((uint64_t)86400000)
#define ALL    ((double)WEIGHT_ALL)

static _Atomic uint64_t *
marked_ms(const struct rollout *r, size_t which)
{
    return gates_word(r->place, GATES_MARKED_MS) + which;
}

static void
mark(const struct rollout *r, size_t which, uint64_t wall_ms)
{
    for (uint32_t i = 0; i < rollout_cells_n(r); i++)
        atomic_store(&r->place->cells[i][CELL_MARKED + which],
                     cell_asked_n(r->place->cells[i]));
    atomic_store(marked_ms(r, which), wall_ms);
}

void
rollout_traffic_mark(const struct rollout *r, uint64_t wall_ms)
{
    uint64_t last_ms = atomic_load(marked_ms(r, 1));

    /* A clock that was set back: what lies between the notes is not known. */
    if (last_ms == 0 || wall_ms < last_ms) {
        mark(r, 0, wall_ms);
        mark(r, 1, wall_ms);
        return;
    }
    if (wall_ms - last_ms < DAY_MS)
        return;
    for (uint32_t i = 0; i < rollout_cells_n(r); i++)
        atomic_store(&r->place->cells[i][CELL_MARKED],
                     atomic_load(&r->place->cells[i][CELL_MARKED + 1]));
    atomic_store(marked_ms(r, 0), last_ms);
    mark(r, 1, wall_ms);
}

/* Requests since the first note. */
static uint64_t
asked(const struct rollout *r, uint32_t cell)
{
    uint64_t n = cell_asked_n(r->place->cells[cell]);
    uint64_t was = atomic_load(&r->place->cells[cell][CELL_MARKED]);

    return n > was ? n - was : 0;
}

static void
rate(const struct rollout *r, uint64_t n, uint64_t wall_ms,
     struct traffic_rate *out)
{
    uint64_t from_ms = atomic_load(marked_ms(r, 0));

    *out = (struct traffic_rate){0};
    if (from_ms == 0 || wall_ms <= from_ms)
        return;
    out->over_ms = wall_ms - from_ms;
    out->is_trusted = out->over_ms >= TRAFFIC_TRUST_MS;
    if (n == 0 && !out->is_trusted)
        return;
    out->source = TRAFFIC_LIVE;
    out->requests_a_day =
        (uint64_t)((double)n / (double)out->over_ms * (double)DAY_MS);
}

void
rollout_traffic_cell(const struct rollout *r, uint32_t cell, uint64_t wall_ms,
                     struct traffic_rate *out)
{
    rate(r, asked(r, cell), wall_ms, out);
}

void
rollout_traffic(const struct rollout *r, uint64_t wall_ms,
                struct traffic_rate *out)
{
    uint64_t n = 0;

    for (uint32_t i = 0; i < rollout_cells_n(r); i++)
        n += asked(r, i);
    rate(r, n, wall_ms, out);
    if (out->is_trusted || r->gen->requests_a_day == 0)
        return;
    *out = (struct traffic_rate){.source = TRAFFIC_OF_FILE,
                                 .requests_a_day = r->gen->requests_a_day};
}

enum err_code
rollout_traffic_concludes(const struct rollout *r, uint64_t wall_ms,
                          struct err *e)
{
    struct traffic_rate now;
    char over[32];

    rollout_traffic(r, wall_ms, &now);
    if (!now.is_trusted) /* the file's was asked when it was loaded */
        return OK;
    for (uint32_t i = 0; i < r->gen->plan.n_steps; i++)
        if (plan_step_concludes(&r->gen->plan, i, now.requests_a_day, e)) {
            plan_duration_text(now.over_ms, over, sizeof(over));
            return err_wrap(e, "by what came in %s", over);
        }
    return OK;
}

bool
rollout_share(const struct rollout *r, uint32_t weight_ppm, uint64_t now_ms,
              struct traffic_share *out)
{
    uint32_t(*bits)[MARKS_WORDS] = calloc(2, sizeof(*bits));
    uint32_t n[2] = {0, 0};

    for (uint32_t i = 0; bits && i < rollout_cells_n(r); i++)
        cell_visitors(r->place->cells[i], &r->gen->plan.cell, now_ms,
                      weight_ppm, bits);
    for (size_t arm = 0; bits && arm < 2; arm++)
        n[arm] = marks_count_set(bits[arm]);
    free(bits);
    if (n[0] == UINT32_MAX || n[1] == UINT32_MAX || n[0] + n[1] == 0)
        return false;
    double w = weight_ppm / ALL, all = (double)n[0] + n[1];
    double band = 1.96 * sqrt(w * (1 - w) / all);
    *out = (struct traffic_share){
        .canary = n[1],
        .all = (uint64_t)all,
        .share_ppm = (uint32_t)lround(n[1] / all * ALL),
        .low_ppm = (uint32_t)lround(fmax(w - band, 0) * ALL),
        .high_ppm = (uint32_t)lround(fmin(w + band, 1) * ALL)};
    return true;
}

const char *
traffic_source_word(enum traffic_source s)
{
    static const char *const words[] = {
#define X(id, word) word,
        TRAFFIC_SOURCES(X)
#undef X
    };

    return words[s];
}
