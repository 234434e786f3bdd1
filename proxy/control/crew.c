/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/control/crew.h"

#include <stdio.h>
#include <stdlib.h>

static bool
reserve(struct crew *c)
{
    size_t room = c->room ? 2 * c->room : 16;

    if (c->n < c->room)
        return true;
    if (c->n >= CREW_MAX)
        return false;
    void *grown = reallocarray(c->at, room, sizeof(*c->at));
    if (!grown)
        return false;
    c->at = grown;
    c->room = room;
    return true;
}

static struct crew_member *
find(struct crew *c, uint64_t generation, uint64_t worker)
{
    for (size_t i = 0; i < c->n; i++)
        if (c->at[i].generation == generation && c->at[i].worker == worker)
            return &c->at[i];
    return NULL;
}

enum err_code
crew_add(struct crew *c, uint64_t generation, uint64_t worker, int fd,
         struct err *e)
{
    const void *stats = NULL;
    struct crew_member *m = find(c, generation, worker);

    if (segment_map_read(SEGMENT_STATS, fd, &stats, e))
        return e->code;
    if (!m && !reserve(c)) {
        segment_unmap(SEGMENT_STATS, stats);
        return err_set(e, ERR_LIMIT, "more than %u workers", CREW_MAX);
    }
    if (m)
        segment_unmap(SEGMENT_STATS, m->stats);
    else
        m = &c->at[c->n++];
    *m = (struct crew_member){generation, worker, stats};
    return OK;
}

void
crew_fold(struct crew *c, uint64_t generation, struct metrics *totals)
{
    size_t kept = 0;

    for (size_t i = 0; i < c->n; i++) {
        if (c->at[i].generation != generation) {
            c->at[kept++] = c->at[i];
            continue;
        }
        metrics_fold(totals, c->at[i].stats);
        segment_unmap(SEGMENT_STATS, c->at[i].stats);
    }
    c->n = kept;
}

void
crew_fini(struct crew *c)
{
    for (size_t i = 0; i < c->n; i++)
        segment_unmap(SEGMENT_STATS, c->at[i].stats);
    free(c->at);
    *c = (struct crew){0};
}

uint64_t
crew_age_ms(const struct crew_member *m, uint64_t now_ms)
{
    uint64_t beat =
        atomic_load_explicit(&m->stats->heartbeat_ms, memory_order_relaxed);

    if (beat == 0)
        return UINT64_MAX;
    return beat < now_ms ? now_ms - beat : 0;
}

const char *
crew_not_ready(const struct crew *c, uint64_t generation, uint64_t now_ms,
               char *room, size_t size)
{
    size_t n = 0;

    for (size_t i = 0; i < c->n; i++) {
        if (c->at[i].generation != generation)
            continue;
        n++;
        uint64_t age = crew_age_ms(&c->at[i], now_ms);
        if (age < STATS_STALE_MS)
            continue;
        if (age == UINT64_MAX)
            (void)snprintf(room, size, "worker %llu has not started",
                           (unsigned long long)c->at[i].worker);
        else
            (void)snprintf(room, size, "worker %llu is silent for %llu ms",
                           (unsigned long long)c->at[i].worker,
                           (unsigned long long)age);
        return room;
    }
    return n ? NULL : "there are no workers";
}
