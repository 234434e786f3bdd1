/* SPDX-License-Identifier: Apache-2.0 */
/*
 * weights: the file's value, the stored value, and which of them holds.
 *
 * Pure: values in, actions out. A weight that was moved keeps its place while
 * the file says what it said when it was moved; a file that says something else
 * is a change by whoever wrote the file.
 */
#pragma once

#include "proxy/control/store.h"

/* What the configuration says of one slot. */
struct weight_file {
    span slot;
    uint32_t weight_ppm;
};

/* One table: enum, words and meaning. */
#define WEIGHT_ACTIONS(X)                                                      \
    X(WEIGHT_KEEP, "keep",                                                     \
      "the file says what it said: the stored weight holds")                   \
    X(WEIGHT_NEW, "new", "a slot the store does not know: the file's weight")  \
    X(WEIGHT_FILE, "file", "the file says something new: its weight holds")

enum weight_verdict {
#define X(name, word, doc) name,
    WEIGHT_ACTIONS(X)
#undef X
};

struct weight_action {
    enum weight_verdict verdict;
    span slot;           /* borrowed from the file's */
    uint32_t weight_ppm; /* what holds */
    uint32_t was_ppm;    /* what held; the same for WEIGHT_NEW */
    uint32_t file_ppm;   /* what the file says */
    uint32_t run;
};

const char *weight_verdict_word(enum weight_verdict v);

/*
 * For each slot of the file, in its order: what is to be done. `out` has room
 * for n_file actions. Slots that only the store knows are left alone: a route
 * that comes back finds its weight. Also what `stile check` prints.
 */
void weights_reconcile(const struct store_weight *stored, size_t n_stored,
                       const struct weight_file *file, size_t n_file,
                       struct weight_action *out);
