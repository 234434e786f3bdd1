/* SPDX-License-Identifier: Apache-2.0 */
/*
 * open: a last `*` that is every member that has no meaning where it stands.
 */
#include "translators/lens/build.h"

static const struct lens_words foreign_words = LENS_WORDS("`foreign`", "bag");
static const struct lens_words deep_words = LENS_WORDS("`deep`", "true");
static const struct lens_words spellings =
    LENS_WORDS("a spelling of keys", "snake", "camel", "pascal", "kebab");

static bool
wrong(struct lens_builder *b, const struct yaml *at, const char *what,
      const char *remedy)
{
    yaml_problem(b->problems, at, "%s", what);
    problem_remedy(b->problems, "%s", remedy);
    return false;
}

static bool
ends_in_star(const struct lens_place *p)
{
    return p->n > 0 && p->steps[p->n - 1].kind == LENS_EACH;
}

static bool
is_said(const struct yaml *node)
{
    static const char *const words[] = {"except", "keys", "deep", "foreign"};
    for (size_t i = 0; node->kind == YAML_MAP && i < COUNT(words); i++)
        if (yaml_get(node, words[i]))
            return true;
    return false;
}

/* Where both sides end so below another step it is the elements of a list. */
static bool
is_open(const struct yaml *node, const struct lens_way *w)
{
    bool star[2], alone[2];
    for (size_t side = 0; side < 2; side++) {
        star[side] = w->has[side] && ends_in_star(&w->place[side]);
        alone[side] = star[side] && w->place[side].n == 1;
    }
    if (!w->has[0] || !w->has[1])
        return star[0] || star[1];
    return alone[0] || alone[1] || (is_said(node) && star[0] && star[1]);
}

static bool
read_except(struct lens_builder *b, const struct yaml *node,
            struct lens_open *out)
{
    if (!node)
        return true;
    size_t n = node->kind == YAML_LIST ? node->n : 1;
    span *all = lens_array(b, n, sizeof(*all));
    for (size_t i = 0; all && i < n; i++)
        if (!lens_words_text(b, node->kind == YAML_LIST ? node->items[i] : node,
                             "a member of `except`", &all[i]))
            return false;
    out->except = all;
    out->n_except = n;
    return all != NULL;
}

/* `camel <> snake`, `any -> lower`. */
static bool
read_keys(struct lens_builder *b, const struct yaml *node,
          struct lens_open *out)
{
    span text;
    static const char remedy[] =
        "write keys: camel <> snake, keys: any -> lower or keys: lower <- any";
    if (!node)
        return true;
    if (!lens_words_text(b, node, "`keys`", &text))
        return false;
    out->respell = LENS_RESPELL_LOWER;
    out->any = LENS_OLDER;
    if (span_is(text, "any -> lower"))
        return true;
    out->any = LENS_NEWER;
    if (span_is(text, "lower <- any"))
        return true;
    out->respell = LENS_RESPELL_KEYS;
    ssize_t middle = span_find(text, '<');
    if (middle < 0 || !span_starts(span_skip(text, (size_t)middle), SPAN("<>")))
        return wrong(b, node, "this is no pair of spellings", remedy);
    span halves[2] = {span_trim(span_take(text, (size_t)middle)),
                      span_trim(span_skip(text, (size_t)middle + 2))};
    for (size_t side = 0; side < 2; side++) {
        bool known = false;
        for (size_t i = 0; i < spellings.n; i++)
            if (span_is(halves[side], spellings.known[i])) {
                out->spelling[side] = (enum lens_spelling)i;
                known = true;
            }
        if (!known)
            return wrong(b, node, "this is no pair of spellings", remedy);
    }
    return true;
}

/* Absence and fills are of one place; a member of an open set has no name here. */
static bool
check_arrow(struct lens_builder *b, const struct yaml *at,
            const struct lens_arrow *a)
{
    bool absence = a->has_stash || a->fill.kind > LENS_VALUE_ABSENT;
    for (size_t side = 0; side < 2; side++)
        absence =
            absence || a->absent[side].kind || a->omit[side] || a->null[side];
    return !absence ||
           wrong(b, at,
                 "an open set has no member that could be absent, filled or "
                 "stashed",
                 "say it of a member by its name");
}

static bool
no_words(struct lens_builder *b, const struct yaml *node)
{
    static const char *const words[] = {"except", "keys", "deep", "foreign"};
    for (size_t i = 0; node->kind == YAML_MAP && i < COUNT(words); i++)
        if (!lens_misplaced(b, node, words[i], "an open set, bag/*: \"*\""))
            return false;
    return true;
}

bool
lens_open_read(struct lens_builder *b, const struct yaml_entry *e,
               struct lens_arrow *arrow, struct lens_way *w)
{
    const struct yaml *node = e->value;
    if (!is_open(node, w))
        return no_words(b, node);
    if (w->has[0] && w->has[1] &&
        (!ends_in_star(&w->place[0]) || !ends_in_star(&w->place[1])))
        return wrong(b, e->key,
                     "an open set leads from a last `*` to a last `*`",
                     "write bag/*: \"*\"");
    struct lens_open *open = lens_array(b, 1, sizeof(*open));
    if (!open || !check_arrow(b, e->key, arrow))
        return false;
    w->open = open;
    if (node->kind != YAML_MAP)
        return true;
    if (!read_except(b, yaml_get(node, "except"), open) ||
        !read_keys(b, yaml_get(node, "keys"), open) ||
        !lens_flag_read(b, node, "deep", &deep_words, &open->deep) ||
        !lens_flag_read(b, node, "foreign", &foreign_words, &open->foreign))
        return false;
    return !open->deep || open->respell ||
           lens_misplaced(b, node, "deep", "`keys`");
}
