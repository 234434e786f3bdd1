/* SPDX-License-Identifier: Apache-2.0 */
/*
 * privileges: what a process below the supervisor gives up before it works.
 *
 * The supervisor alone binds, signals others and holds what outlives a
 * generation. Those below it need no capability, but where they run as root: then
 * keys and the state directory may be another user's, so that loader and control
 * keep the right to open files. A worker opens nothing and keeps nothing.
 */
#pragma once

#include "proxy/base/err.h"

/* Whose files may be opened, by root: our own alone, or everybody's. */
enum privileges { PRIVILEGES_NONE, PRIVILEGES_FILES };

/*
 * Give up all else for good, for those that are forked from here, too; nothing
 * that is executed gains any. No core is written: keys are in memory.
 */
MUST_CHECK enum err_code privileges_drop(enum privileges keep, struct err *e);
