/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/test.h"

#include "proxy/base/quantity.h"

TEST(durations_and_sizes_are_a_whole_number_and_a_unit)
{
    uint64_t n;

    assert_true(quantity_ms(SPAN("250ms"), &n) && n == 250);
    assert_true(quantity_ms(SPAN("2m"), &n) && n == 120000);
    assert_true(quantity_bytes(SPAN("64KiB"), &n) && n == 65536);
    assert_true(quantity_bytes(SPAN("12"), &n) && n == 12);
    assert_false(quantity_ms(SPAN("12"), &n));
    assert_false(quantity_ms(SPAN("1.5s"), &n));
    assert_false(quantity_ms(SPAN("s"), &n));
    assert_false(quantity_ms(SPAN("1 s"), &n));
    assert_false(quantity_bytes(SPAN("18446744073709551615KiB"), &n));
}

TEST(a_share_reads_back_as_it_is_written)
{
    static const struct {
        const char *text;
        uint32_t ppm;
    } rows[] = {{"0%", 0},        {"0.0001%", 1},    {"0.01%", 100},
                {"1%", 10000},    {"12.5%", 125000}, {"33.3333%", 333333},
                {"100%", 1000000}};

    for (size_t i = 0; i < COUNT(rows); i++) {
        char text[16];
        uint32_t ppm;

        assert_true(quantity_share(span_str(rows[i].text), &ppm));
        assert_int_equal(ppm, rows[i].ppm);
        quantity_share_text(ppm, text, sizeof(text));
        assert_string_equal(text, rows[i].text);
    }
}

TEST(a_share_that_could_mean_two_things_is_refused)
{
    static const char *const rows[] = {
        "5",   "1",        "100.1%",     "101%", "-1%", "1.%",
        ".5%", "0.00001%", "1000001ppm", "%",    "",    "1 %"};
    uint32_t ppm;

    for (size_t i = 0; i < COUNT(rows); i++)
        assert_false(quantity_share(span_str(rows[i]), &ppm));
    assert_true(quantity_share(SPAN("7ppm"), &ppm) && ppm == 7);
    assert_true(quantity_share(SPAN("0"), &ppm) && ppm == 0);
}
