/* SPDX-License-Identifier: Apache-2.0 */
/*
 * index: where tokens begin in some bytes at once. The room's own.
 *
 * A block of 64 bytes is looked at as words of 64 bits: which bytes are quotes,
 * which are inside of a text, which begin something (G. Langdale and D. Lemire,
 * "Parsing gigabytes of JSON per second", 2019, section 3.1). What begins is a
 * bracket, a comma, a colon, a text by its opening quote, or a run of other bytes
 * that are no white space. Texts are checked as they are passed: escapes, control
 * bytes, UTF-8. At a block with anything wrong the index ends, so whatever stands
 * between two places of it is right; what is wrong the loop finds, and where.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ENGINE_INDEX       2048 /* bytes that are looked at in one go */
#define ENGINE_INDEX_SLACK 64   /* places that are written at once */

struct engine_index {
    const char *base; /* places count from here */
    size_t n;
    bool has_escapes; /* in a text */
    uint16_t at[ENGINE_INDEX + ENGINE_INDEX_SLACK];
};

/* What 64 bytes are, each a bit. */
struct engine_block {
    uint64_t quotes;
    uint64_t slashes;
    uint64_t marks; /* brackets, commas, colons */
    uint64_t spaces;
    uint64_t controls; /* and white space but for the blank */
    bool has_high;     /* others than ASCII */
};

/* Of what begins from `from`, which is in no token, up to before `end`; behind
 * that ENGINE_SLACK bytes may be read. */
typedef void (*engine_index_fn)(struct engine_index *x, const char *from,
                                const char *end);
void engine_index_avx2(struct engine_index *x, const char *from,
                       const char *end);
void engine_index_avx512(struct engine_index *x, const char *from,
                         const char *end);
