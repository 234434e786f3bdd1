/* SPDX-License-Identifier: Apache-2.0 */
/*
 * load: an API and what was found in its files.
 */
#include "proxy/base/problem.h"
#include "translators/libstile/api.h"

#define ROOM ((size_t)1 << 30) /* of an API's change files and programs */

struct stile_findings {
    struct arena *arena;
    struct stile_finding *at;
    size_t n;
    const char *text;
};

const char *
stile_version(void)
{
    return STILE_VERSION;
}

/* ---- findings ---------------------------------------------------------------------- */

static const char *
all_text(struct arena *a, const struct problems *p)
{
    struct buf b;
    buf_init(&b, ROOM);
    problems_print(p, &b);
    const char *out = buf_failed(&b) ? NULL : arena_str(a, buf_span(&b));
    buf_fini(&b);
    return out;
}

static bool
copy_problem(struct arena *a, const struct problem *p,
             struct stile_finding *out)
{
    out->file = arena_str(a, p->file);
    out->line = p->line;
    out->column = p->column;
    out->text = arena_str(a, p->text);
    out->remedy = arena_str(a, p->remedy);
    return out->file && out->text && out->remedy;
}

static bool
copy_problems(struct stile_findings *f, const struct problems *p)
{
    f->at = arena_array(f->arena, p->n + 1, sizeof(*f->at));
    f->text = all_text(f->arena, p);
    if (!f->at || !f->text)
        return false;
    for (; f->n < p->n; f->n++)
        if (!copy_problem(f->arena, &p->at[f->n], &f->at[f->n]))
            return false;
    return true;
}

/* NULL without memory for them. */
static struct stile_findings *
findings_of(struct problems *p)
{
    struct arena *a = arena_new(ROOM);
    struct stile_findings *f = a ? arena_alloc(a, sizeof(*f)) : NULL;
    problems_sort(p);
    if (f) {
        *f = (struct stile_findings){.arena = a};
        if (copy_problems(f, p))
            return f;
    }
    arena_free(&a);
    return NULL;
}

size_t
stile_findings_n(const struct stile_findings *f)
{
    return f ? f->n : 0;
}

const struct stile_finding *
stile_findings_at(const struct stile_findings *f, size_t i)
{
    return &f->at[i];
}

const char *
stile_findings_text(const struct stile_findings *f)
{
    return f ? f->text : "";
}

void
stile_findings_free(struct stile_findings **f)
{
    if (!*f)
        return;
    struct arena *a = (*f)->arena;
    *f = NULL;
    arena_free(&a);
}

/* ---- an API -------------------------------------------------------------------------- */

static bool
name_all(struct stile_api *api)
{
    const struct lens_api *lens = api->lens;
    const char **versions =
        arena_array(api->arena, lens->n_versions + 1, sizeof(char *));
    const char **types =
        arena_array(api->arena, lens->n_types + 1, sizeof(char *));
    api->name = arena_str(api->arena, lens->name);
    bool ok = api->name && versions && types;
    for (size_t i = 0; ok && i < lens->n_versions; i++)
        ok = (versions[i] = arena_str(api->arena, lens->versions[i].label));
    for (size_t i = 0; ok && i < lens->n_types; i++)
        ok = (types[i] = arena_str(api->arena, lens->types[i].name));
    api->versions = versions;
    api->types = types;
    return ok;
}

/* Either from a path or from texts. */
struct source {
    const char *path;
    const struct stile_text *api;
    const struct stile_text *changes;
    size_t n;
};

static struct lens_text
lens_text_of(const struct stile_text *t)
{
    return (struct lens_text){span_str(t->name), span_of(t->bytes, t->len)};
}

static enum err_code
load_lens(struct arena *a, const struct source *s, struct problems *p,
          const struct lens_api **out)
{
    if (s->path)
        return lens_load(a, s->path, p, out);
    struct lens_text *changes = arena_array(a, s->n + 1, sizeof(*changes));
    struct lens_text api = lens_text_of(s->api);
    span copy;
    if (!changes || !span_dup(a, api.text, &copy))
        return ERR_LIMIT;
    api.text = copy;
    for (size_t i = 0; i < s->n; i++) {
        changes[i] = lens_text_of(&s->changes[i]);
        if (!span_dup(a, changes[i].text, &changes[i].text) ||
            !span_dup(a, changes[i].name, &changes[i].name))
            return ERR_LIMIT;
    }
    return span_dup(a, api.name, &api.name)
               ? lens_load_text(a, api, changes, s->n, p, out)
               : ERR_LIMIT;
}

static struct stile_api *
load(const struct source *s, struct stile_findings **found)
{
    struct arena *a = arena_new(ROOM);
    struct stile_api *api = a ? arena_alloc(a, sizeof(*api)) : NULL;
    struct problems p;
    struct err e;
    if (found)
        *found = NULL;
    if (!api) {
        arena_free(&a);
        return NULL;
    }
    *api = (struct stile_api){.arena = a};
    problems_init(&p, a);
    if (load_lens(a, s, &p, &api->lens) == OK && name_all(api) &&
        translator_build(a, api->lens, &api->translator, &e) == OK)
        return api;
    if (found)
        *found = findings_of(&p);
    arena_free(&a);
    return NULL;
}

struct stile_api *
stile_api_load(const char *path, struct stile_findings **found)
{
    return load(&(struct source){.path = path}, found);
}

struct stile_api *
stile_api_load_texts(const struct stile_text *api,
                     const struct stile_text *changes, size_t n,
                     struct stile_findings **found)
{
    return load(&(struct source){.api = api, .changes = changes, .n = n},
                found);
}

void
stile_api_free(struct stile_api **api)
{
    if (!*api)
        return;
    struct arena *a = (*api)->arena;
    *api = NULL;
    arena_free(&a);
}

const char *
stile_api_name(const struct stile_api *api)
{
    return api->name;
}

size_t
stile_api_n_versions(const struct stile_api *api)
{
    return api->lens->n_versions;
}

const char *
stile_api_version(const struct stile_api *api, size_t version)
{
    return version < api->lens->n_versions ? api->versions[version] : "";
}

bool
stile_api_find_version(const struct stile_api *api, const char *label,
                       size_t *version)
{
    int found = lens_version_of(api->lens, span_str(label));
    if (found < 0)
        return false;
    *version = (size_t)found;
    return true;
}

size_t
stile_api_n_types(const struct stile_api *api)
{
    return api->lens->n_types;
}

const char *
stile_api_type(const struct stile_api *api, size_t type)
{
    return type < api->lens->n_types ? api->types[type] : "";
}

bool
stile_api_has_type(const struct stile_api *api, const char *name)
{
    return lens_type_of(api->lens, span_str(name)) >= 0;
}

/* ---- messages ------------------------------------------------------------------------ */

static span
text_of(const char *s)
{
    return s ? span_str(s) : (span){0};
}

struct message
libstile_message(const struct stile_message *m)
{
    static const enum message_write writes[] = {
        [STILE_WRITE_UNSAID] = MESSAGE_WRITE_UNSAID,
        [STILE_WRITE_REFUSE] = MESSAGE_WRITE_REFUSE,
        [STILE_WRITE_LOSE] = MESSAGE_WRITE_LOSE};
    bool is_answer = m->side == STILE_ANSWER;
    return (struct message){
        .side = is_answer ? MESSAGE_ANSWER : MESSAGE_REQUEST,
        .method = text_of(m->method),
        .path = text_of(m->path),
        .status = is_answer ? m->status : 0,
        .media = text_of(m->media),
        .to = text_of(m->to_media),
        .platform = text_of(m->platform),
        .whole = m->whole,
        .strict = m->strict,
        .write = (size_t)m->write < COUNT(writes) ? writes[m->write]
                                                  : MESSAGE_WRITE_UNSAID,
    };
}

enum stile_seen
stile_api_marker(const struct stile_api *api, const struct stile_message *m,
                 const char *bytes, size_t len, bool is_all, size_t *version)
{
    struct message message = libstile_message(m);
    span text;
    switch (translator_marker(api->translator, &message, span_of(bytes, len),
                              is_all, version, &text)) {
    case MARKER_MORE:
        return STILE_SEEN_MORE;
    case MARKER_FOUND:
        return STILE_SEEN_VERSION;
    case MARKER_ABSENT:
        return STILE_SEEN_NONE;
    case MARKER_UNKNOWN:
        break;
    }
    return STILE_SEEN_UNKNOWN;
}
