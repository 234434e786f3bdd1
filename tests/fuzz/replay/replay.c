/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replay: every fuzz target reads its corpus once, in builds without a fuzzer: what
 * once was found stays found, and a target that no longer compiles, or has no inputs,
 * is seen at once.
 *
 *     replay CORPUS      CORPUS/NAME/... is the target NAME's
 */
#include <assert.h>
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define INPUT_MAX ((size_t)1 << 20)

/* Each source is compiled with this for the name that libFuzzer calls. */
#define X(name) int fuzz_##name(const uint8_t *bytes, size_t len);
REPLAY_TARGETS
#undef X

static const struct target {
    const char *name;
    int (*run)(const uint8_t *bytes, size_t len);
} targets[] = {
#define X(name) {#name, fuzz_##name},
    REPLAY_TARGETS
#undef X
};

/* A copy of just these bytes, so that a read beyond them is seen. */
static void
run_file(const struct target *t, const char *path)
{
    uint8_t *room = malloc(INPUT_MAX);
    FILE *f = fopen(path, "rb");

    assert(f && room);
    size_t len = fread(room, 1, INPUT_MAX, f);
    fclose(f);
    uint8_t *bytes = realloc(room, len ? len : 1);
    assert(bytes);
    t->run(bytes, len);
    free(bytes);
}

/* How many inputs it has; besides, it is called with no bytes. */
static size_t
run_target(const struct target *t, const char *corpus)
{
    char path[4096];
    size_t n = 0;

    t->run((const uint8_t *)"", 0);
    snprintf(path, sizeof(path), "%s/%s", corpus, t->name);
    DIR *folder = opendir(path);
    for (struct dirent *e; folder && (e = readdir(folder));) {
        if (e->d_name[0] == '.')
            continue;
        snprintf(path, sizeof(path), "%s/%s/%s", corpus, t->name, e->d_name);
        run_file(t, path);
        n++;
    }
    if (folder)
        closedir(folder);
    return n;
}

int
main(int argc, char **argv)
{
    if (argc != 2)
        return 2;
    int code = 0;
    for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
        size_t n = run_target(&targets[i], argv[1]);

        printf("%s: %zu inputs\n", targets[i].name, n);
        if (n == 0)
            code = 1;
    }
    return code;
}
