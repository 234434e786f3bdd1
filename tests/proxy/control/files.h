/* SPDX-License-Identifier: Apache-2.0 */
/*
 * files: a directory of a test's own, under TMPDIR, gone when the test ends well.
 */
#pragma once

#include "proxy/base/span.h"

struct files {
    char dir[256];
};

void files_make(struct files *f);
void files_remove(struct files *f);

/* "DIR/NAME"; one of four rotating buffers. */
const char *files_path(const struct files *f, const char *name);

bool files_has(const struct files *f, const char *name);

/* Change the byte at `offset`, counted from the end if negative. */
void files_flip(const char *path, long offset);

/* Where `needle` begins for the last time in the file; -1 if nowhere. */
long files_find(const char *path, span needle);
