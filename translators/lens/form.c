/* SPDX-License-Identifier: Apache-2.0 */
/*
 * form: `as: X <> Y`, two spellings of one value.
 */
#include "translators/lens/build.h"

enum group { NUM, TRUTH, INSTANT, DURATION, BYTES, TEXT, ANY };

static const struct {
    const char *word;
    enum group group;
    char parameter;
} forms[] = {
#define X(name, group, word, parameter) {word, group, parameter},
    LENS_FORMS(X)
#undef X
};

static const struct lens_words spellings =
    LENS_WORDS("a spelling of keys", "snake", "camel", "pascal", "kebab");

/* Of the language: forms of lists and maps. */
static const char *const later[] = {"any"};

const char *
lens_form_word(enum lens_form_kind kind)
{
    return forms[kind].word;
}

/* One side of `<>`: its word and, if any, what stands in parentheses. */
struct half {
    span word;
    span arguments;
    bool has_arguments;
};

static bool
wrong(struct lens_builder *b, const struct yaml *node, span at,
      const char *what, const char *remedy)
{
    yaml_problem(b->problems, node, "`%.*s` %s", SPAN_FMT(span_take(at, 80)),
                 what);
    problem_remedy(b->problems, "%s", remedy);
    return false;
}

static bool
is_later(span text)
{
    for (size_t i = 0; i < COUNT(later); i++) {
        const char *w = later[i];
        bool start = w[0] == '"' || strchr(w, '(');
        if (start ? span_starts(text, span_str(w)) : span_is(text, w))
            return true;
    }
    return false;
}

/* ---- parameters ---- */

static bool
unquote(span s, span *out)
{
    if (s.len < 2 || (s.at[0] != '"' && s.at[0] != '\'') ||
        s.at[s.len - 1] != s.at[0])
        return false;
    *out = span_of(s.at + 1, s.len - 2);
    return true;
}

static bool
read_digits(struct lens_builder *b, const struct yaml *node,
            const struct half *h, struct lens_form *out)
{
    uint64_t k = 0;
    if (!span_to_u64(h->arguments, &k) || k > 18)
        return wrong(b, node, h->word, "counts digits, from 0 to 18",
                     "write decimal(2)");
    out->digits = (unsigned)k;
    return true;
}

static bool
is_zero(span number)
{
    for (size_t i = 0; i < number.len; i++)
        if (number.at && number.at[i] >= '1' && number.at[i] <= '9')
            return false;
    return true;
}

static bool
read_factor(struct lens_builder *b, const struct yaml *node,
            const struct half *h, struct lens_form *out)
{
    span k = h->arguments;
    bool exponent = span_find(k, 'e') >= 0 || span_find(k, 'E') >= 0;
    if (!json_is_number(k) || is_zero(k) || k.len > 40 || exponent)
        return wrong(b, node, h->word, "multiplies by a decimal number, not 0",
                     "write times(100) or times(0.001)");
    out->factor = k;
    return true;
}

static bool
read_keys(struct lens_builder *b, const struct yaml *node, const struct half *h,
          struct lens_form *out)
{
    span depth = h->arguments;
    span word = span_trim(span_cut(&depth, ','));
    depth = span_trim(depth);
    uint64_t n = 0;
    if (depth.len > 0 && (!span_to_u64(depth, &n) || n == 0 || n > 128))
        return wrong(b, node, depth, "is no number of levels",
                     "write keys(snake, 1), or keys(snake) for all");
    out->depth = (unsigned)n;
    for (size_t i = 0; i < spellings.n; i++) {
        if (!span_is(word, spellings.known[i]))
            continue;
        out->spelling = (enum lens_spelling)i;
        return true;
    }
    return wrong(b, node, word, "is no spelling of keys",
                 "it can be snake, camel, pascal, kebab");
}

static bool
read_parameter(struct lens_builder *b, const struct yaml *node,
               const struct half *h, struct lens_form *out)
{
    char parameter = forms[out->kind].parameter;
    if (!parameter && h->has_arguments)
        return wrong(b, node, h->word, "takes nothing in parentheses",
                     "leave the parentheses out");
    if (parameter && h->arguments.len == 0)
        return wrong(
            b, node, h->word, "needs something in parentheses",
            "write decimal(2), minor(2), times(100), prefix(\"cus_\"), "
            "suffix(s) or keys(snake)");
    if (parameter == 'N')
        return read_digits(b, node, h, out);
    if (parameter == 'D')
        return read_factor(b, node, h, out);
    if (parameter == 'K')
        return read_keys(b, node, h, out);
    if (parameter == 'T' && !unquote(h->arguments, &out->text))
        out->text = h->arguments;
    return true;
}

/* ---- pairs ---- */

static bool
split_half(struct lens_builder *b, const struct yaml *node, span text,
           struct half *out)
{
    *out = (struct half){.word = text};
    ssize_t open = span_find(text, '(');
    if (open < 0)
        return true;
    if (text.at[text.len - 1] != ')')
        return wrong(b, node, text, "has a parenthesis that does not end",
                     "close it with `)`");
    out->word = span_take(text, (size_t)open);
    out->arguments =
        span_trim(span_of(text.at + open + 1, text.len - (size_t)open - 2));
    out->has_arguments = true;
    return true;
}

static bool
is_form(span word)
{
    for (size_t i = 0; i < COUNT(forms); i++)
        if (span_is(word, forms[i].word))
            return true;
    return false;
}

static bool
unknown_form(struct lens_builder *b, const struct yaml *node, span word)
{
    unsigned least = 3;
    const char *near = NULL;
    for (size_t i = 0; i < COUNT(forms); i++) {
        unsigned d = edit_distance(word, span_str(forms[i].word));
        if (d < least && d < word.len) {
            least = d;
            near = forms[i].word;
        }
    }
    wrong(b, node, word, "is no form of a value",
          "see the list of forms in the language reference");
    if (near)
        problem_remedy(b->problems, "did you mean `%s`?", near);
    return false;
}

/* `string` and `int` are forms of numbers and of truths: the partner decides. */
static bool
pair_up(span x, span y, struct lens_form out[2])
{
    for (size_t i = 0; i < COUNT(forms); i++)
        for (size_t k = 0; k < COUNT(forms); k++) {
            if (!span_is(x, forms[i].word) || !span_is(y, forms[k].word) ||
                forms[i].group != forms[k].group)
                continue;
            out[LENS_OLDER].kind = (enum lens_form_kind)i;
            out[LENS_NEWER].kind = (enum lens_form_kind)k;
            return true;
        }
    return false;
}

static bool
are_kin(const struct lens_form f[2])
{
    bool keys[2] = {f[0].kind == LENS_AS_KEYS, f[1].kind == LENS_AS_KEYS};
    return keys[0] == keys[1];
}

static bool
is_quoted(span text)
{
    span inside;
    return text.len > 1 && text.at[0] == '"' && unquote(text, &inside);
}

/* `"{a}:{b}" <> "{b}-{a}"`, or with one part `"id-{a}" <> text`. */
static bool
read_patterns(struct lens_builder *b, const struct yaml *node,
              const span text[2], struct lens_stage *out)
{
    for (size_t i = 0; i < 2; i++) {
        struct half h;
        span inside = {0};
        if (is_quoted(text[i])) {
            (void)unquote(text[i], &inside);
            out->form[i].kind = LENS_AS_PATTERN;
            if (!lens_pattern_read(b, node, inside, &out->form[i].pattern))
                return false;
            continue;
        }
        struct lens_form pair[2];
        if (!split_half(b, node, text[i], &h))
            return false;
        if (!pair_up(h.word, SPAN("text"), pair))
            return wrong(b, node, h.word, "is no spelling of a text",
                         "pair a pattern with a pattern, text, lower, upper or "
                         "prefix(\"cus_\")");
        out->form[i].kind = pair[0].kind;
        if (!read_parameter(b, node, &h, &out->form[i]))
            return false;
    }
    return lens_pattern_pair(b, node, out->form);
}

static bool
read_forms(struct lens_builder *b, const struct yaml *node, span x, span y,
           struct lens_stage *out)
{
    struct half h[2];
    if (is_quoted(x) || is_quoted(y))
        return read_patterns(b, node, (const span[2]){x, y}, out);
    if (!split_half(b, node, x, &h[0]) || !split_half(b, node, y, &h[1]))
        return false;
    for (size_t i = 0; i < 2; i++)
        if (!is_form(h[i].word))
            return unknown_form(b, node, h[i].word);
    if (!pair_up(h[0].word, h[1].word, out->form) || !are_kin(out->form)) {
        yaml_problem(b->problems, node,
                     "`%.*s` and `%.*s` are not spellings of one kind of value",
                     SPAN_FMT(h[0].word), SPAN_FMT(h[1].word));
        problem_remedy(b->problems, "pair two numbers, truths, instants, "
                                    "durations, bytes, texts, or json_text <> "
                                    "json, keys(a) <> keys(b)");
        return false;
    }
    if (!read_parameter(b, node, &h[0], &out->form[0]) ||
        !read_parameter(b, node, &h[1], &out->form[1]))
        return false;
    for (size_t i = 0; i < 2; i++)
        if (out->form[i].kind == LENS_AS_BIN)
            b->api->has_bytes = true;
    if (out->form[0].depth == out->form[1].depth)
        return true;
    yaml_problem(b->problems, node,
                 "the keys are spelt to another depth on each side");
    problem_remedy(b->problems, "write keys(snake, 1) <> keys(camel, 1)");
    return false;
}

static bool
is_list_pair(span x, span y, struct lens_stage *out)
{
    bool one_list = span_is(x, "one") && span_is(y, "list");
    bool list_one = span_is(x, "list") && span_is(y, "one");
    out->kind = LENS_STAGE_LIST;
    out->one = list_one ? LENS_NEWER : LENS_OLDER;
    return one_list || list_one;
}

static bool
refuse_later(struct lens_builder *b, const struct yaml *node, span text)
{
    yaml_problem(b->problems, node,
                 "`%.*s` is of the language, and this build does not translate "
                 "it yet",
                 SPAN_FMT(span_take(text, 80)));
    problem_remedy(b->problems, "say the change without it");
    return false;
}

/* Where `<>` stands outside quotes; the text's length if nowhere. */
static size_t
arrow_at(span text)
{
    char quote = 0;
    for (size_t i = 0; i + 1 < text.len; i++) {
        char c = text.at[i];
        if (quote && c == quote)
            quote = 0;
        else if (quote)
            continue;
        else if (c == '"' || c == '\'')
            quote = c;
        else if (c == '<' && text.at[i + 1] == '>')
            return i;
    }
    return text.len;
}

static bool
is_each_pair(span x, span y, enum lens_side *one)
{
    bool one_each = span_is(x, "one") && span_is(y, "each");
    bool each_one = span_is(x, "each") && span_is(y, "one");
    *one = each_one ? LENS_NEWER : LENS_OLDER;
    return one_each || each_one;
}

static bool
item_is_each(const struct yaml *item, enum lens_side *one)
{
    size_t middle = item->kind == YAML_SCALAR ? arrow_at(item->text) : 0;
    return item->kind == YAML_SCALAR && middle < item->text.len &&
           is_each_pair(span_trim(span_take(item->text, middle)),
                        span_trim(span_skip(item->text, middle + 2)), one);
}

bool
lens_form_is_each(const struct yaml *node, enum lens_side *one)
{
    if (!node || node->kind != YAML_LIST)
        return node && item_is_each(node, one);
    for (size_t i = 0; i < node->n; i++)
        if (item_is_each(node->items[i], one))
            return true;
    return false;
}

static bool
refuse_each(struct lens_builder *b, const struct yaml *node)
{
    yaml_problem(
        b->problems, node,
        "`one <> each` stands on an arrow of `map`, once, and not in a "
        "case");
    problem_remedy(b->problems, "write a: {to: list/*/a, as: one <> each}");
    return false;
}

/* `paths(Order)`: texts that name fields of a type. */
static bool
read_paths(struct lens_builder *b, const struct yaml *node, span text,
           struct lens_stage *out)
{
    int type =
        lens_type_read(b, node, span_trim(span_of(text.at + 6, text.len - 7)));
    out->kind = LENS_STAGE_PATHS;
    out->type = type < 0 ? 0 : (size_t)type;
    return type >= 0;
}

static bool
read_pair(struct lens_builder *b, const struct yaml *node,
          struct lens_stage *out)
{
    span text;
    if (!lens_words_text(b, node, "`as`", &text))
        return false;
    if (is_later(text))
        return refuse_later(b, node, text);
    if (span_starts(text, SPAN("paths(")) && text.at[text.len - 1] == ')')
        return read_paths(b, node, text, out);
    size_t middle = arrow_at(text);
    if (middle == text.len)
        return wrong(b, node, text, "is not two forms",
                     "write the older form, <>, and the newer: minor(2) <> "
                     "decimal(2)");

    span x = span_trim(span_take(text, middle));
    span y = span_trim(span_skip(text, middle + 2));
    enum lens_side one;
    if (is_list_pair(x, y, out))
        return true;
    if (is_each_pair(x, y, &one))
        return refuse_each(b, node);
    if (lens_index_is(x, y))
        return lens_index_read(b, node, x, y, out);
    if (is_later(x) || is_later(y))
        return refuse_later(b, node, is_later(x) ? x : y);
    out->kind = LENS_STAGE_FORM;
    return read_forms(b, node, x, y, out);
}

bool
lens_form_read(struct lens_builder *b, const struct yaml *node,
               struct lens_vec *stages)
{
    size_t n = node->kind == YAML_LIST ? node->n : 1;
    bool each = b->each;
    for (size_t i = 0; i < n; i++) {
        struct lens_stage one = {0};
        enum lens_side side;
        const struct yaml *item =
            node->kind == YAML_LIST ? node->items[i] : node;
        if (each && item_is_each(item, &side)) {
            each = false; /* a second one is refused */
            continue;
        }
        if (!read_pair(b, item, &one))
            return false;
        struct lens_stage *slot = lens_vec_add(b, stages, sizeof(one));
        if (!slot)
            return false;
        *slot = one;
    }
    return true;
}
