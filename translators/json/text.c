/* SPDX-License-Identifier: Apache-2.0 */
#include "translators/json/text.h"

#include "proxy/base/utf8.h"

#include <assert.h>

/* ---- numbers ---- */

static size_t
digits(span s)
{
    size_t n = 0;

    while (n < s.len && s.at[n] >= '0' && s.at[n] <= '9')
        n++;
    return n;
}

static bool
take_digits(span *s)
{
    size_t n = digits(*s);

    *s = span_skip(*s, n);
    return n > 0;
}

static bool
take_one(span *s, const char *among)
{
    if (s->len == 0 || s->at[0] == '\0' || !strchr(among, s->at[0]))
        return false;
    *s = span_skip(*s, 1);
    return true;
}

bool
json_is_number(span s)
{
    take_one(&s, "-");
    if (!take_one(&s, "0") && !take_digits(&s))
        return false;
    if (take_one(&s, ".") && !take_digits(&s))
        return false;
    if (take_one(&s, "eE")) {
        take_one(&s, "+-");
        if (!take_digits(&s))
            return false;
    }
    return s.len == 0;
}

/* ---- escaping ---- */

/* A lone surrogate as it is kept in a decoded text; 0 if there is none. */
static uint32_t
surrogate(span s)
{
    const unsigned char *at = (const unsigned char *)s.at;

    if (s.len < 3 || at[0] != 0xED || (at[1] & 0xE0) != 0xA0 ||
        (at[2] & 0xC0) != 0x80)
        return 0;
    return 0xD000u | (uint32_t)(at[1] & 0x3F) << 6 | (at[2] & 0x3F);
}

static void
escape_byte(struct buf *b, unsigned char c)
{
    switch (c) {
    case '"':
        buf_str(b, "\\\"");
        return;
    case '\\':
        buf_str(b, "\\\\");
        return;
    case '\b':
        buf_str(b, "\\b");
        return;
    case '\f':
        buf_str(b, "\\f");
        return;
    case '\n':
        buf_str(b, "\\n");
        return;
    case '\r':
        buf_str(b, "\\r");
        return;
    case '\t':
        buf_str(b, "\\t");
        return;
    default:
        buf_fmt(b, "\\u%04x", c);
    }
}

static bool
must_be_escaped(char c)
{
    return (unsigned char)c < 0x20 || c == '"' || c == '\\';
}

/* Bytes that stand for themselves. */
static size_t
plain(span s)
{
    size_t at = 0;

    while (at < s.len && !must_be_escaped(s.at[at])) {
        size_t n = utf8_char(span_skip(s, at));

        if (n == 0)
            break;
        at += n;
    }
    return at;
}

void
json_escape(struct buf *b, span utf8)
{
    for (;;) {
        size_t n = plain(utf8);

        buf_add(b, span_take(utf8, n));
        utf8 = span_skip(utf8, n);
        if (utf8.len == 0)
            return;
        if (must_be_escaped(utf8.at[0])) {
            escape_byte(b, (unsigned char)utf8.at[0]);
            utf8 = span_skip(utf8, 1);
            continue;
        }

        uint32_t code = surrogate(utf8);
        if (!code) {
            b->failed = true;
            return;
        }
        buf_fmt(b, "\\u%04x", code);
        utf8 = span_skip(utf8, 3);
    }
}

/* ---- decoding ---- */

static uint32_t
hex4(span s)
{
    uint32_t code = 0;

    assert(s.len >= 4);
    for (size_t i = 0; i < 4; i++) {
        int c = (unsigned char)s.at[i];
        int digit = c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;

        code = code << 4 | (uint32_t)digit;
    }
    return code;
}

static bool
is_low(span s)
{
    return s.len >= 6 && s.at[0] == '\\' && s.at[1] == 'u' &&
           (hex4(span_skip(s, 2)) & 0xFC00) == 0xDC00;
}

/* `s` starts behind "\u"; what is taken is taken from it. */
static uint32_t
take_code(span *s, bool *clean)
{
    uint32_t code = hex4(*s);

    *s = span_skip(*s, 4);
    if ((code & 0xF800) != 0xD800)
        return code;
    if ((code & 0xFC00) == 0xD800 && is_low(*s)) {
        uint32_t low = hex4(span_skip(*s, 2));

        *s = span_skip(*s, 6);
        return 0x10000 + ((code & 0x3FF) << 10) + (low & 0x3FF);
    }
    *clean = false;
    return code;
}

static uint32_t
take_escape(span *s, bool *clean)
{
    char c = s->at[0];

    *s = span_skip(*s, 1);
    switch (c) {
    case 'b':
        return '\b';
    case 'f':
        return '\f';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    case 'u':
        return take_code(s, clean);
    default:
        return (unsigned char)c; /* quote, backslash, slash */
    }
}

size_t
json_text_decode(span raw, char *out, bool *clean)
{
    size_t n = 0;

    *clean = true;
    while (raw.len) {
        ssize_t escape = span_find(raw, '\\');
        size_t run = escape < 0 ? raw.len : (size_t)escape;

        memcpy(out + n, raw.at, run);
        n += run;
        raw = span_skip(raw, run);
        if (raw.len == 0)
            break;
        raw = span_skip(raw, 1);

        char code[4];
        size_t len = utf8_put(code, take_escape(&raw, clean));
        memcpy(out + n, code, len);
        n += len;
    }
    return n;
}

bool
json_unescape(struct arena *a, span raw, span *out, bool *clean)
{
    *clean = true;
    if (span_find(raw, '\\') < 0) {
        *out = raw;
        return true;
    }

    char *text = arena_alloc(a, raw.len);
    if (!text)
        return false;
    *out = span_of(text, json_text_decode(raw, text, clean));
    return true;
}
