/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/base/reserve.h"

#include "tests/test.h"

TEST(what_the_heap_has_is_not_taken_from_the_reserve)
{
    bool starved = false;
    char *p = reserve_calloc(4, 25, &starved);

    for (size_t i = 0; i < 100; i++)
        assert_int_equal(p[i], 0);
    memset(p, 7, 100);
    p = reserve_realloc(p, 1000, &starved);
    for (size_t i = 0; i < 100; i++)
        assert_int_equal(p[i], 7);
    assert_false(starved);
    reserve_free(p);
    reserve_free(NULL);
    reserve_free(reserve_malloc(0, &starved));
    assert_false(starved);
}
