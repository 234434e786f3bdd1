/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/test.h"

#include <stdio.h>
#include <string.h>

void
test_assert_span(span s, const char *text, const char *file, int line)
{
    if (span_is(s, text))
        return;
    print_error("\"%.*s\" is not \"%s\"\n", SPAN_FMT(s), text);
    _fail(file, line);
}

span
test_file(struct arena *a, const char *path)
{
    FILE *f = fopen(path, "rb");
    char *bytes = NULL;
    long size = -1;

    if (f && fseek(f, 0, SEEK_END) == 0)
        size = ftell(f);
    if (size >= 0)
        bytes = arena_alloc(a, (size_t)size + 1);
    if (bytes) {
        rewind(f);
        if (fread(bytes, 1, (size_t)size, f) != (size_t)size)
            bytes = NULL;
    }
    if (f)
        fclose(f);
    if (!bytes)
        fail_msg("cannot read %s", path);
    return span_of(bytes, (size_t)size);
}

uint64_t
test_random(uint64_t *seed)
{
    uint64_t z = *seed += 0x9e3779b97f4a7c15u;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}
