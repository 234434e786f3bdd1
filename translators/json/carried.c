/* SPDX-License-Identifier: Apache-2.0 */
#include "translators/json/carried.h"

static const char alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

size_t
carried_encode(const char *bytes, size_t n, char *out)
{
    char *o = out;
    for (size_t i = 0; i < n; i += 3) {
        size_t here = n - i < 3 ? n - i : 3;
        uint32_t bits = 0;
        for (size_t k = 0; k < 3; k++)
            bits = bits << 8 | (k < here ? (unsigned char)bytes[i + k] : 0);
        for (size_t k = 0; k <= here; k++)
            *o++ = alphabet[bits >> (18 - 6 * k) & 63];
        for (size_t k = here; k < 3; k++)
            *o++ = '=';
    }
    return (size_t)(o - out);
}

static unsigned
digit_of(char c)
{
    if (c >= 'A' && c <= 'Z')
        return (unsigned)(c - 'A');
    if (c >= 'a' && c <= 'z')
        return (unsigned)(c - 'a') + 26;
    if (c >= '0' && c <= '9')
        return (unsigned)(c - '0') + 52;
    return c == '+' ? 62 : c == '/' ? 63 : 64;
}

bool
carried_decode(span base64, char *out, size_t *n)
{
    size_t padding = 0;
    *n = 0;
    if (base64.len % 4)
        return false;
    while (padding < 2 && padding < base64.len &&
           base64.at[base64.len - 1 - padding] == '=')
        padding++;
    for (size_t i = 0; i < base64.len; i += 4) {
        size_t here = i + 4 < base64.len ? 4 : 4 - padding;
        uint32_t bits = 0;
        for (size_t k = 0; k < 4; k++) {
            unsigned digit = k < here ? digit_of(base64.at[i + k]) : 0;
            if (digit > 63)
                return false;
            bits = bits << 6 | digit;
        }
        if (bits & ((1U << (32 - 8 * here)) - 1)) /* bits of no byte */
            return false;
        for (size_t k = 0; k + 1 < here; k++)
            out[(*n)++] = (char)(bits >> (16 - 8 * k));
    }
    return true;
}

bool
carried_is_in(span json, unsigned *state)
{
    static const char *const begins[] = {"\"", "\\", "u",   "dD",
                                         "fF", "fF", "eEfF"};
    for (size_t i = 0; i < json.len && *state < COUNT(begins); i++) {
        char c = json.at[i];
        if (c && strchr(begins[*state], c))
            ++*state;
        else
            *state = c == '"';
    }
    return *state == COUNT(begins);
}
