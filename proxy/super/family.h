/* SPDX-License-Identifier: Apache-2.0 */
/*
 * family: a supervisor that starts where an earlier one was killed.
 *
 * Loaders, control and workers of the earlier one go on serving and look for us
 * at our home (home.h). Whoever comes says what it holds; when all have had the
 * time to, the newest generation is the live one, older ones drain, and nobody
 * has noticed anything.
 */
#pragma once

#include "proxy/super/brood.h"

#define GUESTS_MAX 64u

/* Somebody who has called and not yet said who it is. */
struct guest {
    int fd; /* -1: a free place */
    pid_t pid;
};

struct family {
    int home_fd;      /* where orphans come; -1 before */
    bool is_waiting;  /* there is a family, and not all of it may be here */
    bool has_estate;  /* somebody brought the segments */
    uint64_t late_ms; /* nobody who counts came by then: the start fails */
    uint64_t all_ms;  /* all that live are here by then; 0: nobody yet */
    struct guest guests[GUESTS_MAX];
};

struct super;

/*
 * Take the names of home.h; then either nobody is left of an earlier supervisor,
 * or `is_waiting`. ERR_CONFLICT: another supervisor runs.
 */
MUST_CHECK enum err_code family_open(struct super *s, struct err *e);
void family_close(struct super *s);

/* Who calls, and what guests say first. */
void family_hear(struct super *s);

/* What `b`'s loader, or control, brings; false: it is another kind of message. */
bool family_said(struct super *s, struct brood *b, struct wire_in *in);

/* When all are here, or nobody came. */
void family_tick(struct super *s);
