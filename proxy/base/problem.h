/* SPDX-License-Identifier: Apache-2.0 */
/*
 * problem: all that is wrong with some files, gathered while reading on.
 *
 * One list for a whole check: YAML, change files and the configuration add to
 * it, and whoever can act prints it, sorted by place. It lives in an arena and
 * keeps at most `max`; what comes beyond is counted.
 */
#pragma once

#include "proxy/base/arena.h"
#include "proxy/base/buf.h"

#define PROBLEMS_MAX 200 /* enough to work on; hostile files have more */

struct problem {
    span file;
    size_t line; /* from 1; 0: the file as a whole */
    size_t column;
    span text;       /* one sentence without full stop: what is wrong */
    span remedy;     /* what to do, or empty */
    bool is_warning; /* it may be meant so: whoever loads it loads it */
};

struct problems {
    struct arena *arena;
    struct problem *at;
    size_t n; /* kept; read at[0] to at[n - 1] */
    size_t room;
    size_t max;
    size_t total;    /* errors, kept or not */
    size_t warnings; /* likewise; of these at most a quarter of `max` is kept */
    bool last_kept;  /* the one that was added last */
};

/* An empty list whose texts will live in `a`; it keeps PROBLEMS_MAX. */
void problems_init(struct problems *p, struct arena *a);

/* Add one. `file` is borrowed and must live as long as the list. Never fails:
 * without room it is still counted. */
void problem_add(struct problems *p, span file, size_t line, size_t column,
                 const char *fmt, ...) PRINTF(5, 6);

/* The same for what is no error: problems_none stays as it was. */
void problem_warn(struct problems *p, span file, size_t line, size_t column,
                  const char *fmt, ...) PRINTF(5, 6);

/* Say what to do about the problem that was added last. */
void problem_remedy(struct problems *p, const char *fmt, ...) PRINTF(2, 3);

/* No error was added. */
static inline bool
problems_none(const struct problems *p)
{
    return p->total == 0;
}

/* Order by file, line, column; those of one place stay as they came. Remedies
 * go to problem_add's last, so sort when all is added. */
void problems_sort(struct problems *p);

/*
 * A line each, as they stand, "file:line:column: text; remedy\n", with
 * "warning: " before the text of one, and a last line that says how many more
 * there were, if there were.
 */
void problems_print(const struct problems *p, struct buf *b);
