/* SPDX-License-Identifier: Apache-2.0 */
/*
 * index_blocks: from block to block. Compiled once for each level: before it come
 * INDEX_RUN, INDEX_TARGET and
 *
 *   look(p)                the 64 bytes at `p` as a struct engine_block
 *   put(to, from, starts)  the places of the bits of `starts`, each plus `from`;
 *       ENGINE_INDEX_SLACK may be written
 */
#include "translators/engine/scan.h"
#include "translators/engine/wide_avx2.h"

/* What a block carries over into the next. */
struct before {
    uint64_t in_text;  /* all ones or none */
    uint64_t escaped;  /* 1: its last byte was a backslash that escapes */
    uint64_t no_quote; /* 1: its last byte goes on in a run */
    bool has_high;     /* others than ASCII */
};

/* Each bit is the parity of those up to it: ones from an opening quote up to
 * before the closing one. */
INDEX_ALWAYS uint64_t
insides(uint64_t quotes)
{
    __m128i all = _mm_set1_epi8((char)0xFF);
    __m128i of = _mm_set_epi64x(0, (long long)quotes);
    return (uint64_t)_mm_cvtsi128_si64(_mm_clmulepi64_si128(of, all, 0));
}

/* Which bytes an escape covers first; false: one is wrong, or not all there. */
static __attribute__((noinline)) bool
find_escaped(const char *block, const char *stop, uint64_t slashes,
             struct before *before, uint64_t *escaped)
{
    *escaped = before->escaped;
    slashes &= ~before->escaped;
    before->escaped = 0;
    while (slashes) {
        unsigned at = (unsigned)__builtin_ctzll(slashes);
        const char *bad = NULL;
        if (!engine_escape(block + at + 1, stop, &bad))
            return false;
        if (at == 63)
            before->escaped = 1;
        else
            *escaped |= (uint64_t)2 << at;
        slashes &= ~((uint64_t)3 << at);
    }
    return true;
}

INDEX_ALWAYS bool
is_utf8(const char *block, bool is_first)
{
    __m256i v = load32(block);
    __m256i before = is_first ? _mm256_setzero_si256() : load32(block - 32);
    __m256i next = load32(block + 32);
    __m256i wrong = _mm256_or_si256(wrong_in(v, before), wrong_in(next, v));
    return _mm256_testz_si256(wrong, wrong);
}

INDEX_TARGET void
INDEX_RUN(struct engine_index *x, const char *from, const char *end)
{
    size_t len = (size_t)(end - from);
    if (len > ENGINE_INDEX)
        len = ENGINE_INDEX;
    struct before before = {0};
    size_t n = 0;
    bool has_escapes = false;
    for (size_t at = 0; at < len; at += 64) {
        struct engine_block b = look(from + at);
        uint64_t valid =
            len - at < 64 ? ((uint64_t)1 << (len - at)) - 1 : UINT64_MAX;
        uint64_t quotes = b.quotes;
        if (UNLIKELY(b.slashes | before.escaped)) {
            uint64_t escaped = 0;
            if (!find_escaped(from + at, end + ENGINE_SLACK, b.slashes, &before,
                              &escaped))
                break;
            has_escapes = true;
            quotes &= ~escaped;
        }
        uint64_t inside = insides(quotes) ^ before.in_text;
        if (UNLIKELY(b.controls & inside & valid))
            break;
        if (UNLIKELY(b.has_high | before.has_high) &&
            !is_utf8(from + at, at == 0))
            break;
        uint64_t no_quote = ~(b.marks | b.spaces | quotes);
        uint64_t runs = ~(b.marks | b.spaces);
        uint64_t starts =
            (b.marks | (runs & ~(no_quote << 1 | before.no_quote))) &
            ~(inside ^ quotes);
        before.in_text = (uint64_t)((int64_t)inside >> 63);
        before.no_quote = no_quote >> 63;
        before.has_high = b.has_high;
        starts &= valid;
        put(x->at + n, (unsigned)at, starts);
        n += (size_t)__builtin_popcountll(starts);
    }
    x->base = from;
    x->n = n;
    x->has_escapes = has_escapes;
}
