/* SPDX-License-Identifier: Apache-2.0 */
/*
 * spelling: names of keys in snake_case, camelCase, PascalCase, kebab-case.
 *
 * A name is cut into words at `_`, `-` and before a capital; digits stay with
 * what is before them. What leads or trails (`_id`) stays.
 */
#include "translators/lens/build.h"

static bool
is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

static char
upper(char c)
{
    return (char)(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
}

static char
lower(char c)
{
    return (char)(is_upper(c) ? c - 'A' + 'a' : c);
}

static bool
is_mark(char c)
{
    return c == '_' || c == '-';
}

static void
put_start(struct buf *to, char c, enum lens_spelling spelling, bool is_first)
{
    bool big = spelling == LENS_PASCAL || (spelling == LENS_CAMEL && !is_first);
    if (!is_first && spelling == LENS_SNAKE)
        buf_byte(to, '_');
    if (!is_first && spelling == LENS_KEBAB)
        buf_byte(to, '-');
    char cased = lower(c);
    if (big)
        cased = upper(c);
    buf_byte(to, cased);
}

void
lens_spell(span key, enum lens_spelling spelling, struct buf *to)
{
    bool is_first = true;
    bool at_start = true;
    for (size_t i = 0; i < key.len; i++) {
        char c = key.at[i];
        if (is_mark(c) && !is_first && i + 1 < key.len &&
            !is_mark(key.at[i + 1])) {
            at_start = true;
            continue;
        }
        if (is_mark(c)) {
            buf_byte(to, c);
            continue;
        }
        if (at_start || is_upper(c)) {
            put_start(to, c, spelling, is_first);
            is_first = at_start = false;
            continue;
        }
        buf_byte(to, c);
    }
}
