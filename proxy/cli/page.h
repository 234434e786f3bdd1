/* SPDX-License-Identifier: Apache-2.0 */
/*
 * page: lines for people, of at most 100 columns whatever the names' length.
 *
 * What does not fit goes on below, indented; a line is broken at a blank, and
 * inside a word only if the word alone is longer than a line. Nothing is left
 * out, so names can be copied and searched for. What came from outside may not
 * steer the terminal: a control character is shown as `?`.
 */
#pragma once

#include "proxy/base/span.h"

#include <stdio.h>

#define PAGE_COLUMNS 100

/* `text` is one line, without its end; its further lines begin after `hang`
 * columns (fewer than PAGE_COLUMNS). A letter of several bytes is one column. */
void page_put(FILE *out, size_t hang, span text);

/* The same of what printf would write, to standard output. */
void page_line(size_t hang, const char *fmt, ...) PRINTF(2, 3);

/* The same to standard error: a command's complaint. */
void page_error(const char *fmt, ...) PRINTF(1, 2);

/*
 * Into `out`, what of `text` fits `columns` (at most PAGE_COLUMNS): if it is
 * longer its middle is left out, for `…`. For a table that is redrawn in place;
 * filled up with blanks.
 */
#define PAGE_CELL_MAX ((size_t)PAGE_COLUMNS * 4 + 1)
void page_cell(span text, size_t columns, char out[PAGE_CELL_MAX]);

/* One letter of a text for the terminal, at text.at[*i]; moves *i behind it. */
span page_letter(span text, size_t *i);
