/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crew: the workers' stats segments, of all generations that live.
 *
 * The supervisor sends a descriptor for each; here they are mapped, their
 * heartbeats are read, and they are added up. When a generation is gone its
 * counters go into control's own totals, so that sums never go back.
 */
#pragma once

#include "proxy/base/arena.h"
#include "proxy/base/err.h"
#include "proxy/observe/metrics.h"

#define CREW_MAX 4096u /* workers over all generations */

struct crew_member {
    uint64_t generation;
    uint64_t worker;
    const struct stats *stats;
};

struct crew {
    struct crew_member *at;
    size_t n;
    size_t room;
};

/*
 * Map `fd`, which stays the caller's. One that is there already is replaced.
 * ERR_INVALID: it is no stats segment of this build. ERR_LIMIT: too many.
 */
MUST_CHECK enum err_code crew_add(struct crew *c, uint64_t generation,
                                  uint64_t worker, int fd, struct err *e);

/* A generation is gone: fold its counters into `totals` and unmap. */
void crew_fold(struct crew *c, uint64_t generation, struct metrics *totals);

void crew_fini(struct crew *c);

/* Milliseconds since its last heartbeat; UINT64_MAX before the first. */
uint64_t crew_age_ms(const struct crew_member *m, uint64_t now_ms);

/*
 * NULL if `generation` has workers and each has beaten within STATS_STALE_MS,
 * else why not; `room` holds the sentence.
 */
const char *crew_not_ready(const struct crew *c, uint64_t generation,
                           uint64_t now_ms, char *room, size_t size);
