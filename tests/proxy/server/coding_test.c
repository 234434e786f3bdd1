/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/test.h"

#include "proxy/server/coding.h"

#include <string.h>

#define SIZE ((size_t)200000)

static const enum coding all[] = {CODING_GZIP, CODING_DEFLATE, CODING_BR,
                                  CODING_ZSTD};

/* Half of it repeats, half does not. */
static void
fill(char *at, size_t n)
{
    uint64_t seed = 7;

    for (size_t i = 0; i < n; i++)
        at[i] = (char)(i / 1000 % 2 ? test_random(&seed) : 'a' + i % 7);
}

static void
encode(struct arena *a, enum coding c, span s, size_t cut, bool flush,
       struct buf *out)
{
    struct encoder *e = encoder_new(a, c);

    assert_non_null(e);
    for (; s.len; s = span_skip(s, span_take(s, cut).len))
        assert_true(encoder_put(e, span_take(s, cut), flush, out));
    assert_true(encoder_end(e, out));
}

/* OK and whole, or the first failure; what came goes to `out`. */
static enum err_code
decode(struct decoder *d, span s, size_t cut, struct buf *out)
{
    for (; s.len; s = span_skip(s, span_take(s, cut).len)) {
        span in = span_take(s, cut), piece;

        do {
            enum err_code code = decoder_take(d, &in, &piece);

            if (code != OK)
                return code;
            buf_add(out, piece);
        } while (in.len || piece.len);
    }
    return OK;
}

TEST(what_is_put_on_is_taken_off_however_it_is_cut)
{
    static const size_t cuts[] = {1, 3, 4096, SIZE};
    static char bytes[SIZE];
    struct buf coded, plain;

    fill(bytes, SIZE);
    buf_init(&coded, SIZE * 4);
    buf_init(&plain, SIZE * 4);
    for (size_t i = 0; i < COUNT(all); i++)
        for (size_t k = 0; k < COUNT(cuts); k++) {
            struct arena *a = arena_new(1 << 20);
            size_t n = cuts[k] == 1 ? 5000 : SIZE;

            encode(a, all[i], span_of(bytes, n), cuts[k] * 7, k % 2, &coded);
            struct decoder *d = decoder_new(a, all[i]);
            assert_int_equal(decode(d, buf_span(&coded), cuts[k], &plain), OK);
            assert_true(decoder_is_whole(d));
            assert_int_equal(buf_len(&plain), n);
            assert_memory_equal(buf_span(&plain).at, bytes, n);
            buf_clear(&coded);
            buf_clear(&plain);
            arena_free(&a);
        }
    buf_fini(&coded);
    buf_fini(&plain);
}

TEST(what_was_flushed_can_be_read_at_once)
{
    struct buf coded, plain;

    buf_init(&coded, SIZE);
    buf_init(&plain, SIZE);
    for (size_t i = 0; i < COUNT(all); i++) {
        struct arena *a = arena_new(1 << 20);
        struct encoder *e = encoder_new(a, all[i]);
        struct decoder *d = decoder_new(a, all[i]);

        for (size_t n = 1; n < 4; n++) {
            assert_true(encoder_put(e, SPAN("{\"record\":1}\n"), true, &coded));
            assert_int_equal(decode(d, buf_span(&coded), SIZE, &plain), OK);
            buf_clear(&coded);
            assert_int_equal(buf_len(&plain), n * 13);
        }
        assert_false(decoder_is_whole(d));
        buf_clear(&plain);
        arena_free(&a);
    }
    buf_fini(&coded);
    buf_fini(&plain);
}

TEST(no_byte_that_is_missing_changed_or_too_many_passes_for_a_whole_body)
{
    struct buf coded, plain;
    char text[600];

    fill(text, sizeof(text));
    buf_init(&coded, SIZE);
    buf_init(&plain, SIZE);
    for (size_t i = 0; i < COUNT(all); i++) {
        struct arena *a = arena_new(1 << 20);

        encode(a, all[i], span_of(text, sizeof(text)), SIZE, false, &coded);
        span s = buf_span(&coded);
        for (size_t n = 0; n < s.len; n++) {
            struct decoder *d = decoder_new(a, all[i]);

            assert_true(decode(d, span_take(s, n), SIZE, &plain) != OK ||
                        !decoder_is_whole(d));
            buf_clear(&plain);
        }
        buf_byte(&coded, 'x');
        struct decoder *d = decoder_new(a, all[i]);
        assert_true(decode(d, buf_span(&coded), SIZE, &plain) != OK ||
                    !decoder_is_whole(d));
        buf_clear(&plain);
        buf_clear(&coded);
        arena_free(&a);
    }
    buf_fini(&coded);
    buf_fini(&plain);
}

TEST(a_coding_has_a_name_and_a_list_of_two_is_none)
{
    static const struct {
        span value;
        bool known;
        enum coding coding;
    } cases[] = {
        {SPAN(""), true, CODING_NONE},
        {SPAN("identity"), true, CODING_NONE},
        {SPAN("GZip"), true, CODING_GZIP},
        {SPAN(" x-gzip ,"), true, CODING_GZIP},
        {SPAN("br"), true, CODING_BR},
        {SPAN("zstd"), true, CODING_ZSTD},
        {SPAN("deflate"), true, CODING_DEFLATE},
        {SPAN("gzip, br"), false, CODING_NONE},
        {SPAN("compress"), false, CODING_NONE},
        {SPAN("gzi"), false, CODING_NONE},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        enum coding c;

        assert_int_equal(coding_of(cases[i].value, &c), cases[i].known);
        if (cases[i].known)
            assert_int_equal(c, cases[i].coding);
    }
}
