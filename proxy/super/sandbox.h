/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sandbox: what a worker may still ask of the kernel once it serves.
 *
 * Read, write, accept, connect, poll, map memory, tell the time. Whatever is not
 * in the list fails with EPERM, not a kill: libc opens things when it pleases.
 * execve, ptrace and fork kill. Without STILE_SANDBOX it does nothing.
 */
#pragma once

#include "proxy/base/err.h"

/*
 * For good; called by a worker just before its first accept. Sockets it makes
 * from then on are TCP's: no Unix socket, control's least of all, is reached.
 */
MUST_CHECK enum err_code sandbox_enter(struct err *e);

/* The same where a pool has endpoints at Unix sockets. */
MUST_CHECK enum err_code sandbox_enter_unix(struct err *e);
