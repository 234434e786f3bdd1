/* SPDX-License-Identifier: Apache-2.0 */
/*
 * detect: `detect:` of api.yaml and the words beside it, as they are written.
 */
#include "translators/lens/build.h"

#define SOURCES_MAX 16

static const char *const kinds[] = {"header", "media", "media_param", "client",
                                    "query",  "path",  "pin",         "body"};
static const struct lens_words source_words =
    LENS_WORDS("a source of `detect`", "header", "media", "media_param",
               "client", "query", "path", "pin", "body");
static const struct lens_words client_words =
    LENS_WORDS("`client`", "header", "builds");
static const struct lens_words pin_words = LENS_WORDS("`pin`", "key", "table");
static const struct lens_words refuse_word = LENS_WORDS("`unknown`", "refuse");

static bool
wrong(struct lens_builder *b, const struct yaml *at, const char *what,
      const char *remedy)
{
    yaml_problem(b->problems, at, "%s", what);
    problem_remedy(b->problems, "%s", remedy);
    return false;
}

/* ---- client ---- */

static void
read_ranges(struct lens_builder *b, const struct yaml_entry *platform,
            struct lens_vec *out)
{
    const struct yaml *map = platform->value;
    if (map->kind != YAML_MAP) {
        (void)wrong(b, map, "the builds of a platform are a map of ranges",
                    "write ios: {\"<4.0\": v1}");
        return;
    }
    for (size_t i = 0; i < map->n; i++) {
        const struct yaml_entry *e = &map->entries[i];
        int v = lens_version_read(b, e->value);
        struct lens_build *slot =
            v >= 0 ? lens_vec_add(b, out, sizeof(*slot)) : NULL;
        if (slot)
            *slot = (struct lens_build){
                .platform = platform->key->text,
                .range = e->key->text,
                .version = (size_t)v,
                .line = (unsigned)e->key->line,
                .column = (unsigned)e->key->column,
            };
    }
}

static bool
read_client(struct lens_builder *b, const struct yaml *node,
            struct lens_source *out)
{
    if (!lens_words_check(b, node, &client_words))
        return false;
    const struct yaml *header = yaml_get(node, "header");
    const struct yaml *builds = yaml_get(node, "builds");
    if (!header || !builds || builds->kind != YAML_MAP)
        return wrong(b, node, "`client` needs a header and its builds",
                     "write {header: X-Client, builds: {ios: {\"<4.0\": v1}}}");
    struct lens_vec all = {0};
    for (size_t i = 0; i < builds->n; i++)
        read_ranges(b, &builds->entries[i], &all);
    out->builds = all.at;
    out->n_builds = all.n;
    return lens_words_text(b, header, "`header`", &out->name);
}

/* ---- the others ---- */

static bool
read_pin(struct lens_builder *b, const struct yaml *node,
         struct lens_source *out)
{
    if (!lens_words_check(b, node, &pin_words))
        return false;
    const struct yaml *key = yaml_get(node, "key");
    const struct yaml *table = yaml_get(node, "table");
    if (!key || !table)
        return wrong(b, node, "`pin` needs a key and a table",
                     "write {key: \"header:Authorization\", table: pins.yaml}");
    if (!lens_words_text(b, key, "`key`", &out->name) ||
        !lens_words_text(b, table, "`table`", &out->pin_file))
        return false;
    return span_starts(out->name, SPAN("header:")) ||
           span_starts(out->name, SPAN("cookie:")) ||
           span_is(out->name, "certificate") ||
           wrong(b, key, "a pin's key is a header, a cookie or `certificate`",
                 "write \"header:Authorization\" or \"cookie:sid\"");
}

static bool
read_named(struct lens_builder *b, const struct yaml *node,
           struct lens_source *out)
{
    bool is_template =
        out->kind == LENS_SOURCE_MEDIA || out->kind == LENS_SOURCE_PATH;
    span text;
    if (!lens_words_text(b, node, kinds[out->kind], &text))
        return false;
    if (!is_template) {
        out->name = text;
        return true;
    }
    out->text = text;
    return memmem(text.at, text.len, "{version}", 9) ||
           wrong(b, node, "there is no {version} in it",
                 out->kind == LENS_SOURCE_PATH
                     ? "write /apis/{version}/"
                     : "write application/vnd.shop.{version}+json");
}

static bool
read_source(struct lens_builder *b, const struct yaml *node,
            struct lens_source *out)
{
    out->line = (unsigned)node->line;
    out->column = (unsigned)node->column;
    if (node->kind == YAML_SCALAR && span_is(node->text, "body")) {
        out->kind = LENS_SOURCE_BODY;
        return true;
    }
    if (node->kind != YAML_MAP || node->n != 1)
        return wrong(b, node, "a source is one word and where it looks",
                     "write header: Api-Version, or body alone");
    if (!lens_words_check(b, node, &source_words))
        return false;
    for (size_t i = 0; i < COUNT(kinds); i++)
        if (span_is(node->entries[0].key->text, kinds[i]))
            out->kind = (enum lens_source_kind)i;

    const struct yaml *value = node->entries[0].value;
    if (out->kind == LENS_SOURCE_CLIENT)
        return read_client(b, value, out);
    if (out->kind == LENS_SOURCE_PIN)
        return read_pin(b, value, out);
    if (out->kind == LENS_SOURCE_BODY)
        return wrong(b, node, "`body` stands alone", "write - body");
    return read_named(b, value, out);
}

static void
read_sources(struct lens_builder *b, const struct yaml *node,
             struct lens_detect *out)
{
    if (!node)
        return;
    if (node->kind != YAML_LIST || node->n > SOURCES_MAX) {
        (void)wrong(b, node, "`detect` is a list of up to 16 sources",
                    "write - header: Api-Version");
        return;
    }
    struct lens_source *all = lens_array(b, node->n, sizeof(*all));
    if (!all)
        return;
    size_t n = 0;
    for (size_t i = 0; i < node->n; i++)
        if (read_source(b, node->items[i], &all[n]))
            n++;
        else
            all[n] = (struct lens_source){0};
    b->sources = all;
    out->sources = all;
    out->n_sources = n;
}

static bool
is_refuse(const struct yaml *node)
{
    return !node ||
           (node->kind == YAML_SCALAR && span_is(node->text, "refuse"));
}

void
lens_detect_read(struct lens_builder *b, const struct yaml *doc)
{
    struct lens_detect *out = &b->api->detect;
    read_sources(b, yaml_get(doc, "detect"), out);

    const struct yaml *missing = yaml_get(doc, "missing");
    out->missing = is_refuse(missing) ? -1 : lens_version_read(b, missing);
    if (out->missing >= 0 && b->versions[out->missing].internal)
        (void)wrong(b, missing, "nobody speaks an internal version",
                    "name another, or refuse");
    const struct yaml *unknown = yaml_get(doc, "unknown");
    if (!is_refuse(unknown))
        lens_words_unknown(b, unknown, &refuse_word);

    const struct yaml *echo = yaml_get(doc, "echo");
    if (echo)
        (void)lens_words_text(b, echo, "`echo`", &out->echo);
    const struct yaml *agree = yaml_get(doc, "agree");
    if (agree && agree->literal != YAML_BOOL)
        (void)wrong(b, agree, "`agree` is true or false", "write agree: true");
    out->agree = agree && span_is(agree->text, "true");
}
