/* SPDX-License-Identifier: Apache-2.0 */
/*
 * same: whether two files hold the same document, however it is spelt.
 */
#include "proxy/cli/cli.h"

#include "translators/shadow/shadow.h"

#include <stdio.h>

#define DOCUMENT_MAX ((size_t)64 << 20)
#define ARENA_MAX    ((size_t)4 << 30)

static void
print_difference(const struct shadow_found *f)
{
    printf("%.*s: %s", SPAN_FMT(f->place.len ? f->place : SPAN("/")),
           shadow_kind_word(f->kind));
    if (f->baseline.len || f->other.len)
        printf(", %.*s and %.*s", SPAN_FMT(f->baseline), SPAN_FMT(f->other));
    putchar('\n');
}

static int
compare(struct arena *a, char **files)
{
    struct shadow_answer answers[2] = {{.status = 200}, {.status = 200}};
    const struct shadow_rules rules = {0};
    struct shadow_found *found;
    struct err e;

    for (size_t i = 0; i < 2; i++)
        if (cli_read(a, files[i], DOCUMENT_MAX, &answers[i].body, &e)) {
            fprintf(stderr, "stile same: %s\n", e.text);
            return CLI_UNKNOWN;
        }
    if (shadow_compare(a, &rules, &answers[0], &answers[1], &found, &e)) {
        fprintf(stderr, "stile same: %s\n", e.text);
        return CLI_UNKNOWN;
    }
    for (const struct shadow_found *f = found; f; f = f->next)
        print_difference(f);
    return found ? CLI_REFUSED : CLI_OK;
}

int
cmd_same(int argc, char **argv)
{
    const struct command_usage usage = {
        .name = "same",
        .operands = "FILE FILE",
        .summary = "say whether two files are the same JSON document",
        .text = "Compares two documents as the shadow does: the order of "
                "members and blanks do not count. Prints\neach place where "
                "they differ, and how; never a value. What is not JSON is "
                "compared as bytes.\n\n"
                "Exits 0 if they are the same, 1 if not, 3 if one cannot be "
                "read.\n",
        .examples = "  stile same before.json after.json\n",
    };
    char **operands;
    size_t n;
    int code;

    if (!options_read(&usage, argc, argv, &operands, &n, &code))
        return code;
    if (n != 2) {
        fprintf(stderr, "stile same: two FILEs; see --help\n");
        return CLI_USAGE;
    }
    struct arena *a = arena_new(ARENA_MAX);
    if (!a) {
        fprintf(stderr, "stile same: no memory\n");
        return CLI_UNKNOWN;
    }
    code = compare(a, operands);
    arena_free(&a);
    return code;
}
