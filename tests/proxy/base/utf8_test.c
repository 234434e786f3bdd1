/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/test.h"

#include "proxy/base/utf8.h"

TEST(every_code_point_but_a_surrogate_is_one_character)
{
    for (uint32_t code = 0; code <= 0x10FFFF; code++) {
        char bytes[4];
        size_t n = utf8_put(bytes, code);
        bool surrogate = code >= 0xD800 && code <= 0xDFFF;

        if (utf8_char(span_of(bytes, n)) != (surrogate ? 0 : n))
            fail_msg("U+%04X", code);
        if (n > 1 && utf8_char(span_of(bytes, n - 1)) != 0)
            fail_msg("U+%04X cut short", code);
    }
}

TEST(bytes_that_are_no_character_end_what_is_good)
{
    static const struct {
        span s;
        size_t good;
    } cases[] = {
        {SPAN(""), 0},
        {SPAN("abc"), 3},
        {SPAN("a\0b"), 3},
        {SPAN("\xE2\x82\xAC!"), 4},
        {SPAN("a\x80"), 1},
        {SPAN("a\xC0\x80"), 1},
        {SPAN("\xC1\xBF"), 0},
        {SPAN("\xE0\x9F\xBF"), 0},
        {SPAN("\xED\xA0\x80"), 0},
        {SPAN("\xF0\x8F\xBF\xBF"), 0},
        {SPAN("\xF4\x90\x80\x80"), 0},
        {SPAN("\xF5\x80\x80\x80"), 0},
        {SPAN("ab\xE2\x82"), 2},
        {SPAN("\xE2\x28\xA1"), 0},
        {SPAN("\xF0\x9F\x98("), 0},
    };

    for (size_t i = 0; i < COUNT(cases); i++)
        assert_int_equal(utf8_good(cases[i].s), cases[i].good);
}
