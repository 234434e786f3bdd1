/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exposures: the exposure file, as workers wrote it (proxy/server/expose.h), read again.
 *
 * A line a write that a rollout's canary has done, or may have done, and a line a halt. The file is longer than
 * anybody wants in memory, so it is read in pages from a place that was journalled when the run began. Workers
 * are what clients talk to: what they wrote is bytes from outside, and a line that is none is passed over.
 */
#pragma once

#include "proxy/base/err.h"
#include "proxy/base/span.h"

#include <jansson.h>
#include <stdint.h>

#define EXPOSURES_FILE "exposure.jsonl" /* in the state directory */

/* How long it is now: where what comes next will stand. 0 if it is not there. */
uint64_t exposures_end(const char *dir);

struct exposures_page {
    json_t *writes; /* a list, in the order of the file; the caller's */
    uint64_t next;  /* where the next page begins */
    bool is_last;   /* nothing is behind it */
};

/*
 * The writes of `rollout` in its run `run` from byte `from` on: at most a page (1 MiB of the file, which may be none of
 * its writes). A file that is shorter than `from` was cut: it is read from its beginning. ERR_IO: it cannot be
 * read. ERR_LIMIT: no memory.
 */
MUST_CHECK enum err_code exposures_read(const char *dir, span rollout,
                                        uint32_t run, uint64_t from,
                                        struct exposures_page *out,
                                        struct err *e);

/* A line of a halt, of the run or of a cell; its texts live as long as the call that is told of it. */
struct exposures_halt {
    span reason; /* a latch's */
    bool of_cell;
    uint64_t opened;               /* how often the cell was, by then */
    span route, version, platform; /* of the cell; `at` is NULL: of all */
};
typedef void (*exposures_halt_fn)(void *arg, const struct exposures_halt *halt);

/* Tell `fn` of each halt of this run that the end of the file has, in its order. */
void exposures_halts(const char *dir, span rollout, uint32_t run,
                     exposures_halt_fn fn, void *arg);

/*
 * The lines of `text`: those of this rollout and run are appended to `writes`, or `fn` is told of its halts (either may
 * be NULL). How many bytes whole lines take; the rest is the next page's.
 */
size_t exposures_scan(span text, span rollout, uint32_t run, json_t *writes,
                      exposures_halt_fn fn, void *arg);
