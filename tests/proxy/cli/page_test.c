/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/cli/page.h"
#include "tests/test.h"

#include <stdlib.h>

static void
check(size_t hang, const char *text, const char *want)
{
    char *put = NULL;
    size_t len;
    FILE *out = open_memstream(&put, &len);

    assert_non_null(out);
    page_put(out, hang, span_str(text));
    assert_int_equal(fclose(out), 0);
    assert_string_equal(put, want);
    free(put);
}

#define TEN   "0123456789"
#define FORTY TEN TEN TEN TEN
#define FULL  FORTY FORTY TEN TEN

TEST(a_line_that_fits_is_as_it_is)
{
    check(4, "", "\n");
    check(4, "  two  words", "  two  words\n");
    check(4, FULL, FULL "\n");
    check(4, "an end in blanks   ", "an end in blanks\n");
}

TEST(what_does_not_fit_goes_on_below_after_the_last_blank_that_does)
{
    check(4, FORTY " " FORTY " " FORTY, FORTY " " FORTY "\n    " FORTY "\n");
    check(0, FULL " x", FULL "\nx\n");
    check(2, "  " FORTY FORTY "   tail " FORTY,
          "  " FORTY FORTY "   tail\n  " FORTY "\n");
}

TEST(a_word_is_broken_only_if_it_is_longer_than_a_line)
{
    check(10, "name " FULL,
          "name\n          " FORTY FORTY TEN "\n          " TEN "\n");
    check(0, "  " FULL, "  " FORTY FORTY TEN "01234567\n89\n");
}

TEST(a_letter_is_a_column_however_many_bytes_it_has)
{
    check(4, FORTY FORTY TEN "äöü€ß日本語x", FORTY FORTY TEN "äöü€ß日本語x\n");
    check(4, FORTY FORTY TEN "äöü€ß日本語xyz",
          FORTY FORTY TEN "äöü€ß日本語xy\n    z\n");
}

TEST(nothing_steers_the_terminal)
{
    check(4, "a\033[2Jb\tc\nd\x7f\xc2\x9bz\xc2\xa0", "a?[2Jb?c?d??z\xc2\xa0\n");
}

TEST(a_cell_has_its_width_and_keeps_both_ends)
{
    static const struct {
        const char *text;
        size_t columns;
        const char *want;
    } cells[] = {
        {"", 3, "   "},
        {"abc", 5, "abc  "},
        {"abcde", 5, "abcde"},
        {"abcdef", 5, "ab…ef"},
        {"abcdefgh", 4, "ab…h"},
        {"abc", 1, "…"},
        {"日本語日本語", 5, "日本…本語"},
        {"a\033bcdefg", 8, "a?bcdefg"},
    };
    char out[PAGE_CELL_MAX];

    for (size_t i = 0; i < COUNT(cells); i++) {
        page_cell(span_str(cells[i].text), cells[i].columns, out);
        assert_string_equal(out, cells[i].want);
    }
}
