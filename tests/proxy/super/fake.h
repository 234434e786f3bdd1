/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fake: roles for the supervisor's tests. The test program is its own binary: started
 * as `loader` it becomes a loader whose configuration is a few words a line
 *
 *   listen 127.0.0.1 8080 | listen unix PATH | workers 2 | admin PATH
 *   access PATH | bad TEXT | slow | workers-die | workers-linger | control-dies
 *   control-hangs | control-slow | control-lingers
 *
 * whose workers answer a line each and obey `crash` and `hang`, and whose control
 * does what its admin socket says: `reload`, `crash`, `pid`, `state`.
 */
#pragma once

#include "tests/test.h"

#include <sys/types.h>

struct fake {
    char dir[64];
    char config[96];
    char log[96];
    char admin[96];
    uint16_t port;
    pid_t supervisor; /* 0: ended */
};

/* What a worker said of itself. */
struct fake_answer {
    unsigned long generation;
    unsigned index;
    pid_t pid;
};

/* A directory, a free port, and no supervisor yet. */
void fake_begin(struct fake *f);
void fake_end(struct fake *f);

/* The configuration: `listen`, `admin` and `workers 2`, then these lines. */
void fake_configure(const struct fake *f, const char *lines);

/* Run a supervisor in a process of its own; wait until a worker answers. */
void fake_start(struct fake *f);
/* The same without waiting. */
void fake_start_only(struct fake *f);

/* Its exit code; fails the test if it takes over ten seconds. */
int fake_wait(struct fake *f);

/* Ask any worker; false if nobody answers within the time. */
bool fake_ask(const struct fake *f, const char *word, struct fake_answer *out,
              int wait_ms);

/* Until a worker of this generation answers; fails the test after ten seconds. */
struct fake_answer fake_until(const struct fake *f, unsigned long generation);

/* Ask control; the answer, or "" if it did not come within five seconds. */
void fake_control(const struct fake *f, const char *word, char *out,
                  size_t size);

/* Wait until the log has this text; fails the test after ten seconds.
 * Returns what the log holds. */
const char *fake_log(const struct fake *f, const char *text);
