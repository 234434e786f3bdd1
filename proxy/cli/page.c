/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/cli/page.h"

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>

/* C0, DEL, and C1 as UTF-8 spells it (0xc2 0x80 to 0xc2 0x9f). */
static bool
steers(span letter)
{
    unsigned char c = (unsigned char)letter.at[0];

    return c < ' ' || c == 0x7f ||
           (c == 0xc2 && letter.len == 2 && (unsigned char)letter.at[1] < 0xa0);
}

span
page_letter(span text, size_t *i)
{
    size_t from = (*i)++;

    while (*i < text.len && ((unsigned char)text.at[*i] & 0xc0) == 0x80)
        (*i)++;
    span letter = {text.at + from, *i - from};
    return steers(letter) ? SPAN("?") : letter;
}

/* How many bytes the first `columns` of a text take. */
static size_t
bytes_of(span text, size_t columns)
{
    size_t i = 0;

    while (columns-- > 0 && i < text.len)
        (void)page_letter(text, &i);
    return i;
}

/* How many bytes of a text stand on a line of so many columns. */
static size_t
fitting(span text, size_t columns)
{
    size_t n = bytes_of(text, columns), blank = n;

    if (n == text.len)
        return n;
    while (blank > 0 && text.at[blank] != ' ')
        blank--;
    /* Blanks that the text begins with are its indentation, and no place. */
    bool is_place = span_trim(span_take(text, blank)).len > 0;
    return is_place ? blank : n;
}

static void
put_letters(FILE *out, span text)
{
    for (size_t i = 0; i < text.len;) {
        span letter = page_letter(text, &i);
        (void)fwrite(letter.at, 1, letter.len, out);
    }
}

static span
without_blanks_before(span text)
{
    while (text.len > 0 && text.at[0] == ' ')
        text = span_skip(text, 1);
    return text;
}

static span
without_blanks_behind(span text)
{
    while (text.len > 0 && text.at[text.len - 1] == ' ')
        text.len--;
    return text;
}

void
page_put(FILE *out, size_t hang, span text)
{
    size_t indent = 0;

    assert(hang < PAGE_COLUMNS);
    text = without_blanks_behind(text);
    do {
        size_t n = fitting(text, PAGE_COLUMNS - indent);
        (void)fprintf(out, "%*s", (int)indent, "");
        put_letters(out, without_blanks_behind(span_take(text, n)));
        (void)fputc('\n', out);
        text = without_blanks_before(span_skip(text, n));
        indent = hang;
    } while (text.len > 0);
}

static void PRINTF(3, 0)
    put_formatted(FILE *out, size_t hang, const char *fmt, va_list args)
{
    char *text;

    if (vasprintf(&text, fmt, args) < 0)
        return; /* no memory for a line: nothing more can be said */
    page_put(out, hang, span_str(text));
    free(text);
}

void
page_line(size_t hang, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    put_formatted(stdout, hang, fmt, args);
    va_end(args);
}

void
page_error(const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    put_formatted(stderr, 4, fmt, args);
    va_end(args);
}

static char *
cell_add(char *at, span part)
{
    for (size_t i = 0; i < part.len;) {
        span letter = page_letter(part, &i);
        /* A letter is at most four bytes; what claims more is no UTF-8. */
        if (letter.len > 4)
            letter = SPAN("?");
        memcpy(at, letter.at, letter.len);
        at += letter.len;
    }
    return at;
}

void
page_cell(span text, size_t columns, char out[PAGE_CELL_MAX])
{
    size_t letters = 0, i = 0;
    char *at = out;

    assert(columns > 0 && columns <= PAGE_COLUMNS);
    for (; i < text.len; letters++)
        (void)page_letter(text, &i);
    if (letters <= columns) {
        at = cell_add(at, text);
        for (; letters < columns; letters++)
            *at++ = ' ';
    } else {
        size_t behind = (columns - 1) / 2, before = columns - 1 - behind;
        at = cell_add(at, span_take(text, bytes_of(text, before)));
        at = cell_add(at, SPAN("…"));
        at = cell_add(at, span_skip(text, bytes_of(text, letters - behind)));
    }
    *at = '\0';
}
