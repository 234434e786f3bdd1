/* SPDX-License-Identifier: Apache-2.0 */
/*
 * home: where processes that lost their supervisor find the next one.
 *
 * Two names in the abstract name space of Unix sockets, made of the user and the
 * configuration's path. `home` is listened at by the supervisor alone. `family` is
 * bound by the first and inherited by all that come from it: as long as it is
 * taken, somebody of an earlier supervisor is left. A caller at the door is
 * believed if it is root, runs as our user, or as the one that ours have become.
 */
#pragma once

#include "proxy/base/err.h"

#include <stdbool.h>
#include <sys/types.h>

#define HOME_NAME_MAX 64

/* Those of ours that call are this user, not who we are. */
void home_trust(uid_t uid);

/* The name for a configuration, of which both are made. */
void home_name(const char *config, char out[HOME_NAME_MAX]);

/* Listen. ERR_CONFLICT: a supervisor of this configuration runs. */
MUST_CHECK enum err_code home_open(const char *name, int *out, struct err *e);

/* Bind the family's mark. ERR_CONFLICT: processes of an earlier one are left. */
MUST_CHECK enum err_code home_mark(const char *name, int *out, struct err *e);

/* To call with; made before the sandbox, which allows no more. -1: none can be. */
int home_socket(void);

/* Is it now connected to the supervisor that listens? If not, try later. */
bool home_call(const char *name, int fd);

/* Who has called, and its pid as the kernel knows it; -1: nobody. */
int home_answer(int fd, pid_t *pid);
