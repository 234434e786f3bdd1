/* SPDX-License-Identifier: Apache-2.0 */
/*
 * control: what one process does for all workers.
 *
 * It answers the admin socket and the observe listener, keeps the store, is the
 * only writer of the weights and endpoints segments, checks endpoints, resolves
 * names and adds up the workers' counters. One runs at a time. Nothing on the
 * data path waits for it: with control dead, workers go on with the last words
 * it wrote.
 */
#pragma once

struct
    control_env; /* proxy/observe/roles.h: descriptors, segments, generation */

/*
 * Be control until told to stop: the return value is the process's exit code,
 * 0 after a handover or an orderly stop. Called in a process of its own, after
 * the fork; opens SQLite, makes its own loop.
 */
int control_main(const struct control_env *env);
