/* SPDX-License-Identifier: Apache-2.0 */
/*
 * apis: change files to a checked lens, its detection and its translator.
 */
#include "config/loader.h"

#include "certs/digest.h"
#include "routing/detect.h"
#include "translators/lens/lens.h"
#include "translators/translation.h"

#include <assert.h>

static const enum detect_kind kinds[] = {
    [LENS_SOURCE_HEADER] = DETECT_HEADER,
    [LENS_SOURCE_MEDIA] = DETECT_MEDIA,
    [LENS_SOURCE_MEDIA_PARAM] = DETECT_MEDIA_PARAM,
    [LENS_SOURCE_CLIENT] = DETECT_CLIENT,
    [LENS_SOURCE_QUERY] = DETECT_QUERY,
    [LENS_SOURCE_PATH] = DETECT_PATH,
    [LENS_SOURCE_PIN] = DETECT_PIN,
    [LENS_SOURCE_BODY] = DETECT_BODY,
};

/* Two rooms that may not know each other must agree. NOLINTNEXTLINE(misc-redundant-expression) */
static_assert(LENS_NO_DATE == DETECT_NO_DATE, "days pass as they are");

static bool
copy_versions(struct loader *l, const struct yaml *at,
              const struct lens_api *lens, struct detect_spec *spec)
{
    struct detect_version *versions =
        reader_array(&l->r, at, lens->n_versions, sizeof(*versions));

    if (!versions)
        return false;
    for (size_t i = 0; i < lens->n_versions; i++) {
        const struct lens_version *v = &lens->versions[i];

        versions[i] = (struct detect_version){
            .label = v->label,
            .date = v->date,
            .deprecated = v->deprecated,
            .sunset = v->sunset,
            .link = v->link,
            .internal = v->internal,
        };
    }
    spec->versions = versions;
    spec->n_versions = lens->n_versions;
    return true;
}

static bool
copy_clients(struct loader *l, const struct yaml *at,
             const struct lens_api *lens, const struct lens_source *from,
             struct detect_source *to)
{
    struct detect_client *clients =
        reader_array(&l->r, at, from->n_builds, sizeof(*clients));

    if (!clients)
        return false;
    for (size_t i = 0; i < from->n_builds; i++)
        clients[i] = (struct detect_client){
            .platform = from->builds[i].platform,
            .range = from->builds[i].range,
            .label = lens->versions[from->builds[i].version].label,
        };
    to->clients = clients;
    to->n_clients = from->n_builds;
    return true;
}

static bool
copy_pins(struct loader *l, const struct yaml *at, const struct lens_api *lens,
          const struct lens_source *from, struct detect_source *to)
{
    struct detect_pin *pins =
        reader_array(&l->r, at, from->n_pins, sizeof(*pins));

    if (!pins)
        return false;
    for (size_t i = 0; i < from->n_pins; i++)
        pins[i] = (struct detect_pin){
            .hash = from->pins[i].key,
            .label = lens->versions[from->pins[i].version].label,
        };
    to->pins = pins;
    to->n_pins = from->n_pins;
    return true;
}

static bool
copy_sources(struct loader *l, const struct yaml *at,
             const struct lens_api *lens, struct detect_spec *spec)
{
    size_t n = lens->detect.n_sources;
    struct detect_source *sources =
        reader_array(&l->r, at, n, sizeof(*sources));

    if (!sources)
        return false;
    for (size_t i = 0; i < n; i++) {
        const struct lens_source *s = &lens->detect.sources[i];

        sources[i].kind = kinds[s->kind];
        sources[i].text = s->text.len ? s->text : s->name;
        if (!copy_clients(l, at, lens, s, &sources[i]) ||
            !copy_pins(l, at, lens, s, &sources[i]))
            return false;
    }
    spec->sources = sources;
    spec->n_sources = n;
    return true;
}

struct finding_place {
    struct loader *l;
    const struct lens_api *lens;
};

/* Routing names a source or a rule by number; api.yaml's line is what helps. */
static void
report(void *ctx, const struct detect_finding *f)
{
    struct finding_place *place = ctx;
    const struct lens_source *s = NULL;
    size_t line = 0, column = 0;

    if (f->source >= 0) {
        s = &place->lens->detect.sources[f->source];
        line = s->line;
        column = s->column;
    }
    if (s && f->item >= 0 && (size_t)f->item < s->n_builds) {
        line = s->builds[f->item].line;
        column = s->builds[f->item].column;
    }
    if (f->is_error)
        problem_add(place->l->r.problems, place->lens->file, line, column, "%s",
                    f->text);
    else
        problem_warn(place->l->r.problems, place->lens->file, line, column,
                     "%s", f->text);
}

static const struct detect *
build_detect(struct loader *l, const struct yaml *at,
             const struct lens_api *lens)
{
    struct detect_spec spec = {
        .missing = lens->detect.missing < 0
                       ? (span){0}
                       : lens->versions[lens->detect.missing].label,
        .echo = lens->detect.echo,
        .agree = lens->detect.agree,
        .hash = digest_sha256_hex,
    };
    struct finding_place place = {l, lens};
    const struct detect *d = NULL;
    struct err e = {0};
    size_t before = l->r.problems->total;

    if (!copy_versions(l, at, lens, &spec) || !copy_sources(l, at, lens, &spec))
        return NULL;
    enum err_code failed =
        detect_build(l->g->arena, &spec, report, &place, &d, &e);
    if (failed && l->r.problems->total == before)
        problem_add(l->r.problems, lens->file, 0, 0, "%s", e.text);
    return failed ? NULL : d;
}

static void
load_api(struct loader *l, const struct yaml *node, struct gen_api *api)
{
    span text;

    if (!reader_text(&l->r, node, &text))
        return;
    const char *path = reader_path(&l->r, node, text);
    if (path && lens_load(l->g->arena, path, l->r.problems, &api->lens) == OK)
        api->detect = build_detect(l, node, api->lens);
}

void
load_apis(struct loader *l)
{
    struct gen_api *apis;
    struct section s;

    if (!section_map(l, "apis", &s) || s.n == 0)
        return;
    if (!(apis = reader_array(&l->r, s.values[0], s.n, sizeof(*apis))))
        return;
    l->g->apis = l->api_at = apis;
    l->api_nodes = s.values;
    l->g->n_apis = s.n;
    for (size_t i = 0; i < s.n; i++) {
        apis[i].name = s.keys[i]->text;
        load_api(l, s.values[i], &apis[i]);
        /* A broken api is said once; pools and routes that name it still find it. */
        loader_name(l, &l->apis, s.keys[i], &apis[i], "api");
    }
}

/* Programs are made for what pools speak. */
static bool
build_translator(struct loader *l, struct gen_api *api, struct err *e)
{
    const bool none = l->g->n_pools == 0;
    bool *spoken =
        arena_array(l->g->arena, api->lens->n_versions + 1, sizeof(*spoken));

    if (!spoken)
        return err_set(e, ERR_LIMIT, "no room for a translator") == OK;
    for (size_t i = 0; i < l->g->n_pools; i++)
        if (l->g->pools[i].api == api && l->g->pools[i].version >= 0)
            spoken[l->g->pools[i].version] = true;
    return translator_build_for(l->g->arena, api->lens, none ? NULL : spoken,
                                &api->translator, e) == OK;
}

static void
warn_of_unplanned(struct loader *l, size_t i)
{
    const struct yaml *at = l->api_nodes[i];
    size_t of = 0;
    size_t n = translator_unplanned(l->api_at[i].translator, &of);

    if (n)
        problem_warn(l->r.problems, at->file, at->line, at->column,
                     "of %zu pairs of versions %zu have no program, as this "
                     "API's are too many: their messages are translated "
                     "step by step, which costs some fifty times as much",
                     of, n);
}

void
load_translators(struct loader *l)
{
    struct err e = {0};

    for (size_t i = 0; i < l->g->n_apis; i++) {
        if (!l->api_at[i].lens)
            continue;
        if (build_translator(l, &l->api_at[i], &e))
            warn_of_unplanned(l, i);
        else
            yaml_problem(l->r.problems, l->api_nodes[i], "%s", e.text);
    }
}
