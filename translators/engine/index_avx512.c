/* SPDX-License-Identifier: Apache-2.0 */
#if defined(__x86_64__)
#include "translators/engine/machine.h"
#include "translators/engine/wide_avx2.h"

#define INDEX_RUN engine_index_avx512
#define INDEX_TARGET                                                           \
    __attribute__((target("avx512f,avx512bw,avx512vl,avx512vbmi2,avx2,bmi,"    \
                          "bmi2,lzcnt,popcnt,pclmul")))
#define INDEX_ALWAYS static inline __attribute__((always_inline)) INDEX_TARGET

/* As in index_avx2.c. */
#define BY_LOWER_HALF(zero, nine, ten, eleven, twelve, thirteen)               \
    _mm512_broadcast_i32x4(_mm_setr_epi8(zero, 0, 0, 0, 0, 0, 0, 0, 0, nine,   \
                                         ten, eleven, twelve, thirteen, 0, 0))

INDEX_ALWAYS struct engine_block
look(const char *p)
{
    const __m512i marks = BY_LOWER_HALF(0, 0, ':', '{', ',', '}');
    const __m512i spaces = BY_LOWER_HALF(' ', '\t', '\n', 0, 0, '\r');
    const __m512i brace = _mm512_set1_epi8(0x20);
    __m512i v = _mm512_loadu_si512((const void *)p);
    return (struct engine_block){
        .quotes = _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8('"')),
        .slashes = _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8('\\')),
        .marks = _mm512_cmpeq_epi8_mask(_mm512_or_si512(v, brace),
                                        _mm512_shuffle_epi8(marks, v)),
        .spaces = _mm512_cmpeq_epi8_mask(v, _mm512_shuffle_epi8(spaces, v)),
        .controls = _mm512_cmplt_epu8_mask(v, brace),
        .has_high = _mm512_movepi8_mask(v) != 0};
}

INDEX_ALWAYS void
put(uint16_t *to, unsigned from, uint64_t starts)
{
    const __m512i counted = _mm512_set_epi8(
        63, 62, 61, 60, 59, 58, 57, 56, 55, 54, 53, 52, 51, 50, 49, 48, 47, 46,
        45, 44, 43, 42, 41, 40, 39, 38, 37, 36, 35, 34, 33, 32, 31, 30, 29, 28,
        27, 26, 25, 24, 23, 22, 21, 20, 19, 18, 17, 16, 15, 14, 13, 12, 11, 10,
        9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    __m512i places = _mm512_maskz_compress_epi8(starts, counted);
    __m512i base = _mm512_set1_epi16((short)from);
    _mm512_storeu_si512(
        to, _mm512_add_epi16(
                base, _mm512_cvtepu8_epi16(_mm512_castsi512_si256(places))));
    if (UNLIKELY(_mm_popcnt_u64(starts) > 32))
        _mm512_storeu_si512(
            to + 32,
            _mm512_add_epi16(base, _mm512_cvtepu8_epi16(
                                       _mm512_extracti64x4_epi64(places, 1))));
}

#include "translators/engine/index_blocks.h"
#else
/* No such processor, no such index. */
typedef int engine_has_no_index_avx512;
#endif
