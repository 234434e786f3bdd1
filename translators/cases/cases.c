/* SPDX-License-Identifier: Apache-2.0 */
#include "translators/cases/cases.h"

#include "translators/cases/build.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILES_MAX 1024 /* in one folder */

enum err_code
cases_run_text(struct arena *a, const struct lens_api *api,
               const struct translator *t, span file, span text,
               struct problems *problems, struct cases_tally *tally)
{
    size_t before = problems->total;
    const struct yaml *doc =
        yaml_parse(a, file, text, YAML_BYTES_DEFAULT, problems);
    tally->n_files++;
    if (doc && doc->kind != YAML_LIST) {
        yaml_problem(problems, doc, "a file of cases is a list, and this is %s",
                     yaml_what(doc));
        problem_remedy(problems, "write - case: what holds");
        return ERR_INVALID;
    }
    if (!doc || problems->total != before)
        return ERR_INVALID; /* a tree with problems is not to be trusted */
    for (size_t i = 0; i < doc->n; i++) {
        struct case_claim c;
        size_t known = problems->total;
        if (case_read(a, api, doc->items[i], problems, &c)) {
            tally->n_cases++;
            case_try(api, t, &c, problems, tally->proof);
        } else if (problems->total == known) {
            return ERR_LIMIT;
        }
    }
    return problems->total == before ? OK : ERR_INVALID;
}

/* ---- files ---- */

struct folder {
    struct arena *a;
    struct problems *problems;
    span path; /* "shop/cases/" */
    span *names;
    size_t n;
    size_t room;
};

static void
cannot(struct folder *f, span path, const char *what)
{
    problem_add(f->problems, path, 0, 0, "this file %s", what);
    problem_remedy(f->problems, "see that it is there and can be read");
}

static enum err_code
read_all(struct folder *f, int fd, size_t len, span *out)
{
    char *bytes = arena_alloc(f->a, len + 1);
    size_t n = 0;
    if (!bytes)
        return ERR_LIMIT;
    while (n < len) {
        ssize_t got = read(fd, bytes + n, len - n);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        n += (size_t)got;
    }
    *out = span_of(bytes, n);
    return OK;
}

static enum err_code
read_file(struct folder *f, span path, span *out)
{
    /* Not blocking: a pipe of that name would wait for a writer. */
    int fd = open(path.at, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat st;
    enum err_code code = ERR_IO;
    if (fd < 0) {
        cannot(f, path, "cannot be opened");
        return ERR_IO;
    }
    if (fstat(fd, &st) || !S_ISREG(st.st_mode))
        cannot(f, path, "is no regular file");
    else if ((uint64_t)st.st_size > YAML_BYTES_DEFAULT)
        cannot(f, path, "is larger than 1 MiB");
    else
        code = read_all(f, fd, (size_t)st.st_size, out);
    (void)close(fd);
    return code;
}

static bool
add_name(struct folder *f, const char *name)
{
    if (f->n == f->room) {
        size_t more = f->room ? f->room * 2 : 16;
        span *grown = arena_grow(f->a, f->names, f->n, more, sizeof(*f->names));
        if (!grown)
            return false;
        f->names = grown;
        f->room = more;
    }
    return span_dup(f->a, span_str(name), &f->names[f->n++]);
}

static bool
list_names(struct folder *f)
{
    DIR *dir = opendir(f->path.at);
    bool ok = true;
    if (!dir)
        return true; /* an api need not have cases */
    for (struct dirent *e; ok && (e = readdir(dir)) != NULL;) {
        if (e->d_name[0] == '.' ||
            !span_ends(span_str(e->d_name), SPAN(".yaml")))
            continue;
        if (f->n == FILES_MAX) {
            cannot(f, f->path, "holds more than 1024 files of cases");
            break;
        }
        ok = add_name(f, e->d_name);
    }
    (void)closedir(dir);
    return ok;
}

static int
by_name(const void *a, const void *b)
{
    return span_cmp(*(const span *)a, *(const span *)b);
}

static enum err_code
run_file(struct folder *f, const struct lens_api *api,
         const struct translator *t, span name, struct cases_tally *tally)
{
    span path = arena_fmt(f->a, "%.*s%.*s", SPAN_FMT(f->path), SPAN_FMT(name));
    span text = {0};
    if (!path.at)
        return ERR_LIMIT;
    enum err_code code = read_file(f, path, &text);
    return code ? code
                : cases_run_text(f->a, api, t, path, text, f->problems, tally);
}

enum err_code
cases_run(struct arena *a, const struct lens_api *api,
          struct problems *problems, struct cases_tally *tally)
{
    size_t before = problems->total;
    const struct translator *t = NULL;
    struct err e;
    struct folder f = {.a = a, .problems = problems};
    size_t folder = api->file.len;
    while (folder && api->file.at[folder - 1] != '/')
        folder--;
    f.path = arena_fmt(a, "%.*scases/", (int)folder, api->file.at);
    if (!f.path.at || !list_names(&f))
        return ERR_LIMIT;
    if (f.n == 0)
        return problems->total == before ? OK : ERR_INVALID;
    qsort(f.names, f.n, sizeof(*f.names), by_name);
    if (translator_build(a, api, &t, &e))
        return ERR_LIMIT;
    for (size_t i = 0; i < f.n; i++)
        if (run_file(&f, api, t, f.names[i], tally) == ERR_LIMIT)
            return ERR_LIMIT;
    return problems->total == before ? OK : ERR_INVALID;
}
