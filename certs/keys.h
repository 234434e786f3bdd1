/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keys: where the numbers of private keys lie.
 *
 * In a mebibyte of their own (OpenSSL's secure heap) between two pages that
 * nobody may touch, never written to a core or to swap. What they are decoded
 * from is wiped; what OpenSSL derives of them while it signs lies elsewhere. A
 * process that never calls keys_open has them among everything else, which is
 * as well where it lives for a command.
 */
#pragma once

#include <stdbool.h>

/*
 * Before the first key is read, once in a process. False: there is no such
 * memory, or it cannot be locked (RLIMIT_MEMLOCK); keys are read all the same.
 */
bool keys_open(void);

/* A lock is not inherited: after a fork, by who needs the keys. As above. */
bool keys_lock(void);

/* Is there room for another? Some 500 keys of RSA fit, and any number of others. */
bool keys_have_room(void);
