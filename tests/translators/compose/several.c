/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/translators/compose/several.h"

#include "tests/test.h"
#include "translators/reference/decimal.h"
#include "translators/reference/form.h"

struct json *
several_part(struct arena *a, const struct lens_pattern *p,
             const struct json *text, size_t i)
{
    struct run r = {.arena = a, .scratch = a};
    span *parts = arena_array(a, p->n_names, sizeof(*parts));
    bool matches = false;
    if (!text || text->kind != JSON_TEXT)
        return NULL;
    assert_true(pattern_match(&r, p, text->text, parts, &matches));
    return matches ? json_new_text(a, parts[i]) : NULL;
}

struct json *
several_text(struct arena *a, const struct lens_pattern *p,
             struct json *const *parts)
{
    struct run r = {.arena = a, .scratch = a};
    span *texts = arena_array(a, p->n_names, sizeof(*texts));
    span text = {0};
    bool fits = false;
    for (size_t i = 0; i < p->n_names; i++) {
        if (!parts[i] || parts[i]->kind != JSON_TEXT)
            return NULL;
        texts[i] = parts[i]->text;
    }
    assert_true(pattern_join(&r, p, texts, &text, &fits));
    return fits ? json_new_text(a, text) : NULL;
}

/* False: they have no order. */
static bool
compare(struct arena *a, const struct json *x, const struct json *y, int *out)
{
    struct decimal one, two;
    if (x->kind == JSON_TEXT && y->kind == JSON_TEXT) {
        *out = span_cmp(x->text, y->text);
        return true;
    }
    if (x->kind != JSON_NUMBER || y->kind != JSON_NUMBER ||
        !decimal_read(a, x->text, &one) || !decimal_read(a, y->text, &two))
        return false;
    *out = decimal_compare(&one, &two);
    return true;
}

static struct json *
extreme(struct arena *a, struct json *const *values, size_t n, int sign)
{
    struct json *best = NULL;
    for (size_t i = 0; i < n; i++) {
        int c = 0;
        if (!values[i])
            continue;
        if (!compare(a, best ? best : values[i], values[i], &c))
            return NULL;
        if (!best || sign * c > 0)
            best = values[i];
    }
    return best;
}

static struct json *
sum(struct arena *a, struct json *const *values, size_t n)
{
    struct decimal all = {0}, one;
    for (size_t i = 0; i < n; i++)
        if (values[i] && (values[i]->kind != JSON_NUMBER ||
                          !decimal_read(a, values[i]->text, &one) ||
                          !decimal_add(a, &all, &one, &all)))
            return NULL;
    return json_new_number(a, decimal_print(a, &all));
}

bool
several_unequal(struct arena *a, struct json *const *values, size_t n,
                enum lens_unequal how, struct json **out, bool *unclean)
{
    struct json *first = NULL;
    bool all = true;
    for (size_t i = 0; i < n; i++) {
        const struct json *v = values[i];
        if (v && !first) {
            first = values[i];
            all = i == 0;
            continue;
        }
        all = all && v && json_alike(first, v);
        if (first && v && first->kind == JSON_TEXT && v->kind == JSON_TEXT)
            *unclean = *unclean || !json_text_is_clean(first) ||
                       !json_text_is_clean(v);
    }
    *out = first;
    if (all || !first)
        return false;
    if (how == LENS_UNEQUAL_MIN || how == LENS_UNEQUAL_MAX)
        *out = extreme(a, values, n, how == LENS_UNEQUAL_MIN ? 1 : -1);
    if (how == LENS_UNEQUAL_SUM)
        *out = sum(a, values, n);
    return true;
}
