/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as stile.yaml: a generation, or problems; never both, never a crash.
 * The file is a memfd, so nothing is written to a disk.
 */
#include "config/generation.h"

#include <assert.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    char path[64];
    struct problems problems;
    struct generation *g = NULL;
    struct arena *a = arena_new((size_t)64 << 20);
    int fd = memfd_create("config", MFD_CLOEXEC);

    if (!a || fd < 0 || write(fd, bytes, n) != (ssize_t)n)
        abort();
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    problems_init(&problems, a);
    enum err_code code = generation_load(path, NULL, &problems, &g);
    assert((code == OK) == (g != NULL));
    assert((code == OK) == problems_none(&problems));
    generation_free(&g);
    close(fd);
    arena_free(&a);
    return 0;
}
