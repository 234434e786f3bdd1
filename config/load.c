/* SPDX-License-Identifier: Apache-2.0 */
/*
 * load: files to a generation, whole or not at all.
 */
#include "config/generation.h"

#include "config/loader.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define GENERATION_BYTES_MAX ((size_t)1 << 30)
#define FILES_MAX            1000

static const char *const section_names[] = {
    "include", "listen", "observe", "admin", "state",   "trust",   "apis",
    "pools",   "routes", "limits",  "log",   "workers", "rollouts"};

static bool
read_whole(int fd, size_t size, char *bytes)
{
    size_t n = 0;

    while (n < size) {
        ssize_t got = read(fd, bytes + n, size - n);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        n += (size_t)got;
    }
    return true;
}

/* One configuration file as a tree; NULL after a problem. */
static const struct yaml *
read_file(struct loader *l, const char *path)
{
    span name = span_str(path);
    struct problems *p = l->r.problems;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat st;
    char *bytes = NULL;

    if (fd < 0 || fstat(fd, &st)) {
        problem_add(p, name, 0, 0, "cannot be opened: %s", strerror(errno));
        if (fd >= 0)
            close(fd);
        return NULL;
    }
    if (!S_ISREG(st.st_mode))
        problem_add(p, name, 0, 0, "is no regular file");
    else if ((size_t)st.st_size > YAML_BYTES_DEFAULT)
        problem_add(p, name, 0, 0, "is larger than %zu bytes",
                    YAML_BYTES_DEFAULT);
    else if (!(bytes = arena_alloc(l->r.arena, (size_t)st.st_size + 1)))
        problem_add(p, name, 0, 0, "does not fit into memory");
    else if (!read_whole(fd, (size_t)st.st_size, bytes)) {
        problem_add(p, name, 0, 0, "cannot be read: %s", strerror(errno));
        bytes = NULL;
    }
    close(fd);
    if (!bytes)
        return NULL;
    const struct yaml *tree =
        yaml_parse(l->r.arena, name, span_of(bytes, (size_t)st.st_size),
                   YAML_BYTES_DEFAULT, p);
    return tree ? load_environment(l, tree) : NULL;
}

static void
check_sections(struct loader *l, const struct yaml *doc, bool is_included)
{
    struct reader_word words[COUNT(section_names)];

    if (!reader_is_map(&l->r, doc, "a configuration"))
        return;
    for (size_t i = 0; i < COUNT(words); i++)
        words[i] = (struct reader_word){.name = section_names[i]};
    for (size_t i = 0; i < doc->n; i++) {
        const struct yaml *key = doc->entries[i].key;
        struct map known;
        bool is_known = false;

        map_init(&known, l->r.arena);
        for (size_t j = 0; j < COUNT(words); j++) {
            is_known |= span_is(key->text, words[j].name);
            if (!map_put(&known, span_str(words[j].name), l, NULL))
                return;
        }
        if (is_included && span_is(key->text, "include")) {
            yaml_problem(l->r.problems, key,
                         "an included file includes others");
            problem_remedy(l->r.problems, "name them all in %.*s",
                           SPAN_FMT(l->g->file));
        }
        if (is_known)
            continue;
        yaml_problem(l->r.problems, key, "there is no section `%.*s`",
                     SPAN_FMT(key->text));
        span near = map_nearest(&known, key->text);
        if (near.len)
            problem_remedy(l->r.problems, "did you mean `%.*s`?",
                           SPAN_FMT(near));
    }
}

static void
add_doc(struct loader *l, const struct yaml *doc, bool is_included)
{
    if (!doc)
        return;
    check_sections(l, doc, is_included);
    if (doc->kind == YAML_MAP)
        l->docs[l->n_docs++] = doc;
}

static void
include_pattern(struct loader *l, const struct yaml *node)
{
    span pattern;
    glob_t found;

    if (!reader_text(&l->r, node, &pattern))
        return;
    const char *path = reader_path(&l->r, node, pattern);
    if (!path)
        return;
    /* A pattern may match nothing (an empty conf.d); a plain name may not. */
    int failed = glob(path, GLOB_ERR, NULL, &found);
    if (failed && (failed != GLOB_NOMATCH || !strpbrk(path, "*?[")))
        yaml_problem(l->r.problems, node, "cannot include %s: %s", path,
                     failed == GLOB_NOMATCH ? "there is no such file"
                                            : strerror(errno));
    for (size_t i = 0; !failed && i < found.gl_pathc; i++) {
        if (l->n_docs == FILES_MAX) {
            yaml_problem(l->r.problems, node, "more than %d files", FILES_MAX);
            break;
        }
        const char *name = arena_str(l->r.arena, span_str(found.gl_pathv[i]));
        add_doc(l, name ? read_file(l, name) : NULL, true);
    }
    if (!failed)
        globfree(&found);
}

static void
read_files(struct loader *l, const char *path)
{
    l->docs = arena_array(l->r.arena, FILES_MAX + 1, sizeof(const void *));
    if (!l->docs)
        return;
    add_doc(l, read_file(l, path), false);
    if (l->n_docs == 0)
        return;

    const struct yaml *includes = yaml_get(l->docs[0], "include");
    if (!includes || !reader_is_list(&l->r, includes, "`include`"))
        return;
    for (size_t i = 0; i < includes->n; i++)
        include_pattern(l, includes->items[i]);
}

static bool
section(struct loader *l, const char *name, enum yaml_kind kind,
        struct section *out)
{
    size_t n = 0;
    bool ok = true;

    *out = (struct section){0};
    for (size_t i = 0; i < l->n_docs; i++) {
        const struct yaml *node = yaml_get(l->docs[i], name);

        if (node && (kind == YAML_LIST ? reader_is_list(&l->r, node, name)
                                       : reader_is_map(&l->r, node, name)))
            n += node->n;
        else if (node)
            ok = false;
    }
    if (n == 0 || l->n_docs == 0)
        return ok;
    out->keys = reader_array(&l->r, l->docs[0], n, sizeof(const void *));
    out->values = reader_array(&l->r, l->docs[0], n, sizeof(const void *));
    if (!out->keys || !out->values)
        return false;
    for (size_t i = 0; i < l->n_docs; i++) {
        const struct yaml *node = yaml_get(l->docs[i], name);

        for (size_t j = 0; node && node->kind == kind && j < node->n; j++) {
            out->keys[out->n] = kind == YAML_MAP ? node->entries[j].key : NULL;
            out->values[out->n++] =
                kind == YAML_MAP ? node->entries[j].value : node->items[j];
        }
    }
    return ok;
}

bool
section_list(struct loader *l, const char *name, struct section *out)
{
    return section(l, name, YAML_LIST, out);
}

bool
section_map(struct loader *l, const char *name, struct section *out)
{
    return section(l, name, YAML_MAP, out);
}

const struct yaml *
section_single(struct loader *l, const char *name)
{
    const struct yaml *found = NULL;

    for (size_t i = 0; i < l->n_docs; i++) {
        const struct yaml *node = yaml_get(l->docs[i], name);

        if (node && found) {
            yaml_problem(l->r.problems, node, "`%s` stands at %.*s:%zu already",
                         name, SPAN_FMT(found->file), found->line);
            problem_remedy(l->r.problems, "keep one of the two");
        } else if (node) {
            found = node;
        }
    }
    return found;
}

bool
loader_name(struct loader *l, struct map *m, const struct yaml *key,
            void *thing, const char *what)
{
    void *was;

    if (!map_put(m, key->text, thing, &was)) {
        yaml_problem(l->r.problems, key, "the configuration is too big");
        return false;
    }
    if (!was)
        return true;
    yaml_problem(l->r.problems, key, "there are two %ss named `%.*s`", what,
                 SPAN_FMT(key->text));
    problem_remedy(l->r.problems, "rename one");
    return false;
}

void *
loader_find(struct loader *l, const struct map *m, const struct yaml *node,
            const char *what)
{
    span name;

    if (!reader_text(&l->r, node, &name))
        return NULL;
    void *thing = map_get(m, name);
    if (thing)
        return thing;
    yaml_problem(l->r.problems, node, "there is no %s `%.*s`", what,
                 SPAN_FMT(name));
    span near = map_nearest(m, name);
    if (near.len)
        problem_remedy(l->r.problems, "did you mean `%.*s`?", SPAN_FMT(near));
    else
        problem_remedy(l->r.problems, "name one that is there, or add it");
    return NULL;
}

static struct generation *
new_generation(const char *path)
{
    struct arena *a = arena_new_lasting(GENERATION_BYTES_MAX);
    struct generation *g = a ? arena_alloc(a, sizeof(*g)) : NULL;
    char *whole = realpath(path, NULL);

    /* The name as given is what problems show; the daemon keeps the whole one. */
    if (g && span_dup(a, span_str(whole ? whole : path), &g->file))
        g->arena = a;
    else
        arena_free(&a);
    free(whole);
    return a ? g : NULL;
}

static void
free_arena(void *p)
{
    struct arena *a = p;

    arena_free(&a);
}

/* Problems borrow the names of files, so what was read ends when they do. */
static void
refuse(struct generation *g, struct problems *problems)
{
    if (!arena_defer(problems->arena, free_arena, g->arena)) {
        problems->n = 0;
        generation_free(&g);
    }
    problems_sort(problems);
}

enum err_code
generation_load(const char *path, const struct certs_tickets *tickets,
                struct problems *problems, struct generation **out)
{
    struct generation *g = new_generation(path);
    size_t before = problems->total;
    struct loader l = {.g = g, .tickets = tickets};

    *out = NULL;
    if (!g) {
        problem_add(problems, span_str(path), 0, 0, "no memory to read it");
        return ERR_LIMIT;
    }
    l.r = (struct reader){g->arena, problems};
    map_init(&l.apis, g->arena);
    map_init(&l.pools, g->arena);
    map_init(&l.routes, g->arena);

    read_files(&l, path);
    if (l.n_docs) {
        load_settings(&l);
        load_listeners(&l);
        load_apis(&l);
        load_pools(&l);
        load_translators(&l);
        load_routes(&l);
        load_rollouts(&l);
    }
    if (problems->total > before) {
        refuse(g, problems);
        return ERR_INVALID;
    }
    *out = g;
    return OK;
}

void
generation_free(struct generation **g)
{
    if (!*g)
        return;
    struct arena *a = (*g)->arena;
    *g = NULL;
    arena_free(&a);
}

const struct gen_route *
generation_route(const struct generation *g, span name)
{
    for (size_t i = 0; i < g->n_routes; i++)
        if (span_eq(g->routes[i].name, name))
            return &g->routes[i];
    return NULL;
}

const struct gen_pool *
generation_pool(const struct generation *g, span name)
{
    for (size_t i = 0; i < g->n_pools; i++)
        if (span_eq(g->pools[i].name, name))
            return &g->pools[i];
    return NULL;
}

const struct gen_api *
generation_api(const struct generation *g, span name)
{
    for (size_t i = 0; i < g->n_apis; i++)
        if (span_eq(g->apis[i].name, name))
            return &g->apis[i];
    return NULL;
}

const struct gen_rollout *
generation_rollout(const struct generation *g, span name)
{
    for (size_t i = 0; i < g->n_rollouts; i++)
        if (span_eq(g->rollouts[i].name, name))
            return &g->rollouts[i];
    return NULL;
}
