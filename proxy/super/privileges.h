/* SPDX-License-Identifier: Apache-2.0 */
/*
 * privileges: what a process below the supervisor gives up before it works.
 *
 * The supervisor alone binds, signals others and holds what outlives a
 * generation. Those below it need no capability. Of a supervisor that is root they
 * are another user (`stile run --user`): then its loader may read whatever it is
 * given until it has loaded, since keys are often root's, and nothing beyond. Where they
 * stay root, keys and the state directory may be another user's, so that loader
 * and control keep the right to open files. A worker opens nothing and keeps
 * nothing.
 */
#pragma once

#include "proxy/base/err.h"

/* Whose files may be opened: those of our user alone, or everybody's. */
enum privileges {
    PRIVILEGES_NONE,
    PRIVILEGES_READ,  /* everybody's, to read */
    PRIVILEGES_FILES, /* everybody's, of root alone */
};

/*
 * Root becomes this user for good, with the user's groups; PRIVILEGES_READ may be
 * kept by a drop that follows. ERR_NOT_FOUND: there is no such user.
 */
MUST_CHECK enum err_code privileges_become(const char *user, struct err *e);

/*
 * Give up all else for good, for those that are forked from here, too; nothing
 * that is executed gains any. No core is written: keys are in memory.
 */
MUST_CHECK enum err_code privileges_drop(enum privileges keep, struct err *e);
