/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/http/target.h"

#include "proxy/http/chars.h"

#define HOST_LEN_MAX ((size_t)255)

/* What follows the name: nothing, or ':' and a port of 1 to 65535. */
static bool
port_read(span s, uint16_t *port)
{
    uint64_t n;

    *port = 0;
    if (s.len == 0)
        return true;
    if (s.at[0] != ':' || s.len > 6 || !span_to_u64(span_skip(s, 1), &n))
        return false;
    if (n == 0 || n > UINT16_MAX)
        return false;
    *port = (uint16_t)n;
    return true;
}

/* "[::1]" and what follows it: hex digits, ':' and '.', nothing like a zone. */
static size_t
literal_len(span s)
{
    size_t n = 1;

    while (n < s.len &&
           (char_is(s.at[n], CHAR_HEX) || s.at[n] == ':' || s.at[n] == '.'))
        n++;
    return n > 2 && n < s.len && s.at[n] == ']' ? n + 1 : 0;
}

bool
authority_split(span authority, span *host, uint16_t *port)
{
    if (authority.len == 0)
        return false;

    size_t n = authority.at[0] == '[' ? literal_len(authority)
                                      : chars_run(authority, CHAR_HOST);
    if (n == 0 || n > HOST_LEN_MAX)
        return false;
    *host = span_take(authority, n);
    return port_read(span_skip(authority, n), port);
}

bool
path_is_valid(span path)
{
    if (path.len == 0 || path.at[0] != '/')
        return false;
    for (size_t i = 0; i < path.len; i++) {
        if (!char_is(path.at[i], CHAR_TARGET) || path.at[i] == '?')
            return false;
        if (path.at[i] != '%')
            continue;
        if (path.len - i < 3)
            return false;
        int high = char_hex(path.at[i + 1]), low = char_hex(path.at[i + 2]);
        if (high < 0 || low < 0 || high + low == 0)
            return false;
    }
    return true;
}

bool
query_is_valid(span query)
{
    return chars_all(query, CHAR_TARGET);
}

bool
target_split(span target, span *path, span *query, bool *has_query)
{
    span rest = target;

    *path = span_cut(&rest, '?');
    *has_query = path->len < target.len;
    *query = rest;
    return path_is_valid(*path) && query_is_valid(*query);
}

bool
path_next(span *rest, span *segment)
{
    if (rest->len == 0 || rest->at[0] != '/')
        return false;

    size_t n = 1;
    while (n < rest->len && rest->at[n] != '/')
        n++;
    *segment = span_of(rest->at + 1, n - 1);
    *rest = span_skip(*rest, n);
    return true;
}

/* The dots of a segment that is made of nothing but dots, encoded or not. */
static size_t
only_dots(span segment)
{
    size_t n = 0;

    for (; segment.len; n++) {
        if (segment.at[0] == '.')
            segment = span_skip(segment, 1);
        else if (segment.len >= 3 &&
                 span_eq_nocase(span_take(segment, 3), SPAN("%2e")))
            segment = span_skip(segment, 3);
        else
            return 0;
    }
    return n;
}

bool
path_is_plain(span path)
{
    span segment;

    while (path_next(&path, &segment)) {
        size_t dots = only_dots(segment);
        if (dots == 1 || dots == 2)
            return false;
    }
    return true;
}

static bool
has_escape(span s, bool form)
{
    return memchr(s.at, '%', s.len) || (form && memchr(s.at, '+', s.len));
}

enum err_code
pct_decode(struct arena *a, span s, bool form, span *out)
{
    *out = s;
    if (s.len == 0 || !has_escape(s, form))
        return OK;

    char *to = arena_alloc(a, s.len);
    if (!to)
        return ERR_LIMIT;

    size_t n = 0;
    for (size_t i = 0; i < s.len; n++) {
        int high = s.at[i] == '%' && s.len - i > 2 ? char_hex(s.at[i + 1]) : -1;
        int low = high >= 0 ? char_hex(s.at[i + 2]) : -1;
        if (low >= 0)
            to[n] = (char)(high * 16 + low);
        else
            to[n] = (char)(form && s.at[i] == '+' ? ' ' : s.at[i]);
        i += low >= 0 ? 3 : 1;
    }
    *out = span_of(to, n);
    return OK;
}

enum err_code
pct_encode(struct arena *a, span s, span *out)
{
    static const char digits[] = "0123456789ABCDEF";

    *out = s;
    if (chars_all(s, CHAR_UNRESERVED))
        return OK;

    char *to = arena_array(a, s.len, 3);
    if (!to)
        return ERR_LIMIT;

    size_t n = 0;
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.at[i];
        if (char_is(s.at[i], CHAR_UNRESERVED)) {
            to[n++] = s.at[i];
            continue;
        }
        to[n++] = '%';
        to[n++] = digits[c >> 4];
        to[n++] = digits[c & 15];
    }
    *out = span_of(to, n);
    return OK;
}
