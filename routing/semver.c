/* SPDX-License-Identifier: Apache-2.0 */
#include "routing/semver.h"

/* ---- one version ---- */

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool
is_identifier(span s)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.at[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!letter && !is_digit(c) && c != '-')
            return false;
    }
    return s.len > 0;
}

static bool
is_dotted(span s)
{
    bool more = true;

    while (more) {
        more = span_find(s, '.') >= 0;
        if (!is_identifier(span_cut(&s, '.')))
            return false;
    }
    return true;
}

static bool
numbers_parse(span s, struct semver *out)
{
    bool more = true;

    for (size_t n = 0; more; n++) {
        more = span_find(s, '.') >= 0;
        if (n == SEMVER_PARTS ||
            !span_to_u64(span_cut(&s, '.'), &out->parts[n]))
            return false;
    }
    return true;
}

bool
semver_parse(span s, struct semver *out)
{
    bool has_build = span_find(s, '+') >= 0;
    span build = s;
    span version = span_cut(&build, '+');
    bool has_pre = span_find(version, '-') >= 0;
    span pre = version;
    span numbers = span_cut(&pre, '-');

    *out = (struct semver){0};
    if (has_pre)
        out->pre = pre;
    return numbers_parse(numbers, out) && (!has_pre || is_dotted(pre)) &&
           (!has_build || is_dotted(build));
}

static bool
is_number(span s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!is_digit(s.at[i]))
            return false;
    return true;
}

/* Numbers below words, numbers by value of any length, words bytewise. */
static int
identifier_compare(span a, span b)
{
    if (is_number(a) != is_number(b))
        return is_number(a) ? -1 : 1;
    if (!is_number(a))
        return span_cmp(a, b);
    while (a.len > 1 && a.at[0] == '0')
        a = span_skip(a, 1);
    while (b.len > 1 && b.at[0] == '0')
        b = span_skip(b, 1);
    if (a.len != b.len)
        return a.len < b.len ? -1 : 1;
    return span_cmp(a, b);
}

static int
pre_compare(span a, span b)
{
    if (a.len == 0 || b.len == 0)
        return (a.len == 0) - (b.len == 0);
    while (a.len > 0 && b.len > 0) {
        int c = identifier_compare(span_cut(&a, '.'), span_cut(&b, '.'));
        if (c != 0)
            return c;
    }
    return (a.len > 0) - (b.len > 0);
}

int
semver_compare(const struct semver *a, const struct semver *b)
{
    for (size_t i = 0; i < SEMVER_PARTS; i++)
        if (a->parts[i] != b->parts[i])
            return a->parts[i] < b->parts[i] ? -1 : 1;
    return pre_compare(a->pre, b->pre);
}

/* ---- ranges ---- */

static bool
low_holds(const struct semver_bound *low, const struct semver *v)
{
    int c = low->is_set ? semver_compare(v, &low->at) : 1;

    return c > 0 || (c == 0 && low->is_in);
}

static bool
high_holds(const struct semver_bound *high, const struct semver *v)
{
    int c = high->is_set ? semver_compare(v, &high->at) : -1;

    return c < 0 || (c == 0 && high->is_in);
}

/* The narrower of two lower (`sign` 1) or upper (-1) bounds. */
static struct semver_bound
narrower(const struct semver_bound *a, const struct semver_bound *b, int sign)
{
    if (!a->is_set || !b->is_set)
        return a->is_set ? *a : *b;

    int c = semver_compare(&a->at, &b->at) * sign;
    if (c == 0)
        return a->is_in ? *b : *a;
    return c > 0 ? *a : *b;
}

static bool
is_empty(const struct semver_bound *low, const struct semver_bound *high)
{
    if (!low->is_set || !high->is_set)
        return false;

    int c = semver_compare(&low->at, &high->at);
    return c > 0 || (c == 0 && !(low->is_in && high->is_in));
}

static span
word_cut(span *s)
{
    *s = span_trim(*s);

    span word = span_cut(s, ' ');
    *s = span_trim(*s);
    return word;
}

/* ">=4.0", or ">=" and then "4.0", from the front of `text`. */
static bool
bound_parse(span *text, char *sign, struct semver_bound *out)
{
    span word = word_cut(text);

    *out = (struct semver_bound){.is_set = true};
    *sign = '\0';
    if (word.len > 0)
        *sign = word.at[0];
    if (*sign != '<' && *sign != '>' && *sign != '=')
        return false;
    word = span_skip(word, 1);
    out->is_in = *sign == '=';
    if (*sign != '=' && span_starts(word, SPAN("="))) {
        out->is_in = true;
        word = span_skip(word, 1);
    }
    if (word.len == 0)
        word = word_cut(text);
    return semver_parse(word, &out->at);
}

enum err_code
semver_range_parse(span text, struct semver_range *out, struct err *e)
{
    span rest = span_trim(text);

    *out = (struct semver_range){0};
    do {
        struct semver_bound bound;
        char sign;

        if (!bound_parse(&rest, &sign, &bound))
            return err_set(e, ERR_INVALID,
                           "\"%.*s\" is not a range of builds: write bounds "
                           "like \">=4.0 <7.12\"",
                           SPAN_FMT(text));
        if (sign != '<')
            out->low = narrower(&out->low, &bound, 1);
        if (sign != '>')
            out->high = narrower(&out->high, &bound, -1);
    } while (rest.len > 0);
    if (is_empty(&out->low, &out->high))
        return err_set(e, ERR_INVALID, "no build can be in \"%.*s\"",
                       SPAN_FMT(text));
    return OK;
}

bool
semver_in(const struct semver_range *r, const struct semver *v)
{
    return low_holds(&r->low, v) && high_holds(&r->high, v);
}

bool
semver_overlap(const struct semver_range *a, const struct semver_range *b)
{
    struct semver_bound low = narrower(&a->low, &b->low, 1);
    struct semver_bound high = narrower(&a->high, &b->high, -1);

    return !is_empty(&low, &high);
}

bool
semver_gap(const struct semver_range *a, const struct semver_range *b)
{
    if (!a->high.is_set || !b->low.is_set)
        return false;

    int c = semver_compare(&a->high.at, &b->low.at);
    return c < 0 || (c == 0 && !a->high.is_in && !b->low.is_in);
}
