/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zone: how far the clocks of a place are from UTC, and when that changes.
 *
 * A distance that never changes ("+02:00"), or what a compiled zone file says
 * (RFC 9636): its changes since 1970, and by the rule at its end those until 2100.
 * The system's library keeps one zone a process; this is a table.
 */
#pragma once

#include "proxy/base/arena.h"
#include "proxy/base/err.h"
#include "proxy/base/span.h"

#include <stdint.h>

#define ZONE_NAME_MAX 64u
#define ZONE_FILE_MAX ((size_t)64 * 1024)

struct zone_change {
    int64_t from_s; /* Unix time */
    int east;       /* minutes east of UTC, from then on */
};

struct zone {
    int east;                          /* until the first change */
    const struct zone_change *changes; /* in order of time */
    uint32_t n_changes;
};

/* "Z", "UTC", "+02:00", "-05:30". False: it is no distance. */
bool zone_fixed(span text, struct zone *out);

/* May it be a name ("Europe/Berlin")? It is a path below a directory and never leads out of it. */
bool zone_is_name(span text);

/*
 * The bytes of a zone file, version 2 or later; its changes live in `a`.
 * ERR_INVALID: it is none, or says what cannot be. ERR_LIMIT: `a` is full.
 */
MUST_CHECK enum err_code zone_parse(struct arena *a, span file,
                                    struct zone *out, struct err *e);

/* Minutes east of UTC at this moment (Unix time). */
int zone_east(const struct zone *z, uint64_t wall_ms);
