/* SPDX-License-Identifier: Apache-2.0 */
#include "translators/reference/form.h"

#include "translators/json/carried.h"
#include "translators/reference/meaning.h"
#include "translators/reference/spot.h"

/* NOLINTBEGIN(misc-no-recursion): as deep as a document may be */

static const char *
word_of(enum lens_form_kind kind)
{
    switch (kind) {
#define X(name, group, spelling, parameter)                                    \
    case LENS_AS_##name:                                                       \
        return spelling;
        LENS_FORMS(X)
#undef X
    }
    return "form";
}

void
form_show(const struct lens_form *form, char *text, size_t size)
{
    const char *word = word_of(form->kind);
    switch (form->kind) {
    case LENS_AS_DECIMAL:
    case LENS_AS_MINOR:
        snprintf(text, size, "%s(%u)", word, form->digits);
        return;
    case LENS_AS_TIMES:
        snprintf(text, size, "%s(%.*s)", word, SPAN_FMT(form->factor));
        return;
    case LENS_AS_PATTERN:
        snprintf(text, size, "\"%.*s\"", SPAN_FMT(form->pattern->text));
        return;
    case LENS_AS_PREFIX:
        snprintf(text, size, "%s(\"%.*s\")", word, SPAN_FMT(form->text));
        return;
    case LENS_AS_SUFFIX:
        snprintf(text, size, "%s(%.*s)", word, SPAN_FMT(form->text));
        return;
    default: /* no parameter, or one that a sentence does not need */
        snprintf(text, size, "%s", word);
    }
}

/* Containers print compactly once they are touched. */
static void
touch_all(struct json *node)
{
    if (!json_is_container(node))
        return;
    json_touch(node);
    for (size_t i = 0; i < node->n; i++)
        touch_all(node->members[i].value);
}

span
form_compact(struct run *r, const struct json *node)
{
    struct buf b;
    span out = {0};
    struct json *copy = json_clone(r->scratch, node);
    if (!copy) {
        run_full(r);
        return out;
    }
    touch_all(copy);
    buf_init(&b, arena_limit(r->arena));
    json_print(copy, &b);
    bool ok = !buf_failed(&b) && span_dup(r->arena, buf_span(&b), &out);
    buf_fini(&b);
    if (ok)
        return out;
    run_full(r);
    return (span){0};
}

bool
form_is_too_deep(span text, size_t offset, size_t depth_max)
{
    size_t depth = 0;
    bool in_text = false;
    for (size_t i = 0; i <= offset && i < text.len; i++) {
        char c = text.at[i];
        if (in_text && c == '\\')
            i++;
        else if (c == '"')
            in_text = !in_text;
        else if (!in_text && (c == '[' || c == '{'))
            depth++;
        else if (!in_text && (c == ']' || c == '}'))
            depth--;
    }
    return depth > depth_max;
}

/* Is half a surrogate pair more than that? */
static bool
carries(const struct run *r)
{
    return r->comes_packed || r->goes_packed;
}

bool
form_parse(struct run *r, span text, size_t at, struct json **out)
{
    struct err e;
    unsigned state = 0;
    *out = NULL;
    if (carries(r) && carried_is_in(text, &state))
        return true; /* what nobody has carried */
    enum err_code code = json_parse(r->arena, text, r->depth_max, out, &e);
    if (code == OK)
        return run_derive(r, *out, at);
    *out = NULL;
    /* Too deep is outside; a full arena is a failure. */
    return code != ERR_LIMIT ||
           form_is_too_deep(text, e.offset, r->depth_max) || run_full(r);
}

static enum form_result
decode(struct run *r, struct json *value, struct json **out, bool *respelt)
{
    if (value->kind != JSON_TEXT)
        return FORM_OUTSIDE;
    if (!spot_is_readable(r, value) ||
        !form_parse(r, value->text, run_origin(value), out))
        return FORM_FAILED;
    if (!*out)
        return FORM_OUTSIDE;
    span back = form_compact(r, *out);
    if (!back.at)
        return FORM_FAILED;
    /* A null passes every form, so it does not become a text again. */
    *respelt = (*out)->kind == JSON_NULL || !span_eq(back, value->text);
    return FORM_DONE;
}

static enum form_result
encode(struct run *r, struct json *value, struct json **out)
{
    spot_purge(value);
    span text = form_compact(r, value);
    unsigned state = 0;
    if (!text.at)
        return FORM_FAILED;
    if (carries(r) && carried_is_in(text, &state))
        return FORM_OUTSIDE; /* a text has no bytes */
    *out = json_new_text(r->arena, text);
    if (!*out) {
        run_full(r);
        return FORM_FAILED;
    }
    return run_derive(r, *out, run_origin(value)) ? FORM_DONE : FORM_FAILED;
}

static bool
is_any(enum lens_form_kind kind)
{
    return kind == LENS_AS_JSON || kind == LENS_AS_JSON_TEXT ||
           kind == LENS_AS_KEYS;
}

/* Forms of any value: JSON in a text, keys spelt otherwise. */
static enum form_result
convert_any(struct run *r, const struct lens_form *from,
            const struct lens_form *to, struct json *value, struct json **out,
            bool *respelt)
{
    *out = value;
    if (from->kind == LENS_AS_JSON_TEXT) {
        enum form_result done = decode(r, value, out, respelt);
        if (done != FORM_DONE)
            return done;
    }
    if (from->kind == LENS_AS_KEYS && to->kind == LENS_AS_KEYS) {
        enum form_result done =
            form_spell_keys(r, from->spelling, to->spelling, from->depth, *out);
        if (done != FORM_DONE)
            return done;
    }
    return to->kind == LENS_AS_JSON_TEXT ? encode(r, *out, out) : FORM_DONE;
}

/* There and back: is it spelt as it was? */
static bool
comes_back(struct run *r, const struct lens_form *from,
           const struct lens_form *to, const struct json *value,
           const struct json *image)
{
    struct meaning m;
    if (!meaning_read(r->arena, to, image, &m))
        return false;
    struct json *back = meaning_write(r->arena, from, &m);
    return back && json_alike(back, value);
}

/* A parameter or field is a text: what a form of numbers or truths reads in it. */
static bool
typed(struct run *r, const struct lens_form *form, struct json *value,
      struct json **out)
{
    static const enum lens_form_kind numbers[] = {
        LENS_AS_NUMBER, LENS_AS_INT,     LENS_AS_MINOR,
        LENS_AS_TIMES,  LENS_AS_UNIX_S,  LENS_AS_UNIX_MS,
        LENS_AS_MILLIS, LENS_AS_SECONDS, LENS_AS_BOOL_INT};
    bool is_truth =
        span_is(value->text, "true") || span_is(value->text, "false");
    struct json *made = value;
    for (size_t i = 0; i < COUNT(numbers); i++)
        if (form->kind == numbers[i] && json_is_number(value->text))
            made = json_new_number(r->arena, value->text);
    if (form->kind == LENS_AS_BOOL && is_truth)
        made = json_new_bool(r->arena, span_is(value->text, "true"));
    *out = made;
    return made || run_full(r);
}

/* And the text that stands for what a form wrote. */
static bool
untyped(struct run *r, struct json **value)
{
    const struct json *was = *value;
    if (was->kind == JSON_NUMBER)
        *value = json_new_text(r->arena, was->text);
    else if (was->kind == JSON_BOOL)
        *value =
            json_new_text(r->arena, was->truth ? SPAN("true") : SPAN("false"));
    return *value || run_full(r);
}

/* The parts of a text; without a pattern the text is the one part. */
static enum form_result
parts_of(struct run *r, const struct lens_form *form, const struct json *value,
         span *parts)
{
    bool matches = false;
    struct meaning m;
    if (!form->pattern) {
        if (!meaning_read(r->arena, form, value, &m))
            return FORM_OUTSIDE;
        parts[0] = m.text;
        return FORM_DONE;
    }
    if (value->kind != JSON_TEXT)
        return FORM_OUTSIDE;
    if (!pattern_match(r, form->pattern, value->text, parts, &matches))
        return FORM_FAILED;
    return matches ? FORM_DONE : FORM_OUTSIDE;
}

static enum form_result
of_parts(struct run *r, const struct lens_form *form, const span *parts,
         struct json **out)
{
    bool fits = false;
    span text = {0};
    struct meaning m = {.text = parts[0]};
    if (!form->pattern) {
        *out = meaning_write(r->arena, form, &m);
        return *out ? FORM_DONE : FORM_OUTSIDE;
    }
    if (!pattern_join(r, form->pattern, parts, &text, &fits))
        return FORM_FAILED;
    if (!fits)
        return FORM_OUTSIDE;
    *out = json_new_text(r->arena, text);
    if (*out)
        return FORM_DONE;
    run_full(r);
    return FORM_FAILED;
}

/* `"{a}:{b}"` to `"{b}-{a}"`: the parts by their names. */
static enum form_result
convert_parts(struct run *r, const struct lens_form *from,
              const struct lens_form *to, const struct json *value,
              struct json **out, bool *respelt)
{
    size_t n = from->pattern ? from->pattern->n_names : 1;
    span *parts = arena_array(r->scratch, n, sizeof(*parts));
    span *named = arena_array(r->scratch, n, sizeof(*named));
    if (!parts || !named) {
        run_full(r);
        return FORM_FAILED;
    }
    enum form_result done = parts_of(r, from, value, parts);
    for (size_t i = 0; i < n; i++)
        named[i] = parts[to->order ? to->order[i] : 0];
    if (done == FORM_DONE)
        done = of_parts(r, to, named, out);
    if (done != FORM_DONE)
        return done;

    /* There and back: lower and upper do not keep the case. */
    struct json *back = NULL;
    done = parts_of(r, to, *out, named);
    for (size_t i = 0; i < n; i++)
        parts[i] = named[from->order ? from->order[i] : 0];
    if (done == FORM_DONE)
        done = of_parts(r, from, parts, &back);
    if (done == FORM_FAILED)
        return done;
    *respelt = !back || !json_alike(back, value);
    return FORM_DONE;
}

static enum form_result
convert(struct run *r, const struct lens_form *from, const struct lens_form *to,
        struct json *value, struct json **out, bool *respelt)
{
    struct meaning m;
    if (from->pattern || to->pattern)
        return convert_parts(r, from, to, value, out, respelt);
    if (!meaning_read(r->arena, from, value, &m))
        return FORM_OUTSIDE;
    *out = meaning_write(r->arena, to, &m);
    if (!*out)
        return FORM_OUTSIDE;
    *respelt = !comes_back(r, from, to, value, *out);
    return FORM_DONE;
}

/* ---- bytes ---- */

bool
form_is_carried(const struct run *r, const struct json *value)
{
    return carries(r) && value->kind == JSON_TEXT &&
           span_starts(value->text, SPAN(CARRIED_BYTES_TEXT));
}

/* Bytes as JSON spells them. What came in MessagePack as a text is none. */
static enum form_result
bytes_as_text(struct run *r, struct json **value)
{
    struct json *was = *value;
    if (!form_is_carried(r, was)) {
        bool came = r->comes_packed && !was->touched && !r->texts_read;
        return came ? FORM_OUTSIDE : FORM_DONE;
    }
    span base64 = span_skip(was->text, sizeof(CARRIED_BYTES_TEXT) - 1);
    *value = json_new_text(r->arena, base64);
    if (*value && run_derive(r, *value, run_origin(was)))
        return FORM_DONE;
    run_full(r);
    return FORM_FAILED;
}

/* And carried, where the body is to be MessagePack. */
static bool
carry(struct run *r, struct json **value)
{
    struct buf b;
    if (!r->goes_packed || r->texts_write || (*value)->kind != JSON_TEXT)
        return true;
    buf_init(&b, arena_limit(r->arena));
    buf_add(&b, SPAN(CARRIED_BYTES_TEXT));
    buf_add(&b, (*value)->text);
    *value = buf_failed(&b) ? NULL : json_new_text(r->arena, buf_span(&b));
    buf_fini(&b);
    return *value || run_full(r);
}

struct json *
form_literal(struct run *r, const struct lens_stages *stages,
             enum lens_side write, struct json *literal)
{
    size_t last = write == LENS_NEWER ? stages->n - 1 : 0;
    if (!literal || stages->n == 0 ||
        stages->at[last].kind != LENS_STAGE_FORM ||
        stages->at[last].form[write].kind != LENS_AS_BIN)
        return literal;
    size_t at = run_origin(literal);
    return carry(r, &literal) && run_derive(r, literal, at) ? literal : NULL;
}

/* What had no room was not read or not written: that is no word about the value. */
static enum form_result
judged(struct run *r, enum form_result done)
{
    if (done == FORM_FAILED || !arena_is_full(r->arena))
        return done;
    run_full(r);
    return FORM_FAILED;
}

enum form_result
form_convert(struct run *r, const struct lens_form *from,
             const struct lens_form *to, struct json *value, struct json **out,
             bool *respelt)
{
    bool is_text = r->texts_read && value->kind == JSON_TEXT;
    struct json *read = value;
    *out = value;
    *respelt = false;
    if (value->kind == JSON_NULL)
        return FORM_DONE;
    if (is_any(from->kind) || is_any(to->kind))
        return convert_any(r, from, to, value, out, respelt);

    enum form_result done = FORM_DONE;
    if (from->kind == LENS_AS_BIN)
        done = bytes_as_text(r, &read);
    if (done != FORM_DONE)
        return done;
    if (!spot_is_readable(r, read) ||
        (is_text && !typed(r, from, value, &read)))
        return FORM_FAILED;
    done = judged(r, convert(r, from, to, read, out, respelt));
    if (done != FORM_DONE)
        return done;
    if ((r->texts_write && !untyped(r, out)) ||
        (to->kind == LENS_AS_BIN && !carry(r, out)))
        return FORM_FAILED;
    return run_derive(r, *out, run_origin(value)) ? FORM_DONE : FORM_FAILED;
}
/* NOLINTEND(misc-no-recursion) */
