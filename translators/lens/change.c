/* SPDX-License-Identifier: Apache-2.0 */
/*
 * change: change files, sorted by table and name, into the blocks of tables.
 */
#include "translators/lens/build.h"

static const struct lens_words file_words =
    LENS_WORDS("a change file", "change", "from", "to", "manifest", "http",
               "event", "effect", "fetch", "hook");
static const struct lens_words manifest_words =
    LENS_WORDS("a manifest", "title", "why", "owner", "guarantee", "backout",
               "watch", "approved");
static const struct lens_words guarantee_words =
    LENS_WORDS("`guarantee`", "full", "read", "write", "none");

const char *
lens_guarantee_word(enum lens_guarantee g)
{
    return guarantee_words.known[g];
}

struct entry {
    const struct yaml *doc;
    struct lens_change change;
};

/* ---- the head of a file ---- */

static const struct yaml *
need(struct lens_builder *b, const struct yaml *map, const char *word,
     const char *remedy)
{
    const struct yaml *node = yaml_get(map, word);
    if (node)
        return node;
    yaml_problem(b->problems, map, "`%s` is missing", word);
    problem_remedy(b->problems, "%s", remedy);
    return NULL;
}

static void
read_watch(struct lens_builder *b, const struct yaml *list,
           struct lens_change *out)
{
    if (list->kind != YAML_LIST) {
        yaml_problem(b->problems, list, "`watch` is a list");
        problem_remedy(b->problems, "write it like [translate_failures]");
        return;
    }
    span *names = arena_array(b->arena, list->n, sizeof(*names));
    if (!names) {
        b->full = true;
        return;
    }
    for (size_t i = 0; i < list->n; i++)
        out->n_watch +=
            lens_words_text(b, list->items[i], "`watch`", &names[out->n_watch]);
    out->watch = names;
}

static void
read_manifest(struct lens_builder *b, const struct yaml *doc,
              struct lens_change *out)
{
    const struct yaml *node =
        need(b, doc, "manifest",
             "write manifest: {title: ..., owner: ..., guarantee: full}");
    if (!node || !lens_words_check(b, node, &manifest_words))
        return;
    const struct yaml *title = need(b, node, "title", "say what changes");
    const struct yaml *owner = need(b, node, "owner", "say who answers for it");
    const struct yaml *keeps =
        need(b, node, "guarantee",
             "say what an older client keeps: full, read, write or none");
    if (title)
        (void)lens_words_text(b, title, "`title`", &out->title);
    if (owner)
        (void)lens_words_text(b, owner, "`owner`", &out->owner);
    const struct yaml *why = yaml_get(node, "why");
    const struct yaml *backout = yaml_get(node, "backout");
    const struct yaml *watch = yaml_get(node, "watch");
    if (why)
        (void)lens_words_text(b, why, "`why`", &out->why);
    if (backout)
        (void)lens_words_text(b, backout, "`backout`", &out->backout);
    if (watch)
        read_watch(b, watch, out);
    int g = keeps ? lens_words_one(b, keeps, &guarantee_words) : -1;
    out->line = keeps ? (unsigned)keeps->line : 0;
    out->column = keeps ? (unsigned)keeps->column : 0;
    out->guarantee = g < 0 ? LENS_KEEPS_NONE : (enum lens_guarantee)g;
}

static bool
read_versions(struct lens_builder *b, const struct yaml *doc,
              struct lens_change *out)
{
    const struct yaml *from = need(b, doc, "from", "name the older version");
    const struct yaml *to = need(b, doc, "to", "name the newer version");
    int older = from ? lens_version_read(b, from) : -1;
    int newer = to ? lens_version_read(b, to) : -1;
    if (older < 0 || newer < 0)
        return false;
    out->table = (size_t)older;
    if (newer == older + 1)
        return true;
    yaml_problem(b->problems, to, "`%.*s` and `%.*s` are not neighbours",
                 SPAN_FMT(from->text), SPAN_FMT(to->text));
    if ((size_t)older + 1 < b->api->n_versions)
        problem_remedy(b->problems, "the version after %.*s is %.*s",
                       SPAN_FMT(from->text),
                       SPAN_FMT(b->versions[older + 1].label));
    else
        problem_remedy(b->problems, "%.*s is the newest version",
                       SPAN_FMT(from->text));
    return false;
}

static bool
read_head(struct lens_builder *b, const struct lens_file *file,
          struct entry *out)
{
    const struct yaml *doc = file->doc;
    *out = (struct entry){.doc = doc};
    out->change.file = file->name;
    out->change.path = file->path;
    if (doc->kind != YAML_MAP) {
        yaml_problem(b->problems, doc, "a change file is a map, and this is %s",
                     yaml_what(doc));
        problem_remedy(b->problems, "begin with change: name");
        return false;
    }
    const struct yaml *name = need(b, doc, "change", "give the change a name");
    bool good = name && lens_words_text(b, name, "`change`", &out->change.name);
    read_manifest(b, doc, &out->change);
    return read_versions(b, doc, &out->change) && good;
}

/* ---- its blocks ---- */

static bool
is_type_key(const struct yaml *key)
{
    return key->kind == YAML_SCALAR && key->text.len > 0 &&
           key->text.at[0] >= 'A' && key->text.at[0] <= 'Z';
}

static void
append(struct lens_builder *b, struct lens_vec *to, const struct lens_vec *from,
       size_t size)
{
    for (size_t i = 0; i < from->n; i++) {
        void *slot = lens_vec_add(b, to, size);
        if (!slot)
            return;
        memcpy(slot, (const char *)from->at + i * size, size);
    }
}

static void
add_draft(struct lens_builder *b, struct lens_draft *to,
          const struct lens_draft *one)
{
    append(b, &to->arrows, &one->arrows, sizeof(struct lens_arrow));
    append(b, &to->choices, &one->choices, sizeof(struct lens_choice));
}

/* `"Order, Refund":` is one block for two types, `Card -> Instrument:` of one that
 * becomes another. */
static void
read_block(struct lens_builder *b, const struct yaml_entry *e,
           struct lens_draft *drafts)
{
    span names = e->key->text;
    const char *turn = memmem(names.at, names.len, "->", 2);
    struct lens_draft one = {0};
    int types[2];
    lens_block_read(b, e->value, &one);
    if (turn) {
        span older = span_take(names, (size_t)(turn - names.at));
        lens_turn_read(b, e->key, older, span_skip(names, older.len + 2),
                       types);
        if (types[LENS_OLDER] >= 0 && types[LENS_NEWER] >= 0)
            add_draft(b, &drafts[types[LENS_NEWER]], &one);
        return;
    }
    while (names.len > 0) {
        span name = span_trim(span_cut(&names, ','));
        int type = lens_type_read(b, e->key, name);
        if (type < 0)
            continue;
        add_draft(b, &drafts[type], &one);
        struct lens_own *own = lens_vec_add(b, &b->owns, sizeof(*own));
        if (own)
            *own = (struct lens_own){b->change->table, (size_t)type};
    }
}

static void
read_http(struct lens_builder *b, const struct yaml *node, size_t table)
{
    if (node->kind != YAML_MAP) {
        yaml_problem(b->problems, node, "`http` is a map of routes");
        problem_remedy(b->problems, "write GET /orders: {map: {...}}");
        return;
    }
    for (size_t i = 0; i < node->n && !b->full; i++)
        lens_http_read(b, &node->entries[i], &b->http[table]);
}

static bool
is_file_word(const struct yaml *key)
{
    if (key->kind != YAML_SCALAR)
        return false;
    for (size_t i = 0; i < file_words.n; i++)
        if (span_is(key->text, file_words.known[i]))
            return true;
    return false;
}

/* `order:` where there is a type Order is no word, but a slip. */
static bool
is_small_type(struct lens_builder *b, const struct yaml *key)
{
    for (size_t i = 0; key->kind == YAML_SCALAR && i < b->api->n_types; i++) {
        span name = b->types[i].name;
        if (!span_eq_nocase(name, key->text))
            continue;
        yaml_problem(b->problems, key, "`%.*s` is no word of a change file",
                     SPAN_FMT(key->text));
        problem_remedy(b->problems, "did you mean the type `%.*s`?",
                       SPAN_FMT(name));
        return true;
    }
    return false;
}

/* The head of the file has been read; what else stands in it is of the table. */
static void
read_word(struct lens_builder *b, const struct yaml_entry *e, size_t table)
{
    static const char *const kinds[] = {"effect", "fetch", "hook"};
    if (span_is(e->key->text, "http"))
        read_http(b, e->value, table);
    else if (span_is(e->key->text, "event"))
        lens_events_read(b, e->value, &b->events[table]);
    for (size_t i = 0; i < COUNT(kinds); i++)
        if (span_is(e->key->text, kinds[i]))
            lens_declared_read(b, e->value, (enum lens_declared_kind)i,
                               &b->declared[table]);
}

static void
read_blocks(struct lens_builder *b, const struct entry *file,
            struct lens_draft *drafts)
{
    for (size_t i = 0; i < file->doc->n && !b->full; i++) {
        const struct yaml_entry *e = &file->doc->entries[i];
        if (is_type_key(e->key))
            read_block(b, e, drafts);
        else if (is_file_word(e->key))
            read_word(b, e, file->change.table);
        else if (!is_small_type(b, e->key))
            lens_words_unknown(b, e->key, &file_words);
    }
}

/* ---- all files ---- */

static int
by_table_and_name(const void *a, const void *b)
{
    const struct lens_change *x = &((const struct entry *)a)->change;
    const struct lens_change *y = &((const struct entry *)b)->change;
    if (x->table != y->table)
        return x->table < y->table ? -1 : 1;
    int c = span_cmp(x->name, y->name);
    return c ? c : span_cmp(x->file, y->file);
}

static void
refuse_doubles(struct lens_builder *b, const struct entry *files, size_t n)
{
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < i; k++) {
            if (!span_eq(files[i].change.name, files[k].change.name))
                continue;
            yaml_problem(b->problems, yaml_get(files[i].doc, "change"),
                         "`%.*s` is the name of a change already, in %.*s",
                         SPAN_FMT(files[i].change.name),
                         SPAN_FMT(files[k].change.file));
            problem_remedy(b->problems, "give each change its own name");
            break;
        }
}

static bool
make_tables(struct lens_builder *b)
{
    size_t n = b->api->n_versions - 1;
    b->tables = lens_array(b, n, sizeof(*b->tables));
    b->http = lens_array(b, n, sizeof(*b->http));
    b->declared = lens_array(b, n, sizeof(*b->declared));
    b->events = lens_array(b, n, sizeof(*b->events));
    b->blocks = lens_array(b, n, sizeof(struct lens_block **));
    for (size_t i = 0; b->blocks && i < n; i++)
        b->blocks[i] =
            lens_array(b, b->api->n_types, sizeof(struct lens_block *));
    b->api->tables = b->tables;
    return !b->full;
}

static size_t
count_arrows(const struct lens_draft *d)
{
    size_t n = d->arrows.n;
    const struct lens_choice *choices = d->choices.at;
    for (size_t i = 0; i < d->choices.n; i++)
        for (size_t k = 0; k < choices[i].n_cases; k++)
            n += 1 + choices[i].cases[k].block->n_arrows;
    return n;
}

static void
finish_table(struct lens_builder *b, size_t t, const struct lens_draft *drafts)
{
    struct lens_table *table = &b->tables[t];
    for (size_t i = 0; i < b->api->n_types; i++) {
        if (!drafts[i].arrows.n && !drafts[i].choices.n)
            continue;
        b->blocks[t][i] = lens_block_finish(b, &drafts[i]);
        table->n_arrows += count_arrows(&drafts[i]);
    }
    table->blocks = (const struct lens_block *const *)b->blocks[t];
    table->http = b->http[t].at;
    table->n_http = b->http[t].n;
    table->declared = b->declared[t].at;
    table->n_declared = b->declared[t].n;
    table->events = b->events[t].at;
    table->n_events = b->events[t].n;
    for (size_t i = 0; i < table->n_http; i++)
        table->n_arrows += table->http[i].block->n_arrows;
}

static void
read_table(struct lens_builder *b, size_t t, const struct entry *files,
           size_t n)
{
    struct lens_draft *drafts = lens_array(b, b->api->n_types, sizeof(*drafts));
    b->order = 0;
    for (size_t i = 0; drafts && i < n; i++) {
        if (files[i].change.table != t)
            continue;
        b->change = &b->api->changes[i];
        read_blocks(b, &files[i], drafts);
    }
    b->change = NULL;
    if (drafts)
        finish_table(b, t, drafts);
}

void
lens_changes_read(struct lens_builder *b, const struct lens_file *files,
                  size_t n)
{
    struct entry *all = lens_array(b, n, sizeof(*all));
    size_t n_all = 0;
    for (size_t i = 0; all && i < n; i++)
        n_all += read_head(b, &files[i], &all[n_all]);
    if (!all || !make_tables(b))
        return;
    qsort(all, n_all, sizeof(*all), by_table_and_name);
    refuse_doubles(b, all, n_all);

    struct lens_change *changes = lens_array(b, n_all, sizeof(*changes));
    for (size_t i = 0; changes && i < n_all; i++)
        changes[i] = all[i].change;
    b->api->changes = changes;
    b->api->n_changes = changes ? n_all : 0;
    for (size_t t = 0; changes && t + 1 < b->api->n_versions; t++)
        read_table(b, t, all, n_all);
}
