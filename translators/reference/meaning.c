/* SPDX-License-Identifier: Apache-2.0 */
#include "translators/reference/meaning.h"

/* 10^-3 and so on for the words behind a number: "30s", "5m". */
static bool
unit_of(span suffix, struct arena *a, struct decimal *unit)
{
    static const struct {
        const char *suffix;
        const char *seconds;
    } units[] = {{"ns", "1e-9"}, {"us", "1e-6"}, {"ms", "1e-3"}, {"m", "60"},
                 {"min", "60"},  {"h", "3600"},  {"d", "86400"}};
    for (size_t i = 0; i < COUNT(units); i++)
        if (span_is(suffix, units[i].suffix))
            return decimal_read(a, span_str(units[i].seconds), unit);
    return decimal_read(a, SPAN("1"), unit); /* "s", or a word of their own */
}

static bool
read_decimal_text(struct arena *a, const struct lens_form *form, span text,
                  struct decimal *out)
{
    span number = text;
    if (span_starts(number, SPAN("+")))
        number = span_skip(number, 1);
    if (number.len < text.len && span_starts(number, SPAN("-")))
        return false; /* "+-1" */
    return decimal_read(a, number, out) &&
           out->exponent >= -(int64_t)form->digits;
}

static bool
read_number(struct arena *a, const struct lens_form *form,
            const struct json *value, struct meaning *out)
{
    struct decimal factor;
    if (value->kind != JSON_NUMBER ||
        !decimal_read(a, value->text, &out->number))
        return false;
    switch (form->kind) {
    case LENS_AS_NUMBER:
        out->text = value->text;
        return true;
    case LENS_AS_INT:
        return decimal_is_whole(&out->number);
    case LENS_AS_MINOR:
        if (!decimal_is_whole(&out->number))
            return false;
        out->number = decimal_shift(out->number, -(int)form->digits);
        return true;
    case LENS_AS_TIMES:
        return decimal_read(a, form->factor, &factor) &&
               decimal_over(a, &out->number, &factor, &out->number);
    case LENS_AS_UNIX_MS:
    case LENS_AS_MILLIS:
        out->number = decimal_shift(out->number, -3);
        return true;
    default: /* unix_s, seconds: as it is */
        return true;
    }
}

static bool
read_suffixed(struct arena *a, const struct lens_form *form, span text,
              struct decimal *out)
{
    struct decimal unit;
    if (!span_ends(text, form->text))
        return false;
    text.len -= form->text.len;
    return decimal_read(a, text, out) && unit_of(form->text, a, &unit) &&
           decimal_times(a, out, &unit, out);
}

static bool
read_text(struct arena *a, const struct lens_form *form, span text,
          struct meaning *out)
{
    switch (form->kind) {
    case LENS_AS_NUMBER_TEXT:
        out->text = text;
        return decimal_read(a, text, &out->number);
    case LENS_AS_DECIMAL:
        return read_decimal_text(a, form, text, &out->number);
    case LENS_AS_BOOL_TEXT:
        out->truth = span_is(text, "true");
        return out->truth || span_is(text, "false");
    case LENS_AS_RFC3339:
    case LENS_AS_DATE:
        return instant_read(a, text, form->kind == LENS_AS_DATE, &out->number);
    case LENS_AS_SUFFIX:
        return read_suffixed(a, form, text, &out->number);
    case LENS_AS_ISO:
        return duration_read_iso(a, text, &out->number);
    case LENS_AS_BASE64:
    case LENS_AS_BASE64URL:
    case LENS_AS_HEX:
        return bytes_read(a, form->kind, text, &out->text);
    case LENS_AS_BIN: /* JSON spells bytes so */
        return bytes_read(a, LENS_AS_BASE64, text, &out->text);
    case LENS_AS_TEXT:
    case LENS_AS_LOWER:
    case LENS_AS_UPPER:
        out->text = text;
        return true;
    case LENS_AS_PREFIX:
        if (!span_starts(text, form->text))
            return false;
        out->text = span_skip(text, form->text.len);
        return true;
    default:
        return false;
    }
}

bool
meaning_read(struct arena *a, const struct lens_form *form,
             const struct json *value, struct meaning *out)
{
    *out = (struct meaning){0};
    switch (form->kind) {
    case LENS_AS_NUMBER:
    case LENS_AS_INT:
    case LENS_AS_MINOR:
    case LENS_AS_TIMES:
    case LENS_AS_UNIX_S:
    case LENS_AS_UNIX_MS:
    case LENS_AS_SECONDS:
    case LENS_AS_MILLIS:
        return read_number(a, form, value, out);
    case LENS_AS_BOOL:
        out->truth = value->truth;
        return value->kind == JSON_BOOL;
    case LENS_AS_BOOL_INT:
        if (value->kind != JSON_NUMBER ||
            !decimal_read(a, value->text, &out->number))
            return false;
        out->truth = !decimal_is_zero(&out->number);
        return !out->truth ||
               (span_is(out->number.digits, "1") && out->number.exponent == 0 &&
                !out->number.negative);
    default:
        return value->kind == JSON_TEXT && read_text(a, form, value->text, out);
    }
}

static struct json *
number_of(struct arena *a, span text)
{
    return text.at ? json_new_number(a, text) : NULL;
}

static struct json *
text_of(struct arena *a, span text)
{
    return text.at ? json_new_text(a, text) : NULL;
}

static struct json *
write_number(struct arena *a, const struct lens_form *form,
             const struct meaning *m)
{
    struct decimal n = m->number;
    struct decimal factor;
    switch (form->kind) {
    case LENS_AS_NUMBER:
        return number_of(a, m->text.at ? m->text : decimal_print(a, &n));
    case LENS_AS_INT:
        break;
    case LENS_AS_MINOR:
        n = decimal_shift(n, (int)form->digits);
        break;
    case LENS_AS_TIMES:
        if (!decimal_read(a, form->factor, &factor) ||
            !decimal_times(a, &n, &factor, &n))
            return NULL;
        return number_of(a, decimal_print(a, &n));
    case LENS_AS_UNIX_MS:
    case LENS_AS_MILLIS:
        return number_of(a, (n = decimal_shift(n, 3), decimal_print(a, &n)));
    default: /* unix_s, seconds */
        return number_of(a, decimal_print(a, &n));
    }
    return decimal_is_whole(&n) ? number_of(a, decimal_print(a, &n)) : NULL;
}

/* ASCII letters alone change their case. */
static span
cased(struct arena *a, span text, char first)
{
    char *out = arena_alloc(a, text.len + 1);
    if (!out)
        return (span){0};
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.at[i];
        bool other =
            c >= (unsigned char)first && c <= (unsigned char)first + 25;
        out[i] = (char)(other ? c ^ 0x20 : c); /* cases differ in this bit */
    }
    return span_of(out, text.len);
}

static struct json *
write_suffixed(struct arena *a, const struct lens_form *form,
               const struct meaning *m)
{
    struct decimal unit;
    struct decimal n;
    if (!unit_of(form->text, a, &unit) ||
        !decimal_over(a, &m->number, &unit, &n))
        return NULL;
    span number = decimal_print(a, &n);
    if (!number.at)
        return NULL;
    return text_of(a, arena_fmt(a, "%.*s%.*s", (int)number.len, number.at,
                                (int)form->text.len, form->text.at));
}

static struct json *
write_prefixed(struct arena *a, const struct lens_form *form, span text)
{
    char *out = arena_alloc(a, form->text.len + text.len + 1);
    if (!out)
        return NULL;
    memcpy(out, form->text.at, form->text.len);
    if (text.len)
        memcpy(out + form->text.len, text.at, text.len);
    return json_new_text(a, span_of(out, form->text.len + text.len));
}

static struct json *
write_bytes(struct arena *a, const struct lens_form *form, span bytes)
{
    span out;
    return bytes_write(a, form->kind, bytes, &out) ? json_new_text(a, out)
                                                   : NULL;
}

struct json *
meaning_write(struct arena *a, const struct lens_form *form,
              const struct meaning *m)
{
    switch (form->kind) {
    case LENS_AS_NUMBER_TEXT:
        return text_of(a, m->text.at ? m->text : decimal_print(a, &m->number));
    case LENS_AS_DECIMAL:
        return text_of(a, decimal_print_fixed(a, &m->number, form->digits));
    case LENS_AS_BOOL:
        return json_new_bool(a, m->truth);
    case LENS_AS_BOOL_TEXT:
        return json_new_text(a, m->truth ? SPAN("true") : SPAN("false"));
    case LENS_AS_BOOL_INT:
        return json_new_number(a, m->truth ? SPAN("1") : SPAN("0"));
    case LENS_AS_RFC3339:
    case LENS_AS_DATE:
        return text_of(
            a, instant_write(a, &m->number, form->kind == LENS_AS_DATE));
    case LENS_AS_SUFFIX:
        return write_suffixed(a, form, m);
    case LENS_AS_ISO:
        return text_of(a, duration_write_iso(a, &m->number));
    case LENS_AS_BASE64:
    case LENS_AS_BASE64URL:
    case LENS_AS_HEX:
        return write_bytes(a, form, m->text);
    case LENS_AS_TEXT:
        return json_new_text(a, m->text);
    case LENS_AS_LOWER:
        return text_of(a, cased(a, m->text, 'A'));
    case LENS_AS_UPPER:
        return text_of(a, cased(a, m->text, 'a'));
    case LENS_AS_PREFIX:
        return write_prefixed(a, form, m->text);
    case LENS_AS_BIN: {
        static const struct lens_form base64 = {.kind = LENS_AS_BASE64};
        return write_bytes(a, &base64, m->text);
    }
    case LENS_AS_JSON:
    case LENS_AS_JSON_TEXT:
    case LENS_AS_KEYS:
    case LENS_AS_PATTERN: /* of another kind: form.c */
        return NULL;
    case LENS_AS_NUMBER:
    case LENS_AS_INT:
    case LENS_AS_MINOR:
    case LENS_AS_TIMES:
    case LENS_AS_UNIX_S:
    case LENS_AS_UNIX_MS:
    case LENS_AS_SECONDS:
    case LENS_AS_MILLIS:
        return write_number(a, form, m);
    }
    return NULL;
}
