/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which builds have answered: each once, in the era in which it did, and no more
 * than there is room for.
 */
#include "routing/rollout/builds.h"

#include "tests/test.h"

#include <stdio.h>

static struct builds
read_all(const _Atomic uint64_t *words)
{
    struct builds all;

    builds_read(words, &all);
    return all;
}

TEST(a_build_is_known_by_all_of_its_name_and_shown_by_its_beginning)
{
    _Atomic uint64_t words[BUILDS_WORDS] = {0};
    struct builds none = {0}, all;
    char name[101], other[101];

    memset(name, 'a', 100);
    memset(other, 'a', 100);
    name[100] = other[100] = '\0';
    other[99] = 'b';
    builds_begin(words, 1, &none);
    builds_saw(words, span_str(name));
    builds_saw(words, span_str(name));
    builds_saw(words, SPAN(""));
    all = read_all(words);
    assert_int_equal(all.n, 1);
    assert_true(all.at[0].answers);
    assert_int_equal(strlen(all.at[0].text), BUILDS_TEXT - 1);
    builds_saw(words, span_str(other));
    assert_int_equal(read_all(words).n, 2);
}

TEST(before_an_era_has_begun_nothing_is_told)
{
    _Atomic uint64_t words[BUILDS_WORDS] = {0};
    struct builds all;

    builds_saw(words, SPAN("1"));
    all = read_all(words);
    for (size_t i = 0; i < all.n; i++)
        assert_false(all.at[i].answers);
    assert_false(builds_are_many(words));
}

TEST(an_era_begins_with_what_is_known_and_asks_who_answers_again)
{
    _Atomic uint64_t words[BUILDS_WORDS] = {0};
    struct builds known = {0}, all;

    builds_begin(words, 1, &known);
    builds_saw(words, SPAN("1"));
    builds_saw(words, SPAN("2"));
    all = read_all(words);
    known.at[known.n++] = all.at[1];
    builds_begin(words, 2, &known);
    assert_int_equal(builds_era(words), 2);
    all = read_all(words);
    assert_int_equal(all.n, 1);
    assert_string_equal(all.at[0].text, "2");
    assert_false(all.at[0].answers);
    builds_saw(words, SPAN("2"));
    builds_saw(words, SPAN("1"));
    all = read_all(words);
    assert_int_equal(all.n, 2);
    assert_true(all.at[0].answers && all.at[1].answers);
    assert_true(builds_have(&all, known.at[0].hash));
}

TEST(more_than_there_is_room_for_is_said_and_forgets_nobody)
{
    _Atomic uint64_t words[BUILDS_WORDS] = {0};
    struct builds none = {0}, all;
    char name[16];

    builds_begin(words, 1, &none);
    for (unsigned i = 0; i < BUILDS_MAX; i++) {
        (void)snprintf(name, sizeof(name), "%u", i);
        builds_saw(words, span_str(name));
    }
    assert_false(builds_are_many(words));
    builds_saw(words, SPAN("one more"));
    assert_true(builds_are_many(words));
    all = read_all(words);
    assert_int_equal(all.n, BUILDS_MAX);
    assert_string_equal(all.at[0].text, "0");
    builds_begin(words, 2, &none);
    assert_false(builds_are_many(words));
}
