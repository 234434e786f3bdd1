/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/proxy/control/files.h"

#include "tests/test.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void
files_make(struct files *f)
{
    const char *tmp = getenv("TMPDIR");

    (void)snprintf(f->dir, sizeof(f->dir), "%s/stile-control-XXXXXX",
                   tmp ? tmp : P_tmpdir);
    assert_non_null(mkdtemp(f->dir));
}

void
files_remove(struct files *f)
{
    DIR *d = opendir(f->dir);
    struct dirent *entry;

    assert_non_null(d);
    while ((entry = readdir(d)))
        if (entry->d_name[0] != '.')
            assert_int_equal(unlink(files_path(f, entry->d_name)), 0);
    closedir(d);
    assert_int_equal(rmdir(f->dir), 0);
}

const char *
files_path(const struct files *f, const char *name)
{
    static char paths[4][512];
    static size_t next;
    char *path = paths[next++ % 4];

    (void)snprintf(path, sizeof(paths[0]), "%s/%s", f->dir, name);
    return path;
}

bool
files_has(const struct files *f, const char *name)
{
    return access(files_path(f, name), F_OK) == 0;
}

void
files_flip(const char *path, long offset)
{
    FILE *file = fopen(path, "r+");

    assert_non_null(file);
    assert_int_equal(fseek(file, offset, offset < 0 ? SEEK_END : SEEK_SET), 0);
    int c = fgetc(file);
    assert_true(c != EOF);
    assert_int_equal(fseek(file, -1, SEEK_CUR), 0);
    assert_true(fputc(c ^ 1, file) != EOF);
    assert_int_equal(fclose(file), 0);
}

long
files_find(const char *path, span needle)
{
    struct arena *a = arena_new(64u << 20);
    span all = test_file(a, path);
    long found = -1;

    for (size_t i = 0; i + needle.len <= all.len; i++)
        if (memcmp(all.at + i, needle.at, needle.len) == 0)
            found = (long)i;
    arena_free(&a);
    return found;
}
