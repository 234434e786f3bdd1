/* SPDX-License-Identifier: Apache-2.0 */
/*
 * words: which words may stand where, and the sentence for one that may not.
 */
#include "translators/lens/build.h"

/* Of the language, and not of this build. What each would do is in LANGUAGE.md;
 * a file that uses one is refused by name, never half understood. */
static const char *const later[] = {"each", "patch", "contract"};

bool
lens_words_is_later(span word)
{
    for (size_t i = 0; i < COUNT(later); i++)
        if (span_is(word, later[i]))
            return true;
    return false;
}

void
lens_words_refuse(struct lens_builder *b, const struct yaml *at,
                  const char *word)
{
    yaml_problem(b->problems, at,
                 "`%s` is a word of the language that this build does not "
                 "translate yet",
                 word);
    problem_remedy(b->problems, "say the change without it");
}

static bool
among(const struct lens_words *words, span word)
{
    for (size_t i = 0; i < words->n; i++)
        if (span_is(word, words->known[i]))
            return true;
    return false;
}

static const char *
nearest(const struct lens_words *words, span word)
{
    const char *best = NULL;
    unsigned least = 3;
    for (size_t i = 0; i < words->n; i++) {
        unsigned d = edit_distance(word, span_str(words->known[i]));
        if (d < least && d < word.len) {
            least = d;
            best = words->known[i];
        }
    }
    return best;
}

static void
list_words(const struct lens_words *words, char *out, size_t size)
{
    size_t n = 0;
    out[0] = 0;
    for (size_t i = 0; i < words->n && n < size; i++) {
        int len = snprintf(out + n, size - n, "%s`%s`", i ? ", " : "",
                           words->known[i]);
        if (len < 0)
            return;
        n += (size_t)len;
    }
}

static void
say_remedy(struct lens_builder *b, const struct lens_words *words, span word)
{
    const char *near = nearest(words, word);
    if (near) {
        problem_remedy(b->problems, "did you mean `%s`?", near);
        return;
    }

    char all[400];
    list_words(words, all, sizeof(all));
    problem_remedy(b->problems, "it can be %s", all);
}

void
lens_words_unknown(struct lens_builder *b, const struct yaml *at,
                   const struct lens_words *words)
{
    if (at->kind != YAML_SCALAR) {
        yaml_problem(b->problems, at, "%s is one word, and this is %s",
                     words->what, yaml_what(at));
    } else if (lens_words_is_later(at->text)) {
        char word[32];
        snprintf(word, sizeof(word), "%.*s", SPAN_FMT(at->text));
        lens_words_refuse(b, at, word);
        return;
    } else {
        yaml_problem(b->problems, at, "`%.*s` is not a word of %s",
                     SPAN_FMT(span_take(at->text, 80)), words->what);
    }
    say_remedy(b, words, at->kind == YAML_SCALAR ? at->text : (span){0});
}

bool
lens_words_check(struct lens_builder *b, const struct yaml *map,
                 const struct lens_words *words)
{
    if (map->kind != YAML_MAP) {
        yaml_problem(b->problems, map, "%s is a map, and this is %s",
                     words->what, yaml_what(map));
        say_remedy(b, words, (span){0});
        return false;
    }
    bool good = true;
    for (size_t i = 0; i < map->n; i++) {
        const struct yaml *key = map->entries[i].key;
        if (key->kind == YAML_SCALAR && among(words, key->text))
            continue;
        lens_words_unknown(b, key, words);
        good = false;
    }
    return good;
}

int
lens_words_find(const struct yaml *node, const struct lens_words *words)
{
    if (node->kind != YAML_SCALAR || node->style != YAML_PLAIN)
        return -1;
    for (size_t i = 0; i < words->n; i++)
        if (span_is(node->text, words->known[i]))
            return (int)i;
    return -1;
}

int
lens_words_one(struct lens_builder *b, const struct yaml *node,
               const struct lens_words *words)
{
    int i = lens_words_find(node, words);
    if (i < 0)
        lens_words_unknown(b, node, words);
    return i;
}

bool
lens_words_text(struct lens_builder *b, const struct yaml *node,
                const char *what, span *out)
{
    if (node->kind != YAML_SCALAR || node->text.len == 0) {
        yaml_problem(b->problems, node, "%s is a text, and this is %s", what,
                     node->kind == YAML_SCALAR ? "empty" : yaml_what(node));
        return false;
    }
    *out = node->text;
    return true;
}

bool
lens_word_read(struct lens_builder *b, const struct yaml *node,
               const char *word, const struct lens_words *words, int *out)
{
    const struct yaml *said = yaml_get(node, word);
    *out = -1;
    if (!said)
        return true;
    *out = lens_words_one(b, said, words);
    return *out >= 0;
}

bool
lens_flag_read(struct lens_builder *b, const struct yaml *node,
               const char *word, const struct lens_words *words, bool *out)
{
    int i;
    if (!lens_word_read(b, node, word, words, &i))
        return false;
    *out = i == 0;
    return true;
}

bool
lens_misplaced(struct lens_builder *b, const struct yaml *node,
               const char *word, const char *needs)
{
    const struct yaml *said = yaml_get(node, word);
    if (!said)
        return true;
    yaml_problem(b->problems, said, "`%s` says nothing here", word);
    problem_remedy(b->problems, "it goes with %s", needs);
    return false;
}
