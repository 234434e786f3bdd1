/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/translators/documents.h"

#include "proxy/base/problem.h"

#include <math.h>

struct json *
document_read(struct arena *a, const char *path)
{
    struct json *root = NULL;
    struct err e;
    if (json_parse(a, test_file(a, path), JSON_DEPTH_DEFAULT, &root, &e) != OK)
        fail_msg("%s: %s", path, e.text);
    return root;
}

/* ---- comparing ------------------------------------------------------------------- */

static span differ(struct arena *a, const struct json *is,
                   const struct json *should, span at);

static double
number(struct arena *a, span text)
{
    return strtod(arena_str(a, text), NULL);
}

/* JSON inside of a text, if that is what it is. */
static struct json *
inner(struct arena *a, span text)
{
    struct json *root = NULL;
    struct err e;
    if (json_parse(a, text, JSON_DEPTH_DEFAULT, &root, &e) != OK)
        return NULL;
    return json_is_container(root) ? root : NULL;
}

/* NOLINTBEGIN(misc-no-recursion): as deep as the example files */
static bool
same_scalar(struct arena *a, const struct json *is, const struct json *should)
{
    switch (is->kind) {
    case JSON_NUMBER:
        return span_eq(is->text, should->text) ||
               !(fabs(number(a, is->text) - number(a, should->text)) > 0);
    case JSON_TEXT: {
        struct json *x = inner(a, is->text);
        struct json *y = x ? inner(a, should->text) : NULL;
        return span_eq(is->text, should->text) ||
               (y && differ(a, x, y, SPAN("")).len == 0);
    }
    case JSON_BOOL:
        return is->truth == should->truth;
    case JSON_NULL:
    case JSON_LIST:
    case JSON_OBJECT:
        break;
    }
    return true;
}

static span
differ_members(struct arena *a, const struct json *is,
               const struct json *should, span at)
{
    for (size_t i = 0; i < should->n; i++) {
        bool object = is->kind == JSON_OBJECT;
        span key = should->members[i].key;
        const struct json *other =
            object ? json_get(is, key) : is->members[i].value;
        span below =
            object ? arena_fmt(a, "%.*s/%.*s", SPAN_FMT(at), SPAN_FMT(key))
                   : arena_fmt(a, "%.*s/%zu", SPAN_FMT(at), i);
        if (!other)
            return arena_fmt(a, "%.*s: missing", SPAN_FMT(below));
        span found = differ(a, other, should->members[i].value, below);
        if (found.len)
            return found;
    }
    return (span){0};
}

static span
differ(struct arena *a, const struct json *is, const struct json *should,
       span at)
{
    if (is->kind != should->kind)
        return arena_fmt(a, "%.*s: %s, should be %s", SPAN_FMT(at),
                         json_kind_word(is->kind),
                         json_kind_word(should->kind));
    if (!json_is_container(is))
        return same_scalar(a, is, should)
                   ? (span){0}
                   : arena_fmt(a, "%.*s: another value", SPAN_FMT(at));
    if (is->kind == JSON_LIST && is->n != should->n)
        return arena_fmt(a, "%.*s: %zu elements, should be %zu", SPAN_FMT(at),
                         is->n, should->n);
    for (size_t i = 0; is->kind == JSON_OBJECT && i < is->n; i++)
        if (!json_get(should, is->members[i].key))
            return arena_fmt(a, "%.*s/%.*s: too much", SPAN_FMT(at),
                             SPAN_FMT(is->members[i].key));
    return differ_members(a, is, should, at);
}
/* NOLINTEND(misc-no-recursion) */

span
document_difference(struct arena *a, const struct json *is,
                    const struct json *should)
{
    return differ(a, is, should, SPAN(""));
}

/* ---- translating -------------------------------------------------------------------- */

const struct translator *
document_texts(struct arena *a, const char *api_yaml,
               const struct lens_text *changes, size_t n_changes,
               const struct lens_api **api)
{
    struct problems problems;
    const struct translator *t = NULL;
    struct err e;
    problems_init(&problems, a);
    enum err_code code = lens_load_text(
        a, (struct lens_text){SPAN("api.yaml"), span_str(api_yaml)}, changes,
        n_changes, &problems, api);
    for (size_t i = 0; i < problems.n; i++)
        print_error("%.*s:%zu: %.*s\n", SPAN_FMT(problems.at[i].file),
                    problems.at[i].line, SPAN_FMT(problems.at[i].text));
    assert_int_equal(code, OK);
    assert_int_equal(translator_build(a, *api, &t, &e), OK);
    return t;
}

const struct translator *
document_api(struct arena *a, const char *name, const struct lens_api **api)
{
    span path =
        arena_fmt(a, "%s/config/examples/%s/api.yaml", STILE_SOURCE, name);
    struct problems problems;
    const struct translator *t = NULL;
    struct err e;
    problems_init(&problems, a);
    if (lens_load(a, path.at, &problems, api) != OK) {
        for (size_t i = 0; i < problems.n; i++)
            print_error("%.*s:%zu:%zu: %.*s (%.*s)\n",
                        SPAN_FMT(problems.at[i].file), problems.at[i].line,
                        problems.at[i].column, SPAN_FMT(problems.at[i].text),
                        SPAN_FMT(problems.at[i].remedy));
        fail_msg("%s does not load", path.at);
    }
    assert_int_equal(translator_build(a, *api, &t, &e), OK);
    return t;
}

span
document_translate(struct arena *a, const struct translator *t,
                   const struct message *m, size_t from, size_t to, span body,
                   const char *what)
{
    const struct program *p = NULL;
    struct translation *tr = NULL;
    struct translation_limits limits = {0};
    struct buf out;
    struct err e = {0};
    span result = body;
    enum program_need need = translator_program(t, a, m, from, to, &p, &e);
    if (need == PROGRAM_UNSUPPORTED)
        fail_msg("%s: %s", what, e.text);
    if (need == PROGRAM_PASS)
        return body;
    buf_init(&out, DOCUMENT_ROOM);
    assert_int_equal(translation_open(a, p, &limits, &out, &tr, &e), OK);
    if (translation_feed(tr, body) != OK || translation_end(tr) != OK)
        fail_msg(
            "%s: %s (at %.*s, %.*s:%u)", what, translation_fault(tr)->err.text,
            SPAN_FMT(translation_fault(tr)->pointer),
            SPAN_FMT(translation_fault(tr)->file), translation_fault(tr)->line);
    assert_true(span_dup(a, buf_span(&out), &result));
    buf_fini(&out);
    return result;
}
