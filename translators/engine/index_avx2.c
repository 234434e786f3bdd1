/* SPDX-License-Identifier: Apache-2.0 */
#if defined(__x86_64__)
#include "translators/engine/machine.h"
#include "translators/engine/wide_avx2.h"

#define INDEX_RUN    engine_index_avx2
#define INDEX_TARGET ENGINE_AVX2_TARGET
#define INDEX_ALWAYS ALWAYS

/* A table has, at the lower half of each byte that is looked for, that byte; of
 * marks with the bit that tells braces from brackets set. */
#define BY_LOWER_HALF(zero, nine, ten, eleven, twelve, thirteen)               \
    _mm256_setr_epi8(zero, 0, 0, 0, 0, 0, 0, 0, 0, nine, ten, eleven, twelve,  \
                     thirteen, 0, 0, zero, 0, 0, 0, 0, 0, 0, 0, 0, nine, ten,  \
                     eleven, twelve, thirteen, 0, 0)

ALWAYS uint64_t
both(__m256i low, __m256i high)
{
    return (uint64_t)bits_of(high) << 32 | bits_of(low);
}

ALWAYS uint64_t
equals(__m256i low, __m256i high, __m256i to)
{
    return both(_mm256_cmpeq_epi8(low, to), _mm256_cmpeq_epi8(high, to));
}

ALWAYS struct engine_block
look(const char *p)
{
    const __m256i marks = BY_LOWER_HALF(0, 0, ':', '{', ',', '}');
    const __m256i spaces = BY_LOWER_HALF(' ', '\t', '\n', 0, 0, '\r');
    const __m256i control = _mm256_set1_epi8(0x1F);
    const __m256i brace = _mm256_set1_epi8(0x20);
    __m256i low = load32(p);
    __m256i high = load32(p + 32);
    return (struct engine_block){
        .quotes = equals(low, high, _mm256_set1_epi8('"')),
        .slashes = equals(low, high, _mm256_set1_epi8('\\')),
        .marks = both(_mm256_cmpeq_epi8(_mm256_or_si256(low, brace),
                                        _mm256_shuffle_epi8(marks, low)),
                      _mm256_cmpeq_epi8(_mm256_or_si256(high, brace),
                                        _mm256_shuffle_epi8(marks, high))),
        .spaces =
            both(_mm256_cmpeq_epi8(low, _mm256_shuffle_epi8(spaces, low)),
                 _mm256_cmpeq_epi8(high, _mm256_shuffle_epi8(spaces, high))),
        .controls =
            both(_mm256_cmpeq_epi8(_mm256_min_epu8(low, control), low),
                 _mm256_cmpeq_epi8(_mm256_min_epu8(high, control), high)),
        .has_high = bits_of(_mm256_or_si256(low, high)) != 0};
}

#define PUT(i)                                                                 \
    to[i] = (uint16_t)(from + (unsigned)_tzcnt_u64(starts));                   \
    starts &= starts - 1

/* Eight at a time: how often is guessed more easily than how many there are. */
ALWAYS void
put(uint16_t *to, unsigned from, uint64_t starts)
{
    unsigned n = (unsigned)__builtin_popcountll(starts);
    for (unsigned done = 0; done < n; done += 8, to += 8) {
        PUT(0);
        PUT(1);
        PUT(2);
        PUT(3);
        PUT(4);
        PUT(5);
        PUT(6);
        PUT(7);
    }
}

#include "translators/engine/index_blocks.h"
#else
/* No such processor, no such index. */
typedef int engine_has_no_index_avx2;
#endif
