/* SPDX-License-Identifier: Apache-2.0 */
/*
 * repair_route: what the baseline calls the path of a document that was written on the canary.
 *
 * A route may have moved between the two versions. A step reads, writes and deletes, so it is sound only where all three
 * are called the same over there; where they are not, or a name comes from what no path says, a person has to look.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct repair_routes;

/* `api` is its file and may be "" (then nothing moves). NULL: it cannot be read, which is said on stderr, or no memory. */
struct repair_routes *repair_routes_new(const char *api, const char *canary,
                                        const char *baseline);
void repair_routes_free(struct repair_routes **r);

/* The baseline's name of `path`, in `out`, and *why is "". False: none that a step could use, and *why says so. */
bool repair_route(const struct repair_routes *r, const char *path, char *out,
                  size_t size, const char **why);
