/* SPDX-License-Identifier: Apache-2.0 */
/*
 * decimal: exact arithmetic on the text of numbers, of any size.
 *
 * A value is 0.DIGITS times ten to a power: no bit of it is ever a double. What
 * would print with more than DECIMAL_DIGITS_MAX digits is refused by the
 * printers, so that 1e999999999 costs nobody a gigabyte.
 */
#pragma once

#include "proxy/base/arena.h"

#define DECIMAL_DIGITS_MAX 4096

struct decimal {
    bool negative;
    span digits; /* '0' to '9', neither first nor last is '0'; empty is zero */
    int64_t exponent; /* value = DIGITS (as a whole number) * 10^exponent */
};

/* Read a JSON number. False if `s` is none, or the arena is full. */
MUST_CHECK bool decimal_read(struct arena *a, span s, struct decimal *out);

/* All digits, the point where it belongs, no exponent: "-12.5". An empty span if
 * it is too long or the arena is full. */
span decimal_print(struct arena *a, const struct decimal *d);

/* With exactly `places` digits behind the point; empty if it has more, or as above. */
span decimal_print_fixed(struct arena *a, const struct decimal *d,
                         unsigned places);

static inline bool
decimal_is_zero(const struct decimal *d)
{
    return d->digits.len == 0;
}

static inline bool
decimal_is_whole(const struct decimal *d)
{
    return decimal_is_zero(d) || d->exponent >= 0;
}

/* Times 10^by. */
struct decimal decimal_shift(struct decimal d, int by);

/* Times a factor; divided by it. False if the factor has more than 18 digits, if the
 * quotient has no end, or the arena is full. */
MUST_CHECK bool decimal_times(struct arena *a, const struct decimal *d,
                              const struct decimal *factor,
                              struct decimal *out);
MUST_CHECK bool decimal_over(struct arena *a, const struct decimal *d,
                             const struct decimal *divisor,
                             struct decimal *out);

/* -1, 0, 1: x is less, the same, more. */
int decimal_compare(const struct decimal *x, const struct decimal *y);

/* The sum. False if it is too long, or the arena is full. */
MUST_CHECK bool decimal_add(struct arena *a, const struct decimal *x,
                            const struct decimal *y, struct decimal *out);

/* Cut into its floor, as an int64, and the rest (not negative, below one). False if
 * the floor does not fit. */
MUST_CHECK bool decimal_floor(struct arena *a, const struct decimal *d,
                              int64_t *floor, struct decimal *rest);

/* floor + rest again. */
MUST_CHECK bool decimal_join(struct arena *a, int64_t floor, span fraction,
                             struct decimal *out);
