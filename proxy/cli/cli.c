/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/cli/cli.h"

#include "proxy/base/buf.h"
#include "proxy/base/map.h"
#include "translators/json/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

struct command {
    const char *word;
    int (*fn)(int argc, char **argv);
    const char *summary;
};

static const struct command commands[] = {
#define X(word, fn, summary) {word, fn, summary},
    CLI_COMMANDS(X)
#undef X
};

static void
help(void)
{
    puts("Stile stands in front of an API tier: it finds out which schema "
         "version each client\nspeaks, picks a backend pool, and rewrites "
         "payloads between the two.\n\nusage: stile COMMAND [OPTION...]\n");
    for (size_t i = 0; i < COUNT(commands); i++)
        printf("  %-10s %s\n", commands[i].word, commands[i].summary);
    puts("\nstile COMMAND --help teaches each.\n\nExit codes");
#define X(name, code, doc) printf("  %d  %s\n", code, doc);
    CLI_CODES(X)
#undef X
    puts("\nStart with: stile check FILE, then stile run --config FILE.");
}

static int
unknown(const char *word)
{
    const char *near = NULL;
    unsigned best = 3;

    for (size_t i = 0; i < COUNT(commands); i++) {
        unsigned d = edit_distance(span_str(word), span_str(commands[i].word));

        if (d < best) {
            best = d;
            near = commands[i].word;
        }
    }
    fprintf(stderr, "stile: there is no command `%s`; ", word);
    if (near)
        fprintf(stderr, "did you mean `%s`?\n", near);
    else
        fprintf(stderr, "see stile --help\n");
    return CLI_USAGE;
}

int
cli_main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "stile: a command is missing; see stile --help\n");
        return CLI_USAGE;
    }

    const char *word = argv[1];
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 ||
        strcmp(word, "help") == 0) {
        help();
        return CLI_OK;
    }
    if (strcmp(word, "--version") == 0)
        return cmd_version(argc - 1, argv + 1);
    if (strcmp(word, "loader") == 0)
        return cmd_loader(argc - 1, argv + 1);
    for (size_t i = 0; i < COUNT(commands); i++)
        if (strcmp(word, commands[i].word) == 0) {
            int code = commands[i].fn(argc - 1, argv + 1);

            /* A full disk behind stdout is a failure, not a short answer. */
            if (fflush(stdout) || ferror(stdout)) {
                fprintf(stderr, "stile %s: cannot write: %s\n", word,
                        strerror(errno));
                return CLI_REFUSED;
            }
            return code;
        }
    return unknown(word);
}

static enum err_code
read_fd(struct arena *a, int fd, size_t max, span *out, struct err *e)
{
    struct buf b;
    ssize_t n;

    buf_init(&b, max);
    do {
        char *p = buf_reserve(&b, buf_len(&b) + 4096 < max ? 4096 : 1);

        if (!p) {
            buf_fini(&b);
            return err_set(e, ERR_LIMIT, "more than %zu bytes", max);
        }
        n = read(fd, p, buf_len(&b) + 4096 < max ? 4096 : 1);
        if (n > 0)
            buf_commit(&b, (size_t)n);
    } while (n > 0 || (n < 0 && errno == EINTR));

    bool kept = n == 0 && span_dup(a, buf_span(&b), out);
    buf_fini(&b);
    if (n < 0)
        return err_set(e, ERR_IO, "%s", strerror(errno));
    return kept ? OK : err_set(e, ERR_LIMIT, "no memory");
}

enum err_code
cli_read(struct arena *a, const char *path, size_t max, span *out,
         struct err *e)
{
    if (strcmp(path, "-") == 0)
        return read_fd(a, STDIN_FILENO, max, out, e);

    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_set(e, ERR_IO, "%s: %s", path, strerror(errno));
    enum err_code code = read_fd(a, fd, max, out, e);
    close(fd);
    return code ? err_wrap(e, "%s", path) : OK;
}

void
cli_print_json_text(span s)
{
    struct buf b;

    buf_init(&b, SIZE_MAX / 2);
    json_escape(&b, s);
    printf("\"%.*s\"", (int)buf_len(&b), buf_len(&b) ? buf_span(&b).at : "");
    buf_fini(&b);
}
