/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sandbox: what a worker may still ask of the kernel once it serves, and what a
 * loader may not from its beginning.
 *
 * A worker may read, write, accept, connect, poll, map memory, tell the time. Whatever is not
 * in the list fails with EPERM, not a kill: libc opens things when it pleases.
 * execve, ptrace and fork kill. A loader opens, forks and maps libraries, and so does
 * control, which is forked from it: for them there is a list of what nobody
 * but a stranger would call. Without STILE_SANDBOX all of this does nothing.
 */
#pragma once

#include "proxy/base/err.h"

/*
 * For good; called by a worker just before its first accept. Sockets it makes
 * from then on are TCP's: no Unix socket, control's least of all, is reached.
 */
MUST_CHECK enum err_code sandbox_enter(struct err *e);

/*
 * For good, and for all that are forked from here: nothing is executed or traced,
 * no memory is written and executed, no memory of ours is shown to others of
 * our user or dumped.
 */
MUST_CHECK enum err_code sandbox_enter_loader(struct err *e);

/* The same where a pool has endpoints at Unix sockets. */
MUST_CHECK enum err_code sandbox_enter_unix(struct err *e);
