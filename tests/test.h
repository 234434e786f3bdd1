/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test: a test's name is a claim. TEST(claim) { ... } registers itself; one
 * program holds the tests of one room, run by cmocka.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proxy/base/arena.h"

#define TEST(claim)                                                            \
    static void claim(void **);                                                \
    __attribute__((constructor)) static void register_##claim(void)            \
    {                                                                          \
        test_register(#claim, claim);                                          \
    }                                                                          \
    static void claim(void **state __attribute__((unused)))

void test_register(const char *claim, void (*fn)(void **));

/* Fails the test unless the span holds exactly this C string. */
#define assert_span(s, text) test_assert_span((s), (text), __FILE__, __LINE__)
void test_assert_span(span s, const char *text, const char *file, int line);

/* A whole file in `a`, failing the test if it cannot be read. */
span test_file(struct arena *a, const char *path);

/* A small repeatable generator for property tests: splitmix64. */
uint64_t test_random(uint64_t *seed);
