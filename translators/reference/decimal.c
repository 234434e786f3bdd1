/* SPDX-License-Identifier: Apache-2.0 */
#include "translators/reference/decimal.h"

#include "translators/json/tree.h"

#define EXPONENT_MAX                                                           \
    1000000000000 /* beyond this a value is no number of ours */

/* Drop zeros at both ends; `text` is ours to point into. */
static void
settle(struct decimal *d, span text)
{
    while (text.len && text.at[0] == '0')
        text = span_skip(text, 1);
    while (text.len && text.at[text.len - 1] == '0') {
        text.len--;
        d->exponent++;
    }
    d->digits = text;
    if (!text.len) {
        d->exponent = 0;
        d->negative = false;
    }
}

/* "e-12": saturates far outside of what can be printed. */
static int64_t
read_exponent(span s)
{
    bool negative = s.len && s.at[0] == '-';
    if (s.len && (s.at[0] == '-' || s.at[0] == '+'))
        s = span_skip(s, 1);
    int64_t n = 0;
    for (size_t i = 0; i < s.len && n < EXPONENT_MAX; i++)
        n = n * 10 + (s.at[i] - '0');
    return negative ? -n : n;
}

bool
decimal_read(struct arena *a, span s, struct decimal *out)
{
    if (!json_is_number(s))
        return false;
    char *digits = arena_alloc(a, s.len);
    if (!digits)
        return false;

    *out = (struct decimal){.negative = s.at[0] == '-'};
    size_t n = 0;
    bool behind_point = false;
    for (size_t i = out->negative; i < s.len; i++) {
        if (s.at[i] == 'e' || s.at[i] == 'E') {
            out->exponent += read_exponent(span_skip(s, i + 1));
            break;
        }
        if (s.at[i] == '.') {
            behind_point = true;
            continue;
        }
        digits[n++] = s.at[i];
        out->exponent -= behind_point;
    }
    settle(out, span_of(digits, n));
    return true;
}

/* The digit at `at` from the left, and zeros behind the last. */
static char
digit_from(const struct decimal *d, size_t at)
{
    if (at >= d->digits.len)
        return '0';
    return d->digits.at[at];
}

/* Digits before the point, at least one, then `places` behind it. */
static span
print(struct arena *a, const struct decimal *d, size_t places)
{
    int64_t before =
        (int64_t)d->digits.len + d->exponent; /* digits before the point */
    if (before > DECIMAL_DIGITS_MAX || places > DECIMAL_DIGITS_MAX)
        return (span){0};
    size_t whole = before > 0 ? (size_t)before : 0;
    char *out = arena_alloc(a, whole + places + 4);
    if (!out)
        return (span){0};

    size_t len = 0;
    if (d->negative)
        out[len++] = '-';
    if (whole == 0)
        out[len++] = '0';
    for (size_t i = 0; i < whole; i++)
        out[len++] = digit_from(d, i);
    if (places)
        out[len++] = '.';
    for (size_t i = 0; i < places; i++) {
        int64_t at = before + (int64_t)i;
        out[len++] = '0';
        if (at >= 0)
            out[len - 1] = digit_from(d, (size_t)at);
    }
    return span_of(out, len);
}

span
decimal_print(struct arena *a, const struct decimal *d)
{
    if (d->exponent < -DECIMAL_DIGITS_MAX)
        return (span){0};
    return print(a, d, d->exponent < 0 ? (size_t)-d->exponent : 0);
}

span
decimal_print_fixed(struct arena *a, const struct decimal *d, unsigned places)
{
    if (d->exponent < -(int64_t)places)
        return (span){0};
    return print(a, d, places);
}

struct decimal
decimal_shift(struct decimal d, int by)
{
    if (!decimal_is_zero(&d))
        d.exponent += by;
    return d;
}

/* The factor's digits as a number: 18 of them fit. */
static bool
small(const struct decimal *d, uint64_t *out)
{
    return d->digits.len <= 18 && span_to_u64(d->digits, out);
}

bool
decimal_times(struct arena *a, const struct decimal *d,
              const struct decimal *factor, struct decimal *out)
{
    uint64_t by = 0;
    if (!small(factor, &by))
        return false;
    size_t n = d->digits.len + factor->digits.len;
    char *digits = arena_alloc(a, n);
    if (!digits)
        return false;

    unsigned __int128 carry = 0;
    for (size_t i = 0; i < n; i++) {
        if (i < d->digits.len)
            carry += (unsigned __int128)by *
                     (unsigned)(d->digits.at[d->digits.len - 1 - i] - '0');
        digits[n - 1 - i] = (char)('0' + (int)(carry % 10));
        carry /= 10;
    }
    *out = (struct decimal){.negative = d->negative != factor->negative,
                            .exponent = d->exponent + factor->exponent};
    settle(out, span_of(digits, n));
    return true;
}

/* Long division; a remainder after all digits gets zeros until it ends or will not. */
bool
decimal_over(struct arena *a, const struct decimal *d,
             const struct decimal *divisor, struct decimal *out)
{
    uint64_t by = 0;
    if (!small(divisor, &by) || by == 0)
        return false;
    size_t more = 64; /* 2^60 and 5^26 are above 10^18: no end comes later */
    size_t n = d->digits.len + more;
    char *digits = arena_alloc(a, n);
    if (!digits)
        return false;

    unsigned __int128 rest = 0;
    size_t len = 0;
    while (len < d->digits.len || (rest && len < n)) {
        unsigned digit =
            len < d->digits.len ? (unsigned)(d->digits.at[len] - '0') : 0;
        rest = rest * 10 + digit;
        digits[len++] = (char)('0' + (int)(rest / by));
        rest %= by;
    }
    if (rest)
        return false;
    *out = (struct decimal){.negative = d->negative != divisor->negative,
                            .exponent = d->exponent - divisor->exponent -
                                        (int64_t)(len - d->digits.len)};
    settle(out, span_of(digits, len));
    return true;
}

/* The digit of `d` that stands for 10^at. */
static int
digit_at(const struct decimal *d, int64_t at)
{
    int64_t back = at - d->exponent;
    if (back < 0 || back >= (int64_t)d->digits.len)
        return 0;
    return d->digits.at[d->digits.len - 1 - (size_t)back] - '0';
}

static int
compare_sizes(const struct decimal *x, const struct decimal *y)
{
    int64_t x_end = x->exponent + (int64_t)x->digits.len;
    int64_t y_end = y->exponent + (int64_t)y->digits.len;
    if (decimal_is_zero(x) || decimal_is_zero(y))
        return (int)!decimal_is_zero(x) - (int)!decimal_is_zero(y);
    if (x_end != y_end)
        return x_end < y_end ? -1 : 1;
    int c = span_cmp(x->digits, y->digits); /* neither ends with zeros */
    return c < 0 ? -1 : c > 0;
}

int
decimal_compare(const struct decimal *x, const struct decimal *y)
{
    bool x_minus = x->negative && !decimal_is_zero(x);
    bool y_minus = y->negative && !decimal_is_zero(y);
    if (x_minus != y_minus)
        return x_minus ? -1 : 1;
    return x_minus ? -compare_sizes(x, y) : compare_sizes(x, y);
}

bool
decimal_add(struct arena *a, const struct decimal *x, const struct decimal *y,
            struct decimal *out)
{
    if (compare_sizes(x, y) < 0) { /* the larger gives the sign */
        const struct decimal *larger = y;
        y = x;
        x = larger;
    }
    if (decimal_is_zero(y)) {
        *out = *x;
        return true;
    }
    int64_t low = x->exponent < y->exponent ? x->exponent : y->exponent;
    int64_t n = x->exponent + (int64_t)x->digits.len - low + 1;
    if (n > DECIMAL_DIGITS_MAX)
        return false;
    char *digits = arena_alloc(a, (size_t)n);
    if (!digits)
        return false;
    bool negative = x->negative;
    int sign = x->negative == y->negative ? 1 : -1;
    int carry = 0;
    for (int64_t i = 0; i < n; i++) {
        carry += digit_at(x, low + i) + sign * digit_at(y, low + i);
        int digit = (carry + 10) % 10;
        digits[n - 1 - i] = (char)('0' + digit);
        carry = (carry - digit) / 10;
    }
    *out = (struct decimal){.exponent = low};
    settle(out, span_of(digits, (size_t)n));
    out->negative = negative && !decimal_is_zero(out);
    return true;
}

/* One minus a fraction: its digits' complement. */
static bool
complement(struct arena *a, struct decimal *fraction)
{
    span fixed = print(a, fraction, (size_t)-fraction->exponent);
    if (!fixed.at)
        return false;
    size_t n = (size_t)-fraction->exponent;
    char *digits = arena_alloc(a, n);
    if (!digits)
        return false;
    bool carry = true; /* 9s complement plus one in the last place */
    for (size_t i = n; i-- > 0;) {
        int digit = 9 - (fixed.at[fixed.len - n + i] - '0') + carry;
        carry = digit == 10;
        digits[i] = (char)('0' + digit % 10);
    }
    int64_t exponent = fraction->exponent;
    *fraction = (struct decimal){.exponent = exponent};
    settle(fraction, span_of(digits, n));
    return true;
}

bool
decimal_floor(struct arena *a, const struct decimal *d, int64_t *floor,
              struct decimal *rest)
{
    struct decimal size = *d;
    size.negative = false;
    span text = decimal_print(a, &size);
    ssize_t point = span_find(text, '.');
    span whole = point < 0 ? text : span_take(text, (size_t)point);
    uint64_t n = 0;
    if (!span_to_u64(whole, &n) || n > INT64_MAX / 2)
        return false;

    *floor = d->negative ? -(int64_t)n : (int64_t)n;
    *rest = (struct decimal){0};
    if (point < 0)
        return true;
    span fraction = span_skip(text, (size_t)point + 1);
    rest->exponent = -(int64_t)fraction.len;
    settle(rest, fraction);
    if (!d->negative || decimal_is_zero(rest))
        return true;
    *floor -= 1;
    return complement(a, rest);
}

static bool
join_whole(struct arena *a, int64_t floor, struct decimal *out)
{
    span text = arena_fmt(a, "%lld", (long long)floor);
    return text.at && decimal_read(a, text, out);
}

bool
decimal_join(struct arena *a, int64_t floor, span fraction, struct decimal *out)
{
    if (floor >= 0 || fraction.len == 0) {
        span text = arena_fmt(a, "%lld%s%.*s", (long long)floor,
                              fraction.len ? "." : "", (int)fraction.len,
                              fraction.at ? fraction.at : "");
        return text.at && decimal_read(a, text, out);
    }
    /* floor + fraction below zero is -(-floor - 1 + (1 - fraction)). */
    struct decimal size = {0};
    span text = arena_fmt(a, "0.%.*s", (int)fraction.len, fraction.at);
    if (!text.at || !decimal_read(a, text, &size))
        return false;
    if (decimal_is_zero(&size))
        return join_whole(a, floor, out);
    if (!complement(a, &size))
        return false;
    span rest = decimal_print(a, &size);
    text = arena_fmt(a, "-%lld%.*s", (long long)(-floor - 1), (int)rest.len - 1,
                     rest.at + 1);
    return text.at && decimal_read(a, text, out);
}
