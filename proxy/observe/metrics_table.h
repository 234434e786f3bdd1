/* SPDX-License-Identifier: Apache-2.0 */
/*
 * metrics_table: the table of metrics as data, and what a cell is called.
 *
 * For metrics.c and metrics_sum.c. A cell's name is the series as Prometheus
 * writes it, `stile_x_total{route="a"}`, so that builds with other tables add up.
 */
#pragma once

#include "proxy/observe/metrics.h"

#define METRIC_NAME_MAX 768

struct metric_info {
    enum metric_type type;
    uint32_t series_max;
    const char *name;
    const char *labels; /* "route,pool" or "" */
    const char *help;
};

extern const struct metric_info metrics_table[METRIC_COUNT];

size_t metric_n_labels(enum metric id);
uint32_t metric_words(enum metric_type type);

/* The name of a series, in `room`; what does not print is replaced by '?'. */
span metric_name(enum metric id, const span *labels, size_t n,
                 char room[METRIC_NAME_MAX]);

/* One cell of a segment that somebody else writes, copied before it is judged. */
struct metric_cell {
    span name; /* in `room` */
    uint32_t word_at;
    uint32_t n_words;
    bool known; /* in this build's table, with this type: then `id` is set */
    enum metric id;
};

/* False if the cell points outside the segment or its name is no series. */
MUST_CHECK bool metric_cell_read(const struct stats *s, uint32_t i,
                                 char room[METRIC_NAME_MAX],
                                 struct metric_cell *out);
