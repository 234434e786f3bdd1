/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy/control/health.h"
#include "tests/test.h"

/* p: a check passes, f: it fails; U, D, ?: what the endpoint is after it. */
static const char *const histories[] = {"pU",
                                        "f?fD",
                                        "f?pU",
                                        "pUfUfD",
                                        "pUfUpUfUfD",
                                        "pUfUfDpDpU",
                                        "f?fDpDfDpDpUfUfD"};

TEST(two_failures_bring_down_and_two_successes_up)
{
    for (size_t i = 0; i < COUNT(histories); i++) {
        struct health h = {0};
        for (const char *at = histories[i]; *at; at += 2) {
            enum endpoint_health was = h.is;
            bool changed = health_saw(&h, *at == 'p', 1);
            const char *is = h.is == HEALTH_UP     ? "U"
                             : h.is == HEALTH_DOWN ? "D"
                                                   : "?";
            assert_int_equal(is[0], at[1]);
            assert_true(changed == (was != h.is));
        }
    }
}

/* Each letter an endpoint: U, ?, or a digit: down since then. After: what is told. */
static const struct {
    const char *is;
    const char *told;
} pools[] = {
    {"U", "U"},       {"1", "?"},       {"1U", "DU"},     {"12", "D?"},
    {"21", "?D"},     {"11", "D?"},     {"1UU", "DUU"},   {"12U", "D?U"},
    {"4321", "??DD"}, {"1?U2", "D?UD"}, {"UUUU", "UUUU"}, {"12345", "DD???"},
};

TEST(at_most_half_of_a_pool_is_told_down_the_first_to_go_first)
{
    for (size_t i = 0; i < COUNT(pools); i++) {
        struct health h[8];
        const struct health *of[8];
        enum endpoint_health told[8];
        size_t n = strlen(pools[i].is);

        for (size_t k = 0; k < n; k++) {
            char c = pools[i].is[k];
            h[k] = (struct health){.is = c == 'U'   ? HEALTH_UP
                                         : c == '?' ? HEALTH_UNKNOWN
                                                    : HEALTH_DOWN,
                                   .since_ms = (uint64_t)c};
            of[k] = &h[k];
        }
        health_cap(of, n, told);
        for (size_t k = 0; k < n; k++)
            if (told[k] != (pools[i].told[k] == 'U'   ? HEALTH_UP
                            : pools[i].told[k] == '?' ? HEALTH_UNKNOWN
                                                      : HEALTH_DOWN))
                fail_msg("%s: endpoint %zu is told %s", pools[i].is, k,
                         endpoint_health_name(told[k]));
    }
}
