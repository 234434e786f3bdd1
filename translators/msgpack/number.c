/* SPDX-License-Identifier: Apache-2.0 */
#include "translators/msgpack/number.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define DIGITS_MAX   17 /* of a double: more are never needed */
#define EXACT_DIGITS 15 /* as many as every double keeps (DBL_DIG) */
#define POWERS       23 /* of ten, that a double holds exactly */

/* sign, digits without zeros at either end, and where the point is: 0.DIGITS * 10^point */
struct decimal {
    bool negative;
    char digits[DIGITS_MAX];
    unsigned n; /* 0: the number is zero */
    long point;
};

static const double powers[POWERS] = {
    1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

/* ---- from text ------------------------------------------------------------------ */

/* The exponent of a text from behind its `e`; beyond any double's it stays there. */
static long
read_exponent(span s)
{
    bool negative = s.at[0] == '-';
    long n = 0;
    for (size_t i = s.at[0] == '-' || s.at[0] == '+'; i < s.len; i++)
        if (n < 100000)
            n = n * 10 + (s.at[i] - '0');
    return negative ? -n : n;
}

/* False: more digits than a double has. */
static bool
read_decimal(span s, struct decimal *d)
{
    size_t zeros = 0; /* held back: they count if a digit follows */
    bool behind_point = false;
    *d = (struct decimal){.negative = s.at[0] == '-'};
    for (size_t i = d->negative; i < s.len; i++) {
        char c = s.at[i];
        if (c == 'e' || c == 'E') {
            d->point += read_exponent(span_skip(s, i + 1));
            break;
        }
        if (c == '.') {
            behind_point = true;
            continue;
        }
        if (c == '0') {
            zeros += d->n > 0;
            d->point += d->n ? !behind_point : behind_point ? -1 : 0;
            continue;
        }
        if (d->n + zeros >= DIGITS_MAX)
            return false;
        for (; zeros; zeros--)
            d->digits[d->n++] = '0';
        d->digits[d->n++] = c;
        d->point += !behind_point;
    }
    return true;
}

static uint64_t
whole_of(const struct decimal *d)
{
    uint64_t n = 0;
    for (unsigned i = 0; i < d->n; i++)
        n = n * 10 + (uint64_t)(d->digits[i] - '0');
    return n;
}

/* The double nearest to it, by the library. No point is spelt, so no locale asks. */
static double
nearest(const struct decimal *d)
{
    char text[DIGITS_MAX + 32];
    snprintf(text, sizeof(text), "%.*se%ld", (int)d->n, d->digits,
             d->point - (long)d->n);
    return strtod(text, NULL);
}

static bool
same(const struct decimal *a, const struct decimal *b)
{
    return a->n == b->n && (a->n == 0 || a->point == b->point) &&
           memcmp(a->digits, b->digits, a->n) == 0;
}

static void shortest(double value, struct decimal *out);

/* Is there a double that says this? Without its sign. */
static bool
find_double(const struct decimal *d, double *out)
{
    struct decimal again;
    long exponent = d->n ? d->point - (long)d->n : 0;
    if (d->n <= EXACT_DIGITS && exponent > -POWERS && exponent < POWERS) {
        double n = (double)whole_of(d);
        *out = exponent < 0 ? n / powers[-exponent] : n * powers[exponent];
        return true;
    }
    if (d->point < -400 || d->point > 400)
        return false;
    *out = nearest(d);
    if (!isfinite(*out))
        return false;
    shortest(*out, &again);
    return same(d, &again);
}

static bool
pack_double(span text, char *to, size_t *len)
{
    struct decimal d;
    double value;
    if (!read_decimal(text, &d))
        return false;
    if (!find_double(&d, &value))
        return false;
    *len = msgpack_put_float(to, d.negative ? -value : value);
    return true;
}

bool
number_pack(span text, char to[MSGPACK_HEAD_MAX], size_t *len)
{
    bool negative = text.at[0] == '-';
    uint64_t n = 0;
    size_t i = negative;
    if (text.len > NUMBER_READ_MAX)
        return false;
    for (; i < text.len && text.at[i] >= '0' && text.at[i] <= '9'; i++)
        if (__builtin_mul_overflow(n, 10, &n) ||
            __builtin_add_overflow(n, (unsigned)(text.at[i] - '0'), &n))
            return pack_double(text, to, len);
    if (i < text.len || (negative && (!n || n > (uint64_t)1 << 63)))
        return pack_double(text, to, len);
    *len = negative ? msgpack_put_int(to, (int64_t)(0 - n))
                    : msgpack_put_uint(to, n);
    return true;
}

/* ---- to text -------------------------------------------------------------------- */

static size_t
put_whole(char *to, uint64_t n)
{
    char text[20];
    size_t len = 0;
    do
        text[sizeof(text) - ++len] = (char)('0' + n % 10);
    while ((n /= 10) > 0);
    memcpy(to, text + sizeof(text) - len, len);
    return len;
}

/* A decimal of few digits, as most that people write are. */
static bool
few_digits(double value, struct decimal *out)
{
    char text[20];
    if (value >= 1e15 || value < 1e-5)
        return false;
    for (int places = 0; places < POWERS; places++) {
        double scaled = value * powers[places];
        if (scaled >= 1e15)
            return false;
        scaled = (double)(int64_t)(scaled + 0.5);
        if (scaled / powers[places] != value)
            continue;
        size_t n = put_whole(text, (uint64_t)scaled);
        out->point = (long)n - places;
        while (n > 1 && text[n - 1] == '0')
            n--;
        memcpy(out->digits, text, n);
        out->n = (unsigned)n;
        return true;
    }
    return false;
}

/* "d.ddde-xx" with the locale's point, which may be any bytes. */
static void
read_printed(const char *text, struct decimal *out)
{
    const char *e = strrchr(text, 'e');
    assert(e);
    out->n = 0;
    for (const char *c = text; c < e; c++)
        if (*c >= '0' && *c <= '9')
            out->digits[out->n++] = *c;
    while (out->n && out->digits[out->n - 1] == '0')
        out->n--;
    out->point = strtol(e + 1, NULL, 10) + 1;
}

/* The fewest digits that are read as `value`, which is finite; without its sign. */
static void
shortest(double value, struct decimal *out)
{
    char text[64];
    *out = (struct decimal){.negative = signbit(value) != 0};
    value = fabs(value);
    if (value == 0 || few_digits(value, out))
        return;
    /* Few digits of a normal one are those of its 15 without the zeros. */
    for (int n = value < DBL_MIN ? 1 : EXACT_DIGITS; n <= DIGITS_MAX; n++) {
        snprintf(text, sizeof(text), "%.*e", n - 1, value);
        read_printed(text, out);
        if (nearest(out) == value)
            return;
    }
}

static char *
put_digits(char *to, const struct decimal *d, unsigned from, unsigned n)
{
    for (unsigned i = from; i < from + n; i++) {
        *to = '0';
        if (i < d->n)
            *to = d->digits[i];
        to++;
    }
    return to;
}

static char *
put_zeros(char *to, long n)
{
    for (; n > 0; n--)
        *to++ = '0';
    return to;
}

static char *
put_scientific(char *to, const struct decimal *d)
{
    to = put_digits(to, d, 0, 1);
    if (d->n > 1) {
        *to++ = '.';
        to = put_digits(to, d, 1, d->n - 1);
    }
    *to++ = 'e';
    long exponent = d->point - 1;
    if (exponent < 0)
        *to++ = '-';
    return to + put_whole(to, (uint64_t)labs(exponent));
}

static char *
put_positional(char *to, const struct decimal *d)
{
    unsigned point = d->point > 0 ? (unsigned)d->point : 0;
    if (!point)
        *to++ = '0';
    to = put_digits(to, d, 0, point);
    *to++ = '.';
    to = put_zeros(to, -d->point);
    return put_digits(to, d, point, d->n > point ? d->n - point : 1);
}

static size_t
print_double(double value, char *to)
{
    struct decimal d;
    char *start = to;
    shortest(value, &d);
    if (d.negative)
        *to++ = '-';
    to = d.n && (d.point < -4 || d.point > DIGITS_MAX) ? put_scientific(to, &d)
                                                       : put_positional(to, &d);
    return (size_t)(to - start);
}

size_t
number_unpack(const char *at, char to[NUMBER_TEXT_MAX])
{
    enum msgpack_kind kind = (enum msgpack_kind)msgpack_head_of(at)->kind;
    if (kind == MSGPACK_UINT)
        return put_whole(to, msgpack_uint(at));
    if (kind == MSGPACK_INT) {
        int64_t n = msgpack_int(at);
        *to = '-';
        return n < 0 ? 1 + put_whole(to + 1, 0 - (uint64_t)n)
                     : put_whole(to, (uint64_t)n);
    }
    double value = msgpack_float(at);
    return isfinite(value) ? print_double(value, to) : 0;
}
