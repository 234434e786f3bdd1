/* SPDX-License-Identifier: Apache-2.0 */
/*
 * supervisor: what `stile run` becomes. Its pid never changes.
 *
 * It binds what loaders ask for, holds sockets, log files and segments for life,
 * starts one loader per generation, and leads a reload through its steps. It
 * parses nothing but its arguments. SIGHUP reloads, SIGTERM and SIGINT drain and stop (a
 * second one: at once), SIGUSR1 reopens logs.
 */
#pragma once

#include <sys/types.h>

struct supervisor_options {
    const char
        *binary; /* what loaders are started from; resolved at the start */
    const char *config; /* path of stile.yaml, handed to loaders */
    const char *log;    /* path of the log; NULL: stderr, never reopened */
    const char *user;   /* whom root's others become; NULL: nobody changes */
    uid_t user_uid;
};

/* Exit code: 0 stopped, 1 the first configuration was refused (it is printed),
 * 2 the kernel refused us something at the start. */
int supervisor_main(const struct supervisor_options *options);
