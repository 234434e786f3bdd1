/* SPDX-License-Identifier: Apache-2.0 */
/*
 * types: `types:` of api.yaml. Where each stands, its markers and constants.
 *
 * Names are read before anything is said of them, since types name each other.
 */
#include "translators/lens/build.h"

static const struct lens_words type_words =
    LENS_WORDS("a type", "at", "marker", "constants", "unknown", "key", "keep",
               "version_at", "empty_hosts");
static const struct lens_words at_words = LENS_WORDS("a place", "at", "when");
static const struct lens_words host_words = LENS_WORDS("`empty_hosts`", "same");
static const struct lens_words unknown_words =
    LENS_WORDS("`unknown`", "pass", "drop", "refuse");

/* ---- names ---- */

static bool
is_type_name(span s)
{
    if (s.len == 0 || s.at[0] < 'A' || s.at[0] > 'Z')
        return false;
    for (size_t i = 0; i < s.len; i++) {
        char c = s.at[i];
        bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                    (c >= '0' && c <= '9') || c == '_';
        if (!good)
            return false;
    }
    return true;
}

static void
read_name(struct lens_builder *b, const struct yaml *key, struct lens_type *out)
{
    if (key->kind != YAML_SCALAR || !is_type_name(key->text)) {
        yaml_problem(b->problems, key, "`%.*s` is no name of a type",
                     SPAN_FMT(key->text));
        problem_remedy(b->problems, "begin it with a capital; letters, digits "
                                    "and _ may follow");
    }
    out->name = key->text;
    out->line = (unsigned)key->line;
    out->column = (unsigned)key->column;
}

static span
nearest_type(struct lens_builder *b, span name)
{
    struct map names;
    map_init(&names, b->arena);
    for (size_t i = 0; i < b->api->n_types; i++)
        if (!map_put(&names, b->types[i].name, &b->types[i], NULL))
            b->full = true;
    return map_nearest(&names, name);
}

int
lens_type_read(struct lens_builder *b, const struct yaml *node, span name)
{
    int i = lens_type_of(b->api, name);
    if (i >= 0)
        return i;
    yaml_problem(b->problems, node, "there is no type `%.*s`",
                 SPAN_FMT(span_take(name, 80)));
    span near = nearest_type(b, name);
    if (near.len > 0)
        problem_remedy(b->problems, "did you mean `%.*s`?", SPAN_FMT(near));
    else
        problem_remedy(b->problems, "declare it under `types:` in api.yaml");
    return -1;
}

/* ---- lists of places ---- */

static bool
read_places(struct lens_builder *b, const struct yaml *node,
            const struct lens_place **out, size_t *n)
{
    size_t count = node->kind == YAML_LIST ? node->n : 1;
    struct lens_place *all = lens_array(b, count, sizeof(*all));
    for (size_t i = 0; all && i < count; i++) {
        const struct yaml *one =
            node->kind == YAML_LIST ? node->items[i] : node;
        if (!lens_place_read(b, one, &all[i]))
            return false;
    }
    *out = all;
    *n = count;
    return all != NULL;
}

/* ---- markers ---- */

static const struct json *
mark_of(struct lens_builder *b, const struct yaml *node, size_t version,
        size_t i, size_t n)
{
    const struct lens_version *v = &b->versions[version];
    bool is_list = v->marker && v->marker->kind == JSON_LIST;
    if (!v->marker && n == 1)
        return lens_literal_text(b, v->label);
    if (is_list && v->marker->n == n)
        return v->marker->members[i].value;
    if (v->marker && !is_list && n == 1)
        return v->marker;
    yaml_problem(b->problems, node,
                 "the marker has %zu place%s, and version %.*s does not say "
                 "what stands there",
                 n, n == 1 ? "" : "s", SPAN_FMT(v->label));
    problem_remedy(b->problems,
                   "give the version a `marker:` with %zu "
                   "value%s",
                   n, n == 1 ? "" : "s");
    return NULL;
}

static bool
mark_version(struct lens_builder *b, const struct yaml *node, size_t version,
             struct lens_type_at *out)
{
    if (!read_places(b, node, &out->markers, &out->n_markers))
        return false;
    const struct json **marks =
        lens_array(b, out->n_markers, sizeof(struct json *));
    for (size_t i = 0; marks && i < out->n_markers; i++) {
        marks[i] = mark_of(b, node, version, i, out->n_markers);
        if (!marks[i]) {
            out->n_markers = 0;
            return false;
        }
    }
    out->marks = marks;
    out->n_markers = marks ? out->n_markers : 0;
    return marks != NULL;
}

static void
read_marker(struct lens_builder *b, const struct yaml *node,
            struct lens_type_at *at)
{
    if (!node)
        return;
    if (node->kind != YAML_MAP) {
        for (size_t v = 0; v < b->api->n_versions; v++)
            if (!mark_version(b, node, v, &at[v]))
                return;
        return;
    }
    for (size_t i = 0; i < node->n; i++) {
        int v = lens_version_read(b, node->entries[i].key);
        if (v >= 0)
            (void)mark_version(b, node->entries[i].value, (size_t)v, &at[v]);
    }
}

static void
read_constants(struct lens_builder *b, const struct yaml *map,
               struct lens_type_at *out)
{
    if (map->kind != YAML_MAP) {
        yaml_problem(b->problems, map, "the constants of a version are a map");
        problem_remedy(b->problems, "write {v2: {$schema: \"...\"}}");
        return;
    }
    struct lens_constant *all = lens_array(b, map->n, sizeof(*all));
    for (size_t i = 0; all && i < map->n; i++) {
        const struct yaml_entry *e = &map->entries[i];
        all[i].value = lens_literal_any(b, e->value);
        if (!lens_place_read(b, e->key, &all[i].place) || !all[i].value)
            return;
        out->n_constants = i + 1;
    }
    out->constants = all;
    out->n_constants = all ? map->n : 0;
}

static void
read_all_constants(struct lens_builder *b, const struct yaml *node,
                   struct lens_type_at *at)
{
    if (!node)
        return;
    if (node->kind != YAML_MAP) {
        yaml_problem(b->problems, node, "`constants` is a map of versions");
        problem_remedy(b->problems, "write {v2: {$schema: \"...\"}}");
        return;
    }
    for (size_t i = 0; i < node->n; i++) {
        int v = lens_version_read(b, node->entries[i].key);
        if (v >= 0)
            read_constants(b, node->entries[i].value, &at[v]);
    }
}

/* ---- `at:` ---- */

/* Where " of " parts the place from what it is in; the length if nowhere. */
static size_t
of_at(span s)
{
    char quote = 0;
    unsigned depth = 0;
    for (size_t i = 0; i + 4 <= s.len; i++) {
        char c = s.at[i];
        if (quote) {
            if (c == quote)
                quote = 0;
            continue;
        }
        if (c == '\'' && (i == 0 || s.at[i - 1] == '/'))
            quote = c;
        else if (c == '[')
            depth++;
        else if (c == ']' && depth > 0)
            depth--;
        else if (depth == 0 && memcmp(s.at + i, " of ", 4) == 0)
            return i;
    }
    return s.len;
}

/* One line of `at:`, taken apart. */
struct line {
    const struct yaml *node;
    span text;
    struct lens_place place;
    struct lens_shape when;
    size_t type;
};

static void
add_child(struct lens_builder *b, const struct line *l, span target)
{
    span label = target;
    span name = span_cut(&label, '@');
    size_t version = b->api->n_versions - 1;
    if (name.len < target.len) {
        int v = lens_version_of(b->api, label);
        if (v < 0) {
            yaml_problem(b->problems, l->node, "there is no version `%.*s`",
                         SPAN_FMT(label));
            problem_remedy(b->problems,
                           "write %.*s@ and a label of "
                           "`versions:`",
                           SPAN_FMT(name));
            return;
        }
        version = (size_t)v;
    }
    int parent = lens_type_read(b, l->node, name);
    struct lens_root *slot =
        parent >= 0 ? lens_vec_add(b, &b->roots, sizeof(*slot)) : NULL;
    if (!slot)
        return;
    *slot = (struct lens_root){.parent = (size_t)parent, .version = version};
    slot->child.place = l->place;
    slot->child.type = l->type;
    slot->child.when = l->when;
}

static void
add_site(struct lens_builder *b, const struct line *l, span target)
{
    struct lens_site site = {
        .place = l->place, .when = l->when, .type = l->type};
    if (!lens_message_read(b, l->node, target, &site.message))
        return;
    site.origin = lens_origin_at(b, l->node);
    struct lens_site *slot = lens_vec_add(b, &b->sites, sizeof(site));
    if (slot)
        *slot = site;
}

static void
read_line(struct lens_builder *b, struct line *l)
{
    size_t of = of_at(l->text);
    span target = l->text;
    l->place.text = SPAN(".");
    if (of < l->text.len) {
        span place = span_trim(span_take(l->text, of));
        target = span_trim(span_skip(l->text, of + 4));
        if (!lens_place_parse(b, l->node, place, &l->place))
            return;
    }
    span name = target;
    name = span_cut(&name, '@');
    if (!is_type_name(name)) {
        add_site(b, l, target);
        return;
    }
    if (l->place.n > 0) {
        add_child(b, l, target);
        return;
    }
    yaml_problem(b->problems, l->node, "`%.*s` is no place", SPAN_FMT(l->text));
    problem_remedy(b->problems, "write `place of Type`, or a message: "
                                "GET /orders/{id}");
}

static void
read_at(struct lens_builder *b, const struct yaml *node, size_t type)
{
    struct line l = {.node = node, .type = type};
    if (node->kind == YAML_MAP) {
        const struct yaml *when = yaml_get(node, "when");
        if (!lens_words_check(b, node, &at_words) ||
            (when && !lens_shape_conditions(b, when, &l.when)))
            return;
        l.node = yaml_get(node, "at") ? yaml_get(node, "at") : node;
    }
    /* `{at: [a, b], when: ...}` holds for both. */
    size_t n = l.node->kind == YAML_LIST ? l.node->n : 1;
    const struct yaml *outer = l.node;
    for (size_t i = 0; i < n; i++) {
        l.node = outer->kind == YAML_LIST ? outer->items[i] : outer;
        if (lens_words_text(b, l.node, "`at`", &l.text))
            read_line(b, &l);
    }
}

static void
read_all_at(struct lens_builder *b, const struct yaml *key,
            const struct yaml *node, size_t type)
{
    if (!node) {
        yaml_problem(b->problems, key,
                     "type `%.*s` does not say where it "
                     "stands",
                     SPAN_FMT(key->text));
        problem_remedy(b->problems,
                       "say `at: GET /orders/{id}` or `at: lines/* of Order`");
        return;
    }
    if (node->kind != YAML_LIST) {
        read_at(b, node, type);
        return;
    }
    for (size_t i = 0; i < node->n; i++)
        read_at(b, node->items[i], type);
}

/* ---- the whole type ---- */

static void
spread_keeps(struct lens_builder *b, const struct yaml *node,
             struct lens_type_at *at)
{
    const struct lens_place *keeps;
    size_t n;
    if (!node || !read_places(b, node, &keeps, &n))
        return;
    for (size_t v = 0; v < b->api->n_versions; v++) {
        at[v].keeps = keeps;
        at[v].n_keeps = n;
    }
}

static void
read_version_at(struct lens_builder *b, const struct yaml *node,
                struct lens_type *out)
{
    if (!node || !lens_place_read(b, node, &out->version_at))
        return;
    out->has_version_at = out->version_at.n > 0;
    for (size_t i = 0; i < out->version_at.n; i++)
        out->has_version_at =
            out->has_version_at && out->version_at.steps[i].kind == LENS_KEY;
    if (out->has_version_at)
        return;
    yaml_problem(b->problems, node,
                 "`%.*s` is no place of one member of the record",
                 SPAN_FMT(out->version_at.text));
    problem_remedy(b->problems, "write `version_at: meta/schema`");
}

static void
read_type(struct lens_builder *b, const struct yaml_entry *e, size_t i)
{
    struct lens_type *t = &b->types[i];
    const struct yaml *node = e->value;
    if (!lens_words_check(b, node, &type_words))
        return;
    read_all_at(b, e->key, yaml_get(node, "at"), i);
    read_marker(b, yaml_get(node, "marker"), b->type_at[i]);
    read_all_constants(b, yaml_get(node, "constants"), b->type_at[i]);
    spread_keeps(b, yaml_get(node, "keep"), b->type_at[i]);

    int hosts;
    if (lens_word_read(b, node, "empty_hosts", &host_words, &hosts))
        t->empty_hosts_same = hosts == 0;

    int unknown;
    if (lens_word_read(b, node, "unknown", &unknown_words, &unknown) &&
        unknown > 0) {
        const struct yaml *at = yaml_get(node, "unknown");
        yaml_problem(b->problems, at,
                     "`unknown: %.*s` is of the language, and this build reads "
                     "no contract that would tell a member unknown",
                     SPAN_FMT(at->text));
        problem_remedy(b->problems, "say `unknown: pass`, or leave it out");
    }
    const struct yaml *key = yaml_get(node, "key");
    read_version_at(b, yaml_get(node, "version_at"), t);
    t->has_key = key && lens_place_read(b, key, &t->key);
}

static bool
make_room(struct lens_builder *b, size_t n)
{
    b->types = lens_array(b, n, sizeof(*b->types));
    b->type_at = lens_array(b, n, sizeof(struct lens_type_at *));
    for (size_t i = 0; b->types && b->type_at && i < n; i++) {
        b->type_at[i] =
            lens_array(b, b->api->n_versions, sizeof(struct lens_type_at));
        b->types[i].at = b->type_at[i];
        if (!b->type_at[i])
            return false;
    }
    b->api->types = b->types;
    return b->types && b->type_at;
}

void
lens_types_read(struct lens_builder *b, const struct yaml *node)
{
    size_t n = node && node->kind == YAML_MAP ? node->n : 0;
    if (node && node->kind != YAML_MAP) {
        yaml_problem(b->problems, node, "`types` is a map of types");
        problem_remedy(b->problems, "write Order: {at: GET /orders/{id}}");
    }
    if (n > LENS_TYPES_MAX) {
        yaml_problem(b->problems, node,
                     "there are %zu types, and %d are the "
                     "limit",
                     n, LENS_TYPES_MAX);
        problem_remedy(b->problems, "part the api");
        n = 0;
    }
    if (!make_room(b, n))
        return;
    for (size_t i = 0; i < n; i++)
        read_name(b, node->entries[i].key, &b->types[i]);
    b->api->n_types = n;
    for (size_t i = 0; i < n && !b->full; i++)
        read_type(b, &node->entries[i], i);
}
