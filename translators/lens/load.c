/* SPDX-License-Identifier: Apache-2.0 */
/*
 * load: files to a checked api, in order: read all, follow places back, check.
 */
#include "translators/lens/build.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- from documents ---- */

static bool
start(struct lens_builder *b, struct arena *a, struct problems *p, span file)
{
    *b = (struct lens_builder){.arena = a, .problems = p};
    b->problems_before = p->total;
    b->api = lens_array(b, 1, sizeof(*b->api));
    if (b->api)
        b->api->file = file;
    return b->api != NULL;
}

/* Sites are of every version alike: a body without a type has no arrows. */
static void
spread_sites(struct lens_builder *b)
{
    size_t n = b->api->n_versions;
    const struct lens_site **sites =
        lens_array(b, n, sizeof(struct lens_site *));
    size_t *counts = lens_array(b, n, sizeof(*counts));
    for (size_t v = 0; sites && counts && v < n; v++) {
        sites[v] = b->sites.at;
        counts[v] = b->sites.n;
    }
    b->api->sites = (const struct lens_site *const *)sites;
    b->api->n_sites = counts;
}

static void
build(struct lens_builder *b, const struct yaml *doc,
      const struct lens_file *files, size_t n, span folder)
{
    lens_api_read(b, doc);
    if (b->full || b->api->n_versions == 0)
        return;
    if (folder.at)
        lens_pins_read(b, folder);
    spread_sites(b);
    lens_changes_read(b, files, n);
    if (!b->full)
        lens_turns_join(b);
    if (!b->full)
        lens_follow_types(b);
    if (!b->full)
        lens_made_fill(b);
    if (!b->full)
        lens_conflict_check(b);
    if (!b->full)
        lens_contrary_check(b);
    if (!b->full)
        lens_loss_check(b);
}

static enum err_code
finish(struct lens_builder *b, const struct lens_api **out)
{
    if (b->full) {
        problem_add(b->problems, b->api ? b->api->file : SPAN("api.yaml"), 0, 0,
                    "the api takes more memory than it may");
        problem_remedy(b->problems, "part it, or raise the limit");
        return ERR_LIMIT;
    }
    if (b->problems->total > b->problems_before)
        return ERR_INVALID;
    *out = b->api;
    return OK;
}

enum err_code
lens_load_text(struct arena *a, struct lens_text api,
               const struct lens_text *changes, size_t n_changes,
               struct problems *problems, const struct lens_api **out)
{
    struct lens_builder b;
    struct lens_file *files = NULL;
    if (start(&b, a, problems, api.name))
        files = lens_array(&b, n_changes, sizeof(*files));
    if (!files)
        return finish(&b, out);

    const struct yaml *doc =
        yaml_parse(a, api.name, api.text, YAML_BYTES_DEFAULT, problems);
    size_t n = 0;
    for (size_t i = 0; i < n_changes; i++) {
        files[n] = (struct lens_file){.name = changes[i].name,
                                      .path = changes[i].name};
        files[n].doc = yaml_parse(a, changes[i].name, changes[i].text,
                                  YAML_BYTES_DEFAULT, problems);
        n += files[n].doc != NULL;
    }
    if (doc)
        build(&b, doc, files, n, (span){0});
    return finish(&b, out);
}

/* ---- from files ---- */

static bool
cannot(struct lens_builder *b, span path, const char *what)
{
    problem_add(b->problems, path, 0, 0, "this file %s", what);
    problem_remedy(b->problems, "see that it is there and can be read");
    return false;
}

static bool
read_all(struct lens_builder *b, int fd, size_t len, span *out)
{
    char *bytes = lens_array(b, len, 1);
    size_t n = 0;
    while (bytes && n < len) {
        ssize_t got = read(fd, bytes + n, len - n);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        n += (size_t)got;
    }
    *out = span_of(bytes, n);
    return bytes != NULL;
}

bool
lens_file_read(struct lens_builder *b, span path, size_t most, span *out)
{
    char *name = arena_str(b->arena, path);
    if (!name) {
        b->full = true;
        return false;
    }
    /* Not blocking: a pipe of that name would wait for a writer. */
    int fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return cannot(b, path, "cannot be opened");
    struct stat st;
    bool good = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
    if (!good)
        (void)cannot(b, path, "is no regular file");
    else if ((uint64_t)st.st_size > most)
        good = cannot(b, path,
                      most > YAML_BYTES_DEFAULT ? "is larger than 64 MiB"
                                                : "is larger than 1 MiB");
    good = good && read_all(b, fd, (size_t)st.st_size, out);
    (void)close(fd);
    return good;
}

static const struct yaml *
read_doc(struct lens_builder *b, span path)
{
    span text;
    if (!lens_file_read(b, path, YAML_BYTES_DEFAULT, &text))
        return NULL;
    return yaml_parse(b->arena, path, text, YAML_BYTES_DEFAULT, b->problems);
}

static int
by_name(const void *a, const void *b)
{
    return span_cmp(((const struct lens_file *)a)->name,
                    ((const struct lens_file *)b)->name);
}

static bool
is_change(const char *name)
{
    return name[0] != '.' && span_ends(span_str(name), SPAN(".yaml"));
}

/* Names of changes, as they come. */
static void
list_changes(struct lens_builder *b, span folder, struct lens_vec *out)
{
    span path = lens_fmt(b, "%.*schanges", SPAN_FMT(folder));
    DIR *dir = path.at ? opendir(path.at) : NULL;
    if (!dir)
        return; /* an api of one version has none */
    for (struct dirent *e; (e = readdir(dir)) != NULL && !b->full;) {
        if (!is_change(e->d_name))
            continue;
        if (out->n == LENS_FILES_MAX) {
            (void)cannot(b, path, "holds more than 16384 changes");
            break;
        }
        struct lens_file *slot = lens_vec_add(b, out, sizeof(*slot));
        if (slot)
            slot->name = lens_fmt(b, "changes/%s", e->d_name);
    }
    (void)closedir(dir);
}

static size_t
read_changes(struct lens_builder *b, span folder, struct lens_vec *found)
{
    struct lens_file *files = found->at;
    size_t n = 0;
    if (found->n)
        qsort(files, found->n, sizeof(*files), by_name);
    for (size_t i = 0; i < found->n && !b->full; i++) {
        struct lens_file one = files[i];
        one.path =
            lens_fmt(b, "%.*s%.*s", SPAN_FMT(folder), SPAN_FMT(one.name));
        one.doc = read_doc(b, one.path);
        files[n] = one;
        n += one.doc != NULL;
    }
    return n;
}

/* "shop/" of "shop/api.yaml" and of the folder "shop"; may be empty. */
static span
folder_of(struct lens_builder *b, const char *path, span *file)
{
    struct stat st;
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
        bool slash = span_ends(span_str(path), SPAN("/"));
        span folder = lens_fmt(b, "%s%s", path, slash ? "" : "/");
        *file = lens_fmt(b, "%.*sapi.yaml", SPAN_FMT(folder));
        return folder;
    }
    *file = lens_fmt(b, "%s", path);
    const char *slash = strrchr(path, '/');
    return lens_fmt(b, "%.*s", slash ? (int)(slash - path) + 1 : 0, path);
}

enum err_code
lens_load(struct arena *a, const char *path, struct problems *problems,
          const struct lens_api **out)
{
    struct lens_builder b;
    if (!start(&b, a, problems, span_str(path)))
        return finish(&b, out);
    span folder = folder_of(&b, path, &b.api->file);
    span text;
    if (b.full || !lens_file_read(&b, b.api->file, YAML_BYTES_DEFAULT, &text))
        return b.full ? finish(&b, out) : ERR_IO;

    struct lens_vec found = {0};
    const struct yaml *doc =
        yaml_parse(a, b.api->file, text, YAML_BYTES_DEFAULT, problems);
    list_changes(&b, folder, &found);
    size_t n = read_changes(&b, folder, &found);
    if (doc && !b.full)
        build(&b, doc, found.at, n, folder);
    return finish(&b, out);
}
