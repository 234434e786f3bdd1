/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bytes: base64, base64url and hex (RFC 4648), to and from bytes.
 *
 * Written: base64 with padding, base64url without, hex in lower case. Read
 * besides: base64url with padding, base64 without, hex in upper case. Bits
 * that belong to no byte must be zero.
 */
#include "translators/reference/meaning.h"

static const char *const alphabets[] = {
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"};

static const char hex_digits[] = "0123456789abcdef";

static bool
read_hex(span text, char *out)
{
    for (size_t i = 0; i < text.len; i += 2) {
        int byte = 0;
        for (size_t k = i; k < i + 2; k++) {
            char c = text.at[k];
            if (c >= 'A' && c <= 'F')
                c = (char)(c + 'a' - 'A');
            const char *at = c ? strchr(hex_digits, c) : NULL;
            if (!at)
                return false;
            byte = byte * 16 + (int)(at - hex_digits);
        }
        out[i / 2] = (char)byte;
    }
    return true;
}

static bool
read_64(span text, const char *alphabet, char *out, size_t *len)
{
    size_t padding = 0;
    while (text.len && padding < 2 && text.at[text.len - 1] == '=') {
        text.len--;
        padding++;
    }
    if (text.len % 4 == 1 || (padding && (text.len + padding) % 4 != 0))
        return false;
    unsigned bits = 0, n_bits = 0;
    *len = 0;
    for (size_t i = 0; i < text.len; i++) {
        const char *at = text.at[i] ? strchr(alphabet, text.at[i]) : NULL;
        if (!at)
            return false;
        bits = (bits << 6 | (unsigned)(at - alphabet)) & 0xffff;
        n_bits += 6;
        if (n_bits < 8)
            continue;
        n_bits -= 8;
        out[(*len)++] = (char)(bits >> n_bits & 0xff);
    }
    return (bits & ((1U << n_bits) - 1)) == 0;
}

bool
bytes_read(struct arena *a, enum lens_form_kind form, span text, span *out)
{
    char *bytes = arena_alloc(a, text.len + 1);
    size_t len = text.len / 2;
    if (!bytes)
        return false;
    bool ok =
        form == LENS_AS_HEX
            ? text.len % 2 == 0 && read_hex(text, bytes)
            : read_64(text, alphabets[form == LENS_AS_BASE64URL], bytes, &len);
    *out = span_of(bytes, len);
    return ok;
}

static void
write_hex(span bytes, char *out)
{
    for (size_t i = 0; i < bytes.len; i++) {
        unsigned byte = (unsigned char)bytes.at[i];
        *out++ = hex_digits[byte >> 4];
        *out++ = hex_digits[byte & 15];
    }
}

static size_t
write_64(span bytes, const char *alphabet, bool pad, char *out)
{
    size_t len = 0;
    for (size_t i = 0; i < bytes.len; i += 3) {
        uint32_t bits = 0;
        size_t n = bytes.len - i < 3 ? bytes.len - i : 3;
        for (size_t k = 0; k < 3; k++)
            bits = bits << 8 | (k < n ? (unsigned char)bytes.at[i + k] : 0);
        for (size_t k = 0; k <= n; k++)
            out[len++] = alphabet[bits >> (18 - 6 * k) & 63];
        for (size_t k = n; pad && k < 3; k++)
            out[len++] = '=';
    }
    return len;
}

bool
bytes_write(struct arena *a, enum lens_form_kind form, span bytes, span *out)
{
    char *text = arena_alloc(a, bytes.len * 2 + 4);
    if (!text)
        return false;
    size_t len = bytes.len * 2;
    if (form == LENS_AS_HEX)
        write_hex(bytes, text);
    else
        len = write_64(bytes, alphabets[form == LENS_AS_BASE64URL],
                       form == LENS_AS_BASE64, text);
    *out = span_of(text, len);
    return true;
}
