/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api: api.yaml, its versions first, since all else names them.
 */
#include "translators/lens/build.h"

static const struct lens_words api_words =
    LENS_WORDS("api.yaml", "api", "versions", "detect", "missing", "unknown",
               "echo", "agree", "types");
static const struct lens_words version_words = LENS_WORDS(
    "a version", "date", "deprecated", "sunset", "link", "internal", "marker");

int
lens_version_of(const struct lens_api *api, span label)
{
    for (size_t i = 0; i < api->n_versions; i++)
        if (span_eq(api->versions[i].label, label))
            return (int)i;
    return -1;
}

int
lens_type_of(const struct lens_api *api, span name)
{
    for (size_t i = 0; i < api->n_types; i++)
        if (span_eq(api->types[i].name, name))
            return (int)i;
    return -1;
}

static void
list_labels(const struct lens_api *api, char *out, size_t size)
{
    size_t n = 0;
    out[0] = 0;
    for (size_t i = 0; i < api->n_versions && n < size; i++) {
        int len = snprintf(out + n, size - n, "%s%.*s", i ? ", " : "",
                           SPAN_FMT(api->versions[i].label));
        if (len < 0)
            return;
        n += (size_t)len;
    }
}

int
lens_version_read(struct lens_builder *b, const struct yaml *node)
{
    span label;
    if (!lens_words_text(b, node, "a version", &label))
        return -1;
    int v = lens_version_of(b->api, label);
    if (v >= 0)
        return v;
    char all[300];
    list_labels(b->api, all, sizeof(all));
    yaml_problem(b->problems, node, "there is no version `%.*s`",
                 SPAN_FMT(span_take(label, 80)));
    problem_remedy(b->problems, "there are %s", all);
    return -1;
}

static void
read_date(struct lens_builder *b, const struct yaml *map, const char *word,
          int32_t *out)
{
    const struct yaml *node = yaml_get(map, word);
    *out = LENS_NO_DATE;
    if (!node || (node->kind == YAML_SCALAR && lens_date_days(node->text, out)))
        return;
    yaml_problem(b->problems, node, "`%s` is a date", word);
    problem_remedy(b->problems, "write 2026-02-01");
}

static void
read_version(struct lens_builder *b, const struct yaml_entry *e,
             struct lens_version *out)
{
    const struct yaml *node = e->value;
    (void)lens_words_text(b, e->key, "a version's label", &out->label);
    out->date = out->deprecated = out->sunset = LENS_NO_DATE;
    if (!lens_words_check(b, node, &version_words))
        return;
    read_date(b, node, "date", &out->date);
    read_date(b, node, "deprecated", &out->deprecated);
    read_date(b, node, "sunset", &out->sunset);
    const struct yaml *link = yaml_get(node, "link");
    if (link)
        (void)lens_words_text(b, link, "`link`", &out->link);
    const struct yaml *marker = yaml_get(node, "marker");
    if (marker)
        out->marker = lens_literal_any(b, marker);
    const struct yaml *internal = yaml_get(node, "internal");
    out->internal = internal && span_is(internal->text, "true");
    if (!internal || internal->literal == YAML_BOOL)
        return;
    yaml_problem(b->problems, internal, "`internal` is true or false");
    problem_remedy(b->problems, "write internal: true");
}

static bool
read_versions(struct lens_builder *b, const struct yaml *doc)
{
    const struct yaml *node = yaml_get(doc, "versions");
    if (!node || node->kind != YAML_MAP || node->n == 0 ||
        node->n > LENS_VERSIONS_MAX) {
        yaml_problem(b->problems, node ? node : doc,
                     "`versions` is a map of 1 to %d versions, oldest first",
                     LENS_VERSIONS_MAX);
        problem_remedy(b->problems, "write v1: {date: 2026-02-01}");
        return false;
    }
    b->versions = lens_array(b, node->n, sizeof(*b->versions));
    if (!b->versions)
        return false;
    for (size_t i = 0; i < node->n; i++)
        read_version(b, &node->entries[i], &b->versions[i]);
    b->api->versions = b->versions;
    b->api->n_versions = node->n;
    return true;
}

void
lens_api_read(struct lens_builder *b, const struct yaml *doc)
{
    const struct yaml *name = yaml_get(doc, "api");
    if (doc->kind != YAML_MAP || !name) {
        yaml_problem(b->problems, doc, "api.yaml names the api");
        problem_remedy(b->problems, "write api: shop");
    } else {
        (void)lens_words_text(b, name, "`api`", &b->api->name);
    }
    if (doc->kind != YAML_MAP)
        return;
    (void)lens_words_check(b, doc, &api_words);
    if (!read_versions(b, doc))
        return;
    lens_detect_read(b, doc);
    lens_types_read(b, yaml_get(doc, "types"));
}
