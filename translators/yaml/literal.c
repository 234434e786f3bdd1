/* SPDX-License-Identifier: Apache-2.0 */
#include "translators/yaml/literal.h"

#define DECIMAL "0123456789"

/* Take the bytes at the front that are among `set`; how many. */
static size_t
take_all(span *s, const char *set)
{
    size_t n = 0;

    while (n < s->len && s->at[n] != '\0' && strchr(set, s->at[n]))
        n++;
    *s = span_skip(*s, n);
    return n;
}

static bool
take_one(span *s, const char *set)
{
    if (s->len == 0 || s->at[0] == '\0' || !strchr(set, s->at[0]))
        return false;
    *s = span_skip(*s, 1);
    return true;
}

/* "e", a sign if it likes, and digits; nothing is fine too. */
static bool
exponent_fits(span *s)
{
    if (!take_one(s, "eE"))
        return true;
    take_one(s, "+-");
    return take_all(s, DECIMAL) > 0;
}

static bool
is_json_number(span s)
{
    take_one(&s, "-");
    if (!take_one(&s, "0") && take_all(&s, DECIMAL) == 0)
        return false;
    if (take_one(&s, ".") && take_all(&s, DECIMAL) == 0)
        return false;
    return exponent_fits(&s) && s.len == 0;
}

enum yaml_literal
yaml_literal_of(span plain)
{
    if (span_is(plain, "null"))
        return YAML_NULL;
    if (span_is(plain, "true") || span_is(plain, "false"))
        return YAML_BOOL;
    return is_json_number(plain) ? YAML_NUMBER : YAML_TEXT;
}

static bool
is_named(span s)
{
    static const char *const names[] = {".inf", ".Inf", ".INF",
                                        ".nan", ".NaN", ".NAN"};

    for (size_t i = 0; i < COUNT(names); i++) {
        if (span_is(s, names[i]))
            return true;
    }
    return false;
}

/* 0x, 0b and 0o, each with digits of its own. */
static bool
has_base(span s)
{
    static const struct {
        const char *letter;
        const char *digits;
    } bases[] = {
        {"x", "0123456789abcdefABCDEF_"}, {"b", "01_"}, {"o", "01234567_"}};

    if (!take_one(&s, "0"))
        return false;
    for (size_t i = 0; i < COUNT(bases); i++) {
        span rest = s;

        if (take_one(&rest, bases[i].letter))
            return take_all(&rest, bases[i].digits) > 0 && rest.len == 0;
    }
    return false;
}

/* Minutes and hours by colons: 1:30, 12:30:45.5. */
static bool
is_base_sixty(span s)
{
    size_t parts = 0;

    if (!take_one(&s, DECIMAL))
        return false;
    take_all(&s, DECIMAL "_");
    for (; take_one(&s, ":"); parts++) {
        span before = s;
        size_t n = take_all(&s, DECIMAL);

        if (n == 0 || n > 2 || (n == 2 && before.at[0] > '5'))
            return false;
    }
    if (take_one(&s, "."))
        take_all(&s, DECIMAL "_");
    return parts > 0 && s.len == 0;
}

/* Leading zeros, underscores, a point at either end. */
static bool
is_loose_decimal(span s)
{
    bool has_digit = s.len && strchr(DECIMAL, s.at[0]);

    if (has_digit)
        take_all(&s, DECIMAL "_");
    if (take_one(&s, ".")) {
        has_digit = has_digit || (s.len && strchr(DECIMAL, s.at[0]));
        take_all(&s, DECIMAL "_");
    }
    return has_digit && exponent_fits(&s) && s.len == 0;
}

bool
yaml_is_foreign_number(span plain)
{
    if (is_json_number(plain))
        return false;
    take_one(&plain, "+-");
    return is_named(plain) || has_base(plain) || is_base_sixty(plain) ||
           is_loose_decimal(plain);
}
