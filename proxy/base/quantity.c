/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/base/quantity.h"

#include <assert.h>
#include <stdio.h>

struct unit {
    const char *name;
    uint64_t factor;
};

static bool
with_unit(span s, const struct unit *units, size_t n, uint64_t *out)
{
    span digits = s;
    uint64_t number;

    while (digits.len &&
           (digits.at[digits.len - 1] < '0' || digits.at[digits.len - 1] > '9'))
        digits.len--;

    span name = span_skip(s, digits.len);
    if (!span_to_u64(digits, &number))
        return false;
    for (size_t i = 0; i < n; i++)
        if (span_is(name, units[i].name))
            return !__builtin_mul_overflow(number, units[i].factor, out);
    return false;
}

bool
quantity_ms(span s, uint64_t *ms)
{
    static const struct unit units[] = {
        {"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}};

    return with_unit(s, units, COUNT(units), ms);
}

bool
quantity_bytes(span s, uint64_t *bytes)
{
    static const struct unit units[] = {
        {"", 1}, {"KiB", 1u << 10}, {"MiB", 1u << 20}, {"GiB", 1u << 30}};

    return with_unit(s, units, COUNT(units), bytes);
}

/* Up to four decimals of a percent are whole parts per million. */
static bool
percent(span s, uint64_t *ppm)
{
    span decimals = s;
    span whole = span_cut(&decimals, '.');
    bool has_point = whole.len < s.len;
    uint64_t n, part = 0, scale = 10000;

    if (!span_to_u64(whole, &n) || n > 100 || decimals.len > 4 ||
        (has_point && decimals.len == 0))
        return false;
    if (decimals.len && !span_to_u64(decimals, &part))
        return false;
    for (size_t i = 0; i < decimals.len; i++)
        scale /= 10;
    *ppm = n * 10000 + part * scale;
    return true;
}

bool
quantity_share(span s, uint32_t *ppm)
{
    uint64_t n;
    bool known;

    if (span_ends(s, SPAN("%")))
        known = percent(span_take(s, s.len - 1), &n);
    else if (span_ends(s, SPAN("ppm")))
        known = span_to_u64(span_take(s, s.len - 3), &n);
    else
        known = span_to_u64(s, &n) && n == 0;
    if (!known || n > SHARE_ALL)
        return false;
    *ppm = (uint32_t)n;
    return true;
}

void
quantity_share_text(uint32_t ppm, char *out, size_t size)
{
    assert(size >= 16);
    int n = snprintf(out, size, "%u.%04u", ppm / 10000, ppm % 10000);

    while (n > 1 && out[n - 1] == '0')
        n--;
    if (out[n - 1] == '.')
        n--;
    out[n] = '%';
    out[n + 1] = '\0';
}
