/* SPDX-License-Identifier: Apache-2.0 */
/*
 * span: some bytes that belong to somebody else.
 *
 * A value, copied freely. It is not terminated by NUL and may hold one. An
 * empty span may have a null pointer; no function here follows it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/types.h>

#define MUST_CHECK   __attribute__((warn_unused_result))
#define PRINTF(f, a) __attribute__((format(printf, f, a)))
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

typedef struct {
    const char *at;
    size_t len;
} span;

/* For printf: printf("%.*s", SPAN_FMT(s)). */
#define SPAN_FMT(s)                                                            \
    ((int)((s).len > 4096 ? 4096 : (s).len)), ((s).at ? (s).at : "")

/* A string literal, its NUL left out. */
#define SPAN(literal) ((span){"" literal, sizeof(literal) - 1})

static inline span
span_of(const char *at, size_t len)
{
    return (span){at, len};
}

/* A NUL-terminated string; NULL is empty. */
static inline span
span_str(const char *s)
{
    if (!s)
        return (span){0};
    return (span){s, strlen(s)};
}

/* What has a length has bytes, which the analyzer cannot know. */
/* NOLINTBEGIN(clang-analyzer-core.NonNullParamChecker) */
static inline bool
span_eq(span a, span b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

static inline bool
span_is(span a, const char *s)
{
    return span_eq(a, span_str(s));
}

static inline bool
span_starts(span s, span prefix)
{
    return s.len >= prefix.len &&
           (prefix.len == 0 || memcmp(s.at, prefix.at, prefix.len) == 0);
}
/* NOLINTEND(clang-analyzer-core.NonNullParamChecker) */

static inline bool
span_ends(span s, span suffix)
{
    return s.len >= suffix.len &&
           (suffix.len == 0 ||
            memcmp(s.at + (s.len - suffix.len), suffix.at, suffix.len) == 0);
}

/* What is left of `s` after its first `n` bytes; `n` may not exceed its length. */
static inline span
span_skip(span s, size_t n)
{
    return n == 0 ? s : (span){s.at + n, s.len - n};
}

static inline span
span_take(span s, size_t n)
{
    return (span){s.at, n < s.len ? n : s.len};
}

/* ASCII letters alone are folded: header names, schemes, hosts. */
bool span_eq_nocase(span a, span b);

/* Bytewise order, as memcmp; a prefix comes first. */
int span_cmp(span a, span b);

/* Offset of the first `c` in `s`, or -1. */
ssize_t span_find(span s, char c);

/*
 * Cut `s` at the first `c`: what was before it is returned, `s` becomes what
 * comes after. Without `c` all of `s` is returned and `s` becomes empty.
 */
span span_cut(span *s, char c);

/* Without spaces and tabs at both ends (OWS, RFC 9110 §5.6.3). */
span span_trim(span s);

/* A decimal number, digits only, all of `s`. False if empty, other or too big. */
bool span_to_u64(span s, uint64_t *out);
