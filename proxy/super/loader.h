/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loader: the parent of one generation.
 *
 * Started by the supervisor (`stile loader --fd N --config PATH`): reads and checks
 * the configuration, asks for sockets, forks the workers and forks a dead one
 * again, forks control when told. When the supervisor dies it goes on.
 */
#pragma once

#include "proxy/base/err.h"
#include "proxy/base/problem.h"
#include "proxy/observe/roles.h"

struct generation;

/* Who does the work: given by the cli, so that tests can bring their own. */
struct loader_roles {
    /* generation_load, with the keys that session tickets are sealed with. */
    enum err_code (*load)(const char *path, const struct tickets *tickets,
                          struct problems *problems, struct generation **out);
    int (*worker)(const struct worker_env *env);   /* worker_main */
    int (*control)(const struct control_env *env); /* control_main */
};

struct loader_options {
    int fd;             /* SEQPACKET to the supervisor, inherited */
    const char *config; /* path of stile.yaml */
    const char *user;   /* whom to become first; NULL: who we are */
    struct loader_roles roles;
};

/* Exit code: 0 drained, 1 the configuration was refused, 2 it could not start. */
int loader_main(const struct loader_options *options);
