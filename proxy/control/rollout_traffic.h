/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rollout_traffic: how many requests a rollout covers, live, and what share of its subjects is on the canary.
 *
 * Cells count from the moment when the configuration has the rollout, and outlive control. Control notes their counts
 * each day and reckons from the note before the last, so that what it says is of one day to two.
 */
#pragma once

#include "proxy/control/rollouts.h"

#define TRAFFIC_TRUST_MS ((uint64_t)600000) /* less says little of a day */

/* X(id, word) */
#define TRAFFIC_SOURCES(X)                                                     \
    X(TRAFFIC_UNKNOWN, "unknown")                                              \
    X(TRAFFIC_OF_FILE, "file") /* what the operator expects */                 \
    X(TRAFFIC_LIVE, "live")

enum traffic_source {
#define X(id, word) id,
    TRAFFIC_SOURCES(X)
#undef X
};

struct traffic_rate {
    enum traffic_source source;
    uint64_t requests_a_day;
    uint64_t over_ms; /* of a live one: so long it was counted */
    bool is_trusted;  /* a start may be refused by it */
};

/* Control, each tick: note the counts if it is time to. */
void rollout_traffic_mark(const struct rollout *r, uint64_t wall_ms);

/* What of all that it covers, or of one of its cells (a live rate, or none). */
void rollout_traffic(const struct rollout *r, uint64_t wall_ms,
                     struct traffic_rate *out);
void rollout_traffic_cell(const struct rollout *r, uint32_t cell,
                          uint64_t wall_ms, struct traffic_rate *out);

/* ERR_INVALID: with the live requests a step cannot conclude; the arithmetic, and where it is from. */
MUST_CHECK enum err_code rollout_traffic_concludes(const struct rollout *r,
                                                   uint64_t wall_ms,
                                                   struct err *e);

/* Subjects of this window and weight; chance allows a share from `low_ppm` to `high_ppm` (95 %). */
struct traffic_share {
    uint64_t canary, all;
    uint32_t share_ppm, low_ppm, high_ppm;
};

/* False: nobody came, or too many to be told apart. */
MUST_CHECK bool rollout_share(const struct rollout *r, uint32_t weight_ppm,
                              uint64_t now_ms, struct traffic_share *out);

const char *traffic_source_word(enum traffic_source s);
